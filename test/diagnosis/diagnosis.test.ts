import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Diagnosis, DiagnosisDeps } from '../../src/diagnosis/diagnosis.ts';
import { failed } from '../../src/diagnosis/finding.ts';
import type { ProviderAccountSeen } from '../../src/diagnosis/providers.ts';
import type { Directory } from '../../src/directory/directory.ts';
import { openDirectory } from '../../src/directory/sqlite-directory.ts';
import type { E164 } from '../../src/domain/e164.ts';
import type { Reason } from '../../src/domain/reasons.ts';
import { agent, call, number, trunk, workspace } from '../directory/records.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { openTestDiagnoses } from './stage.ts';

// Set-ups that are broken in the three ways of the manual, and what is answered: the manual's own sentences.

const MINE = '+12025550100' as E164;
let directory: Directory;
let clock: FakeClock;
let balance: bigint;

beforeEach(async () => {
  clock = new FakeClock();
  balance = 10_000_000_000n;
  directory = openDirectory(':memory:', { sealingKey: new Uint8Array(32).fill(7), schedule: queueMicrotask });
  for (const id of ['ws_a', 'ws_b']) await directory.workspaces.put(workspace({ id, limits: NO_LIMITS }));
  await directory.agents.put(agent());
  await directory.trunks.put(trunk());
});
afterEach(() => directory.close());

const NO_LIMITS = { concurrentCalls: null, callsPerSecond: null, spendPerHour: null, spendPerDay: null };

function open(over: Partial<DiagnosisDeps> = {}) {
  const books = { balance: async () => ({ balance, reserved: 0n, spentInHour: 0n, spentInDay: 0n }) };
  return openTestDiagnoses({ directory, clock, books, ...over });
}

const stepsOf = ({ steps }: Diagnosis) => Object.fromEntries(steps.map((each) => [each.step, each]));
const adviceOf = (diagnosis: Diagnosis) => diagnosis.steps.map(({ advice }) => advice ?? '').join('\n');

