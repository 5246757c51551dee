// Statements, usage and margins as the API shows them: as JSON, and as the rows of a CSV.

import { formatMoney, type Nano } from '../domain/money.ts';
import type { SupplierCost } from '../ledger/books.ts';
import type { MarginRow } from '../ledger/margins.ts';
import type { CallTotal, Statement, Total } from '../ledger/statement.ts';
import type { Usage, UsageRow } from '../ledger/usage.ts';
import type { CsvCell } from './csv.ts';
import { viewPosting, viewTime } from './views.ts';

type CsvRow = Readonly<Record<string, CsvCell>>;

export function viewSupplierCost({ id, trunkId, quantityMs, amount, revenue, note }: SupplierCost): object {
  return { id, trunkId, quantityMs, cost: formatMoney(amount), revenue: formatMoney(revenue), note };
}

export function viewStatement(statement: Statement, month: string, currency: string): object {
  const { workspaceId, fromMs, toMs, final, opening, closing, topups, fees, adjustments, charges, detail } = statement;
  return {
    workspaceId,
    month,
    from: viewTime(fromMs),
    to: viewTime(toMs),
    currency,
    final,
    opening: formatMoney(opening),
    topups: viewTotal(topups),
    fees: viewTotal(fees),
    charges: charges.map(({ class: callClass, meter, quantityMs, ...total }) => ({
      class: callClass,
      meter,
      quantityMs,
      ...viewTotal(total),
    })),
    adjustments: viewTotal(adjustments),
    closing: formatMoney(closing),
    ...(detail === null
      ? {}
      : {
          calls: detail.calls.map(viewCallTotal),
          others: detail.others.map(viewPosting),
        }),
  };
}

function viewTotal({ count, amount }: Total): { count: number; amount: string } {
  return { count, amount: formatMoney(amount) };
}

function viewCallTotal({ at, telephony, compute, adjustments, amount, ...call }: CallTotal) {
  const money = {
    telephony: formatMoney(telephony),
    compute: formatMoney(compute),
    adjustments: formatMoney(adjustments),
    amount: formatMoney(amount),
  };
  return { ...call, at: viewTime(at), ...money };
}

export const STATEMENT_COLUMNS = ['line', 'at', 'callId', 'class', 'meter', 'count', 'quantityMs', 'amount', 'note'];

/** The rows between the first (opening) and the last (closing) add up to their difference. */
export function* statementRows({ detail, ...statement }: Statement): Generator<CsvRow> {
  yield { line: 'opening', at: viewTime(statement.fromMs), amount: formatMoney(statement.opening) };
  if (detail === null) yield* groupRows(statement);
  else yield* detailRows(detail);
  yield { line: 'closing', at: viewTime(statement.toMs), amount: formatMoney(statement.closing) };
}

function* groupRows({ topups, fees, charges, adjustments }: Omit<Statement, 'detail'>): Generator<CsvRow> {
  yield { line: 'topups', ...viewTotal(topups) };
  yield { line: 'fees', ...viewTotal(fees) };
  for (const { class: callClass, meter, quantityMs, ...total } of charges)
    yield { line: 'charges', class: callClass, meter, quantityMs, ...viewTotal(total) };
  yield { line: 'adjustments', ...viewTotal(adjustments) };
}

function* detailRows({ calls, others }: NonNullable<Statement['detail']>): Generator<CsvRow> {
  for (const { meter, at, amount, note } of others)
    yield { line: meter, at: viewTime(at), meter, count: 1, amount: formatMoney(amount), note };
  for (const call of calls) {
    const row = (meter: string, quantityMs: number, amount: Nano): CsvRow => ({
      line: 'call',
      at: viewTime(call.at),
      callId: call.callId,
      class: call.class,
      meter,
      quantityMs,
      amount: formatMoney(amount),
    });
    if (call.telephonyMs > 0 || call.telephony !== 0n) yield row('telephony', call.telephonyMs, call.telephony);
    if (call.computeMs > 0 || call.compute !== 0n) yield row('compute', call.computeMs, call.compute);
    if (call.adjustments !== 0n) yield row('adjustment', 0, call.adjustments);
  }
}

export function viewUsage({ rows, total }: Usage): object {
  return { items: rows.map(({ key, ...row }) => ({ key, ...viewUsageRow(row) })), total: viewUsageRow(total) };
}

const USAGE_COLUMNS = ['calls', 'answered', 'telephonyMs', 'computeMs', 'telephony', 'compute', 'adjustments', 'total'];

/** The first column is named after what it holds. */
export function usageColumns(groupBy: string): readonly string[] {
  return [groupBy, ...USAGE_COLUMNS];
}

export function usageRows({ rows }: Usage, groupBy: string): CsvRow[] {
  return rows.map(({ key, ...row }) => ({ [groupBy]: key, ...viewUsageRow(row) }));
}

function viewUsageRow(row: Omit<UsageRow, 'key'>) {
  return {
    ...row,
    telephony: formatMoney(row.telephony),
    compute: formatMoney(row.compute),
    adjustments: formatMoney(row.adjustments),
    total: formatMoney(row.total),
  };
}

export const MARGIN_COLUMNS = ['trunkId', 'period', 'calls', 'unpriced', 'revenue', 'cost', 'margin'];

export function viewMargin({ revenue, cost, margin, ...row }: MarginRow): CsvRow {
  return { ...row, revenue: formatMoney(revenue), cost: formatMoney(cost), margin: formatMoney(margin) };
}
