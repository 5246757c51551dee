// What a well-formed message must hold before anyone above acts on it. A ladder: each rung checks one thing and names it.
// (RFC 3261 sections 8.1.1, 8.2, 16.3; RFC 4475 for what the world sends)
//
// Not judged here, because the answer depends on what the layer above offers: URI scheme (416), Require (420), method
// (405, 501), Max-Forwards 0 (483), Content-Type (415), Accept (406), loops (482).

import { parseCSeq } from './cseq.ts';
import { canonicalName, header, headers, headerValues, isNamed, prettyName, splitValues } from './headers.ts';
import type { SipMessage, SipRequest, SipResponse } from './message.ts';
import { type NameAddr, parseNameAddr } from './name-addr.ts';
import { parseUint, topLevelIndexOf } from './scan.ts';
import { parseUri } from './uri.ts';
import { parseVia } from './via.ts';

export interface Invalid {
  readonly status: number;
  /** Names the header, never repeats its bytes. */
  readonly reason: string;
}

/** Headers that say one thing; a second one lets two readers see two messages. */
const SINGLETONS = [
  'from',
  'to',
  'call-id',
  'cseq',
  'max-forwards',
  'content-length',
  'content-type',
  'expires',
  'min-se',
  'session-expires',
  'rseq',
  'rack',
  'event',
  'refer-to',
  'replaces',
] as const;

/** A bit for each, under its canonical name and its usual wire name: one pass and two integers find a duplicate. */
const SINGLETON_BITS: ReadonlyMap<string, number> = new Map(
  SINGLETONS.flatMap((name, index): [string, number][] => [
    [name, 1 << index],
    [prettyName(name), 1 << index],
  ]),
);

/** Max-Forwards is one octet (RFC 3261 20.22). */
const MAX_FORWARDS_MAX = 255;
/** Delta-seconds are 32 bits (RFC 3261 20.19). */
const DELTA_SECONDS_MAX = 2 ** 32 - 1;

/** Undefined when nothing is wrong; else what to answer. */
export function validateRequest(req: SipRequest): Invalid | undefined {
  return (
    checkRequestUri(req.uri) ??
    checkCommon(req) ??
    checkMethodOfCSeq(req) ??
    checkVias(req) ??
    checkMaxForwards(req) ??
    checkContacts(req) ??
    checkDialogCreation(req) ??
    checkSeconds(req, 'expires')
  );
}

/** Undefined when nothing is wrong. An invalid response is dropped: there is nobody to answer. */
export function validateResponse(res: SipResponse): Invalid | undefined {
  return checkCommon(res) ?? checkVias(res) ?? checkContacts(res);
}

function checkRequestUri(text: string): Invalid | undefined {
  const uri = parseUri(text);
  if (uri === undefined) return bad('Request-URI');
  // Headers are not allowed in a Request-URI (RFC 3261 19.1.1, table 1): `?Route=…` would steer us (RFC 4475 escruri).
  if (uri.headers !== undefined) return bad('Request-URI');
  return undefined;
}

function checkCommon(msg: SipMessage): Invalid | undefined {
  return checkSingletons(msg) ?? checkCallId(msg) ?? checkParty(msg, 'from') ?? checkParty(msg, 'to') ?? checkCSeq(msg);
}

function checkSingletons(msg: SipMessage): Invalid | undefined {
  let seen = 0;
  for (let i = 0; i < msg.headers.length; i++) {
    const bit = singletonBit(msg.headers[i]!.name);
    if ((seen & bit) !== 0) return { status: 400, reason: `Duplicate ${prettyName(msg.headers[i]!.name)} Header` };
    seen |= bit;
  }
  return undefined;
}

function singletonBit(name: string): number {
  return SINGLETON_BITS.get(name) ?? SINGLETON_BITS.get(canonicalName(name)) ?? 0;
}

function checkCallId(msg: SipMessage): Invalid | undefined {
  const callId = header(msg, 'call-id');
  if (callId === undefined) return missing('Call-ID');
  return isIdentifier(callId) ? undefined : bad('Call-ID');
}

