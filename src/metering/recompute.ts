// The audit's half of the journal: what the records of a call say must stand in the ledger, worked out again from the facts alone.

import { adjustmentPostingOf, postingsOf, ratingOf } from './bill.ts';
import { correctionOf } from './carrier-record.ts';
import type { LedgerLine, MeterCost, MeterPosting } from './ports.ts';
import type { CallHistory, CallJournalRecord, IntentRecord, RatedRecord } from './records.ts';
import { foldCall } from './records.ts';
import { adjustmentCostsOf, costsOf } from './supplier.ts';

export interface RecomputedCall {
  readonly callId: string;
  readonly holdId: string;
  /** Everything that the ledger must hold for this call, and nothing else. */
  readonly postings: readonly MeterPosting[];
  readonly costs: readonly MeterCost[];
  /** In the ledger already, by the journal's own word. */
  readonly posted: boolean;
  /** Another node charged it; these are the lines as they were found. */
  readonly elsewhere: boolean;
  readonly problems: readonly string[];
}

export function recomputeCall(callId: string, records: readonly CallJournalRecord[]): RecomputedCall {
  if (!records.some((record) => record.kind === 'intent')) {
    return {
      callId,
      holdId: '',
      postings: [],
      costs: [],
      posted: false,
      elsewhere: false,
      problems: ['records without an intent'],
    };
  }
  const history = foldCall(callId, records);
  const { intent, ended, rated } = history;
  const base = { callId, holdId: intent.holdId, posted: history.posted !== null, elsewhere: false };
  const problems = countProblems(records);
  if (ended === null) return { ...base, postings: [], costs: [], problems: [...problems, 'no end: the call is open'] };
  const rating = ratingOf(intent, ended);
  const elsewhere = history.posted?.lines;
  if (rated === null) problems.push('ended but not rated');
  else problems.push(...ratedProblems(rated, { ...rating, kind: 'rated' }));
  if (history.posted === null) problems.push('rated but not posted');
  problems.push(...stampProblems(history), ...adjustmentProblems(history));
  // Another node finished the call by its own records, which its own audit recomputes; here its lines have to stand as they were found.
  if (elsewhere !== undefined)
    return {
      ...base,
      elsewhere: true,
      postings: elsewhere.map((line) => postingAt(intent, line)),
      costs: [],
      problems,
    };
  const adjustment = adjustmentPostingOf(history);
  const postings = [...postingsOf(intent, ended, rating), ...(adjustment === undefined ? [] : [adjustment])];
  const costs = [...costsOf(intent, ended, rating), ...adjustmentCostsOf(history)];
  return { ...base, postings, costs, problems };
}

function postingAt({ workspaceId, callId, startedWallMs }: IntentRecord, line: LedgerLine): MeterPosting {
  return { ...line, meter: line.meter as MeterPosting['meter'], workspaceId, callId, at: startedWallMs };
}

/** Each arrow of a call's life is drawn once. */
function countProblems(records: readonly CallJournalRecord[]): string[] {
  const once = ['intent', 'answered', 'ended', 'rated', 'adjusted'] as const;
  return once.flatMap((kind) => {
    const count = records.filter((record) => record.kind === kind).length;
    return count > 1 ? [`${count} records "${kind}"`] : [];
  });
}

function ratedProblems(
  rated: RatedRecord,
  again: Pick<RatedRecord, 'telephony' | 'compute' | 'total' | 'kind'>,
): string[] {
  const problems: string[] = [];
  for (const meter of ['telephony', 'compute'] as const) {
    for (const key of ['billedMs', 'amount'] as const) {
      if (rated[meter][key] === again[meter][key]) continue;
      problems.push(`${meter} ${key} was rated ${rated[meter][key]}, recomputed ${again[meter][key]}`);
    }
  }
  if (rated.total !== again.total) problems.push(`total was rated ${rated.total}, recomputed ${again.total}`);
  return problems;
}

function stampProblems({ ended }: CallHistory): string[] {
  if (ended === null) return [];
  const problems: string[] = [];
  if (ended.billToMs > ended.atMs) problems.push(`charged ${ended.billToMs - ended.atMs} ms beyond the last proof`);
  if (ended.agentProvenToMs > ended.atMs) problems.push('agent time is charged beyond the last proof');
  return problems;
}

function adjustmentProblems(history: CallHistory): string[] {
  const { adjusted } = history;
  if (adjusted === null) return [];
  const problems = history.adjustmentPosted ? [] : ['adjusted but not posted'];
  const again = correctionOf({ ...history, adjusted: null }, adjusted.carrierMs);
  if (typeof again === 'string') problems.push(`an adjustment stands where the carrier's record gives "${again}"`);
  else if (again.posting.amount !== adjusted.amount) {
    problems.push(`adjustment of ${adjusted.amount}, recomputed ${again.posting.amount}`);
  }
  return problems;
}
