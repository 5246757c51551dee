// User agent server, downward: requests that wait for an application, and its responses to them (RFC 3261 sections 8.2.6,
// 13.3.1; RFC 3262 section 3; wire protocol 2.7).
//
// Invariants
//   V1. A request is known by its transaction id until its final response; an INVITE until that is acknowledged.
//   V2. The To tag never changes once a response above 100 has gone out.
//   V3. No request waits for ever: `patience` answers for an application that does not.
import { makeResponse, reasonPhrase } from '../message/builders.ts';
import { header } from '../message/headers.ts';
import type { HeaderField, SipRequest, SipResponse } from '../message/message.ts';
import { serialise } from '../message/serialise.ts';
import { SipSerialiseError } from '../message/errors.ts';
import { type Application, type Outcome, peerOf, refused } from './application.ts';
import { type Dialog, hasOption } from './dialog.ts';
import { ACK_TIMEOUT, type DialogEnder } from './dialog-ender.ts';
import type { Environment } from './environment.ts';
import type { KeptConnections } from './kept-connections.ts';
import { ReliableProvisionals } from './reliable-provisionals.ts';
import { chosenTag, composeResponse } from './response-composer.ts';
import { cancelInPlace, type ServerRequest } from './server-request.ts';
import type { SessionTimers } from './session-timers.ts';
import { SuccessRetransmission } from './success-retransmission.ts';
import type { ConnectionId } from '../transport/flow.ts';
import { dialogOfRequest, followPeer } from './uas-dialog.ts';
import { WaitingRequests } from './waiting-requests.ts';

/** An application that says nothing at all for so long is not going to. */
const SILENCE_MAX_MS = 64_000;
/** Longest ringing: past this nobody is going to answer, and the record must not stay. */
const RINGING_MAX_MS = 600_000;

export class ServerRequests {
  readonly #environment: Environment;
  readonly #ender: DialogEnder;
  readonly #sessionTimers: SessionTimers;
  readonly #kept: KeptConnections;
  readonly waiting = new WaitingRequests();

  constructor(environment: Environment, ender: DialogEnder, sessionTimers: SessionTimers, kept: KeptConnections) {
    this.#kept = kept;
    this.#environment = environment;
    this.#ender = ender;
    this.#sessionTimers = sessionTimers;
  }

