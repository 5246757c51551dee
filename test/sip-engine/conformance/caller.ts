import { contactOf, type RawMessage, type RawSipPeer, requestText, SDP } from '../../support/raw-sip-peer.ts';
import type { Target } from './target.ts';
import { type Frame, headerOf, type WireClient } from './wire-client.ts';

let counter = 0;

export function unique(prefix: string): string {
  counter += 1;
  return `${prefix}${process.pid}x${counter}`;
}

export interface CallerOptions {
  readonly callId?: string;
  readonly fromTag?: string;
  readonly contact?: string;
  readonly extra?: readonly string[];
  readonly body?: string;
  readonly uri?: string;
}

/** A peer that calls the engine: prints the requests of one dialog. */
export class Caller {
  readonly peer: RawSipPeer;
  readonly port: number;
  readonly callId: string;
  readonly fromTag: string;
  readonly from: string;
  readonly uri: string;
  readonly contact: string;
  readonly inviteBranch: string = unique('z9hG4bK');
  readonly #options: CallerOptions;
  to: string;
  sequence = 1;

  constructor(peer: RawSipPeer, target: Target, options: CallerOptions = {}) {
    this.peer = peer;
    this.port = portFor(peer, target);
    this.callId = options.callId ?? unique('call-');
    this.fromTag = options.fromTag ?? unique('ft');
    this.uri = options.uri ?? `sip:uas@127.0.0.1:${this.port}`;
    this.from = `"Caller" <sip:caller@127.0.0.1:${peer.port}>;tag=${this.fromTag}`;
    this.to = '<sip:uas@127.0.0.1>';
    this.contact = options.contact ?? contactOf(peer, 'caller');
    this.#options = options;
  }

  get dialogId(): string {
    return `${this.callId};from-tag=${this.fromTag}`;
  }

  invite(extra: readonly string[] = []): string {
    const body = this.#options.body ?? SDP;
    return this.request('INVITE', {
      branch: this.inviteBranch,
      extra: [...(this.#options.extra ?? []), ...extra],
      body,
    });
  }

  request(
    method: string,
    options: { branch?: string; extra?: readonly string[]; body?: string; sequence?: number; contact?: string } = {},
  ): string {
    return requestText(this.peer, {
      method,
      uri: this.uri,
      callId: this.callId,
      from: this.from,
      to: this.to,
      sequence: options.sequence ?? this.sequence,
      branch: options.branch ?? unique('z9hG4bK'),
      contact: options.contact ?? this.contact,
      ...(options.extra === undefined ? {} : { extra: options.extra }),
      ...(options.body === undefined ? {} : { body: options.body }),
    });
  }

  send(text: string): void {
    this.peer.send(text, this.port);
  }

  /** Sends a request of the dialog with the next CSeq. */
  sendInDialog(method: string, options: { extra?: readonly string[]; body?: string; contact?: string } = {}): void {
    this.sequence += 1;
    this.send(this.request(method, options));
  }

  ack(branch?: string): void {
    this.send(this.request('ACK', { ...(branch === undefined ? {} : { branch }), sequence: this.sequence }));
  }

  learn(response: RawMessage): void {
    this.to = response.header('To');
  }
}

function portFor({ transport }: RawSipPeer, { sipPort, tcpPort, tlsPort, wsPort }: Target): number {
  return { UDP: sipPort, TCP: tcpPort, TLS: tlsPort, WS: wsPort }[transport];
}

/** Text of an application's response to a request it was shown, as drachtio-srf prints it. */
export function answer(
  request: Frame,
  status: number,
  options: { reason?: string; headers?: readonly string[]; body?: string; to?: string } = {},
): string {
  const { sip } = request;
  return [
    `SIP/2.0 ${status} ${options.reason ?? 'Said So'}`,
    `Call-ID: ${headerOf(sip, 'Call-ID')}`,
    `cseq: ${headerOf(sip, 'CSeq')}`,
    `from: ${headerOf(sip, 'From')}`,
    `to: ${options.to ?? headerOf(sip, 'To')}`,
    ...(options.headers ?? []),
    ...(options.body === undefined ? [] : [`Content-Length: ${options.body.length}`]),
    '',
    options.body ?? '',
  ].join('\r\n');
}

export function txnOf(frame: Frame): string {
  return frame.tokens[8] ?? '';
}

/** Answers a request frame and waits for the echo. */
export function respond(
  client: WireClient,
  request: Frame,
  status: number,
  options?: Parameters<typeof answer>[2],
): Promise<Frame> {
  return client.ask(`sip|${txnOf(request)}|`, answer(request, status, options));
}

/** A call from the peer, answered 200 by the application and acknowledged. */
export async function establishInbound(
  target: Target,
  client: WireClient,
  peer: RawSipPeer,
  options: CallerOptions = {},
): Promise<{ caller: Caller; invite: Frame; ok: RawMessage; echo: Frame }> {
  const caller = new Caller(peer, target, options);
  caller.send(caller.invite());
  const invite = await client.nextSip('INVITE');
  const echo = await respond(client, invite, 200, { body: SDP });
  await peer.next(100);
  const ok = await peer.next(200);
  caller.learn(ok);
  caller.ack();
  await client.nextSip('ACK');
  return { caller, invite, ok, echo };
}

/** Text of a request an application sends: no Via, From, To, Call-ID or CSeq unless given. */
export function clientRequest(method: string, uri: string, headers: readonly string[] = [], body = ''): string {
  return [`${method} ${uri} SIP/2.0`, ...headers, `Content-Length: ${body.length}`, '', body].join('\r\n');
}
