import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openCallCounts } from '../../src/directory/call-counts.ts';
import { callCodec } from '../../src/directory/documents.ts';
import { DIRECTORY_MIGRATIONS } from '../../src/directory/migrations.ts';
import { openDirectory } from '../../src/directory/sqlite-directory.ts';
import type { E164 } from '../../src/domain/e164.ts';
import { openDatabase } from '../../src/storage/sqlite.ts';
import { directoryContract } from './contract.ts';
import { agent, call, number, trunk, workspace } from './records.ts';
import { recordsContract } from './records-contract.ts';

const KEY = new Uint8Array(32).fill(7);

directoryContract('SQLite', async () => openDirectory(':memory:', { sealingKey: KEY }));
recordsContract('SQLite', async () => openDirectory(':memory:', { sealingKey: KEY }));

describe('SQLite directory on disk', () => {
  let folder: string;
  let path: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'callin-directory-'));
    path = join(folder, 'callin.sqlite');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const filled = async (sealingKey = KEY) => {
    const directory = openDirectory(path, { sealingKey });
    await directory.workspaces.put(workspace());
    await directory.agents.put(agent());
    await directory.trunks.put(trunk());
    return directory;
  };

  test('what was written is there after closing and opening again', async () => {
    await (await filled()).close();
    const again = openDirectory(path, { sealingKey: KEY });
    expect(await again.workspaces.get('ws_a')).toEqual(workspace());
    expect(await again.agents.get('agent_a')).toEqual(agent());
    expect(await again.allTrunks()).toEqual([trunk()]);
    await again.close();
  });

  test('no secret stands in clear in the file or in its log', async () => {
    const directory = await filled();
    const auth = { username: 'carrier', password: 'inbound-secret' };
    await directory.trunks.put(trunk({ label: 'label-in-clear', inbound: { ...trunk().inbound, auth } }));
    const bytes = readdirSync(folder)
      .map((name) => readFileSync(join(folder, name)).toString('latin1'))
      .join('');
    const secrets = ['trunk-secret', 'inbound-secret', 'agent-secret', 'header-secret'];
    for (const secret of secrets) expect(bytes).not.toContain(secret);
    expect(bytes).toContain('label-in-clear');
    await directory.close();
  });

  test('a workspace that was stored before there was a limit per hour has none', async () => {
    await (await filled()).close();
    const file = new DatabaseSync(path);
    const { changes } = file
      .prepare("UPDATE workspaces SET document = json_remove(document, '$.limits.spendPerHour')")
      .run();
    expect(changes).toBe(1);
    file.close();
    const again = openDirectory(path, { sealingKey: KEY });
    expect(await again.workspaces.get('ws_a')).toEqual(
      workspace({ limits: { ...workspace().limits, spendPerHour: null } }),
    );
    await again.close();
  });

  test('calls that were stored before anything was counted are counted', async () => {
    const file = openDatabase(path, DIRECTORY_MIGRATIONS.slice(0, 2));
    const insert = file.prepare(
      'INSERT INTO calls (id, created_at, document, workspace_id, state, direction) VALUES (?, ?, ?, ?, ?, ?)',
    );
    for (const record of [
      call({ id: 'c1', endedAt: 61_200.5 }),
      call({ id: 'c2', direction: 'outbound', from: '+12025550177', answeredAt: null, agentId: null, class: null }),
      call({ id: 'c3', endedAt: null, state: 'answered' }),
    ])
      insert.run(record.id, 1, callCodec.encode(record), 'ws_a', record.state, record.direction);
    file.close();
    const again = openDirectory(path, { sealingKey: KEY });
    expect(await again.calls.countEnded({ workspaceId: 'ws_a', fromMs: 0, toMs: 100_000, by: 'number' })).toEqual([
      { key: '+12025550100', calls: 1, answered: 1 },
      { key: '+12025550177', calls: 1, answered: 0 },
    ]);
    expect([...(await again.calls.factsOf(['c1', 'c2'], 'ws_a')).values()]).toEqual([
      { class: 'byoc', number: '+12025550100', agentId: 'agent_a' },
      { class: null, number: '+12025550177', agentId: null },
    ]);
    await again.close();
  });

  test('counting reads no document: the indexes hold all that is asked for', () => {
    const file = openDatabase(path, DIRECTORY_MIGRATIONS);
    const plans: string[] = [];
    const watched = {
      prepare(sql: string) {
        plans.push(
          ...file
            .prepare(`EXPLAIN QUERY PLAN ${sql}`)
            .all()
            .map((row) => String(row['detail'])),
        );
        return file.prepare(sql);
      },
    };
    openCallCounts(watched as DatabaseSync);
    const ofCalls = plans.filter((detail) => /\bcalls\b/.test(detail));
    expect(ofCalls).toHaveLength(4);
    for (const detail of ofCalls) expect(detail).toMatch(/^SEARCH calls USING COVERING INDEX/);
    file.close();
  });

  test('another key opens nothing', async () => {
    await (await filled()).close();
    const other = openDirectory(path, { sealingKey: new Uint8Array(32).fill(8) });
    await expect(other.agents.get('agent_a')).rejects.toMatchObject({ code: 'unseal_failed' });
    await expect(other.allTrunks()).rejects.toMatchObject({ code: 'unseal_failed' });
    await other.close();
  });

  test('after a rotation old secrets open and a write seals with the new key', async () => {
    await (await filled()).close();
    const next = new Uint8Array(32).fill(8);
    const rotated = openDirectory(path, { sealingKey: next, formerKeys: [KEY] });
    expect(await rotated.agents.get('agent_a')).toEqual(agent());
    await rotated.agents.update('agent_a', (item) => item);
    await rotated.close();
    const later = openDirectory(path, { sealingKey: next });
    expect(await later.agents.get('agent_a')).toEqual(agent());
    await expect(later.trunks.get('trunk_a')).rejects.toMatchObject({ code: 'unseal_failed' });
    await later.close();
  });

  test('a sealed secret that is copied into another record does not open there', async () => {
    const directory = await filled();
    await directory.agents.put(agent({ id: 'agent_b' }));
    await directory.close();
    const file = new DatabaseSync(path);
    const stolen = String(file.prepare("SELECT document FROM agents WHERE id = 'agent_a'").get()?.['document']);
    file.prepare("UPDATE agents SET document = ? WHERE id = 'agent_b'").run(stolen.replace('"agent_a"', '"agent_b"'));
    file.close();
    const again = openDirectory(path, { sealingKey: KEY });
    await expect(again.agents.get('agent_b')).rejects.toMatchObject({ code: 'unseal_failed' });
    await again.close();
  });

  test('claimed keys are forgotten after a month, so that the table does not grow for ever', async () => {
    let now = 1_800_000_000_000;
    const directory = openDirectory(path, { sealingKey: KEY, nowMs: () => now });
    const claim = (key: string) => directory.idempotency.claim('s', key, `${key} at ${now}`);
    const { value } = await claim('old');
    now += 29 * 86_400_000;
    for (let i = 0; i < 300; i += 1) await claim(`k${i}`);
    expect(await claim('old')).toEqual({ first: false, value });
    now += 2 * 86_400_000;
    for (let i = 300; i < 600; i += 1) await claim(`k${i}`);
    expect((await claim('old')).first).toBe(true);
    expect((await claim('k0')).first).toBe(false);
    await directory.close();
  });

  test('a lookup by number uses an index', async () => {
    const directory = await filled();
    await directory.numbers.put(number());
    const file = new DatabaseSync(path);
    const plan = file
      .prepare("EXPLAIN QUERY PLAN SELECT document FROM numbers WHERE e164 = ? AND status <> 'released'")
      .all('+12025550100')
      .map((row) => String(row['detail']));
    expect(plan.join()).toContain('USING INDEX numbers_once_per_trunk');
    file.close();
    await directory.close();
  });

  test('a lookup among 20 000 numbers takes well under a millisecond', async () => {
    const directory = openDirectory(':memory:', { sealingKey: KEY });
    await directory.workspaces.put(workspace());
    const e164Of = (index: number) => `+1202${String(5_000_000 + index)}` as E164;
    for (let i = 0; i < 20_000; i += 1) {
      await directory.numbers.put(number({ id: `num_${i}`, e164: e164Of(i), agentId: null, trunkId: null }));
    }
    const begin = process.hrtime.bigint();
    for (let i = 0; i < 1_000; i += 1) expect((await directory.numbers.byE164(e164Of(i * 19))).length).toBe(1);
    const perLookupMs = Number(process.hrtime.bigint() - begin) / 1e6 / 1_000;
    expect(perLookupMs).toBeLessThan(1);
    await directory.close();
  });
});
