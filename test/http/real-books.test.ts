import { afterAll, beforeAll, expect, test } from 'vitest';
import { BooksFile, booksMigrations, createBooks } from '../../src/ledger/sqlite-books.ts';
import { GroupCommit } from '../../src/storage/group-commit.ts';
import { openDatabase } from '../../src/storage/sqlite.ts';
import { startWorld, type World } from './world.ts';

// The API over the ledger that production uses: the same promises as over the simple books of the other tests.

let world: World;
const database = openDatabase(':memory:', booksMigrations);
beforeAll(async () => {
  const schedule = (flush: () => void) => void setImmediate(flush);
  const commit = new GroupCommit({ database, schedule, nowMs: () => performance.now() });
  world = await startWorld({ books: createBooks(new BooksFile(database), commit) });
});
afterAll(async () => {
  await world.close();
  database.close();
});

const topUp = (id: string, key: string, amount: string) =>
  world.ask('POST', `/v1/workspaces/${id}/topups`, { body: { amount }, headers: { 'idempotency-key': key } });

test('many top-ups at once, each sent twice, count once each', async () => {
  const { id } = await world.workspace('A');
  const keys = Array.from({ length: 20 }, (_, index) => `k${index % 10}`);
  const answers = await Promise.all(keys.map((key) => topUp(id, key, '0.10')));
  expect(answers.map((answer) => answer.status)).toEqual(keys.map(() => 201));
  expect(new Set(answers.map((answer) => answer.body.id)).size).toBe(10);
  expect((await world.ask('GET', `/v1/workspaces/${id}`)).body.balance).toBe('1.00');
});

test('a top-up that is sent again to another node of the same books is the same one, and for another amount is refused', async () => {
  const { id } = await world.workspace('N');
  const other = await startWorld({ books: world.deps.books });
  const workspace = await world.directory.workspaces.get(id);
  if (workspace === undefined) throw new Error('no such workspace');
  await other.directory.workspaces.put(workspace);
  const topUpThere = (amount: string) =>
    other.ask('POST', `/v1/workspaces/${id}/topups`, { body: { amount }, headers: { 'idempotency-key': 'k' } });
  const first = await topUp(id, 'k', '10');
  other.clock.advance(5_000);
  const again = await topUpThere('10.00');
  expect([again.status, again.body, again.headers.get('idempotent-replayed')]).toEqual([201, first.body, 'true']);
  expect((await topUpThere('11')).body.code).toBe('idempotency_key_reused');
  await topUp(id, 'k2', '1');
  const third = await startWorld({ books: world.deps.books });
  await third.directory.workspaces.put(workspace);
  const reused = await third.ask('POST', `/v1/workspaces/${id}/topups`, {
    body: { amount: '12' },
    headers: { 'idempotency-key': 'k' },
  });
  expect([reused.status, reused.body.code]).toEqual([409, 'idempotency_key_reused']);
  expect((await world.ask('GET', `/v1/workspaces/${id}`)).body.balance).toBe('11.00');
  await Promise.all([other.close(), third.close()]);
});

test('the ledger pages through all of a workspace, and a filter by time is half open', async () => {
  const { id, token } = await world.workspace('B');
  for (let i = 0; i < 7; i += 1) {
    await topUp(id, `k${i}`, `${i + 1}`);
    world.clock.advance(1_000);
  }
  const amounts: string[] = [];
  let cursor: string | null = '';
  while (cursor !== null) {
    const { body } = await world.ask('GET', `/v1/ledger?limit=3${cursor ? `&cursor=${cursor}` : ''}`, { token });
    amounts.push(...body.items.map((item: { amount: string }) => item.amount));
    cursor = body.nextCursor;
  }
  expect(amounts).toEqual(['7.00', '6.00', '5.00', '4.00', '3.00', '2.00', '1.00']);
  const all = (await world.ask('GET', '/v1/ledger', { token })).body.items;
  const between = await world.ask('GET', `/v1/ledger?from=${all[3].at}&to=${all[1].at}`, { token });
  expect(between.body.items.map((item: { amount: string }) => item.amount)).toEqual(['5.00', '4.00']);
  const csv = await world.ask('GET', '/v1/ledger', { token, headers: { accept: 'text/csv' } });
  expect(csv.text.split('\r\n')).toHaveLength(9);
});

test('a balance beyond what the books can hold is refused and leaves it as it was', async () => {
  const { id } = await world.workspace('C');
  for (let i = 0; i < 9; i += 1) expect((await topUp(id, `k${i}`, '999999999')).status).toBe(201);
  const refused = await topUp(id, 'k9', '999999999');
  expect([refused.status, refused.body.errors[0].field]).toEqual([422, 'amount']);
  expect((await world.ask('GET', `/v1/workspaces/${id}`)).body.balance).toBe('8999999991.00');
});
