import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openBooksInline } from '../../src/books.ts';
import type { Bill, CallRecord } from '../../src/domain/call.ts';
import { applyCarrierRecord } from '../../src/metering/carrier-record.ts';
import type { Principal } from '../../src/http/auth.ts';
import { createReportGate } from '../../src/http/report-gate.ts';
import { call } from '../directory/records.ts';
import { charge, posted, posting } from '../ledger/lines.ts';
import { Stage, WORKSPACE, callOf } from '../metering/support/stage.ts';
import { parseSupplierRates } from '../../src/metering/supplier-rates.ts';
import { startWorld, type World } from './world.ts';

// The API over books that the real meter has written.

const CSV = { headers: { accept: 'text/csv' } };
let stage: Stage;
let world: World;
let key: string;
let other: { id: string; token: string };

/** The bill of a call that the meter counted, with its record as the call manager would store it. */
async function recorded(callId: string, bill: Bill, over: Partial<CallRecord> = {}): Promise<void> {
  const record = call({
    id: callId,
    workspaceId: WORKSPACE,
    class: 'managed',
    bill,
    endedAt: bill.evidence.end,
    answeredAt: bill.evidence.start,
    ...over,
  });
  world.calls.records.set(callId, record);
  await world.directory.calls.save(record);
}

beforeAll(async () => {
  stage = await Stage.open();
  stage.suppliers = parseSupplierRates(
    'currency: USD\ndecks: { sixty: [{ prefix: "1", perMinute: "0.009" }] }\nmanaged: sixty\n',
    'supplier-rates.yaml',
  );
  const { books, sums } = stage.opened;
  world = await startWorld({ books, sums, clock: stage.clock });
  await world.directory.workspaces.put({
    id: WORKSPACE,
    createdAt: 0,
    name: 'Staged',
    billingMode: 'prepaid',
    limits: { concurrentCalls: null, callsPerSecond: null, spendPerHour: null, spendPerDay: null },
  });
  key = (await world.ask('POST', `/v1/workspaces/${WORKSPACE}/keys`, { body: { label: 'k' } })).body.token;
  other = await world.workspace('B');

  const first = await callOf(stage, 61_400);
  await recorded('call_1', first.bill);
  const second = await callOf(stage, 20_000, { class: 'byoc' });
  await recorded('call_2', second.bill, { class: 'byoc', direction: 'outbound', from: '+12025550177', agentId: null });
  const unanswered = await stage.call();
  await recorded('call_3', await unanswered.end({ reason: 'no_answer' }), {
    endReason: 'no_answer',
    endedAt: stage.clock.wallMs(),
  });
  const unconfirmed = await (await stage.call()).answer();
  await unconfirmed.liveTo(32_000);
  const provisional = await unconfirmed.end({ reason: 'answer_unconfirmed', evidence: 'signalling' });
  await recorded('call_4', provisional, { endReason: 'answer_unconfirmed' });
  await stage.idle();
  await applyCarrierRecord({ ...stage.opened, clock: stage.clock }, { callId: 'call_4', durationMs: 20_000 });
  await stage.opened.books.settle(
    posted(
      posting({
        id: 'fee:1',
        workspaceId: WORKSPACE,
        meter: 'fee',
        amount: -500_000_000n,
        at: stage.clock.wallMs(),
        note: '=SUM(A1), a "number"',
      }),
    ),
  );
  // A range ends before the instant of its end.
  stage.clock.advance(1_000);
});
afterAll(async () => {
  await world.close();
  await stage.opened.close();
});

const get = (path: string, token = key) => world.ask('GET', path, { token });
const csv = (path: string, token = key) => world.ask('GET', path, { token, ...CSV });
const rowsOf = (text: string) =>
  text
    .trimEnd()
    .split('\r\n')
    .map((line) => line.split(','));

