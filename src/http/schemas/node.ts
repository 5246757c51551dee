// The node, its health, and route explanations.

import { Type } from 'typebox';
import { id, nullable, object, optional, reason } from './common.ts';

export const nodeSchema = object(
  {
    id: Type.String(),
    version: Type.String(),
    engines: object({ sip: Type.String(), webrtc: Type.String(), store: Type.String() }),
    ports: Type.Record(Type.String(), nullable(Type.Integer())),
    state: Type.Enum(['active', 'draining']),
    activeCalls: optional(Type.Integer({ minimum: 0, description: 'operator only' })),
  },
  { title: 'Node' },
);
export const healthSchema = object({ status: Type.Enum(['ok']) });
export const readySchema = object({
  ready: Type.Literal(true),
  checks: optional(Type.Record(Type.String(), Type.Boolean())),
});

export const routeQuestion = object({
  direction: optional(Type.Enum(['inbound', 'outbound'], { default: 'inbound' })),
  sourceIp: optional(
    Type.String({
      minLength: 2,
      maxLength: 45,
      pattern: '^[0-9a-fA-F.:]+$',
      description: 'an IP address; needed for inbound',
    }),
  ),
  workspaceId: optional({ ...id, description: 'who calls; needed for outbound' }),
  from: Type.String({ minLength: 1, maxLength: 128 }),
  to: Type.String({ minLength: 1, maxLength: 128 }),
});
export const routeExplanationSchema = object(
  {
    verdict: Type.Enum(['accepted', 'refused']),
    reason: nullable(reason),
    sipStatus: Type.Integer(),
    text: Type.String(),
    trunkId: nullable(id),
    workspaceId: nullable(id),
    numberId: nullable(id),
    agentId: nullable(id),
    steps: Type.Array(
      object({ check: Type.String(), result: Type.Enum(['ok', 'failed', 'note']), seen: Type.String() }),
    ),
  },
  { title: 'RouteExplanation' },
);
