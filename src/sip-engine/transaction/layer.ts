// The transaction layer: tables of open transactions and the way of a message into them (RFC 3261 section 17).
//
// Invariants
//   T1. A request reaches the core once; its retransmissions are answered from the transaction.
//   T2. The number of transactions is bounded. Over the limit a new request gets a stateless 503 with Retry-After and
//       leaves nothing behind; responses and ACKs still find the transactions that exist.
//       Requests of existing calls may use as much again.
//   T3. A client transaction reports at most one failure and never a response after it.
import type { EngineClock } from '../clock.ts';
import { makeResponse } from '../message/builders.ts';
import { header } from '../message/headers.ts';
import type { SipRequest, SipResponse } from '../message/message.ts';
import { getTag } from '../message/name-addr.ts';
import { serialise } from '../message/serialise.ts';
import { topVia, type Via } from '../message/via.ts';
import type { Flow, Source } from '../transport/flow.ts';
import { InviteClientTransaction, type InviteClientUser } from './invite-client.ts';
import { InviteServerTransaction } from './invite-server.ts';
import { clientKey, responseKey, serverKey } from './keys.ts';
import { NonInviteClientTransaction } from './non-invite-client.ts';
import { NonInviteServerTransaction } from './non-invite-server.ts';
import type { BaseTimers, MachineContext } from './timers.ts';

/** Sum of both directions. A call holds two or three for 32 s: this carries some 500 calls per second. */
export const TRANSACTIONS_MAX = 50_000;
/** Of these, begun by one address: a flood from one host leaves half the room to the others. */
export const TRANSACTIONS_PER_SOURCE_MAX = 25_000;
/** Seconds suggested to a peer that met the limit. */
const RETRY_AFTER_S = 5;

export interface TransactionPorts {
  readonly clock: EngineClock;
  readonly timers: BaseTimers;
  readonly transactionsMax: number;
  readonly transactionsPerSourceMax: number;
  /** Sends bytes; resolves to false when the transport knows that they did not leave. */
  readonly send: (flow: Flow, bytes: Buffer) => Promise<boolean>;
  /** A request of that method that went there at `since` got no answer in all its time. */
  readonly unanswered?: (flow: Flow, since: number, method: string) => void;
  /** Whose refusals are not repeated over UDP: its address may be forged, and whom it belongs to shall not get one answer after another. */
  readonly isStranger?: (address: string) => boolean;
  /** Where responses to a request go (RFC 3261 section 18.2.2, RFC 3581). */
  readonly responseFlow: (via: Via, source: Source) => Flow;
}

/** What the layer hands upwards. */
export interface TransactionUser {
  request(request: SipRequest, source: Source, transaction: ServerTransaction): void;
  /** An ACK that belongs to no 3xx-6xx of ours. */
  ack(request: SipRequest, source: Source): void;
  /** A response that matches no client transaction. */
  strayResponse(response: SipResponse, source: Source): void;
}

export type ClientUser = InviteClientUser<Source>;

export class ServerTransaction {
  readonly key: string;
  readonly method: string;
  readonly machine: InviteServerTransaction | NonInviteServerTransaction;
  /** Set by the core: told when the machine is gone. */
  onTerminated: (() => void) | undefined;
  /** Bytes of responses leave here; used directly only for 2xx retransmissions and stateless answers. */
  readonly reliable: boolean;

  constructor(
    key: string,
    method: string,
    reliable: boolean,
    makeMachine: (terminated: () => void) => InviteServerTransaction | NonInviteServerTransaction,
    release: () => void,
  ) {
    this.key = key;
    this.method = method;
    this.reliable = reliable;
    this.machine = makeMachine(() => {
      release();
      this.onTerminated?.();
    });
  }

  /** True until a final response was sent. */
  get open(): boolean {
    return this.machine.open;
  }

  respond(status: number, bytes: Buffer): void {
    this.machine.respond(status, bytes);
  }
}

