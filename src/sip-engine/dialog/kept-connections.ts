// Connections of peers that registered or subscribed over them: the way back to the Contact they gave, for as long as they said (RFC 5626 section 5.3;
// wire protocol 4.9). Behind a NAT there is no other, and a browser has none at all.
//
// Invariants
//   KC1. Only an application's 2xx makes an entry: it has decided that whoever came over that connection is who he says.
//   KC2. An entry ends with its time and with its connection. They are bounded; the oldest gives way.

import { header, headerValues } from '../message/headers.ts';
import type { SipMessage, SipResponse } from '../message/message.ts';
import { parseNameAddr } from '../message/name-addr.ts';
import { parseUri } from '../message/uri.ts';
import { type ConnectionId, type Flow, wayTo } from '../transport/flow.ts';
import type { EngineClock } from '../clock.ts';
import type { ServerRequest } from './server-request.ts';

const KEPT_MAX = 10_000;
/** Contacts of one REGISTER that are looked at. */
const CONTACTS_MAX = 16;
/** Where neither side says how long (RFC 3261 section 10.2.1.1). */
const EXPIRES_S = 3_600;
const EXPIRES_MAX_S = 86_400;

interface Kept {
  readonly flow: Flow;
  readonly untilMs: number;
}

export class KeptConnections {
  readonly #clock: EngineClock;
  /** By `user@host` of the Contact. */
  readonly #kept = new Map<string, Kept>();

  constructor(clock: EngineClock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#kept.size;
  }

  /** KC1 */
  answered({ request, source }: ServerRequest, response: SipResponse): void {
    const isBinding = request.method === 'REGISTER' || request.method === 'SUBSCRIBE';
    if (!isBinding || source.connection === undefined || response.status < 200 || response.status >= 300) return;
    const { connection } = source;
    for (const contact of headerValues(request, 'contact').slice(0, CONTACTS_MAX)) {
      if (contact === '*') this.lost(connection);
      const key = keyOf(parseNameAddr(contact)?.uri);
      if (key === undefined) continue;
      this.#kept.delete(key);
      const seconds = Math.min(grantedS(key, request, response), EXPIRES_MAX_S);
      if (seconds === 0) continue;
      this.#kept.set(key, {
        flow: wayTo(source),
        untilMs: this.#clock.now() + seconds * 1_000,
      });
    }
    while (this.#kept.size > KEPT_MAX) this.#kept.delete(this.#kept.keys().next().value ?? '');
  }

  /** The way to that URI, if it is somebody's Contact who is connected. */
  find(uri: string): Flow | undefined {
    const key = this.#kept.size === 0 ? undefined : keyOf(uri);
    const kept = key === undefined ? undefined : this.#kept.get(key);
    if (kept === undefined || key === undefined) return undefined;
    if (kept.untilMs > this.#clock.now()) return kept.flow;
    this.#kept.delete(key);
    return undefined;
  }

  lost(connection: ConnectionId): void {
    for (const [key, { flow }] of this.#kept) if (flow.connection === connection) this.#kept.delete(key);
  }

  close(): void {
    this.#kept.clear();
  }
}

function keyOf(text: string | undefined): string | undefined {
  const uri = text === undefined ? undefined : parseUri(text);
  return uri === undefined || uri.opaque !== undefined ? undefined : `${uri.user ?? ''}@${uri.host.toLowerCase()}`;
}

/** Of the response's word on this Contact, its Expires, what was asked for it, and what was asked in all, the first there is. */
function grantedS(key: string, request: SipMessage, response: SipResponse): number {
  const said = [
    expiresOf(response, key),
    header(response, 'expires'),
    expiresOf(request, key),
    header(request, 'expires'),
  ];
  const first = said.find((value) => value !== undefined && /^\s*\d{1,10}\s*$/.test(value));
  return first === undefined ? EXPIRES_S : Number(first);
}

function expiresOf(message: SipMessage, key: string): string | undefined {
  for (const contact of headerValues(message, 'contact')) {
    const party = parseNameAddr(contact);
    if (keyOf(party?.uri) === key) return party?.params.get('expires');
  }
  return undefined;
}
