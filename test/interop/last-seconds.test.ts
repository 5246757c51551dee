import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { parseMoney } from '../../src/domain/money.ts';
import type { PhoneCall } from '../../src/phone/call.ts';
import { createPhone, type Phone } from '../../src/phone/phone.ts';
import { header } from '../../src/phone/sip.ts';
import { startOnEitherEngine } from '../support/either-engine.ts';
import { type FakeAgent, type FakeCall, startFakeAgent } from '../support/fake-agent.ts';
import type { RunningGateway } from '../support/gateway.ts';

// The last seconds of real calls whose money or time ends: what the agent hears before, when the caller gets BYE, what is charged. Prices are
// so high that a small balance is used up in seconds: 40 000 nano per ms of telephony, 10 000 of compute, 0.05 a second in all. At set-up the first
// second of telephony and ten of compute are held, so a call needs 0.14.

const RATES = `currency: USD
compute: { perMinute: "0.6" }
telephony:
  - { prefix: "1", initialMs: 1000, incrementMs: 1, perMinute: "2.4" }
`;
const PER_MS = 50_000n;
/** 4 s at 0.05 a second. */
const WALLET = '0.20';
const WALLET_MS = 4_000;
const TOLERANCE_MS = 250;

interface ShownCall {
  readonly id: string;
  readonly endReason: string | null;
  readonly timeline: readonly { readonly event: string; readonly detail?: Readonly<Record<string, unknown>> }[];
  readonly bill: { readonly final: boolean; readonly total: string } | null;
}

