// The opening handshake of RFC 6455 4.1, client side: text in, text out, no socket.
//
// Invariants
// H1. No Origin, no subprotocol and no extension is offered, so an answer that names one is a protocol error (4.1 items 5 and 6).
// H2. Any status other than 101 is final: redirects are not followed.
// H3. Configured headers cannot replace or add to what the protocol itself sends, nor break out of their line.

import { createHash } from 'node:crypto';

import type { AgentFailure } from '../../media/agent-stream.ts';
import { failure } from '../errors.ts';
import type { WebSocketUrl } from './url.ts';

/** RFC 6455 1.3. */
const ACCEPT_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

const OWN_HEADERS = new Set([
  'host',
  'connection',
  'upgrade',
  'origin',
  'content-length',
  'transfer-encoding',
  'te',
  'trailer',
  'expect',
]);
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const FIELD_VALUE = /^[\x20-\x7e\t]*$/;

/** Undefined where a configured header may be sent, else why not. */
export function headerProblem(name: string, value: string): string | undefined {
  if (!TOKEN.test(name)) return `header name ${JSON.stringify(name)} is not a token`;
  const lower = name.toLowerCase();
  if (OWN_HEADERS.has(lower) || lower.startsWith('sec-websocket-')) return `header ${name} belongs to the protocol`;
  if (!FIELD_VALUE.test(value)) return `header ${name} has characters that are not printable ASCII`;
  return undefined;
}

/** The request, ready to be written in latin1. `key` is 16 random bytes in base64. Headers are those of `headerProblem` === undefined. */
export function upgradeRequest(url: WebSocketUrl, key: string, headers: Readonly<Record<string, string>>): string {
  const lines = [
    `GET ${url.target} HTTP/1.1`,
    `Host: ${url.authority}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${key}`,
  ];
  for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
  return `${lines.join('\r\n')}\r\n\r\n`;
}

export function acceptOf(key: string): string {
  return createHash('sha1')
    .update(key + ACCEPT_GUID)
    .digest('base64');
}

/** Judges the answer's status line and headers (without the blank line). Null = the connection is a WebSocket now. */
export function judgeUpgradeResponse(text: string, key: string): AgentFailure | null {
  const lines = text.split('\r\n');
  // Old proxies refuse in HTTP/1.0; only 1.1 can switch protocols.
  const [, minor, status] = /^HTTP\/1\.([01]) (\d{3})(?: |$)/.exec(lines[0] ?? '') ?? [];
  if (status !== undefined && status !== '101') return failure('agent_handshake_rejected', `status ${status}`);
  if (minor !== '1') return failure('agent_protocol_error', 'the answer to the upgrade is not HTTP/1.1');
  const headers = parseHeaders(lines.slice(1));
  if (!headers) return failure('agent_protocol_error', 'a header of the upgrade answer is malformed');
  if (headers.get('upgrade')?.toLowerCase() !== 'websocket') return unfit('Upgrade is not websocket');
  if (!tokens(headers.get('connection')).includes('upgrade')) return unfit('Connection does not say upgrade');
  if (headers.get('sec-websocket-accept') !== acceptOf(key)) return unfit('Sec-WebSocket-Accept does not match');
  if (headers.has('sec-websocket-extensions')) return unfit('an extension we did not offer');
  if (headers.has('sec-websocket-protocol')) return unfit('a subprotocol we did not offer');
  return null;
}

function unfit(detail: string): AgentFailure {
  return failure('agent_protocol_error', `upgrade answer: ${detail}`);
}

/** Names in lower case; repeated ones joined as RFC 9110 5.3 allows. Undefined where a line is not a header. */
function parseHeaders(lines: readonly string[]): Map<string, string> | undefined {
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(colon, 0));
    if (!TOKEN.test(name)) return undefined;
    const value = line.slice(colon + 1).trim();
    const before = headers.get(name.toLowerCase());
    headers.set(name.toLowerCase(), before === undefined ? value : `${before}, ${value}`);
  }
  return headers;
}

function tokens(value = ''): string[] {
  return value.toLowerCase().split(/\s*,\s*/);
}
