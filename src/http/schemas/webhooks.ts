// Webhooks and their deliveries as the API takes and shows them. The secret comes out once, when it is made.

import { Type } from 'typebox';
import { TEST_EVENT, WEBHOOK_EVENTS } from '../../domain/webhook.ts';
import { DELIVERY_ERRORS } from '../../webhooks/errors.ts';
import { DELIVERY_STATUSES } from '../../webhooks/records.ts';
import { id, line, nullable, object, optional, pageQuery, time, timeOrNull } from './common.ts';

const url = Type.String({
  minLength: 9,
  maxLength: 2048,
  pattern: '^https?://[^\\s@#]+$',
  description: 'an https address without user information',
});
const events = Type.Union(
  [Type.Enum(['all']), Type.Array(Type.Enum([...WEBHOOK_EVENTS]), { minItems: 1, uniqueItems: true })],
  { description: `"all" or a list of ${WEBHOOK_EVENTS.join(', ')}` },
);
const description = line(200);
const settings = { url, events, enabled: Type.Boolean(), description };

const shape = {
  id,
  createdAt: time,
  workspaceId: id,
  ...settings,
  disabledReason: nullable(Type.Enum(['gone'])),
  formerSecretUntil: timeOrNull,
};
const secret = Type.String({ description: 'whsec_ and base64; shown this once' });

export const webhookSchema = object(shape, { title: 'Webhook' });
export const createdWebhookSchema = object({ ...shape, secret }, { title: 'CreatedWebhook' });
export const newWebhook = object({
  workspaceId: optional(id),
  url,
  events: optional(events),
  enabled: optional(settings.enabled),
  description: optional(description),
});
export const webhookChange = Type.Partial(object(settings), { additionalProperties: false });

const status = Type.Enum([...DELIVERY_STATUSES]);
export const deliverySchema = object(
  {
    id,
    createdAt: time,
    eventId: Type.String(),
    type: Type.Enum([...WEBHOOK_EVENTS, TEST_EVENT]),
    status,
    attempts: Type.Integer({ minimum: 0 }),
    nextAttemptAt: timeOrNull,
    lastAttemptAt: timeOrNull,
    lastStatus: nullable(Type.Integer()),
    lastError: nullable(Type.Enum(Object.keys(DELIVERY_ERRORS))),
    lastResponse: nullable(Type.String()),
    finishedAt: timeOrNull,
  },
  { title: 'WebhookDelivery' },
);
export const deliveryQuery = object({ ...pageQuery, status: optional(status) });
