import { expect, test } from 'vitest';
import { createCallManager } from '../../src/calls/call-manager.ts';
import type { Directory } from '../../src/directory/directory.ts';
import { openDirectory } from '../../src/directory/sqlite-directory.ts';
import { createWorld, settle, type World } from './fakes.ts';

/** The world with a real store of call records. */
async function worldWithStore(): Promise<{
  world: World;
  manager: ReturnType<typeof createCallManager>;
  store: Directory;
}> {
  const world = createWorld();
  const store = openDirectory(':memory:', { sealingKey: new Uint8Array(32), schedule: queueMicrotask });
  const deps = { ...world.deps, directory: { ...world.deps.directory, calls: store.calls } };
  (world as { deps: typeof deps }).deps = deps;
  return { world, manager: createCallManager(deps), store };
}

test('live and stored calls page together, newest first, each exactly once', async () => {
  const { world, manager, store } = await worldWithStore();
  const order: string[] = [];
  for (const ends of [true, false, true, false, true]) {
    world.clock.advance(1_000);
    const leg = world.invite();
    await settle();
    const [newest] = (await manager.list({ limit: 1 })).items;
    order.unshift(newest?.id ?? 'none');
    if (ends) leg.emit({ type: 'bye', reasonHeader: null });
    await settle();
  }
  expect(new Set(order).size).toBe(5);

  const seen: string[] = [];
  let cursor: string | null = null;
  do {
    const page = await manager.list(cursor === null ? { limit: 2 } : { limit: 2, cursor });
    expect(page.items.length).toBeLessThanOrEqual(2);
    seen.push(...page.items.map((record) => record.id));
    cursor = page.nextCursor;
  } while (cursor !== null);
  expect(seen).toEqual(order);
  expect((await manager.list({ limit: 10, state: 'answered' })).items.map((record) => record.id)).toEqual([
    order[1],
    order[3],
  ]);
  await store.close();
});

test.each(['queued', 'ringing', 'answered'])(
  '%s calls are live ones: the store is not searched for them',
  async (state) => {
    const { world, manager, store } = await worldWithStore();
    world.invite();
    await settle();
    let reads = 0;
    const calls = {
      ...store.calls,
      list: (filter: Parameters<typeof store.calls.list>[0]) => {
        reads += 1;
        return store.calls.list(filter);
      },
    };
    Object.assign(world.deps.directory, { calls });
    const { items, nextCursor } = await manager.list({ limit: 10, state });
    expect([reads, nextCursor]).toEqual([0, null]);
    expect(items.every((record) => record.state === state)).toBe(true);
    await manager.list({ limit: 10, state: 'ended' });
    expect(reads).toBe(1);
    await store.close();
  },
);
