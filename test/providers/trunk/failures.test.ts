import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Outcome } from '../../../src/providers/index.ts';
import type { Fault } from '../../support/fake-provider.ts';
import { cleanShape, secretsIn, TELNYX, TWILIO, type World, type WorldKind } from './worlds.ts';

// Whatever fails, wherever: setting up again ends in what was wanted, taking down leaves what was there before. Every request of a run is made
// to fail in every way, lists lag behind, and the process is killed at every write to its store.

const RUNS_MAX = 4;

describe.each([TELNYX, TWILIO].map((kind) => [kind.name, kind] as const))('%s', (_name, kind) => {
  let clean: Awaited<ReturnType<typeof cleanShape>>;
  const worlds: World[] = [];
  beforeAll(async () => {
    clean = await cleanShape(kind);
  });
  afterEach(async () => {
    for (const world of worlds.splice(0)) await world.fake.close();
  });

  async function world(): Promise<World> {
    const made = await kind.make();
    worlds.push(made);
    return made;
  }

  /** Everything is as it should be after a successful set-up, and as it was after taking it down. */
  async function mustEndWell(at: World, before: unknown, where: string): Promise<void> {
    at.fake.mend();
    await until(() => at.open().trunk.provision(at.plan, at.keeping.run()), where);
    expect(at.shape(), `${where}: set up`).toBe(clean.shape);
    await mustLeaveNothing(at, before, where);
  }

  async function mustLeaveNothing(at: World, before: unknown, where: string): Promise<void> {
    at.fake.mend();
    await until(() => at.open().trunk.undo(at.keeping.run()), where);
    expect(at.snapshot(), `${where}: taken down`).toEqual(before);
    expect(at.fake.violations, where).toEqual([]);
    expect(secretsIn(at), where).toEqual([]);
  }

  const indexes = (operations: readonly string[], isWanted: (operation: string) => boolean): number[] =>
    operations.flatMap((operation, index) => (isWanted(operation) ? [index] : []));
  const isRead = (operation: string): boolean => /^(?:List|Fetch|Get|Retrieve)/.test(operation);

  describe('a request that fails once, then works', () => {
    test.each(faults(kind))('%s: every change', async (name, fault) => {
      for (const index of indexes(clean.operations, (operation) => !isRead(operation))) {
        const at = await world();
        const before = at.snapshot();
        at.fake.fail(/./, fault, { after: index });
        await at.open().trunk.provision(at.plan, at.keeping.run());
        expect(at.fake.faultsLeft, `${index} was reached`).toBe(0);
        await mustEndWell(at, before, `${clean.operations[index]} (${index}), ${name}`);
      }
    });

    test.each(faults(kind).filter(([name]) => /^(?:401|500 instead|half)/.test(name)))(
      '%s: every read',
      async (name, fault) => {
        for (const index of indexes(clean.operations, isRead)) {
          const at = await world();
          const before = at.snapshot();
          at.fake.fail(/./, fault, { after: index });
          await at.open().trunk.provision(at.plan, at.keeping.run());
          await mustEndWell(at, before, `${clean.operations[index]} (${index}), ${name}`);
        }
      },
    );
  });

  const lasting = /^(?:500|reset after|never|401|429)/;
  test.each(faults(kind).filter(([name]) => lasting.test(name)))(
    'from any request on everything fails: %s; then it is taken down',
    async (name, fault) => {
      for (const index of clean.operations.keys()) {
        const at = await world();
        const before = at.snapshot();
        at.fake.fail(/./, fault, { after: index, times: Number.POSITIVE_INFINITY });
        const outcome = await at.open().trunk.provision(at.plan, at.keeping.run());
        expect(outcome.ok, `${name} at ${index}`).toBe(false);
        expect(at.keeping.record.phase).toBe('stopped');
        await mustLeaveNothing(at, before, `${clean.operations[index]} (${index}) on, ${name}`);
      }
    },
  );

  test.each(faults(kind).filter(([name]) => /^(?:500 after|reset before|half|401)/.test(name)))(
    'taking down fails at any request: %s',
    async (name, fault) => {
      for (const index of clean.undo.keys()) {
        const at = await world();
        const before = at.snapshot();
        await until(() => at.open().trunk.provision(at.plan, at.keeping.run()), 'set up');
        at.fake.fail(/./, fault, { after: index });
        await at.open().trunk.undo(at.keeping.run());
        await mustLeaveNothing(at, before, `${clean.undo[index]} (${index}), ${name}`);
      }
    },
  );

  describe.each(['before', 'after'] as const)('the process is killed %s any write to its store', (when) => {
    test.each(['set up again', 'taken down'] as const)('then it is %s', async (then) => {
      for (let kill = 1; ; kill += 1) {
        const at = await world();
        const before = at.snapshot();
        const isOver = await killedAt(at, kill, when);
        if (isOver) return;
        const where = `killed ${when} save ${kill}`;
        if (then === 'taken down') await mustLeaveNothing(at, before, where);
        else await mustEndWell(at, before, where);
      }
    });
  });
});

class Killed extends Error {}

/** Sets up until the given write to the store; true where there are fewer. */
async function killedAt(at: World, kill: number, when: 'before' | 'after'): Promise<boolean> {
  at.keeping.onSave = (count) => {
    if (count === (when === 'before' ? kill : kill + 1)) throw new Killed();
  };
  try {
    await at.open().trunk.provision(at.plan, at.keeping.run());
    return true;
  } catch (error) {
    if (!(error instanceof Killed)) throw error;
    return false;
  } finally {
    at.keeping.onSave = () => undefined;
  }
}

async function until(work: () => Promise<Outcome<unknown>>, where: string): Promise<void> {
  for (let run = 1; ; run += 1) {
    const outcome = await work();
    if (outcome.ok) return;
    if (run >= RUNS_MAX) throw new Error(`${where}: ${outcome.failure.code} (${outcome.failure.detail})`);
  }
}

function faults(kind: WorldKind): [string, Fault][] {
  return [
    ['500 instead', kind.refusal(500)],
    ['500 after it was done', { kind: 'answer', answer: { status: 500 } }],
    ['reset before', { kind: 'reset', processed: false }],
    ['reset after it was done', { kind: 'reset', processed: true }],
    ['never answered, done', { kind: 'hang', processed: true }],
    ['half an answer', { kind: 'truncate' }],
    ['the connection cut', { kind: 'cut' }],
    ['401', kind.refusal(401)],
    ['403', kind.refusal(403)],
    ['no funds', kind.refusal(422)],
    ['429', kind.refusal(429)],
  ];
}
