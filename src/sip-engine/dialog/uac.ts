// User agent client: requests of applications, their responses, ACK and CANCEL (RFC 3261 sections 8.1, 9.1, 12.2.1, 13.2, 14.1).
//
// Invariants
//   C1. Everything is checked before anything is sent; a refusal changes nothing (request-drafts.ts).
//   C2. Every request ends in one final response: a peer's, or one made here.
import { cseqOf } from '../message/cseq.ts';
import { header } from '../message/headers.ts';
import type { SipRequest, SipResponse } from '../message/message.ts';
import { giveUpMs } from '../transaction/timers.ts';
import type { Source } from '../transport/flow.ts';
import { type Application, type Outcome, peerOf, refused } from './application.ts';
import { ClientRequest } from './client-request.ts';
import { contactUri, type Dialog, isTerminated } from './dialog.ts';
import type { EarlySubscriptions } from './early-subscriptions.ts';
import type { Environment } from './environment.ts';
import { failureResponse } from './failure-response.ts';
import type { InviteOutcomes } from './invite-outcomes.ts';
import type { KeptConnections } from './kept-connections.ts';
import { RequestDrafts } from './request-drafts.ts';
import { cancelOf, echoPeer, type RequestSender, type Sent, type Way } from './request-sender.ts';
import type { SessionTimers } from './session-timers.ts';
import { dialogOfResponse } from './uac-dialog.ts';

/** An INVITE that rings longer is cancelled (RFC 3261 timer C is at least three minutes). */
const RINGING_MAX_MS = 185_000;
const NO_DIALOG = 'Server error: unable to find dialog for dialog id provided';
/** Headers of a client's CANCEL that the INVITE decides. */
const NOT_IN_CANCEL = new Set([
  'from',
  'to',
  'contact',
  'p-asserted-identity',
  'call-id',
  'cseq',
  'via',
  'route',
  'max-forwards',
  'content-length',
  'content-type',
]);

export class UserAgentClient {
  readonly #environment: Environment;
  readonly #sender: RequestSender;
  readonly #outcomes: InviteOutcomes;
  readonly #sessionTimers: SessionTimers;
  readonly #drafts: RequestDrafts;
  readonly #subscriptions: EarlySubscriptions;
  /** Requests without a final response, by transaction id. */
  readonly #open = new Map<string, ClientRequest>();

  constructor(
    environment: Environment,
    sender: RequestSender,
    outcomes: InviteOutcomes,
    sessionTimers: SessionTimers,
    { kept, subscriptions }: { readonly kept: KeptConnections; readonly subscriptions: EarlySubscriptions },
  ) {
    this.#drafts = new RequestDrafts(environment, sender, sessionTimers, kept);
    this.#subscriptions = subscriptions;
    this.#environment = environment;
    this.#sender = sender;
    this.#outcomes = outcomes;
    this.#sessionTimers = sessionTimers;
  }

  /** @param nextHop where to send it instead of to its Request-URI; nothing else changes. */
  requestOutside(application: Application, client: SipRequest, nextHop: string | undefined): Outcome {
    const call = this.#drafts.outside(application, client, nextHop);
    return call instanceof ClientRequest ? this.#launch(call) : call;
  }

  requestInside(application: Application, dialogId: string, client: SipRequest): Outcome {
    const dialog = this.#environment.dialogs.byId(dialogId);
    if (client.method === 'ACK') return this.#outcomes.acknowledge(dialog, client);
    if (dialog === undefined) return refused(NO_DIALOG);
    const target = client.method === 'PRACK' ? this.#earlyDialogOf(dialog, client) : dialog;
    const call = this.#drafts.inside(application, client, target);
    if (!(call instanceof ClientRequest)) return call;
    if (client.method === 'BYE') return this.#bye(call, target);
    if (client.method === 'INVITE') return this.#reinvite(call, target);
    return this.#launch(call);
  }

  cancel(txnId: string, client: SipRequest): Outcome {
    const call = this.#open.get(txnId);
    if (call === undefined || call.method !== 'INVITE') {
      return refused(`unable to cancel unknown transaction id: ${txnId}`);
    }
    const extra = client.headers.filter((field) => !NOT_IN_CANCEL.has(field.name.toLowerCase()));
    const { bytes } = this.#cancel(call, extra);
    return {
      ok: true,
      txnId: this.#environment.names.uuid(),
      dialogId: '',
      peer: echoPeer(call.destination.hop),
      bytes,
    };
  }

  /** Its INVITEs are cancelled; what they still bring is acknowledged and ended. */
  applicationLost(application: Application): void {
    for (const call of this.#open.values()) {
      if (call.application === application && call.method === 'INVITE' && !call.final) this.#cancel(call, []);
    }
  }