describe('a bill in words', () => {
  test('what the meter counted, sentence by sentence', async () => {
    const { status, body } = await get('/v1/calls/call_1/bill');
    expect(status).toBe(200);
    expect(body).toMatchObject({
      callId: 'call_1',
      total: '0.07368',
      charged: '0.07368',
      final: true,
      corrections: [],
    });
    expect(body.rate).toMatchObject({ prefix: '1', number: '+12025550100', initialMs: 60_000, incrementMs: 1 });
    expect(body.explanation).toContain(
      'Telephony: The call lasted 61.4 s from answer to end; beyond the first 60 s the actual time is charged. 61.4 s x 0.012 USD per minute = 0.01228 USD.',
    );
  });

  test('the operator sees what it cost us; a workspace reads nothing of it', async () => {
    const { body, text } = await get('/v1/calls/call_1/bill');
    expect(body).not.toHaveProperty('supplierCosts');
    expect(text).not.toMatch(/supplier|margin|sixty/i);
    const { body: own } = await world.ask('GET', '/v1/calls/call_1/bill');
    expect(own.supplierCosts).toMatchObject([
      { id: 'call_1:supplier:1', quantityMs: 120_000, cost: '0.018', revenue: '0.01228' },
    ]);
    expect(own.explanation.at(-1)).toMatch(
      /^Supplier of trunk trunk_a: The call lasted 61\.4 s .* So: cost 0\.018 USD, charged 0\.01228 USD, margin -0\.00572 USD\.$/,
    );
  });

  test('a correction that came later is a posting of its own, and in the sum', async () => {
    const { body } = await get('/v1/calls/call_4/bill');
    expect(body).toMatchObject({ total: '0.00', charged: '0.012', final: false });
    expect(body.corrections.map((line: { id: string }) => line.id)).toEqual(['call_4:telephony:2']);
    expect(body.explanation.slice(-2)).toEqual([
      'Later, on 2026-01-01: 0.012 USD charged. The carrier confirms the connection, which we had not seen acknowledged; charged for 60000 ms.',
      'With that 0.012 USD in all.',
    ]);
  });

  test('a call that is not answered, and one that never had a bill', async () => {
    expect((await get('/v1/calls/call_3/bill')).body.explanation).toEqual([
      'The call was not answered (Nobody answered): nothing is charged.',
    ]);
    world.calls.records.set('call_refused', call({ id: 'call_refused', workspaceId: WORKSPACE, bill: null }));
    const refused = await get('/v1/calls/call_refused/bill');
    expect([refused.status, refused.body.code, refused.body.detail]).toEqual([
      404,
      'not_found',
      'The call has no bill: it was refused before it could cost anything',
    ]);
  });

  test('a live call says so', async () => {
    const running = await (await stage.call()).answer();
    world.calls.records.set(
      'call_live',
      call({
        id: 'call_live',
        workspaceId: WORKSPACE,
        class: 'managed',
        state: 'answered',
        endReason: null,
        bill: running.metered.running(),
      }),
    );
    const { body } = await get('/v1/calls/call_live/bill');
    expect(body).toMatchObject({ final: false, charged: '0.00' });
    expect(body.explanation.at(-1)).toBe('The call is still going on: these figures grow until it ends.');
  });
});

