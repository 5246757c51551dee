// Limits of reconciliation, each with its reason.

export const LIMITS = {
  /** A day of a busy node is some 100 000 rows of 200 bytes; a larger export is cut by day. The body is held in memory while it is read. */
  fileBytesMax: 32 * 1024 * 1024,
  rowsMax: 200_000,
  /** The widest export seen has some 60 columns. */
  columnsMax: 250,
  rowBytesMax: 64 * 1024,
  fieldBytesMax: 8 * 1024,
  /** All bad rows are counted; so many are told by line. */
  badRowsTold: 200,
  /** Carriers export a month at most; a file that spans more has a column misread. */
  spanMsMax: 100 * 86_400_000,
  /** A row that is older, or that far ahead, has its time misread. */
  ageMsMax: 400 * 86_400_000,
  aheadMsMax: 86_400_000,
  /** With more calls than this between the same two numbers within the window, nobody can tell them apart by time. */
  candidatesMax: 20,
  /** Calls of ours that one run holds in memory. */
  callsMax: 1_000_000,
  /** Imports and sweeps that wait for the one that is running. */
  waitingMax: 4,
  /** Rows that are worked on before the event loop has its turn: a few milliseconds. */
  rowsPerTurn: 250,
  /** Unmatched records of earlier imports that a run tries again, and how far back a sweep does: what is older has found its neighbours. */
  retriedMax: 20_000,
  retriedMs: 2 * 86_400_000,
  /** Old rows that one turn forgets. */
  forgottenPerTurn: 2_000,
} as const;
