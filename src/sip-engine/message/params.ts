// Parameters of headers and URIs: `;name=value;flag`. Names are case-insensitive and kept in lower case, values exactly as
// written (quotes included), order kept. A parameter without a value maps to ''. (RFC 3261 sections 7.3.1, 19.1.1, 25.1)

import { isHex, isToken, quotedEnd } from './scan.ts';

export type Params = Map<string, string>;

/**
 * Parses `;a=b;c` from `from` to the end of `text`; white space around `;` and `=` is allowed (RFC 4475 3.1.1.1).
 * Undefined when the text is not a parameter list: empty names, unclosed quotes, one name with two different values.
 */
export function parseHeaderParams(text: string, from = 0): Params | undefined {
  const params: Params = new Map();
  let at = skipSpace(text, from);
  while (at < text.length) {
    if (text.charCodeAt(at) !== 0x3b) return undefined;
    const end = paramEnd(text, at + 1);
    if (end === -1) return undefined;
    if (!addHeaderParam(params, text.slice(at + 1, end))) return undefined;
    at = end;
  }
  return params;
}

/** Parameters of a SIP URI, `text` being what follows the first `;` without it. */
export function parseUriParams(text: string): Params | undefined {
  const params: Params = new Map();
  for (const part of text.split(';')) {
    const equals = part.indexOf('=');
    const name = equals === -1 ? part : part.slice(0, equals);
    const value = equals === -1 ? '' : part.slice(equals + 1);
    if (!isUriParamText(name) || (equals !== -1 && !isUriParamText(value))) return undefined;
    if (!put(params, name.toLowerCase(), value)) return undefined;
  }
  return params;
}

export function formatParams(params: ReadonlyMap<string, string>): string {
  let out = '';
  for (const [name, value] of params) out += value === '' ? `;${name}` : `;${name}=${value}`;
  return out;
}

function addHeaderParam(params: Params, text: string): boolean {
  const equals = text.indexOf('=');
  const name = (equals === -1 ? text : text.slice(0, equals)).trim();
  if (!isToken(name)) return false;
  if (equals === -1) return put(params, name.toLowerCase(), '');
  const value = text.slice(equals + 1).trim();
  return isParamValue(value) && put(params, name.toLowerCase(), value);
}

/** token / host / quoted-string; a host may be an IPv6 reference. */
function isParamValue(value: string): boolean {
  if (value.length === 0) return false;
  if (value.charCodeAt(0) === 0x22) return quotedEnd(value, 0) === value.length;
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    // White space, quotes, brackets and separators that would change how the header splits.
    if (code <= 0x20 || code === 0x22 || code === 0x2c || code === 0x3b || code === 0x3c || code === 0x3e) return false;
    if (code === 0x7f) return false;
  }
  return true;
}

/** paramchar (RFC 3261 25.1): unreserved, escaped, and `[ ] / : & + $`. */
function isUriParamText(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x25) {
      if (!isHex(text.charCodeAt(i + 1)) || !isHex(text.charCodeAt(i + 2))) return false;
      i += 2;
    } else if (code <= 0x20 || code >= 0x7f || FORBIDDEN_IN_URI_PARAM.includes(code)) {
      return false;
    }
  }
  return text.length > 0;
}

const FORBIDDEN_IN_URI_PARAM: readonly number[] = Array.from('"<>,;=?@\\^`{|}#%', (char) => char.charCodeAt(0));

/** Two different values for one name would let two readers see two things; the same one twice is only untidy. */
function put(params: Params, name: string, value: string): boolean {
  const known = params.get(name);
  if (known !== undefined && known !== value) return false;
  params.set(name, value);
  return true;
}

function paramEnd(text: string, from: number): number {
  for (let i = from; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x3b) return i;
    if (code === 0x22) {
      const end = quotedEnd(text, i);
      if (end === -1) return -1;
      i = end - 1;
    }
  }
  return text.length;
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (at < text.length && (text.charCodeAt(at) === 0x20 || text.charCodeAt(at) === 0x09)) at++;
  return at;
}
