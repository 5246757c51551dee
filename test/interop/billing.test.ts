import { afterAll, beforeAll, expect, test } from 'vitest';
import { createPhone, type Phone } from '../../src/phone/phone.ts';
import { startGateway, type RunningGateway } from '../support/gateway.ts';

// One real call of the demo workspace, and all that can be asked about its money: the books in their thread, the directory's counts, and
// the shipped price lists.

interface BillInWords {
  readonly charged: string;
  readonly total: string;
  readonly explanation: readonly string[];
  readonly supplierCosts: readonly { readonly trunkId: string; readonly quantityMs: number; readonly cost: string }[];
}

interface Call {
  readonly id: string;
  readonly bill: { readonly final: boolean } | null;
}

let gateway: RunningGateway;
let phone: Phone;

beforeAll(async () => {
  gateway = await startGateway();
  phone = await createPhone({ seed: 5 });
});
afterAll(async () => {
  await phone?.close();
  await gateway?.stop();
});

async function get<T>(path: string): Promise<T> {
  const { status, body } = await gateway.api<T>('GET', path);
  expect([path, status]).toEqual([path, 200]);
  return body;
}

test('a call is explained, stated, counted and set against its cost, and all figures agree', async () => {
  const call = await phone.call(`sip:+12025550100@127.0.0.1:${gateway.sip.udpPort}`, { from: '+12025550142' });
  await call.waitFor('answered');
  await call.bye();
  const newest = async () => (await get<{ items: Call[] }>('/v1/calls?limit=5')).items[0];
  await expect.poll(async () => (await newest())?.bill?.final, { timeout: 5_000 }).toBe(true);
  const id = (await newest())?.id;

  // Records of calls are stored together, up to 200 ms after their bills.
  const counted = async () => (await get<{ total: { calls: number } }>('/v1/usage?workspaceId=demo')).total.calls;
  await expect.poll(counted, { timeout: 5_000 }).toBe(1);

  const bill = await get<BillInWords>(`/v1/calls/${id}/bill`);
  expect(bill.charged).toBe(bill.total);
  expect(bill.explanation[1]).toMatch(
    /^The price of telephony was found for \+12025550100: prefix 1 of price list rates_\w+, in force since 2026-01-01\./,
  );
  expect(bill.supplierCosts).toMatchObject([{ trunkId: 'loopback', quantityMs: 6_000, cost: '0.0004' }]);

  const month = new Date().toISOString().slice(0, 7);
  const statement = await get<{ closing: string; charges: unknown[] }>(`/v1/workspaces/demo/statements/${month}`);
  expect(statement.closing).toBe((await get<{ balance: string }>('/v1/workspaces/demo')).balance);
  expect(statement.charges).toMatchObject([
    { class: 'managed', meter: 'telephony', count: 1, quantityMs: 60_000, amount: '-0.012' },
    { class: 'managed', meter: 'compute', count: 1 },
  ]);

  const usage = await get<{ items: unknown[]; total: unknown }>('/v1/usage?workspaceId=demo&groupBy=number');
  expect(usage.items).toMatchObject([
    { key: '+12025550100', calls: 1, answered: 1, telephonyMs: 60_000, total: bill.total },
  ]);
  const margins = await get<{ items: unknown[] }>('/v1/margins');
  expect(margins.items).toEqual([
    { trunkId: 'loopback', period: month, calls: 1, unpriced: 0, revenue: '0.012', cost: '0.0004', margin: '0.0116' },
  ]);
});
