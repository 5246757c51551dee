import type { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { auditDatabase, auditFile, renderReport } from '../../src/audit.ts';
import { callOf, Stage, WORKSPACE } from '../metering/support/stage.ts';
import { temporaryBooks } from '../metering/support/temporary.ts';

/** Books with three finished calls, then changed by hand behind the triggers' back. */
async function forgedBooks(forge: (database: DatabaseSync) => void): Promise<string[]> {
  await using stage = await Stage.open();
  await callOf(stage, 70_000);
  await callOf(stage, 10_000, { class: 'byoc' });
  await callOf(stage, 400);
  await stage.idle();
  const { database } = stage.opened.file;
  expect(auditDatabase(database).differences).toEqual([]);
  for (const trigger of ['postings_are_final_1', 'postings_are_final_2', 'journal_is_final_1', 'journal_is_final_2']) {
    database.exec(`DROP TRIGGER ${trigger}`);
  }
  forge(database);
  return auditDatabase(database).differences.map(({ subject, what }) => `${subject}: ${what}`);
}

describe('the audit finds', () => {
  test('a charge that was changed', async () => {
    const found = await forgedBooks((database) =>
      database.exec("UPDATE postings SET amount = amount - 1 WHERE id = 'call_1:compute:1'"),
    );
    expect(found).toContain('call_1: call_1:compute:1: amount -70000001, recomputed -70000000');
    expect(found.some((line) => line.startsWith(`${WORKSPACE}: balance`))).toBe(true);
  });

  test('a charge that is missing', async () => {
    const found = await forgedBooks((database) => database.exec("DELETE FROM postings WHERE id = 'call_2:compute:1'"));
    expect(found).toContain('call_2: call_2:compute:1 of -10000000 is not in the ledger');
  });

  test('a charge for a call that nobody made', async () => {
    const found = await forgedBooks((database) =>
      database.exec(
        `INSERT INTO postings (id, workspace_id, call_id, meter, quantity_ms, amount, balance_after, at, note)
         SELECT 'call_9:compute:1', workspace_id, 'call_9', 'compute', 1, -1, balance - 1, 0, '' FROM accounts`,
      ),
    );
    expect(found).toContain('call_9:compute:1: names call call_9, which the journal does not know');
  });

  test('a balance that was changed', async () => {
    const found = await forgedBooks((database) => database.exec('UPDATE accounts SET balance = balance + 5'));
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(/^ws_test: balance \d+, sum of postings \d+$/);
  });

  test('a rating that does not follow from its facts', async () => {
    const found = await forgedBooks((database) =>
      database.exec(
        `UPDATE journal SET body = replace(body, '"billedMs":70000', '"billedMs":70001') WHERE call_id = 'call_1' AND kind = 'rated'`,
      ),
    );
    expect(found).toContain('call_1: telephony billedMs was rated 70001, recomputed 70000');
  });

  test('a call that was ended twice', async () => {
    const found = await forgedBooks((database) =>
      database.exec(
        `INSERT INTO journal (call_id, call_seq, kind, at_wall, body)
         SELECT call_id, 99, kind, at_wall, replace(body, '"callSeq":', '"callSeq":9') FROM journal WHERE call_id = 'call_3' AND kind = 'ended'`,
      ),
    );
    expect(found).toContain('call_3: 2 records "ended"');
  });

  test('a hold that nobody counts', async () => {
    const found = await forgedBooks((database) =>
      database.exec(`INSERT INTO holds VALUES ('h', '${WORKSPACE}', 7, 1)`),
    );
    expect(found).toEqual([`${WORKSPACE}: reserved 0, sum of holds 7`]);
  });

  test('money that is still held for a call that is posted', async () => {
    const found = await forgedBooks((database) =>
      database.exec(
        `INSERT INTO holds VALUES ('lease:call_2', '${WORKSPACE}', 7, 1); UPDATE accounts SET reserved = reserved + 7`,
      ),
    );
    expect(found).toEqual(['call_2: posted, and 7 is still held for it']);
  });

  test('an hour that a spending limit would find wrong', async () => {
    const found = await forgedBooks((database) => database.exec('UPDATE spent SET amount = amount - 5'));
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(/^ws_test: spent in hour \d+: \d+, recomputed \d+$/);
    const missing = await forgedBooks((database) => database.exec('DELETE FROM spent'));
    expect(missing[0]).toMatch(/^ws_test: spent in hour \d+: 0, recomputed \d+$/);
  });

  test('a call left open, unless a gateway is running', async () => {
    using place = temporaryBooks();
    const stage = await Stage.open({ path: place.path });
    await (await stage.call()).answer();
    const running = auditFile(place.path);
    expect(running).toMatchObject({ differences: [], openCalls: 1 });
    await stage.opened.close();
    const stopped = auditFile(place.path);
    expect(stopped.differences).toEqual([{ subject: 'call_1', what: 'open: no final bill' }]);
    expect(renderReport(stopped)).toContain('call_1: open: no final bill');
  });
});

test('the range chooses the calls, and the report counts them', async () => {
  await using stage = await Stage.open();
  await callOf(stage, 1_000, { class: 'byoc' });
  const betweenMs = stage.clock.wallMs() + 1;
  await stage.clock.advanceAsync(1_000);
  await callOf(stage, 2_000, { class: 'byoc' });
  await stage.idle();
  const { database } = stage.opened.file;
  expect(auditDatabase(database)).toMatchObject({ calls: 2, postings: 3, workspaces: 1, charged: 3_000_000n });
  expect(auditDatabase(database, { fromMs: betweenMs, toMs: Number.MAX_SAFE_INTEGER }).calls).toBe(1);
  expect(auditDatabase(database, { fromMs: 0, toMs: betweenMs }).calls).toBe(1);
});
