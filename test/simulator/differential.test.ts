import { isDeepStrictEqual } from 'node:util';
import { expect, test } from 'vitest';
import { auditDatabase } from '../../src/audit.ts';
import { type OpenBooks, openBooksInline } from '../../src/books.ts';
import { recover } from '../../src/metering/recovery.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { recoverUntil } from './dying.ts';
import { CRASH_SIZE, randomScript } from './random-script.ts';
import type { Script } from './script.ts';
import type { Image, Mode, StoreOfNode } from './simulated-store.ts';
import { World } from './world.ts';

// The store in memory against the real one: the same scripts, alive and after a crash at each operation, must leave the same records, the
// same postings, and in the real one nothing that the audit objects to.

const SCRIPTS = 150;
const CRASHED = 8;
const SEED = 77;

const open = () => openBooksInline({ path: ':memory:', schedule: queueMicrotask });
type Opened = ReturnType<typeof open>;

/** The node's view of the real store; after `dieAt` operations it hears nothing any more. */
function nodeOn(opened: Opened, mode: Mode, dieAt = Number.POSITIVE_INFINITY): StoreOfNode {
  let operations = 0;
  const step = <A extends readonly unknown[], R>(work: (...args: A) => Promise<R>) => {
    return (...args: A): Promise<R> => {
      operations += 1;
      if (operations > dieAt) return new Promise(() => undefined);
      const done = work(...args);
      return operations === dieAt ? done.then(() => new Promise(() => undefined)) : done;
    };
  };
  const { books, journal, store } = opened;
  return {
    books: {
      ...books,
      balance: step(books.balance),
      reserve: step(books.reserve),
      release: step(books.release),
      // Top-ups are not the meter's.
      settle: (settlement) => (settlement.holdId === null ? books.settle(settlement) : step(books.settle)(settlement)),
    },
    journal: { ...journal, append: step(journal.append), heartbeat: step(journal.heartbeat) },
    store: mode === 'together' ? { open: step(store.open), settle: step(store.settle) } : undefined,
  };
}

async function contentsOf({ books, journal }: Pick<OpenBooks, 'books' | 'journal'>, callIds: readonly string[]) {
  const records = await Promise.all(callIds.map((callId) => journal.history(callId)));
  const [postings, costs] = await Promise.all([books.postings({ limit: 1_000 }), books.costs({ limit: 1_000 })]);
  return { records, postings, costs, open: await journal.openCalls() };
}

function contentsInMemory({ books, journal }: Image, callIds: readonly string[]) {
  const records = callIds.map((callId) => journal.history(callId));
  return {
    records,
    postings: books.postings({ limit: 1_000 }),
    costs: books.costs({ limit: 1_000 }),
    open: journal.openCalls(),
  };
}

/** Play on, die at the n-th operation of the store, come back. */
async function compare(script: Script, mode: Mode, dieAt: number): Promise<{ operations: number }> {
  let image: Image | null = null;
  const memory = new World(script, {
    mode,
    watcher: (world) => ({
      before: () => undefined,
      after() {
        if (world.watch.operations !== dieAt) return;
        image = { books: world.image.books.clone(), journal: world.image.journal.clone() };
      },
    }),
  });
  await memory.play();
  const opened = open();
  const real = new World(script, { mode, node: nodeOn(opened, mode, dieAt) });
  await real.play();
  const where = `seed ${script.seed}, ${mode}, died after operation ${dieAt}`;
  const died = image ?? memory.image;
  const callIds = memory.told.map(({ callId }) => callId);
  await recoverUntil(died, Number.POSITIVE_INFINITY);
  await recover({ ...opened, clock: new FakeClock() });
  const expected = contentsInMemory(died, callIds);
  // A top-up after the crash reached the real store alone.
  const found = await contentsOf(opened, callIds);
  const ofCalls = ({ callId }: { readonly callId: string | null }) => callId !== null;
  if (dieAt === Number.POSITIVE_INFINITY) expect(isDeepStrictEqual(found, expected), where).toBe(true);
  else expect(amountsOf(found.postings.filter(ofCalls)), where).toEqual(amountsOf(expected.postings.filter(ofCalls)));
  expect(found.open, where).toEqual([]);
  expect(auditDatabase(opened.file.database).differences, where).toEqual([]);
  await opened.close();
  return { operations: memory.watch.operations };
}

function amountsOf(lines: readonly { readonly id: string; readonly amount: bigint }[]): string[] {
  return lines.map(({ id, amount }) => `${id} ${amount}`).toSorted();
}

test(`${SCRIPTS} scripts leave the same in memory and in SQLite, record by record (from seed ${SEED})`, {
  timeout: 60_000,
}, async () => {
  for (let seed = SEED; seed < SEED + SCRIPTS; seed += 1)
    await compare(randomScript(seed), seed % 2 === 0 ? 'together' : 'steps', Number.POSITIVE_INFINITY);
});

test(`so do ${CRASHED} scripts with a crash after every operation, and the audit finds nothing (from seed ${SEED})`, {
  timeout: 60_000,
}, async () => {
  for (let seed = SEED; seed < SEED + CRASHED; seed += 1) {
    const script = randomScript(seed, CRASH_SIZE);
    const mode = seed % 2 === 0 ? 'together' : 'steps';
    const { operations } = await compare(script, mode, Number.POSITIVE_INFINITY);
    for (let dieAt = 1; dieAt < operations; dieAt += 1) await compare(script, mode, dieAt);
  }
});
