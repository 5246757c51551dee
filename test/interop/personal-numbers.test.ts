import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { IncomingCall } from '../../src/phone/incoming.ts';
import { createPhone, type Phone } from '../../src/phone/phone.ts';
import { header } from '../../src/phone/sip.ts';
import { earFor, type Heard } from '../support/code-ear.ts';
import { type ApiAnswer, type RunningGateway, startGateway } from '../support/gateway.ts';

// The whole way through the whole gateway, as an operator runs it (no demo, no network opened to agents): the API rings a telephone over SIP, the
// telephone hears the code, the code is entered. Nobody but the telephone tells this test a code.

const CALLER_ID = '+12025550199';
/** A minute costs us 0.009. */
const SUPPLIERS = 'currency: USD\ndecks:\n  deck:\n    - { prefix: "1", perMinute: "0.009" }\nmanaged: deck\n';
const folder = mkdtempSync(join(tmpdir(), 'callin-personal-'));
const supplierRates = join(folder, 'supplier-rates.yaml');
const CONFIG = {
  demo: false,
  billing: { supplierRates },
  auth: { secretKey: randomBytes(32).toString('base64') },
  personalNumbers: { callerId: CALLER_ID },
};

interface Personal {
  readonly id: string;
  readonly state: string;
  readonly numberId: string | null;
  readonly attemptsLeft: number;
  readonly call: { readonly state: string; readonly advice: string; readonly callId: string | null } | null;
}

let gateway: RunningGateway;
let customer: { id: string; token: string };
let agentId: string;
let telephone: Phone;
const seen: string[] = [];

beforeAll(async () => {
  writeFileSync(supplierRates, SUPPLIERS);
  gateway = await startGateway({ config: CONFIG });
  customer = await workspace('Customer');
  telephone = await createPhone({ seed: 5, audio: { codecs: ['PCMU'] } });
  // Lets it ring until the test does something.
  telephone.onCall(() => undefined);
  // As an operator may: this test asks for more calls a second than people do.
  const limits = { callsPerSecond: null };
  await gateway.api('PATCH', '/v1/workspaces/verification-calls', { limits });
  const stream = { url: 'wss://agent.example/stream', protocol: 'twilio' };
  agentId = (await asCustomer<{ id: string }>('POST', '/v1/agents', { name: 'a', stream })).body.id;
  await gateway.api('POST', '/v1/trunks', {
    kind: 'managed',
    label: 'carrier',
    inbound: { enabled: true, addresses: ['127.0.0.1'] },
    outbound: {
      enabled: true,
      gateways: [{ host: '127.0.0.1', port: telephone.port }],
      allowedCountries: ['US', 'FR'],
    },
  });
});
afterAll(async () => {
  await telephone?.close();
  await gateway?.stop();
  rmSync(folder, { recursive: true });
});
async function workspace(name: string): Promise<{ id: string; token: string }> {
  const { body: made } = await gateway.api<{ id: string }>('POST', '/v1/workspaces', { name, billingMode: 'prepaid' });
  const { body: key } = await gateway.api<{ token: string }>('POST', `/v1/workspaces/${made.id}/keys`, { label: 'k' });
  return { id: made.id, token: key.token };
}

