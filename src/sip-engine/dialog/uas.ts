// User agent server, upward: requests from the network to applications (RFC 3261 sections 8.2, 9.2, 12.2.2, 14.2, 15.1.2).
//
// Invariants
//   U1. An INVITE is answered 100 before anything is asked of an application.
//   U2. Every request but ACK gets an answer: an application's, or the engine's own.
//   U3. In-dialog requests go to the application that holds the dialog, and to no other.
import { makeResponse } from '../message/builders.ts';
import { cseqOf } from '../message/cseq.ts';
import { header } from '../message/headers.ts';
import type { HeaderField, SipRequest } from '../message/message.ts';
import { getTag } from '../message/name-addr.ts';
import { serialise } from '../message/serialise.ts';
import type { ServerTransaction } from '../transaction/layer.ts';
import type { Source } from '../transport/flow.ts';
import { Admission, type Refused, retrySoon, unrouted } from './admission.ts';
import { type Application, type Peer, peerOf } from './application.ts';
import { type Dialog, isTerminated } from './dialog.ts';
import type { EarlySubscriptions } from './early-subscriptions.ts';
import type { Environment } from './environment.ts';
import type { ProxiedCalls } from './proxied-calls.ts';
import { ServerRequest } from './server-request.ts';
import type { ServerRequests } from './server-requests.ts';
import type { SessionTimers } from './session-timers.ts';

const NEEDS_DIALOG = new Set(['BYE', 'UPDATE', 'PRACK']);
interface Arrival {
  readonly request: SipRequest;
  readonly source: Source;
  readonly transaction: ServerTransaction;
}

export class UserAgentServer {
  readonly #environment: Environment;
  readonly #requests: ServerRequests;
  readonly #admission: Admission;
  readonly #sessionTimers: SessionTimers;
  readonly #subscriptions: EarlySubscriptions;
  readonly #proxied: ProxiedCalls;

  constructor(
    environment: Environment,
    requests: ServerRequests,
    sessionTimers: SessionTimers,
    { subscriptions, proxied }: { readonly subscriptions: EarlySubscriptions; readonly proxied: ProxiedCalls },
  ) {
    this.#subscriptions = subscriptions;
    this.#proxied = proxied;
    this.#environment = environment;
    this.#requests = requests;
    this.#sessionTimers = sessionTimers;
    this.#admission = new Admission(environment, requests.waiting, sessionTimers);
  }

  request(request: SipRequest, source: Source, transaction: ServerTransaction): void {
    const arrival: Arrival = { request, source, transaction };
    if (request.method === 'CANCEL') {
      this.#cancel(arrival);
      return;
    }
    if (request.method === 'INVITE') this.#answer(arrival, 100);
    const toTag = getTag(header(request, 'to') ?? '');
    if (toTag !== undefined) {
      this.#inside(arrival, toTag);
      return;
    }
    if (NEEDS_DIALOG.has(request.method)) {
      this.#answer(arrival, 481);
      return;
    }
    this.#outside(arrival);
  }

