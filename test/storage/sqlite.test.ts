import { expect, test } from 'vitest';
import { inTransaction, openDatabase } from '../../src/storage/sqlite.ts';

const MIGRATIONS = [{ id: 'test-1', sql: 'CREATE TABLE notes (text TEXT NOT NULL) STRICT' }];

test('what fails leaves nothing behind and says why, also where SQLite has rolled back by itself', () => {
  const database = openDatabase(':memory:', MIGRATIONS);
  const add = (text: string) => database.prepare('INSERT INTO notes VALUES (?)').run(text);
  const fail = (error: Error) => () => {
    add('half');
    throw error;
  };
  expect(() => inTransaction(database, fail(new Error('ours')))).toThrow('ours');
  const { page_count: pages } = database.prepare('PRAGMA page_count').get() as { page_count: number };
  database.exec(`PRAGMA max_page_count=${pages}`);
  expect(() => inTransaction(database, () => add('x'.repeat(1_000_000)))).toThrow('database or disk is full');
  database.exec('PRAGMA max_page_count=1000000');
  inTransaction(database, () => add('whole'));
  expect(database.prepare('SELECT text FROM notes').all()).toEqual([{ text: 'whole' }]);
});
