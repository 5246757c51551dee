// The statement of a workspace's month: what it had, what came, what went, what it has. Made of the postings alone.
//
// Invariants
//   ST1. opening + every group of lines = closing, exactly; opening is the sum of all postings before the month, closing the sum of all up
//        to its end. A posting belongs to the month of its `at` (UTC).
//   ST2. It is as of one posting, the newest when it was begun: what is booked meanwhile does not count.
//   ST3. A statement is final when its month is over. What a node that died in it still owes is booked into it when that node is back.

import type { CallClass, CallFacts } from '../domain/call.ts';
import type { Nano } from '../domain/money.ts';
import type { Books, Posting } from './books.ts';
import { TooManyLinesError } from './errors.ts';
import type { TimeRange } from './line-reader.ts';
import { linesByHour } from './line-reader.ts';
import type { PostingSums } from './sums.ts';

export interface Statement extends TimeRange {
  readonly workspaceId: string;
  readonly final: boolean;
  readonly opening: Nano;
  readonly closing: Nano;
  readonly topups: Total;
  readonly fees: Total;
  readonly charges: readonly ChargeTotal[];
  readonly adjustments: Total;
  /** Only where asked for: every call that has postings in the month, by its first, and every posting of no call. */
  readonly detail: StatementDetail | null;
}

export interface Total {
  readonly count: number;
  /** As in the ledger: negative = charged. */
  readonly amount: Nano;
}

export interface ChargeTotal extends Total {
  /** null: of a call whose record is missing. */
  readonly class: CallClass | null;
  readonly meter: 'telephony' | 'compute';
  readonly quantityMs: number;
}

export interface StatementDetail {
  readonly calls: readonly CallTotal[];
  readonly others: readonly Posting[];
}

export interface CallTotal {
  readonly callId: string;
  readonly at: number;
  readonly class: CallClass | null;
  readonly telephonyMs: number;
  readonly computeMs: number;
  readonly telephony: Nano;
  readonly compute: Nano;
  readonly adjustments: Nano;
  readonly amount: Nano;
}

/** What calls are counted under, for a page of ids. */
export type FactsOf = (callIds: readonly string[], workspaceId: string) => Promise<ReadonlyMap<string, CallFacts>>;

export interface StatementSources {
  readonly books: Pick<Books, 'postings'>;
  readonly sums: PostingSums;
  readonly factsOf: FactsOf;
}

export interface StatementRequest extends TimeRange {
  readonly workspaceId: string;
  readonly detail: boolean;
  readonly nowMs: number;
}

/** A statement with more lines than this is no longer read by people: the ledger has them in pages. */
export const DETAIL_MAX = 10_000;
const DAY_MS = 86_400_000;
/** Nothing is booked for a time further ahead than this: clocks of nodes differ by less. */
const CLOCKS_MS = DAY_MS;
const FACTS_PAGE = 1_000;

/** The month's range by its name (2026-11), in UTC; undefined where it is none. */
export function monthOf(name: string): TimeRange | undefined {
  const [, year, month] = /^(19[7-9]\d|2\d{3})-(0[1-9]|1[0-2])$/.exec(name) ?? [];
  if (year === undefined || month === undefined) return undefined;
  return { fromMs: Date.UTC(Number(year), Number(month) - 1), toMs: Date.UTC(Number(year), Number(month)) };
}

export async function statementOf(sources: StatementSources, request: StatementRequest): Promise<Statement> {
  const { workspaceId, fromMs, toMs, nowMs } = request;
  const fold = new StatementFold(request.detail);
  const [newest] = await sources.books.postings({ workspaceId, limit: 1 });
  let closing = 0n;
  if (newest !== undefined) {
    closing = newest.balanceAfter - (await sumAfter(sources, request, newest));
    await foldMonth(sources, request, newest, fold);
  }
  const opening = closing - fold.amount;
  return { workspaceId, fromMs, toMs, final: nowMs >= toMs, opening, closing, ...fold.result() };
}

/** What was booked up to `newest` for the time after the month; day by day, so that other work of the books comes in between. */
async function sumAfter({ sums }: StatementSources, request: StatementRequest, newest: Posting): Promise<Nano> {
  const { workspaceId, toMs: monthEndMs, nowMs } = request;
  const endMs = Math.max(monthEndMs, nowMs, newest.at) + CLOCKS_MS;
  let sum = newest.at >= monthEndMs ? newest.amount : 0n;
  for (let fromMs = monthEndMs; fromMs < endMs; fromMs += DAY_MS)
    sum += await sums.sum({ workspaceId, fromMs, toMs: fromMs + DAY_MS, beforeId: newest.id });
  return sum;
}

