import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { CallRecordBatches, type CallRow, startCallRecordsThread } from '../../src/directory/call-records.ts';
import { openDirectory } from '../../src/directory/sqlite-directory.ts';
import { call } from './records.ts';

const row = (id: string, over: Partial<CallRow> = {}): CallRow => ({
  id,
  createdAt: 1,
  document: '{}',
  workspaceId: 'ws_a',
  state: 'ended',
  direction: 'inbound',
  endedAt: 2,
  answered: true,
  facts: { class: 'managed', number: '+12025550100', agentId: null },
  ...over,
});

describe('batches of call records', () => {
  const recording = () => {
    const batches: string[][] = [];
    let fails = false;
    let flush: (() => void) | null = null;
    const records = new CallRecordBatches(
      {
        async write(rows) {
          batches.push(rows.map(({ id }) => id));
          if (fails) throw new Error('disk full');
        },
        close: async () => void batches.push(['closed']),
      },
      (later) => {
        flush = later;
      },
    );
    return { records, batches, flush: () => flush?.(), fail: (does: boolean) => (fails = does) };
  };

  test('what comes together is written together, in order, and each save resolves then', async () => {
    const { records, batches, flush } = recording();
    const saved = [records.save(row('a')), records.save(row('b')), records.save(row('a'))];
    expect(batches).toEqual([]);
    flush();
    await Promise.all(saved);
    expect(batches).toEqual([['a', 'b', 'a']]);
    const next = records.save(row('c'));
    flush();
    await next;
    expect(batches).toEqual([['a', 'b', 'a'], ['c']]);
  });

  test('a batch that cannot be written rejects each of its saves and no later one', async () => {
    const { records, flush, fail } = recording();
    fail(true);
    const lost = [records.save(row('a')), records.save(row('b'))];
    flush();
    for (const save of lost) await expect(save).rejects.toThrow('disk full');
    fail(false);
    const kept = records.save(row('c'));
    flush();
    await kept;
  });

  test('closing writes what waits, then takes no more', async () => {
    const { records, batches } = recording();
    const saved = records.save(row('a'));
    await records.close();
    await saved;
    expect(batches).toEqual([['a'], ['closed']]);
    await expect(records.save(row('b'))).rejects.toMatchObject({ code: 'books_closed' });
  });

  test('what waits is bounded', async () => {
    const { records } = recording();
    const waiting = Array.from({ length: 20_000 }, (_, index) => records.save(row(`c${index}`)));
    await expect(records.save(row('one too many'))).rejects.toMatchObject({ code: 'books_overloaded' });
    await records.close();
    await Promise.all(waiting);
  });
});

describe('the thread that writes call records', () => {
  test('a record is in the file when its save resolves, and readers beside the thread see it', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'callin-records-'));
    try {
      const path = join(folder, 'directory.db');
      const directory = openDirectory(path, {
        sealingKey: new Uint8Array(32).fill(7),
        callRows: await startCallRecordsThread(path),
        schedule: queueMicrotask,
      });
      await directory.calls.save(call({ id: 'call_a', state: 'ringing', workspaceId: null }));
      await directory.calls.save(call({ id: 'call_a', state: 'ended', workspaceId: 'ws_a' }));
      const file = new DatabaseSync(path, { readOnly: true });
      const stored = file.prepare('SELECT state, workspace_id FROM calls').all();
      expect(stored.map((each) => ({ ...each }))).toEqual([{ state: 'ended', workspace_id: 'ws_a' }]);
      file.close();
      expect((await directory.calls.list({ workspaceId: 'ws_a', limit: 10 })).items).toEqual([
        call({ id: 'call_a', state: 'ended', workspaceId: 'ws_a' }),
      ]);
      await directory.close();
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('a batch with a row that the table refuses is not written at all', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'callin-records-'));
    try {
      const writer = await startCallRecordsThread(join(folder, 'directory.db'));
      const broken = row('b', { state: null as unknown as string });
      await expect(writer.write([row('a'), broken])).rejects.toMatchObject({ code: 'ERR_SQLITE_ERROR' });
      await writer.close();
      const file = new DatabaseSync(join(folder, 'directory.db'), { readOnly: true });
      expect(file.prepare('SELECT count(*) AS n FROM calls').get()?.['n']).toBe(0);
      file.close();
      await expect(writer.write([row('c')])).rejects.toMatchObject({ code: 'books_closed' });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
