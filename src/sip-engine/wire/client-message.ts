// Reads what an application sends: the meta line and the SIP text drachtio-srf prints.
//
// The text is not a SIP message yet: it has no Via, often no From, To or Call-ID, and a Content-Length that counts UTF-16
// units. So the body is everything after the blank line, and only the shape of the lines is checked here.
import { prettyName } from '../message/headers.ts';
import type { HeaderField, SipRequest, SipResponse } from '../message/message.ts';

export interface ClientFrame {
  readonly id: string;
  /** `authenticate`, `route`, `sip`, ... */
  readonly type: string;
  /** Everything after the type; empty tokens are significant. */
  readonly tokens: readonly string[];
  /** Bytes after the first CR LF. */
  readonly sip: Buffer | undefined;
}

/** Header lines of one message. The engine's own limit on network messages is stricter; this only stops a runaway client. */
const HEADERS_MAX = 500;
const TOKEN = /^[\w\-.!%*+`'~]+$/;

export function parseClientFrame(payload: Buffer): ClientFrame {
  const end = payload.indexOf('\r\n');
  const metaLine = end === -1 ? payload.toString() : payload.toString('utf8', 0, end);
  const tokens = metaLine.split('|');
  return {
    id: tokens[0] ?? '',
    type: tokens[1] ?? '',
    tokens: tokens.slice(2),
    sip: end === -1 ? undefined : payload.subarray(end + 2),
  };
}

export type ClientMessage =
  | { readonly ok: true; readonly message: SipRequest | SipResponse }
  | { readonly ok: false; readonly reason: string };

/**
 * @returns the message with header names as they should appear on the wire; a line without a name or a colon is left out. Fails
 * when the start line cannot be read or there are too many lines.
 */
export function parseClientMessage(sip: Buffer): ClientMessage {
  let headEnd = sip.indexOf('\r\n\r\n');
  let body: Buffer = Buffer.alloc(0);
  if (headEnd === -1) headEnd = sip.length;
  else body = sip.subarray(headEnd + 4);
  const lines = sip.toString('utf8', 0, headEnd).split('\r\n');
  const startLine = lines[0] ?? '';
  const headers: HeaderField[] = [];
  if (lines.length > HEADERS_MAX) return { ok: false, reason: 'too many header lines' };
  for (const line of lines.slice(1)) {
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(colon, 0)).trim();
    if (TOKEN.test(name)) headers.push({ name: prettyName(name), value: line.slice(colon + 1).trim() });
  }
  const message = startLine.startsWith('SIP/')
    ? responseOf(startLine, headers, body)
    : requestOf(startLine, headers, body);
  return message === undefined ? { ok: false, reason: `invalid request-uri: ${startLine}` } : { ok: true, message };
}

function responseOf(startLine: string, headers: HeaderField[], body: Buffer): SipResponse | undefined {
  const match = /^SIP\/2\.0 (\d{3})(?: (.*))?$/.exec(startLine);
  if (match === null) return undefined;
  const status = Number(match[1]);
  if (status < 100 || status > 699) return undefined;
  return { kind: 'response', status, reason: match[2] ?? '', headers, body };
}

function requestOf(startLine: string, headers: HeaderField[], body: Buffer): SipRequest | undefined {
  const parts = startLine.split(' ');
  if (parts.length !== 3 || parts[2] !== 'SIP/2.0' || !TOKEN.test(parts[0]!) || parts[1] === '') return undefined;
  return { kind: 'request', method: parts[0]!.toUpperCase(), uri: parts[1]!, headers, body };
}
