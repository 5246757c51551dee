// Accounts at providers as the API takes and shows them. Keys go in and never come out.

import { Type } from 'typebox';
import { country, cursor, e164, id, name, nullable, object, optional, secret, time } from './common.ts';
import { failureSchema, noticeSchema } from './number-orders.ts';

const accountSid = Type.String({ minLength: 1, maxLength: 64, description: 'an Account SID, which begins with AC' });
const allowedCountries = Type.Union([Type.Enum(['worldwide']), Type.Array(country, { minItems: 1, maxItems: 250 })], {
  description: '"worldwide" or a list of country codes',
});

/** Which of the fields a provider needs is checked by the route, by name. */
export const newAccount = object({
  workspaceId: optional(id),
  provider: Type.Enum(['twilio', 'telnyx']),
  accountSid: optional(accountSid),
  authToken: optional(secret),
  apiKey: optional(secret),
  label: optional(nullable(name)),
});
export const newKey = object({
  authToken: optional(secret),
  apiKey: optional(secret),
  acceptGone: optional(Type.Boolean({ description: 'what was set up there was deleted by hand' })),
});
export const provisionRequest = object({
  allowedCountries: optional(allowedCountries),
  acceptGone: optional(Type.Boolean({ description: 'what was set up there was deleted by hand' })),
});
export const undoRequest = object({ acceptGone: optional(Type.Boolean()) });
export const importRequest = object({
  numbers: Type.Array(e164, { minItems: 1, maxItems: 100, uniqueItems: true }),
  agentId: optional(nullable(id)),
  takeOver: optional(Type.Boolean({ description: 'also numbers whose calls go to another system now' })),
});
export const removeQuery = object({
  keepTrunk: optional(
    Type.Boolean({ description: 'trunk and numbers stay as they are; nothing can be put back any more' }),
  ),
});
export const accountNumbersQuery = object({ cursor: optional(cursor) });

const importState = Type.Enum(['pending', 'active', 'failed']);
export const importedSchema = object({
  items: Type.Array(
    object(
      {
        e164,
        numberId: nullable(id),
        state: importState,
        failure: nullable(failureSchema),
        notices: Type.Array(noticeSchema),
      },
      { title: 'ImportedNumber' },
    ),
  ),
});
export const accountSchema = object(
  {
    id,
    createdAt: time,
    workspaceId: id,
    provider: Type.Enum(['twilio', 'telnyx']),
    accountSid: nullable(Type.String()),
    label: nullable(Type.String()),
    keySet: Type.Boolean(),
    checkedAt: time,
    notices: Type.Array(noticeSchema),
    trunkId: nullable(id),
    provisioning: object({
      phase: Type.Enum(['new', 'provisioning', 'stopped', 'ready', 'undoing', 'undone']),
      running: Type.Boolean(),
      steps: Type.Array(
        object({
          step: Type.String(),
          text: Type.String(),
          state: Type.Enum(['pending', 'started', 'waiting', 'found', 'done', 'failed']),
          failure: nullable(failureSchema),
        }),
      ),
      failure: nullable(failureSchema),
      allowedCountries,
    }),
    imports: object({
      connected: Type.Integer({ minimum: 0 }),
      open: Type.Array(
        object({
          e164,
          numberId: id,
          state: importState,
          failure: nullable(failureSchema),
          notices: Type.Array(noticeSchema),
        }),
      ),
    }),
  },
  { title: 'ProviderAccount' },
);
export const accountNumbersSchema = object({
  items: Type.Array(
    object(
      {
        e164,
        label: nullable(Type.String()),
        country: nullable(country),
        type: nullable(Type.Enum(['local', 'tollfree', 'mobile', 'national', 'shared_cost'])),
        use: Type.Enum(['free', 'ours', 'elsewhere']),
        usedBy: nullable(Type.String()),
        numberId: nullable(id),
        refusal: nullable(failureSchema),
        notices: Type.Array(noticeSchema),
      },
      { title: 'AccountNumber' },
    ),
  ),
  nextCursor: nullable(Type.String()),
  notices: Type.Array(noticeSchema),
});
