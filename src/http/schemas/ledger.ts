// Postings as the API shows them.

import { Type } from 'typebox';
import { PAGE_LIMIT_DEFAULT } from '../limits.ts';
import { cursor, durationMs, id, money, nullable, object, optional, time, workspaceFilter } from './common.ts';

const meter = Type.Enum(['telephony', 'compute', 'topup', 'fee', 'adjustment']);
export const postingSchema = object(
  {
    id: Type.String(),
    workspaceId: id,
    callId: nullable(Type.String()),
    meter,
    quantityMs: durationMs,
    amount: money,
    balanceAfter: money,
    at: time,
    note: Type.String(),
  },
  { title: 'Posting' },
);
export const ledgerQuery = object({
  limit: optional(
    Type.Integer({
      minimum: 1,
      maximum: 1000,
      default: PAGE_LIMIT_DEFAULT,
      description: 'at most 200 for JSON, 1000 for CSV',
    }),
  ),
  cursor: optional(cursor),
  ...workspaceFilter,
  callId: optional(id),
  meter: optional(meter),
  from: optional(time),
  to: optional(time),
});