  open(server: ServerRequest): void {
    this.waiting.add(server);
    server.patience.start(() => this.#reject(server, server.method === 'INVITE' ? 480 : 500), SILENCE_MAX_MS);
  }

  refuse(server: ServerRequest, status: number): void {
    this.#reject(server, status);
  }

  /** It is passed on: others answer it, its application no more. */
  handOver(server: ServerRequest): void {
    this.waiting.forget(server);
  }

  /** The response of an application to a request it was shown. */
  respond(txnId: string, client: SipResponse): Outcome {
    const server = this.waiting.find(txnId);
    if (server === undefined) return refused('Response not sent due to unknown transaction');
    if (server.final !== undefined) return this.#outcome(server, server.final, '');
    const { protocol, address, from } = server.source;
    const local = this.#environment.locals.find(protocol, address, from);
    if (local === undefined) return refused('transport for response has been shutdown or closed');
    const isReliable = client.status > 100 && client.status < 200 && hasOption(client, 'require', '100rel');
    if (isReliable && (server.method !== 'INVITE' || !this.#peerTakesReliable(server))) {
      return refused('Remote endpoint does not support 100rel');
    }
    if (client.status > 100) server.toTag ??= chosenTag(client) ?? this.#environment.names.tag();
    const own = this.#ownFields(server, client, isReliable);
    let bytes: Buffer;
    let response: SipResponse | undefined;
    try {
      response = composeResponse(server, client, local, own);
      if (response === undefined) return refused('missing content-type');
      bytes = serialise(response);
    } catch (error) {
      if (!(error instanceof SipSerialiseError)) throw error;
      this.#reject(server, 500);
      return refused('Unknown server error sending response');
    }
    // From here on the response goes out.
    return this.#commit(server, response, bytes, isReliable);
  }

  /** CANCEL, or a BYE before our answer: 487 to the INVITE, CANCEL to the application (4.2). */
  terminate(invite: ServerRequest, cancel: SipRequest): void {
    const { application } = invite;
    const dialogId = invite.dialog === undefined ? '' : invite.dialog.id;
    this.#reject(invite, 487);
    if (!application.open) return;
    const notice: SipRequest = cancel.method === 'CANCEL' ? cancel : { ...cancel, method: 'CANCEL' };
    application.requestInContext(invite.txnId, dialogId, notice, peerOf(invite.source));
  }

  rejectPending(dialog: Dialog, status: number): void {
    const invite = this.waiting.openInviteOf(dialog);
    if (invite !== undefined) this.#reject(invite, status);
  }

  /** The ACK of a 2xx came. */
  acknowledged(txnId: string): void {
    const server = this.waiting.find(txnId);
    if (server !== undefined) this.waiting.forget(server);
  }

  /** Our 2xx was acknowledged or given up: a BYE that had to wait may go (section 15). */
  releaseBye(dialog: Dialog): void {
    if (dialog.unacknowledged.size > 0) return;
    dialog.awaitsAck = false;
    const held = dialog.heldBye;
    dialog.heldBye = undefined;
    held?.();
  }

  /** What it had not answered gets a final error: never silence. */
  applicationLost(application: Application): void {
    for (const server of this.waiting.all()) {
      if (server.application === application && server.transaction.open) this.#reject(server, 480);
    }
  }

  /** Nobody can be answered there any more: an open INVITE is cancelled in its caller's place. */
  connectionLost(connection: ConnectionId, reason: HeaderField): void {
    for (const server of this.waiting.all()) {
      if (server.source.connection !== connection || !server.transaction.open) continue;
      if (server.method !== 'INVITE' || !server.creates) this.#reject(server, 500);
      else this.terminate(server, cancelInPlace(server.request, reason));
    }
  }

  close(): void {
    for (const server of this.waiting.all()) {
      server.patience.stop();
      server.reliable?.stop();
    }
    this.waiting.clear();
  }

  #ownFields(server: ServerRequest, client: SipResponse, isReliable: boolean): HeaderField[] {
    if (isReliable) {
      server.reliable ??= new ReliableProvisionals(this.#environment, () => this.#reject(server, 500));
      return [{ name: 'RSeq', value: String(server.reliable.takeRSeq()) }];
    }
    const isSuccess = client.status >= 200 && client.status < 300;
    const isTimed = server.method === 'INVITE' || server.method === 'UPDATE';
    return isSuccess && isTimed ? this.#sessionTimers.fieldsForAnswer(server.request, client, server.dialog) : [];
  }

  #peerTakesReliable(server: ServerRequest): boolean {
    return hasOption(server.request, 'supported', '100rel') || hasOption(server.request, 'require', '100rel');
  }

  #commit(server: ServerRequest, response: SipResponse, bytes: Buffer, isReliable: boolean): Outcome {
    const { status } = response;
    if (status > 100 && status < 300) this.#dialogFor(server, response);
    const dialogId = server.dialogId;
    const send = (): void => this.#send(server, status, bytes);
    if (status < 200) {
      server.patience.start(() => this.#reject(server, 480), RINGING_MAX_MS);
      if (!isReliable) send();
      else if (server.reliable?.provisional(Number(header(response, 'rseq')), send) !== true) {
        return refused('Remote endpoint does not support 100rel');
      }
      // The 200 may say nothing any more (RFC 3261 section 13.2.1).
      if (isReliable && response.body.length > 0 && server.dialog !== undefined) server.dialog.localSdp = response.body;
      return this.#outcome(server, bytes, dialogId);
    }
    this.#final(server, bytes);
    const isInviteSuccess = server.method === 'INVITE' && status < 300;
    if (isInviteSuccess) this.#succeed(server, response, bytes);
    else this.#finish(server, response, send);
    return this.#outcome(server, bytes, dialogId);
  }

  /** 2xx to INVITE: the dialog is confirmed, and the 2xx repeated until its ACK. */
  #succeed(server: ServerRequest, response: SipResponse, bytes: Buffer): void {
    const { dialog } = server;
    if (dialog === undefined) return;
    dialog.confirm();
    if (server.creates) this.#environment.records.started(dialog, 'application', response);
    else this.#refreshed(dialog, server);
    if (response.body.length > 0) dialog.localSdp = response.body;
    if (dialog.peerInvitePending === server.txnId) dialog.peerInvitePending = undefined;
    dialog.awaitsAck = true;
    const begin = (): void => {
      if (dialog.state === 'ended') return;
      this.waiting.inviteOver(server);
      this.#send(server, response.status, bytes);
      this.#awaitAck(server, dialog, response.status, bytes);
      this.#sessionTimers.answeredByUs(dialog, response);
    };
    if (server.reliable === undefined) begin();
    else server.reliable.success(begin);
  }