function checkParty(msg: SipMessage, name: 'from' | 'to'): Invalid | undefined {
  const value = header(msg, name);
  if (value === undefined) return missing(prettyName(name));
  const party = parseNameAddr(value);
  if (party === undefined || parseUri(party.uri) === undefined) return bad(prettyName(name));
  const tag = party.params.get('tag');
  return tag === undefined || isIdentifier(tag) ? undefined : bad(prettyName(name));
}

function checkCSeq(msg: SipMessage): Invalid | undefined {
  const value = header(msg, 'cseq');
  if (value === undefined) return missing('CSeq');
  return parseCSeq(value) === undefined ? bad('CSeq') : undefined;
}

function checkMethodOfCSeq(req: SipRequest): Invalid | undefined {
  const cseq = parseCSeq(header(req, 'cseq') ?? '');
  return cseq?.method === req.method ? undefined : { status: 400, reason: 'CSeq Method Mismatch' };
}

function checkVias(msg: SipMessage): Invalid | undefined {
  let hasVia = false;
  for (const field of msg.headers) {
    if (!isNamed(field.name, 'via')) continue;
    const isFirst = !hasVia;
    hasVia = true;
    // Only the top Via is ours to act on; those below belong to other hops, so they need only be separable.
    const comma = topLevelIndexOf(field.value, 0x2c);
    if (comma === -1) return bad('Via');
    if (isFirst && parseVia(field.value.slice(0, comma).trim()) === undefined) return bad('Via');
  }
  return hasVia ? undefined : missing('Via');
}

/** Absent is allowed: RFC 2543 did not have it, and 70 is assumed (RFC 3261 16.3). */
function checkMaxForwards(req: SipRequest): Invalid | undefined {
  const value = header(req, 'max-forwards');
  return value === undefined || parseUint(value, MAX_FORWARDS_MAX) !== undefined ? undefined : bad('Max-Forwards');
}

function checkContacts(msg: SipMessage): Invalid | undefined {
  for (const value of headers(msg, 'contact')) {
    if (topLevelIndexOf(value, 0x2c) === -1) return bad('Contact');
    for (const contact of splitValues(value)) {
      if (contact === '*') continue;
      const parsed = parseNameAddr(contact);
      if (parsed === undefined || parseUri(parsed.uri) === undefined || !hasGoodExpires(parsed)) return bad('Contact');
    }
  }
  return undefined;
}

function hasGoodExpires(contact: NameAddr): boolean {
  const expires = contact.params.get('expires');
  return expires === undefined || parseUint(expires, DELTA_SECONDS_MAX) !== undefined;
}

/** A dialog is named by Call-ID and From tag and reached by Contact; without them the request can lead to nothing. */
function checkDialogCreation(req: SipRequest): Invalid | undefined {
  if (req.method !== 'INVITE' && req.method !== 'SUBSCRIBE') return undefined;
  const from = parseNameAddr(header(req, 'from') ?? '');
  if (!from?.params.has('tag')) return { status: 400, reason: 'Missing From Tag' };
  const contact = headerValues(req, 'contact');
  if (contact.length === 0) return missing('Contact');
  return contact.length === 1 && contact[0] !== '*' ? undefined : bad('Contact');
}

function checkSeconds(msg: SipMessage, name: 'expires'): Invalid | undefined {
  const value = header(msg, name);
  return value === undefined || parseUint(value, DELTA_SECONDS_MAX) !== undefined ? undefined : bad(prettyName(name));
}

/** Call-ID or tag: visible ASCII. `|` would split a token of the control protocol in two, so it is refused. */
function isIdentifier(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code <= 0x20 || code >= 0x7f || code === 0x7c || code === 0x2c || code === 0x3b) return false;
  }
  return text.length > 0;
}

function missing(name: string): Invalid {
  return { status: 400, reason: `Missing ${name} Header` };
}

function bad(name: string): Invalid {
  return { status: 400, reason: name === 'Request-URI' ? 'Bad Request-URI' : `Bad ${name} Header` };
}
