import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Directory } from '../../src/directory/directory.ts';
import { openDirectory } from '../../src/directory/sqlite-directory.ts';
import type { Bill, CallRecord } from '../../src/domain/call.ts';
import { directoryCalls, ourCall } from '../../src/reconciliation/our-calls.ts';
import type { TimeRange } from '../../src/reconciliation/read-file.ts';
import { call } from '../directory/records.ts';

const NOON = Date.parse('2026-01-31T12:00:00Z');
let directory: Directory;

beforeEach(() => {
  directory = openDirectory(':memory:', { sealingKey: new Uint8Array(32).fill(7), schedule: queueMicrotask });
});
afterEach(() => directory.close());

const record = (id: string, startedAt: number, over: Partial<CallRecord> = {}): CallRecord =>
  call({ id, createdAt: startedAt, startedAt, trunkId: 'trunk_m', ...over });

async function idsOf(range: TimeRange): Promise<string[]> {
  const ids: string[] = [];
  for await (const page of directoryCalls(directory.calls)('trunk_m', range)) ids.push(...page.map(({ id }) => id));
  return ids;
}

describe('calls of a trunk and a range', () => {
  test('from the first instant on, without the last, of that trunk alone, and only what has ended', async () => {
    await Promise.all([
      directory.calls.save(record('before', NOON - 1)),
      directory.calls.save(record('first', NOON)),
      directory.calls.save(record('last', NOON + 999)),
      directory.calls.save(record('after', NOON + 1_000)),
      directory.calls.save(record('elsewhere', NOON + 5, { trunkId: 'trunk_x' })),
      directory.calls.save(record('nowhere', NOON + 5, { trunkId: null })),
      directory.calls.save(record('live', NOON + 5, { state: 'answered', endedAt: null })),
    ]);
    expect(await idsOf({ fromMs: NOON, toMs: NOON + 1_000 })).toEqual(['last', 'first']);
  });

  test('over many pages, also where many began in the same millisecond', async () => {
    const saved = Array.from({ length: 701 }, (_, n) => record(`call_${n}`, NOON + Math.floor(n / 300)));
    await Promise.all(saved.map((each) => directory.calls.save(each)));
    const ids = await idsOf({ fromMs: NOON, toMs: NOON + 10 });
    expect(ids.toSorted()).toEqual(saved.map(({ id }) => id).toSorted());
    expect(await idsOf({ fromMs: NOON + 1, toMs: NOON + 2 })).toHaveLength(300);
    expect(await idsOf({ fromMs: NOON + 10, toMs: NOON + 20 })).toEqual([]);
  });
});

describe('a call as it is compared', () => {
  test('is to the number that was called last: a redirect leads elsewhere, and the carrier has a record of that', () => {
    const inviting = (to?: string) => ({
      at: NOON,
      offsetMs: 0,
      event: 'inviting',
      detail: { trunkId: 'trunk_m', ...(to === undefined ? {} : { to }) },
    });
    const of = (...timeline: CallRecord['timeline']) =>
      ourCall(record('c', NOON, { direction: 'outbound', timeline })).to;
    expect(of(inviting())).toBe('+12025550100');
    expect(of(inviting(), inviting('+12025550178'))).toBe('+12025550178');
    expect(of(inviting(), inviting('+12025550178'), inviting('+12025550179'))).toBe('+12025550179');
    // The last one is of a leg that the carrier has had us call in its own place.
    expect(of(inviting(), inviting('+12025550178'), inviting())).toBe('+12025550178');
  });

  const bill = (over: Partial<Bill>): CallRecord => {
    const plain = record('a', NOON);
    if (plain.bill === null) throw new Error('the record has a bill');
    return { ...plain, bill: { ...plain.bill, ...over } };
  };

  test('lasts from the answer to the last proof, not to when it was noticed', () => {
    const evidence = { start: NOON + 5_000, end: NOON + 85_000, endedBy: 'media' as const };
    expect(ourCall({ ...bill({ evidence }), answeredAt: NOON + 5_000, endedAt: NOON + 115_000 })).toMatchObject({
      durationMs: 80_000,
      endedAt: NOON + 115_000,
      provisional: null,
      revenue: 12_000_000n,
    });
  });

  test('is provisional where a carrier may still correct it', () => {
    expect(ourCall(bill({ final: false })).provisional).toBe('unconfirmed');
    const evidence = { start: NOON, end: NOON + 1, endedBy: 'heartbeat' as const };
    expect(ourCall(bill({ evidence, flags: ['needs_reconciliation'] }))).toMatchObject({
      provisional: 'recovered',
      flagged: true,
    });
  });

  test('without an answer lasts nothing, whatever its bill says', () => {
    const evidence = { start: null, end: NOON + 9_000, endedBy: 'cancel' as const };
    expect(ourCall({ ...bill({ evidence, final: false }), answeredAt: null })).toMatchObject({
      durationMs: 0,
      provisional: null,
    });
    expect(ourCall(record('b', NOON, { bill: null, answeredAt: null, class: null }))).toMatchObject({
      durationMs: 0,
      revenue: 0n,
      class: null,
    });
  });
});
