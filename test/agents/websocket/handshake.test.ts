import { describe, expect, test } from 'vitest';

import {
  acceptOf,
  headerProblem,
  judgeUpgradeResponse,
  upgradeRequest,
} from '../../../src/agents/websocket/handshake.ts';
import { parseWebSocketUrl } from '../../../src/agents/websocket/url.ts';

/** Key and answer of RFC 6455 1.3. */
const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
const ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=';

test('the request is exactly what the dialects expect', () => {
  const url = parseWebSocketUrl('wss://runtime.example.com/media-stream');
  if (!url.ok) throw new Error(url.detail);
  const headers = { 'User-Agent': 'Callin/1.0', 'X-Twilio-Signature': 'c2ln' };
  expect(upgradeRequest(url.url, KEY, headers)).toBe(
    'GET /media-stream HTTP/1.1\r\n' +
      'Host: runtime.example.com\r\n' +
      'Connection: Upgrade\r\n' +
      'Upgrade: websocket\r\n' +
      'Sec-WebSocket-Version: 13\r\n' +
      `Sec-WebSocket-Key: ${KEY}\r\n` +
      'User-Agent: Callin/1.0\r\n' +
      'X-Twilio-Signature: c2ln\r\n' +
      '\r\n',
  );
});

test('the accept value is that of RFC 6455 1.3', () => {
  expect(acceptOf(KEY)).toBe(ACCEPT);
});

describe('the answer', () => {
  const good = ['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade'];
  const answer = (...lines: string[]): string => [...lines, `Sec-WebSocket-Accept: ${ACCEPT}`].join('\r\n');

  test.each([
    ['as in the RFC', answer(...good)],
    ['without a reason phrase', answer('HTTP/1.1 101', ...good.slice(1))],
    ['with other case and more tokens', answer(good[0]!, 'UPGRADE:WebSocket', 'connection: keep-alive, UPGRADE')],
    ['with more headers', answer(...good, 'Server: x', 'Set-Cookie: a=b', 'Set-Cookie: c=d', 'Via:')],
  ])('%s is accepted', (_name, text) => {
    expect(judgeUpgradeResponse(text, KEY)).toBeNull();
  });

  test.each([
    ['200', answer('HTTP/1.1 200 OK'), 'agent_handshake_rejected', 'status 200'],
    ['302', answer('HTTP/1.1 302 Found', 'Location: ws://elsewhere/'), 'agent_handshake_rejected', 'status 302'],
    ['401', answer('HTTP/1.1 401 Unauthorized'), 'agent_handshake_rejected', 'status 401'],
    ['HTTP/1.0 503', answer('HTTP/1.0 503 Unavailable'), 'agent_handshake_rejected', 'status 503'],
    ['not HTTP', 'SSH-2.0-x', 'agent_protocol_error', 'not HTTP/1.1'],
    ['HTTP/1.0', answer('HTTP/1.0 101 x'), 'agent_protocol_error', 'not HTTP/1.1'],
    ['no upgrade', answer(good[0]!, good[2]!), 'agent_protocol_error', 'Upgrade'],
    ['no connection', answer(good[0]!, good[1]!), 'agent_protocol_error', 'Connection'],
    ['no accept', good.join('\r\n'), 'agent_protocol_error', 'Sec-WebSocket-Accept'],
    ['a wrong accept', [...good, 'Sec-WebSocket-Accept: AAAA'].join('\r\n'), 'agent_protocol_error', 'does not match'],
    ['two accepts', answer(...good, `Sec-WebSocket-Accept: ${ACCEPT}`), 'agent_protocol_error', 'does not match'],
    [
      'an extension',
      answer(...good, 'Sec-WebSocket-Extensions: permessage-deflate'),
      'agent_protocol_error',
      'extension',
    ],
    ['a subprotocol', answer(...good, 'Sec-WebSocket-Protocol: chat'), 'agent_protocol_error', 'subprotocol'],
    ['a header without colon', answer(...good, 'nonsense'), 'agent_protocol_error', 'malformed'],
    ['a folded header', answer(...good, ' folded: x'), 'agent_protocol_error', 'malformed'],
  ])('%s is refused', (_name, text, code, detail) => {
    const refused = judgeUpgradeResponse(text, KEY);
    expect(refused?.code).toBe(code);
    expect(refused?.detail).toContain(detail);
  });
});

test('configured headers cannot touch the protocol or leave their line', () => {
  for (const name of [
    'Host',
    'connection',
    'UPGRADE',
    'Sec-WebSocket-Key',
    'Origin',
    'Content-Length',
    'a b',
    'a:',
    '',
  ]) {
    expect(headerProblem(name, 'x')).toBeDefined();
  }
  for (const value of ['a\r\nb: c', 'a\nb', '\u0000', 'ä']) expect(headerProblem('X-A', value)).toBeDefined();
  expect(headerProblem('Authorization', 'Bearer abc==')).toBeUndefined();
});