describe('"I can’t make calls"', () => {
  test('no number at all', async () => {
    const found = await open().run({ workspaceId: 'ws_a' });
    expect(found).toMatchObject({ state: 'failed', workspaceId: 'ws_a', numberE164: null, trunkId: null });
    expect(stepsOf(found)['number_active']).toMatchObject({
      state: 'failed',
      seen: 'No number is active: there are none at all.',
    });
    expect(adviceOf(found)).toContain('Check that you have at least one active number.');
  });

  test('a number without an agent', async () => {
    await directory.numbers.put(number({ agentId: null }));
    const found = await open().run({ numberE164: MINE, workspaceId: 'ws_a' });
    expect(found.state).toBe('failed');
    expect(stepsOf(found)['number_assigned']).toMatchObject({
      state: 'failed',
      seen: 'It is not assigned to any agent.',
      advice: 'Make sure the number is assigned to an agent.',
    });
    const all = await open().run({ workspaceId: 'ws_a' });
    expect(stepsOf(all)['number_assigned']).toMatchObject({
      state: 'failed',
      seen: `Not assigned to any agent: ${MINE}.`,
    });
  });

  test('a trunk that is set up wrongly', async () => {
    await directory.numbers.put(number());
    const advice = 'If using BYOC, confirm your SIP trunk settings are correct (SBC/FQDN, transport, credentials).';
    const broken = failed('gateway_options', 'No answer.', advice, { subject: 'sip.example:5060' });
    const found = await open({
      trunkChecks: { run: async () => [broken] },
      health: () => ({ state: 'down', since: 0, lastError: 'sip.example:5060: silence' }),
    }).run({ numberE164: MINE, workspaceId: 'ws_a' });
    expect(stepsOf(found)).toMatchObject({
      outbound_trunk: { state: 'ok', seen: 'Calls go out over trunk "Carrier".' },
      gateway_options: { state: 'failed', subject: 'sip.example:5060', advice },
      trunk_health: { state: 'failed', seen: expect.stringContaining('silence') },
    });
  });

  test.each([
    ['failed', 'udp 192.0.2.1:5060: credentials refused', 'failed', 'credentials refused'],
    ['registered', null, 'ok', 'registered at udp 192.0.2.1:5060'],
    ['elsewhere', null, 'ok', 'Another gateway'],
    ['waiting', null, 'skipped', 'not been registered yet'],
  ] as const)('signalling 3: a trunk whose registration is %s', async (state, lastError, expected, seen) => {
    await directory.trunks.put(trunk({ outbound: { ...trunk().outbound, register: true } }));
    await directory.numbers.put(number());
    const view = { state, since: 0, expiresAt: null, registrar: 'udp 192.0.2.1:5060', lastError };
    const found = stepsOf(await open({ registration: () => view }).run({ numberE164: MINE, workspaceId: 'ws_a' }));
    expect(found['registration']).toMatchObject({ state: expected, seen: expect.stringContaining(seen) });
  });

  test.each([
    ['outbound switched off', { enabled: false }, 'outbound_trunk', 'No trunk can carry calls out.'],
    ['no gateway', { gateways: [] }, 'outbound_trunk', 'No trunk can carry calls out.'],
    ['encrypted media demanded', { mediaEncryption: 'required' }, 'outbound_trunk', 'Encrypted audio is demanded'],
    ['no country allowed', { allowedCountries: [] }, 'countries', 'no country at all'],
    ['the own country not allowed', { allowedCountries: ['FR'] }, 'countries', 'not to US'],
  ] as const)('a trunk with %s', async (_what, outbound, step, seen) => {
    await directory.trunks.put(trunk({ outbound: { ...trunk().outbound, ...outbound } }));
    await directory.numbers.put(number());
    const found = stepsOf(await open().run({ numberE164: MINE, workspaceId: 'ws_a' }))[step];
    expect(found?.seen).toContain(seen);
    expect(['failed', 'warning']).toContain(found?.state);
    expect(found?.advice).toBeTruthy();
  });

  test.each([
    [
      'an agent that is down',
      { probeAgent: async () => ({ ok: false, failure: { code: 'agent_refused', detail: 'ECONNREFUSED' } }) },
      'agent_reachable',
      'agent_refused',
    ],
    ['no price', { minuteCost: () => 'no_rate' }, 'rate', 'no price'],
    ['a stopping gateway', { node: () => ({ sip: true, accepting: false, storeTrouble: null }) }, 'node', 'stopping'],
    ['a lost SIP engine', { node: () => ({ sip: false, accepting: true, storeTrouble: null }) }, 'node', 'SIP engine'],
    [
      'a full disk',
      { node: () => ({ sip: true, accepting: true, storeTrouble: 'disk is full' }) },
      'node',
      'take no writes',
    ],
  ] as const)('%s', async (_what, over, step, seen) => {
    await directory.numbers.put(number());
    const found = await open(over as Partial<DiagnosisDeps>).run({ numberE164: MINE, workspaceId: 'ws_a' });
    expect(stepsOf(found)[step]).toMatchObject({ state: 'failed', seen: expect.stringContaining(seen) });
  });

  test('a balance that does not cover the first minute', async () => {
    await directory.numbers.put(number());
    balance = 11_999_999n;
    const poor = await open({ minuteCost: () => 12_000_000n }).run({ numberE164: MINE, workspaceId: 'ws_a' });
    expect(stepsOf(poor)['balance']).toMatchObject({
      state: 'failed',
      seen: '0.011999999 USD are free; a call needs 0.012 for its first minute.',
    });
    balance = 100_000_000n;
    const scarce = await open({ minuteCost: () => 12_000_000n }).run({ numberE164: MINE, workspaceId: 'ws_a' });
    expect(stepsOf(scarce)['balance']?.state).toBe('warning');
  });

  test('a limit of spending that is reached', async () => {
    await directory.workspaces.put(workspace({ limits: { ...NO_LIMITS, spendPerDay: 5_000_000_000n } }));
    await directory.numbers.put(number());
    const books = { balance: async () => ({ balance, reserved: 0n, spentInHour: 0n, spentInDay: 5_000_000_000n }) };
    const found = await open({ books }).run({ numberE164: MINE, workspaceId: 'ws_a' });
    expect(stepsOf(found)['limits']).toMatchObject({
      state: 'failed',
      seen: '5.00 of 5.00 USD for this day are spent.',
    });
  });
});

