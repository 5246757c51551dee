// Bills in words, statements, usage and margins as the API shows them.

import { Type } from 'typebox';
import { billFields } from './calls.ts';
import { durationMs, id, money, nullable, object, optional, time, workspaceFilter } from './common.ts';
import { postingSchema } from './ledger.ts';

const count = Type.Integer({ minimum: 0 });
const callClass = nullable(
  Type.Enum(['managed', 'imported', 'byoc', 'browser']),
  'null: of calls that ended a moment ago, or whose record is missing',
);
const range = { from: optional(time), to: optional(time) };
const day = 'within a day of UTC such as 2026-01-31';

const supplierCost = object({
  id: Type.String(),
  trunkId: Type.String(),
  quantityMs: durationMs,
  cost: money,
  revenue: money,
  note: Type.String(),
});
export const explainedBillSchema = object(
  {
    callId: id,
    ...billFields,
    corrections: Type.Array(postingSchema),
    charged: Type.String({ description: 'what stands in the ledger for the call: the bill and its corrections' }),
    explanation: Type.Array(Type.String()),
    supplierCosts: optional(Type.Array(supplierCost, { description: 'for the operator only' })),
  },
  { title: 'ExplainedBill' },
);

const total = object({ count, amount: money });
const statementCall = object({
  callId: Type.String(),
  at: time,
  class: callClass,
  telephonyMs: durationMs,
  computeMs: durationMs,
  telephony: money,
  compute: money,
  adjustments: money,
  amount: money,
});
export const statementSchema = object(
  {
    workspaceId: id,
    month: Type.String(),
    from: time,
    to: time,
    currency: Type.String(),
    final: Type.Boolean({ description: 'false: the month is not over' }),
    opening: money,
    topups: total,
    fees: total,
    charges: Type.Array(
      object({
        class: callClass,
        meter: Type.Enum(['telephony', 'compute']),
        count,
        quantityMs: durationMs,
        amount: money,
      }),
    ),
    adjustments: total,
    closing: money,
    calls: optional(Type.Array(statementCall)),
    others: optional(Type.Array(postingSchema)),
  },
  {
    title: 'Statement',
    description:
      'amounts as in the ledger, negative = charged: opening + top-ups + fees + charges + adjustments = closing',
  },
);
export const statementQuery = object({
  detail: optional(Type.Enum(['calls'], { description: 'calls: every call and every other posting, 10 000 at most' })),
});

const usage = {
  calls: count,
  answered: count,
  telephonyMs: durationMs,
  computeMs: durationMs,
  telephony: money,
  compute: money,
  adjustments: money,
  total: money,
};
const grouping = Type.Enum(['number', 'agent', 'day']);
export const usageSchema = object(
  {
    workspaceId: id,
    groupBy: grouping,
    from: time,
    to: time,
    currency: Type.String(),
    items: Type.Array(
      object({ key: nullable(Type.String(), `a number, an agent's id or a day; null: no agent`), ...usage }),
    ),
    total: object(usage),
  },
  { title: 'Usage', description: 'what was charged; negative = given back' },
);
export const usageQuery = object({ ...workspaceFilter, groupBy: optional(grouping), ...range });

const period = Type.Enum(['day', 'month']);
export const marginsSchema = object(
  {
    per: period,
    from: time,
    to: time,
    currency: Type.String(),
    items: Type.Array(
      object({
        trunkId: Type.String(),
        period: Type.String({ description: `${day}, or within a month such as 2026-01` }),
        calls: count,
        unpriced: Type.Integer({
          minimum: 0,
          description: 'calls whose cost is unknown, counted as if they cost nothing',
        }),
        revenue: money,
        cost: money,
        margin: money,
      }),
    ),
  },
  { title: 'Margins' },
);
export const marginsQuery = object({ trunkId: optional(id), per: optional(period), ...range });
