// Phone numbers as the API takes and shows them.

import { Type } from 'typebox';
import { NUMBER_WARNINGS } from '../../numbers/warnings.ts';
import { country, e164, id, nullable, object, optional, pageQuery, positive, time, workspaceFilter } from './common.ts';

const provider = Type.Enum(['managed', 'twilio', 'telnyx', 'byoc', 'personal']);
const numberLimits = object({ concurrentCalls: positive(100_000), callsPerSecond: positive(10_000) });
const partialLimits = Type.Partial(numberLimits, { additionalProperties: false });
const numberStatus = Type.Enum(['active', 'pending', 'released']);
export const numberSchema = object(
  {
    id,
    createdAt: time,
    e164,
    country: nullable(country),
    workspaceId: id,
    provider,
    trunkId: nullable(id),
    agentId: nullable(id),
    supportsInbound: Type.Boolean(),
    supportsOutbound: Type.Boolean(),
    status: numberStatus,
    limits: numberLimits,
    warnings: Type.Array(Type.Enum([...NUMBER_WARNINGS])),
  },
  { title: 'PhoneNumber' },
);
export const newNumber = object({
  workspaceId: optional(id),
  e164,
  provider: optional(provider),
  trunkId: optional(nullable(id)),
  agentId: optional(nullable(id)),
  supportsInbound: optional(Type.Boolean()),
  supportsOutbound: optional(Type.Boolean()),
  limits: optional(partialLimits),
});
export const numberChange = object({
  agentId: optional(nullable(id)),
  supportsInbound: optional(Type.Boolean()),
  supportsOutbound: optional(Type.Boolean()),
  limits: optional(partialLimits),
});
export const numberQuery = object({
  ...pageQuery,
  ...workspaceFilter,
  provider: optional(provider),
  status: optional(numberStatus),
  country: optional(country),
  assigned: optional(Type.Boolean()),
  q: optional(Type.String({ minLength: 1, maxLength: 20, pattern: '^[+0-9]+$', description: 'digits of the number' })),
});
