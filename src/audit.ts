// `npm run audit`: recomputes every bill from the journal and compares it with the ledger. Exit code 0 = no difference, 1 = differences,
// 2 = could not be done. Reads one consistent snapshot, writes nothing, and may run beside a running gateway.
//
//   --from, --to   calls that ended in this range (RFC 3339 or a day, UTC); the ledger itself is always checked as a whole
//   --config       configuration file, for its dataDir and its store
//   --books        path of the books, instead; with --redis the journals of several nodes, each with its own --books
//   --redis        URL of the books that nodes share, instead of the configuration's (best from CALLIN_STORE__REDIS__URL)
//   --whole        with shared books: these are the journals of all nodes, so that a line which none of them knows is a difference

import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { parseArgs } from 'node:util';
import { BOOKS_FILE, lockBooks } from './books.ts';
import { loadConfig } from './config/load.ts';
import { parseRedisUrl } from './config/redis-url.ts';
import { systemClock } from './domain/clock.ts';
import { formatMoney } from './domain/money.ts';
import type { AuditReport, CallJournal, ExpectedCall } from './ledger/audit.ts';
import { auditBooks } from './ledger/audit.ts';
import { auditSharedBooks } from './ledger/audit-shared.ts';
import { openRedisBooks } from './ledger/redis-books.ts';
import { BooksFile } from './ledger/sqlite-books.ts';
import { JournalFile } from './metering/journal.ts';
import { recomputeCall } from './metering/recompute.ts';
import { BooksLockedError } from './storage/errors.ts';

const USAGE = `usage: npm run audit -- [--from --to] [--config FILE]
       npm run audit -- --books FILE [--from --to]
       npm run audit -- [--redis URL] --books FILE [--books FILE …] [--whole]`;

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
  return auditBooks(new BooksFile(database), journalOf(database, range), live);
}

/** The journal of a node beside the shared books, with the journals of others where they are given. */
export async function auditShared({ redisUrl, paths, range = WHOLE_RANGE, whole = false }: SharedAudit) {
  const address = parseRedisUrl(redisUrl);
  if (typeof address === 'string') throw new Error(`the URL of the shared books ${address}`);
  const books = openRedisBooks({ address, clock: systemClock });
  const databases = paths.map((path) => new DatabaseSync(path, { readOnly: true }));
  try {
    await books.ready(CONNECT_MS);
    for (const database of databases) database.exec('BEGIN');
    const journals = databases.map((database, index) => ({
      ...journalOf(database, range),
      live: isInUse(paths[index] as string),
    }));
    return await auditSharedBooks(books, { journals, whole });
  } finally {
    for (const database of databases) database.close();
    await books.close();
  }
}

export interface SharedAudit {
  readonly redisUrl: string;
  /** Books files of the nodes, for their journals. */
  readonly paths: readonly string[];
  readonly range?: AuditRange;
  readonly whole?: boolean;
}

const CONNECT_MS = 5_000;

function journalOf(database: DatabaseSync, range: AuditRange): CallJournal {
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
  return { callIds, openCallIds: new Set(journal.openCalls()), expected };
}

const CACHE_MAX = 10_000;
const SHOWN_MAX = 200;

/** For people: totals, then a line per difference. `foreignCalls`: whose journals were not given. */
export function renderReport(report: AuditReport & { readonly foreignCalls?: number }): string {
  const rows = [
    ['calls recomputed', String(report.calls)],
    ['postings', String(report.postings)],
    ['supplier costs', String(report.costs)],
    ['workspaces', String(report.workspaces)],
    ['live calls left out', String(report.openCalls)],
    ...(report.foreignCalls === undefined ? [] : [['calls of other nodes', String(report.foreignCalls)]]),
    ['charged', formatMoney(report.charged)],
    ['differences', String(report.differences.length)],
  ];
  const table = rows.map(([name = '', value = '']) => `${name.padEnd(22)}${value.padStart(16)}`);
  const shown = report.differences.slice(0, SHOWN_MAX).map(({ subject, what }) => `  ${subject}: ${what}`);
  const more = report.differences.length > SHOWN_MAX ? [`  … and ${report.differences.length - SHOWN_MAX} more`] : [];
  return [...table, ...shown, ...more].join('\n');
}