  ack(request: SipRequest, source: Source): void {
    const dialog = this.#dialogOf(request, getTag(header(request, 'to') ?? '') ?? '');
    const sequence = cseqOf(request)?.number ?? 0;
    const success = dialog?.unacknowledged.get(sequence);
    if (dialog === undefined && this.#proxied.ack(request, source)) return;
    if (dialog === undefined || success === undefined) {
      this.#environment.statistics.dropped('stray ack');
      return;
    }
    success.stop();
    dialog.unacknowledged.delete(sequence);
    this.#requests.acknowledged(success.txnId);
    if (dialog.application.open) {
      // The protocol token of an ACK is empty in what applications know.
      const peer: Peer = { ...peerOf(source), protocol: '' };
      dialog.application.requestInContext(success.txnId, dialog.id, request, peer);
    }
    this.#requests.releaseBye(dialog);
  }

  #outside(arrival: Arrival): void {
    const { request, source, transaction } = arrival;
    const refusal = this.#admission.judge(request);
    if (refusal !== undefined) return this.#refuse(arrival, refusal);
    if (!this.#requests.waiting.admit(request, transaction)) {
      this.#answer(arrival, 482);
      return;
    }
    const application = this.#environment.applications.pick(request.method);
    if (application === undefined) return this.#refuse(arrival, unrouted(request.method));
    const server = new ServerRequest(this.#environment, {
      request,
      source,
      transaction,
      application,
      dialog: undefined,
    });
    this.#requests.open(server);
    if (request.method === 'INVITE') this.#environment.records.attempted('network', request);
    this.#deliverNew(application, server);
  }

  #inside(arrival: Arrival, toTag: string): void {
    const { request, source } = arrival;
    const dialog = this.#dialogOf(request, toTag) ?? this.#subscriptions.made(request, source);
    if (dialog === undefined) {
      if (this.#proxied.request(request, source, arrival.transaction)) return;
      this.#answer(arrival, 481);
      return;
    }
    if (!dialog.application.open) {
      this.#answer(arrival, 481);
      if (request.method === 'BYE') dialog.end();
      return;
    }
    if (dialog.isMortal && request.method !== 'BYE') {
      this.#answer(arrival, 481);
      return;
    }
    if (!dialog.acceptSequence(cseqOf(request)?.number ?? 0)) {
      this.#answer(arrival, 500);
      return;
    }
    switch (request.method) {
      case 'BYE':
        this.#bye(arrival, dialog);
        return;
      case 'PRACK':
        this.#prack(arrival, dialog);
        return;
      case 'INVITE':
      case 'UPDATE':
        this.#modify(arrival, dialog);
        return;
      default:
        this.#forward(arrival, dialog);
        if (request.method === 'NOTIFY' && dialog.method === 'SUBSCRIBE' && isTerminated(request)) dialog.end();
    }
  }

  /** Re-INVITE and UPDATE: one at a time, and not across our own (RFC 3261 section 14.2, RFC 3311 section 5.2). */
  #modify(arrival: Arrival, dialog: Dialog): void {
    const isInvite = arrival.request.method === 'INVITE';
    const pending = isInvite ? dialog.peerInvitePending : dialog.peerUpdatePending;
    if (isInvite && dialog.state === 'early') {
      this.#answer(arrival, 491);
      return;
    }
    if (pending !== undefined) {
      this.#answer(arrival, 500, retrySoon(this.#environment));
      return;
    }
    const hasOffer = isInvite || arrival.request.body.length > 0;
    if (hasOffer && dialog.state === 'confirmed' && dialog.invitePending) {
      this.#answer(arrival, 491);
      return;
    }
    const tooSmall = this.#sessionTimers.tooSmall(arrival.request);
    if (tooSmall !== undefined) {
      this.#answer(arrival, 422, tooSmall);
      return;
    }
    this.#sessionTimers.refreshedByPeer(dialog);
    const server = this.#forward(arrival, dialog);
    if (isInvite) dialog.peerInvitePending = server.txnId;
    else dialog.peerUpdatePending = server.txnId;
  }

  #bye(arrival: Arrival, dialog: Dialog): void {
    const invite = dialog.state === 'early' ? this.#requests.waiting.openInviteOf(dialog) : undefined;
    if (invite !== undefined) {
      // The caller gives up an INVITE we have not answered: to the application that is a CANCEL.
      this.#answer(arrival, 200);
      this.#requests.terminate(invite, arrival.request);
      return;
    }
    if (dialog.state === 'early') {
      // Our callee hung up before we saw its 200; the application has no dialog yet.
      this.#answer(arrival, 200);
      dialog.end();
      return;
    }
    this.#requests.rejectPending(dialog, 487);
    this.#environment.records.stopped(dialog, 'network', 'normal-release', arrival.request);
    dialog.end();
    this.#forward(arrival, dialog);
  }

  #prack(arrival: Arrival, dialog: Dialog): void {
    const [rseq, sequence] = (header(arrival.request, 'rack') ?? '').split(/\s+/).map(Number);
    const invite = this.#requests.waiting.openInviteOf(dialog, sequence);
    if (rseq === undefined || invite?.reliable === undefined) {
      this.#answer(arrival, 481);
      return;
    }
    if (!invite.reliable.acknowledge(rseq)) {
      this.#answer(arrival, 481);
      return;
    }
    this.#forward(arrival, dialog);
  }

  #forward(arrival: Arrival, dialog: Dialog): ServerRequest {
    const { request, source, transaction } = arrival;
    const server = new ServerRequest(this.#environment, {
      request,
      source,
      transaction,
      application: dialog.application,
      dialog,
    });
    this.#requests.open(server);
    // Before our 2xx the application has no dialog object: only UPDATE and PRACK mean something to it by dialog id.
    const isEarlyStranger =
      dialog.state === 'early' && dialog.role === 'uas' && request.method !== 'UPDATE' && request.method !== 'PRACK';
    if (isEarlyStranger) this.#deliverNew(dialog.application, server);
    else {
      this.#subscriptions.whenKnown(dialog, () =>
        dialog.application.requestInContext(server.txnId, dialog.id, request, peerOf(source)),
      );
    }
    return server;
  }

  #deliverNew(application: Application, server: ServerRequest): void {
    const { source } = server;
    const local = { host: source.localAddress, port: source.localPort };
    application.newRequest(server.txnId, server.request, peerOf(source), local);
  }

  /** The engine answers a CANCEL and its INVITE itself (section 9.2); the application is told. */
  #cancel(arrival: Arrival): void {
    const transaction = this.#environment.transactions.inviteOf(arrival.request);
    if (transaction === undefined) {
      this.#answer(arrival, 481);
      return;
    }
    const invite = this.#requests.waiting.ofTransaction(transaction);
    const toTag = invite?.toTag ?? this.#environment.names.tag();
    this.#answer(arrival, 200, undefined, toTag);
    if (invite === undefined) return this.#proxied.cancel(transaction);
    if (!invite.transaction.open) return;
    if (invite.onCancel !== undefined) return invite.onCancel();
    invite.toTag = toTag;
    this.#requests.terminate(invite, arrival.request);
  }

  #dialogOf(request: SipRequest, toTag: string): Dialog | undefined {
    const callId = header(request, 'call-id') ?? '';
    return this.#environment.dialogs.byTags(callId, toTag, getTag(header(request, 'from') ?? '') ?? '');
  }

  #refuse(arrival: Arrival, { status, extra }: Refused): void {
    this.#answer(arrival, status, extra);
  }

  #answer(arrival: Arrival, status: number, extra?: HeaderField, toTag?: string): void {
    const response = makeResponse(arrival.request, status, undefined, {
      ...(status === 100 ? {} : { toTag: toTag ?? this.#environment.names.tag() }),
      ...(extra === undefined ? {} : { extra: [extra] }),
    });
    this.#environment.statistics.response('out', arrival.request.method, status);
    arrival.transaction.respond(status, serialise(response));
  }
}
