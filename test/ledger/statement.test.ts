import { describe, expect, test } from 'vitest';
import { openBooksInline } from '../../src/books.ts';
import type { CallClass, CallFacts } from '../../src/domain/call.ts';
import type { Books, NewPosting, PostingMeter } from '../../src/ledger/books.ts';
import type { Statement, StatementSources } from '../../src/ledger/statement.ts';
import { DETAIL_MAX, monthOf, statementOf } from '../../src/ledger/statement.ts';
import { sumsByReading } from '../../src/ledger/sums.ts';
import { SeededRandom } from '../metering/support/random.ts';
import { charge, posted, posting, WORKSPACE } from './lines.ts';

const open = () => openBooksInline({ path: ':memory:', schedule: queueMicrotask });
const at = (text: string) => Date.parse(`${text}Z`);
const NOW = at('2026-03-10T12:00');

const CLASSES = ['managed', 'byoc', null] as const;
/** call_7 is of class CLASSES[7 % 3], and so on; calls above 90 have no record. */
const factsOf: StatementSources['factsOf'] = async (ids) =>
  new Map(
    ids.flatMap((id): [string, CallFacts][] => {
      const index = Number(id.slice('call_'.length));
      const callClass: CallClass | null = CLASSES[index % 3] ?? null;
      return index > 90 ? [] : [[id, { class: callClass, number: '+12025550100', agentId: null }]];
    }),
  );

function statement(
  { books, sums }: Pick<StatementSources, 'books' | 'sums'>,
  month: string,
  over: { detail?: boolean; nowMs?: number; workspaceId?: string } = {},
): Promise<Statement> {
  const range = monthOf(month);
  if (range === undefined) throw new Error(month);
  return statementOf(
    { books, sums, factsOf },
    { workspaceId: WORKSPACE, detail: false, nowMs: NOW, ...range, ...over },
  );
}

/** All that stands between opening and closing. */
function moved({ topups, fees, adjustments, charges }: Statement): bigint {
  return [topups, fees, adjustments, ...charges].reduce((sum, total) => sum + total.amount, 0n);
}

async function book(books: Pick<Books, 'settle'>, ...postings: NewPosting[]): Promise<void> {
  await books.settle(posted(...postings));
}

describe('a statement', () => {
  test('groups top-ups, fees, charges by class and meter, and adjustments', async () => {
    const { books, sums } = open();
    await book(
      books,
      posting({ id: 'topup:1', amount: 500n, at: at('2026-01-31T23:59:59.999') }),
      posting({ id: 'topup:2', amount: 1_000n, at: at('2026-02-01') }),
      charge('call_3:telephony:1', 120n, {
        callId: 'call_3',
        meter: 'telephony',
        quantityMs: 60_000,
        at: at('2026-02-02'),
      }),
      charge('call_3:compute:1', 30n, { callId: 'call_3', at: at('2026-02-02') }),
      charge('call_4:compute:1', 7n, { callId: 'call_4', at: at('2026-02-03') }),
      charge('call_6:compute:1', 5n, { callId: 'call_6', at: at('2026-02-03') }),
      charge('call_99:compute:1', 1n, { callId: 'call_99', at: at('2026-02-03') }),
      posting({ id: 'fee:1', meter: 'fee', amount: -100n, at: at('2026-02-28T23:59:59.999') }),
      posting({ id: 'adj:1', meter: 'adjustment', callId: 'call_3', amount: 12n, at: at('2026-02-20') }),
      posting({ id: 'fee:2', meter: 'fee', amount: -100n, at: at('2026-03-01') }),
    );
    expect(await statement({ books, sums }, '2026-02')).toEqual({
      workspaceId: WORKSPACE,
      fromMs: at('2026-02-01'),
      toMs: at('2026-03-01'),
      final: true,
      opening: 500n,
      closing: 1_249n,
      topups: { count: 1, amount: 1_000n },
      fees: { count: 1, amount: -100n },
      adjustments: { count: 1, amount: 12n },
      charges: [
        { class: 'byoc', meter: 'compute', count: 1, quantityMs: 1_000, amount: -7n },
        { class: 'managed', meter: 'telephony', count: 1, quantityMs: 60_000, amount: -120n },
        { class: 'managed', meter: 'compute', count: 2, quantityMs: 2_000, amount: -35n },
        { class: null, meter: 'compute', count: 1, quantityMs: 1_000, amount: -1n },
      ],
      detail: null,
    });
  });

  test('of a workspace without postings, and of months before and after all of them', async () => {
    const { books, sums } = open();
    expect(await statement({ books, sums }, '2026-02')).toMatchObject({ opening: 0n, closing: 0n, charges: [] });
    await book(books, posting({ id: 'topup:1', amount: 5n, at: at('2026-02-10') }));
    expect(await statement({ books, sums }, '2026-01')).toMatchObject({ opening: 0n, closing: 0n });
    expect(await statement({ books, sums }, '2026-03')).toMatchObject({ opening: 5n, closing: 5n });
    expect(await statement({ books, sums }, '2026-02', { workspaceId: 'ws_b' })).toMatchObject({ closing: 0n });
  });

  test('ST3: final once the month is over', async () => {
    const { books, sums } = open();
    const final = async (nowMs: number) => (await statement({ books, sums }, '2026-02', { nowMs })).final;
    expect(await final(at('2026-02-28T23:59:59.999'))).toBe(false);
    expect(await final(at('2026-03-01'))).toBe(true);
    expect(await final(at('2025-03-01'))).toBe(false);
  });

  test('ST2: what is booked while it is made does not count', async () => {
    const { books, sums } = open();
    await book(books, posting({ id: 'topup:1', amount: 5n, at: at('2026-02-10') }));
    await book(books, posting({ id: 'topup:2', amount: 7n, at: at('2026-02-11') }));
    let late = 0;
    const busy: Pick<Books, 'postings'> = {
      async postings(query) {
        const found = await books.postings(query);
        late += 1;
        const when = [at('2026-02-12'), at('2026-01-12'), at('2026-03-09')][late % 3] as number;
        if (late < 40) await book(books, posting({ id: `late:${late}`, amount: 1_000n, at: when }));
        return found;
      },
    };
    expect(await statement({ books: busy, sums }, '2026-02')).toMatchObject({ opening: 0n, closing: 12n });
    expect(late).toBeGreaterThan(30);
  });

  test('in detail: every call with its meters, and what is of no call', async () => {
    const { books, sums } = open();
    await book(
      books,
      posting({ id: 'topup:2', amount: 1_000n, at: at('2026-02-01') }),
      charge('call_3:telephony:1', 120n, {
        callId: 'call_3',
        meter: 'telephony',
        quantityMs: 60_000,
        at: at('2026-02-02'),
      }),
      charge('call_3:compute:1', 30n, { callId: 'call_3', at: at('2026-02-02') }),
      posting({ id: 'adj:1', meter: 'adjustment', callId: 'call_3', amount: 12n, at: at('2026-02-20') }),
    );
    const { detail } = await statement({ books, sums }, '2026-02', { detail: true });
    expect(detail?.calls).toEqual([
      {
        callId: 'call_3',
        at: at('2026-02-02'),
        class: 'managed',
        telephonyMs: 60_000,
        computeMs: 1_000,
        telephony: -120n,
        compute: -30n,
        adjustments: 12n,
        amount: -138n,
      },
    ]);
    expect(detail?.others.map((line) => line.id)).toEqual(['topup:2']);
  });

  test('a detail that is too long is refused; the statement itself is not', async () => {
    const { books, sums } = open();
    const lines = Array.from({ length: DETAIL_MAX + 1 }, (_, index) =>
      charge(`call_${index}:compute:1`, 1n, { callId: `call_${index}`, at: at('2026-02-02') + index * 100 }),
    );
    for (let first = 0; first < lines.length; first += 1_000) await book(books, ...lines.slice(first, first + 1_000));
    await expect(statement({ books, sums }, '2026-02', { detail: true })).rejects.toMatchObject({
      code: 'too_many_lines',
    });
    expect((await statement({ books, sums }, '2026-02')).closing).toBe(-BigInt(DETAIL_MAX + 1));
  });
});

