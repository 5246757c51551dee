import { spawnSync } from 'node:child_process';
import { copyFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { auditFile } from '../src/audit.ts';
import { openBooks, openBooksInline, readBootId } from '../src/books.ts';
import { systemClock } from '../src/domain/clock.ts';
import { NO_CALL_LIMITS } from '../src/ledger/books.ts';
import { recover } from '../src/metering/recovery.ts';
import { Stage } from './metering/support/stage.ts';
import { temporaryBooks } from './metering/support/temporary.ts';

const topUp = (id: string, amount = 100n) => ({
  workspaceId: 'ws_a',
  holdId: null,
  postings: [
    { id, workspaceId: 'ws_a', callId: null, meter: 'topup' as const, quantityMs: 0, amount, at: 0, note: '' },
  ],
  costs: [],
});
const hold = { id: 'h', workspaceId: 'ws_a', amount: 60n, nowMs: 0, expiresAtMs: 10, prepaid: true };

describe('the books in their own thread', () => {
  test('give the same answers as in this one, and what they answered is in the file', async () => {
    using place = temporaryBooks();
    const flushed: number[] = [];
    const opened = await openBooks({ path: place.path, onFlush: (_ms, works) => flushed.push(works) });
    const { books, journal } = opened;
    expect(await Promise.all([books.settle(topUp('topup:1')), books.settle(topUp('topup:1'))])).toEqual([
      'posted',
      'exists',
    ]);
    expect(await books.reserve({ ...hold, limits: NO_CALL_LIMITS })).toBe('held');
    expect(await books.balance('ws_a', 0)).toMatchObject({ balance: 100n, reserved: 60n });
    await books.release('ws_a', 'h');
    await journal.append({ kind: 'flag', callId: 'call_a', callSeq: 1, atWallMs: 5, flag: 'machine' });
    expect(await journal.history('call_a')).toEqual([
      { kind: 'flag', callId: 'call_a', callSeq: 1, atWallMs: 5, flag: 'machine' },
    ]);
    await journal.heartbeat({
      kind: 'heartbeat',
      bootId: 'b',
      atMs: 1,
      atWallMs: 2,
      pulses: [{ callId: 'call_a', billedToMs: 1, rtpAgeMs: null, agentProvenToMs: null }],
    });
    expect((await journal.lastPulses(['call_a', 'call_b'])).get('call_a')).toMatchObject({
      bootId: 'b',
      billedToMs: 1,
    });
    expect(await journal.openCalls()).toEqual([]);
    expect(flushed.length).toBeGreaterThan(0);
    await opened.close();
    const inline = openBooksInline({ path: place.path });
    expect((await inline.books.postings({ limit: 10 })).map((posting) => posting.id)).toEqual(['topup:1']);
    await inline.close();
  });

  test('an error crosses with its code, and the thread lives on', async () => {
    using place = temporaryBooks();
    const { books, close } = await openBooks({ path: place.path });
    await expect(books.settle(topUp('topup:1', 2n ** 64n))).rejects.toMatchObject({
      code: 'amount_out_of_range',
    });
    expect(await books.settle(topUp('topup:1'))).toBe('posted');
    await close();
  });

  test('close waits for what was given; afterwards everything is refused', async () => {
    using place = temporaryBooks();
    const { books, close } = await openBooks({ path: place.path });
    const given = books.settle(topUp('topup:1'));
    await close();
    expect(await given).toBe('posted');
    await expect(books.balance('ws_a', 0)).rejects.toMatchObject({ code: 'books_closed' });
    await close();
  });

  test('one gateway per file: a second is refused, and may come when the first is gone', async () => {
    using place = temporaryBooks();
    const first = await openBooks({ path: place.path });
    await expect(openBooks({ path: place.path })).rejects.toMatchObject({ code: 'books_locked' });
    expect(() => openBooksInline({ path: place.path })).toThrow(expect.objectContaining({ code: 'books_locked' }));
    await first.close();
    const second = await openBooks({ path: place.path });
    await second.close();
  });

  test('a file that cannot be opened rejects and leaves no lock', async () => {
    using place = temporaryBooks();
    const folder = place.path.replace(/[^/]+$/, '');
    await expect(openBooks({ path: `${folder}none/books.db` })).rejects.toThrow();
    copyFileSync(new URL(import.meta.url).pathname, place.path);
    await expect(openBooks({ path: place.path })).rejects.toThrow(/not a database/);
    await expect(openBooks({ path: place.path })).rejects.toThrow(/not a database/);
  });

  test('a lock that cannot be taken for another reason says that reason, and no other gateway', async () => {
    using place = temporaryBooks();
    writeFileSync(`${place.path}.lock`, 'no database at all');
    await expect(openBooks({ path: place.path })).rejects.toThrow(/not a database/);
    writeFileSync(place.path, '');
    expect(() => auditFile(place.path)).toThrow(/not a database/);
  });
});

test('a write-ahead log torn in its last record opens, recovers every call once, and the audit is clean', async () => {
  using place = temporaryBooks();
  const stage = await Stage.open({ path: place.path });
  const calls = [await (await stage.call()).answer(), await (await stage.call()).answer()];
  await stage.clock.advanceAsync(40_000);
  await calls[0]!.end();
  await stage.idle();
  using torn = temporaryBooks();
  copyFileSync(place.path, torn.path);
  copyFileSync(`${place.path}-wal`, `${torn.path}-wal`);
  await stage.opened.close();
  truncateSync(`${torn.path}-wal`, statSync(`${torn.path}-wal`).size - 1_000);
  const opened = openBooksInline({ path: torn.path, schedule: queueMicrotask });
  const recovered = await recover({ ...opened, clock: systemClock });
  expect(recovered.map((call) => call.callId).toSorted()).toEqual(expect.arrayContaining(['call_2']));
  expect(await recover({ ...opened, clock: systemClock })).toEqual([]);
  await opened.close();
  expect(auditFile(torn.path).differences).toEqual([]);
});

const ROOT = new URL('..', import.meta.url).pathname;

test('the audit as a command: 0 without differences, 1 with one, 2 where it cannot be done', async () => {
  using place = temporaryBooks();
  const run = (...args: string[]) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, ['src/audit.ts', ...args], {
      cwd: ROOT,
      encoding: 'utf8',
    });
    return { status, text: stdout + stderr };
  };
  expect(run('--books', place.path)).toMatchObject({ status: 2, text: expect.stringContaining('no such file') });
  const env = { ...process.env, CALLIN_DATA_DIR: `${place.path}-mistyped` };
  const mistyped = spawnSync(process.execPath, ['src/audit.ts'], { cwd: ROOT, encoding: 'utf8', env });
  expect([mistyped.status, mistyped.stderr]).toEqual([2, expect.stringContaining('no such file')]);
  const { books, file, close } = openBooksInline({ path: place.path, schedule: queueMicrotask });
  await books.settle(topUp('topup:1'));
  expect(run('--books', place.path)).toMatchObject({ status: 0, text: expect.stringMatching(/differences +0/) });
  file.database.exec('UPDATE accounts SET balance = 1');
  await close();
  expect(run('--books', place.path, '--from', '2026-01-01')).toMatchObject({
    status: 1,
    text: expect.stringContaining('ws_a: balance 1, sum of postings 100'),
  });
  expect(run('--books', place.path, '--from', 'yesterday')).toMatchObject({
    status: 2,
    text: expect.stringContaining('--from'),
  });
  expect(run('--help')).toMatchObject({ status: 2, text: expect.stringContaining('\nusage: npm run audit') });
  expect(run('--books', place.path, '--from', '2026-12-01', '--to', '2026-11-01')).toMatchObject({
    status: 2,
    text: expect.stringContaining('--from must be earlier than --to'),
  });
});

test('the boot of a machine has one name', () => {
  expect(readBootId()).toMatch(/\S{8,}/);
  expect(readBootId()).toBe(readBootId());
});