/** A gateway holds the lock of these books. Throws where that cannot be known: what lives would be taken for forgotten, or the other way. */
function isInUse(path: string): boolean {
  if (!existsSync(`${path}.lock`)) return false;
  try {
    lockBooks(path)();
    return false;
  } catch (error) {
    if (error instanceof BooksLockedError) return true;
    throw error;
  }
}

function parseDay(text: string | undefined, fallback: number, option: string): number {
  if (text === undefined) return fallback;
  const value = Date.parse(text);
  if (Number.isNaN(value)) throw new Error(`${option}: "${text}" is not a day or an RFC 3339 instant`);
  return value;
}

/** The books that the command line names, or the configuration. */
function booksOf(values: { config?: string | undefined; books?: string[] | undefined; redis?: string | undefined }): {
  paths: string[];
  redisUrl: string | null;
} {
  if (values.books !== undefined) return { paths: values.books, redisUrl: values.redis ?? null };
  const root = join(import.meta.dirname, '..');
  const file = values.config ?? process.env['CALLIN_CONFIG'] ?? null;
  // Nothing is decrypted here: the audit runs where the gateway's secrets are not.
  const env = { CALLIN_AUTH__SECRET_KEY: Buffer.alloc(32).toString('base64'), ...process.env };
  const { dataDir, store } = loadConfig({ root, file, env });
  const redisUrl = values.redis ?? (store.kind === 'redis' ? store.redis.url : null);
  return { paths: [resolve(root, dataDir, BOOKS_FILE)], redisUrl };
}

/** By the command line or the environment; else they are where `npm start` makes them. */
function isNamed({ books, config }: { books?: string[] | undefined; config?: string | undefined }): boolean {
  const { CALLIN_CONFIG, CALLIN_DATA_DIR } = process.env;
  return [books, config, CALLIN_CONFIG, CALLIN_DATA_DIR].some((given) => given !== undefined);
}

async function main(): Promise<number> {
  try {
    const { values } = parseArgs({
      options: {
        from: { type: 'string' },
        to: { type: 'string' },
        config: { type: 'string' },
        books: { type: 'string', multiple: true },
        redis: { type: 'string' },
        whole: { type: 'boolean', default: false },
      },
    });
    const range = {
      fromMs: parseDay(values.from, WHOLE_RANGE.fromMs, '--from'),
      toMs: parseDay(values.to, WHOLE_RANGE.toMs, '--to'),
    };
    // An empty range would find no difference and mean nothing.
    if (range.fromMs >= range.toMs) throw new Error('--from must be earlier than --to');
    const { paths, redisUrl } = booksOf(values);
    const missing = paths.find((path) => !existsSync(path));
    if (missing !== undefined) {
      // A checkout that never ran has nothing to audit; what someone named must be there, or a wrong path would always be without a difference.
      if (isNamed(values)) throw new Error(`${missing}: no such file`);
      console.log(`${missing}: no books yet, nothing to audit`);
      return 0;
    }
    if (redisUrl === null && paths.length > 1) throw new Error('several --books go with --redis alone');
    const report =
      redisUrl === null
        ? auditFile(paths[0] as string, range)
        : await auditShared({ redisUrl, paths, range, whole: values.whole });
    console.log(renderReport(report));
    return report.differences.length === 0 ? 0 : 1;
  } catch (error) {
    const { code, message } = error as Error & { readonly code?: string };
    console.error(`audit: ${message}${code?.startsWith('ERR_PARSE_ARGS') ? `\n${USAGE}` : ''}`);
    return 2;
  }
}

if (import.meta.main) process.exitCode = await main();
