// Personal numbers as the API takes and shows them.

import { Type } from 'typebox';
import { CODE_LANGUAGES } from '../../agents/bundled/languages.ts';
import { country, e164, id, nullable, object, optional, time, timeOrNull } from './common.ts';

const language = Type.Enum([...CODE_LANGUAGES]);

export const personalNumberSchema = object(
  {
    id,
    createdAt: time,
    workspaceId: id,
    e164,
    country: nullable(country),
    language,
    state: Type.Enum(['pending', 'expired', 'failed', 'confirmed', 'verified', 'taken', 'removed']),
    numberId: nullable(id, 'the number that may be shown as caller id'),
    verifiedAt: timeOrNull,
    codeExpiresAt: timeOrNull,
    attemptsLeft: Type.Integer({ minimum: 0 }),
    callsLeft: Type.Integer({ minimum: 0 }),
    nextCallAt: nullable(time, 'when another call may be asked for; null once it is verified'),
    call: nullable(
      object({
        state: Type.Enum([
          'calling',
          'ringing',
          'speaking',
          'spoken',
          'hung_up',
          'no_answer',
          'busy',
          'rejected',
          'failed',
          'unknown',
        ]),
        advice: Type.String(),
        callId: nullable(id, 'for the operator; null for everybody else'),
      }),
      'the last verification call',
    ),
  },
  { title: 'PersonalNumber' },
);

export const newPersonalNumber = object({
  workspaceId: optional(id),
  e164: Type.String({
    minLength: 5,
    maxLength: 40,
    description: 'the number with + or 00 and its country code; blanks, dots, dashes and brackets do not count',
  }),
  language: optional(Type.Enum([...CODE_LANGUAGES], { description: 'spoken in the call; default: by the country' })),
});

export const personalCode = object({
  code: Type.String({ maxLength: 20, pattern: '^(?:[ -]*[0-9]){6}[ -]*$', description: 'six digits' }),
});
