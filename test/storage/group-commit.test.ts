import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { GroupCommit } from '../../src/storage/group-commit.ts';
import { openDatabase } from '../../src/storage/sqlite.ts';

const MIGRATIONS = [
  { id: 'test-1', sql: 'CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT' },
];

describe('group commit', () => {
  let folder: string;
  let database: DatabaseSync;
  let scheduled: (() => void)[];
  let flushes: number[];
  let commit: GroupCommit;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'group-'));
    database = openDatabase(join(folder, 'notes.db'), MIGRATIONS);
    scheduled = [];
    flushes = [];
    commit = new GroupCommit({
      database,
      schedule: (flush) => scheduled.push(flush),
      nowMs: () => 0,
      onFlush: (_ms, works) => flushes.push(works),
    });
  });

  afterEach(() => {
    if (database.isOpen) database.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const insert = (text: string) => () => database.prepare('INSERT INTO notes (text) VALUES (?)').run(text).changes;
  const texts = () => {
    const other = openDatabase(join(folder, 'notes.db'), MIGRATIONS);
    const rows = other.prepare('SELECT text FROM notes ORDER BY id').all();
    other.close();
    return rows.map((row) => row['text']);
  };
  const flushAll = () => {
    for (let flush = scheduled.shift(); flush !== undefined; flush = scheduled.shift()) flush();
  };

  test('what is given together shares one transaction and nothing is promised before it', async () => {
    const order: string[] = [];
    const works = ['a', 'b', 'c'].map((text) => commit.run(insert(text)).then(() => order.push(text)));
    await Promise.resolve();
    expect(order).toEqual([]);
    expect(texts()).toEqual([]);
    expect(scheduled).toHaveLength(1);
    flushAll();
    await Promise.all(works);
    expect(order).toEqual(['a', 'b', 'c']);
    expect(texts()).toEqual(['a', 'b', 'c']);
    expect(flushes).toEqual([3]);
  });

  test('one that fails takes nothing else with it', async () => {
    const good = commit.run(insert('a'));
    const bad = commit.run(insert('a'));
    const later = commit.run(insert('b'));
    flushAll();
    await expect(bad).rejects.toThrow(/UNIQUE/);
    expect(await Promise.all([good, later])).toEqual([1, 1]);
    expect(texts()).toEqual(['a', 'b']);
  });

  test('each work sees what came before it in its group', async () => {
    const first = commit.run(insert('a'));
    const seen = commit.run(() => database.prepare('SELECT count(*) AS n FROM notes').get()?.['n']);
    flushAll();
    await first;
    expect(await seen).toBe(1);
  });

  test('a large queue is committed in several groups, in order', async () => {
    const works = Array.from({ length: 2_500 }, (_, index) => commit.run(insert(String(index))));
    flushAll();
    await Promise.all(works);
    expect(flushes).toEqual([1_000, 1_000, 500]);
    expect(texts()).toEqual(Array.from({ length: 2_500 }, (_, index) => String(index)));
  });

  test('the queue is bounded: beyond that it rejects at once', async () => {
    const works = Array.from({ length: 20_000 }, () => commit.run(() => 0));
    await expect(commit.run(insert('late'))).rejects.toMatchObject({ code: 'books_overloaded' });
    flushAll();
    await Promise.all(works);
    expect(texts()).toEqual([]);
  });

  test('a database closed beneath it rejects the work and does not throw into the scheduler', async () => {
    const work = commit.run(insert('a'));
    database.close();
    flushAll();
    await expect(work).rejects.toThrow(/not open/);
  });

  test('close commits what waits and takes no more', async () => {
    const work = commit.run(insert('a'));
    commit.close();
    expect(await work).toBe(1);
    await expect(commit.run(insert('b'))).rejects.toMatchObject({ code: 'books_closed' });
    expect(texts()).toEqual(['a']);
  });
});
