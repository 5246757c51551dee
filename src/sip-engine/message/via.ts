// Via: where a request has been and where its response goes. (RFC 3261 sections 18.2, 20.42; RFC 3581; RFC 5923 alias)

import { formatParams, type Params, parseHeaderParams } from './params.ts';
import { header, isNamed } from './headers.ts';
import type { SipMessage, SipRequest } from './message.ts';
import { isToken, topLevelIndexOf } from './scan.ts';
import { bareHost, splitHostPort } from './uri.ts';

export interface Via {
  /** `SIP/2.0`, white space removed. */
  protocol: string;
  /** As written: UDP, TCP, TLS, … */
  transport: string;
  /** sent-by host as written; IPv6 in brackets. */
  host: string;
  port: number | undefined;
  params: Params;
}

/** Port of a sent-by without one (RFC 3261 18.2.2). */
export const SIP_PORT = 5060;
export const SIPS_PORT = 5061;

/** Parses one Via value (no commas). Undefined when malformed. */
export function parseVia(text: string): Via | undefined {
  const semicolon = topLevelIndexOf(text, 0x3b);
  if (semicolon === -1) return undefined;
  const head = text.slice(0, semicolon);
  const firstSlash = head.indexOf('/');
  const secondSlash = head.indexOf('/', firstSlash + 1);
  if (firstSlash === -1 || secondSlash === -1) return undefined;
  const name = head.slice(0, firstSlash).trim();
  const version = head.slice(firstSlash + 1, secondSlash).trim();
  const rest = head.slice(secondSlash + 1).trim();
  const space = firstSpace(rest);
  if (space === -1 || !isToken(name) || !isToken(version)) return undefined;
  const transport = rest.slice(0, space);
  const sentBy = splitHostPort(removeSpaceAroundColon(rest.slice(space + 1).trim()));
  const params = parseHeaderParams(text, semicolon);
  if (!isToken(transport) || sentBy === undefined || params === undefined) return undefined;
  return { protocol: `${name}/${version}`, transport, host: sentBy.host, port: sentBy.port, params };
}

export function formatVia(via: Via): string {
  const port = via.port === undefined ? '' : `:${via.port}`;
  return `${via.protocol}/${via.transport} ${via.host}${port}${formatParams(via.params)}`;
}

/** The top Via of a message, parsed; undefined when missing or malformed. */
export function topVia(msg: SipMessage): Via | undefined {
  const value = header(msg, 'via');
  if (value === undefined) return undefined;
  const comma = topLevelIndexOf(value, 0x2c);
  return comma === -1 ? undefined : parseVia(value.slice(0, comma).trim());
}

/** `branch` of the top Via; undefined when missing, empty or unreadable. */
export function topBranch(msg: SipMessage): string | undefined {
  const branch = topVia(msg)?.params.get('branch');
  return branch === '' ? undefined : branch;
}

/**
 * Marks on the top Via where the request really came from (RFC 3261 18.2.1, RFC 3581 4).
 * `received` is written when the sent-by host is not that address, or when the peer asked with `rport`; what the peer claimed in
 * either parameter is overwritten. `forceRport` writes `rport` even when the peer did not ask for it.
 * @returns the stamped Via, undefined when the top Via is missing or malformed (the message is then unchanged).
 */
export function stampTopVia(
  req: SipRequest,
  source: { address: string; port: number },
  options: { forceRport: boolean },
): Via | undefined {
  const field = req.headers.find((candidate) => isNamed(candidate.name, 'via'));
  if (field === undefined) return undefined;
  const comma = topLevelIndexOf(field.value, 0x2c);
  const via = comma === -1 ? undefined : parseVia(field.value.slice(0, comma).trim());
  if (via === undefined) return undefined;
  const peerAsked = via.params.has('rport');
  via.params.delete('received');
  if (peerAsked || bareHost(via.host).toLowerCase() !== source.address.toLowerCase()) {
    via.params.set('received', source.address);
  }
  if (peerAsked || options.forceRport) via.params.set('rport', String(source.port));
  field.value = formatVia(via) + field.value.slice(comma);
  return via;
}

function firstSpace(text: string): number {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x20 || code === 0x09) return i;
  }
  return -1;
}

/** `host : 5060` is allowed by the grammar (COLON has optional white space). */
function removeSpaceAroundColon(sentBy: string): string {
  if (firstSpace(sentBy) === -1) return sentBy;
  return sentBy
    .split(':')
    .map((part) => part.trim())
    .join(':');
}
