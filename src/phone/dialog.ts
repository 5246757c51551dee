// One side of a SIP dialog (RFC 3261 section 12): identifiers, route set, target, counters; makes the requests inside it.

import { type Header, headers, parameter, parseUri, required, type SipMessage, type SipRequest, uriOf } from './sip.ts';
import type { Line } from './line.ts';

export interface DialogSeed {
  readonly callId: string;
  /** Whole From and To values as this side writes them, tags included. */
  readonly local: string;
  readonly remote: string;
  readonly remoteTarget: string;
  readonly routeSet: readonly string[];
  readonly localSequence: number;
}

export class Dialog {
  readonly callId: string;
  readonly local: string;
  readonly remote: string;
  readonly routeSet: readonly string[];
  remoteTarget: string;
  #localSequence: number;

  constructor(seed: DialogSeed) {
    this.callId = seed.callId;
    this.local = seed.local;
    this.remote = seed.remote;
    this.routeSet = seed.routeSet;
    this.remoteTarget = seed.remoteTarget;
    this.#localSequence = seed.localSequence;
  }

  get localTag(): string {
    return parameter(this.local, 'tag') ?? '';
  }

  get remoteTag(): string {
    return parameter(this.remote, 'tag') ?? '';
  }

  /** Next hop of a request: the first route, else the remote target. */
  get nextHop(): { address: string; port: number } {
    const uri = parseUri(uriOf(this.routeSet[0] ?? this.remoteTarget));
    return { address: uri.host, port: uri.port };
  }

  /** Target refresh (section 12.2): the Contact of a re-INVITE, UPDATE or their 2xx replaces the target. */
  refresh(message: SipMessage): void {
    const contact = message.headers.find(([name]) => /^(contact|m)$/i.test(name))?.[1];
    if (contact) this.remoteTarget = uriOf(contact);
  }

  request(
    line: Line,
    method: string,
    extra: { headers?: readonly Header[]; body?: string; sequence?: number } = {},
  ): SipRequest {
    const sequence = extra.sequence ?? ++this.#localSequence;
    const body = extra.body ?? '';
    const typed = extra.headers?.some(([name]) => name.toLowerCase() === 'content-type') ?? false;
    return {
      kind: 'request',
      method,
      uri: this.remoteTarget,
      headers: [
        ['Via', line.via()],
        ...this.routeSet.map((route) => ['Route', route] as const),
        ['Max-Forwards', '70'],
        ['From', this.local],
        ['To', this.remote],
        ['Call-ID', this.callId],
        ['CSeq', `${sequence} ${method}`],
        ['Contact', line.contact],
        ...(extra.headers ?? []),
        ...(body !== '' && !typed ? [['Content-Type', 'application/sdp'] as const] : []),
      ],
      body,
    };
  }
}

/** The caller's side, from its INVITE and a tagged response to it. */
export function callerDialog(invite: SipRequest, response: SipMessage): Dialog {
  const contact = headers(response, 'contact')[0];
  return new Dialog({
    callId: required(invite, 'call-id'),
    local: required(invite, 'from'),
    remote: required(response, 'to'),
    remoteTarget: contact ? uriOf(contact) : invite.uri,
    routeSet: headers(response, 'record-route').toReversed(),
    localSequence: Number.parseInt(required(invite, 'cseq'), 10),
  });
}

/** The called side, from the INVITE and the tag given to it. */
export function calledDialog(invite: SipRequest, localTag: string): Dialog {
  return new Dialog({
    callId: required(invite, 'call-id'),
    local: `${required(invite, 'to')};tag=${localTag}`,
    remote: required(invite, 'from'),
    remoteTarget: uriOf(required(invite, 'contact')),
    routeSet: headers(invite, 'record-route'),
    localSequence: 0,
  });
}
