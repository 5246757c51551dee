import { beforeEach, describe, expect, test } from 'vitest';
import { type CallEventSource, createCallEvents } from '../src/call-events.ts';
import { viewCall } from '../src/http/views.ts';
import type { Books } from '../src/ledger/books.ts';
import { recoveredRecord } from '../src/recovered-record.ts';
import { call } from './directory/records.ts';
import { event, openRig, type Rig, settle, WORKSPACE } from './webhooks/support.ts';

// From a call's record to what a receiver gets, over the real outbox.

let rig: Rig;
let events: CallEventSource;
let errors: string[];
let balance: () => Promise<{ balance: bigint; reserved: bigint }>;
let asked: number;

beforeEach(async () => {
  rig = await openRig();
  errors = [];
  asked = 0;
  balance = async () => ({ balance: 1_500_000_000n, reserved: 250_000_000n });
  events = createCallEvents({
    webhooks: rig.webhooks,
    books: {
      balance: () => {
        asked += 1;
        return balance();
      },
    } as unknown as Books,
    clock: rig.clock,
    log: { error: (_fields: object, message: string) => void errors.push(message) } as never,
  });
  return () => rig.close();
});

async function sent(): Promise<{ id: string; type: string; createdAt: string; data: Record<string, unknown> }[]> {
  await settle();
  return rig.sender.sent.map(({ body }) => JSON.parse(body));
}

describe('an ended call', () => {
  test('is call.ended and then call.billed, as the API would show it', async () => {
    await rig.make();
    await events.ended(call());
    const [ended, billed, ...rest] = await sent();
    expect(rest).toEqual([]);
    expect(ended).toEqual({
      id: 'call.ended:call_a',
      type: 'call.ended',
      createdAt: '1970-01-01T00:01:01.200Z',
      workspaceId: WORKSPACE,
      data: {
        callId: 'call_a',
        direction: 'inbound',
        from: '+12025550199',
        to: '+12025550100',
        trunkId: 'trunk_a',
        agentId: 'agent_a',
        class: 'byoc',
        startedAt: '1970-01-01T00:00:01.000Z',
        ringingAt: '1970-01-01T00:00:01.100Z',
        answeredAt: '1970-01-01T00:00:01.200Z',
        endedAt: '1970-01-01T00:01:01.200Z',
        endReason: 'remote_hangup',
        sipStatus: 200,
        quality: null,
        attestation: null,
        carrierReason: null,
      },
    });
    expect(billed).toMatchObject({
      id: 'call.billed:call_a',
      type: 'call.billed',
      data: {
        callId: 'call_a',
        revision: 1,
        bill: {
          telephony: { billedMs: 60_000, ratePerMinute: '0.012', amount: '0.012' },
          compute: { amount: '0.03' },
          total: '0.042',
          currency: 'USD',
          final: true,
        },
      },
    });
    expect(asked).toBe(0);
  });

  test('says what its carrier said of the caller and of the end, in the shapes of the API', async () => {
    await rig.make({ events: ['call.ended'] });
    const attestation = {
      level: 'A',
      source: 'verstat',
      carrierVerdict: 'passed',
      verified: false,
      origId: null,
      problem: null,
    } as const;
    const carrierReason = { sip: null, q850: 17, text: 'User busy' };
    const record = call({ attestation, carrierReason });
    await events.ended(record);
    const [ended] = await sent();
    const shown = viewCall(record) as Record<string, unknown>;
    expect(ended?.data).toMatchObject({ attestation, carrierReason });
    expect(ended?.data).toMatchObject({
      attestation: shown['attestation'],
      carrierReason: shown['carrierReason'],
    });
  });

  test('that never had a bill is call.ended alone', async () => {
    await rig.make();
    await events.ended(call({ bill: null, endReason: 'number_unassigned' }));
    expect((await sent()).map(({ id }) => id)).toEqual(['call.ended:call_a']);
  });

  test('of no workspace, or of one that nobody listens to, is nothing', async () => {
    await rig.make({ workspaceId: 'ws_b' });
    await events.ended(call());
    await events.ended(call({ workspaceId: null }));
    expect([await sent(), asked]).toEqual([[], 0]);
  });

  test('that recovery tells again, with other figures, stays as it was told first', async () => {
    await rig.make();
    const record = call();
    await events.ended(record);
    const recovered = recoveredRecord({
      callId: record.id,
      workspaceId: WORKSPACE,
      direction: 'inbound',
      class: 'byoc',
      from: record.from,
      to: record.to,
      trunkId: null,
      numberId: null,
      agentId: null,
      startedAt: 1_000,
      answeredAt: null,
      endedAt: 2_000,
      endReason: 'node_crash',
      bill: record.bill as NonNullable<typeof record.bill>,
    });
    await events.ended(recovered);
    expect((await sent()).map(({ id, data }) => [id, data['endReason']])).toEqual([
      ['call.ended:call_a', 'remote_hangup'],
      ['call.billed:call_a', undefined],
    ]);
  });

  test('whose bill was adjusted is billed again, with a revision', async () => {
    await rig.make();
    const record = call();
    await events.ended(record);
    await events.adjusted(record, 600_000n);
    await events.adjusted(record, 600_000n);
    await events.adjusted({ ...record, workspaceId: null }, 600_000n);
    const all = await sent();
    expect(all.map(({ id, data }) => [id, data['revision'], data['adjustment']])).toEqual([
      ['call.ended:call_a', undefined, undefined],
      ['call.billed:call_a', 1, null],
      ['call.billed:call_a:2', 2, '0.0006'],
    ]);
    expect(all[2]?.data['bill']).toMatchObject({ total: '0.0426', final: true, telephony: { amount: '0.012' } });
  });
});

