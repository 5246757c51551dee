import { describe, expect, test } from 'vitest';
import type { Balance, Books, CallLimits } from '../../src/ledger/books.ts';
import { SeededRandom } from '../metering/support/random.ts';
import { charge, hold, posted, posting, settlement } from './lines.ts';
import { ModelBooks } from './model.ts';

const SEED = Number(process.env['LEDGER_SEED'] ?? 7);
/** For a long run: as many for each store. */
const SCHEDULES = process.env['LEDGER_SCHEDULES'];
const STEPS = 6;
/** Schedules that run at once; each has its own workspace, and its steps are all given before the first of them is answered. */
const AT_ONCE = 100;
/** Amounts are of one of these sizes within a schedule: from cents to what only 64 bits hold. */
const SCALES = [1n, 1_000_003n, 999_999_999n, 3_999_999_999_999_989n];
const START_MS = 1_795_564_800_000 - 3_000;

/** Property 4: no interleaving of reserves, renewals, settlements, voids, top-ups, fees and expiries overdraws a prepaid workspace. */
export function schedulesContract(booksNow: () => Books, usual: number): void {
  const schedules = Number(SCHEDULES ?? usual);
  describe('random schedules', () => {
    test(`${schedules} of them never overdraw and agree with the model at each step (seed ${SEED})`, async () => {
      for (let first = 0; first < schedules; first += AT_ONCE) {
        const count = Math.min(AT_ONCE, schedules - first);
        await Promise.all(
          Array.from({ length: count }, (_, index) =>
            runSchedule(booksNow(), new SeededRandom(SEED + first + index), `ws_${first + index}`),
          ),
        );
      }
    }, 600_000);
  });
}

async function runSchedule(books: Books, random: SeededRandom, workspaceId: string): Promise<void> {
  const model = new ModelBooks();
  const scale = random.pick(SCALES);
  const amount = (below: number) => BigInt(random.below(below)) * scale + BigInt(random.below(3));
  const limits: CallLimits = {
    concurrentCalls: random.chance(0.3) ? random.below(4) : null,
    callsPerSecond: random.chance(0.3) ? 1 + random.below(3) : null,
    spendPerHour: random.chance(0.2) ? amount(600) : null,
    spendPerDay: random.chance(0.2) ? amount(900) : null,
  };
  let nowMs = START_MS;
  let postings = 0;
  const seen: Promise<void>[] = [];
  const step = <T>(what: string, answer: Promise<T>, expected: T) => {
    const balance = books.balance(workspaceId, nowMs);
    seen.push(compare(`${workspaceId} ${what}`, answer, expected, balance, model.balance(nowMs)));
  };
  const settle = (what: string, given: ReturnType<typeof settlement>) =>
    step(what, books.settle(given), model.settle(given));
  const first = posted(posting({ id: `${workspaceId}:topup`, workspaceId, amount: amount(500) }));
  expect(await books.settle(first)).toBe(model.settle(first));
  for (let index = 0; index < STEPS; index += 1) {
    nowMs += random.below(700);
    const holdId = `${random.chance(0.8) ? 'lease' : 'order'}:${workspaceId}:${random.below(4)}`;
    const turn = random.below(11);
    if (turn < 6) {
      const expiresAtMs = Math.max(nowMs + 1 + random.below(2_500), model.expiresAtMs(holdId));
      const request = hold(holdId, amount(200), { workspaceId, nowMs, expiresAtMs, limits });
      step(`reserve ${holdId}`, books.reserve(request), model.reserve(request));
    } else if (turn < 8) {
      // No more than the hold: what a call is served beyond it is not charged.
      const charged = ((model.held(holdId) ?? 0n) * BigInt(random.below(101))) / 100n;
      postings += 1;
      const line = charge(`${workspaceId}:compute:${postings}`, charged, { workspaceId, at: nowMs });
      settle(`settle ${holdId}`, settlement({ workspaceId, holdId, postings: [line] }));
    } else if (turn === 10) {
      const seq = random.below(3);
      // The same id is the same fee.
      const [id, amount] = [`fee:${workspaceId}:${seq}`, -(BigInt(40 + 20 * seq) * scale)];
      const fee = { posting: posting({ id, workspaceId, meter: 'fee', amount, at: nowMs }), prepaid: true, nowMs };
      step(id, books.postFee(fee), model.postFee(fee));
    } else if (turn < 9) {
      model.release(holdId);
      step(`release ${holdId}`, books.release(workspaceId, holdId), undefined);
    } else {
      const line = posting({ id: `${workspaceId}:topup:${index}`, workspaceId, amount: amount(300) });
      settle('topup', posted(line));
      settle('topup again', posted(line));
    }
  }
  await Promise.all(seen);
  let sum = 0n;
  for (const line of (await books.postings({ workspaceId, limit: 100 })).toReversed()) {
    sum += line.amount;
    if (line.balanceAfter !== sum) expect(line.balanceAfter, line.id).toBe(sum);
  }
  expect(sum, workspaceId).toBe(model.balance(nowMs).balance);
}

/** Compares by hand first: a matcher per step would cost more than the books. */
async function compare<T>(
  what: string,
  answer: Promise<T>,
  expected: T,
  balance: Promise<Balance>,
  model: Balance,
): Promise<void> {
  const [given, seen] = [await answer, await balance];
  if (given !== expected) expect(given, what).toBe(expected);
  const same = seen.balance === model.balance && seen.reserved === model.reserved;
  if (!same || seen.spentInHour !== model.spentInHour || seen.spentInDay !== model.spentInDay)
    expect(seen, what).toEqual(model);
  if (seen.balance - seen.reserved < 0n) throw new Error(`${what}: overdrawn, ${seen.balance} - ${seen.reserved}`);
}
