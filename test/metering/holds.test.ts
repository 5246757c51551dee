import { describe, expect, test } from 'vitest';
import type { OpenBooks } from '../../src/books.ts';
import { auditDatabase } from '../../src/audit.ts';
import { parseRates } from '../../src/metering/rates.ts';
import { recover } from '../../src/metering/recovery.ts';
import { billedMs, FIXTURE_RATES, FULL, Stage } from './support/stage.ts';

/** Of a managed call at set-up: the first minute and ten seconds of an agent. */
const FIRST_HOLD = 22_000_000n;

describe('the wall clock is stepped, or the machine slept', () => {
  test('the holds of live calls do not expire by it: nobody else gets their money', async () => {
    await using stage = await Stage.open({ balance: FIRST_HOLD + 5_000_000n });
    const call = await (await stage.call()).answer();
    await call.liveTo(2_500);
    stage.clock.stepWall(3_600_000);
    expect(await stage.meter.authorise(stage.intent())).toEqual({ ok: false, reason: 'insufficient_balance' });
    expect((await stage.balance()).reserved).toBe(FIRST_HOLD);
    await call.liveTo(3_000);
    await call.end();
    expect(await stage.balance()).toEqual({ balance: FIRST_HOLD - 10_000_000n, reserved: 0n });
  });

  test('a call that was told to end and has not yet ended keeps its hold too', async () => {
    await using stage = await Stage.open({ balance: FIRST_HOLD });
    const told: string[] = [];
    const call = await (await stage.call({ onExhausted: (why) => told.push(why) })).answer();
    await call.liveTo(10_000);
    expect(told).toEqual(['balance_exhausted']);
    stage.clock.stepWall(3_600_000);
    expect((await stage.meter.authorise(stage.intent({ class: 'byoc' }))).ok).toBe(false);
    const bill = await call.end();
    expect(bill.total).toBe(FIRST_HOLD);
    expect(await stage.balance()).toEqual({ balance: 0n, reserved: 0n });
  });

  test('live calls get their holds back whatever the limits for new ones are, and into whichever hour the step leads', async () => {
    await using stage = await Stage.open({
      terms: { callsPerSecond: 1, concurrentCalls: 3, spendPerHour: 90_000_000n },
    });
    const first = await (await stage.call()).answer();
    await first.liveTo(1_000);
    const second = await (await stage.call()).answer();
    await second.liveTo(1_000);
    stage.clock.stepWall(7_200_000);
    await second.liveTo(2_000);
    expect((await stage.balance()).reserved).toBe(2n * FIRST_HOLD);
    await second.liveTo(60_000);
    await first.end();
    await second.end();
    expect((await stage.balance()).reserved).toBe(0n);
  });
});

describe('the price rises while it rings', () => {
  /** Telephony of the first minute at ten times the price: more than is held. */
  const DEARER = parseRates(FIXTURE_RATES.replace('"0.012"', '"0.12"'), 'rates.yaml');

  test('a call that may cost more is not cut for it: prepaid with money, postpaid without', async () => {
    for (const prepaid of [true, false]) {
      await using stage = await Stage.open({ terms: { prepaid }, ...(prepaid ? {} : { balance: 1n }) });
      const told: string[] = [];
      const call = await stage.call({ onExhausted: (why) => told.push(why) });
      stage.rates = DEARER;
      await call.answer();
      await call.liveTo(30_000);
      expect(told).toEqual([]);
      expect((await call.end()).total).toBe(120_000_000n + 30_000_000n);
    }
  });

  test('without the money for its first minute it is cut, and charged at the price that was agreed at set-up', async () => {
    await using stage = await Stage.open({ balance: FIRST_HOLD });
    const told: string[] = [];
    const call = await stage.call({ onExhausted: (why) => told.push(why) });
    const agreed = stage.rates.version;
    stage.rates = DEARER;
    await call.answer();
    await call.liveTo(200);
    expect(told).toEqual(['balance_exhausted']);
    const bill = await call.end();
    expect(billedMs(bill)).toEqual({ T: 60_000, C: 200 });
    expect(bill.rate?.version).toBe(agreed);
    expect(await stage.balance()).toEqual({ balance: FIRST_HOLD - 12_200_000n, reserved: 0n });
  });
});