test('months by name', () => {
  expect(monthOf('2026-12')).toEqual({ fromMs: at('2026-12-01'), toMs: at('2027-01-01') });
  expect(monthOf('2024-02')).toEqual({ fromMs: at('2024-02-01'), toMs: at('2024-03-01') });
  for (const name of ['2026-00', '2026-13', '2026-1', '26-01', '2026-01-01', '1969-12', '0001-01', '', 'none'])
    expect(monthOf(name)).toBeUndefined();
});

const METERS: readonly PostingMeter[] = ['telephony', 'compute', 'topup', 'fee', 'adjustment'];
const MONTHS = ['2025-11', '2025-12', '2026-01', '2026-02', '2026-03', '2026-04'];

/** Booked in an order that is not that of their times: most a little late, some by months. */
function randomPosting(random: SeededRandom, index: number): NewPosting {
  const meter = METERS[random.below(METERS.length)] as PostingMeter;
  const ofCall = meter === 'telephony' || meter === 'compute' || (meter === 'adjustment' && random.below(2) === 0);
  const span = NOW - at('2025-11-15');
  const drift = random.below(5) === 0 ? random.below(span) : Math.floor((index / 400) * span);
  return posting({
    id: `p:${index}`,
    meter,
    callId: ofCall ? `call_${random.below(100)}` : null,
    quantityMs: ofCall ? random.below(100_000) : 0,
    amount: BigInt(random.below(2_000_000_000)) - 1_000_000_000n,
    at: at('2025-11-15') + drift,
  });
}

test('ST1: of random ledgers every month opens and closes as the ledger says, to the nano (seed 17)', async () => {
  const random = new SeededRandom(17);
  for (let run = 0; run < 5; run += 1) {
    const opened = open();
    const lines = Array.from({ length: 400 }, (_, index) => randomPosting(random, index));
    for (let first = 0; first < lines.length; ) {
      const count = 1 + random.below(20);
      await book(opened.books, ...lines.slice(first, first + count));
      first += count;
    }
    const before = (ms: number) => lines.reduce((sum, line) => (line.at < ms ? sum + line.amount : sum), 0n);
    const { books } = opened;
    for (const sums of [opened.sums, sumsByReading(books)]) {
      for (const month of MONTHS) {
        const one = await statement({ books, sums }, month, { detail: true });
        expect([one.opening, one.closing]).toEqual([before(one.fromMs), before(one.toMs)]);
        expect(one.opening + moved(one)).toBe(one.closing);
        const { calls = [], others = [] } = one.detail ?? {};
        const lineSum = [...calls, ...others].reduce((sum, line) => sum + line.amount, 0n);
        expect(one.opening + lineSum).toBe(one.closing);
      }
    }
    expect((await books.balance(WORKSPACE, NOW)).balance).toBe((await statement(opened, '2026-04')).closing);
    await opened.close();
  }
});