interface ClientEntry {
  readonly machine: InviteClientTransaction<Source> | NonInviteClientTransaction<Source>;
  readonly flow: Flow;
}

export class TransactionLayer {
  readonly #ports: TransactionPorts;
  readonly #user: TransactionUser;
  readonly #servers = new Map<string, ServerTransaction>();
  readonly #clients = new Map<string, ClientEntry>();
  /** Those of them that have heard nothing yet: the only ones a dead address or connection matters to. */
  readonly #unanswered = new Map<string, ClientEntry>();
  /** Open server transactions by address of the peer. */
  readonly #bySource = new Map<string, number>();
  /** Requests refused because of T2. */
  refused = 0;

  constructor(ports: TransactionPorts, user: TransactionUser) {
    this.#ports = ports;
    this.#user = user;
  }

  get openCount(): number {
    return this.#servers.size + this.#clients.size;
  }

  get full(): boolean {
    return this.openCount >= this.#ports.transactionsMax;
  }

  receiveRequest(request: SipRequest, source: Source): void {
    const via = topVia(request);
    if (via === undefined) return;
    if (request.method === 'ACK') {
      this.#receiveAck(request, via, source);
      return;
    }
    const key = serverKey(request, via, request.method);
    const known = this.#servers.get(key);
    if (known !== undefined) {
      known.machine.receiveAgain();
      return;
    }
    const flow = this.#ports.responseFlow(via, source);
    if (this.#mustRefuse(request, source)) {
      this.#refuse(request, flow);
      return;
    }
    this.#user.request(request, source, this.#openServer(key, request.method, flow, source.address));
  }

  receiveResponse(response: SipResponse, source: Source): void {
    const key = responseKey(response);
    const entry = key === undefined ? undefined : this.#clients.get(key);
    if (key !== undefined) this.#unanswered.delete(key);
    if (entry === undefined) this.#user.strayResponse(response, source);
    else entry.machine.receive(response, source);
  }

  /** The open or finished INVITE a CANCEL means (section 9.2), if it is still known. */
  inviteOf(cancel: SipRequest): ServerTransaction | undefined {
    const via = topVia(cancel);
    return via === undefined ? undefined : this.#servers.get(serverKey(cancel, via, 'INVITE'));
  }

  startInvite(
    branch: string,
    flow: Flow,
    bytes: Buffer,
    ackFor: (response: SipResponse) => Buffer,
    user: ClientUser,
  ): void {
    const key = clientKey(branch, 'INVITE');
    const machine = new InviteClientTransaction<Source>(
      this.#clientContext(key, flow),
      this.#releasing(key, user, flow, 'INVITE'),
      bytes,
      ackFor,
    );
    this.#open(key, { machine, flow });
  }

  startRequest(branch: string, method: string, flow: Flow, bytes: Buffer, user: ClientUser): void {
    const key = clientKey(branch, method);
    const machine = new NonInviteClientTransaction<Source>(
      this.#clientContext(key, flow),
      this.#releasing(key, user, flow, method),
      bytes,
    );
    this.#open(key, { machine, flow });
  }

  /** Where the INVITE went that a CANCEL means, and where that has to go (section 9.1); undefined when it is over. */
  flowOfInvite(branch: string): Flow | undefined {
    return this.#clients.get(clientKey(branch, 'INVITE'))?.flow;
  }

  /** Its INVITE has been cancelled: it ends within 64 T1, whether its peer says so or not. */
  inviteCancelled(branch: string): void {
    const machine = this.#clients.get(clientKey(branch, 'INVITE'))?.machine;
    if (machine instanceof InviteClientTransaction) machine.cancelled();
  }

  /** Forgets a client transaction that will not come to an end by itself; its user hears nothing more. */
  abandonClient(branch: string, method: string): void {
    const key = clientKey(branch, method);
    this.#clients.get(key)?.machine.abandon();
    this.#clients.delete(key);
    this.#unanswered.delete(key);
  }