let folder: string;
let gateway: RunningGateway;
let agent: FakeAgent;
const phones: Phone[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'callin-rates-'));
  const rates = join(folder, 'rates.yaml');
  writeFileSync(rates, RATES);
  gateway = await startOnEitherEngine({ config: { billing: { rates } } });
  agent = await startFakeAgent({ behaviour: { kind: 'echo' } });
});
afterAll(async () => {
  await Promise.all(phones.map((phone) => phone.close()));
  await agent?.close();
  await gateway?.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function create(path: string, body: object): Promise<string> {
  const made = await gateway.api<{ id: string }>('POST', path, body);
  expect([path, made.status, made.body]).toMatchObject([path, 201, {}]);
  return made.body.id;
}

async function phoneOf(seed: number): Promise<Phone> {
  const phone = await createPhone({ seed });
  phones.push(phone);
  return phone;
}

/** A workspace with a number and an agent that wants to hear of everything. */
async function customer(e164: string, amount: string, trunkId = 'loopback'): Promise<string> {
  const workspaceId = await create('/v1/workspaces', { name: e164 });
  const stream = { url: agent.url, protocol: 'twilio', extensionEvents: true, customParameters: { number: e164 } };
  const agentId = await create('/v1/agents', { workspaceId, name: 'x', stream });
  await create('/v1/numbers', { workspaceId, e164, provider: 'managed', trunkId, agentId });
  await create(`/v1/workspaces/${workspaceId}/topups`, { amount });
  return workspaceId;
}

/** The stream of the call to that number. */
async function streamOf(e164: string): Promise<FakeCall> {
  const isOurs = (call: FakeCall) => call.of('start')[0]?.json.start.customParameters.number === e164;
  return await vi.waitFor(() => given(agent.calls.find(isOurs)), 5_000);
}

async function ended(workspaceId: string): Promise<ShownCall> {
  const calls = async () =>
    (await gateway.api<{ items: ShownCall[] }>('GET', `/v1/calls?workspaceId=${workspaceId}&limit=1`)).body.items;
  return await vi.waitFor(async () => given((await calls()).find(({ bill }) => bill?.final === true)), 5_000);
}

/** Tests run at once here: `expect.poll` would not know which of them it belongs to. */
function given<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('not there yet');
  return value;
}

const balanceOf = async (workspaceId: string) => {
  const { body } = await gateway.api<{ balance: string; reserved: string }>('GET', `/v1/workspaces/${workspaceId}`);
  return { balance: body.balance, reserved: body.reserved };
};
const lastedMs = (call: PhoneCall) => (call.at.ended ?? Number.NaN) - (call.at.answered ?? Number.NaN);
const reasonOf = ({ end }: PhoneCall) => end?.request && header(end.request, 'reason');
const nanoOf = (amount: string | undefined) => given(parseMoney(amount ?? ''));

test.concurrent('#48 the agent is warned with the true rest, the BYE comes at the exact instant, and all of the balance is charged and no more', async () => {
  const e164 = '+12025550160';
  const workspaceId = await customer(e164, WALLET);
  const call = await (await phoneOf(1)).call(`sip:${e164}@127.0.0.1:${gateway.sip.udpPort}`);
  await call.waitFor('answered');
  const stream = await streamOf(e164);
  const warning = await stream.waitFor(({ json }) => json.event === 'callin.balance_low');
  await call.waitFor('ended', 10_000);
  const endsAtMs = (call.at.answered ?? 0) + WALLET_MS;
  expect(Math.abs(lastedMs(call) - WALLET_MS)).toBeLessThanOrEqual(TOLERANCE_MS);
  expect(Math.abs(warning.atMs + warning.json.callin.balanceLow.remainingMs - endsAtMs)).toBeLessThanOrEqual(
    TOLERANCE_MS,
  );
  expect(warning.json).toEqual({
    event: 'callin.balance_low',
    sequenceNumber: expect.stringMatching(/^\d+$/),
    streamSid: stream.streamSid,
    callin: { balanceLow: { remainingMs: expect.any(Number) } },
  });
  expect(reasonOf(call)).toBe('SIP;cause=402;text="balance_exhausted"');
  await stream.closed;
  expect(stream.messages.at(-1)?.json.event).toBe('stop');

  const { bill, endReason, timeline } = await ended(workspaceId);
  expect(endReason).toBe('balance_exhausted');
  expect(timeline.map(({ event }) => event)).toEqual(expect.arrayContaining(['balance_low', 'ended']));
  expect(timeline.find(({ event }) => event === 'ended')?.detail).toMatchObject({ reason: 'balance_exhausted' });
  expect(bill?.total).toBe('0.20');
  expect(await balanceOf(workspaceId)).toEqual({ balance: '0.00', reserved: '0.00' });
  const counted =
    /^callin_calls_total\{direction="inbound",class="managed",result="answered",reason="balance_exhausted"\} 1$/m;
  await vi.waitFor(async () => given(counted.exec(await gateway.metrics()) ?? undefined), 5_000);
});

test.concurrent('#51 a top-up during the last seconds: the call lives on past the first end, and is warned again 30 s before the new one', async () => {
  const e164 = '+12025550161';
  const workspaceId = await customer(e164, WALLET);
  const call = await (await phoneOf(2)).call(`sip:${e164}@127.0.0.1:${gateway.sip.udpPort}`);
  await call.waitFor('answered');
  const stream = await streamOf(e164);
  await stream.waitFor(({ json }) => json.event === 'callin.balance_low');
  // 35.5 s of money in all: the second warning is due 5.5 s after the answer.
  await create(`/v1/workspaces/${workspaceId}/topups`, { amount: '1.575' });
  const again = await stream.waitFor(
    ({ json }) => json.event === 'callin.balance_low' && json.callin.balanceLow.remainingMs > 20_000,
  );
  expect(call.state).toBe('answered');
  const sinceAnswerMs = again.atMs - (call.at.answered ?? 0);
  expect(Math.abs(sinceAnswerMs - 5_500)).toBeLessThanOrEqual(TOLERANCE_MS);
  expect(Math.abs(again.json.callin.balanceLow.remainingMs - 30_000)).toBeLessThanOrEqual(TOLERANCE_MS);
  expect(stream.of('callin.balance_low')).toHaveLength(2);
  await call.bye();
  const { bill, endReason } = await ended(workspaceId);
  expect(endReason).toBe('remote_hangup');
  const charged = nanoOf(bill?.total);
  expect(charged / PER_MS).toBeGreaterThan(5_000n);
  expect(nanoOf((await balanceOf(workspaceId)).balance)).toBe(nanoOf('1.775') - charged);
});

test.concurrent('the maximum duration of a call we place: the agent hears of it, the BYE comes at its instant, billed to it', async () => {
  const e164 = '+12025550162';
  const phone = await phoneOf(3);
  phone.onCall((incoming) => incoming.answer());
  const workspaceId = await create('/v1/workspaces', { name: 'Outbound' });
  const trunkId = await create('/v1/trunks', {
    workspaceId,
    kind: 'byoc',
    label: 'phone',
    inbound: { enabled: false },
    outbound: { enabled: true, gateways: [{ host: '127.0.0.1', port: phone.port }], allowedCountries: 'worldwide' },
  });
  const stream = { url: agent.url, protocol: 'twilio', extensionEvents: true, customParameters: { number: e164 } };
  const agentId = await create('/v1/agents', { workspaceId, name: 'x', stream });
  await create('/v1/numbers', { workspaceId, e164, provider: 'byoc', trunkId, agentId });
  await create(`/v1/workspaces/${workspaceId}/topups`, { amount: '10' });
  const placed = await gateway.api('POST', '/v1/calls', {
    workspaceId,
    from: e164,
    to: '+12025550199',
    maxDurationMs: 2_000,
  });
  expect([placed.status, placed.body]).toMatchObject([201, {}]);
  const call = await phone.waitForCall();
  await call.waitFor('answered');
  const warning = await (await streamOf(e164)).waitFor(({ json }) => json.event === 'callin.max_duration');
  await call.waitFor('ended', 5_000);
  expect(Math.abs(lastedMs(call) - 2_000)).toBeLessThanOrEqual(TOLERANCE_MS);
  expect(Math.abs(warning.json.callin.maxDuration.remainingMs - 2_000)).toBeLessThanOrEqual(TOLERANCE_MS);
  expect(reasonOf(call)).toBe('SIP;cause=200;text="max_duration"');
  const { bill, endReason } = await ended(workspaceId);
  expect(endReason).toBe('max_duration');
  // 2 000 ms of compute at 10 000, to the millisecond.
  expect(bill?.total).toBe('0.02');
});
