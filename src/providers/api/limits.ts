// Limits toward a provider's API, each with its reason. Durations in ms.

export interface ApiLimits {
  readonly requestTimeoutMs: number;
  readonly answerBytesMax: number;
  /** Of one request, the first included. */
  readonly attemptsMax: number;
  /** Ceiling of the first backoff; it doubles with each failure. */
  readonly backoffMinMs: number;
  readonly backoffMaxMs: number;
  /** A provider that wants a longer pause than this gets it, but nobody waits here for it. */
  readonly pauseMaxMs: number;
  /** Requests under way to one account. */
  readonly concurrentMax: number;
  readonly waitingMax: number;
  readonly pageSize: number;
  readonly pagesMax: number;
  /** So often something that should be there is looked for before it counts as missing: lists lag behind. */
  readonly looksMax: number;
  /** So often one thing is made, where it may not have been. */
  readonly makesMax: number;
}

export const API_LIMITS: ApiLimits = {
  // Creating a connection takes some seconds; nothing takes longer.
  requestTimeoutMs: 20_000,
  // A page of 250 numbers has some 500 kB.
  answerBytesMax: 8 * 1024 * 1024,
  // With the backoffs below some ten seconds in all: as long as somebody looks at a progress bar.
  attemptsMax: 4,
  backoffMinMs: 500,
  backoffMaxMs: 8_000,
  pauseMaxMs: 30_000,
  // Twilio limits requests at once per account (20429); the customer's own programs need some of them.
  concurrentMax: 3,
  waitingMax: 200,
  // The most that Telnyx gives.
  pageSize: 250,
  // 25 000 objects of one kind: larger accounts have other ways.
  pagesMax: 100,
  looksMax: 5,
  makesMax: 3,
};
