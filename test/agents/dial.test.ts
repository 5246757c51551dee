import { describe, expect, test } from 'vitest';

import { agentDial, twilioSignature } from '../../src/agents/dial.ts';
import type { Agent, AgentStreamConfig } from '../../src/domain/directory.ts';

function agentWith(stream: Partial<AgentStreamConfig>): Agent {
  return {
    id: 'agent_1',
    createdAt: 0,
    workspaceId: 'ws_1',
    name: 'test',
    stream: {
      url: 'wss://h/media',
      protocol: 'twilio',
      codec: 'PCMA',
      headers: {},
      authToken: '12345',
      customParameters: {},
      ...stream,
    },
    fallbackAgentId: null,
    readyTimeoutMs: 5_000,
  };
}

const params = { callId: 'call_1', accountId: 'ws_1', parameters: {} };

function headersOf(stream: Partial<AgentStreamConfig>): Readonly<Record<string, string>> {
  const outcome = agentDial(agentWith(stream), params);
  if (!outcome.ok) throw new Error(outcome.failure.detail);
  return outcome.dial.headers;
}

describe('the upgrade signature', () => {
  // Made with `printf %s "$url" | openssl dgst -sha1 -hmac 12345 -binary | base64`.
  test.each([
    ['wss://h/media', 'VbzTUX9j6oFAHou/wPrp+HjCrV0='],
    ['wss://h:443/media', 'zSvxdyW2sBpA3TZRADfl42AViwc='],
    ['wss://h/media/', '8C07YASNtj6ycZZM1GEZ5OiF5fs='],
    ['wss://h:8443/media', 'D8j8cZimoQ09ku1vPX61nnFP1m0='],
    ['wss://h', 'Xas15TvtNqKJV5VO6zXs5hjekNw='],
    ['wss://h/media?x=1', 'pynowEXgGFiQPU398lsQXwgg8Lg='],
    ['ws://127.0.0.1:9000/echo', 'mWZCoDmP1ZD0L/5wLDrYHIkEciA='],
  ])('of %s is over the URL as configured', (url, signature) => {
    expect(headersOf({ url })['X-Twilio-Signature']).toBe(signature);
  });

  // What a runtime thinks its URL is, what we signed, and whether they match byte for byte (the stock validator forgives ports on its side).
  test.each([
    ['wss://h/media', 'wss://h/media', true],
    ['wss://h/media', 'https://h/media', false],
    ['wss://h/media', 'wss://h:443/media', false],
    ['wss://h/media', 'wss://h/media/', false],
    ['wss://h:8443/media', 'wss://h:8443/media', true],
    ['wss://h/media?x=1', 'wss://h/media?x=1', true],
  ])('%s against %s', (believed, signed, same) => {
    expect(twilioSignature('12345', believed) === twilioSignature('12345', signed)).toBe(same);
  });

  test('is missing where the agent has no token, and cannot be forged by configuration where it has', () => {
    expect(headersOf({ authToken: null })).toEqual({ 'User-Agent': 'Callin/1.0' });
    const forged = headersOf({ headers: { 'x-twilio-signature': 'forged' } });
    expect(forged).toEqual({ 'User-Agent': 'Callin/1.0', 'X-Twilio-Signature': 'VbzTUX9j6oFAHou/wPrp+HjCrV0=' });
  });
});

describe('the dial', () => {
  test('carries ids, the wire codec, and parameters of which the call wins', () => {
    const agent = agentWith({
      authToken: null,
      customParameters: { tenant: 't1', from: 'agent' },
      headers: { 'X-A': 'b' },
    });
    const outcome = agentDial(agent, { ...params, parameters: { from: '+12025550100' } });
    expect(outcome).toEqual({
      ok: true,
      dial: {
        protocol: 'twilio',
        url: 'wss://h/media',
        headers: { 'X-A': 'b', 'User-Agent': 'Callin/1.0' },
        codec: 'PCMU',
        readyTimeoutMs: 5_000,
        callId: 'call_1',
        accountId: 'ws_1',
        customParameters: { tenant: 't1', from: '+12025550100' },
        extensionEvents: false,
      },
    });
  });

  test('asks for events of our own where the agent does', () => {
    const outcome = agentDial(agentWith({ extensionEvents: true }), params);
    expect(outcome).toMatchObject({ ok: true, dial: { extensionEvents: true } });
  });

  test('leaves a configured User-Agent alone', () => {
    expect(headersOf({ authToken: null, headers: { 'user-agent': 'Mine/2' } })).toEqual({ 'user-agent': 'Mine/2' });
  });

  test.each([
    [{ url: 'http://h/' }, 'agent_url_invalid'],
    [{ url: 'wss://u:p@h/' }, 'agent_url_invalid'],
    [{ headers: { Host: 'other' } }, 'agent_url_invalid'],
    [{ headers: { 'X-A': 'a\r\nHost: b' } }, 'agent_url_invalid'],
    [{ protocol: 'telnyx' }, 'agent_protocol_unsupported'],
    [{ protocol: 'raw' }, 'agent_protocol_unsupported'],
  ] as const)('%j is refused as %s', (stream, code) => {
    const outcome = agentDial(agentWith(stream), params);
    expect(outcome.ok ? undefined : outcome.failure.code).toBe(code);
  });
});
