import { expect, test } from 'vitest';
import { JournalMirror } from '../../src/cluster/mirror.ts';
import { Takeover } from '../../src/cluster/takeover.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { Stage } from '../metering/support/stage.ts';
import { MemoryCluster } from './support/memory-node-records.ts';

const turns = async () => {
  for (let turn = 0; turn < 4; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};

test('a heartbeat that comes while records are being shown is shown after them, not a second later', async () => {
  await using stage = await Stage.open();
  const cluster = new MemoryCluster(stage.clock);
  const records = cluster.of('node-a');
  const slow = Promise.withResolvers<void>();
  const mirror = new JournalMirror({
    journal: stage.opened.journal,
    records: { ...records, replace: async (rows) => slow.promise.then(() => records.replace(rows)) },
  });
  mirror.showAll();
  await turns();
  const heartbeat = { kind: 'heartbeat', bootId: 'boot-a', atMs: 5_000, atWallMs: 0, pulses: [] } as const;
  await mirror.journal.heartbeat(heartbeat);
  await turns();
  expect((await records.read('node-a')).pulses).toBeNull();
  slow.resolve();
  await turns();
  expect((await records.read('node-a')).pulses).toMatchObject({ atMs: 5_000 });
});

test('Y5: a node that was forgotten while it lived learns of it with its next beat, and again until it could see to it', async () => {
  const clock = new FakeClock();
  await using stage = await Stage.open({ clock });
  const cluster = new MemoryCluster(clock);
  const seen: string[] = [];
  let fails = 1;
  const takeover = new Takeover({
    nodeId: 'node-a',
    instance: 'a',
    records: cluster.of('node-a'),
    deps: { journal: stage.opened.journal, books: stage.opened.books, clock },
    clock,
    onRecovered: async () => undefined,
    onForgotten: async () => {
      seen.push('forgotten');
      if (fails-- > 0) throw new Error('store gone');
    },
    onConflict: (error) => seen.push(error.message),
  });
  takeover.start();
  const second = async () => {
    await clock.advanceAsync(1_000);
    await turns();
  };
  await second();
  await second();
  expect(seen).toEqual([]);
  await cluster.of('node-b').forget('node-a');
  await second();
  expect(seen).toEqual(['forgotten']);
  await second();
  expect(seen).toEqual(['forgotten', 'forgotten']);
  await second();
  expect(seen).toHaveLength(2);
  await takeover.close();
});

test('Y5: so does one whose calls were marked by a node that then broke off, and whose beat still stands', async () => {
  const clock = new FakeClock();
  await using stage = await Stage.open({ clock });
  const cluster = new MemoryCluster(clock);
  let seen = 0;
  const takeover = new Takeover({
    nodeId: 'node-a',
    instance: 'a',
    records: cluster.of('node-a'),
    deps: { journal: stage.opened.journal, books: stage.opened.books, clock },
    clock,
    onRecovered: async () => undefined,
    onForgotten: async () => {
      seen += 1;
    },
    onConflict: (error) => {
      throw error;
    },
  });
  takeover.start();
  const second = async () => {
    await clock.advanceAsync(1_000);
    await turns();
  };
  await second();
  expect(seen).toBe(0);
  await cluster.of('node-b').markTaken('node-a', ['call_1']);
  await second();
  expect(seen).toBe(1);
  await second();
  expect(seen).toBe(1);
  await takeover.close();
});