describe('a statement', () => {
  const path = `/v1/workspaces/${WORKSPACE}/statements`;

  test('opens, moves and closes as the ledger does', async () => {
    const { body } = await get(`${path}/2026-01`);
    expect(body).toMatchObject({
      workspaceId: WORKSPACE,
      month: '2026-01',
      from: '2026-01-01T00:00:00.000Z',
      to: '2026-02-01T00:00:00.000Z',
      currency: 'USD',
      final: false,
      opening: '10.00',
      topups: { count: 0, amount: '0.00' },
      fees: { count: 1, amount: '-0.50' },
      adjustments: { count: 0, amount: '0.00' },
    });
    const { body: workspace } = await world.ask('GET', `/v1/workspaces/${WORKSPACE}`);
    expect(body.closing).toBe(workspace.balance);
    expect(body.charges.map((each: { class: string; meter: string }) => `${each.class} ${each.meter}`)).toEqual([
      'byoc compute',
      'managed telephony',
      'managed compute',
    ]);
    expect(body).not.toHaveProperty('calls');
    expect((await get(`${path}/1970-01`)).body).toMatchObject({ final: true, opening: '0.00', closing: '10.00' });
  });

  test('call by call where that is asked for', async () => {
    const { body } = await get(`${path}/2026-01?detail=calls`);
    expect(body.calls[0]).toEqual({
      callId: 'call_1',
      at: '2026-01-01T00:01:01.400Z',
      class: 'managed',
      telephonyMs: 61_400,
      computeMs: 61_400,
      telephony: '-0.01228',
      compute: '-0.0614',
      adjustments: '0.00',
      amount: '-0.07368',
    });
    expect(body.others.map((line: { id: string }) => line.id)).toEqual(['fee:1']);
  });

  test.each(['', '?detail=calls'])('as CSV%s: the rows add up from the first to the last', async (query) => {
    const answer = await csv(`${path}/2026-01${query}`);
    expect(answer.headers.get('content-type')).toContain('text/csv');
    expect(answer.headers.get('content-disposition')).toBe(`attachment; filename="statement-${WORKSPACE}-2026-01.csv"`);
    const [columns, ...rows] = rowsOf(answer.text);
    expect(columns).toEqual(['line', 'at', 'callId', 'class', 'meter', 'count', 'quantityMs', 'amount', 'note']);
    const nano = rows.map((row) => BigInt(Math.round(Number(row[7]) * 1e9)));
    expect(nano.slice(0, -1).reduce((sum, each) => sum + each, 0n)).toBe(nano.at(-1));
    expect([rows[0]?.[0], rows.at(-1)?.[0]]).toEqual(['opening', 'closing']);
    if (query !== '') expect(answer.text).toContain(`"'=SUM(A1), a ""number"""`);
  });

  test('months that are none, of no workspace, and of somebody else', async () => {
    for (const month of ['2026-13', '2026', '2026-1', 'current', '2026-01-01']) {
      const answer = await get(`${path}/${month}`);
      expect([answer.status, answer.body.errors]).toEqual([
        422,
        [{ field: 'month', message: 'must be a year and a month such as 2026-01' }],
      ]);
    }
    expect((await get(`${path}/2026-01?detail=all`)).status).toBe(422);
    expect((await get(`${path}/2026-01`, other.token)).status).toBe(404);
    expect((await world.ask('GET', '/v1/workspaces/ws_none/statements/2026-01')).status).toBe(404);
  });
});

describe('usage', () => {
  test('by day, this month, with its total; the operator names the workspace', async () => {
    const { body } = await get('/v1/usage');
    expect(body).toMatchObject({
      workspaceId: WORKSPACE,
      groupBy: 'day',
      from: '2026-01-01T00:00:00.000Z',
      currency: 'USD',
    });
    expect(body.items).toHaveLength(1);
    expect(body.items[0]).toMatchObject({ key: '2026-01-01', calls: 4, answered: 3 });
    expect(body.total.total).toBe(body.items[0].total);
    expect((await world.ask('GET', `/v1/usage?workspaceId=${WORKSPACE}`)).text).toBe((await get('/v1/usage')).text);
    expect((await world.ask('GET', '/v1/usage')).body.errors).toEqual([
      { field: 'workspaceId', message: 'is required with the admin token' },
    ]);
    expect((await world.ask('GET', '/v1/usage?workspaceId=ws_none')).status).toBe(404);
    expect((await get('/v1/usage', other.token)).body.items).toEqual([]);
  });

  test('by number and by agent', async () => {
    const byNumber = (await get('/v1/usage?groupBy=number')).body.items;
    expect(byNumber.slice(0, 2)).toMatchObject([
      {
        key: '+12025550100',
        calls: 3,
        answered: 2,
        telephonyMs: 121_400,
        computeMs: 61_400,
        telephony: '0.02428',
        compute: '0.0614',
      },
      { key: '+12025550177', calls: 1, telephonyMs: 0, computeMs: 20_000, compute: '0.02', total: '0.02' },
    ]);
    const byAgent = (await get('/v1/usage?groupBy=agent')).body.items;
    expect(byAgent.map((row: { key: string | null; calls: number }) => [row.key, row.calls])).toEqual([
      ['agent_a', 3],
      [null, 1],
    ]);
  });

  test('as CSV: telephone numbers and amounts stay what they are', async () => {
    const [columns, first] = rowsOf((await csv('/v1/usage?groupBy=number')).text);
    expect(columns).toEqual([
      'number',
      'calls',
      'answered',
      'telephonyMs',
      'computeMs',
      'telephony',
      'compute',
      'adjustments',
      'total',
    ]);
    expect(first).toEqual(['+12025550100', '3', '2', '121400', '61400', '0.02428', '0.0614', '0.00', '0.08568']);
  });

  test('a range: half open, at most 366 days, not turned round', async () => {
    expect((await get('/v1/usage?from=2025-12-01T00:00:00Z&to=2026-01-01T00:00:00Z')).body.items).toEqual([]);
    expect((await get('/v1/usage?from=2025-01-01T00:00:00Z&to=2026-01-02T00:00:00Z')).body.items).toHaveLength(1);
    for (const [query, message] of [
      ['from=2025-01-01T00:00:00Z&to=2026-01-02T00:00:00.001Z', 'must be at most 366 days before to'],
      ['from=2026-02-02T00:00:00Z&to=2026-02-01T00:00:00Z', 'must not be later than to'],
    ]) {
      expect((await get(`/v1/usage?${query}`)).body.errors).toEqual([{ field: 'from', message }]);
    }
    expect((await get('/v1/usage?groupBy=trunk')).status).toBe(422);
  });
});

