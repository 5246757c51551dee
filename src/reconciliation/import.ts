// One file from its bytes to its report: read everything, then change anything.

import { setImmediate as turn } from 'node:timers/promises';
import { CdrFileError, CdrRowsError } from './errors.ts';
import type { Scope } from './exception.ts';
import { LIMITS } from './limits.ts';
import type { CarrierMapping } from './mapping.ts';
import { intersect, shrink, union } from './ranges.ts';
import { type FileContent, readCdrFile, type TimeRange } from './read-file.ts';
import { encodeReport, type FileReport, fileReport, type RunReport } from './report.ts';
import { MISSING_AFTER_MS, type RunDeps, runReconciliation } from './run.ts';
import type { ReconciliationStore, StoredRecord } from './store.ts';

export interface ImportFile extends Scope {
  readonly id: string;
  readonly fileName: string;
  readonly content: Uint8Array;
  readonly sha256: string;
  readonly mapping: CarrierMapping;
  readonly range: TimeRange | null;
  readonly strict: boolean;
  readonly dryRun: boolean;
}

export interface ImportReport extends RunReport {
  readonly rows: FileReport;
}

/** Throws a ReconciliationError before anything is changed. */
export async function importFile(
  deps: RunDeps,
  file: ImportFile,
  nowMs: number,
): Promise<{ report: ImportReport; covers: TimeRange }> {
  const { store } = deps;
  const { mapping, range, dryRun } = file;
  const scope: Scope = { carrier: file.carrier, trunkId: file.trunkId };
  const content = await readCdrFile(file.content, mapping, { range, nowMs });
  if (file.strict && content.counts.bad > 0) throw new CdrRowsError(content.badRows, content.counts.bad);
  const covers = coverOf(content, range, nowMs);
  const news = await tellNews(store, scope, content, file.id);
  // From here on it succeeds, or is completed by the same file again.
  if (!dryRun) {
    const { id, fileName, sha256 } = file;
    const item = { id, fileName, sha256, ...scope, receivedAt: nowMs, mapping: mapping.version, range: covers };
    store.beginImport(item);
    store.release(scope, news.revisedKeys);
  }
  const around = { fromMs: covers.fromMs - mapping.windowMs, toMs: covers.toMs + mapping.windowMs };
  const isFresh = new Set(news.fresh.map((record) => record.key));
  const run = await runReconciliation(deps, {
    scope,
    mapping,
    importId: file.id,
    fresh: news.fresh,
    freed: news.freed,
    retried: store.unmatched(scope, around, LIMITS.retriedMax).filter((record) => !isFresh.has(record.key)),
    covered: judged(store.coverage(scope), covers, mapping.windowMs, nowMs),
    isOurCurrency: mapping.cost?.currency === deps.currency,
    nowMs,
    dryRun,
  });
  const { known, revisedKeys, fresh } = news;
  const rows = fileReport(content, { known, revised: revisedKeys.length, imported: fresh.length });
  const report = { rows, ...run };
  if (!dryRun) store.finishImport(file.id, encodeReport(report));
  return { report, covers };
}

/** From its first record to its last, or what was asked for. */
function coverOf({ records }: FileContent, range: TimeRange | null, nowMs: number): TimeRange {
  if (range !== null) {
    if (range.fromMs >= range.toMs) throw new CdrFileError('the range ends before it begins');
    if (range.toMs - range.fromMs > LIMITS.spanMsMax) throw new CdrFileError('the range is longer than 100 days');
    return range;
  }
  let fromMs = nowMs;
  let toMs = 0;
  for (const { at } of records) {
    fromMs = Math.min(fromMs, at);
    toMs = Math.max(toMs, at);
  }
  if (records.length === 0) return { fromMs: nowMs, toMs: nowMs };
  if (toMs - fromMs > LIMITS.spanMsMax)
    throw new CdrFileError('the file spans more than 100 days: a time is misread, or give a range');
  return { fromMs, toMs: toMs + 1 };
}

/**
 * Where calls without a record may be called missing: what all files of the scope cover together, without its edges, since the carrier may
 * count a call there to the file before or after. Of that, what this file adds, as far as it is a day ago.
 */
function judged(coverage: readonly TimeRange[], covers: TimeRange, windowMs: number, nowMs: number): TimeRange[] {
  const inside = shrink(union([...coverage, covers]), windowMs);
  const toMs = Math.min(covers.toMs + windowMs, nowMs - MISSING_AFTER_MS);
  return intersect(inside, { fromMs: covers.fromMs - windowMs, toMs });
}

interface News {
  readonly fresh: readonly StoredRecord[];
  readonly revisedKeys: readonly string[];
  /** Calls that the revised ones held. */
  readonly freed: ReadonlySet<string>;
  readonly known: number;
}

async function tellNews(
  store: ReconciliationStore,
  scope: Scope,
  { records }: FileContent,
  importId: string,
): Promise<News> {
  const fresh: StoredRecord[] = [];
  const revisedKeys: string[] = [];
  const freed = new Set<string>();
  let known = 0;
  for (let first = 0; first < records.length; first += LIMITS.rowsPerTurn) {
    const batch = records.slice(first, first + LIMITS.rowsPerTurn);
    const before = store.known(
      scope,
      batch.map((record) => record.key),
    );
    for (const record of batch) {
      const earlier = before.get(record.key);
      if (earlier?.content === record.content) {
        known += 1;
        continue;
      }
      fresh.push({ ...record, importId, revision: (earlier?.revision ?? 0) + 1 });
      if (earlier === undefined) continue;
      revisedKeys.push(record.key);
      if (earlier.callId !== null) freed.add(earlier.callId);
    }
    await turn();
  }
  return { fresh, revisedKeys, freed, known };
}
