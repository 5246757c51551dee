// Carriers' call records, their reports and the queue of exceptions, as the API takes and shows them.

import { Type } from 'typebox';
import { EXCEPTION_KINDS } from '../../domain/exception-kind.ts';
import {
  durationMs,
  id,
  line,
  money,
  name,
  nullable,
  object,
  optional,
  pageQuery,
  time,
  timeOrNull,
} from './common.ts';

const count = Type.Integer({ minimum: 0 });
const exceptionKind = Type.Enum([...EXCEPTION_KINDS]);
const carrier = Type.String({
  pattern: '^[a-z0-9][a-z0-9-]{0,31}$',
  description: 'the name of a mapping file, without its ending',
});

const group = object(
  {
    count,
    carrierMs: durationMs,
    ourMs: durationMs,
    carrierCost: money,
    revenue: money,
  },
  { title: 'ReconciliationGroup', description: 'Costs in the currency of the mapping, revenue in that of the node.' },
);
const runFields = {
  carrierCurrency: nullable(Type.String()),
  matched: group,
  withinTolerance: group,
  corrected: group,
  correctionsCharged: money,
  unanswered: group,
  unansweredOnly: group,
  pending: count,
  exceptions: object(Object.fromEntries(EXCEPTION_KINDS.map((kind) => [kind, group]))),
  retriedMatched: count,
  total: group,
};
const rows = object({
  rows: count,
  bad: count,
  skipped: count,
  outOfRange: count,
  repeated: count,
  known: count,
  revised: count,
  imported: count,
  badRows: Type.Array(object({ line: count, reason: Type.String() })),
});
const runReport = object(runFields, { title: 'ReconciliationReport' });
const importReport = object({ rows, ...runFields }, { title: 'ReconciliationImportReport' });

export const reconciliationSchema = object(
  {
    id,
    createdAt: time,
    carrier: Type.String(),
    trunkId: Type.String(),
    fileName: Type.String(),
    sha256: Type.String(),
    mapping: Type.String(),
    from: time,
    to: time,
    state: Type.Enum(['complete', 'interrupted', 'tried']),
    repeated: Type.Boolean({ description: 'the same was imported before; this is the first report' }),
    report: nullable(importReport),
  },
  { title: 'Reconciliation' },
);

export const newReconciliation = object({
  carrier,
  trunk: id,
  file: optional(name),
  from: optional(time),
  to: optional(time),
  strict: optional(Type.Boolean({ default: false })),
  dryRun: optional(Type.Boolean({ default: false })),
});
export const reconciliationQuery = object(pageQuery);

export const sweepSchema = object({
  items: Type.Array(
    object({
      carrier: Type.String(),
      trunkId: Type.String(),
      report: nullable(runReport),
      problem: nullable(Type.String()),
    }),
  ),
});

export const exceptionSchema = object(
  {
    id,
    createdAt: time,
    kind: exceptionKind,
    status: Type.Enum(['open', 'resolved']),
    at: time,
    carrier: Type.String(),
    trunkId: Type.String(),
    reconciliationId: nullable(id),
    recordId: nullable(Type.String()),
    callId: nullable(id),
    workspaceId: nullable(id),
    from: Type.String(),
    to: Type.String(),
    carrierMs: nullable(durationMs),
    ourMs: nullable(durationMs),
    carrierCost: nullable(money),
    knownCost: nullable(money),
    revenue: nullable(money),
    value: money,
    carrierCurrency: nullable(Type.String()),
    detail: Type.String(),
    resolution: nullable(
      object({
        resolvedAt: timeOrNull,
        by: Type.String(),
        note: Type.String(),
        adjustment: nullable(object({ workspaceId: id, amount: money, postingId: Type.String() })),
      }),
    ),
  },
  { title: 'ReconciliationException' },
);
export const exceptionQuery = object({
  ...pageQuery,
  status: optional(Type.Enum(['open', 'resolved'])),
  kind: optional(exceptionKind),
  carrier: optional(carrier),
  trunk: optional(id),
  from: optional(time),
  to: optional(time),
});
export const resolution = object({
  note: Type.String({
    minLength: 1,
    maxLength: 500,
    pattern: '^[^\\u0000-\\u001f\\u007f]+$',
    description: 'text of 1 to 500 characters',
  }),
  by: optional(line(100)),
  adjustment: optional(
    object({
      amount: Type.String({
        pattern: '^-?\\d{1,9}(\\.\\d{1,9})?$',
        description: 'a decimal amount: positive = credited to the workspace, negative = charged',
      }),
      workspaceId: optional(id),
    }),
  ),
});