describe('the price rises while it rings, and the node dies before the call is settled', () => {
  const DEARER = parseRates(FIXTURE_RATES.replace('"0.012"', '"0.12"'), 'rates.yaml');

  test.each([
    ['there is no money for its first minute: what was agreed is charged', FIRST_HOLD, false, 12_000_000n],
    ['there is: the price of the answer is charged', FULL, false, 120_000_000n],
    ['the books do not say: what was agreed is charged', FULL, true, 12_000_000n],
  ])('%s', async (_what, balance, fails, charged) => {
    let isDead = false;
    const wrap = ({ books, journal }: OpenBooks) => ({
      journal,
      books: {
        ...books,
        reserve: (hold: Parameters<typeof books.reserve>[0]) =>
          isDead ? Promise.reject(new Error('unreachable')) : books.reserve(hold),
      },
    });
    await using stage = await Stage.open({ balance, wrap });
    const call = await stage.call();
    stage.rates = DEARER;
    isDead = true;
    await call.answer({ agent: false });
    stage.restart();
    isDead = fails;
    const { books, journal } = wrap(stage.opened);
    for (let times = 0; times < 2; times += 1) await recover({ books, journal, clock: stage.clock });
    expect(await stage.balance()).toEqual({ balance: balance - charged, reserved: 0n });
    expect(auditDatabase(stage.opened.file.database).differences).toEqual([]);
  });
});

describe('service beyond the money that is held', () => {
  test('is claimed by no heartbeat: a crash between the cut and the end charges what was held', async () => {
    await using stage = await Stage.open({ balance: FIRST_HOLD });
    const call = await (await stage.call()).answer();
    await call.liveTo(12_500);
    const [recovered] = await stage.recover();
    expect(billedMs(recovered!.bill)).toEqual({ T: 60_000, C: 10_000 });
    expect(await stage.balance()).toEqual({ balance: 0n, reserved: 0n });
  });

  test('is claimed by no heartbeat while a renewal is under way either', async () => {
    let hangs = false;
    const wrap = ({ books, journal }: OpenBooks) => ({
      journal,
      books: {
        ...books,
        reserve: (hold: Parameters<typeof books.reserve>[0]) =>
          hangs ? new Promise<never>(() => undefined) : books.reserve(hold),
      },
    });
    await using stage = await Stage.open({ wrap });
    const call = await (await stage.call({ class: 'byoc' })).answer();
    hangs = true;
    await call.liveTo(12_500);
    hangs = false;
    const [recovered] = await stage.recover();
    expect(billedMs(recovered!.bill)).toEqual({ T: 0, C: 10_000 });
  });

  test('ends after the grace where no renewal is ever answered', async () => {
    let hangs = false;
    const wrap = ({ books, journal }: OpenBooks) => ({
      journal,
      books: {
        ...books,
        reserve: (hold: Parameters<typeof books.reserve>[0]) =>
          hangs ? new Promise<never>(() => undefined) : books.reserve(hold),
      },
    });
    await using stage = await Stage.open({ wrap });
    const told: string[] = [];
    const call = await (await stage.call({ class: 'byoc', onExhausted: (why) => told.push(why) })).answer();
    hangs = true;
    await call.liveTo(19_000);
    expect(told).toEqual([]);
    await call.liveTo(24_000);
    expect(told).toEqual(['store_lost']);
  });

  test('ends at once where it turns out that an agent had been there before', async () => {
    await using stage = await Stage.open({ balance: 10_000_000n });
    const told: number[] = [];
    const over = { class: 'byoc', onExhausted: () => told.push(stage.clock.monotonicMs()) } as const;
    const call = await (await stage.call(over)).answer({ agent: false });
    await call.liveTo(12_100);
    call.agentOn(2_200);
    await call.liveTo(13_500);
    expect(told).toEqual([call.answeredAtMs + 12_200]);
    expect((await call.end()).total).toBe(10_000_000n);
  });

  test('during the grace is charged as far as there is money once the store is back, and never on credit', async () => {
    let away = false;
    const wrap = ({ books, journal }: OpenBooks) => ({
      journal,
      books: {
        ...books,
        reserve: (hold: Parameters<typeof books.reserve>[0]) =>
          away ? Promise.reject(new Error('away')) : books.reserve(hold),
      },
    });
    for (const balance of [FIRST_HOLD, FIRST_HOLD + 2_000_000n, FULL]) {
      await using stage = await Stage.open({ balance, wrap });
      const call = await (await stage.call()).answer();
      away = true;
      await call.liveTo(15_000);
      const ended = call.end();
      await stage.clock.advanceAsync(5_000);
      away = false;
      await stage.clock.advanceAsync(2_000);
      const { compute } = await ended;
      expect(compute.billedMs).toBe(balance === FULL ? 15_000 : 10_000);
      expect(await stage.balance()).toEqual({ balance: balance - (await ended).total, reserved: 0n });
    }
  });
});

