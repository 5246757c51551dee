import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SeededRandom } from '../metering/support/random.ts';
import { HAS_REDIS, type RedisServer, startRedis } from '../support/redis.ts';

// The arithmetic of the scripts, run by the interpreter that runs them in production, against bigint.

const MONEY = readFileSync(new URL('../../src/ledger/redis/scripts/money.lua', import.meta.url), 'utf8');
const ALL_OF = `${MONEY}
local answers = {}
for index = 1, #ARGV, 2 do
  local a, b = parse(ARGV[index]), parse(ARGV[index + 1])
  answers[#answers + 1] = table.concat({
    format(a), format(add(a, b)), format(subtract(a, b)), format(negate(a)), tostring(less(a, b)), tostring(fits(add(a, b))),
  }, ' ')
end
return answers`;
const SUM_OF = `${MONEY}
local sum = { 0, 0 }
for _, text in ipairs(ARGV) do sum = add(sum, parse(text)) end
return format(sum)`;

const MOST = 2n ** 63n - 1n;
const SEED = 11;
const EDGES = [
  ...[
    0n,
    1n,
    9n,
    10n,
    999_999_999n,
    1_000_000_000n,
    1_000_000_001n,
    999_999_999_999_999_999n,
    2n ** 53n,
    2n ** 53n + 1n,
  ],
  ...[9_223_372_036_000_000_000n, MOST - 1n, MOST],
];

describe.skipIf(!HAS_REDIS)('money in the scripts (needs redis-server)', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server?.stop());

  const compare = async (pairs: readonly (readonly [bigint, bigint])[]) => {
    const answers = (await server.admin.eval(ALL_OF, 0, ...pairs.flat().map(String))) as string[];
    const expected = pairs.map(([a, b]) => {
      const fits = a + b <= MOST && a + b >= -MOST;
      return [a, a + b, a - b, -a, a < b, fits].join(' ');
    });
    expect(answers).toEqual(expected);
  };

  test('is exact at every edge: signs, carries, the end of 53 bits and of 64', async () => {
    const values = EDGES.flatMap((edge) => (edge === 0n ? [0n] : [edge, -edge]));
    await compare(values.flatMap((a) => values.map((b) => [a, b] as const)));
  });

  test(`agrees with bigint on 50 000 random pairs of all sizes (seed ${SEED})`, async () => {
    const random = new SeededRandom(SEED);
    const digit = () => String(random.below(10));
    const amount = () => {
      const size = BigInt(Array.from({ length: 1 + random.below(19) }, digit).join('')) % (MOST + 1n);
      return random.chance(0.5) ? size : -size;
    };
    for (let round = 0; round < 10; round += 1)
      await compare(Array.from({ length: 5_000 }, () => [amount(), amount()] as const));
  });

  test('a sum of thousands of the largest amounts loses nothing', async () => {
    const amounts = Array.from({ length: 5_000 }, (_, index) => MOST - BigInt(index));
    const sum = amounts.reduce((total, amount) => total + amount, 0n);
    expect(await server.admin.eval(SUM_OF, 0, ...amounts.map(String))).toBe(String(sum));
    expect(await server.admin.eval(SUM_OF, 0, ...amounts.map((amount) => String(-amount)))).toBe(String(-sum));
  });
});
