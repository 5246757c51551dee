import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Directory } from '../src/directory/directory.ts';
import type { RecordKind, StoredRecord } from '../src/directory/records.ts';
import { openDirectory } from '../src/directory/sqlite-directory.ts';
import { ACCOUNTS_KIND } from '../src/numbers/accounts/account.ts';
import { PERSONAL_NUMBERS } from '../src/numbers/personal/record.ts';
import { REQUESTS_KIND } from '../src/numbers/requests/kinds.ts';
import { ORDERS_KIND } from '../src/numbers/shop/order.ts';
import { createEventHub, type EventHub } from '../src/observability/event-hub.ts';
import { watchedDirectory } from '../src/watched-directory.ts';
import { number, trunk, workspace, agent } from './directory/records.ts';

describe('a directory that is watched', () => {
  let stored: Directory;
  let directory: Directory;
  let hub: EventHub;
  let told: { readonly name: string; readonly workspaceId: string | null; readonly text: string }[];

  beforeEach(async () => {
    stored = openDirectory(':memory:', { sealingKey: new Uint8Array(32).fill(7) });
    await stored.workspaces.put(workspace());
    await stored.agents.put(agent());
    await stored.trunks.put(trunk());
    hub = createEventHub({ epoch: 'e' });
    told = [];
    hub.listen(({ name, workspaceId, text }) => told.push({ name, workspaceId, text }), null);
    directory = watchedDirectory(stored, hub);
  });
  afterEach(() => directory.close());

  test('tells of a number as it is now, and that it is gone', async () => {
    await directory.numbers.put(number());
    await directory.numbers.update('num_a', (item) => ({ ...item, agentId: null }));
    await directory.numbers.delete('num_a');
    expect(told.map(({ name }) => name)).toEqual(['number', 'number', 'number']);
    expect(JSON.parse(told[1]?.text ?? '')).toMatchObject({ id: 'num_a', agentId: null });
    expect(JSON.parse(told[2]?.text ?? '')).toEqual({ id: 'num_a', workspaceId: 'ws_a', deleted: true });
  });

  test('tells nothing of what was refused', async () => {
    await expect(directory.numbers.put(number({ trunkId: 'trunk_x' }))).rejects.toMatchObject({
      code: 'unknown_reference',
    });
    expect(await directory.numbers.update('num_x', (item) => item)).toBeUndefined();
    expect(told).toEqual([]);
  });

  // The kinds as their rooms name them: one that is renamed there must not fall silent.
  const kinds: readonly (readonly [string, { readonly name: string }])[] = [
    ['number_order', ORDERS_KIND],
    ['number_request', REQUESTS_KIND],
    ['personal_number', PERSONAL_NUMBERS],
    ['provisioning', ACCOUNTS_KIND],
  ];
  test.each(kinds)('tells %s by its id alone', async (event, { name }) => {
    const kind: RecordKind<StoredRecord & { readonly note: string }> = { name, fields: () => ({ open: 'yes' }) };
    const store = directory.records(kind);
    await store.put({ id: 'rec_a', createdAt: 1, workspaceId: 'ws_a', note: 'private' });
    await store.update('rec_a', (item) => ({ ...item, note: 'private too' }));
    expect((await store.find({ limit: 5, where: { open: 'yes' } })).items).toHaveLength(1);
    const one = { name: event, workspaceId: 'ws_a', text: JSON.stringify({ id: 'rec_a', workspaceId: 'ws_a' }) };
    expect(told).toEqual([one, one]);
  });

  test('of other kinds nothing is told', async () => {
    const store = directory.records<StoredRecord>({ name: 'console_sessions', fields: () => ({}) });
    await store.put({ id: 'rec_a', createdAt: 1, workspaceId: 'ws_a' });
    expect(told).toEqual([]);
    expect(await store.get('rec_a')).toBeDefined();
  });
});
