import { describe, expect, test } from 'vitest';
import { type MatchOptions, partsOf } from '../../src/reconciliation/call-index.ts';
import { LIMITS } from '../../src/reconciliation/limits.ts';
import { type Matching, matchRecords } from '../../src/reconciliation/match.ts';
import type { OurCall } from '../../src/reconciliation/our-calls.ts';
import type { CarrierRecord } from '../../src/reconciliation/record.ts';
import { SeededRandom } from '../metering/support/random.ts';
import { NOON, ours, theirs } from './sides.ts';

const OPTIONS: MatchOptions = { windowMs: 60_000, timeOf: 'start' };

/** `record=call` for pairs, `record?` for ambiguous, `record-` for unmatched, sorted. */
function outcome(matching: Matching<CarrierRecord>): string[] {
  return [
    ...matching.pairs.map(({ record, call }) => `${record.key}=${call.id}`),
    ...matching.ambiguous.map(({ record }) => `${record.key}?`),
    ...matching.unmatched.map((record) => `${record.key}-`),
  ].toSorted();
}

function match(records: readonly CarrierRecord[], calls: readonly OurCall[], options = OPTIONS): string[] {
  return outcome(matchRecords(records, calls, options));
}

describe('what may be a pair', () => {
  test.each<[string, Partial<CarrierRecord>, Partial<OurCall>, boolean]>([
    ['the same in everything', {}, {}, true],
    ['just within the window', { at: NOON + 60_000 }, {}, true],
    ['just within it on the other side', { at: NOON - 60_000 }, {}, true],
    ['just outside', { at: NOON + 60_001 }, {}, false],
    ['another called number', { to: '+12025550111' }, {}, false],
    ['another caller', { from: '+12025550111' }, {}, false],
    ['a caller that the carrier withholds', { from: 'anonymous' }, {}, true],
    ['a caller that was withheld from us', {}, { from: 'anonymous' }, true],
    ['withheld by both, in other words', { from: '' }, { from: 'anonymous' }, true],
    ['a direction that contradicts', { direction: 'outbound' }, {}, false],
    ['no direction', { direction: null }, {}, true],
    ['a duration far off', { durationMs: 3_000_000 }, {}, true],
    ['not answered here', {}, { answeredAt: null, durationMs: 0 }, true],
    ['not answered there', { answered: false, durationMs: 0 }, {}, true],
  ])('%s', (_name, record, call, isPair) => {
    expect(match([theirs({ key: 'r', ...record })], [ours({ id: 'c', ...call })])).toEqual([isPair ? 'r=c' : 'r-']);
  });

  test('the answer, where the carrier stamps it', () => {
    const options: MatchOptions = { ...OPTIONS, timeOf: 'answer' };
    const call = ours({ id: 'c', startedAt: NOON - 100_000, answeredAt: NOON });
    expect(match([theirs({ key: 'r' })], [call], options)).toEqual(['r=c']);
    expect(match([theirs({ key: 'r' })], [call])).toEqual(['r-']);
    expect(match([theirs({ key: 'r' })], [ours({ id: 'c', answeredAt: null })], options)).toEqual(['r=c']);
  });
});

