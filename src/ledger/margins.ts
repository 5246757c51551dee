// The margin per trunk: what customers were charged in telephony, and what the carrier charges us for the same legs. For the operator.

import type { Nano } from '../domain/money.ts';
import { VERIFICATION_WORKSPACE_ID } from '../domain/verification.ts';
import type { Books, SupplierCost } from './books.ts';
import type { TimeRange } from './line-reader.ts';
import { linesByHour } from './line-reader.ts';

export interface MarginRow {
  readonly trunkId: string;
  /** Day (2026-01-31) or month (2026-01) of UTC. */
  readonly period: string;
  /** Customers' calls; legs that were answered beside one count in the cost only. */
  readonly calls: number;
  /** Calls whose cost is unknown: their deck had no row for the number. They count as if they cost nothing. */
  readonly unpriced: number;
  readonly revenue: Nano;
  readonly cost: Nano;
  /** Negative: the carrier took more than the customer paid. */
  readonly margin: Nano;
}

export interface MarginRequest extends TimeRange {
  /** Undefined: all that have a cost. */
  readonly trunkId: string | undefined;
  readonly per: 'day' | 'month';
}

type Sum = { -readonly [K in keyof MarginRow]: MarginRow[K] };

/** By trunk, then by period. */
export async function marginsOf(books: Pick<Books, 'costs'>, request: MarginRequest): Promise<MarginRow[]> {
  const rows = new Map<string, Sum>();
  for await (const costs of linesByHour((page) => books.costs(page), request)) {
    for (const cost of costs) {
      if (request.trunkId !== undefined && cost.trunkId !== request.trunkId) continue;
      const period = new Date(cost.at).toISOString().slice(0, request.per === 'day' ? 10 : 7);
      const key = `${cost.trunkId} ${period}`;
      const row = rows.get(key) ?? { ...NOTHING, trunkId: cost.trunkId, period };
      rows.set(key, row);
      add(row, cost);
    }
  }
  return [...rows].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
}

const NOTHING = { calls: 0, unpriced: 0, revenue: 0n, cost: 0n, margin: 0n };
/** Line 1 is the customer's call; a call without time and amount on it has no price (metering/supplier.ts Q1, Q4). */
const CUSTOMERS_LEG = /:1$/;

function add(row: Sum, { id, workspaceId, quantityMs, amount, revenue: charged }: SupplierCost): void {
  // What the operator charges its own workspace is nobody's money; what the carrier charges for it is.
  const revenue = workspaceId === VERIFICATION_WORKSPACE_ID ? 0n : charged;
  row.revenue += revenue;
  row.cost += amount;
  row.margin += revenue - amount;
  if (!CUSTOMERS_LEG.test(id)) return;
  row.calls += 1;
  if (quantityMs === 0 && amount === 0n) row.unpriced += 1;
}