async function asCustomer<T>(method: string, path: string, body?: unknown): Promise<ApiAnswer<T>> {
  const response = await fetch(`http://127.0.0.1:${gateway.http.port}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${customer.token}`,
      'idempotency-key': crypto.randomUUID(),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  seen.push(text);
  return { status: response.status, body: (text === '' ? undefined : JSON.parse(text)) as T };
}

async function start(e164: string, more: object = {}): Promise<ApiAnswer<Personal>> {
  return await asCustomer<Personal>('POST', '/v1/personal-numbers', { e164, ...more });
}

const look = async (id: string) => (await asCustomer<Personal>('GET', `/v1/personal-numbers/${id}`)).body;
const callStateOf = async (id: string) => (await look(id)).call?.state;

/** What was heard so far. */
const heard = (call: IncomingCall, language: string): Heard => earFor(language)(call.received.audio);

/** The next call, answered, once its first code was said to the end. */
async function firstCode(call: IncomingCall, language: string): Promise<string> {
  await expect.poll(() => heard(call, language).phrases.length, { timeout: 20_000, interval: 200 }).toBe(4);
  const [code = ''] = heard(call, language).codes;
  expect(code).toMatch(/^\d{6}$/);
  return code;
}

describe('a telephone becomes a number', () => {
  test('it rings, hears the code three times, and is caller id once the code was entered', {
    timeout: 60_000,
  }, async () => {
    const { body: started, status } = await start('+1 202 555 0142');
    expect([status, started.state, started.call?.callId]).toEqual([201, 'pending', null]);
    const call = await telephone.waitForCall(1);
    expect(call.calledUser).toBe('+12025550142');
    expect(header(call.invite, 'from')).toContain(CALLER_ID);
    call.ring();
    await expect.poll(() => callStateOf(started.id)).toBe('ringing');
    await call.answer();
    await expect.poll(() => callStateOf(started.id)).toBe('speaking');
    await call.waitForRequest('BYE', 45_000);

    const { codes, phrases } = heard(call, 'en');
    expect(phrases).toEqual(['greeting', 'warning', 'intro', 'again', 'again']);
    expect(new Set(codes).size).toBe(1);
    expect(codes).toHaveLength(3);
    await expect.poll(() => callStateOf(started.id)).toBe('spoken');
    expect((await look(started.id)).call?.advice).toContain('Enter it');

    const [code = ''] = codes;
    const verified = await asCustomer<Personal>('POST', `/v1/personal-numbers/${started.id}/verify`, { code });
    expect([verified.status, verified.body.state]).toEqual([200, 'verified']);
    const number = await asCustomer('GET', `/v1/numbers/${verified.body.numberId}`);
    expect(number.body).toMatchObject({ e164: '+12025550142', provider: 'personal', supportsInbound: false });

    await theOperatorPays(started.id);
    await isCallerId();
    await takesNoCalls();
    expect(JSON.stringify(gateway.log)).not.toMatch(new RegExp(`\\b${code}\\b`));
    expect(seen.join('\n')).not.toMatch(new RegExp(`\\b${code}\\b`));
    const records = await gateway.api('GET', '/v1/calls?limit=50');
    expect(JSON.stringify(records.body)).not.toMatch(new RegExp(`\\b${code}\\b`));
    expect(await gateway.metrics()).toMatch(/callin_verifications_total\{event="verified"\} 1/);
  });

  async function theOperatorPays(id: string): Promise<void> {
    interface Call {
      readonly workspaceId: string;
      readonly endReason: string;
      readonly class: string;
      readonly bill: { readonly total: string; readonly final: boolean };
    }
    const asOperator = await gateway.api<Personal>('GET', `/v1/personal-numbers/${id}`);
    expect(asOperator.body.call).toBeNull();
    const { body: calls } = await gateway.api<{ items: Call[] }>('GET', '/v1/calls?workspaceId=verification-calls');
    expect(calls.items).toMatchObject([{ class: 'managed', endReason: 'agent_hangup', bill: { final: true } }]);
    expect(Number(calls.items[0]?.bill.total)).toBeGreaterThan(0);
    expect((await asCustomer<{ items: unknown[] }>('GET', '/v1/calls')).body.items).toEqual([]);
    expect((await asCustomer<{ items: unknown[] }>('GET', '/v1/ledger')).body.items).toEqual([]);
    const { body: margins } = await gateway.api<{
      items: { calls: number; revenue: string; cost: string; margin: string }[];
    }>('GET', '/v1/margins?per=day');
    expect(margins.items).toMatchObject([{ calls: 1, revenue: '0.00', cost: '0.009', margin: '-0.009' }]);
    expect(gateway.audit()).toMatchObject({ ok: true });
  }

  /** The agent is nowhere, so the call ends there: but after the caller id was accepted. */
  async function isCallerId(): Promise<void> {
    const call = (from: string) =>
      asCustomer<{ code: string }>('POST', '/v1/calls', { from, to: '+12025550111', agentId });
    await gateway.api('POST', `/v1/workspaces/${customer.id}/topups`, { amount: '5.00' });
    expect((await call('+12025550142')).body.code).toBe('agent_unreachable');
    expect((await call('+12025550143')).body.code).toBe('caller_id_not_owned');
  }

  async function takesNoCalls(): Promise<void> {
    const caller = await createPhone();
    const call = await caller.call(`sip:+12025550142@127.0.0.1:${gateway.sip.udpPort}`, { from: '+12025550170' });
    await call.waitFor('ended');
    expect([call.final?.status, header(call.final as never, 'reason')]).toEqual([
      403,
      'SIP;cause=403;text="outbound_only"',
    ]);
    await caller.close();
  }

  test('the code outlives the gateway, and who hangs up early may enter it', { timeout: 60_000 }, async () => {
    const calls = telephone.incoming.length;
    const { body: started } = await start('0033 1 42 34 56 78');
    const call = await telephone.waitForCall(calls + 1);
    await call.answer();
    const code = await firstCode(call, 'fr');
    await call.bye();
    await expect.poll(() => callStateOf(started.id)).toBe('hung_up');
    await gateway.kill();
    gateway = await startGateway({ config: CONFIG, dataDir: gateway.dataDir });

    const wrong = code === '000000' ? '000001' : '000000';
    const path = `/v1/personal-numbers/${started.id}/verify`;
    expect((await asCustomer<{ code: string }>('POST', path, { code: wrong })).body.code).toBe('code_wrong');
    expect((await asCustomer<Personal>('POST', path, { code })).body.state).toBe('verified');
  });
});

describe('a call that does not reach anybody is told, with advice', () => {
  test.each([
    [486, 'busy', /busy/, '+12025550151'],
    [480, 'no_answer', /Nobody answered/, '+12025550152'],
    [603, 'rejected', /refused/, '+12025550153'],
    [503, 'failed', /could not be reached/, '+12025550154'],
  ])('%i: %s', async (status, state, advice, e164) => {
    const calls = telephone.incoming.length;
    const { body: started } = await start(e164);
    (await telephone.waitForCall(calls + 1)).reject(status);
    await expect.poll(() => callStateOf(started.id)).toBe(state);
    expect((await look(started.id)).call?.advice).toMatch(advice);
    expect((await asCustomer<{ code: string }>('POST', `/v1/personal-numbers/${started.id}/resend`)).body.code).toBe(
      'verification_pause',
    );
  });

  test('DELETE while it rings stops the ringing', async () => {
    const calls = telephone.incoming.length;
    const { body: started } = await start('+12025550155');
    const call = await telephone.waitForCall(calls + 1);
    call.ring();
    expect((await asCustomer('DELETE', `/v1/personal-numbers/${started.id}`)).status).toBe(204);
    await call.waitFor('ended');
    expect(call.end?.how).toBe('cancel');
  });
});