test('"My personal number isn’t receiving inbound calls"', async () => {
  await directory.numbers.put(number({ provider: 'personal', trunkId: null, supportsInbound: false }));
  const found = await open().run({ numberE164: MINE, workspaceId: 'ws_a' });
  expect(found.state).toBe('warning');
  expect(stepsOf(found)['inbound_allowed']).toMatchObject({
    state: 'warning',
    advice:
      'That’s expected: Personal Numbers are outbound-only. Use a purchased/imported number or BYOC for inbound calling.',
  });
  expect(found.steps.some(({ step }) => step === 'inbound_trunk')).toBe(false);
});

describe('"My imported numbers don’t show up"', () => {
  const account = (change: Partial<ProviderAccountSeen> = {}): ProviderAccountSeen => ({
    provider: 'twilio',
    name: 'Main',
    failure: null,
    notices: [],
    numbers: 3,
    complete: true,
    number: null,
    ...change,
  });
  const ask = (...accounts: ProviderAccountSeen[]) =>
    open({ providers: { accounts: async () => accounts } }).run({ numberE164: MINE, workspaceId: 'ws_a' });

  test('the number is not here: all three sentences', async () => {
    const found = await ask();
    expect(stepsOf(found)['number_exists']?.advice).toMatch(
      /Re-check credentials \(Twilio SID\/Auth Token, Telnyx API Key\)\. Confirm the numbers are active in the provider account\. Try again and verify you’re using the correct project\/sub-account in the provider\.$/,
    );
    expect(stepsOf(found)['provider_account']).toMatchObject({ state: 'warning' });
  });

  test.each([
    [
      'the key is refused',
      { failure: { text: 'The Auth Token is wrong', advice: 'Copy it again.' }, numbers: 0 },
      'failed',
      'Re-check credentials (Twilio SID/Auth Token, Telnyx API Key). Copy it again.',
    ],
    [
      'the account is empty',
      { numbers: 0, notices: [{ text: 'The account has no numbers', advice: '' }] },
      'warning',
      'Confirm the numbers are active in the provider account. Try again and verify you’re using the correct project/sub-account in the provider.',
    ],
    [
      'the number is not in this account',
      {},
      'warning',
      'Confirm the numbers are active in the provider account. Try again and verify you’re using the correct project/sub-account in the provider.',
    ],
    [
      'the number cannot be imported',
      { number: { refusal: { text: 'It has no voice', advice: 'Buy one with voice.' }, usedElsewhere: null } },
      'failed',
      'Confirm the numbers are active in the provider account. Buy one with voice.',
    ],
    [
      'its calls go elsewhere',
      { number: { refusal: null, usedElsewhere: 'a Studio flow' } },
      'failed',
      'Confirm the numbers are active in the provider account. Import the number, so that its calls come here.',
    ],
    ['it is active there', { number: { refusal: null, usedElsewhere: null } }, 'ok', null],
    ['nobody looked far enough', { complete: false }, 'skipped', null],
  ] as const)('%s', async (_what, change, state, advice) => {
    const found = stepsOf(await ask(account(change)))['provider_account'];
    expect(found).toMatchObject({ state, advice, subject: 'Twilio Main' });
  });

  test('an imported number that is pending', async () => {
    await directory.numbers.put(number({ provider: 'telnyx', status: 'pending' }));
    const found = await ask(account({ provider: 'telnyx', number: { refusal: null, usedElsewhere: null } }));
    expect(stepsOf(found)['number_active']?.advice).toContain(
      'Confirm the numbers are active in the provider account.',
    );
  });
});

test('a number that was released is told apart from one that never was', async () => {
  await directory.numbers.put(number({ provider: 'managed', status: 'released', agentId: null }));
  const mine = stepsOf(await open().run({ numberE164: MINE, workspaceId: 'ws_a' }))['number_exists'];
  expect(mine).toMatchObject({ state: 'failed', seen: 'It was released.' });
  const theirs = stepsOf(await open().run({ numberE164: MINE, workspaceId: 'ws_b' }))['number_exists'];
  expect(theirs?.seen).toBe('It is not a number of this workspace.');
});

