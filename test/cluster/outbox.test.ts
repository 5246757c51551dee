import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Outbox } from '../../src/cluster/outbox.ts';
import type { Settlement } from '../../src/ledger/books.ts';

const DAY_MS = 86_400_000;

const topUp = (id: string, amount = 10n ** 18n + 1n): Settlement => ({
  workspaceId: 'ws_a',
  holdId: null,
  postings: [
    { id, workspaceId: 'ws_a', callId: null, meter: 'topup', quantityMs: 0, amount, at: 1_000, note: 'Top-up' },
  ],
  costs: [],
});

test('what was kept is there after closing and opening again, to the last nano', () => {
  const folder = mkdtempSync(join(tmpdir(), 'callin-outbox-'));
  try {
    const path = join(folder, 'outbox.db');
    const outbox = new Outbox(path);
    outbox.keep(topUp('topup:1'), 5_000);
    outbox.setEpoch('run/1', 6_000);
    outbox.adopt('node-a', ['call_old'], -31 * DAY_MS);
    outbox.adopt('node-a', ['call_1', 'call_2'], 6_000);
    outbox.adopt('node-a', ['call_2', 'call_3'], 7_000);
    outbox.close();
    const again = new Outbox(path);
    expect(again.page(null, 10)).toEqual([{ seq: 1, atWallMs: 5_000, settlement: topUp('topup:1') }]);
    expect([again.epochId, again.healthyAtMs]).toEqual(['run/1', 6_000]);
    expect(again.adopted()).toEqual(new Map([['node-a', ['call_1', 'call_2', 'call_3']]]));
    expect([again.hasAdopted('call_2'), again.hasAdopted('call_old')]).toEqual([true, false]);
    again.close();
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('pages go from the newest back, each entry once', () => {
  const outbox = new Outbox(':memory:');
  for (let index = 1; index <= 5; index += 1) outbox.keep(topUp(`topup:${index}`), index);
  const first = outbox.page(null, 2);
  const second = outbox.page(first.at(-1)?.seq ?? 0, 2);
  const third = outbox.page(second.at(-1)?.seq ?? 0, 2);
  const ids = [first, second, third].map((page) => page.map(({ settlement }) => settlement.postings[0]?.id));
  expect(ids).toEqual([['topup:5', 'topup:4'], ['topup:3', 'topup:2'], ['topup:1']]);
  outbox.close();
});

test('what is older than a month is dropped, but for the newest thousand', () => {
  const outbox = new Outbox(':memory:');
  expect([outbox.epochId, outbox.healthyAtMs]).toEqual([undefined, undefined]);
  for (let index = 0; index < 1_002; index += 1) outbox.keep(topUp(`topup:old ${index}`), index);
  // A wall clock that is ahead for a moment takes nothing away that the store may just have lost.
  outbox.keep(topUp('topup:new'), 365 * DAY_MS);
  const stamps = outbox.page(null, 2_000).map(({ atWallMs }) => atWallMs);
  expect(stamps).toEqual([365 * DAY_MS, ...Array.from({ length: 999 }, (_, index) => 1_001 - index)]);
  outbox.keep(topUp('topup:newer'), 365 * DAY_MS);
  expect(outbox.page(null, 2_000)).toHaveLength(1_000);
  outbox.close();
});
