// A posting or a cost as it is written down in Redis: JSON that is never changed. Node writes what the caller gave, the script adds what
// only it knows (scripts/settle.lua): the balance after it, and the server's clock in microseconds.

import type { NewPosting, Posting, PostingMeter, SupplierCost } from '../books.ts';
import { StoreCorruptError } from '../../storage/redis/errors.ts';

/** Both kinds; what a kind has not is undefined. */
export interface StoredLine {
  readonly id: string;
  readonly workspaceId: string;
  readonly callId: string | null;
  readonly meter?: PostingMeter;
  readonly trunkId?: string;
  readonly quantityMs: number;
  readonly amount: string;
  readonly revenue?: string;
  readonly at: number;
  readonly note: string;
  readonly balanceAfter?: string;
  readonly writtenUs: number;
}

export function encodePosting(line: NewPosting): string {
  const { id, workspaceId, callId, meter, quantityMs, amount, at, note } = line;
  return encode({ id, workspaceId, callId, meter, quantityMs, amount: `${amount}`, at: Math.round(at), note });
}

export function encodeCost(line: SupplierCost): string {
  const { id, workspaceId, callId, trunkId, quantityMs, amount, revenue, at, note } = line;
  const money = { amount: `${amount}`, revenue: `${revenue}` };
  return encode({ id, workspaceId, callId, trunkId, quantityMs, ...money, at: Math.round(at), note });
}

/** Half a surrogate pair is no text that Redis' scripts could read: it becomes what SQLite makes of it. */
function encode(line: object): string {
  return JSON.stringify(line, (_key, value: unknown) => (typeof value === 'string' ? value.toWellFormed() : value));
}

export function decodeLine(text: string, where: string): StoredLine {
  try {
    return JSON.parse(text) as StoredLine;
  } catch {
    throw new StoreCorruptError(`${where} is not a line of the ledger`);
  }
}

export function toPosting(line: StoredLine): Posting {
  const { id, workspaceId, callId, meter = 'adjustment', quantityMs, at, note } = line;
  const money = { amount: BigInt(line.amount), balanceAfter: BigInt(line.balanceAfter ?? 0) };
  return { id, workspaceId, callId, meter, quantityMs, ...money, at, note };
}

export function toCost(line: StoredLine): SupplierCost {
  const { id, workspaceId, callId, trunkId = '', quantityMs, at, note } = line;
  const money = { amount: BigInt(line.amount), revenue: BigInt(line.revenue ?? 0) };
  return { id, workspaceId, callId: callId ?? '', trunkId, quantityMs, ...money, at, note };
}
