// Finding postings and costs in Redis, newest first.
//
// Within a workspace lines have numbers; newest first is by number. Over all workspaces it is by `writtenUs`,
// the server's clock at the writing, which never goes back within a workspace.
//
// Invariant L1. Lines are read in pages of LINES_PER_READ: no query asks Redis for more at once, however large the ledger is.

import type { CostQuery, PostingQuery } from '../books.ts';
import { hourOf } from '../spent.ts';
import { accountKeys, keyOf, type LineKind, lineKeys, WORKSPACES_KEY } from './keys.ts';
import { decodeLine, type StoredLine } from './line.ts';
import type { LedgerConnection } from './scripts.ts';

const LINES_PER_READ = 500;
const PAGE_MAX = 10_000;
/** Workspaces that are asked at once, where a query is about all of them. */
const WORKSPACES_AT_ONCE = 64;
/** A time of more hours than this is looked up in the index as a whole. */
const HOURS_AT_ONCE = 1_000;

/** A line with where it stands. */
export interface FoundLine {
  readonly workspaceId: string;
  readonly seq: number;
  readonly writtenUs: number;
  readonly json: StoredLine;
}

type LineQuery = PostingQuery & CostQuery;
/** Numbers of lines, inclusive. */
type Range = readonly [first: number, last: number];

export class RedisLines {
  readonly #connection: LedgerConnection;

  constructor(connection: LedgerConnection) {
    this.#connection = connection;
  }

