// Kinds of records that the directory stores without knowing them: requests, orders, accounts. The room that owns the noun describes it; the
// stores behind it (SQLite, Redis) are written once for all kinds.
//
// Invariants
//   RK1. A record keeps its workspace and the time it was made (`RecordMoved`).
//   RK2. Of a unique field no two records of the kind have one value, in any workspace (`RecordTaken`).
//   RK3. What `secrets` converts is sealed wherever it is stored, and opens at its own place alone (seal.ts).

import type { Page, PageOf, Store } from './directory.ts';
import type { Codec } from './documents.ts';
import type { Sealer } from './seal.ts';

/** Plain JSON and bigint; no Date, no undefined. */
export interface StoredRecord {
  readonly id: string;
  /** Wall-clock ms. */
  readonly createdAt: number;
  /** null = a record of the operator. */
  readonly workspaceId: string | null;
}

export type ConvertSecret = (text: string, field: string) => string;

export interface RecordKind<T extends StoredRecord> {
  /** Stable, snake case, plural. */
  readonly name: string;
  /** What a record is found by, as equal text; null = not by this one. The names never depend on the record. */
  readonly fields: (item: T) => Readonly<Record<string, string | null>>;
  /** Of the fields: those whose values exist once. */
  readonly unique?: readonly string[];
  /** Puts every secret text of the record through `convert`, whose `field` says where it stands. */
  readonly secrets?: (item: T, convert: ConvertSecret) => T;
}

export interface RecordStore<T> extends Store<T> {
  /** Newest first; all fields of `where` are equal. Rejects with `InvalidCursor`. */
  find(filter: RecordFilter & Page): Promise<PageOf<T>>;
}

export interface RecordFilter {
  readonly workspaceId?: string;
  readonly where?: Readonly<Record<string, string>>;
}

/** A bigint is kept to the last digit. */
const BIG = '$big';
const INTEGER = /^-?\d{1,40}$/;

export function recordCodec<T extends StoredRecord>(kind: RecordKind<T>, sealer: Sealer): Codec<T> {
  const { secrets = (item: T) => item } = kind;
  const place = (item: T, field: string) => ({
    workspaceId: item.workspaceId,
    record: `${kind.name}/${item.id}`,
    field,
  });
  return {
    encode: (item) =>
      JSON.stringify(
        secrets(item, (text, field) => sealer.seal(text, place(item, field))),
        (_key, value: unknown) => (typeof value === 'bigint' ? { [BIG]: value.toString() } : value),
      ),
    decode(document) {
      const stored = JSON.parse(document, (_key, value: unknown) => bigOf(value) ?? value) as T;
      return secrets(stored, (text, field) => sealer.unseal(text, place(stored, field)));
    },
  };
}

function bigOf(value: unknown): bigint | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const digits = (value as { readonly [BIG]?: unknown })[BIG];
  return typeof digits === 'string' && INTEGER.test(digits) && Object.keys(value).length === 1
    ? BigInt(digits)
    : undefined;
}