test('an agent that is told of late, again and again, does not put off the renewal until the money has ended', async () => {
  await using stage = await Stage.open();
  const told: string[] = [];
  const call = await stage.call({ class: 'byoc', onExhausted: (why) => told.push(why) });
  // The sweep comes half a second before and after the ten seconds that are held.
  await stage.clock.advanceAsync(500);
  await call.answer();
  for (const atMs of [4_000, 6_400, 8_100, 9_100]) {
    await call.liveTo(atMs);
    call.agentOn(atMs - 100, 'agent_b');
  }
  await call.liveTo(20_000);
  expect(told).toEqual([]);
});

test('a renewal asks for the money and for what is left in one turn of the books', async () => {
  const seen: string[] = [];
  const wrap = ({ books, journal }: OpenBooks) => {
    const noted = <A extends unknown[], R>(name: string, ask: (...args: A) => Promise<R>) => {
      return async (...args: A) => {
        seen.push(name);
        const answer = await ask(...args);
        seen.push(`${name} answered`);
        return answer;
      };
    };
    const { reserve, balance } = books;
    return { journal, books: { ...books, reserve: noted('reserve', reserve), balance: noted('balance', balance) } };
  };
  await using stage = await Stage.open({ wrap });
  const call = await (await stage.call({ onLowBalance: () => undefined })).answer();
  seen.length = 0;
  await call.liveTo(40_000);
  expect(seen.slice(0, 4)).toEqual(['reserve', 'balance', 'reserve answered', 'balance answered']);
});

test('a live call whose hold expired while the store was away keeps its place: only its money is asked for', async () => {
  let away = false;
  const wrap = ({ books, journal }: OpenBooks) => ({
    journal,
    books: {
      ...books,
      reserve: (hold: Parameters<typeof books.reserve>[0]) =>
        away ? Promise.reject(new Error('away')) : books.reserve(hold),
    },
  });
  await using stage = await Stage.open({ wrap, terms: { concurrentCalls: 1 } });
  const told: string[] = [];
  const first = await stage.call({ class: 'byoc', onExhausted: (why) => told.push(why) });
  await first.answer({ agent: false });
  away = true;
  await first.liveTo(70_300);
  away = false;
  const second = await stage.call({ class: 'byoc' });
  first.agentOn(70_300);
  await first.liveTo(100_000);
  expect(told).toEqual([]);
  expect((await first.end()).compute.billedMs).toBe(29_700);
  await second.end();
});

test('what a call holds stays with it when others have taken all that a limit leaves', async () => {
  await using stage = await Stage.open({ terms: { spendPerHour: 50_000_000n } });
  const told: number[] = [];
  const over = { class: 'byoc', onExhausted: () => told.push(stage.clock.monotonicMs()) } as const;
  const call = await (await stage.call(over)).answer();
  await call.liveTo(6_000);
  call.agentOff(6_000);
  // It holds 35 s. Calls without a limit now take the hour: neither 30 s more can be had, nor is anything given back for 15 s.
  stage.terms = { ...stage.terms, spendPerHour: null };
  const others = [await stage.call(), await stage.call()];
  await call.liveTo(21_000);
  call.agentOn(21_000);
  await call.liveTo(55_000);
  expect(told).toEqual([call.answeredAtMs + 50_000]);
  for (const other of [call, ...others]) await other.end();
});

