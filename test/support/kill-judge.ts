// What a round of the kill loop (kill-loop.ts) must show, judged call by call against what the phone saw. Metering properties 1, 2, 3, 7
// and 11. Pure.

import type { BookedCall, RoundReport, Witness } from './kill-loop.ts';

export interface RoundVerdict {
  readonly round: number;
  /** Calls that the phone saw answered; of those, the ones that were live at the kill. */
  readonly answered: number;
  readonly live: number;
  /** Case 45: the 200 left, the process died before `answered` was durable. Nothing is charged, and a person is asked to look. */
  readonly undecided: number;
  /** Answered, and no final bill. */
  readonly lost: number;
  /** More than one record, or more money than the bill says. */
  readonly double: number;
  /** How much less than what the phone saw was billed, at worst. */
  readonly worstUnderMs: number;
  /** Of all calls: how much more. */
  readonly worstOverMs: number;
  readonly phoneLateMs: number;
  readonly takenOver: number;
  readonly auditOk: boolean;
  /** In words; empty where all is as it must be. */
  readonly problems: readonly string[];
}

/** What a crash may cost (billing.heartbeatMs). */
const HEARTBEAT_MS = 1000;
/** What lies between the gateway's clock readings and the phone's: a 200 and a BYE on their way, a busy machine. */
const SLACK_MS = 300;
/** An answer or an end that is younger may not be durable yet; an end then counts as none. */
const DURABLE_MS = 300;
/** First minute of telephony and first slice of compute. Killed between the hold and the intent, nobody knows of the call: its
 *  hold returns when it expires (books invariant B4). */
const FIRST_HOLD = 22_000_000n;

export class KillJudge {
  /** Holds of calls that nobody knows of; those of earlier rounds may still stand. */
  #orphans = 0;

