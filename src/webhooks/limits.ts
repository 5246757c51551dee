// Limits of webhooks, each with its reason. Durations in ms.

export interface WebhookLimits {
  readonly endpointsPerWorkspaceMax: number;
  /** Deliveries of one endpoint that are not done; beyond that the oldest fail. */
  readonly openPerEndpointMax: number;
  /** Delivered ones of an endpoint that are kept to be looked at, and failed ones as many again. */
  readonly donePerEndpointMax: number;
  readonly sendingMax: number;
  /** Of those, how many may be toward endpoints whose last attempt failed or was slow: dead receivers must not starve the others. */
  readonly sendingSuspectMax: number;
  readonly sendingPerEndpointMax: number;
  readonly attemptTimeoutMs: number;
  /** Slower than this is suspect (`sendingSuspectMax`). */
  readonly slowMs: number;
  /** Of an answer's body, for the delivery log. */
  readonly responseBytesMax: number;
  readonly responseHeaderBytesMax: number;
  /** Ceiling of the first backoff; it doubles with each failure. */
  readonly backoffMinMs: number;
  readonly backoffMaxMs: number;
  readonly retryAfterMaxMs: number;
  /** From the event to the last attempt. */
  readonly giveUpMs: number;
  readonly deliveredKeptMs: number;
  readonly failedKeptMs: number;
  /** How long a replaced secret goes on signing. */
  readonly formerSecretMs: number;
  /** Writes that come together within it share a transaction. */
  readonly commitMs: number;
  /** Pause after a write to the store failed. */
  readonly storeRetryMs: number;
  /** So often an event is given to the store before it is lost. */
  readonly storeTriesMax: number;
  /** Requests from the main thread that have no answer yet. */
  readonly requestsMax: number;
  /** What is being sent when the node stops has so long to be answered. */
  readonly closeGraceMs: number;
  readonly keepMs: number;
  /** Rows that one step of the keeper touches. */
  readonly keepRowsMax: number;
}

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;
const DAY = 24 * HOUR;

export const WEBHOOK_LIMITS: WebhookLimits = {
  // Each event is stored and sent once per endpoint.
  endpointsPerWorkspaceMax: 20,
  // More than an hour of a full node's events for one receiver that is down; about 150 MB of disk.
  openPerEndpointMax: 100_000,
  donePerEndpointMax: 100_000,
  // A socket each; 16 busy endpoints at once, and half of it is always there for those that answer.
  sendingMax: 128,
  sendingSuspectMax: 64,
  sendingPerEndpointMax: 8,
  attemptTimeoutMs: 10 * SECOND,
  slowMs: 2 * SECOND,
  responseBytesMax: 1_024,
  responseHeaderBytesMax: 16 * 1_024,
  backoffMinMs: 5 * SECOND,
  backoffMaxMs: HOUR,
  retryAfterMaxMs: HOUR,
  giveUpMs: 72 * HOUR,
  deliveredKeptMs: 7 * DAY,
  failedKeptMs: 30 * DAY,
  formerSecretMs: DAY,
  // An fsync per event would keep the disk from the books; nobody waits for a webhook.
  commitMs: 50,
  storeRetryMs: SECOND,
  storeTriesMax: 10,
  requestsMax: 20_000,
  closeGraceMs: 2 * SECOND,
  keepMs: 5 * SECOND,
  keepRowsMax: 500,
};
