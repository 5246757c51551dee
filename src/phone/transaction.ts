// SIP transactions of the phone (RFC 3261 section 17): retransmit until answered, answer what is retransmitted.
//
//   client INVITE      calling -A-> again, 1xx: stop; 3xx-6xx: ACK here, and again for each copy; 2xx: each copy to the dialog
//   client other       trying -E-> again until a final response; F: timeout (408 of our own making)
//   server             keeps its last response for copies of the request; INVITE 3xx-6xx: -G-> again until ACK or H
//
// Over TCP nothing is retransmitted.

import {
  branchOf,
  cseqOf,
  header,
  headers,
  printSip,
  required,
  type SipMessage,
  type SipRequest,
  type SipResponse,
} from './sip.ts';
import type { TransportKind } from './transport.ts';

export interface SipTimers {
  readonly t1Ms: number;
  readonly t2Ms: number;
}

export const RFC_TIMERS: SipTimers = { t1Ms: 500, t2Ms: 4000 };
/** Timers B, F and H. */
const GIVE_UP_T1 = 64;

type Send = (message: SipMessage) => void;

export class ClientTransaction {
  readonly key: string;
  readonly request: SipRequest;
  /** Copies sent after the first. */
  retransmissions = 0;
  final: SipResponse | null = null;
  readonly #send: Send;
  readonly #onResponse: (response: SipResponse) => void;
  #resend: NodeJS.Timeout | null = null;
  readonly #giveUp: NodeJS.Timeout;

  constructor(
    request: SipRequest,
    kind: TransportKind,
    timers: SipTimers,
    send: Send,
    onResponse: (response: SipResponse) => void,
  ) {
    this.request = request;
    this.key = clientKey(request);
    this.#send = send;
    this.#onResponse = onResponse;
    this.#giveUp = setTimeout(() => this.#timeout(), timers.t1Ms * GIVE_UP_T1);
    send(request);
    if (kind === 'udp') this.#arm(timers.t1Ms, request.method === 'INVITE' ? Number.POSITIVE_INFINITY : timers.t2Ms);
  }

  receive(response: SipResponse): void {
    const isInvite = this.request.method === 'INVITE';
    if (response.status < 200) {
      if (isInvite) this.#stopTimers();
      if (!this.final) this.#onResponse(response);
      return;
    }
    this.#stopTimers();
    if (isInvite && response.status >= 300) this.#send(ackForFailure(this.request, response));
    const again = this.final !== null;
    this.final ??= response;
    if (!again || (isInvite && response.status < 300)) this.#onResponse(response);
  }

  close(): void {
    this.#stopTimers();
  }

  #arm(afterMs: number, mostMs: number): void {
    this.#resend = setTimeout(() => {
      this.retransmissions++;
      this.#send(this.request);
      this.#arm(Math.min(afterMs * 2, mostMs), mostMs);
    }, afterMs);
  }

  #timeout(): void {
    if (this.final) return;
    const none: SipResponse = { kind: 'response', status: 408, reason: 'No answer (local)', headers: [], body: '' };
    this.#stopTimers();
    this.final = none;
    this.#onResponse(none);
  }

  #stopTimers(): void {
    if (this.#resend) clearTimeout(this.#resend);
    this.#resend = null;
    clearTimeout(this.#giveUp);
  }
}

export class ServerTransaction {
  readonly key: string;
  readonly request: SipRequest;
  /** Copies of the request that came after the first. */
  retransmissions = 0;
  last: SipResponse | null = null;
  acknowledged = false;
  readonly #kind: TransportKind;
  readonly #timers: SipTimers;
  readonly #send: Send;
  #resend: NodeJS.Timeout | null = null;

  constructor(request: SipRequest, kind: TransportKind, timers: SipTimers, send: Send) {
    this.request = request;
    this.key = serverKey(request);
    this.#kind = kind;
    this.#timers = timers;
    this.#send = send;
  }

