// Limits of the API, each with its reason.

export interface HttpLimits {
  readonly bodyBytesMax: number;
  /** Per token: sustained rate and burst. */
  readonly requestsPerSecond: number;
  readonly requestsBurst: number;
  /** Per address without a valid token. */
  readonly anonymousPerSecond: number;
  readonly anonymousBurst: number;
  /** Sign-ins per address, whether they succeed or not. */
  readonly signInsPerSecond: number;
  readonly signInsBurst: number;
  /** Buckets kept at once; the oldest one is forgotten first. */
  readonly bucketsMax: number;
  /** Open connections; more are refused at once. */
  readonly connectionsMax: number;
  /** Of these, from one address that is neither loopback nor a trusted proxy. */
  readonly connectionsPerAddressMax: number;
  /** A request that is not complete by then is dropped (slow clients on purpose). */
  readonly requestTimeoutMs: number;
  /** The same for a form with a file. */
  readonly uploadTimeoutMs: number;
  /** Forms with a file that are read at once; each may hold 5 MB in memory. */
  readonly uploadsMax: number;
}

export const DEFAULT_HTTP_LIMITS: HttpLimits = {
  // The largest body is an agent with all its headers and parameters, about 40 KB.
  bodyBytesMax: 64 * 1024,
  // A console page makes about ten requests; an integration that places calls is limited by its calls per second anyway.
  requestsPerSecond: 50,
  requestsBurst: 200,
  // Room to mistype a token, none to guess one.
  anonymousPerSecond: 2,
  anonymousBurst: 30,
  // A person mistypes; a script that signs in at every request should use its token.
  signInsPerSecond: 0.1,
  signInsBurst: 10,
  bucketsMax: 10_000,
  // The console holds a few per person, integrations a handful each; descriptors are needed for calls.
  connectionsMax: 1_000,
  // An office behind one address, six for each browser.
  connectionsPerAddressMax: 200,
  requestTimeoutMs: 15_000,
  // 5 MB over 0.7 Mbit/s, which a telephone in the country has.
  uploadTimeoutMs: 60_000,
  uploadsMax: 8,
};

/** Default and largest size of a page. */
export const PAGE_LIMIT_DEFAULT = 50;
export const PAGE_LIMIT_MAX = 200;
/** A CSV is for a spreadsheet: one request should bring a month. */
export const CSV_LIMIT_MAX = 1000;
