// Where a page ended, as an opaque text: the sort key of its last record. Pages are by key and not by offset, so that records
// added meanwhile neither repeat nor hide others.

import { InvalidCursor } from './errors.ts';

export interface Position {
  readonly createdAt: number;
  readonly id: string;
}

/** A page is held in memory as a whole. */
const PAGE_LIMIT_MAX = 1000;

export function checkPageLimit(limit: number): void {
  if (!Number.isInteger(limit) || limit < 1 || limit > PAGE_LIMIT_MAX) throw new RangeError(`limit ${limit}`);
}

/** A sort key with the longest id we make is well below. */
const CURSOR_LENGTH_MAX = 200;

export function encodeCursor({ createdAt, id }: Position): string {
  return Buffer.from(JSON.stringify([createdAt, id])).toString('base64url');
}

/** Throws `InvalidCursor`. */
export function decodeCursor(cursor: string): Position {
  const parsed =
    cursor.length <= CURSOR_LENGTH_MAX ? parse(Buffer.from(cursor, 'base64url').toString('utf8')) : undefined;
  if (!Array.isArray(parsed) || parsed.length !== 2) throw new InvalidCursor('not a cursor of ours');
  const [createdAt, id] = parsed as unknown[];
  if (!Number.isSafeInteger(createdAt) || typeof id !== 'string') throw new InvalidCursor('not a cursor of ours');
  return { createdAt: createdAt as number, id };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new InvalidCursor('not a cursor of ours', { cause });
  }
}
