// The audit of books that nodes share, from one or more of their journals. As audit.ts, with these differences:
//
//   - The books check themselves (balances, holds, hours: what is derived is made again from what is not).
//   - A call may stand in several journals: its own node's, and that of a node which finished it. What the ledger has must be what one of
//     them gives; a journal that says `elsewhere` gives nothing by itself. What one leaves open and another has finished is no difference.
//   - Lines of calls that no given journal knows belong to nodes whose journals were not given. They are counted, not judged, unless `whole`
//     says that all journals were given.

import type { Nano } from '../domain/money.ts';
import type { AuditReport, CallJournal, Difference, ExpectedCall } from './audit.ts';
import { compareCall } from './audit.ts';
import type { Books, Posting } from './books.ts';

export interface SharedBooksToAudit extends Pick<Books, 'postings' | 'costs'> {
  check(): Promise<readonly Difference[]>;
}

export interface SharedAuditOptions {
  /** One a node. */
  readonly journals: readonly SharedJournal[];
  readonly whole: boolean;
}

export interface SharedJournal extends CallJournal {
  /** A gateway is running on it: its open calls are left out. */
  readonly live: boolean;
}

const LINES_MAX = 100;
const PAGE = 1_000;
/** Calls asked for at once. */
const TOGETHER = 64;

export async function auditSharedBooks(
  books: SharedBooksToAudit,
  { journals, whole }: SharedAuditOptions,
): Promise<AuditReport & { readonly foreignCalls: number }> {
  const differences: Difference[] = [...(await books.check())];
  const report = (subject: string, what: string) => void differences.push({ subject, what });
  const callIds = [...new Set(journals.flatMap((journal) => journal.callIds))];
  for (let first = 0; first < callIds.length; first += TOGETHER)
    await Promise.all(callIds.slice(first, first + TOGETHER).map((id) => auditCall(books, journals, id, report)));
  let openCalls = 0;
  for (const journal of journals) {
    if (journal.live) openCalls += journal.openCallIds.size;
    else
      for (const callId of journal.openCallIds)
        if (!journals.some((other) => other.expected(callId)?.posted)) report(callId, 'open: no final bill');
  }
  const totals = await readAll(books, journals, whole, report);
  return { calls: callIds.length, openCalls, differences, ...totals };
}

type Report = (subject: string, what: string) => void;

async function auditCall(
  books: SharedBooksToAudit,
  journals: readonly SharedJournal[],
  callId: string,
  report: Report,
): Promise<void> {
  if (journals.some((journal) => journal.live && journal.openCallIds.has(callId))) return;
  const versions = journals.map((journal) => journal.expected(callId)).filter((version) => version !== undefined);
  const [first] = versions;
  if (first === undefined) return report(callId, 'ended, but without records');
  const [postings, costs] = await Promise.all([
    books.postings({ callId, limit: LINES_MAX, ...workspaceOf(first) }),
    books.costs({ callId, limit: LINES_MAX, ...workspaceOf(first) }),
  ]);
  // Who charged it knows all its lines; the others know that theirs stand.
  const charging = versions.filter((version) => !version.elsewhere);
  const judged = (charging.length > 0 ? charging : versions).map((version) => {
    const found: string[] = [];
    compareCall(version, postings, costs, (_subject, what) => found.push(what));
    if (!version.elsewhere) found.push(...unexpected(version, [...postings, ...costs]));
    return found;
  });
  if (judged.some((found) => found.length === 0)) return;
  for (const what of judged[0] ?? []) report(callId, what);
}

/** Lines that the call does not give. */
function unexpected(version: ExpectedCall, found: readonly { readonly id: string }[]): string[] {
  const expected = new Set([...version.postings, ...version.costs].map(({ id }) => id));
  return found.filter(({ id }) => !expected.has(id)).map(({ id }) => `the call gives no ${id}`);
}

/** Where the lines stand; a call without postings is looked for everywhere. */
function workspaceOf({ postings, costs }: ExpectedCall): { workspaceId?: string } {
  const workspaceId = postings[0]?.workspaceId ?? costs[0]?.workspaceId;
  return workspaceId === undefined ? {} : { workspaceId };
}

interface Totals {
  readonly postings: number;
  readonly costs: number;
  readonly workspaces: number;
  readonly charged: Nano;
  readonly foreignCalls: number;
}

/** Every line of the ledger once: totals, and whose call it names. */
async function readAll(
  books: SharedBooksToAudit,
  journals: readonly SharedJournal[],
  whole: boolean,
  report: Report,
): Promise<Totals> {
  const workspaces = new Set<string>();
  const foreign = new Set<string>();
  let postings = 0;
  let charged = 0n;
  for await (const posting of allPostings(books)) {
    postings += 1;
    workspaces.add(posting.workspaceId);
    if (posting.amount < 0n) charged -= posting.amount;
    const { callId } = posting;
    if (callId === null || journals.some((journal) => journal.expected(callId) !== undefined)) continue;
    foreign.add(callId);
    if (whole) report(posting.id, `names call ${callId}, which no journal knows`);
  }
  let costs = 0;
  for (let page = await books.costs({ limit: PAGE }); page.length > 0; ) {
    costs += page.length;
    const last = page.at(-1);
    page = last === undefined || page.length < PAGE ? [] : await books.costs({ limit: PAGE, beforeId: last.id });
  }
  return { postings, costs, workspaces: workspaces.size, charged, foreignCalls: foreign.size };
}

async function* allPostings(books: SharedBooksToAudit): AsyncGenerator<Posting> {
  for (let page = await books.postings({ limit: PAGE }); page.length > 0; ) {
    yield* page;
    const last = page.at(-1);
    page = last === undefined || page.length < PAGE ? [] : await books.postings({ limit: PAGE, beforeId: last.id });
  }
}