  /** A port unreachable, or a broken connection: client transactions still waiting for a first answer have failed. */
  unreachable(matches: (flow: Flow) => boolean): void {
    for (const { machine, flow } of [...this.#unanswered.values()]) if (matches(flow)) machine.transportFailed();
  }

  close(): void {
    for (const { machine } of this.#clients.values()) machine.abandon();
    for (const { machine } of this.#servers.values()) machine.abandon();
    this.#clients.clear();
    this.#unanswered.clear();
    this.#servers.clear();
    this.#bySource.clear();
  }

  #open(key: string, entry: ClientEntry): void {
    this.#clients.set(key, entry);
    this.#unanswered.set(key, entry);
    entry.machine.start();
  }

  #receiveAck(request: SipRequest, via: Via, source: Source): void {
    const invite = this.#servers.get(serverKey(request, via, 'INVITE'))?.machine;
    if (invite instanceof InviteServerTransaction && invite.receiveAck() === 'absorbed') return;
    this.#user.ack(request, source);
  }

  #openServer(key: string, method: string, flow: Flow, address: string): ServerTransaction {
    const reliable = flow.protocol !== 'udp';
    const context: MachineContext = {
      clock: this.#ports.clock,
      timers: this.#ports.timers,
      reliable: reliable || this.#ports.isStranger?.(address) === true,
      send: (bytes) => {
        void this.#ports.send(flow, bytes).then((sent) => {
          if (!sent) transaction.machine.transportFailed();
        });
      },
    };
    const transaction = new ServerTransaction(
      key,
      method,
      reliable,
      (terminated) =>
        method === 'INVITE'
          ? new InviteServerTransaction(context, { terminated })
          : new NonInviteServerTransaction(context, { terminated }),
      () => {
        this.#servers.delete(key);
        this.#countSource(address, -1);
      },
    );
    this.#servers.set(key, transaction);
    this.#countSource(address, 1);
    return transaction;
  }

  #clientContext(key: string, flow: Flow): MachineContext {
    return {
      clock: this.#ports.clock,
      timers: this.#ports.timers,
      reliable: flow.protocol !== 'udp',
      send: (bytes) => {
        void this.#ports.send(flow, bytes).then((sent) => {
          if (!sent) this.#clients.get(key)?.machine.transportFailed();
        });
      },
    };
  }

  #releasing(key: string, user: ClientUser, flow: Flow, method: string): ClientUser {
    const since = this.#ports.clock.now();
    return {
      response: (response, source) => user.response(response, source),
      failed: (cause) => {
        if (cause === 'timeout') this.#ports.unanswered?.(flow, since, method);
        user.failed(cause);
      },
      terminated: () => {
        this.#clients.delete(key);
        this.#unanswered.delete(key);
        user.terminated();
      },
    };
  }

  #countSource(address: string, change: 1 | -1): void {
    const count = (this.#bySource.get(address) ?? 0) + change;
    if (count > 0) this.#bySource.set(address, count);
    else this.#bySource.delete(address);
  }

  /** What ends or belongs to a call gets as much room again: refusing a BYE would only keep the load up (T2). */
  #mustRefuse(request: SipRequest, source: Source): boolean {
    const fromThere = this.#bySource.get(source.address) ?? 0;
    if (!this.full && fromThere < this.#ports.transactionsPerSourceMax) return false;
    const isOfCall = request.method === 'CANCEL' || getTag(header(request, 'to') ?? '') !== undefined;
    return !isOfCall || this.openCount >= 2 * this.#ports.transactionsMax;
  }

  #refuse(request: SipRequest, flow: Flow): void {
    this.refused += 1;
    const busy = makeResponse(request, 503, undefined, {
      extra: [{ name: 'Retry-After', value: String(RETRY_AFTER_S) }],
    });
    void this.#ports.send(flow, serialise(busy));
  }
}
