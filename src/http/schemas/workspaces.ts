// Workspaces, top-ups and API keys as the API takes and shows them.

import { Type } from 'typebox';
import { amount, id, line, money, name, nullable, object, optional, positive, time } from './common.ts';
import { role } from './sessions.ts';

const workspaceLimits = object({
  concurrentCalls: positive(100_000),
  callsPerSecond: positive(10_000),
  spendPerHour: nullable(amount, 'within an hour of UTC, on calls; a positive decimal amount, or null for no limit'),
  spendPerDay: nullable(amount, 'within a day of UTC, on calls; a positive decimal amount, or null for no limit'),
});
const billingMode = Type.Enum(['prepaid', 'postpaid']);
export const workspaceSchema = object(
  {
    id,
    createdAt: time,
    name,
    billingMode,
    balance: money,
    reserved: money,
    currency: Type.String({ description: 'of all amounts here' }),
    limits: workspaceLimits,
    defaultTrunkId: nullable(
      id,
      'for calls whose caller id has no trunk of its own; null: the oldest that can dial out',
    ),
  },
  { title: 'Workspace' },
);
const partialLimits = Type.Partial(workspaceLimits, { additionalProperties: false });
export const newWorkspace = object({ name, billingMode: optional(billingMode), limits: optional(partialLimits) });
export const workspaceChange = object({
  name: optional(name),
  billingMode: optional(billingMode),
  limits: optional(partialLimits),
});
export const defaultTrunk = object({ trunkId: nullable(id, 'a trunk of the workspace, or null for the oldest one') });
export const topup = object({ amount, note: optional(line(200)) });

const keyFields = { id, createdAt: time, workspaceId: id, label: name, role };
export const keySchema = object(keyFields, { title: 'ApiKey' });
export const createdKeySchema = object(
  { ...keyFields, token: Type.String({ description: 'shown this once' }) },
  { title: 'CreatedApiKey' },
);
export const newKey = object({ label: name, role: optional(role) });