  #awaitAck(server: ServerRequest, dialog: Dialog, status: number, bytes: Buffer): void {
    const success = new SuccessRetransmission(this.#environment, {
      reliable: server.transaction.reliable,
      send: () => server.transaction.respond(status, bytes),
      unacknowledged: () => {
        dialog.unacknowledged.delete(server.sequence);
        this.waiting.forget(server);
        if (dialog.heldBye === undefined) this.#ender.endWithBye(dialog, ACK_TIMEOUT);
        else this.releaseBye(dialog);
      },
    });
    const stop = (): void => {
      success.stop();
      this.waiting.forget(server);
    };
    dialog.unacknowledged.set(server.sequence, { txnId: server.txnId, stop });
  }

  #finish(server: ServerRequest, response: SipResponse, send: () => void): void {
    const { dialog } = server;
    const { status } = response;
    server.reliable?.stop();
    this.waiting.inviteOver(server);
    send();
    this.#kept.answered(server, response);
    if (server.method === 'INVITE' && server.creates) this.#environment.records.refused('application', response);
    if (dialog !== undefined) {
      if (dialog.peerInvitePending === server.txnId) dialog.peerInvitePending = undefined;
      if (dialog.peerUpdatePending === server.txnId) dialog.peerUpdatePending = undefined;
      if (server.creates && status >= 300) dialog.end();
      if (server.creates && status < 300) dialog.confirm();
      if (server.method === 'UPDATE' && response.status < 300) this.#updated(dialog, server, response);
      if (server.method === 'PRACK') this.waiting.openInviteOf(dialog)?.reliable?.release();
    }
    if (server.method !== 'INVITE') this.waiting.forget(server);
  }

  #updated(dialog: Dialog, server: ServerRequest, response: SipResponse): void {
    this.#refreshed(dialog, server);
    if (response.body.length > 0) dialog.localSdp = response.body;
    this.#sessionTimers.answeredByUs(dialog, response);
  }

  #refreshed(dialog: Dialog, server: ServerRequest): void {
    dialog.refreshTarget(server.request);
    followPeer(dialog, server);
  }

  /** A response the engine makes in the application's place; its own later one finds no transaction. */
  #reject(server: ServerRequest, status: number): void {
    if (!server.transaction.open) return;
    // A 2xx that waited behind an unacknowledged provisional: the application thinks the call is up.
    const { dialog } = server;
    if (server.final !== undefined && dialog !== undefined) this.#ender.endUnheard(dialog, reasonPhrase(status));
    server.toTag ??= this.#environment.names.tag();
    const response = makeResponse(server.request, status, undefined, { toTag: server.toTag });
    const bytes = serialise(response);
    this.#final(server, bytes);
    this.#finish(server, response, () => this.#send(server, status, bytes));
    this.waiting.forget(server);
  }

  #final(server: ServerRequest, bytes: Buffer): void {
    server.final = bytes;
    server.patience.stop();
  }

  #send(server: ServerRequest, status: number, bytes: Buffer): void {
    this.#environment.statistics.response('out', server.method, status);
    server.transaction.respond(status, bytes);
  }

  #dialogFor(server: ServerRequest, response: SipResponse): void {
    if (server.dialog !== undefined || !server.creates) return;
    if (server.method === 'SUBSCRIBE' && response.status < 200) return;
    const dialog = dialogOfRequest(server, response);
    server.dialog = dialog;
    this.#environment.dialogs.add(dialog);
  }

  #outcome(server: ServerRequest, bytes: Buffer, dialogId: string): Outcome {
    return { ok: true, txnId: server.txnId, dialogId, peer: peerOf(server.source), bytes };
  }
}
