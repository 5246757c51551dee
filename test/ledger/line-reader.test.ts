import { describe, expect, test } from 'vitest';
import { openBooksInline } from '../../src/books.ts';
import type { Posting } from '../../src/ledger/books.ts';
import { linesByHour } from '../../src/ledger/line-reader.ts';
import { sumsByReading } from '../../src/ledger/sums.ts';
import { SeededRandom } from '../metering/support/random.ts';
import { posted, posting, WORKSPACE } from './lines.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const open = () => openBooksInline({ path: ':memory:', schedule: queueMicrotask });

/** Postings booked in the order of `times`. */
async function booksOf(times: readonly number[]) {
  const opened = open();
  for (let first = 0; first < times.length; first += 500) {
    const lines = times
      .slice(first, first + 500)
      .map((at, index) => posting({ id: `p:${first + index}`, at, amount: BigInt(first + index + 1) }));
    await opened.books.settle(posted(...lines));
  }
  return opened;
}

async function read(
  books: Awaited<ReturnType<typeof booksOf>>['books'],
  options: Parameters<typeof linesByHour>[1],
): Promise<readonly Posting[][]> {
  const hours: Posting[][] = [];
  for await (const lines of linesByHour((page) => books.postings({ workspaceId: WORKSPACE, ...page }), options))
    hours.push([...lines]);
  return hours;
}

const ids = (hours: readonly (readonly Posting[])[]) => hours.map((lines) => lines.map((line) => line.id).join(' '));

describe('lines by the hour', () => {
  test('RD1: hours in their order, within an hour as they were booked; empty hours say nothing', async () => {
    const { books } = await booksOf([5 * HOUR_MS, 7, 9, 8, 5 * HOUR_MS + 1, 3 * DAY_MS]);
    expect(ids(await read(books, { fromMs: 0, toMs: 4 * DAY_MS }))).toEqual(['p:1 p:2 p:3', 'p:0 p:4', 'p:5']);
  });

  test('from is inclusive, to is exclusive, also within an hour', async () => {
    const { books } = await booksOf([10, 20, 30, HOUR_MS + 5]);
    expect(ids(await read(books, { fromMs: 10, toMs: 30 }))).toEqual(['p:0 p:1']);
    expect(ids(await read(books, { fromMs: 20, toMs: HOUR_MS + 5 }))).toEqual(['p:1 p:2']);
    expect(await read(books, { fromMs: 20, toMs: 20 })).toEqual([]);
  });

  test('only what was booked before a line', async () => {
    const { books } = await booksOf([10, 20, 30, HOUR_MS]);
    expect(ids(await read(books, { fromMs: 0, toMs: DAY_MS, beforeId: 'p:2' }))).toEqual(['p:0 p:1']);
  });

  test('an hour of several pages comes whole', async () => {
    const { books } = await booksOf(Array.from({ length: 2_000 }, (_, index) => index));
    const [hour] = await read(books, { fromMs: 0, toMs: HOUR_MS });
    expect(hour?.map((line) => line.id)).toEqual(Array.from({ length: 2_000 }, (_, index) => `p:${index}`));
  });

  test.each([
    [0, 24],
    [100, 10],
    [900, 1],
  ])('with %d lines an hour at most %d hours share a round', async (perHour, expected) => {
    let underWay = 0;
    let most = 0;
    const fetch = async ({ fromMs }: { fromMs: number }) => {
      underWay += 1;
      most = Math.max(most, underWay);
      await Promise.resolve();
      underWay -= 1;
      return Array.from({ length: perHour }, (_, index) => ({ id: `${fromMs}:${index}` }));
    };
    let lines = 0;
    for await (const hour of linesByHour(fetch, { fromMs: 0, toMs: 2 * DAY_MS })) lines += hour.length;
    expect([most, lines]).toEqual([expected, 48 * perHour]);
  });

  test('RD2: more lines than the bound are refused, as many are read', async () => {
    const { books } = await booksOf([1, 2, HOUR_MS]);
    expect((await read(books, { fromMs: 0, toMs: DAY_MS, linesMax: 3 })).flat()).toHaveLength(3);
    await expect(read(books, { fromMs: 0, toMs: DAY_MS, linesMax: 2 })).rejects.toMatchObject({
      code: 'too_many_lines',
    });
  });
});

test('the file’s own sums are those of a reader, for random lines and ranges (seed 11)', async () => {
  const random = new SeededRandom(11);
  const { books, sums } = await booksOf(Array.from({ length: 300 }, () => random.below(3 * DAY_MS)));
  const reading = sumsByReading(books);
  for (let run = 0; run < 60; run += 1) {
    const fromMs = random.below(3 * DAY_MS);
    const query = {
      workspaceId: run % 10 === 0 ? 'ws_none' : WORKSPACE,
      fromMs,
      toMs: fromMs + random.below(2 * DAY_MS),
      beforeId: `p:${random.below(300)}`,
    };
    expect(await sums.sum(query)).toBe(await reading.sum(query));
  }
});

test('the costs of all workspaces are found by their time: without that index the question is not answered', async () => {
  const { books, file } = open();
  expect(await books.costs({ fromMs: 1, toMs: 2, limit: 9 })).toEqual([]);
  file.database.exec('DROP INDEX costs_of_all_by_time');
  await expect(books.costs({ fromMs: 1, toMs: 2, limit: 9 })).rejects.toThrow('no such index');
});
