// A SIP phone for the demo and for tests, caller and called side, with real sockets and real timers (RFC 3261, 3264, 3550, 4733). It behaves as
// a correct peer unless told to misbehave, and shares no code with what it tests.
//
//   const phone = await createPhone({ host: '127.0.0.1' });
//   const call = await phone.call('sip:+12025550100@127.0.0.1:5060', { codec: 'PCMU' });
//   await call.waitFor('answered');
//   await call.sendAudio(tone({ frequencyHz: 440, durationMs: 1000 }));
//   await call.bye();
//   await phone.close();

import { randomBytes } from 'node:crypto';
import type { AudioOptions, PhoneCall } from './call.ts';
import { IncomingCall } from './incoming.ts';
import type { Line } from './line.ts';
import { type CallOptions, OutgoingCall } from './outgoing.ts';
import { createRandom } from './random.ts';
import {
  header,
  type Header,
  parameter,
  parseSip,
  parseUri,
  printSip,
  required,
  type SipMessage,
  type SipRequest,
  type SipResponse,
} from './sip.ts';
import {
  clientKey,
  ClientTransaction,
  responseTo,
  RFC_TIMERS,
  ServerTransaction,
  serverKey,
  type SipTimers,
} from './transaction.ts';
import { openTransport, type Origin, type Transport, type TransportKind } from './transport.ts';
import { Waiters } from './waiters.ts';

export interface PhoneOptions {
  readonly host?: string;
  readonly port?: number;
  readonly transport?: TransportKind;
  /** Makes SSRCs, sequence numbers and impairments repeatable. Tags and Call-IDs never are: two phones must not send one call twice. */
  readonly seed?: number;
  readonly timers?: SipTimers;
  /** Audio of calls that come in. */
  readonly audio?: AudioOptions;
  /** True = this message gets lost on its way out or in. */
  readonly loseOut?: (message: SipMessage) => boolean;
  readonly loseIn?: (message: SipMessage) => boolean;
  /** Each message with `>` or `<` before it. */
  readonly trace?: (text: string) => void;
}

export interface Phone {
  readonly host: string;
  readonly port: number;
  readonly uri: string;
  /** All calls, both directions, in order. */
  readonly calls: readonly PhoneCall[];
  readonly incoming: readonly IncomingCall[];
  call(uri: string, options?: CallOptions): Promise<OutgoingCall>;
  /** What to do with calls that come in; until set, or waited for, they are answered 480. */
  onCall(handler: (call: IncomingCall) => void | Promise<void>): void;
  /** Resolves with the n-th call that came in (from 1). */
  waitForCall(count?: number, timeoutMs?: number): Promise<IncomingCall>;
  /** A request outside any dialog, such as OPTIONS. */
  request(method: string, uri: string, options?: { headers?: readonly Header[]; body?: string }): Promise<SipResponse>;
  /** Bytes as they are, for what no phone would send. */
  sendRaw(text: string, address: string, port: number): void;
  close(): Promise<void>;
}

export async function createPhone(options: PhoneOptions = {}): Promise<Phone> {
  const phone = new TestPhone(options);
  await phone.open();
  return phone;
}

class TestPhone implements Phone, Line {
  readonly host: string;
  readonly kind: TransportKind;
  readonly timers: SipTimers;
  readonly random;
  readonly calls: PhoneCall[] = [];
  readonly incoming: IncomingCall[] = [];
  readonly #options: PhoneOptions;
  readonly #clients = new Map<string, ClientTransaction>();
  readonly #servers = new Map<string, ServerTransaction>();
  readonly #invited = new Map<ServerTransaction, IncomingCall>();
  readonly #waiters = new Waiters();
  #expected = 0;
  #transport: Transport | null = null;
  #onCall: ((call: IncomingCall) => void | Promise<void>) | null = null;

  constructor(options: PhoneOptions) {
    this.#options = options;
    this.host = options.host ?? '127.0.0.1';
    this.kind = options.transport ?? 'udp';
    this.timers = options.timers ?? RFC_TIMERS;
    this.random = createRandom(options.seed ?? Date.now() ^ (process.pid << 12));
  }

  async open(): Promise<void> {
    const receive = (text: string, origin: Origin) => this.#receive(text, origin);
    this.#transport = await openTransport(this.kind, this.host, this.#options.port ?? 0, receive);
  }

  get port(): number {
    return this.#open.port;
  }

  get uri(): string {
    return `sip:phone@${this.host}:${this.port}${this.kind === 'tcp' ? ';transport=tcp' : ''}`;
  }

  get contact(): string {
    return `<${this.uri}>`;
  }

  token(length: number): string {
    return randomBytes(length).toString('hex').slice(0, length);
  }

  via(): string {
    return `SIP/2.0/${this.kind.toUpperCase()} ${this.host}:${this.port};branch=z9hG4bK${this.token(16)};rport`;
  }

  async call(uri: string, options: CallOptions = {}): Promise<OutgoingCall> {
    const call = new OutgoingCall(this, uri, options);
    this.calls.push(call);
    return await call.start();
  }

  onCall(handler: (call: IncomingCall) => void | Promise<void>): void {
    this.#onCall = handler;
  }

