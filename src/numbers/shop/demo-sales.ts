// Which fictional numbers the demo has sold: kept in the directory, so that they are sold after a restart, too.

import { RecordTaken } from '../../directory/errors.ts';
import type { RecordKind, RecordStore } from '../../directory/records.ts';
import type { E164 } from '../../domain/e164.ts';
import type { DemoSales } from '../../providers/index.ts';

/** The id is the order's reference. */
interface DemoSale {
  readonly id: string;
  readonly createdAt: number;
  readonly workspaceId: null;
  readonly e164: E164;
}

export const DEMO_SALES_KIND: RecordKind<DemoSale> = {
  name: 'demo_sales',
  fields: ({ e164 }) => ({ e164 }),
  unique: ['e164'],
};

export function keepDemoSales(store: RecordStore<DemoSale>, nowMs: () => number): DemoSales {
  const saleOf = async (e164: E164): Promise<DemoSale | undefined> =>
    (await store.find({ where: { e164 }, limit: 1 })).items[0];
  return {
    async claim(e164, reference) {
      try {
        await store.put({ id: reference, createdAt: nowMs(), workspaceId: null, e164 });
        return reference;
      } catch (error) {
        if (!(error instanceof RecordTaken)) throw error;
        return (await saleOf(e164))?.id ?? '';
      }
    },
    find: async (reference) => (await store.get(reference))?.e164 ?? null,
    isSold: async (e164) => (await saleOf(e164)) !== undefined,
    async free(e164) {
      const sale = await saleOf(e164);
      if (sale !== undefined) await store.delete(sale.id);
    },
  };
}
