// The audit: is the ledger exactly what the calls' journal gives, and does it agree with itself?
//
//   U1. Every posting that a call must have stands in the ledger with the same id, workspace, meter, quantity and amount; no other
//       posting names a call.
//   U2. Conservation: each posting's balanceAfter is the one before plus its amount, the last one is the balance, `reserved` is the sum of
//       the holds, and the hours that spending limits are looked up in are those of the postings.
//   U3. No call is open and none that is posted holds money. While the gateway runs, its live calls are no difference.
//   U4. As U1, for what calls cost us at their suppliers.

import type { Nano } from '../domain/money.ts';
import type { NewPosting, SupplierCost } from './books.ts';
import { differingHours, spentByHour } from './spent.ts';
import type { BooksFile } from './sqlite-books.ts';

/** What one call must have in the ledger, recomputed from its journal. */
export interface ExpectedCall {
  readonly callId: string;
  readonly holdId: string;
  readonly postings: readonly NewPosting[];
  readonly costs: readonly SupplierCost[];
  readonly posted: boolean;
  /** Another node charged it: its lines have to stand, and what they are is that node's to say. */
  readonly elsewhere: boolean;
  readonly problems: readonly string[];
}

export interface CallJournal {
  /** Calls to be checked from their records. */
  readonly callIds: readonly string[];
  readonly openCallIds: ReadonlySet<string>;
  /** Undefined: no such call. */
  expected(callId: string): ExpectedCall | undefined;
}

export interface Difference {
  /** Call or workspace. */
  readonly subject: string;
  readonly what: string;
}

export interface AuditReport {
  readonly calls: number;
  readonly postings: number;
  readonly costs: number;
  readonly workspaces: number;
  /** Live calls of a running gateway, left out. */
  readonly openCalls: number;
  readonly charged: Nano;
  readonly differences: readonly Difference[];
}

/** `live`: a gateway is running on these books. Both arguments must be read in one transaction. */
export function auditBooks(books: BooksFile, journal: CallJournal, live: boolean): AuditReport {
  const differences: Difference[] = [];
  const report = (subject: string, what: string) => void differences.push({ subject, what });
  const holds = holdsById(books);
  for (const callId of journal.callIds) auditCall(books, journal, callId, { live, holds }, report);
  if (!live) for (const callId of journal.openCallIds) report(callId, 'open: no final bill');
  let postings = 0;
  let charged = 0n;
  let workspaces = 0;
  for (const account of books.accounts()) {
    workspaces += 1;
    let balance = 0n;
    const spent = new Map<number, Nano>();
    for (const posting of books.ledgerOf(account.workspaceId)) {
      postings += 1;
      for (const [hour, amount] of spentByHour([posting])) spent.set(hour, (spent.get(hour) ?? 0n) + amount);
      if (posting.amount < 0n) charged -= posting.amount;
      balance += posting.amount;
      if (posting.balanceAfter !== balance)
        report(posting.id, `balance after it is ${posting.balanceAfter}, the sum is ${balance}`);
      if (posting.callId !== null) auditOwner(journal, 'posting', posting, posting.callId, report);
    }
    if (account.balance !== balance)
      report(account.workspaceId, `balance ${account.balance}, sum of postings ${balance}`);
    auditHolds(books, account, report);
    auditHours(books.spentOf(account.workspaceId), spent, account.workspaceId, report);
  }
  let costs = 0;
  for (const cost of allCosts(books)) {
    costs += 1;
    auditOwner(journal, 'cost', cost, cost.callId, report);
  }
  return {
    calls: journal.callIds.length,
    postings,
    costs,
    workspaces,
    openCalls: live ? journal.openCallIds.size : 0,
    charged,
    differences,
  };
}

export type ReportDifference = (subject: string, what: string) => void;

const POSTING_KEYS = ['workspaceId', 'meter', 'quantityMs', 'amount'] as const;
const COST_KEYS = ['workspaceId', 'trunkId', 'quantityMs', 'amount', 'revenue'] as const;
/** Far more than the lines of a call. */
const LINES_MAX = 100;
const PAGE = 1_000;

