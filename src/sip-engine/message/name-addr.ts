// name-addr and addr-spec headers: From, To, Contact, Route, Record-Route, Refer-To, P-Asserted-Identity.
// (RFC 3261 sections 20.10, 20.20, 20.39, 25.1)
//
//   "Display Name" <sip:user@host;uri-param>;header-param        name-addr
//   sip:user@host;header-param                                   addr-spec: parameters belong to the header
//
// Invariants
//   N1. An addr-spec that would need brackets (`,` `?` inside) is refused, never guessed at (RFC 3261 section 20).
//   N2. Written back, the URI is always in angle brackets, so a parameter can never move from the header into the URI.

import { formatParams, type Params, parseHeaderParams } from './params.ts';
import { quote, quotedEnd, unquote } from './scan.ts';

export interface NameAddr {
  /** Unquoted, quoted-pairs resolved; undefined when absent. */
  display: string | undefined;
  /** Text between the brackets, unparsed. */
  uri: string;
  params: Params;
}

/**
 * Undefined when `text` is no single name-addr or addr-spec. White space inside the brackets is refused (RFC 4475 badaspec):
 * whoever reads the text after us might not drop it.
 */
export function parseNameAddr(text: string): NameAddr | undefined {
  const open = bracketIndex(text);
  if (open === -2) return undefined;
  return open === -1 ? parseAddrSpec(text) : parseBracketed(text, open);
}

export function formatNameAddr(value: NameAddr): string {
  const display = value.display === undefined ? '' : `${quote(value.display)} `;
  return `${display}<${value.uri}>${formatParams(value.params)}`;
}

/** Value of the `tag` parameter of a From or To value; undefined when there is none or the value is malformed. */
export function getTag(text: string): string | undefined {
  // Most values have no quotes after the bracket, and many have no tag: answer those without building anything.
  const params = headerParamsOf(text);
  const tag = params?.get('tag');
  return tag === '' ? undefined : tag;
}

/**
 * The same From or To value with this tag, replacing any it has; the rest of the text stays as the peer wrote it.
 * An addr-spec gets brackets.
 */
export function withTag(text: string, tag: string): string {
  const parsed = parseNameAddr(text);
  if (parsed === undefined) return `${text};tag=${tag}`;
  const open = bracketIndex(text);
  const head = open < 0 ? `<${parsed.uri}>` : text.slice(0, text.indexOf('>', open) + 1);
  parsed.params.set('tag', tag);
  return head + formatParams(parsed.params);
}

/** Parameters after the name-addr or addr-spec; undefined when the value is malformed. */
function headerParamsOf(text: string): Params | undefined {
  const open = bracketIndex(text);
  if (open === -2) return undefined;
  if (open === -1) return parseAddrSpec(text)?.params;
  const close = text.indexOf('>', open);
  return close === -1 ? undefined : parseHeaderParams(text, close + 1);
}

function parseBracketed(text: string, open: number): NameAddr | undefined {
  const close = text.indexOf('>', open);
  if (close === -1) return undefined;
  const display = parseDisplay(text.slice(0, open).trim());
  if (display === false) return undefined;
  const uri = text.slice(open + 1, close);
  const params = parseHeaderParams(text, close + 1);
  return params === undefined || !isBracketable(uri) ? undefined : { display, uri, params };
}

function parseAddrSpec(text: string): NameAddr | undefined {
  const trimmed = text.trim();
  const semicolon = trimmed.indexOf(';');
  const uri = (semicolon === -1 ? trimmed : trimmed.slice(0, semicolon)).trimEnd();
  if (uri.length === 0) return undefined;
  for (let i = 0; i < uri.length; i++) {
    const code = uri.charCodeAt(i);
    if (code <= 0x20 || code === 0x22 || code === 0x2c || code === 0x3e || code === 0x3f) return undefined;
  }
  const params = parseHeaderParams(trimmed, uri.length);
  return params === undefined ? undefined : { display: undefined, uri, params };
}

function isBracketable(uri: string): boolean {
  for (let i = 0; i < uri.length; i++) {
    const code = uri.charCodeAt(i);
    if (code <= 0x20 || code === 0x22 || code === 0x3c) return false;
  }
  return uri.length > 0;
}

/** Plain words or one quoted string; false when it is neither. */
function parseDisplay(text: string): string | undefined | false {
  if (text.length === 0) return undefined;
  if (text.charCodeAt(0) === 0x22) return quotedEnd(text, 0) === text.length ? unquote(text) : false;
  for (let i = 0; i < text.length; i++) if (NOT_IN_DISPLAY.includes(text.charCodeAt(i))) return false;
  return text;
}

/**
 * The grammar wants tokens; the world sends `Smith (sales)` and `José`. What can be read in one way only is accepted, what could
 * begin another value, URI, quote or parameter is not (RFC 4475 baddn).
 */
const NOT_IN_DISPLAY: readonly number[] = Array.from('",;:<>\\', (char) => char.charCodeAt(0));

/** Index of the opening bracket outside quotes; -1 without one; -2 when a quote never closes. */
function bracketIndex(text: string): number {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x3c) return i;
    if (code === 0x22) {
      const end = quotedEnd(text, i);
      if (end === -1) return -2;
      i = end - 1;
    }
  }
  return -1;
}
