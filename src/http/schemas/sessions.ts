// Sessions of the console as the API takes and shows them.

import { Type } from 'typebox';
import { KEY_ROLES } from '../scopes.ts';
import { id, nullable, object, secret, time } from './common.ts';

export const role = Type.Enum([...KEY_ROLES]);

export const newSession = object({ token: secret });
export const sessionSchema = object(
  {
    csrfToken: Type.String({ description: 'for the X-CSRF-Token header of every request that changes something' }),
    principal: object({
      kind: Type.Enum(['operator', 'workspace']),
      workspaceId: nullable(id),
      role,
    }),
    expiresAt: time,
  },
  { title: 'Session' },
);