describe('what became of calls', () => {
  const refused = (id: string, endReason: Reason, at: number) =>
    call({ id, createdAt: at, startedAt: at, answeredAt: null, endReason, sipStatus: 403, to: MINE, bill: null });

  test('the most frequent failure is told with its time, status and what to do', async () => {
    await directory.numbers.put(number());
    for (const [i, reason] of (['no_route', 'transport_mismatch', 'transport_mismatch', 'busy'] as const).entries()) {
      await directory.calls.save(refused(`call_${i}`, reason, 1_000 * (i + 1)));
    }
    await directory.calls.save(call({ id: 'call_ok', to: MINE }));
    const found = stepsOf(await open().run({ numberE164: MINE, workspaceId: 'ws_a' }))['recent_calls'];
    expect(found).toMatchObject({
      state: 'warning',
      seen: '1 of the last 5 calls were answered; 2 ended with transport_mismatch (The trunk takes calls over another transport), last at 1970-01-01T00:00:03.000Z with SIP status 403.',
      advice: 'Have your carrier call over the transport that the trunk is set to, or change the trunk.',
    });
  });

  test('calls of other numbers and of other workspaces do not count', async () => {
    await directory.numbers.put(number());
    await directory.calls.save({ ...refused('call_x', 'no_route', 1), to: '+12025550999' });
    await directory.calls.save({ ...refused('call_y', 'no_route', 1), workspaceId: 'ws_b' });
    const found = stepsOf(await open().run({ numberE164: MINE, workspaceId: 'ws_a' }))['recent_calls'];
    expect(found).toMatchObject({ state: 'skipped', seen: 'None of the last 1 calls of the workspace.' });
  });
});

test('a number that works is ok in every step', async () => {
  await directory.numbers.put(number());
  const found = await open({ health: () => ({ state: 'up', since: 0, lastError: null }) }).run({ numberE164: MINE });
  expect(found.state).toBe('ok');
  expect(found.steps.map(({ step, state }) => `${step} ${state}`)).toEqual([
    'node ok',
    'number_exists ok',
    'number_active ok',
    'number_assigned ok',
    'inbound_allowed ok',
    'outbound_allowed ok',
    'agent_reachable ok',
    'inbound_trunk ok',
    'outbound_trunk ok',
    'trunk_health ok',
    'countries ok',
    'balance ok',
    'limits skipped',
    'recent_calls skipped',
  ]);
});