  async waitForCall(count = 1, timeoutMs = 5000): Promise<IncomingCall> {
    this.#expected = Math.max(this.#expected, count);
    const there = () => this.incoming.length >= count;
    await this.#waiters.until(there, timeoutMs, () => `only ${this.incoming.length} of ${count} calls came`);
    return this.incoming[count - 1] as IncomingCall;
  }

  async request(
    method: string,
    uri: string,
    options: { headers?: readonly Header[]; body?: string } = {},
  ): Promise<SipResponse> {
    const target = parseUri(uri);
    const request: SipRequest = {
      kind: 'request',
      method,
      uri,
      headers: [
        ['Via', this.via()],
        ['Max-Forwards', '70'],
        ['From', `<${this.uri}>;tag=${this.token(8)}`],
        ['To', `<${uri}>`],
        ['Call-ID', this.token(20)],
        ['CSeq', `1 ${method}`],
        ['Contact', this.contact],
        ...(options.headers ?? []),
      ],
      body: options.body ?? '',
    };
    return await new Promise((resolve) => {
      this.transact(request, { address: target.host, port: target.port }, (response) => {
        if (response.status >= 200) resolve(response);
      });
    });
  }

  sendRaw(text: string, address: string, port: number): void {
    this.#open.send(text, address, port);
  }

  send(message: SipMessage, address: string, port: number): void {
    const text = this.#outgoing(message);
    if (text !== null) this.#open.send(text, address, port);
  }

  transact(
    request: SipRequest,
    hop: { address: string; port: number },
    onResponse: (response: SipResponse) => void,
  ): ClientTransaction {
    const send = (message: SipMessage) => this.send(message, hop.address, hop.port);
    const transaction = new ClientTransaction(request, this.kind, this.timers, send, onResponse);
    this.#clients.set(transaction.key, transaction);
    return transaction;
  }

  async close(): Promise<void> {
    for (const transaction of [...this.#clients.values(), ...this.#servers.values()]) transaction.close();
    await Promise.all(this.calls.map((call) => call.close()));
    await this.#open.close();
    this.#transport = null;
  }

  get #open(): Transport {
    if (!this.#transport) throw new Error('the phone is closed');
    return this.#transport;
  }

  /** The text to send, or null where it is to be lost. */
  #outgoing(message: SipMessage): string | null {
    if (!this.#transport || this.#options.loseOut?.(message)) return null;
    const text = printSip(message);
    this.#options.trace?.(`> ${text}`);
    return text;
  }

  #receive(text: string, origin: Origin): void {
    const message = parseSip(text);
    if (!message || this.#options.loseIn?.(message)) return;
    this.#options.trace?.(`< ${text}`);
    if (message.kind === 'response') this.#clients.get(clientKey(message))?.receive(message);
    else if (message.method === 'ACK') this.#ack(message);
    else this.#request(message, origin);
  }

  #request(request: SipRequest, origin: Origin): void {
    const known = this.#servers.get(serverKey(request));
    const call = this.#callOf(request);
    if (call?.vanished) return;
    if (known) {
      known.requestAgain();
      return;
    }
    const reply = (message: SipMessage) => {
      const text = this.#outgoing(message);
      if (text !== null) origin.reply(text);
    };
    const transaction = new ServerTransaction(request, this.kind, this.timers, reply);
    this.#servers.set(transaction.key, transaction);
    if (call) call.receive(transaction);
    else if (request.method === 'INVITE' && !tagOf(request, 'to')) this.#offer(transaction);
    else if (request.method === 'CANCEL') this.#cancel(transaction);
    else if (request.method === 'OPTIONS') transaction.respond(responseTo(request, 200, { toTag: 'options' }));
    else transaction.respond(responseTo(request, 481, { toTag: 'none' }));
  }

  #offer(transaction: ServerTransaction): void {
    const call = new IncomingCall(this, transaction, this.#options.audio ?? {});
    this.calls.push(call);
    this.incoming.push(call);
    this.#invited.set(transaction, call);
    if (this.#onCall) void this.#onCall(call);
    else if (this.incoming.length > this.#expected) call.reject(480);
    this.#waiters.notify();
  }

  #cancel(transaction: ServerTransaction): void {
    const invite = this.#servers.get(transaction.key.replace(/ CANCEL$/, ' INVITE'));
    const call = invite && this.#invited.get(invite);
    transaction.respond(responseTo(transaction.request, call ? 200 : 481, { toTag: 'cancel' }));
    call?.cancelled(transaction.request);
  }

  #ack(ack: SipRequest): void {
    this.#servers.get(serverKey(ack))?.ack();
    const call = this.#callOf(ack);
    if (call && !call.vanished) call.acknowledged(ack);
  }

  /** The call whose dialog a request of the other side belongs to. */
  #callOf(request: SipRequest): PhoneCall | undefined {
    const callId = required(request, 'call-id');
    const mine = tagOf(request, 'to');
    if (!mine) return undefined;
    return this.calls.find(
      ({ dialog }) =>
        dialog?.callId === callId && dialog.localTag === mine && dialog.remoteTag === tagOf(request, 'from'),
    );
  }
}

function tagOf(message: SipMessage, name: 'from' | 'to'): string {
  return parameter(header(message, name) ?? '', 'tag') ?? '';
}
