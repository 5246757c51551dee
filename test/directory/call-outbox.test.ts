import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { CallRow } from '../../src/directory/call-records.ts';
import { type CallOutbox, openCallOutbox } from '../../src/directory/redis/call-outbox.ts';
import { FakeClock } from '../support/fake-clock.ts';

const row = (id: string, state = 'ended'): CallRow => ({
  id,
  createdAt: 1,
  document: `{"state":"${state}"}`,
  workspaceId: 'ws_a',
  state,
  direction: 'inbound',
  endedAt: 2,
  answered: true,
  facts: { class: 'managed', number: '+12025550100', agentId: null },
});

describe('call records that the store does not take', () => {
  let folder: string;
  let clock: FakeClock;
  let isAway: boolean;
  let arrived: string[];
  let outbox: CallOutbox;
  const failures: unknown[] = [];

  const open = () =>
    openCallOutbox({
      path: join(folder, 'unsent-calls.db'),
      clock,
      to: {
        async write(rows) {
          if (isAway) throw new Error('away');
          arrived.push(...rows.map(({ id, state }) => `${id} ${state}`));
        },
        close: async () => undefined,
      },
      onFailure: (error) => failures.push(error),
    });

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'callin-outbox-'));
    clock = new FakeClock();
    isAway = false;
    arrived = [];
    failures.length = 0;
    outbox = open();
  });
  afterEach(async () => {
    await outbox.close();
    rmSync(folder, { recursive: true });
  });

  test('go straight through while it takes them', async () => {
    await outbox.write([row('a'), row('b')]);
    expect(arrived).toEqual(['a ended', 'b ended']);
    expect(outbox.waiting).toBe(0);
  });

  test('wait in the file, and nothing that comes later overtakes them', async () => {
    isAway = true;
    await outbox.write([row('a', 'answered')]);
    expect(failures).toHaveLength(1);
    isAway = false;
    await outbox.write([row('a', 'ended')]);
    expect(arrived).toEqual([]);
    expect(outbox.waiting).toBe(2);
    await clock.advanceAsync(1_000);
    expect(arrived).toEqual(['a answered', 'a ended']);
    expect(outbox.waiting).toBe(0);
    await outbox.write([row('b')]);
    expect(arrived.at(-1)).toBe('b ended');
  });

  test('are tried once a second until it takes them, in pieces', async () => {
    isAway = true;
    const rows = Array.from({ length: 450 }, (_, index) => row(`c${index}`));
    await outbox.write(rows);
    await clock.advanceAsync(5_000);
    expect(failures).toHaveLength(6);
    isAway = false;
    await clock.advanceAsync(1_000);
    expect(arrived).toEqual(rows.map(({ id }) => `${id} ended`));
  });

  test('outlive the process', async () => {
    isAway = true;
    await outbox.write([row('a')]);
    await outbox.close();
    isAway = false;
    outbox = open();
    expect(outbox.waiting).toBe(1);
    await clock.advanceAsync(1_000);
    expect(arrived).toEqual(['a ended']);
  });

  test('those of the last two minutes are told again to a store that may have lost them, in their order', async () => {
    await outbox.write([row('old')]);
    clock.advance(121_000);
    await outbox.write([row('a', 'answered')]);
    await outbox.write([row('a', 'ended')]);
    arrived = [];
    outbox.tellAgain();
    await outbox.write([row('b')]);
    expect(arrived).toEqual(['a answered', 'a ended', 'b ended']);
  });

  test('CO2: what is told again comes before what waits, which is newer', async () => {
    await outbox.write([row('a', 'answered')]);
    isAway = true;
    await outbox.write([row('a', 'ended')]);
    await outbox.write([row('b')]);
    isAway = false;
    outbox.tellAgain();
    arrived = [];
    await clock.advanceAsync(1_000);
    expect(arrived).toEqual(['a answered', 'a ended', 'b ended']);
    expect(outbox.waiting).toBe(0);
  });
});