test('a call that rings keeps its hold beyond its life whatever limits leave', async () => {
  await using stage = await Stage.open({ terms: { spendPerHour: 30_000_000n } });
  const ringing = await stage.call();
  stage.terms = { ...stage.terms, spendPerHour: null };
  const others = [await stage.call(), await stage.call()];
  await stage.clock.advanceAsync(90_000);
  expect((await stage.balance()).reserved).toBe(3n * FIRST_HOLD);
  for (const call of [ringing, ...others]) await call.end();
});

describe('a renewal whose answer is lost', () => {
  /** Stands between the meter and the books; each part may be away, and an answer may get lost. */
  function unreliable() {
    const away = { reserve: false, balance: false, answers: false };
    const failing = () => Promise.reject(new Error('away'));
    const wrap = ({ books, journal }: OpenBooks) => ({
      journal,
      books: {
        ...books,
        reserve: async (hold: Parameters<typeof books.reserve>[0]) => {
          if (away.reserve) return await failing();
          const outcome = await books.reserve(hold);
          return away.answers && outcome === 'held' ? await failing() : outcome;
        },
        balance: (...asked: Parameters<typeof books.balance>) => (away.balance ? failing() : books.balance(...asked)),
      },
    });
    return { away, wrap };
  }

  test('and that gave money back is taken for done: nobody relies on what others may have by now', async () => {
    const { away, wrap } = unreliable();
    await using stage = await Stage.open({ balance: 42_000_000n, wrap });
    const call = await (await stage.call({ class: 'byoc' })).answer();
    await call.liveTo(19_500);
    // It turns out that the agent had left after a second: 30 s more need less than the 35 s that are held.
    call.agentOff(1_000);
    away.answers = true;
    await call.liveTo(20_500);
    away.answers = false;
    const other = await stage.call({ class: 'byoc' });
    away.reserve = true;
    call.agentOn(21_000);
    await call.liveTo(54_000);
    away.reserve = false;
    const bill = await call.end();
    expect(bill.total).toBeLessThanOrEqual(32_000_000n);
    const { balance, reserved } = await stage.balance();
    expect(balance - reserved).toBeGreaterThanOrEqual(0n);
    await other.end();
  });

  test('the grace begins anew with each renewal that is granted, whatever else fails beside it', async () => {
    const { away, wrap } = unreliable();
    await using stage = await Stage.open({ wrap });
    const told: string[] = [];
    const over = {
      class: 'byoc',
      onExhausted: (why: string) => told.push(why),
      onLowBalance: () => undefined,
    } as const;
    const call = await (await stage.call(over)).answer();
    Object.assign(away, { reserve: true, balance: true });
    await call.liveTo(17_500);
    away.reserve = false;
    await call.liveTo(18_500);
    away.reserve = true;
    await call.liveTo(57_500);
    expect(told).toEqual([]);
    await call.liveTo(58_500);
    expect(told).toEqual(['store_lost']);
  });
});

test('what a call asks for at its end is not taken back by a hold that is asked for again meanwhile', async () => {
  let reserves: 'answered' | 'refused' | 'held up' = 'answered';
  let settles: Promise<void> = Promise.resolve();
  const waiting: (() => void)[] = [];
  const wrap = ({ books, journal }: OpenBooks) => ({
    journal,
    books: {
      ...books,
      async reserve(hold: Parameters<typeof books.reserve>[0]) {
        if (reserves === 'refused') throw new Error('unreachable');
        if (reserves === 'held up') await new Promise<void>((resolve) => waiting.push(resolve));
        return await books.reserve(hold);
      },
      settle: async (settlement: Parameters<typeof books.settle>[0]) => {
        await settles;
        return await books.settle(settlement);
      },
    },
  });
  await using stage = await Stage.open({ wrap, balance: 100_000_000n });
  const call = await (await stage.call()).answer();
  reserves = 'refused';
  await call.liveTo(12_000);
  reserves = 'held up';
  const settled = Promise.withResolvers<void>();
  settles = settled.promise;
  const bill = call.end();
  await stage.idle();
  const again = stage.meter.reassertHolds();
  await stage.idle();
  for (const go of waiting) go();
  await again;
  await stage.idle();
  expect((await stage.balance()).reserved).toBe(24_000_000n);
  settled.resolve();
  expect((await bill).total).toBe(24_000_000n);
});