/** U1 and U4 from the side of the journal, U3 for the call's hold. */
function auditCall(
  books: BooksFile,
  journal: CallJournal,
  callId: string,
  { live, holds }: { readonly live: boolean; readonly holds: ReadonlyMap<string, Nano> },
  report: ReportDifference,
): void {
  const expected = journal.expected(callId);
  if (expected === undefined) return report(callId, 'ended, but without records');
  if (live && journal.openCallIds.has(callId)) return;
  const held = holds.get(expected.holdId);
  if (expected.posted && held !== undefined) report(callId, `posted, and ${held} is still held for it`);
  const limit = LINES_MAX;
  compareCall(expected, books.postings({ callId, limit }), books.costs({ callId, limit }), report);
}

/** What the ledger has of a call beside what its journal gives. */
export function compareCall(
  expected: ExpectedCall,
  postings: readonly NewPosting[],
  costs: readonly SupplierCost[],
  report: ReportDifference,
): void {
  const { callId } = expected;
  for (const problem of expected.problems) report(callId, problem);
  compareLines(callId, expected.postings, postings, POSTING_KEYS, report);
  compareLines(callId, expected.costs, costs, COST_KEYS, report);
}

function compareLines<L extends { readonly id: string; readonly amount: Nano }>(
  callId: string,
  expected: readonly L[],
  found: readonly L[],
  keys: readonly (keyof L & string)[],
  report: ReportDifference,
): void {
  const byId = new Map(found.map((line) => [line.id, line]));
  for (const line of expected) {
    const known = byId.get(line.id);
    if (known === undefined) report(callId, `${line.id} of ${line.amount} is not in the ledger`);
    else
      for (const key of keys)
        if (known[key] !== line[key]) report(callId, `${line.id}: ${key} ${known[key]}, recomputed ${line[key]}`);
  }
}

/** U1 and U4 from the side of the ledger: nothing names a call that did not cause it. */
function auditOwner(
  journal: CallJournal,
  kind: 'posting' | 'cost',
  line: { readonly id: string },
  callId: string,
  report: ReportDifference,
): void {
  const expected = journal.expected(callId);
  if (expected === undefined) report(line.id, `names call ${callId}, which the journal does not know`);
  else if (![...expected.postings, ...expected.costs].some((known) => known.id === line.id))
    report(line.id, `the call gives no such ${kind}`);
}

function* allCosts(books: BooksFile): Generator<SupplierCost> {
  let page = books.costs({ limit: PAGE });
  while (page.length > 0) {
    yield* page;
    const beforeId = (page.at(-1) as SupplierCost).id;
    page = page.length < PAGE ? [] : books.costs({ limit: PAGE, beforeId });
  }
}

function holdsById(books: BooksFile): Map<string, Nano> {
  const holds = new Map<string, Nano>();
  for (const { workspaceId } of books.accounts())
    for (const { id, amount } of books.holdsOf(workspaceId)) holds.set(id, amount);
  return holds;
}

/** U2 for the holds. */
function auditHolds(
  books: BooksFile,
  account: { workspaceId: string; reserved: Nano },
  report: ReportDifference,
): void {
  const sum = books.holdsOf(account.workspaceId).reduce((total, hold) => total + hold.amount, 0n);
  if (sum !== account.reserved) report(account.workspaceId, `reserved ${account.reserved}, sum of holds ${sum}`);
}

/** U2 for what was spent in each hour. */
function auditHours(
  rows: ReadonlyMap<number, Nano>,
  recomputed: ReadonlyMap<number, Nano>,
  workspaceId: string,
  report: ReportDifference,
): void {
  for (const { hour, stands, made } of differingHours(rows, recomputed))
    report(workspaceId, `spent in hour ${hour}: ${stands ?? 0n}, recomputed ${made ?? 0n}`);
}
