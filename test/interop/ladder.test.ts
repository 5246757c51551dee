import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createPhone, type Phone } from '../../src/phone/phone.ts';
import { type RunningGateway, startGateway } from '../support/gateway.ts';

// The ladder of real calls: what the phones sent and heard is what the API shows, without what proves anything.

interface Message {
  readonly direction: 'in' | 'out';
  readonly startLine: string;
  readonly method: string;
  readonly from: string;
  readonly to: string;
  readonly text: string;
  readonly offsetMs: number;
}
interface Listed {
  readonly items: readonly { readonly id: string; readonly state: string; readonly to: string }[];
}

let gateway: RunningGateway;
let phone: Phone;
beforeAll(async () => {
  phone = await createPhone({ seed: 9 });
  gateway = await startGateway();
});
afterAll(async () => {
  await phone?.close();
  await gateway?.stop();
});

async function ladderOf(to: string): Promise<readonly Message[]> {
  let callId = '';
  await expect
    .poll(
      async () => {
        const { body } = await gateway.api<Listed>('GET', '/v1/calls?limit=20');
        const ended = body.items.find((call) => call.to === to && call.state === 'ended');
        callId = ended?.id ?? '';
        return callId;
      },
      { timeout: 10_000 },
    )
    .not.toBe('');
  const { body } = await gateway.api<{ items: Message[] }>('GET', `/v1/calls/${callId}/ladder`);
  return body.items;
}
const lines = (messages: readonly Message[]) =>
  messages.map(({ direction, startLine }) => `${direction} ${startLine.replace(/ sip:.*/, '')}`);

describe('signalling 24: the ladder of a real call', () => {
  test('that came in', async () => {
    const call = await phone.call(`sip:+12025550100@127.0.0.1:${gateway.sip.udpPort}`, { from: '+12025550177' });
    await call.waitFor('answered');
    await call.bye();
    const messages = await ladderOf('+12025550100');
    expect(lines(messages)).toEqual([
      'in INVITE',
      'out SIP/2.0 180 Ringing',
      'out SIP/2.0 200 OK',
      'in ACK',
      'in BYE',
      'out SIP/2.0 200 OK',
    ]);
    for (const { direction, from, to } of messages) {
      expect(direction === 'in' ? [from, to] : [to, from]).toEqual([`127.0.0.1:${phone.port}`, 'gateway']);
    }
    expect(messages[0]?.text).toContain('m=audio');
    expect(messages.map(({ offsetMs }) => offsetMs)).toEqual(
      messages.map(({ offsetMs }) => offsetMs).toSorted((a, b) => a - b),
    );
  });

  test('that went out, with credentials', async () => {
    const credentials = { username: 'us', password: 'canary-of-the-ladder' };
    const { body: trunk } = await gateway.api<{ id: string }>('POST', '/v1/trunks', {
      workspaceId: 'demo',
      label: 'carrier',
      outbound: {
        enabled: true,
        gateways: [{ host: phone.host, port: phone.port }],
        allowedCountries: ['US'],
        ...credentials,
      },
    });
    await gateway.api('POST', '/v1/numbers', {
      workspaceId: 'demo',
      e164: '+12025550160',
      trunkId: trunk.id,
      agentId: 'echo',
    });
    phone.onCall(async (call) => {
      if (call.authenticate({ realm: 'r', nonce: 'n' }, credentials)) await call.answer();
    });
    await gateway.api('POST', '/v1/calls', { workspaceId: 'demo', from: '+12025550160', to: '+12025550111' });
    const call = await phone.waitForCall(2);
    await call.waitFor('answered');
    await call.waitForRequest('ACK');
    await call.bye();
    const messages = await ladderOf('+12025550111');
    expect(lines(messages)).toEqual([
      'out INVITE',
      'in SIP/2.0 401 Unauthorized',
      'out INVITE',
      'in SIP/2.0 200 OK',
      'out ACK',
      'in BYE',
      'out SIP/2.0 200 OK',
    ]);
    expect(messages[0]?.to).toBe(`127.0.0.1:${phone.port}`);
    expect(messages[2]?.text).toMatch(/^authorization: \[redacted\]\r$/im);
    expect(messages.map(({ text }) => text).join('')).not.toMatch(/response=|canary/);
  });
});