  respond(response: SipResponse): void {
    this.last = response;
    this.#send(response);
    const failed = this.request.method === 'INVITE' && response.status >= 300;
    if (failed && this.#kind === 'udp') this.#arm(this.#timers.t1Ms, this.#timers.t1Ms * GIVE_UP_T1);
  }

  requestAgain(): void {
    this.retransmissions++;
    if (this.last) this.#send(this.last);
  }

  ack(): void {
    this.acknowledged = true;
    this.close();
  }

  close(): void {
    if (this.#resend) clearTimeout(this.#resend);
    this.#resend = null;
  }

  #arm(afterMs: number, leftMs: number): void {
    if (leftMs <= 0) return;
    this.#resend = setTimeout(() => {
      if (this.last) this.#send(this.last);
      this.#arm(Math.min(afterMs * 2, this.#timers.t2Ms), leftMs - afterMs);
    }, afterMs);
  }
}

export function clientKey(message: SipMessage): string {
  return `${branchOf(message)} ${cseqOf(message).method}`;
}

/** An ACK for a failure belongs to the INVITE's transaction. */
export function serverKey(request: SipRequest): string {
  const sentBy = required(request, 'via').split(';')[0];
  return `${branchOf(request)} ${sentBy} ${request.method === 'ACK' ? 'INVITE' : request.method}`;
}

/** A response with the headers that RFC 3261 section 8.2.6 wants copied. */
export function responseTo(
  request: SipRequest,
  status: number,
  extra: { toTag?: string; headers?: readonly (readonly [string, string])[]; body?: string; reason?: string } = {},
): SipResponse {
  const to = required(request, 'to');
  const tagged = extra.toTag && !/;\s*tag=/i.test(to) ? `${to};tag=${extra.toTag}` : to;
  return {
    kind: 'response',
    status,
    reason: extra.reason ?? REASON_PHRASES[status] ?? 'Response',
    headers: [
      ...headers(request, 'via').map((via) => ['Via', via] as const),
      ...headers(request, 'record-route').map((route) => ['Record-Route', route] as const),
      ['From', required(request, 'from')],
      ['To', tagged],
      ['Call-ID', required(request, 'call-id')],
      ['CSeq', required(request, 'cseq')],
      ...(extra.headers ?? []),
      ...(extra.body ? [['Content-Type', 'application/sdp'] as const] : []),
    ],
    body: extra.body ?? '',
  };
}

/** RFC 3261 section 17.1.1.3: same Request-URI, Via and CSeq number; the To of the response. */
function ackForFailure(invite: SipRequest, response: SipResponse): SipRequest {
  const routes = headers(invite, 'route').map((route) => ['Route', route] as const);
  return {
    kind: 'request',
    method: 'ACK',
    uri: invite.uri,
    headers: [
      ['Via', required(invite, 'via')],
      ...routes,
      ['Max-Forwards', '70'],
      ['From', required(invite, 'from')],
      ['To', header(response, 'to') ?? required(invite, 'to')],
      ['Call-ID', required(invite, 'call-id')],
      ['CSeq', `${cseqOf(invite).number} ACK`],
    ],
    body: '',
  };
}

export function describe(message: SipMessage): string {
  return printSip(message).split('\r\n', 1)[0] ?? '';
}

const REASON_PHRASES: Readonly<Record<number, string>> = {
  100: 'Trying',
  180: 'Ringing',
  183: 'Session Progress',
  200: 'OK',
  202: 'Accepted',
  302: 'Moved Temporarily',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  407: 'Proxy Authentication Required',
  480: 'Temporarily Unavailable',
  481: 'Call/Transaction Does Not Exist',
  486: 'Busy Here',
  487: 'Request Terminated',
  488: 'Not Acceptable Here',
  500: 'Server Internal Error',
  503: 'Service Unavailable',
  603: 'Decline',
};
