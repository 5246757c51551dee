import { applyCarrierRecord } from '../../src/metering/carrier-record.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { dying, recoverUntil } from './dying.ts';
import { priceOf, rowOf, tariffOf } from './reference.ts';
import type { Judged } from './scene.ts';
import type { Image } from './simulated-store.ts';
import type { Finding } from './watch.ts';

// Afterwards the carrier says how long the call was. That changes the books at most once, by what it must, even if the process dies over it
// and the record comes again.

/** Beside ours; the rules turn at a second, at two and at three. */
const DIFFERENCES_MS = [-400_000, -2_001, 0, 1_500, 2_000, 2_001, 3_000, 3_001, 400_000] as const;
const REFINE_MAX_MS = 3_000;
const CONNECTED_MIN_MS = 1_000;

/** `turn` chooses what the carrier says, and where the process dies. */
export async function carrierFindings(before: Image, call: Judged, turn: number): Promise<Finding[]> {
  const { facts, expected, told } = call;
  const ourMs = facts.answer === null ? 0 : Math.floor(expected.billToMs - facts.answer.atMs);
  const carrierMs = Math.max(0, ourMs + DIFFERENCES_MS[turn % DIFFERENCES_MS.length]!);
  const image: Image = { books: before.books.clone(), journal: before.journal.clone() };
  await applyUntil(image, told.callId, carrierMs, 1 + (turn % 4));
  await applyUntil(image, told.callId, carrierMs, Number.POSITIVE_INFINITY);
  await recoverUntil(image, Number.POSITIVE_INFINITY);
  const due = correction(call, ourMs, carrierMs);
  // After one correction there is no other.
  if (due !== 0n) await applyUntil(image, told.callId, carrierMs + 1, Number.POSITIVE_INFINITY);
  const paid = before.books.account(told.workspaceId).balance - image.books.account(told.workspaceId).balance;
  const findings: Finding[] = [];
  const where = `${told.callId}: we have ${ourMs} ms, the carrier ${carrierMs} ms`;
  if (paid !== due) findings.push({ property: 6, what: `${where}: corrected by ${paid}, expected ${due}` });
  const corrections = image.journal.history(told.callId).filter(({ kind }) => kind === 'adjusted').length;
  if (corrections > 1) findings.push({ property: 1, what: `${where}: ${corrections} corrections` });
  if (image.journal.openCalls().length > 0) findings.push({ property: 2, what: `${where}: left open` });
  return findings;
}

/** What the customer pays more by it. */
function correction({ facts, evidence, told }: Judged, ourMs: number, carrierMs: number): bigint {
  const row = facts.answer?.class === 'managed' ? rowOf(tariffOf(facts), told.plan.number) : null;
  if (row === null) return 0n;
  if (facts.unconfirmed) return carrierMs < CONNECTED_MIN_MS ? 0n : priceOf(row, Math.min(carrierMs, ourMs));
  const longerMs = carrierMs - ourMs;
  if (evidence !== 'heartbeat' || longerMs <= 0 || longerMs > REFINE_MAX_MS) return 0n;
  return priceOf(row, carrierMs) - priceOf(row, ourMs);
}

async function applyUntil(image: Image, callId: string, durationMs: number, dieAt: number): Promise<void> {
  const { books, journal } = dying(image, dieAt);
  void applyCarrierRecord({ books, journal, clock: new FakeClock() }, { callId, durationMs });
  await new Promise((resolve) => setImmediate(resolve));
}
