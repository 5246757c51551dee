// Hot path: finding and editing header fields by canonical name. Names on the wire may have any case and may be compact;
// the canonical name is the long form in lower case. (RFC 3261 sections 7.3, 20; IANA compact forms)
//
// Invariants
//   H1. Reading never changes the message. Editing keeps the order of all fields it does not touch.
//   H2. A look-up allocates nothing unless a name on the wire has unusual capitals.

import type { HeaderField, SipMessage } from './message.ts';
import { topLevelIndexOf } from './scan.ts';

const COMPACT: Readonly<Record<string, string>> = {
  a: 'accept-contact',
  b: 'referred-by',
  c: 'content-type',
  d: 'request-disposition',
  e: 'content-encoding',
  f: 'from',
  i: 'call-id',
  j: 'reject-contact',
  k: 'supported',
  l: 'content-length',
  m: 'contact',
  n: 'identity-info',
  o: 'event',
  r: 'refer-to',
  s: 'subject',
  t: 'to',
  u: 'allow-events',
  v: 'via',
  x: 'session-expires',
  y: 'identity',
};

/** Names whose wire capitals do not follow "first letter of each word". */
const PRETTY_EXCEPTIONS: Readonly<Record<string, string>> = {
  'call-id': 'Call-ID',
  cseq: 'CSeq',
  'mime-version': 'MIME-Version',
  'min-se': 'Min-SE',
  'p-rtp-stat': 'P-RTP-Stat',
  rack: 'RAck',
  rseq: 'RSeq',
  'sip-etag': 'SIP-ETag',
  'sip-if-match': 'SIP-If-Match',
  'www-authenticate': 'WWW-Authenticate',
  'p-charging-function-addresses': 'P-Charging-Function-Addresses',
};

const prettyCache = new Map<string, string>();
/** The cache is for our own few names; a peer's invented ones must not fill it. */
const PRETTY_CACHE_MAX = 512;

/** Long form, lower case: `v` and `VIA` are both `via`. */
export function canonicalName(name: string): string {
  const lower = name.toLowerCase();
  return lower.length === 1 ? (COMPACT[lower] ?? lower) : lower;
}

/**
 * Name as it goes on the wire: known headers in their registered capitals, names that start `X-` as the caller wrote them,
 * all others with a capital first letter and capitals after `-`.
 */
export function prettyName(name: string): string {
  const known = prettyCache.get(name);
  if (known !== undefined) return known;
  const pretty = makePretty(name);
  if (prettyCache.size < PRETTY_CACHE_MAX) prettyCache.set(name, pretty);
  return pretty;
}

function makePretty(name: string): string {
  const canonical = canonicalName(name);
  const exception = PRETTY_EXCEPTIONS[canonical];
  if (exception !== undefined) return exception;
  if (canonical.startsWith('x-')) return name;
  const isCompact = name.length === 1 && canonical.length > 1;
  return (isCompact ? canonical : name).replace(
    /(^|-)([a-z])/g,
    (_, dash: string, letter: string) => dash + letter.toUpperCase(),
  );
}

/** True when a field named `wire` is the header `canonical` (a canonical name). */
export function isNamed(wire: string, canonical: string): boolean {
  if (wire.length === canonical.length) return wire === canonical || wire.toLowerCase() === canonical;
  return wire.length === 1 && COMPACT[wire.toLowerCase()] === canonical;
}

/** Value of the first field of that name. `name` must be canonical. */
export function header(msg: SipMessage, name: string): string | undefined {
  const fields = msg.headers;
  for (let i = 0; i < fields.length; i++) {
    const field = fields[i]!;
    if (isNamed(field.name, name)) return field.value;
  }
  return undefined;
}

/** Values of all fields of that name, one per field, commas untouched. */
export function headers(msg: SipMessage, name: string): string[] {
  const values: string[] = [];
  for (const field of msg.headers) if (isNamed(field.name, name)) values.push(field.value);
  return values;
}

/**
 * Values of a comma-separated header (Via, Route, Record-Route, Contact, Allow, Supported, …), each trimmed, empty ones left
 * out. Not for headers in which a comma is text: Date, Subject, User-Agent, Authorization and the like.
 */
export function headerValues(msg: SipMessage, name: string): string[] {
  const values: string[] = [];
  for (const field of msg.headers) if (isNamed(field.name, name)) splitValues(field.value, values);
  return values;
}

/** Splits one field value at top-level commas into `into`. An unclosed quote or bracket takes the rest of the field. */
export function splitValues(value: string, into: string[] = []): string[] {
  let at = 0;
  while (at <= value.length) {
    const comma = topLevelIndexOf(value, 0x2c, at);
    const end = comma === -1 ? value.length : comma;
    const part = value.slice(at, end).trim();
    if (part.length > 0) into.push(part);
    at = end + 1;
  }
  return into;
}

/** Replaces the first field of that name in place and drops the others; appends when there is none. */
export function setHeader(msg: SipMessage, name: string, value: string): void {
  const canonical = canonicalName(name);
  const first = msg.headers.findIndex((field) => isNamed(field.name, canonical));
  if (first === -1) {
    addHeader(msg, name, value);
    return;
  }
  msg.headers[first]!.value = value;
  msg.headers = msg.headers.filter((field, index) => index <= first || !isNamed(field.name, canonical));
}

/** Appends a field, its name in wire capitals. */
export function addHeader(msg: SipMessage, name: string, value: string): void {
  msg.headers.push({ name: prettyName(name), value });
}

/** Puts a field before all others of its name, or before everything when there is none (a new top Via). */
export function prependHeader(msg: SipMessage, name: string, value: string): void {
  const canonical = canonicalName(name);
  const first = msg.headers.findIndex((field) => isNamed(field.name, canonical));
  msg.headers.splice(Math.max(0, first), 0, { name: prettyName(name), value });
}

/** Removes every field of that name; returns how many there were. */
export function removeHeader(msg: SipMessage, name: string): number {
  const canonical = canonicalName(name);
  const kept = msg.headers.filter((field) => !isNamed(field.name, canonical));
  const removed = msg.headers.length - kept.length;
  if (removed > 0) msg.headers = kept;
  return removed;
}

/** How many fields of that name there are, with no allocation. */
export function countHeader(msg: SipMessage, name: string): number {
  let count = 0;
  for (const field of msg.headers) if (isNamed(field.name, name)) count++;
  return count;
}

export function cloneFields(fields: readonly HeaderField[]): HeaderField[] {
  return fields.map((field) => ({ name: field.name, value: field.value }));
}
