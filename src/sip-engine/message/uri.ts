// SIP and SIPS URIs as data; any other scheme is kept as opaque text. (RFC 3261 section 19.1)
//
//   sip:user:password@host:port;uri-parameters?headers
//
// Invariants
//   U1. What was written comes back: user, password, host, parameter values and headers keep their case and escapes.
//       (Parameter names alone are put in lower case: they are case-insensitive.)
//   U2. Text with white space, `<`, `>`, `"`, control characters or a broken escape is no URI.

import { isIPv6 } from 'node:net';
import { formatParams, type Params, parseUriParams } from './params.ts';
import { isAlphanumeric, isHex, parsePort } from './scan.ts';

export interface SipUri {
  /** Lower case. */
  scheme: string;
  user: string | undefined;
  password: string | undefined;
  /** As written; IPv6 keeps its brackets. Empty when `opaque` is set. */
  host: string;
  port: number | undefined;
  params: Params;
  /** Text after `?`, undecoded. */
  headers: string | undefined;
  /** Everything after `scheme:` when the scheme is neither sip nor sips. */
  opaque: string | undefined;
}

/** Undefined when `text` is no URI. */
export function parseUri(text: string): SipUri | undefined {
  const colon = text.indexOf(':');
  if (colon <= 0 || !isScheme(text, colon) || !hasOnlyUriCharacters(text)) return undefined;
  const scheme = text.slice(0, colon).toLowerCase();
  if (scheme !== 'sip' && scheme !== 'sips') {
    return colon + 1 === text.length ? undefined : opaqueUri(scheme, text.slice(colon + 1));
  }
  const uri = emptyUri(scheme);
  const afterUser = takeUserInfo(uri, text, colon + 1);
  return afterUser === -1 ? undefined : takeHostAndRest(uri, text, afterUser);
}

export function formatUri(uri: SipUri): string {
  if (uri.opaque !== undefined) return `${uri.scheme}:${uri.opaque}`;
  let out = `${uri.scheme}:`;
  if (uri.user !== undefined) out += uri.password === undefined ? `${uri.user}@` : `${uri.user}:${uri.password}@`;
  out += uri.host;
  if (uri.port !== undefined) out += `:${uri.port}`;
  out += formatParams(uri.params);
  return uri.headers === undefined ? out : `${out}?${uri.headers}`;
}

/** Host without IPv6 brackets: what a socket wants. */
export function bareHost(host: string): string {
  return host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
}

/** Host as it stands in URIs and Via: IPv6 in brackets. */
export function bracketHost(address: string): string {
  return address.includes(':') && !address.startsWith('[') ? `[${address}]` : address;
}

/** Resolves %-escapes of a user part; text that is no UTF-8 after unescaping comes back as it was. */
export function unescapeUser(user: string): string {
  if (!user.includes('%')) return user;
  try {
    return decodeURIComponent(user);
  } catch (error) {
    if (error instanceof URIError) return user;
    throw error;
  }
}

/** Parameters that must match whenever either URI has them (RFC 3261 19.1.4). */
const SIGNIFICANT_PARAMS = ['user', 'ttl', 'method', 'maddr', 'transport'] as const;

/** Equality of RFC 3261 19.1.4; a default port is not the same as none. Opaque URIs are compared as text. */
export function urisEqual(a: SipUri, b: SipUri): boolean {
  if (a.scheme !== b.scheme || a.opaque !== b.opaque || a.port !== b.port) return false;
  if (a.host.toLowerCase() !== b.host.toLowerCase()) return false;
  if (normalEscapes(a.user) !== normalEscapes(b.user) || normalEscapes(a.password) !== normalEscapes(b.password)) {
    return false;
  }
  for (const name of SIGNIFICANT_PARAMS) if (a.params.has(name) !== b.params.has(name)) return false;
  for (const [name, value] of a.params) {
    const other = b.params.get(name);
    if (other !== undefined && other.toLowerCase() !== value.toLowerCase()) return false;
  }
  return sortedHeaders(a.headers) === sortedHeaders(b.headers);
}