  judge(report: RoundReport): RoundVerdict {
    const problems: string[] = [];
    const callsOf = Map.groupBy(report.calls, (call) => call.from);
    const answered = report.witnesses.filter((witness) => witness.answered);
    const verdicts = report.witnesses.map((witness) =>
      judgeCall(witness, callsOf.get(witness.from) ?? [], SLACK_MS + report.phoneLateMs, problems),
    );
    this.#orphans += report.witnesses.filter(({ answered: was, from }) => !was && !callsOf.has(from)).length;
    const doubled = doublesOf(report, problems);
    judgeBooks(report, problems);
    if (BigInt(nano(report.reserved)) > BigInt(this.#orphans) * FIRST_HOLD)
      problems.push(`reserved is ${report.reserved}, with ${this.#orphans} calls that nobody knows of`);
    const count = (kind: CallVerdict['kind']) => verdicts.filter((verdict) => verdict.kind === kind).length;
    return {
      round: report.round,
      answered: answered.length,
      live: answered.filter(isLive).length,
      undecided: count('undecided'),
      lost: count('lost'),
      double: count('double') + doubled,
      worstUnderMs: Math.round(Math.max(0, ...verdicts.map((verdict) => verdict.underMs))),
      worstOverMs: Math.round(Math.max(0, ...verdicts.map((verdict) => verdict.overMs))),
      phoneLateMs: report.phoneLateMs,
      takenOver: report.takenOver,
      auditOk: report.audit.ok,
      problems,
    };
  }
}

interface CallVerdict {
  readonly kind: 'unanswered' | 'billed' | 'undecided' | 'lost' | 'double';
  readonly underMs: number;
  readonly overMs: number;
}

const verdict = (kind: CallVerdict['kind'], underMs = 0, overMs = 0): CallVerdict => ({ kind, underMs, overMs });

function judgeCall(witness: Witness, calls: readonly BookedCall[], slackMs: number, problems: string[]): CallVerdict {
  const report = (what: string) =>
    void problems.push(`${witness.from}, talked ${witness.talkMs} ms: ${what}: ${JSON.stringify(calls)}`);
  const [call] = calls;
  const { bill } = call ?? {};
  if (calls.length > 1) {
    report('several records');
    return verdict('double');
  }
  if (!witness.answered) {
    if (Number(bill?.total ?? 0) !== 0) report('never answered, and charged');
    return verdict('unanswered');
  }
  const talkMs = witness.talkMs ?? 0;
  if (talkMs < DURABLE_MS && call?.endReason === 'crashed_before_answer') {
    if (!bill?.final || Number(bill.total) !== 0 || !bill.flags.includes('needs_reconciliation')) report('undecided');
    return verdict('undecided');
  }
  if (call?.state !== 'ended' || !bill?.final || bill.telephony.billedMs !== 60_000) {
    report('answered, and no final bill of the first minute');
    return verdict('lost');
  }
  const underMs = talkMs - bill.compute.billedMs;
  const overMs = -underMs - witness.byeTookMs;
  if (underMs > slackMs + (isLive(witness) ? HEARTBEAT_MS : 0)) report(`${underMs} ms too little (${call.endReason})`);
  if (overMs > slackMs) report(`${overMs} ms too much (${call.endReason})`);
  return verdict('billed', underMs, overMs);
}

function isLive({ byeBeforeMs }: Witness): boolean {
  return byeBeforeMs === null || byeBeforeMs < DURABLE_MS;
}

/** Calls whose postings are not exactly their bill. */
function doublesOf({ calls, postings }: RoundReport, problems: string[]): number {
  const postingsOf = Map.groupBy(postings, (posting) => posting.callId);
  let doubles = 0;
  for (const call of calls) {
    const own = postingsOf.get(call.id) ?? [];
    const charged = own.reduce((sum, posting) => sum - nano(posting.amount), 0n);
    const meters = new Set(own.map((posting) => posting.meter));
    if (charged === nano(call.bill?.total ?? '0') && meters.size === own.length) continue;
    problems.push(`${call.id}: bill ${call.bill?.total}, postings ${JSON.stringify(own)}`);
    if (charged > nano(call.bill?.total ?? '0') || meters.size < own.length) doubles += 1;
  }
  return doubles;
}

function judgeBooks(report: RoundReport, problems: string[]): void {
  const { again, balance, balanceBefore, calls, postings } = report;
  if (new Set(postings.map((posting) => posting.id)).size !== postings.length) problems.push('a posting stands twice');
  const moved = postings.reduce((sum, posting) => sum + nano(posting.amount), 0n);
  if (nano(balance) - nano(balanceBefore) !== moved)
    problems.push(`balance ${balanceBefore} -> ${balance}, postings ${moved} nano`);
  if (nano(balance) < 0n) problems.push(`the balance is ${balance}`);
  if (!report.audit.ok) problems.push(`audit: ${report.audit.output}`);
  const same = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other);
  if (!same(again.calls, calls) || !same(again.postings, postings) || again.balance !== balance)
    problems.push('a second recovery changed something');
}

/** Decimal text, at most nine places, to nano-units. */
function nano(text: string): bigint {
  const [whole = '0', part = ''] = text.replace('-', '').split('.');
  const value = BigInt(whole) * 1_000_000_000n + BigInt(part.padEnd(9, '0'));
  return text.startsWith('-') ? -value : value;
}

/** One line per round. */
export function renderVerdict(verdict: RoundVerdict, killedAfterMs: number): string {
  const { answered, auditOk, double, live, lost, phoneLateMs, round, takenOver, undecided, worstOverMs, worstUnderMs } =
    verdict;
  return [
    `round ${String(round).padStart(3)}`,
    `killed after ${String(killedAfterMs).padStart(4)} ms`,
    `answered ${answered} (live ${live})`,
    `lost ${lost}`,
    `double ${double}`,
    `undecided ${undecided}`,
    ...(takenOver > 0 ? [`${takenOver} finished by another node`] : []),
    `worst under-billing ${worstUnderMs} ms, over ${worstOverMs} ms (phone late ${phoneLateMs} ms)`,
    `audit ${auditOk ? 'clean' : 'DIFFERS'}`,
  ].join(', ');
}

export function renderSummary(store: string, seed: number, verdicts: readonly RoundVerdict[]): string {
  const sum = (of: (verdict: RoundVerdict) => number) => verdicts.reduce((total, each) => total + of(each), 0);
  const worst = (of: (verdict: RoundVerdict) => number) => Math.max(0, ...verdicts.map(of));
  const clean = verdicts.filter((verdict) => verdict.auditOk).length;
  return (
    `${store}, seed ${seed}: ${verdicts.length} rounds, ${sum((each) => each.answered)} answered calls, ` +
    `${sum((each) => each.live)} of them live at the kill (${Math.min(...verdicts.map((each) => each.live))} or more each time); ` +
    `lost ${sum((each) => each.lost)}, double ${sum((each) => each.double)}, undecided and flagged ${sum((each) => each.undecided)}, ` +
    `worst under-billing ${worst((each) => each.worstUnderMs)} ms, worst over-billing ${worst((each) => each.worstOverMs)} ms, ` +
    `audit clean ${clean}/${verdicts.length}, problems ${sum((each) => each.problems.length)}`
  );
}