describe('which pair is made', () => {
  test('the nearer in time, also through a chain', () => {
    const records = [0, 20_000, 40_000].map((away, n) => theirs({ key: `r${n}`, at: NOON + away }));
    const calls = [0, 20_000, 40_000].map((away, n) => ours({ id: `c${n}`, startedAt: NOON + away + 900 }));
    expect(match(records, calls)).toEqual(['r0=c0', 'r1=c1', 'r2=c2']);
    expect(match(records.slice(1), calls)).toEqual(['r1=c1', 'r2=c2']);
    expect(match(records, calls.slice(1))).toEqual(['r0-', 'r1=c1', 'r2=c2']);
  });

  test('a pair that becomes the best once others are made', () => {
    // r1 lies midway between c0 and c1; r0 takes c0, and then there is one left.
    const records = [theirs({ key: 'r0' }), theirs({ key: 'r1', at: NOON + 10_000 })];
    const calls = [ours({ id: 'c0' }), ours({ id: 'c1', startedAt: NOON + 20_000 })];
    expect(match(records, calls)).toEqual(['r0=c0', 'r1=c1']);
    expect(match(records.slice(1), calls)).toEqual(['r1?']);
  });

  test('the nearer in duration, where time does not tell', () => {
    const records = [theirs({ key: 'short', durationMs: 20_000 }), theirs({ key: 'long', durationMs: 300_000 })];
    const calls = [
      ours({ id: 'c300', durationMs: 299_500 }),
      ours({ id: 'c20', durationMs: 20_300, startedAt: NOON + 1_000 }),
    ];
    expect(match(records, calls)).toEqual(['long=c300', 'short=c20']);
  });

  test('time before duration: a difference is not hidden by a crosswise pair', () => {
    const records = [
      theirs({ key: 'r0', durationMs: 20_000 }),
      theirs({ key: 'r1', at: NOON + 30_000, durationMs: 61_000 }),
    ];
    const calls = [
      ours({ id: 'c0', durationMs: 61_000 }),
      ours({ id: 'c1', startedAt: NOON + 30_000, durationMs: 20_000 }),
    ];
    expect(match(records, calls)).toEqual(['r0=c0', 'r1=c1']);
  });

  test('two that cannot be told apart are ambiguous, both of them', () => {
    const records = [theirs({ key: 'r0' }), theirs({ key: 'r1', at: NOON + 1_000 })];
    const calls = [ours({ id: 'c0' }), ours({ id: 'c1', startedAt: NOON + 500 })];
    expect(match(records, calls)).toEqual(['r0?', 'r1?']);
    expect(match(records, calls.slice(1))).toEqual(['r0?', 'r1?']);
    expect(match(records.slice(1), calls)).toEqual(['r1?']);
  });

  test('a withheld caller takes the call of a withheld caller, though another is nearer', () => {
    const records = [theirs({ key: 'hidden', from: 'anonymous' }), theirs({ key: 'known' })];
    const calls = [ours({ id: 'known' }), ours({ id: 'hidden', from: 'anonymous', startedAt: NOON + 30_000 })];
    expect(match(records, calls)).toEqual(['hidden=hidden', 'known=known']);
    expect(match(records.slice(0, 1), calls)).toEqual(['hidden=hidden']);
  });

  test('an attempt that failed does not take the call of the one that succeeded', () => {
    const records = [
      theirs({ key: 'failed', answered: false, durationMs: 0 }),
      theirs({ key: 'answered', at: NOON + 4_000 }),
    ];
    expect(match(records, [ours({ id: 'c' })])).toEqual(['answered=c', 'failed-']);
  });

  test('more calls than anybody could tell apart are ambiguous without a look at each', () => {
    const calls = Array.from({ length: LIMITS.candidatesMax + 1 }, (_, n) =>
      ours({ id: `c${n}`, startedAt: NOON + n * 2_500 }),
    );
    expect(match([theirs({ key: 'r' })], calls)).toEqual(['r?']);
    expect(match([theirs({ key: 'r' })], calls.slice(1))).toEqual(['r=c1']);
  });
});

function randomSets(seed: number): { records: CarrierRecord[]; calls: OurCall[] } {
  const random = new SeededRandom(seed);
  const next = (below: number) => random.below(below);
  const numbers = ['+12025550101', '+12025550102', 'anonymous'];
  const pick = <T>(items: readonly T[]): T => random.pick(items);
  const span = pick([5_000, 60_000, 400_000]);
  const calls = Array.from({ length: next(9) }, (_, n) => {
    const startedAt = NOON + next(span);
    const isAnswered = next(5) > 0;
    const durationMs = isAnswered ? next(4) * 3_000 : 0;
    return ours({
      id: `c${n}`,
      startedAt,
      answeredAt: isAnswered ? startedAt + next(20_000) : null,
      durationMs,
      from: pick(numbers),
      to: pick(numbers.slice(0, 2)),
      direction: pick(['inbound', 'outbound']),
    });
  });
  const records = Array.from({ length: next(9) }, (_, n) => {
    const durationMs = next(4) * 3_000;
    return theirs({
      key: `r${n}`,
      at: NOON + next(span),
      durationMs,
      from: pick(numbers),
      to: pick(numbers.slice(0, 2)),
      direction: pick(['inbound', 'outbound', null]),
    });
  });
  return { records, calls };
}

function shuffled<T>(items: readonly T[], random: SeededRandom): T[] {
  const left = [...items];
  return items.map(() => left.splice(random.below(left.length), 1)[0] as T);
}