function takeUserInfo(uri: SipUri, text: string, from: number): number {
  // The user part may hold `;` and `?` unescaped (RFC 4475 semiuri), so it is found first, by the only unescapable `@`.
  const at = text.indexOf('@', from);
  if (at === -1) return from;
  if (at === from || text.indexOf('@', at + 1) !== -1) return -1;
  const colon = text.indexOf(':', from);
  const hasPassword = colon !== -1 && colon < at;
  uri.user = text.slice(from, hasPassword ? colon : at);
  if (hasPassword) uri.password = text.slice(colon + 1, at);
  if (uri.user.length === 0 || uri.password?.includes(':') === true) return -1;
  return at + 1;
}

function takeHostAndRest(uri: SipUri, text: string, from: number): SipUri | undefined {
  const question = text.indexOf('?', from);
  const end = question === -1 ? text.length : question;
  const semicolon = text.indexOf(';', from);
  const hostEnd = semicolon === -1 || semicolon > end ? end : semicolon;
  const hostPort = splitHostPort(text.slice(from, hostEnd));
  if (hostPort === undefined) return undefined;
  uri.host = hostPort.host;
  uri.port = hostPort.port;
  if (hostEnd < end) {
    const params = parseUriParams(text.slice(hostEnd + 1, end));
    if (params === undefined) return undefined;
    uri.params = params;
  }
  if (question !== -1) {
    uri.headers = text.slice(question + 1);
    if (uri.headers.length === 0) return undefined;
  }
  return uri;
}

/** `host[:port]`, host being a name, an IPv4 address or a bracketed IPv6 one. */
export function splitHostPort(text: string): { host: string; port: number | undefined } | undefined {
  const isBracketed = text.startsWith('[');
  const hostEnd = isBracketed ? text.indexOf(']') + 1 : colonOrEnd(text);
  if (hostEnd <= 0) return undefined;
  const host = text.slice(0, hostEnd);
  if (isBracketed ? !isIPv6Reference(host.slice(1, -1)) : !isHostName(host)) return undefined;
  if (hostEnd === text.length) return { host, port: undefined };
  if (text.charCodeAt(hostEnd) !== 0x3a) return undefined;
  const port = parsePort(text.slice(hostEnd + 1));
  return port === undefined ? undefined : { host, port };
}

/** The grammar of RFC 3261 lets a third colon stand before an IPv4 address by mistake; it is to be borne (RFC 5118 section 4.10). */
function isIPv6Reference(text: string): boolean {
  return isIPv6(text) || (text.includes(':::') && isIPv6(text.replace(/:::(?=\d+\.[\d.]+$)/, '::')));
}

function colonOrEnd(text: string): number {
  const colon = text.indexOf(':');
  return colon === -1 ? text.length : colon;
}

/** Letters, digits, `-`, `.`, and `_`, which no RFC allows and many networks use. */
function isHostName(host: string): boolean {
  for (let i = 0; i < host.length; i++) {
    const code = host.charCodeAt(i);
    if (!isAlphanumeric(code) && code !== 0x2d && code !== 0x2e && code !== 0x5f) return false;
  }
  return host.length > 0;
}

function isScheme(text: string, end: number): boolean {
  for (let i = 0; i < end; i++) {
    const code = text.charCodeAt(i);
    if (!isAlphanumeric(code) && (i === 0 || (code !== 0x2b && code !== 0x2d && code !== 0x2e))) return false;
  }
  return text.charCodeAt(0) > 0x39;
}

function hasOnlyUriCharacters(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x25) {
      if (!isHex(text.charCodeAt(i + 1)) || !isHex(text.charCodeAt(i + 2))) return false;
    } else if (code <= 0x20 || code >= 0x7f || code === 0x22 || code === 0x3c || code === 0x3e) {
      return false;
    }
  }
  return true;
}

function emptyUri(scheme: string): SipUri {
  return {
    scheme,
    user: undefined,
    password: undefined,
    host: '',
    port: undefined,
    params: new Map(),
    headers: undefined,
    opaque: undefined,
  };
}

function opaqueUri(scheme: string, opaque: string): SipUri {
  const uri = emptyUri(scheme);
  uri.opaque = opaque;
  return uri;
}

function normalEscapes(text: string | undefined): string | undefined {
  return text === undefined ? undefined : unescapeUser(text);
}

function sortedHeaders(text: string | undefined): string {
  return text === undefined ? '' : text.split('&').sort().join('&');
}
