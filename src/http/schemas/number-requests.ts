// Requests for numbers of other countries, and what each country asks for, as the API takes and shows them.

import { Type } from 'typebox';
import { MEDIA_TYPES } from '../../numbers/requests/content.ts';
import { LIMITS } from '../../numbers/requests/limits.ts';
import { STATUSES } from '../../numbers/requests/machine.ts';
import { NUMBER_TYPES, REQUEST_TYPES } from '../../numbers/requests/requirement.ts';
import {
  country,
  e164,
  id,
  money,
  nullable,
  object,
  optional,
  pageQuery,
  time,
  timeOrNull,
  workspaceFilter,
} from './common.ts';

const type = Type.Enum([...NUMBER_TYPES]);
const requestType = Type.Enum([...REQUEST_TYPES]);
const status = Type.Enum([...STATUSES]);
const fieldName = Type.String({ pattern: '^[a-z][A-Za-z0-9]{0,39}$' });
const documentKind = Type.String({
  pattern: '^[a-z][a-z0-9_]{0,39}$',
  description: 'a kind of document such as proof_of_address',
});
const condition = nullable(object({ field: fieldName, is: Type.Array(Type.String()) }));

const fieldRule = object({
  name: fieldName,
  label: Type.String(),
  help: Type.String(),
  example: Type.String(),
  required: Type.Boolean(),
  format: Type.Enum(['text', 'email', 'phone', 'date']),
  pattern: nullable(Type.String(), 'of the whole value, after normalising'),
  minLength: Type.Integer(),
  maxLength: Type.Integer(),
  options: Type.Array(object({ value: Type.String(), label: Type.String() })),
  normalise: Type.Enum(['trim', 'compact']),
  secret: Type.Boolean({ description: 'shown to the operator, never again to the customer' }),
  when: condition,
});
const documentRule = object({
  kind: documentKind,
  label: Type.String(),
  help: Type.String(),
  required: Type.Boolean(),
  maxAgeMonths: nullable(Type.Integer()),
  when: condition,
});
const areas = object({
  areaField: fieldName,
  postalField: fieldName,
  areas: Type.Array(object({ code: Type.String(), name: Type.String(), postalPrefixes: Type.Array(Type.String()) })),
});
export const requirementSchema = object(
  {
    country,
    countryName: Type.String(),
    type,
    typeLabel: Type.String(),
    requestType,
    notes: Type.Array(Type.String()),
    fields: Type.Array(fieldRule),
    documents: Type.Array(documentRule),
    fees: object({ activation: money, monthly: money, currency: Type.String() }),
    reviewDays: object({ from: Type.Integer(), to: Type.Integer() }),
    areas: nullable(areas),
  },
  { title: 'NumberRequirement' },
);
export const requirementsSchema = object({ items: Type.Array(requirementSchema) });
export const requirementQuery = object({ country: optional(country), type: optional(type) });

const fieldState = object({
  status: Type.Enum(['saved', 'pending', 'invalid']),
  required: Type.Boolean(),
  value: nullable(Type.String(), 'null: not saved, or a secret'),
  savedAt: timeOrNull,
  problem: nullable(Type.String()),
});
export const documentSchema = object({
  id,
  kind: documentKind,
  mediaType: Type.Enum([...MEDIA_TYPES]),
  bytes: Type.Integer(),
  createdAt: time,
});
const fees = object({
  activation: money,
  monthly: money,
  currency: Type.String(),
  total: money,
  status: Type.Enum(['none', 'unpaid', 'paid', 'refunded']),
  paidAt: timeOrNull,
  refundedAt: timeOrNull,
});
export const numberRequestSchema = object(
  {
    id,
    createdAt: time,
    workspaceId: id,
    country,
    type,
    requestType,
    quantity: Type.Integer(),
    numbers: Type.Array(e164, { description: 'to be ported' }),
    status,
    fields: Type.Record(Type.String(), fieldState),
    documents: Type.Array(documentSchema),
    missing: object({ fields: Type.Array(Type.String()), documents: Type.Array(Type.String()) }),
    fees,
    reviewDays: nullable(object({ from: Type.Integer(), to: Type.Integer() })),
    decidedAt: timeOrNull,
    reason: nullable(Type.String()),
    approvedNumbers: Type.Array(object({ id, e164 })),
    erasedAt: timeOrNull,
    history: Type.Array(object({ at: time, status, by: Type.Enum(['customer', 'operator', 'system']) })),
  },
  { title: 'NumberRequest' },
);

export const newNumberRequest = object({
  workspaceId: optional(id),
  country,
  type,
  requestType,
  quantity: optional(Type.Integer({ minimum: 1, maximum: LIMITS.quantityMax })),
  numbers: optional(Type.Array(e164, { maxItems: LIMITS.quantityMax })),
});
export const numberRequestQuery = object({
  ...pageQuery,
  ...workspaceFilter,
  status: optional(status),
  country: optional(country),
  type: optional(type),
  requestType: optional(requestType),
});
export const fieldValue = object({
  value: nullable(Type.String({ maxLength: 1_000 }), 'text, or null to take the value away'),
});
export const documentForm = object({ kind: documentKind });
export const approval = object({
  numbers: Type.Array(e164, { minItems: 1, maxItems: LIMITS.quantityMax }),
  trunkId: optional(nullable(id)),
});
export const rejection = object({
  reason: Type.String({
    minLength: 1,
    maxLength: LIMITS.reasonLengthMax,
    pattern: '^[^\\u0000-\\u0009\\u000b-\\u001f\\u007f]*\\S[^\\u0000-\\u0009\\u000b-\\u001f\\u007f]*$',
    description: 'text of 1 to 1000 characters: what is to be corrected',
  }),
});
