// SIP text for the test phone: parse, print, read headers. Written apart from src/sip-engine on purpose: a test peer that
// shares the parser of what it tests agrees with every mistake in it. Lenient in what it reads, plain in what it writes.

export interface SipRequest {
  readonly kind: 'request';
  readonly method: string;
  readonly uri: string;
  readonly headers: readonly Header[];
  readonly body: string;
}

export interface SipResponse {
  readonly kind: 'response';
  readonly status: number;
  readonly reason: string;
  readonly headers: readonly Header[];
  readonly body: string;
}

export type SipMessage = SipRequest | SipResponse;
export type Header = readonly [name: string, value: string];

/** Compact forms of RFC 3261 section 7.3.3. */
const COMPACT: Readonly<Record<string, string>> = {
  i: 'call-id',
  m: 'contact',
  e: 'content-encoding',
  l: 'content-length',
  c: 'content-type',
  f: 'from',
  s: 'subject',
  k: 'supported',
  t: 'to',
  v: 'via',
};
/** Headers whose comma-joined values are separate entries of a list that the phone walks. */
const LISTS = new Set(['via', 'record-route', 'route']);

/** Null for anything that is not a whole SIP message (keep-alives, noise). */
export function parseSip(text: string): SipMessage | null {
  const end = text.indexOf('\r\n\r\n');
  if (end === -1) return null;
  const lines = text
    .slice(0, end)
    .replace(/\r\n[ \t]+/g, ' ')
    .split('\r\n');
  const headers: Header[] = [];
  for (const line of lines.slice(1)) {
    const colon = line.indexOf(':');
    if (colon < 1) return null;
    const name = canonicalName(line.slice(0, colon).trim());
    const value = line.slice(colon + 1).trim();
    for (const part of LISTS.has(name) ? splitList(value) : [value]) headers.push([name, part]);
  }
  const body = text.slice(end + 4);
  const response = /^SIP\/2\.0 (\d{3}) ?(.*)$/.exec(lines[0] ?? '');
  if (response) return { kind: 'response', status: Number(response[1]), reason: response[2] ?? '', headers, body };
  const request = /^([^ ]+) ([^ ]+) SIP\/2\.0$/.exec(lines[0] ?? '');
  if (!request) return null;
  return { kind: 'request', method: request[1] ?? '', uri: request[2] ?? '', headers, body };
}

export function printSip(message: SipMessage): string {
  const first =
    message.kind === 'request'
      ? `${message.method} ${message.uri} SIP/2.0`
      : `SIP/2.0 ${message.status} ${message.reason}`;
  const lines = message.headers.filter(([name]) => name.toLowerCase() !== 'content-length');
  return [
    first,
    ...lines.map(([name, value]) => `${name}: ${value}`),
    `Content-Length: ${Buffer.byteLength(message.body)}`,
    '',
    message.body,
  ].join('\r\n');
}

/** First value of a header, by any spelling of its name. */
export function header(message: SipMessage, name: string): string | undefined {
  const wanted = canonicalName(name);
  return message.headers.find(([key]) => canonicalName(key) === wanted)?.[1];
}

export function headers(message: SipMessage, name: string): string[] {
  const wanted = canonicalName(name);
  return message.headers.filter(([key]) => canonicalName(key) === wanted).map(([, value]) => value);
}

/** Value of a header that no SIP message lacks. */
export function required(message: SipMessage, name: string): string {
  const value = header(message, name);
  if (value === undefined) throw new Error(`the peer sent a message without ${name}: ${printSip(message)}`);
  return value;
}

/** `;name=value` outside the angle brackets; '' for a flag, undefined where absent. */
export function parameter(value: string, name: string): string | undefined {
  const outside = value.replace(/^[^<]*<[^>]*>/, '');
  const match = new RegExp(`;\\s*${name}\\s*(?:=\\s*("[^"]*"|[^;,\\s]*))?(?=[;,\\s]|$)`, 'i').exec(outside);
  return match ? (match[1] ?? '').replace(/^"|"$/g, '') : undefined;
}

/** The URI of a name-addr or addr-spec. */
export function uriOf(value: string): string {
  const bracketed = /<([^>]*)>/.exec(value);
  return bracketed?.[1] ?? value.split(';')[0]?.trim() ?? '';
}

export interface UriTarget {
  readonly user: string;
  readonly host: string;
  readonly port: number;
  readonly transport: string | undefined;
}

export function parseUri(uri: string): UriTarget {
  const match = /^sips?:(?:([^@]*)@)?(\[[^\]]+\]|[^:;?>]+)(?::(\d+))?([^?]*)/i.exec(uri);
  if (!match) throw new Error(`not a SIP URI: ${uri}`);
  return {
    user: match[1] ?? '',
    host: match[2] ?? '',
    port: Number(match[3] ?? 5060),
    transport: parameter(match[4] ?? '', 'transport')?.toLowerCase(),
  };
}

export function branchOf(message: SipMessage): string {
  return parameter(required(message, 'via'), 'branch') ?? '';
}

export function cseqOf(message: SipMessage): { number: number; method: string } {
  const [number, method] = required(message, 'cseq').split(/\s+/);
  return { number: Number(number), method: method ?? '' };
}

function canonicalName(name: string): string {
  const lower = name.toLowerCase();
  return COMPACT[lower] ?? lower;
}

/** Splits at commas outside quotes and angle brackets. */
function splitList(value: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let quoted = false;
  let start = 0;
  for (let i = 0; i < value.length; i++) {
    const character = value[i];
    if (character === '"') quoted = !quoted;
    else if (!quoted && character === '<') depth++;
    else if (!quoted && character === '>') depth--;
    else if (!quoted && depth === 0 && character === ',') {
      parts.push(value.slice(start, i).trim());
      start = i + 1;
    }
  }
  parts.push(value.slice(start).trim());
  return parts;
}
