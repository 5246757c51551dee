import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { openBooks, openBooksInline } from '../../src/books.ts';
import { BooksFile, booksMigrations } from '../../src/ledger/sqlite-books.ts';
import { differingHours, keptHours, spentByHour } from '../../src/ledger/spent.ts';
import { openDatabase } from '../../src/storage/sqlite.ts';
import { temporaryBooks } from '../metering/support/temporary.ts';
import { booksContract } from './contract.ts';
import { charge, cost, hold, posted, posting, settlement, WORKSPACE } from './lines.ts';

const open = () => openBooksInline({ path: ':memory:', schedule: queueMicrotask });

booksContract(
  'SQLite',
  async () => {
    const { books, file, close } = open();
    return { books, close, differences: async () => differencesOf(file.books) };
  },
  { schedules: 10_000 },
);

booksContract(
  'SQLite behind its thread',
  async () => {
    const place = temporaryBooks();
    const opened = await openBooks({ path: place.path });
    return {
      books: opened.books,
      async differences() {
        const reader = new DatabaseSync(place.path, { readOnly: true });
        const differences = differencesOf(new BooksFile(reader));
        reader.close();
        return differences;
      },
      async close() {
        await opened.close();
        place[Symbol.dispose]();
      },
    };
  },
  { schedules: 2_000 },
);

/** Each balance, each `reserved` and each hour, made again from postings and holds. */
function differencesOf(file: BooksFile): string[] {
  const differences: string[] = [];
  const compare = (what: string, known: unknown, made: unknown) => {
    if (known !== made) differences.push(`${what}: ${known}, recomputed ${made}`);
  };
  for (const { workspaceId, balance, reserved } of file.accounts()) {
    const postings = [...file.ledgerOf(workspaceId)];
    const sum = postings.reduce((total, line) => total + line.amount, 0n);
    compare(`${workspaceId} balance`, balance, sum);
    compare(`${workspaceId} balanceAfter`, postings.at(-1)?.balanceAfter ?? 0n, sum);
    const held = file.holdsOf(workspaceId).reduce((total, own) => total + own.amount, 0n);
    compare(`${workspaceId} reserved`, reserved, held);
    compare(`${workspaceId} spent`, hoursText(file.spentOf(workspaceId)), hoursText(keptHours(spentByHour(postings))));
  }
  return differences;
}

function hoursText(spent: ReadonlyMap<number, bigint>): string {
  return [...spent]
    .toSorted(([a], [b]) => a - b)
    .map(([hour, amount]) => `${hour}=${amount}`)
    .join(' ');
}

