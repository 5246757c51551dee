// Kinds of records that other rooms own (../records.ts), in Redis: each is a table, each field a place.

import type { Page, PageOf } from '../directory.ts';
import { recordCodec, type RecordFilter, type RecordKind, type RecordStore, type StoredRecord } from '../records.ts';
import type { Sealer } from '../seal.ts';
import type { FiledStore } from './filed-store.ts';
import { ALL, factNeedle, fileRecord, ofWorkspace, RECORDS } from './filing.ts';
import { redisTable } from './redis-table.ts';

export function redisRecords<T extends StoredRecord>(
  store: FiledStore,
  kind: RecordKind<T>,
  sealer: Sealer,
): RecordStore<T> {
  const { name, fields, unique = [] } = kind;
  const filled = (item: T) =>
    Object.entries(fields(item)).filter((field): field is [string, string] => field[1] !== null);
  const table = redisTable<T>(store, {
    table: `${RECORDS}${name}`,
    codec: recordCodec(kind, sealer),
    file: (item) => fileRecord(name, item, filled(item), unique),
    scopeOf: (item) => item.workspaceId,
  });
  const find = async ({ workspaceId, where = {}, ...page }: RecordFilter & Page): Promise<PageOf<T>> => {
    const wanted = [...Object.entries(where), ...(workspaceId === undefined ? [] : [ofWorkspace(workspaceId)])];
    // Along the first field where there is one: a rare value is found without a walk over all records.
    const [place = ALL, ...others] = wanted;
    return table.page({ place, needles: others.map(factNeedle) }, page);
  };
  return { ...table, find, list: find };
}