describe('balance.exhausted', () => {
  test('comes before the end of a call that was cut off, with what is left', async () => {
    await rig.make();
    await events.ended(call({ endReason: 'balance_exhausted' }));
    const all = await sent();
    expect(all.map(({ id }) => id)).toEqual(['balance.exhausted:call_a', 'call.ended:call_a', 'call.billed:call_a']);
    expect(all[0]?.data).toEqual({ callId: 'call_a', reason: 'balance_exhausted', balance: '1.50', reserved: '0.25' });
  });

  test('names each call that was cut off', async () => {
    await rig.make({ events: ['balance.exhausted'] });
    await events.ended(call({ endReason: 'balance_exhausted' }));
    await events.ended(call({ id: 'call_b', endReason: 'balance_exhausted' }));
    expect((await sent()).map(({ id }) => id)).toEqual(['balance.exhausted:call_a', 'balance.exhausted:call_b']);
  });

  test('comes once a minute per workspace for calls that were refused', async () => {
    await rig.make({ events: ['balance.exhausted'] });
    await rig.make({ events: ['balance.exhausted'], workspaceId: 'ws_b' });
    const refuse = (id: string, workspaceId = WORKSPACE) =>
      events.ended(call({ id, workspaceId, bill: null, endReason: 'insufficient_balance' }));
    for (let index = 0; index < 50; index++) await refuse(`call_${index}`);
    await refuse('call_b', 'ws_b');
    rig.clock.advance(59_999);
    await refuse('call_98');
    rig.clock.advance(1);
    await refuse('call_99');
    const minute = 29_453_760;
    expect((await sent()).map(({ id, data }) => [id, data['callId']])).toEqual([
      [`balance.exhausted:ws_a:${minute}`, 'call_0'],
      [`balance.exhausted:ws_b:${minute}`, 'call_b'],
      [`balance.exhausted:ws_a:${minute + 1}`, 'call_99'],
    ]);
    expect(asked).toBe(3);
  });

  test('is not a limit of the workspace', async () => {
    await rig.make({ events: ['balance.exhausted'] });
    await events.ended(call({ endReason: 'spend_limit_reached' }));
    await events.ended(call({ id: 'call_b', endReason: 'workspace_limit', bill: null }));
    expect(await sent()).toEqual([]);
  });

  test('comes without figures where the books do not answer, and the end is told all the same', async () => {
    await rig.make();
    balance = async () => Promise.reject(new Error('away'));
    await events.ended(call({ endReason: 'balance_exhausted' }));
    const all = await sent();
    expect(all).toHaveLength(3);
    expect(all[0]?.data).toMatchObject({ balance: null, reserved: null });
    expect(errors).toEqual(['the balance for an event could not be read']);
  });
});

describe('balance.low', () => {
  const warn = (callId: string, nth = 1, workspaceId = WORKSPACE) =>
    events.lowBalance({ callId, workspaceId, remainingMs: 29_999.7, nth });

  test('says how long the money lasts, and how much there is', async () => {
    await rig.make();
    warn('call_a');
    expect(await sent()).toEqual([
      {
        id: 'balance.low:call_a:1',
        type: 'balance.low',
        createdAt: '2026-01-01T00:00:00.000Z',
        workspaceId: WORKSPACE,
        data: { callId: 'call_a', remainingMs: 30_000, balance: '1.50', reserved: '0.25' },
      },
    ]);
  });

  test('comes once a minute per workspace: its calls live on the same money', async () => {
    await rig.make();
    await rig.make({ workspaceId: 'ws_b' });
    for (let index = 0; index < 20; index++) warn(`call_${index}`);
    warn('call_b', 1, 'ws_b');
    rig.clock.advance(60_000);
    warn('call_3', 2);
    const ids = (await sent()).map(({ id }) => id);
    expect(ids.toSorted()).toEqual(['balance.low:call_0:1', 'balance.low:call_3:2', 'balance.low:call_b:1']);
    expect(asked).toBe(3);
  });

  test('is not asked for where nobody listens, and does not use up the minute', async () => {
    const { id } = await rig.make({ events: ['call.ended'] });
    warn('call_a');
    await rig.webhooks.change(id, { events: 'all' });
    warn('call_b');
    expect((await sent()).map((each) => each.id)).toEqual(['balance.low:call_b:1']);
  });

  test('that cannot be stored is said in the log and harms nothing', async () => {
    await rig.make();
    rig.engine.store = async () => Promise.reject(new Error('disk full'));
    warn('call_a');
    await settle();
    await rig.clock.advanceAsync(10_000);
    expect(errors).toEqual(['an event could not be stored']);
  });
});

test('events of one call that come by different ways keep their order', async () => {
  await rig.make();
  await rig.emit(event('balance.low:call_a'));
  await events.ended(call());
  expect((await sent()).map(({ id }) => id)).toEqual(['balance.low:call_a', 'call.ended:call_a', 'call.billed:call_a']);
});
