// Limits of requests, each with its reason.

export const LIMITS = {
  /** A scan of some pages at a readable resolution is 1 to 3 MB. */
  documentBytesMax: 5 * 1024 * 1024,
  /** Two for each kind that a country asks for, and some that an operator asks for besides. */
  documentsMax: 12,
  /** What a request may keep in all. */
  documentsBytesMax: 30 * 1024 * 1024,
  /** Stored it is in base64 twice (its text, and its seal): 117 kB, which a disk takes within some milliseconds; then other work goes on. */
  chunkBytes: 64 * 1024,
  /** A larger customer asks for several numbers in one request. */
  openRequestsMax: 50,
  /** A block of numbers; more is a project for people. */
  quantityMax: 100,
  reasonLengthMax: 1_000,
  /** An upload is read and stored within a minute; what is older will not be finished. */
  uploadMaxMs: 10 * 60_000,
  sweepEveryMs: 15 * 60_000,
  sweepPage: 50,
} as const;