describe('margins', () => {
  test('per trunk and month; a cost above the price is negative', async () => {
    const { body } = await world.ask('GET', '/v1/margins?from=2026-01-01T00:00:00Z&to=2026-02-01T00:00:00Z');
    expect(body).toMatchObject({ per: 'month', currency: 'USD' });
    // 61.4 s, and the call that the carrier confirmed.
    expect(body.items).toEqual([
      {
        trunkId: 'trunk_a',
        period: '2026-01',
        calls: 2,
        unpriced: 0,
        revenue: '0.02428',
        cost: '0.027',
        margin: '-0.00272',
      },
    ]);
    const [columns, row] = rowsOf(
      (await world.ask('GET', '/v1/margins?per=day&from=2026-01-01T00:00:00Z&to=2026-01-01T00:01:02Z', CSV)).text,
    );
    expect(columns).toEqual(['trunkId', 'period', 'calls', 'unpriced', 'revenue', 'cost', 'margin']);
    expect(row).toEqual(['trunk_a', '2026-01-01', '1', '0', '0.01228', '0.018', '-0.00572']);
    expect((await world.ask('GET', '/v1/margins?trunkId=trunk_none')).body.items).toEqual([]);
  });
});

describe('many lines', () => {
  test('more than an answer may hold are refused by name', async () => {
    const { books } = openBooksInline({ path: ':memory:', schedule: queueMicrotask });
    const small = await startWorld({ books });
    const { id, token } = await small.workspace('C');
    const at = small.clock.wallMs();
    for (let first = 0; first < 10_001; first += 1_000) {
      const lines = Array.from({ length: 1_000 }, (_, index) => `call_${first + index}`);
      await books.settle(
        posted(...lines.map((callId) => charge(`${callId}:compute:1`, 1n, { workspaceId: id, callId, at }))),
      );
    }
    const asked = (query: string) => small.ask('GET', `/v1/workspaces/${id}/statements/2026-01${query}`, { token });
    expect((await asked('')).body.closing).toBe('-0.000011');
    const refused = await asked('?detail=calls');
    expect([refused.status, refused.body.code]).toEqual([422, 'range_too_large']);
    await small.close();
  });

  test('reports beyond so many at once are asked to come again, and the place is given back', async () => {
    const gate = createReportGate({ atOnceMax: 2, perAskerMax: 1 });
    const [a, b, c] = [workspaceOf('a'), workspaceOf('b'), workspaceOf('c')];
    const first = Promise.withResolvers<number>();
    const running = gate(a, () => first.promise);
    const refusal = { code: 'rate_limited', status: 429, options: { headers: { 'retry-after': '2' } } };
    // Another key of the same workspace is the same asker.
    await expect(gate({ ...a, keyId: 'other' }, async () => 2)).rejects.toMatchObject(refusal);
    const second = gate(b, () => first.promise);
    await expect(gate(c, async () => 3)).rejects.toMatchObject(refusal);
    first.resolve(1);
    expect(await Promise.all([running, second])).toEqual([1, 1]);
    await expect(gate(a, () => Promise.reject(new Error('failed')))).rejects.toThrow('failed');
    expect(await gate(a, async () => 3)).toBe(3);
  });
});

function workspaceOf(workspaceId: string): Extract<Principal, { kind: 'workspace' }> {
  return { kind: 'workspace', workspaceId, keyId: `key_${workspaceId}`, role: 'admin' };
}
