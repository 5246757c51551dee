import { expect, test } from 'vitest';
import { auditDatabase } from '../../src/audit.ts';
import type { OpenBooks } from '../../src/books.ts';
import { type RecoveredCall, recover } from '../../src/metering/recovery.ts';
import { parseSupplierRates } from '../../src/metering/supplier-rates.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { play } from './support/play.ts';
import { SeededRandom } from './support/random.ts';
import { reference } from './support/reference.ts';
import { randomScript, type Script } from './support/script.ts';
import { billedMs, FULL, Stage, WORKSPACE } from './support/stage.ts';

const SCRIPTS = 50;
const SEED = 4_711;
const HEARTBEAT_MS = 1_000;
const SUPPLIERS = parseSupplierRates(
  'currency: USD\ndecks: { sixty: [{ prefix: "1", perMinute: "0.009" }] }\nmanaged: sixty\n',
  'supplier-rates.yaml',
);

/** Stands between the meter and the store: at its n-th operation the process is dead, before that operation or just after it. */
class DyingProcess {
  operations = 0;
  diedAtMs: number | null = null;
  readonly #diesAt: number;
  readonly #performed: boolean;
  readonly #clock: FakeClock;

  constructor(clock: FakeClock, diesAt: number, performed: boolean) {
    this.#clock = clock;
    this.#diesAt = diesAt;
    this.#performed = performed;
  }

  wrap({ books, journal }: OpenBooks): Pick<OpenBooks, 'books' | 'journal'> {
    const step = <A extends readonly unknown[], R>(work: (...args: A) => Promise<R>) => {
      return (...args: A): Promise<R> => {
        if (this.diedAtMs !== null) return new Promise(() => undefined);
        this.operations += 1;
        if (this.operations < this.#diesAt) return work(...args);
        this.diedAtMs = this.#clock.monotonicMs();
        return this.#performed ? work(...args).then(() => new Promise(() => undefined)) : new Promise(() => undefined);
      };
    };
    return {
      books: { ...books, reserve: step(books.reserve), release: step(books.release), settle: step(books.settle) },
      journal: { ...journal, append: step(journal.append), heartbeat: step(journal.heartbeat) },
    };
  }
}

/** Runs the script, dies at `diesAt`, recovers twice, and checks the properties. Returns how many operations there were. */
async function dieAndRecover(script: Script, diesAt: number, performed: boolean): Promise<number> {
  const clock = new FakeClock();
  const startMs = clock.monotonicMs();
  const process = new DyingProcess(clock, diesAt, performed);
  await using stage = await Stage.open({ clock, wrap: (real) => process.wrap(real) });
  // The audit below compares the cost lines too.
  stage.suppliers = SUPPLIERS;
  const bill = await play(stage, script);
  await stage.idle();
  const finished = new Map<string, RecoveredCall>();
  const keep = async (call: RecoveredCall) => void finished.set(call.callId, call);
  // The first attempt at recovery may die as well, at any of its own operations.
  const again = new DyingProcess(clock, diesAt % 5, performed);
  if (diesAt % 5 > 0) void recover({ ...again.wrap(stage.opened), clock }, keep);
  await stage.idle();
  await recover({ ...stage.opened, clock }, keep);
  const recovered = [...finished.values()];
  const after = await stage.balance();
  const where = `${JSON.stringify(script)} died at operation ${diesAt}, ${performed ? 'performed' : 'not performed'}`;

  expect(await stage.recover(), where).toEqual([]);
  expect(await stage.balance(), where).toEqual(after);
  const records = stage.opened.file.journal.history('call_1');
  if (records.length > 0) {
    for (const kind of ['ended', 'rated', 'posted']) {
      expect(records.filter((record) => record.kind === kind).length, `${kind}: ${where}`).toBe(1);
    }
    expect(after.reserved, where).toBe(0n);
  }
  expect(auditDatabase(stage.opened.file.database).differences, where).toEqual([]);
  if (process.diedAtMs !== null)
    checkLoss(script, recovered, { bill, diedAtMs: process.diedAtMs - startMs, records: records.length }, where);
  const postings = await stage.opened.books.postings({ workspaceId: WORKSPACE, limit: 100 });
  expect(
    FULL + postings.filter((posting) => posting.callId !== null).reduce((sum, { amount }) => sum + amount, 0n),
  ).toBe(after.balance);
  return process.operations;
}

/** Never more than a run without the crash and than what was served until it, never less than that minus one heartbeat. */
function checkLoss(
  script: Script,
  recovered: readonly RecoveredCall[],
  run: { bill: unknown; diedAtMs: number; records: number },
  where: string,
): void {
  if (run.records === 0) return;
  if (recovered.length === 0) {
    // The end was posted in full; the process died on a later, harmless operation.
    expect(run.bill, where).toBeDefined();
    return;
  }
  const [call] = recovered;
  const { T, C } = billedMs(call!.bill);
  if (call!.endReason === 'remote_hangup') {
    expect({ T, C }, where).toEqual({ T: reference(script).T, C: reference(script).C });
    return;
  }
  // Of what was reported in the very instant of the crash, any first part may have become durable.
  const before = script.steps.filter((step) => step.reportedAtMs < run.diedAtMs);
  const during = script.steps.filter((step) => step.reportedAtMs === run.diedAtMs);
  const known = Array.from({ length: during.length + 1 }, (_, count) => ({
    ...script,
    steps: [...before, ...during.slice(0, count)],
  }));
  if (call!.endReason === 'crashed_before_answer') {
    expect({ T, C }, where).toEqual({ T: 0, C: 0 });
    return;
  }
  expect(call!.endReason, where).toBe('node_crash');
  const most = known.map((half) => reference(half, run.diedAtMs));
  const least = known.map((half) => reference(half, run.diedAtMs - HEARTBEAT_MS));
  expect(T, where).toBeLessThanOrEqual(Math.max(...most.map((one) => one.T)));
  expect(T, where).toBeGreaterThanOrEqual(Math.min(...least.map((one) => one.T)));
  expect(C, where).toBeLessThanOrEqual(Math.max(...most.map((one) => one.C)));
  expect(C, where).toBeGreaterThanOrEqual(Math.min(...least.map((one) => one.C)));
}

test(`a crash at every store operation of ${SCRIPTS} scripts, before or just after it: one bill, bounded loss, clean audit (seed ${SEED})`, {
  timeout: 120_000,
}, async () => {
  const random = new SeededRandom(SEED);
  let runs = 0;
  for (let index = 0; index < SCRIPTS; index += 1) {
    const drawn = randomScript(random, { ringMs: 1_500, talkMs: 4_000 });
    const script = { ...drawn, proofAtMs: drawn.endAtMs };
    const operations = await dieAndRecover(script, Number.POSITIVE_INFINITY, false);
    for (let diesAt = 1; diesAt <= operations; diesAt += 1) {
      // "Just after this one" and "before the next one" are nearly the same state: one of the two per point is enough.
      await dieAndRecover(script, diesAt, random.chance(0.5));
      runs += 1;
    }
  }
  expect(runs).toBeGreaterThan(500);
});