describe('the diagnosis', () => {
  test('DI1 changes nothing, and says the same twice', async () => {
    await directory.numbers.put(number({ agentId: null }));
    const all = async () => ({
      numbers: await directory.numbers.list({ limit: 10 }),
      trunks: await directory.trunks.list({ limit: 10 }),
      agents: await directory.agents.list({ limit: 10 }),
      calls: await directory.calls.list({ limit: 10 }),
    });
    const before = await all();
    const diagnoses = open();
    const [first, second] = [
      await diagnoses.run({ workspaceId: 'ws_a' }),
      await diagnoses.run({ workspaceId: 'ws_a' }),
    ];
    expect(second.steps).toEqual(first.steps);
    expect(second.id).not.toBe(first.id);
    expect(await all()).toEqual(before);
  });

  test('DI2 a number of another workspace is as unknown as one that does not exist', async () => {
    await directory.numbers.put(number());
    const ask = (numberE164: E164) => open().run({ numberE164, workspaceId: 'ws_b' });
    const theirs = await ask(MINE);
    const nobodys = await ask('+12025550999' as E164);
    const text = (found: Diagnosis) => JSON.stringify(found.steps).replaceAll(/\+12025550\d{3}/g, 'N');
    expect(text(theirs)).toBe(text(nobodys));
    await expect(open().run({ trunkId: 'trunk_a', workspaceId: 'ws_b' })).rejects.toMatchObject({
      code: 'diagnosis_subject_unknown',
    });
    await expect(open().run({ trunkId: 'trunk_x' })).rejects.toMatchObject({ code: 'diagnosis_subject_unknown' });
    const diagnoses = open();
    const { id } = await diagnoses.run({ workspaceId: 'ws_a' });
    expect([diagnoses.get(id)?.id, diagnoses.get(id, 'ws_a')?.id, diagnoses.get(id, 'ws_b')]).toEqual([
      id,
      id,
      undefined,
    ]);
  });

  test('the operator’s carrier is told by health alone, without its name or addresses', async () => {
    const managed = trunk({ id: 'trunk_m', workspaceId: null, kind: 'managed', label: 'Secret carrier' });
    await directory.trunks.put(managed);
    await directory.numbers.put(number({ provider: 'managed', trunkId: 'trunk_m' }));
    const asked: string[] = [];
    const found = await open({
      trunkChecks: {
        run: async ({ id }) => {
          asked.push(id);
          return [];
        },
      },
      health: () => ({ state: 'down', since: 0, lastError: 'sip.secret.example:5060: silence' }),
    }).run({ numberE164: MINE, workspaceId: 'ws_a' });
    expect(asked).toEqual([]);
    expect(JSON.stringify(found)).not.toMatch(/Secret|secret/);
    expect(stepsOf(found)['trunk_health']).toMatchObject({ state: 'failed', seen: 'The carrier does not answer.' });
  });

  test('a trunk is diagnosed with its numbers and its calls', async () => {
    await directory.numbers.put(number({ agentId: null }));
    const found = await open({ health: () => ({ state: 'up', since: 0, lastError: null }) }).run({
      trunkId: 'trunk_a',
    });
    expect(found).toMatchObject({ state: 'failed', trunkId: 'trunk_a', workspaceId: 'ws_a' });
    expect(Object.keys(stepsOf(found))).toEqual([
      'node',
      'inbound_trunk',
      'outbound_trunk',
      'trunk_health',
      'countries',
      'number_active',
      'outbound_allowed',
      'number_assigned',
      'balance',
      'limits',
      'recent_calls',
    ]);
  });

  test('DI3 two at once for a workspace, and what never answers is left out in time', async () => {
    await directory.numbers.put(number({ provider: 'twilio' }));
    const diagnoses = open({
      trunkChecks: { run: () => new Promise(() => undefined) },
      providers: { accounts: () => new Promise(() => undefined) },
    });
    const running = [1, 2].map(() => diagnoses.run({ numberE164: MINE, workspaceId: 'ws_a' }));
    await clock.advanceAsync(1);
    await expect(diagnoses.run({ workspaceId: 'ws_a' })).rejects.toMatchObject({ code: 'checks_busy' });
    // Others are not in the way.
    running.push(diagnoses.run({ workspaceId: 'ws_b' }));
    await clock.advanceAsync(12_000);
    const [found] = await Promise.all(running);
    expect(found && stepsOf(found)).toMatchObject({
      gateway_options: { state: 'skipped', seen: 'There was no time left for this trunk.' },
      provider_account: { state: 'skipped', seen: 'The provider did not answer in time.' },
    });
    expect(found?.durationMs).toBeLessThanOrEqual(12_000);
    expect(clock.pendingTimers).toBe(0);
  });

  test('DI4 answers are forgotten after an hour', async () => {
    const diagnoses = open();
    const { id } = await diagnoses.run({ workspaceId: 'ws_a' });
    clock.advance(3_600_001);
    expect(diagnoses.get(id)).toBeUndefined();
  });

  test('many trunks and agents are named, not all asked', async () => {
    for (let i = 0; i < 12; i += 1) {
      await directory.agents.put(agent({ id: `agent_${i}` }));
      await directory.trunks.put(trunk({ id: `trunk_${i}` }));
      const e164 = `+120255501${10 + i}` as E164;
      await directory.numbers.put(number({ id: `num_${i}`, e164, agentId: `agent_${i}`, trunkId: `trunk_${i}` }));
    }
    let dialled = 0;
    let checked = 0;
    const found = await open({
      probeAgent: async () => {
        dialled += 1;
        return { ok: true, connectMs: 1 };
      },
      trunkChecks: {
        run: async () => {
          checked += 1;
          return [];
        },
      },
    }).run({ workspaceId: 'ws_a' });
    expect([dialled, checked]).toEqual([8, 8]);
    expect(found.steps.filter(({ state, seen }) => state === 'skipped' && seen.includes('more'))).toHaveLength(2);
  });
});