  async find(kind: LineKind, query: LineQuery): Promise<readonly StoredLine[]> {
    const limit = Math.min(query.limit, PAGE_MAX);
    const found =
      query.workspaceId === undefined
        ? await this.#findEverywhere(kind, query, limit)
        : await this.#findIn(
            query.workspaceId,
            kind,
            query,
            await this.#seqOf(query.workspaceId, kind, query.beforeId),
            limit,
          );
    return found.map((line) => line.json);
  }

  /** Every workspace that may have anything. */
  async workspaceIds(): Promise<string[]> {
    const ids = new Set<string>();
    let cursor = '0';
    do {
      const [next, some] = await this.#connection.run((client) => client.sscan(WORKSPACES_KEY, cursor, 'COUNT', 1_000));
      for (const id of some) ids.add(id);
      cursor = next;
    } while (cursor !== '0');
    return [...ids].toSorted();
  }

  /** Lines number `first` to `last` of a workspace, in that order; what is missing is undefined. */
  async read(workspaceId: string, kind: LineKind, seqs: readonly number[]): Promise<(FoundLine | undefined)[]> {
    if (seqs.length === 0) return [];
    const key = keyOf(workspaceId, kind);
    const texts = await this.#connection.run((client) => client.hmget(key, ...seqs.map(String)));
    return texts.map((text, index) => {
      if (text === null) return undefined;
      const seq = seqs[index] as number;
      const json = decodeLine(text, `${key} ${seq}`);
      return { workspaceId, seq, writtenUs: json.writtenUs, json };
    });
  }

  /** Up to `limit` lines of a workspace that stand before number `beforeSeq`. */
  async #findIn(
    workspaceId: string,
    kind: LineKind,
    query: LineQuery,
    beforeSeq: number | undefined,
    limit: number,
  ): Promise<FoundLine[]> {
    const found: FoundLine[] = [];
    if (beforeSeq === undefined) return found;
    const ranges = await this.#rangesOf(workspaceId, kind, query);
    for (const seqs of pagesOf(ranges, beforeSeq, pageSize(query, limit))) {
      const lines = await this.read(workspaceId, kind, seqs);
      found.push(...lines.filter((line): line is FoundLine => line !== undefined && matches(line.json, query)));
      if (found.length >= limit) break;
    }
    return found.slice(0, limit);
  }

  /**
   * The newest of all workspaces. Those that wrote last are asked first; one whose last line is older than the page that is already found
   * is not asked at all.
   */
  async #findEverywhere(kind: LineKind, query: LineQuery, limit: number): Promise<FoundLine[]> {
    const workspaceIds = await this.workspaceIds();
    const before = query.beforeId === undefined ? null : await this.#placeOf(kind, query.beforeId, workspaceIds);
    if (before === undefined) return [];
    const lastWritten = await inGroups(workspaceIds, async (workspaceId) => ({
      workspaceId,
      writtenUs: await this.#lastWrittenUs(workspaceId),
    }));
    let found: FoundLine[] = [];
    const byLastWritten = lastWritten.toSorted((a, b) => b.writtenUs - a.writtenUs);
    for (let first = 0; first < byLastWritten.length; first += WORKSPACES_AT_ONCE) {
      const oldest = found.length < limit ? -1 : (found.at(-1)?.writtenUs ?? -1);
      const group = byLastWritten.slice(first, first + WORKSPACES_AT_ONCE).filter((one) => one.writtenUs >= oldest);
      if (group.length === 0) break;
      const lines = await Promise.all(
        group.map(async ({ workspaceId }) => this.#findBefore(workspaceId, kind, query, before, limit)),
      );
      found = [...found, ...lines.flat()].toSorted(newestFirst).slice(0, limit);
    }
    return found;
  }

  /** Lines of a workspace that come after `before` in the order of all workspaces. */
  async #findBefore(
    workspaceId: string,
    kind: LineKind,
    query: LineQuery,
    before: FoundLine | null,
    limit: number,
  ): Promise<FoundLine[]> {
    if (before === null) return this.#findIn(workspaceId, kind, query, Number.POSITIVE_INFINITY, limit);
    if (before.workspaceId === workspaceId) return this.#findIn(workspaceId, kind, query, before.seq, limit);
    const beforeSeq = await this.#firstSeqAfter(workspaceId, kind, before);
    return this.#findIn(workspaceId, kind, query, beforeSeq, limit);
  }

  /** The first number of a workspace whose line is newer than `before`: halving, for numbers and times rise together. */
  async #firstSeqAfter(workspaceId: string, kind: LineKind, before: FoundLine): Promise<number> {
    let first = 1;
    let last = (await this.#lastSeq(workspaceId, kind)) + 1;
    while (first < last) {
      const middle = Math.floor((first + last) / 2);
      const [line] = await this.read(workspaceId, kind, [middle]);
      if (line === undefined || newestFirst(line, before) < 0) last = middle;
      else first = middle + 1;
    }
    return first;
  }

  /** Where a line stands; undefined: nowhere. */
  async #placeOf(kind: LineKind, id: string, workspaceIds: readonly string[]): Promise<FoundLine | undefined> {
    const places = await inGroups(workspaceIds, async (workspaceId) => {
      const seq = await this.#seqOf(workspaceId, kind, id);
      return seq === undefined ? undefined : (await this.read(workspaceId, kind, [seq]))[0];
    });
    return places.find((place) => place !== undefined);
  }

  /** The number of a line; infinity for none, undefined for one that is not known. */
  async #seqOf(workspaceId: string, kind: LineKind, id: string | undefined): Promise<number | undefined> {
    if (id === undefined) return Number.POSITIVE_INFINITY;
    const [, ids] = lineKeys(workspaceId, kind);
    const seq = await this.#connection.run((client) => client.hget(ids, id));
    return seq === null ? undefined : Number(seq);
  }

  async #lastSeq(workspaceId: string, kind: LineKind): Promise<number> {
    const [account = ''] = accountKeys(workspaceId);
    return Number((await this.#connection.run((client) => client.hget(account, kind))) ?? 0);
  }

  async #lastWrittenUs(workspaceId: string): Promise<number> {
    const [account = ''] = accountKeys(workspaceId);
    return Number((await this.#connection.run((client) => client.hget(account, 'written'))) ?? 0);
  }

  /** Ranges that hold all lines of the query, newest first, without overlaps. */
  async #rangesOf(workspaceId: string, kind: LineKind, query: LineQuery): Promise<readonly Range[]> {
    const { callId, fromMs, toMs } = query;
    const [, , byCall, byHour] = lineKeys(workspaceId, kind);
    if (callId !== undefined) {
      const seqs = await this.#connection.run((client) => client.hget(byCall, callId));
      return joined(
        (seqs ?? '')
          .split(',')
          .filter(Boolean)
          .map((seq) => [Number(seq), Number(seq)]),
      );
    }
    if (fromMs === undefined && toMs === undefined) return [[1, await this.#lastSeq(workspaceId, kind)]];
    return joined((await this.#hours(byHour, fromMs, toMs)).flatMap(readRanges));
  }

  /** What the index says of the hours that the time [fromMs, toMs) touches. */
  async #hours(key: string, fromMs = Number.NEGATIVE_INFINITY, toMs = Number.POSITIVE_INFINITY): Promise<string[]> {
    const first = hourOf(fromMs);
    const last = hourOf(toMs);
    if (last - first < HOURS_AT_ONCE) {
      const hours = Array.from({ length: last - first + 1 }, (_, index) => String(first + index));
      const texts = await this.#connection.run((client) => client.hmget(key, ...hours));
      return texts.filter((text) => text !== null);
    }
    const all = await this.#connection.run((client) => client.hgetall(key));
    return Object.entries(all)
      .filter(([hour]) => Number(hour) >= first && Number(hour) <= last)
      .map(([, text]) => text);
  }
}

function matches(line: StoredLine, { callId, meter, fromMs, toMs }: LineQuery): boolean {
  return (
    (callId === undefined || line.callId === callId) &&
    (meter === undefined || line.meter === meter) &&
    (fromMs === undefined || line.at >= fromMs) &&
    (toMs === undefined || line.at < toMs)
  );
}

/** The order of all workspaces together. */
function newestFirst(a: FoundLine, b: FoundLine): number {
  if (a.writtenUs !== b.writtenUs) return b.writtenUs - a.writtenUs;
  if (a.workspaceId !== b.workspaceId) return a.workspaceId < b.workspaceId ? 1 : -1;
  return b.seq - a.seq;
}

/** Without a filter every line counts: a page is read in one go. */
function pageSize(query: LineQuery, limit: number): number {
  const filtered = query.meter !== undefined || query.fromMs !== undefined || query.toMs !== undefined;
  return filtered ? LINES_PER_READ : Math.max(1, Math.min(limit, LINES_PER_READ));
}

function* pagesOf(ranges: readonly Range[], beforeSeq: number, size: number): Generator<number[]> {
  let page: number[] = [];
  for (const [first, last] of ranges) {
    for (let seq = Math.min(last, beforeSeq - 1); seq >= first; seq -= 1) {
      page.push(seq);
      if (page.length < size) continue;
      yield page;
      page = [];
    }
  }
  if (page.length > 0) yield page;
}

/** `4-9,30-31` */
export function readRanges(text: string): Range[] {
  return text.split(',').map((range) => {
    const [first = 0, last = 0] = range.split('-').map(Number);
    return [first, last];
  });
}

/** Newest first; what touches or overlaps becomes one. */
function joined(ranges: readonly Range[]): Range[] {
  const result: [number, number][] = [];
  for (const [first, last] of ranges.toSorted((a, b) => b[1] - a[1])) {
    const newer = result.at(-1);
    if (newer !== undefined && last >= newer[0] - 1) newer[0] = Math.min(newer[0], first);
    else result.push([first, last]);
  }
  return result;
}

/** Bounded: WORKSPACES_AT_ONCE are asked together. */
export async function inGroups<T, R>(items: readonly T[], ask: (item: T) => Promise<R>): Promise<R[]> {
  const answers: R[] = [];
  for (let first = 0; first < items.length; first += WORKSPACES_AT_ONCE)
    answers.push(...(await Promise.all(items.slice(first, first + WORKSPACES_AT_ONCE).map(ask))));
  return answers;
}
