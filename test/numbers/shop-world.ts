// The API with real books and a directory of its own; numbers from the demo or from a fake Telnyx.

import { afterEach } from 'vitest';
import { openBooksInline } from '../../src/books.ts';
import { openDirectory } from '../../src/directory/sqlite-directory.ts';
import type { Directory } from '../../src/directory/directory.ts';
import type { Books } from '../../src/ledger/books.ts';
import type { Numbers } from '../../src/numbers/numbers.ts';
import { DEMO_SALES_KIND } from '../../src/numbers/shop/demo-sales.ts';
import type { NumberInventory } from '../../src/providers/index.ts';
import { agent, trunk } from '../directory/records.ts';
import { type Answer, startWorld, type World } from '../http/world.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { demoInventory, openTestNumbers, type TestNumbersOptions } from './stage.ts';

export interface ShopWorld {
  readonly world: World;
  readonly directory: Directory;
  readonly books: Books;
  readonly clock: FakeClock;
  readonly numbers: Numbers & { readonly said: string[] };
  /** A workspace with money and an agent. */
  workspace(balance?: string, billingMode?: string): Promise<{ id: string; token: string; agentId: string }>;
  balance(workspaceId: string): Promise<{ balance: string; reserved: string }>;
  /** Fees of the ledger, newest first. */
  fees(workspaceId: string): Promise<{ id: string; amount: string; note: string }[]>;
  search(token: string, query?: string): Promise<Answer>;
  order(token: string, numbers: readonly string[], over?: { key?: string; agentId?: string }): Promise<Answer>;
  /** The room as another process would open it over the same store. */
  reopen(over?: Partial<TestNumbersOptions>): Numbers & { readonly said: string[] };
  sold(): Promise<number>;
}

const opened: (() => Promise<void>)[] = [];

/** Of a test file: closes what its tests opened. */
export function closeShops(): void {
  afterEach(async () => {
    for (const close of opened.splice(0).reverse()) await close();
  });
}

export interface ShopOptions extends Partial<Omit<TestNumbersOptions, 'inventory'>> {
  readonly wrapInventory?: (inventory: NumberInventory) => NumberInventory;
  readonly inventory?: NumberInventory | null;
  readonly wrapBooks?: (books: Books) => Books;
  readonly wrapDirectory?: (directory: Directory) => Directory;
  /** Instead of one in memory; closed with the world. */
  readonly stored?: Directory;
}

export async function shopWorld(options: ShopOptions = {}): Promise<ShopWorld> {
  const {
    wrapInventory = (inventory) => inventory,
    wrapBooks = (books) => books,
    wrapDirectory = (one) => one,
  } = options;
  const clock = options.clock ?? new FakeClock();
  const stored =
    options.stored ?? openDirectory(':memory:', { sealingKey: new Uint8Array(32).fill(7), schedule: queueMicrotask });
  const file = openBooksInline({ path: ':memory:' });
  const directory = wrapDirectory(stored);
  const books = wrapBooks(file.books);
  const inventory = options.inventory === undefined ? wrapInventory(demoInventory(stored, clock)) : options.inventory;
  const { providers, terms, nodeId } = options;
  const rest = { ...(providers ? { providers } : {}), ...(terms ? { terms } : {}), ...(nodeId ? { nodeId } : {}) };
  const parts = { directory, books, clock, inventory, ...rest };
  const numbers = openTestNumbers(parts);
  const world = await startWorld({ directory, books, clock, numbers });
  opened.push(async () => {
    await world.close();
    await stored.close();
    await file.close();
  });
  await stored.trunks.put(trunk({ id: 'managed', kind: 'managed', workspaceId: null }));
  const { ask } = world;
  return {
    world,
    directory,
    books,
    clock,
    numbers,
    async workspace(balance = '10.00', billingMode = 'prepaid') {
      const made = await world.workspace('Shop');
      if (billingMode !== 'prepaid') await ask('PATCH', `/v1/workspaces/${made.id}`, { body: { billingMode } });
      if (balance !== '0')
        await ask('POST', `/v1/workspaces/${made.id}/topups`, {
          body: { amount: balance },
          headers: { 'idempotency-key': 'k' },
        });
      const agentId = `agent_${made.id.slice(3, 12)}`;
      await stored.agents.put(agent({ id: agentId, workspaceId: made.id }));
      return { ...made, agentId };
    },
    async balance(workspaceId) {
      const { body } = await ask('GET', `/v1/workspaces/${workspaceId}`);
      return { balance: body.balance, reserved: body.reserved };
    },
    async fees(workspaceId) {
      const { body } = await ask('GET', `/v1/ledger?workspaceId=${workspaceId}&meter=fee`);
      return body.items.map(({ id, amount, note }: { id: string; amount: string; note: string }) => ({
        id,
        amount,
        note,
      }));
    },
    search: (token, query = 'country=US') => ask('GET', `/v1/available-numbers?${query}`, { token }),
    order: (token, wanted, { key = 'order-1', agentId } = {}) =>
      ask('POST', '/v1/number-orders', {
        token,
        body: { numbers: wanted, ...(agentId === undefined ? {} : { agentId }) },
        headers: { 'idempotency-key': key },
      }),
    reopen: (over = {}) => openTestNumbers({ ...parts, ...over }),
    sold: async () => (await stored.records(DEMO_SALES_KIND).list({ limit: 200 })).items.length,
  };
}

/** As the demo's, but that a test says what comes of orders. */
export function steered(inventory: NumberInventory, over: Partial<NumberInventory>): NumberInventory {
  return {
    provider: inventory.provider,
    search: (search, signal) => inventory.search(search, signal),
    order: (purchase, signal) => inventory.order(purchase, signal),
    status: (reference, signal) => inventory.status(reference, signal),
    release: (number, signal) => inventory.release(number, signal),
    ...over,
  };
}
