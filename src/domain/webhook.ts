// What customers may be told of by webhook. A closed vocabulary: the same word is in the API, in the body and in the metric's label.

export const WEBHOOK_EVENTS = ['call.ended', 'call.billed', 'balance.low', 'balance.exhausted'] as const;
export type WebhookEvent = (typeof WEBHOOK_EVENTS)[number];

/** Asked for at one endpoint through the API; nobody subscribes to it. */
export const TEST_EVENT = 'webhook.test';
export type DeliveryEvent = WebhookEvent | typeof TEST_EVENT;

/** What an attempt led to. `retry`: another one follows; `failed`: none will; `dropped`: its queue was full. */
export type DeliveryResult = 'delivered' | 'retry' | 'failed' | 'dropped';
