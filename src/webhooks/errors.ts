// What can go wrong with webhooks: refusals of the API, with stable codes that survive the way between threads, and the closed
// vocabulary of why a delivery did not arrive.

/** Every word that `lastError` of a delivery can be, with what it means; docs/webhooks.md is checked against it. */
export const DELIVERY_ERRORS = {
  dns_failed: 'the name of the host could not be resolved',
  address_not_allowed: 'the address, or what its name resolves to, is not one we send to',
  connect_failed: 'nobody listens there, or the address cannot be reached',
  tls_failed: 'the certificate was not accepted, or the receiver does not speak TLS',
  connection_lost: 'the connection ended before an answer came',
  response_invalid: 'the answer was not HTTP, or its headers were too large',
  timeout: 'no answer in time',
  bad_status: 'an answer with a status other than 2xx',
  queue_full: 'too many deliveries waited for this endpoint, and this was the oldest',
  expired: 'the endpoint stayed disabled for too long',
} as const;

export type DeliveryError = keyof typeof DELIVERY_ERRORS;

export type WebhookErrorCode =
  | 'webhook_url_refused'
  | 'webhook_limit'
  | 'webhook_disabled'
  | 'webhooks_closed'
  | 'webhooks_overloaded'
  | 'webhooks_lost';

abstract class WebhookError extends Error {
  abstract readonly code: WebhookErrorCode;
  override get name(): string {
    return this.constructor.name;
  }
}

/** The message says what the URL must be; it never repeats the URL. */
export class WebhookUrlRefused extends WebhookError {
  readonly code = 'webhook_url_refused';
}

export class WebhookLimitReached extends WebhookError {
  readonly code = 'webhook_limit';
}

/** Nothing is sent to it until it is enabled. */
export class WebhookDisabled extends WebhookError {
  readonly code = 'webhook_disabled';
}

export class WebhooksClosedError extends WebhookError {
  readonly code = 'webhooks_closed';
}

export class WebhooksOverloadedError extends WebhookError {
  readonly code = 'webhooks_overloaded';
}

/** The thread ended while it had the request; it is started again. */
export class WebhooksLostError extends WebhookError {
  readonly code = 'webhooks_lost';
}

/** An error of the thread, with the code it had there. */
export class WebhooksThreadError extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
    this.name = 'WebhooksThreadError';
  }
}
