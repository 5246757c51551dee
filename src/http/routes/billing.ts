// What money is asked about: one call's bill in words, a workspace's month, what it used, and what the operator keeps of it.

import type { CallRecord } from '../../domain/call.ts';
import type { TimeRange } from '../../ledger/line-reader.ts';
import { marginsOf } from '../../ledger/margins.ts';
import { monthOf, statementOf } from '../../ledger/statement.ts';
import { sumsByReading } from '../../ledger/sums.ts';
import { usageOf } from '../../ledger/usage.ts';
import { isBillLine } from '../../metering/bill.ts';
import { explainBill, explainCosts } from '../../metering/explanation.ts';
import { type Principal, scopeOf } from '../auth.ts';
import {
  MARGIN_COLUMNS,
  STATEMENT_COLUMNS,
  statementRows,
  usageColumns,
  usageRows,
  viewMargin,
  viewStatement,
  viewSupplierCost,
  viewUsage,
} from '../billing-views.ts';
import { CSV_TYPE, csvReply, wantsCsv } from '../csv.ts';
import { invalidField, Problem } from '../problems.ts';
import { defineRoute, type Route } from '../route.ts';
import type { RouteDeps } from '../route-deps.ts';
import * as schemas from '../schemas/billing.ts';
import { formatMoney } from '../../domain/money.ts';
import { viewBill, viewPosting, viewTime } from '../views.ts';
import { found, idOf, ownerOf, visibleCall } from './lookup.ts';

const RANGE_MAX_MS = 366 * 86_400_000;
/** Far more than a call can have. */
const CALL_LINES_MAX = 100;

export function billingRoutes({
  directory,
  books,
  calls,
  clock,
  currency,
  report,
  sums = sumsByReading(books),
}: RouteDeps): readonly Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/v1/calls/{id}/bill',
      operationId: 'explainBill',
      tag: 'Billing',
      summary: 'The bill of a call in words; for the operator with what it costs us',
      access: 'workspace',
      success: { status: 200, description: 'The bill', schema: schemas.explainedBillSchema },
      problems: [],
      async handle({ principal, params }) {
        return { body: await explained(await visibleCall(calls, principal, idOf(params)), principal) };
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/v1/workspaces/{id}/statements/{month}',
      operationId: 'getStatement',
      tag: 'Billing',
      summary: 'The statement of a month such as 2026-01 (UTC); CSV with Accept: text/csv',
      access: 'workspace',
      query: schemas.statementQuery,
      success: {
        status: 200,
        description: 'The statement; CSV: rows from opening to closing',
        schema: schemas.statementSchema,
        otherTypes: [CSV_TYPE],
      },
      problems: ['range_too_large'],
      async handle({ principal, params, query, header }) {
        const workspace = await found(directory.workspaces.get(idOf(params), scopeOf(principal, idOf(params))));
        const month = idOf(params, 'month');
        const range = monthOf(month);
        if (range === undefined) throw invalidField('month', 'must be a year and a month such as 2026-01');
        const { factsOf } = directory.calls;
        const request = {
          workspaceId: workspace.id,
          ...range,
          detail: query.detail === 'calls',
          nowMs: clock.wallMs(),
        };
        const statement = await report(principal, () => statementOf({ books, sums, factsOf }, request));
        if (!wantsCsv(header('accept'))) return { body: viewStatement(statement, month, currency) };
        const name = `statement-${workspace.id}-${month}`;
        return csvReply({ name, columns: STATEMENT_COLUMNS, rows: statementRows(statement) });
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/v1/usage',
      operationId: 'getUsage',
      tag: 'Billing',
      summary: 'Calls, time and money of a workspace by number, agent or day; CSV with Accept: text/csv',
      access: 'workspace',
      query: schemas.usageQuery,
      success: {
        status: 200,
        description: 'The usage; without a range that of this month',
        schema: schemas.usageSchema,
        otherTypes: [CSV_TYPE],
      },
      problems: ['range_too_large'],
      async handle({ principal, query, header }) {
        const workspaceId = ownerOf(principal, query.workspaceId);
        await found(directory.workspaces.get(workspaceId));
        const { groupBy = 'day' } = query;
        const range = rangeOf(query);
        const { factsOf, countEnded } = directory.calls;
        const request = { workspaceId, by: groupBy, ...range };
        const usage = await report(principal, () => usageOf({ books, factsOf, countEnded }, request));
        if (wantsCsv(header('accept')))
          return csvReply({ name: 'usage', columns: usageColumns(groupBy), rows: usageRows(usage, groupBy) });
        return { body: { workspaceId, groupBy, ...viewRange(range), currency, ...viewUsage(usage) } };
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/v1/margins',
      operationId: 'getMargins',
      tag: 'Billing',
      summary: 'What customers paid for telephony and what carriers charge us, per trunk; CSV with Accept: text/csv',
      access: 'operator',
      query: schemas.marginsQuery,
      success: {
        status: 200,
        description: 'The margins; without a range those of this month',
        schema: schemas.marginsSchema,
        otherTypes: [CSV_TYPE],
      },
      problems: ['range_too_large'],
      async handle({ principal, query, header }) {
        const { per = 'month', trunkId } = query;
        const range = rangeOf(query);
        const rows = await report(principal, () => marginsOf(books, { trunkId, per, ...range }));
        const items = rows.map(viewMargin);
        if (wantsCsv(header('accept'))) return csvReply({ name: 'margins', columns: MARGIN_COLUMNS, rows: items });
        return { body: { per, ...viewRange(range), currency, items } };
      },
    }),
  ];

  async function explained(call: CallRecord, principal: Principal): Promise<object> {
    const { id: callId, bill, workspaceId } = call;
    if (bill === null)
      throw new Problem('not_found', { detail: 'The call has no bill: it was refused before it could cost anything' });
    const lines = { callId, ...(workspaceId === null ? {} : { workspaceId }), limit: CALL_LINES_MAX };
    const postings = (await books.postings(lines)).toReversed();
    const corrections = postings.filter((posting) => !isBillLine(posting.id));
    const costs = principal.kind === 'operator' ? (await books.costs(lines)).toReversed() : [];
    const isLive = call.state !== 'ended';
    const explanation = explainBill(bill, {
      class: call.class,
      direction: call.direction,
      isLive,
      endReason: call.endReason,
      corrections,
    });
    return {
      callId,
      ...viewBill(bill),
      corrections: corrections.map(viewPosting),
      charged: formatMoney(postings.reduce((sum, { amount }) => sum - amount, 0n)),
      explanation: [...explanation, ...explainCosts(costs, bill.currency)],
      ...(principal.kind === 'operator' ? { supplierCosts: costs.map(viewSupplierCost) } : {}),
    };
  }

  /** What was asked for, or this month up to now. */
  function rangeOf({ from, to }: { readonly from?: string; readonly to?: string }): TimeRange {
    const toMs = to === undefined ? clock.wallMs() : Date.parse(to);
    const now = new Date(toMs);
    const fromMs = from === undefined ? Date.UTC(now.getUTCFullYear(), now.getUTCMonth()) : Date.parse(from);
    if (fromMs > toMs) throw invalidField('from', 'must not be later than to');
    if (toMs - fromMs > RANGE_MAX_MS) throw invalidField('from', 'must be at most 366 days before to');
    return { fromMs, toMs };
  }
}

function viewRange({ fromMs, toMs }: TimeRange): { from: string; to: string } {
  return { from: viewTime(fromMs), to: viewTime(toMs) };
}
