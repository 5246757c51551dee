// Numbers for sale and their orders, as the API takes and shows them.

import { Type } from 'typebox';
import { NUMBER_PROBLEMS } from '../number-problems.ts';
import { country, e164, id, money, nullable, object, optional, time, workspaceFilter } from './common.ts';

const numberType = Type.Enum(['local', 'tollfree', 'mobile', 'national', 'shared_cost']);

/** Why one number failed: the same codes as of problems. */
export const failureSchema = object(
  {
    code: Type.Enum([...NUMBER_PROBLEMS]),
    text: Type.String(),
    advice: Type.String(),
    detail: nullable(Type.String()),
  },
  { title: 'NumberFailure' },
);
export const noticeSchema = object(
  { code: Type.String(), text: Type.String(), advice: Type.String() },
  { title: 'Notice' },
);

export const availableQuery = object({
  ...workspaceFilter,
  country: optional(country),
  type: optional(Type.Enum(['local', 'tollfree', 'mobile'])),
  areaCode: optional(Type.String({ pattern: '^\\d{3}$', description: 'an area code of three digits such as 415' })),
  limit: optional(Type.Integer({ minimum: 1, maximum: 50, default: 20 })),
});
export const availableNumberSchema = object(
  {
    e164,
    country,
    type: numberType,
    locality: nullable(Type.String()),
    region: nullable(Type.String()),
    monthlyFee: money,
    setupFee: money,
    currency: Type.String(),
    notices: Type.Array(noticeSchema),
  },
  { title: 'AvailableNumber' },
);
export const availableNumbersSchema = object({ items: Type.Array(availableNumberSchema) });

export const newOrder = object({
  workspaceId: optional(id),
  numbers: Type.Array(e164, { minItems: 1, maxItems: 20, uniqueItems: true }),
  agentId: optional(nullable(id)),
});
export const orderSchema = object(
  {
    id,
    createdAt: time,
    workspaceId: id,
    agentId: nullable(id),
    state: Type.Enum(['pending', 'completed', 'partly_completed', 'failed']),
    numbers: Type.Array(
      object({
        e164,
        state: Type.Enum(['pending', 'active', 'failed']),
        numberId: nullable(id),
        monthlyFee: nullable(money),
        setupFee: nullable(money),
        failure: nullable(failureSchema),
      }),
    ),
  },
  { title: 'NumberOrder' },
);