/** The rules of match.ts, as plainly as they can be said: a round makes every pair that is clearly best at both ends. */
function byTheRules(records: readonly CarrierRecord[], calls: readonly OurCall[], options = OPTIONS): string[] {
  const instant = (call: OurCall) =>
    options.timeOf === 'answer' ? (call.answeredAt ?? call.startedAt) : call.startedAt;
  const known = (number: string) => number.startsWith('+');
  const possible = (r: CarrierRecord, c: OurCall) =>
    r.to === c.to &&
    (r.from === c.from || !known(r.from) || !known(c.from)) &&
    (r.direction === null || r.direction === c.direction) &&
    Math.abs(instant(c) - r.at) <= options.windowMs;
  type Edge = { r: CarrierRecord; c: OurCall };
  const same = ({ r, c }: Edge) => r.from === c.from || (!known(r.from) && !known(c.from));
  const away = ({ r, c }: Edge) => Math.abs(instant(c) - r.at);
  const longer = ({ r, c }: Edge) => Math.abs(c.durationMs - r.durationMs);
  const better = (a: Edge, b: Edge) =>
    same(a) !== same(b)
      ? same(a)
      : away(a) + 2_000 <= away(b) || (Math.abs(away(a) - away(b)) < 2_000 && longer(a) + 2_000 <= longer(b));
  const said: string[] = [];
  const gone = new Set<string>();
  for (const answered of [true, false]) {
    const some = records.filter((r) => r.answered === answered);
    let edges: Edge[] = some.flatMap((r) =>
      calls.filter((c) => !gone.has(c.id) && possible(r, c)).map((c) => ({ r, c })),
    );
    for (;;) {
      const made = edges.filter((e) => edges.every((f) => f === e || (f.r !== e.r && f.c !== e.c) || better(e, f)));
      if (made.length === 0) break;
      for (const { r, c } of made) {
        said.push(`${r.key}=${c.id}`);
        gone.add(c.id);
        edges = edges.filter((f) => f.r !== r && f.c !== c);
      }
    }
    for (const r of some) {
      if (said.some((each) => each.startsWith(`${r.key}=`))) continue;
      const left = edges.filter((e) => e.r === r);
      for (const { c } of left) gone.add(c.id);
      said.push(left.length > 0 ? `${r.key}?` : `${r.key}-`);
    }
  }
  return said.toSorted();
}

describe('random sets', () => {
  test.each<MatchOptions>([OPTIONS, { windowMs: 20_000, timeOf: 'answer' }])(
    '%o: as the rules say, in any order',
    (options) => {
      for (let seed = 1; seed <= 3_000; seed += 1) {
        const { records, calls } = randomSets(seed);
        const expected = byTheRules(records, calls, options);
        expect(match(records, calls, options), `seed ${seed}`).toEqual(expected);
        const random = new SeededRandom(seed + 77);
        const turned = match(shuffled(records, random), shuffled(calls, random), options);
        expect(turned, `seed ${seed}, another order`).toEqual(expected);
      }
    },
  );

  test('a record has one call at most and a call one record, and every record has an outcome', () => {
    for (let seed = 1; seed <= 2_000; seed += 1) {
      const { records, calls } = randomSets(seed);
      const { pairs, ambiguous, unmatched } = matchRecords(records, calls, OPTIONS);
      expect(new Set(pairs.map(({ call }) => call.id)).size).toBe(pairs.length);
      const keys = [
        ...pairs.map(({ record }) => record.key),
        ...ambiguous.map(({ record }) => record.key),
        ...unmatched.map(({ key }) => key),
      ];
      expect(keys.toSorted()).toEqual(records.map(({ key }) => key).toSorted());
    }
  });

  test('in parts, the same comes out as at once', () => {
    let parts = 0;
    for (let seed = 1; seed <= 2_000; seed += 1) {
      const { records, calls } = randomSets(seed);
      const options: MatchOptions = { windowMs: 15_000, timeOf: 'start' };
      const apart = [...partsOf(records, calls, options)].map((part) =>
        matchRecords(part.records, part.calls, options),
      );
      parts += apart.length;
      expect(apart.flatMap(outcome).toSorted(), `seed ${seed}`).toEqual(match(records, calls, options));
    }
    expect(parts).toBeGreaterThan(4_000);
  });
});

test('a hostile file: every row between the same two numbers at the same time', () => {
  const records = Array.from({ length: 50_000 }, (_, n) => theirs({ key: `r${n}`, at: NOON + (n % 60_000) }));
  const calls = Array.from({ length: 15 }, (_, n) => ours({ id: `c${n}`, startedAt: NOON + n * 3_500 }));
  const startedMs = performance.now();
  const { pairs, ambiguous } = matchRecords(records, calls, OPTIONS);
  expect(pairs.length + ambiguous.length).toBe(50_000);
  // A few hundred ms when nothing else runs; quadratic work would take minutes.
  expect(performance.now() - startedMs).toBeLessThan(10_000);
});
