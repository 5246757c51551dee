// `npm run audit`: recomputes every bill from the journal and compares it with the ledger. Exit code 0 = no difference, 1 = differences,
// 2 = could not be done. Reads one consistent snapshot, writes nothing, and may run beside a running gateway.
//
//   --from, --to   calls that ended in this range (RFC 3339 or a day, UTC); the ledger itself is always checked as a whole
//   --config       configuration file, for its dataDir
//   --books        path of the books, instead

import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { parseArgs } from 'node:util';
import { lockBooks } from './books.ts';
import { loadConfig } from './config/load.ts';
import { formatMoney } from './domain/money.ts';
import type { AuditReport, ExpectedCall } from './ledger/audit.ts';
import { auditBooks } from './ledger/audit.ts';
import { BooksFile } from './ledger/sqlite-books.ts';
import { JournalFile } from './metering/journal.ts';
import { recomputeCall } from './metering/recompute.ts';

/** Name of the books in the data folder. */
export const BOOKS_FILE = 'books.db';

export interface AuditRange {
  /** Wall clock ms, [from, to). */
  readonly fromMs: number;
  readonly toMs: number;
}

export const WHOLE_RANGE: AuditRange = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER };

/** Throws what SQLite throws where the file cannot be read. */
export function auditFile(path: string, range: AuditRange = WHOLE_RANGE): AuditReport {
  const live = isInUse(path);
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    database.exec('BEGIN');
    return auditDatabase(database, range, live);
  } finally {
    database.close();
  }
}

/** The same on an open database, in whatever transaction it is. */
export function auditDatabase(database: DatabaseSync, range: AuditRange = WHOLE_RANGE, live = false): AuditReport {
  const journal = new JournalFile(database);
  const cache = new Map<string, ExpectedCall | undefined>();
  const expected = (callId: string) => {
    if (cache.has(callId)) return cache.get(callId);
    // Postings of one call stand near each other: a small cache spares most second readings.
    if (cache.size >= CACHE_MAX) cache.clear();
    const records = journal.history(callId);
    const call = records.length === 0 ? undefined : recomputeCall(callId, records);
    cache.set(callId, call);
    return call;
  };
  const callIds = journal.endedCalls(range.fromMs, range.toMs);
  return auditBooks(new BooksFile(database), { callIds, openCallIds: new Set(journal.openCalls()), expected }, live);
}

const CACHE_MAX = 10_000;
const SHOWN_MAX = 200;

/** For people: totals, then a line per difference. */
export function renderReport(report: AuditReport): string {
  const rows = [
    ['calls recomputed', String(report.calls)],
    ['postings', String(report.postings)],
    ['supplier costs', String(report.costs)],
    ['workspaces', String(report.workspaces)],
    ['live calls left out', String(report.openCalls)],
    ['charged', formatMoney(report.charged)],
    ['differences', String(report.differences.length)],
  ];
  const table = rows.map(([name = '', value = '']) => `${name.padEnd(22)}${value.padStart(16)}`);
  const shown = report.differences.slice(0, SHOWN_MAX).map(({ subject, what }) => `  ${subject}: ${what}`);
  const more = report.differences.length > SHOWN_MAX ? [`  … and ${report.differences.length - SHOWN_MAX} more`] : [];
  return [...table, ...shown, ...more].join('\n');
}

/** A gateway holds the lock of these books. */
function isInUse(path: string): boolean {
  if (!existsSync(`${path}.lock`)) return false;
  try {
    lockBooks(path)();
    return false;
  } catch {
    return true;
  }
}

function parseDay(text: string | undefined, fallback: number, option: string): number {
  if (text === undefined) return fallback;
  const value = Date.parse(text);
  if (Number.isNaN(value)) throw new Error(`${option}: "${text}" is not a day or an RFC 3339 instant`);
  return value;
}

/** The books that the command line names. */
function booksPath(values: { config?: string | undefined; books?: string | undefined }): string {
  if (values.books !== undefined) return values.books;
  const root = join(import.meta.dirname, '..');
  const file = values.config ?? process.env['CALLIN_CONFIG'] ?? null;
  // Nothing is decrypted here: the audit runs where the gateway's secrets are not.
  const env = { CALLIN_AUTH__SECRET_KEY: Buffer.alloc(32).toString('base64'), ...process.env };
  return resolve(root, loadConfig({ root, file, env }).dataDir, BOOKS_FILE);
}

function main(): number {
  try {
    const { values } = parseArgs({
      options: {
        from: { type: 'string' },
        to: { type: 'string' },
        config: { type: 'string' },
        books: { type: 'string' },
      },
    });
    const range = {
      fromMs: parseDay(values.from, WHOLE_RANGE.fromMs, '--from'),
      toMs: parseDay(values.to, WHOLE_RANGE.toMs, '--to'),
    };
    const path = booksPath(values);
    if (!existsSync(path)) {
      // A gateway that never ran has nothing to audit; a path that someone named must be there.
      if (values.books !== undefined) throw new Error(`${path}: no such file`);
      console.log(`${path}: no books yet, nothing to audit`);
      return 0;
    }
    const report = auditFile(path, range);
    console.log(renderReport(report));
    return report.differences.length === 0 ? 0 : 1;
  } catch (error) {
    console.error(`audit: ${(error as Error).message}`);
    return 2;
  }
}

if (import.meta.main) process.exitCode = main();