  close(): void {
    for (const call of this.#open.values()) call.patience.stop();
    this.#open.clear();
  }

  #launch(call: ClientRequest): Outcome {
    const asComposed: Way = { request: call.request, destination: call.destination };
    // Behind a NAT only the way the dialog came by is open.
    const large = call.dialog?.sendTo === undefined ? this.#sender.largeWay(asComposed) : undefined;
    if (large !== undefined) call.travelBy(large);
    const sent = this.#start(call, large === undefined ? undefined : asComposed);
    const { records } = this.#environment;
    if (call.dialog === undefined && call.method === 'INVITE') records.attempted('application', call.request);
    if (call.dialog !== undefined && call.method === 'BYE') {
      call.dialog.isMortal = true;
      records.stopped(call.dialog, 'application', 'normal-release', call.request);
    }
    if (call.method === 'INVITE') this.#limitSilence(call);
    return { ok: true, txnId: call.txnId, dialogId: call.dialogId, peer: sent.peer, bytes: sent.bytes };
  }

  /** @param instead how it goes when there is no way like this: a large request that TCP does not reach (section 18.1.1). */
  #start(call: ClientRequest, instead: Way | undefined): Sent {
    this.#open.set(call.txnId, call);
    if (call.method === 'SUBSCRIBE' && call.dialog === undefined) this.#subscriptions.sent(call);
    return this.#sender.start(call.request, call.branch, call.destination, {
      response: (response, source) => this.#receive(call, response, source),
      failed: (cause) => {
        if (instead === undefined || cause !== 'transport' || call.cancel !== undefined) {
          this.#fail(call, cause === 'timeout' ? 408 : 503);
          return;
        }
        this.#sender.rememberNoTcp(call.destination);
        call.travelBy(instead);
        this.#start(call, undefined);
      },
      terminated: () => this.#forget(call),
    });
  }

  /** A hop that is silent is left for another one. What it still says to this INVITE is undone: CANCEL to a provisional, ACK and BYE to a 2xx. */
  #limitSilence(call: ClientRequest): void {
    const { firstResponseMs } = call.destination.hop;
    if (firstResponseMs === undefined || call.final) return;
    call.patience.start(() => {
      this.#cancel(call, []);
      this.#fail(call, 408);
    }, firstResponseMs);
  }

  /** One INVITE at a time in a dialog, in either direction (section 14.1): the second is answered 491 without being sent. */
  #reinvite(call: ClientRequest, dialog: Dialog): Outcome {
    if (dialog.invitePending || dialog.peerInvitePending !== undefined) {
      const { bytes, peer } = this.#sender.describe(call.request, call.destination);
      this.#fail(call, 491);
      return { ok: true, txnId: call.txnId, dialogId: call.dialogId, peer, bytes };
    }
    dialog.invitePending = true;
    return this.#launch(call);
  }

  /** A BYE cancels our open INVITE first, and waits for the ACK of our 2xx (section 15). */
  #bye(call: ClientRequest, dialog: Dialog): Outcome {
    for (const other of dialog.invitePending ? this.#open.values() : []) {
      if (other.dialog === dialog && other.method === 'INVITE' && !other.final) this.#cancel(other, []);
    }
    if (!dialog.awaitsAck) return this.#launch(call);
    const { bytes, peer } = this.#sender.describe(call.request, call.destination);
    let isHeld = true;
    dialog.heldBye = () => {
      isHeld = false;
      this.#launch(call);
    };
    // Should the dialog end before, nobody else would answer this BYE.
    dialog.onEnded.push(() => {
      if (isHeld) this.#fail(call, 481);
    });
    return { ok: true, txnId: call.txnId, dialogId: call.dialogId, peer, bytes };
  }

  #cancel(call: ClientRequest, extra: SipRequest['headers']): { bytes: Buffer } {
    call.cancel ??= { request: cancelOf(call.request, extra), sent: false };
    if (call.sawProvisional) this.#sendCancel(call);
    return this.#sender.describe(call.cancel.request, call.destination);
  }

  /** Not before a provisional response (section 9.1). If no final follows within 64 T1, the INVITE is given up. */
  #sendCancel(call: ClientRequest): void {
    if (call.cancel === undefined || call.cancel.sent) return;
    call.cancel.sent = true;
    this.#sender.start(call.cancel.request, call.branch, call.destination, NOBODY);
    call.patience.start(() => {
      this.#environment.transactions.abandonClient(call.branch, 'INVITE');
      this.#fail(call, 408);
      this.#forget(call);
    }, giveUpMs(this.#environment.timers));
  }

  #receive(call: ClientRequest, response: SipResponse, source: Source): void {
    this.#environment.statistics.response('in', call.method, response.status);
    if (response.status < 200) this.#provisional(call, response, source);
    else if (call.method === 'INVITE') this.#inviteFinal(call, response, source);
    else this.#final(call, response, source);
  }

  #provisional(call: ClientRequest, response: SipResponse, source: Source): void {
    call.sawProvisional = true;
    if (call.method === 'INVITE') {
      if (call.cancel !== undefined) this.#sendCancel(call);
      else call.patience.start(() => this.#cancel(call, []), RINGING_MAX_MS);
    }
    if (response.status === 100) return;
    if (call.method === 'INVITE' && call.dialog === undefined && !this.#outcomes.early(call, response, source)) return;
    call.deliver(response, peerOf(source));
  }

  /** RAck names the provisional it acknowledges, and so the fork; of forks that count alike, the next one that has no PRACK yet. */
  #earlyDialogOf(dialog: Dialog, prack: SipRequest): Dialog {
    const rseq = Number((header(prack, 'rack') ?? '').split(' ')[0]);
    for (const call of this.#open.values()) {
      if (call.dialogId !== dialog.id) continue;
      for (const early of call.early.values()) {
        if (early.lastRemoteRSeq !== rseq || early.acknowledgedRSeq === rseq) continue;
        early.acknowledgedRSeq = rseq;
        return early;
      }
    }
    return dialog;
  }

  #inviteFinal(call: ClientRequest, response: SipResponse, source: Source): void {
    if (response.status < 300) {
      const outcome = this.#outcomes.success(call, response, source);
      // Applications know 200 alone; what another 2xx means beside it nobody knows (section 8.1.3.2).
      const shown = response.status === 200 ? response : { ...response, status: 200, reason: 'OK' };
      if (outcome === 'answered') this.#final(call, shown, source);
      else if (outcome === 'hung up already') this.#fail(call, 487);
      return;
    }
    this.#final(call, response, source);
    for (const early of call.early.values()) early.end();
  }

  #final(call: ClientRequest, response: SipResponse, source: Source): void {
    if (!call.final) this.#record(call, response);
    call.deliver(response, peerOf(source));
    this.#finished(call, response, { source });
  }

  #fail(call: ClientRequest, status: number): void {
    if (call.final) return;
    const response = failureResponse(call.request, status, this.#environment.names.tag());
    this.#record(call, response);
    call.deliver(response, undefined);
    for (const early of call.early.values()) early.end();
    this.#finished(call, response, { fate: status === 491 ? 'never sent' : 'sent' });
  }

  #record(call: ClientRequest, response: SipResponse): void {
    const { records } = this.#environment;
    if (call.method !== 'INVITE' || call.dialog !== undefined) return;
    if (response.status >= 300) records.refused('network', response);
    else if (call.confirmed !== undefined) records.started(call.confirmed, 'network', response);
  }

  /** What a final response means for the dialog. */
  #finished(
    call: ClientRequest,
    response: SipResponse,
    { source, fate = 'sent' }: { source?: Source; fate?: 'sent' | 'never sent' },
  ): void {
    const { dialog, method } = call;
    this.#open.delete(call.txnId);
    if (method === 'SUBSCRIBE' && dialog === undefined) this.#subscribed(call, response, source);
    if (dialog === undefined || fate === 'never sent') return;
    if (method === 'INVITE') dialog.invitePending = false;
    if (method === 'UPDATE' && response.status < 300) {
      if (contactUri(response) !== undefined) dialog.refreshTarget(response);
      if (call.request.body.length > 0) dialog.localSdp = call.request.body;
      this.#sessionTimers.answeredByPeer(dialog, response);
    }
    const challenged = response.status === 401 || response.status === 407;
    const ends =
      method === 'BYE' || (method === 'NOTIFY' && dialog.method === 'SUBSCRIBE' && isTerminated(call.request));
    if (ends && !challenged) dialog.end();
    else if (ends) this.#endUnlessAsked(dialog);
  }

  /** It may come again with credentials; where it does not, nobody has anything left to say in this dialog (RFC 3261 section 15.1.1). */
  #endUnlessAsked(dialog: Dialog): void {
    const timer = this.#environment.clock.setTimer(() => dialog.end(), giveUpMs(this.#environment.timers));
    dialog.onEnded.push(() => timer.cancel());
  }

  #subscribed(call: ClientRequest, response: SipResponse, source: Source | undefined): void {
    const made = this.#subscriptions.answered(call, response);
    if (made !== undefined || response.status >= 300) return;
    const dialog = dialogOfResponse(call, response, source);
    dialog.confirm();
    this.#environment.dialogs.add(dialog);
    this.#environment.dialogs.prefer(dialog);
  }

  #forget(call: ClientRequest): void {
    call.patience.stop();
    this.#open.delete(call.txnId);
    const answeredIn = call.confirmed ?? call.dialog;
    if (call.method === 'INVITE') answeredIn?.answered.delete(cseqOf(call.request)?.number ?? 0);
  }
}

const NOBODY = { response: () => undefined, failed: () => undefined, terminated: () => undefined };