async function foldMonth(
  { books, factsOf }: StatementSources,
  { workspaceId, fromMs, toMs }: StatementRequest,
  newest: Posting,
  fold: StatementFold,
): Promise<void> {
  const add = async (postings: readonly Posting[]) =>
    fold.add(postings, await factsFor(factsOf, postings, workspaceId));
  const pages = linesByHour((page) => books.postings({ workspaceId, ...page }), { fromMs, toMs, beforeId: newest.id });
  for await (const postings of pages) await add(postings);
  if (newest.at >= fromMs && newest.at < toMs) await add([newest]);
}

/** Facts of all calls that the postings name. */
export async function factsFor(
  factsOf: FactsOf,
  postings: readonly Posting[],
  workspaceId: string,
): Promise<ReadonlyMap<string, CallFacts>> {
  const ids = [...new Set(postings.flatMap(({ callId }) => (callId === null ? [] : [callId])))];
  const facts = new Map<string, CallFacts>();
  for (let first = 0; first < ids.length; first += FACTS_PAGE) {
    for (const [id, found] of await factsOf(ids.slice(first, first + FACTS_PAGE), workspaceId)) facts.set(id, found);
  }
  return facts;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

class StatementFold {
  amount = 0n;
  readonly #totals = { topup: none(), fee: none(), adjustment: none() };
  readonly #charges = new Map<string, Mutable<ChargeTotal>>();
  readonly #calls: Map<string, Mutable<CallTotal>> | null;
  readonly #others: Posting[] = [];

  constructor(detail: boolean) {
    this.#calls = detail ? new Map() : null;
  }

  add(postings: readonly Posting[], facts: ReadonlyMap<string, CallFacts>): void {
    for (const posting of postings) {
      const callClass = (posting.callId === null ? undefined : facts.get(posting.callId)?.class) ?? null;
      this.amount += posting.amount;
      const { meter } = posting;
      if (meter === 'telephony' || meter === 'compute') {
        const charge = this.#charge(meter, callClass);
        charge.quantityMs += posting.quantityMs;
        addTo(charge, posting);
      } else addTo(this.#totals[meter], posting);
      if (this.#calls !== null) this.#detail(this.#calls, posting, callClass);
    }
  }

  result() {
    const { topup: topups, fee: fees, adjustment: adjustments } = this.#totals;
    const charges = [...this.#charges.values()].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
    const detail = this.#calls === null ? null : { calls: [...this.#calls.values()], others: this.#others };
    return { topups, fees, charges, adjustments, detail };
  }

  #charge(meter: ChargeTotal['meter'], callClass: CallClass | null): Mutable<ChargeTotal> {
    const key = keyOf({ class: callClass, meter });
    const charge = this.#charges.get(key) ?? { class: callClass, meter, ...none(), quantityMs: 0 };
    this.#charges.set(key, charge);
    return charge;
  }

  #detail(calls: Map<string, Mutable<CallTotal>>, posting: Posting, callClass: CallClass | null): void {
    const { callId, meter, amount, quantityMs } = posting;
    if (callId === null) this.#others.push(posting);
    else {
      const call = calls.get(callId) ?? emptyCall(callId, posting.at, callClass);
      calls.set(callId, call);
      call.amount += amount;
      if (meter === 'telephony') call.telephonyMs += quantityMs;
      if (meter === 'compute') call.computeMs += quantityMs;
      if (meter === 'telephony' || meter === 'compute') call[meter] += amount;
      else call.adjustments += amount;
    }
    if (calls.size + this.#others.length > DETAIL_MAX) throw new TooManyLinesError(DETAIL_MAX);
  }
}

function addTo(total: Mutable<Total>, { amount }: Posting): void {
  total.count += 1;
  total.amount += amount;
}

function none(): Mutable<Total> {
  return { count: 0, amount: 0n };
}

function emptyCall(callId: string, at: number, callClass: CallClass | null): Mutable<CallTotal> {
  const nothing = { telephony: 0n, compute: 0n, adjustments: 0n, amount: 0n };
  return { callId, at, class: callClass, telephonyMs: 0, computeMs: 0, ...nothing };
}

/** Classes in the order of the alphabet, unknown last; telephony before compute. */
function keyOf({ class: callClass, meter }: Pick<ChargeTotal, 'class' | 'meter'>): string {
  return `${callClass ?? '~'} ${meter === 'telephony' ? 0 : 1}`;
}
