import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Directory } from '../../src/directory/directory.ts';
import type { RecordKind, RecordStore } from '../../src/directory/records.ts';
import { workspace } from './records.ts';

interface Order {
  readonly id: string;
  readonly createdAt: number;
  readonly workspaceId: string | null;
  readonly state: string;
  readonly reference: string | null;
  readonly fee: bigint;
  readonly key: string | null;
}

const ORDERS: RecordKind<Order> = {
  name: 'test_orders',
  fields: ({ state, reference }) => ({ state, reference }),
  unique: ['reference'],
  secrets: (item, convert) => ({ ...item, key: item.key === null ? null : convert(item.key, 'key') }),
};
const PARCELS: RecordKind<Order> = { ...ORDERS, name: 'test_parcels' };

const order = (over: Partial<Order> = {}): Order => ({
  id: 'ord_a',
  createdAt: 1_000,
  workspaceId: 'ws_a',
  state: 'open',
  reference: 'ref-a',
  fee: 9_007_199_254_740_993_121n,
  key: 'record-secret',
  ...over,
});

/** What every implementation of the directory must do with kinds of records that it does not know. */
export function recordsContract(name: string, open: () => Promise<Directory>): void {
  describe(`records contract: ${name}`, () => {
    let directory: Directory;
    let orders: RecordStore<Order>;

    beforeEach(async () => {
      directory = await open();
      await directory.workspaces.put(workspace());
      await directory.workspaces.put(workspace({ id: 'ws_b', createdAt: 2_000, name: 'B' }));
      orders = directory.records(ORDERS);
    });
    afterEach(() => directory.close());

    const ids = async (filter: Parameters<RecordStore<Order>['find']>[0]) =>
      (await orders.find(filter)).items.map((item) => item.id);

    test('a record comes back as it went in, money to the last digit and the secret in clear', async () => {
      await orders.put(order());
      expect(await orders.get('ord_a')).toEqual(order());
      const bare = order({ id: 'ord_b', workspaceId: null, reference: null, key: null, fee: -1n });
      await orders.put(bare);
      expect(await orders.get('ord_b')).toEqual(bare);
    });

    test('what looks like a number of ours but is not stays what it is', async () => {
      const odd = { ...order(), state: 'open', note: { $big: 'x', more: [{ $big: 1 }, null] } };
      await orders.put(odd);
      expect(await orders.get('ord_a')).toEqual(odd);
    });

    test('kinds do not see one another', async () => {
      await orders.put(order());
      const parcels = directory.records(PARCELS);
      expect(await parcels.get('ord_a')).toBeUndefined();
      await parcels.put(order({ state: 'sent' }));
      expect(await orders.get('ord_a')).toEqual(order());
      expect((await parcels.find({ limit: 10, where: { state: 'open' } })).items).toEqual([]);
    });

    test('a record is found by its fields as they are now', async () => {
      await orders.put(order());
      await orders.put(order({ id: 'ord_b', createdAt: 2_000, reference: null }));
      await orders.put(order({ id: 'ord_c', createdAt: 3_000, workspaceId: 'ws_b', reference: 'ref-c' }));
      expect(await ids({ limit: 10, where: { state: 'open' } })).toEqual(['ord_c', 'ord_b', 'ord_a']);
      expect(await ids({ limit: 10, where: { state: 'open' }, workspaceId: 'ws_a' })).toEqual(['ord_b', 'ord_a']);
      expect(await ids({ limit: 10, where: { state: 'open', reference: 'ref-a' } })).toEqual(['ord_a']);
      expect(await ids({ limit: 10, where: { reference: 'ref-x' } })).toEqual([]);
      await orders.update('ord_a', (item) => ({ ...item, state: 'paid', reference: null }));
      expect(await ids({ limit: 10, where: { state: 'open' } })).toEqual(['ord_c', 'ord_b']);
      expect(await ids({ limit: 10, where: { state: 'paid' } })).toEqual(['ord_a']);
      expect(await ids({ limit: 10, where: { reference: 'ref-a' } })).toEqual([]);
    });

    test('pages neither repeat nor leave out, with a field and without', async () => {
      for (let each = 0; each < 25; each += 1) {
        const id = `ord_${String(each).padStart(2, '0')}`;
        await orders.put(order({ id, createdAt: 1_000 + Math.floor(each / 4), reference: null }));
      }
      for (const where of [undefined, { state: 'open' }]) {
        const seen: string[] = [];
        let cursor: string | null = null;
        do {
          const page = await orders.find({
            limit: 7,
            workspaceId: 'ws_a',
            ...(where && { where }),
            ...(cursor !== null && { cursor }),
          });
          seen.push(...page.items.map((item) => item.id));
          cursor = page.nextCursor;
        } while (cursor !== null && seen.length < 100);
        expect(seen).toHaveLength(25);
        expect(seen).toEqual([...new Set(seen)].sort().reverse());
      }
      await expect(orders.list({ limit: 5, cursor: 'x' })).rejects.toMatchObject({ code: 'invalid_cursor' });
      await expect(orders.list({ limit: 0 })).rejects.toThrow(RangeError);
    });

    test('of a unique value there is one, in all workspaces; a refused write changes nothing', async () => {
      await orders.put(order());
      const second = order({ id: 'ord_b', workspaceId: 'ws_b' });
      await expect(orders.put(second)).rejects.toMatchObject({ code: 'record_taken' });
      expect(await orders.get('ord_b')).toBeUndefined();
      expect(await ids({ limit: 10, where: { state: 'open' } })).toEqual(['ord_a']);
      await orders.put({ ...second, reference: 'ref-b' });
      await expect(
        orders.update('ord_b', (item) => ({ ...item, reference: 'ref-a', state: 'paid' })),
      ).rejects.toMatchObject({ code: 'record_taken' });
      expect(await orders.get('ord_b')).toEqual({ ...second, reference: 'ref-b' });
      expect(await ids({ limit: 10, where: { reference: 'ref-b' } })).toEqual(['ord_b']);
      await orders.delete('ord_a');
      await orders.update('ord_b', (item) => ({ ...item, reference: 'ref-a' }));
      expect(await ids({ limit: 10, where: { reference: 'ref-a' } })).toEqual(['ord_b']);
    });

    test('another workspace can neither read, change, find nor delete it', async () => {
      await orders.put(order());
      expect(await orders.get('ord_a', 'ws_b')).toBeUndefined();
      expect(await orders.update('ord_a', (item) => ({ ...item, state: 'x' }), 'ws_b')).toBeUndefined();
      expect(await orders.delete('ord_a', 'ws_b')).toBe(false);
      expect(await ids({ limit: 10, where: { state: 'open' }, workspaceId: 'ws_b' })).toEqual([]);
      expect(await orders.get('ord_a', 'ws_a')).toEqual(order());
      expect(await orders.delete('ord_a', 'ws_a')).toBe(true);
      expect(await orders.delete('ord_a', 'ws_a')).toBe(false);
    });

    test('a record keeps its workspace and its time, and points at a workspace that exists', async () => {
      await orders.put(order());
      await expect(orders.put(order({ workspaceId: 'ws_b' }))).rejects.toMatchObject({ code: 'record_moved' });
      await expect(orders.put(order({ createdAt: 5 }))).rejects.toMatchObject({ code: 'record_moved' });
      await expect(orders.put(order({ id: 'ord_x', workspaceId: 'ws_x', reference: null }))).rejects.toMatchObject({
        code: 'unknown_reference',
      });
      expect(await orders.get('ord_a')).toEqual(order());
      expect(await orders.get('ord_x')).toBeUndefined();
    });

    test('two updates at once both count', async () => {
      await orders.put(order({ fee: 0n }));
      await Promise.all(
        Array.from({ length: 20 }, () => orders.update('ord_a', (item) => ({ ...item, fee: item.fee + 1n }))),
      );
      expect((await orders.get('ord_a'))?.fee).toBe(20n);
    });
  });
}
