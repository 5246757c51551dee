import { expect, test } from 'vitest';
import { MeterClosedError, StoreTimeoutError } from '../../src/metering/errors.ts';
import type { MeterSettlement, SettleOutcome } from '../../src/metering/ports.ts';
import type { CallJournalRecord, EndedRecord, RatedRecord } from '../../src/metering/records.ts';
import { Settler } from '../../src/metering/settler.ts';
import { FakeClock } from '../support/fake-clock.ts';

const line = { billedMs: 0, ratePerMinute: 0n, amount: 0n, rule: '' };
const of = { callId: 'call_1', atWallMs: 0 };
const ENDED: EndedRecord = {
  kind: 'ended',
  ...of,
  callSeq: 2,
  answer: null,
  agentEvents: [],
  atMs: 0,
  billToMs: 0,
  agentProvenToMs: 0,
  endedWallMs: 0,
  reason: 'cancelled',
  evidence: 'cancel',
  flags: [],
};
const RATED: RatedRecord = {
  kind: 'rated',
  ...of,
  callSeq: 3,
  telephony: line,
  compute: line,
  total: 0n,
  final: true,
};
const SETTLEMENT: MeterSettlement = { workspaceId: 'ws_1', holdId: 'lease:call_1', postings: [], costs: [] };

type Answers = (SettleOutcome | 'fails' | 'hangs')[];

/** A store that answers as it is told, in order; the last answer stays. */
function stage(answers: { together?: Answers; money?: Answers; waits?: CallJournalRecord[] }) {
  const clock = new FakeClock();
  const log: string[] = [];
  const failures: [string, unknown][] = [];
  const answer = (left: Answers): Promise<SettleOutcome> => {
    const next = (left.length > 1 ? left.shift() : left[0]) ?? 'posted';
    if (next === 'hangs') return new Promise(() => undefined);
    return next === 'fails' ? Promise.reject(new Error('no')) : Promise.resolve(next);
  };
  const kinds = (records: readonly CallJournalRecord[]) => records.map(({ kind }) => kind).join(' ');
  const settler = new Settler({
    record: { workspaceId: 'ws_1', callId: 'call_1' },
    clock,
    storeTimeoutMs: 2_000,
    writer: {
      write: async (...records) => void log.push(`write ${kinds(records)}`),
      writeWith: (work) => work(answers.waits ?? []),
    },
    store: {
      settle: (records) => {
        log.push(`together ${kinds(records)}`);
        return answer(answers.together ?? []);
      },
    },
    books: {
      settle: () => {
        log.push('money');
        return answer(answers.money ?? []);
      },
      postings: async () => {
        log.push('postings');
        return [{ id: 'call_1:telephony:1', meter: 'telephony', quantityMs: 60_000, amount: -5n, note: 'theirs' }];
      },
    },
    observer: { storeFailed: (operation, error) => void failures.push([operation, error]) },
  });
  return { clock, failures, log, settler, settled: () => settler.settle(ENDED, RATED, SETTLEMENT) };
}

test('records and money go together, with the records that still waited', async () => {
  const waits: CallJournalRecord[] = [{ kind: 'flag', ...of, callSeq: 1, flag: 'f' }];
  const { failures, log, settled } = stage({ waits });
  expect(await settled()).toEqual({ outcome: 'posted' });
  expect([log, failures]).toEqual([['together flag ended rated'], []]);
});

test('where that fails, the records are durable before the money moves, and the money is tried each second', async () => {
  const { clock, failures, log, settled } = stage({ together: ['fails'], money: ['fails', 'fails', 'exists'] });
  const facts = settled();
  await clock.advanceAsync(1_999);
  expect(log).toEqual(['together ended rated', 'write ended rated', 'money', 'money']);
  await clock.advanceAsync(1);
  expect(await facts).toEqual({ outcome: 'exists' });
  expect(log.slice(4)).toEqual(['money']);
  expect(failures.map(([operation]) => operation)).toEqual(['settle', 'settle', 'settle']);
});

test('a store that hangs is waited for up to its limit, each time', async () => {
  const { clock, failures, log, settled } = stage({ together: ['hangs'], money: ['hangs', 'posted'] });
  const facts = settled();
  await clock.advanceAsync(1_999);
  expect(log).toEqual(['together ended rated']);
  // 2 s each, and a second between two attempts at the money.
  await clock.advanceAsync(3_001);
  expect(await facts).toEqual({ outcome: 'posted' });
  expect(failures.map(([, error]) => error instanceof StoreTimeoutError)).toEqual([true, true]);
});

test('what another node has posted is looked up in the ledger', async () => {
  const { log, settled } = stage({ together: ['elsewhere'] });
  expect(await settled()).toMatchObject({ outcome: 'elsewhere', lines: [{ note: 'theirs', quantityMs: 60_000 }] });
  expect(log).toEqual(['together ended rated', 'postings']);
});

test.each([
  ['while records and money are under way', { together: ['hangs'] as Answers }],
  ['between two attempts at the money', { together: ['fails'] as Answers, money: ['fails'] as Answers }],
])('the meter closes %s: the call is left to recovery', async (_when, answers) => {
  const { clock, failures, log, settled, settler } = stage(answers);
  const facts = settled();
  const over = expect(facts).rejects.toBeInstanceOf(MeterClosedError);
  await clock.advanceAsync(500);
  const before = [log.length, failures.length];
  settler.meterClosed();
  await over;
  expect([log.length, failures.length]).toEqual(before);
});

test('a meter that closes while nobody waits breaks nothing', async () => {
  const { settler } = stage({});
  settler.meterClosed();
  await new Promise((resolve) => setImmediate(resolve));
  await expect(settler.orClosed(new Promise(() => undefined))).rejects.toBeInstanceOf(MeterClosedError);
});