describe('the books in SQLite', () => {
  test('B5: the file itself refuses to change or delete a posting, a cost or a journal record', async () => {
    const { books, file } = open();
    await books.settle(
      settlement({ postings: [posting({ id: 'topup:1' })], costs: [cost({ id: 'call_1:supplier:1' })] }),
    );
    expect(() => file.database.exec('UPDATE postings SET amount = 1')).toThrow('postings are final');
    expect(() => file.database.exec('DELETE FROM postings')).toThrow('postings are final');
    expect(() => file.database.exec('UPDATE costs SET amount = 1')).toThrow('costs are final');
    expect(() => file.database.exec('DELETE FROM costs')).toThrow('costs are final');
    file.database.exec("INSERT INTO journal (call_id, call_seq, kind, at_wall, body) VALUES ('c', 1, 'flag', 0, '{}')");
    expect(() => file.database.exec('DELETE FROM journal')).toThrow('journal records are final');
    expect(() => file.database.exec("UPDATE journal SET body = ''")).toThrow('journal records are final');
  });

  test("ids are the file's: another workspace's posting or hold is refused", async () => {
    const { books } = open();
    await books.settle(posted(posting({ id: 'topup:1' })));
    await books.reserve(hold('h:1', 1n));
    const foreign = books.settle(posted(posting({ id: 'topup:1', workspaceId: 'ws_b' })));
    await expect(foreign).rejects.toMatchObject({ code: 'posting_conflict' });
    const taken = books.reserve(hold('h:1', 1n, { workspaceId: 'ws_b', prepaid: false }));
    await expect(taken).rejects.toMatchObject({ code: 'hold_conflict' });
  });

  test('B10: of the hours of a workspace the last 72 stand', async () => {
    const { books, file } = open();
    for (let hour = 0; hour < 200; hour += 1)
      await books.settle(posted(charge(`c:${hour}`, 1n, { at: hour * 3_600_000 })));
    expect([...file.books.spentOf(WORKSPACE).keys()]).toEqual(Array.from({ length: 72 }, (_, index) => 128 + index));
    await books.settle(posted(charge('late', 5n, { at: 3_600_000 })));
    expect(differencesOf(file.books)).toEqual([]);
    expect(file.books.spentOf(WORKSPACE).size).toBe(72);
  });

  test('B10: hours that a version before has not kept are no difference, those that it has are', () => {
    const made = new Map([
      [5, 1n],
      [100, 2n],
    ]);
    expect(differingHours(new Map([[100, 2n]]), made)).toEqual([]);
    expect(differingHours(new Map([[5, 1n]]), made)).toEqual([{ hour: 100, stands: undefined, made: 2n }]);
    expect(differingHours(new Map([...made, [5, 7n]]), made)).toEqual([{ hour: 5, stands: 7n, made: 1n }]);
  });

  test('B10: an hour that was changed by hand is a difference', async () => {
    const { books, file } = open();
    await books.settle(posted(charge('c:1', 5n)));
    file.database.exec('UPDATE spent SET amount = amount + 1');
    expect(differencesOf(file.books)).toEqual([`${WORKSPACE} spent: 0=6, recomputed 0=5`]);
  });

  test('books of the version before get their hours from the postings that stand', () => {
    using place = temporaryBooks();
    const [before] = booksMigrations;
    const old = openDatabase(place.path, before === undefined ? [] : [before]);
    const insert = old.prepare(
      `INSERT INTO postings (id, workspace_id, call_id, meter, quantity_ms, amount, balance_after, at, note)
       VALUES (?, ?, NULL, ?, 0, ?, 0, ?, '')`,
    );
    for (const [index, [workspaceId, meter, amount, hour]] of (
      [
        ['ws_a', 'topup', 100, 5],
        ['ws_a', 'compute', -7, 5],
        ['ws_a', 'telephony', -8, 5],
        ['ws_a', 'adjustment', 1, 100],
        ['ws_a', 'compute', -3, 28],
        ['ws_b', 'compute', -9, 2],
        ...Array.from({ length: 80 }, (_, hour) => ['ws_c', 'compute', -1, 10 * hour] as const),
      ] as const
    ).entries())
      insert.run(`p:${index}`, workspaceId, meter, amount, hour * 3_600_000 + 1);
    old.close();
    const database = openDatabase(place.path, booksMigrations);
    const file = new BooksFile(database);
    expect(hoursText(file.spentOf('ws_a'))).toBe('5=15 28=3 100=-1');
    expect(hoursText(file.spentOf('ws_b'))).toBe('2=9');
    expect([...file.spentOf('ws_c').keys()]).toEqual(Array.from({ length: 72 }, (_, index) => 80 + 10 * index));
    database.close();
  });

  test('a top-up is found again among many postings by its time, not by reading them all', async () => {
    const { books, file } = open();
    await books.settle(posted(posting({ id: 'topup:1', at: 5 })));
    const plan = file.database
      .prepare(
        `EXPLAIN QUERY PLAN SELECT * FROM postings INDEXED BY postings_by_time
         WHERE workspace_id = ? AND meter = ? AND at >= ? AND at < ? ORDER BY seq DESC LIMIT ?`,
      )
      .all('w', 'topup', 0, 1, 10)
      .map((row) => String(row['detail']));
    expect(plan.join()).toContain('postings_by_time (workspace_id=? AND at>? AND at<?)');
    expect(await books.postings({ workspaceId: WORKSPACE, meter: 'topup', fromMs: 5, toMs: 6, limit: 9 })).toHaveLength(
      1,
    );
  });

  test('calls in progress are counted in their own index', () => {
    const { file } = open();
    const plan = file.database
      .prepare("EXPLAIN QUERY PLAN SELECT COUNT(*) AS n FROM holds WHERE workspace_id = ? AND id GLOB 'lease:*'")
      .all('w')
      .map((row) => String(row['detail']));
    expect(plan.join()).toContain('USING COVERING INDEX calls_in_progress');
  });
});
