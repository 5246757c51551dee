import { describe, expect, test } from 'vitest';

import { parseWebSocketUrl } from '../../../src/agents/websocket/url.ts';

describe('addresses that are understood', () => {
  test.each([
    ['ws://h/media', false, 'h', 80, 'h', '/media'],
    ['wss://h/media', true, 'h', 443, 'h', '/media'],
    ['wss://h', true, 'h', 443, 'h', '/'],
    ['wss://h?x=1', true, 'h', 443, 'h', '/?x=1'],
    ['wss://h:443/media', true, 'h', 443, 'h:443', '/media'],
    ['wss://Example.COM:8443/A/../b?q=%20', true, 'example.com', 8443, 'Example.COM:8443', '/A/../b?q=%20'],
    ['WSS://h/', true, 'h', 443, 'h', '/'],
    ['ws://[::1]:9000/x', false, '::1', 9000, '[::1]:9000', '/x'],
    ['ws://2130706433/', false, '127.0.0.1', 80, '2130706433', '/'],
    ['ws://0x7f.1/', false, '127.0.0.1', 80, '0x7f.1', '/'],
  ])('%s', (text, secure, host, port, authority, target) => {
    expect(parseWebSocketUrl(text)).toEqual({ ok: true, url: { secure, host, port, authority, target } });
  });
});

describe('addresses that are refused', () => {
  test.each([
    ['', 'blank'],
    ['http://h/', 'not a ws'],
    ['wss:h', 'not a ws'],
    ['wss://', 'not a ws'],
    ['wss:///path', 'not a ws'],
    ['wss://user:secret@h/', 'user information'],
    ['wss://h/#part', 'fragment'],
    ['wss://h/a b', 'percent-encoded'],
    ['wss://h/\u00e4', 'percent-encoded'],
    ['wss://h/\r\nX: y', 'percent-encoded'],
    ['wss://h\\@evil/', 'not a ws'],
    ['wss://h:0/', 'port 0'],
    ['wss://h:99999/', 'malformed'],
    ['wss://[::1/', 'malformed'],
    [`wss://h/${'x'.repeat(3_000)}`, 'longer'],
  ])('%s', (text, detail) => {
    const outcome = parseWebSocketUrl(text);
    expect(outcome.ok).toBe(false);
    expect(outcome.ok ? '' : outcome.detail).toContain(detail);
  });
});
