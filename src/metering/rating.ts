// Rating: from the facts of one call to its price. Pure: no clock, no store, no configuration beyond the snapshot.
//
// Invariants
//   R1. Price is a function of cumulative milliseconds and is rounded up once, at the posting; a slice costs the difference of
//       two cumulative prices, so one piece and 500 slices give the same total.
//   R2. The cumulative price never decreases.
//   R3. Nothing before the answer or after the proven end counts: starts are rounded up and ends down to whole milliseconds.
//   R4. The first-minute floor belongs to telephony alone; compute is the union of the agents' intervals.

import type { BillLine, CallClass } from '../domain/call.ts';
import type { Nano } from '../domain/money.ts';

export interface TelephonyRate {
  /** E.164 digits without `+` that the number starts with. */
  readonly prefix: string;
  /** Wall-clock ms from which the row holds, 0 = always; absent in journal records of earlier versions. */
  readonly effectiveFrom?: number;
  readonly connectFee: Nano;
  /** Charged in full as soon as the call is answered: 60 000 = the first minute. */
  readonly initialMs: number;
  /** Afterwards the time is rounded up to a multiple of this: 1 = the actual time. */
  readonly incrementMs: number;
  readonly perMinute: Nano;
}

/** Everything about prices that a call needs, fixed at answer. */
export interface RateSnapshot {
  readonly version: string;
  readonly currency: string;
  /** null: we charge no telephony for this class. */
  readonly telephony: TelephonyRate | null;
  readonly computePerMinute: Nano;
}

/** An agent came or went. Duplicates and any order of arrival give the same result. */
export interface AgentEvent {
  readonly atMs: number;
  readonly agentId: string;
  readonly on: boolean;
}

export interface CallFacts {
  readonly class: CallClass;
  readonly rates: RateSnapshot;
  /** Monotonic ms; null = never answered. */
  readonly answeredAtMs: number | null;
  /** Monotonic ms: last instant that is charged. */
  readonly billToMs: number;
  readonly agentEvents: readonly AgentEvent[];
  /** Monotonic ms: the time of an agent that never detached is proven up to here. */
  readonly agentProvenToMs: number;
  /** The answer was never confirmed: nothing is charged until the carrier says that it connected. */
  readonly unconfirmed: boolean;
}

export interface Rating {
  readonly telephony: BillLine;
  readonly compute: BillLine;
  readonly total: Nano;
}

const MINUTE_MS = 60_000n;
const LESS_THAN_MINUTE_MS = MINUTE_MS - 1n;
/** Stamps carry binary fractions: 20.4 - 0.4 may read 19.999999. Half a microsecond is noise, not time. */
const NOISE_MS = 0.0005;

export function rate(facts: CallFacts): Rating {
  const { rates } = facts;
  if (facts.answeredAtMs === null) return nothing(facts, 'Not answered: no charge.');
  if (facts.unconfirmed) {
    return nothing(facts, 'Our answer was never acknowledged: no charge unless the carrier confirms the connection.');
  }
  const answered = answeredMs(facts.answeredAtMs, facts.billToMs);
  const active = activeTime(facts.agentEvents, facts.answeredAtMs, facts.billToMs, facts.agentProvenToMs);
  const telephony = telephonyLine(facts.class, rates.telephony, answered);
  const compute: BillLine = {
    billedMs: active.ms,
    ratePerMinute: rates.computePerMinute,
    amount: computePrice(rates.computePerMinute, active.ms),
    rule: computeRule(active),
  };
  return { telephony, compute, total: telephony.amount + compute.amount };
}

/** Whole milliseconds from the answer to `toMs`; 0 where that is earlier. */
export function answeredMs(answeredAtMs: number, toMs: number): number {
  return Math.max(0, Math.floor(toMs - answeredAtMs + NOISE_MS));
}

/** What a call of `durationMs` is charged for, in ms. */
export function telephonyBilledMs(rates: TelephonyRate, durationMs: number): number {
  if (durationMs <= rates.initialMs) return rates.initialMs;
  const increments = Math.ceil((durationMs - rates.initialMs) / rates.incrementMs);
  return rates.initialMs + increments * rates.incrementMs;
}

/** Cumulative price of telephony after `durationMs` of an answered call (R1, R2). */
export function telephonyPrice(rates: TelephonyRate | null, durationMs: number): Nano {
  if (rates === null) return 0n;
  return rates.connectFee + priceOf(rates.perMinute, telephonyBilledMs(rates, durationMs));
}

/** Cumulative price of `activeMs` of agent time (R1, R2). */
export function computePrice(perMinute: Nano, activeMs: number): Nano {
  return priceOf(perMinute, activeMs);
}

export interface ActiveTime {
  readonly ms: number;
  readonly periods: number;
}

/** A time in which at least one agent was attached, monotonic ms. */
export interface AgentPeriod {
  readonly sinceMs: number;
  /** null: one still is. */
  readonly untilMs: number | null;
}

/**
 * Union of the intervals in which at least one agent is attached (R4). Streams of one agent may overlap: each attach needs its own detach.
 * Repeated and stray events change nothing.
 */
export function agentPeriods(events: readonly AgentEvent[]): readonly AgentPeriod[] {
  const attached = new Map<string, number>();
  const periods: { sinceMs: number; untilMs: number | null }[] = [];
  let streams = 0;
  for (const event of inOrder(events)) {
    const depth = attached.get(event.agentId) ?? 0;
    if (!event.on && depth === 0) continue;
    attached.set(event.agentId, event.on ? depth + 1 : depth - 1);
    streams += event.on ? 1 : -1;
    const last = periods.at(-1);
    if (!event.on) {
      if (last !== undefined && streams === 0) last.untilMs = event.atMs;
    } else if (streams === 1) {
      // One goes in the instant in which another comes: that is one period, and no millisecond of it is lost to rounding.
      if (last?.untilMs === event.atMs) last.untilMs = null;
      else periods.push({ sinceMs: event.atMs, untilMs: null });
    }
  }
  return periods;
}

/** Length of these periods, cut to [fromMs, toMs] (R3). What is open lasts to `openToMs` at most. */
export function activeIn(
  periods: readonly AgentPeriod[],
  fromMs: number,
  toMs: number,
  openToMs: number = toMs,
): ActiveTime {
  let ms = 0;
  let counted = 0;
  for (const { sinceMs, untilMs } of periods) {
    const start = Math.max(0, Math.ceil(sinceMs - fromMs - NOISE_MS));
    const end = answeredMs(fromMs, Math.min(untilMs ?? openToMs, toMs));
    if (end <= start) continue;
    ms += end - start;
    counted += 1;
  }
  return { ms, periods: counted };
}

/** The same of events: the periods that they come to. */
export function activeTime(
  events: readonly AgentEvent[],
  fromMs: number,
  toMs: number,
  openToMs: number = toMs,
): ActiveTime {
  return activeIn(agentPeriods(events), fromMs, toMs, openToMs);
}

/** By time, duplicates removed; what happened in the same instant keeps its order of arrival. */
function inOrder(events: readonly AgentEvent[]): readonly AgentEvent[] {
  const seen = new Set<string>();
  const unique = events.filter((event) => {
    const key = `${event.on ? '+' : '-'}${event.atMs} ${event.agentId}`;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
  return unique.sort((a, b) => a.atMs - b.atMs);
}

/** Nano-units for `ms` at a price per minute, rounded up (R1). */
function priceOf(perMinute: Nano, ms: number): Nano {
  return (perMinute * BigInt(ms) + LESS_THAN_MINUTE_MS) / MINUTE_MS;
}

function telephonyLine(callClass: CallClass, rates: TelephonyRate | null, durationMs: number): BillLine {
  if (rates === null) return { billedMs: 0, ratePerMinute: 0n, amount: 0n, rule: FREE_RULES[callClass] };
  const billedMs = telephonyBilledMs(rates, durationMs);
  return {
    billedMs,
    ratePerMinute: rates.perMinute,
    amount: telephonyPrice(rates, durationMs),
    rule: telephonyRule(rates, durationMs, billedMs),
  };
}

const FREE_RULES: Readonly<Record<CallClass, string>> = {
  managed: 'No telephony charge: there was no rate for this call when it was answered.',
  imported: 'No telephony charge: the call used your own number, which its carrier bills to you.',
  byoc: 'No telephony charge: the call used your own SIP trunk.',
  browser: 'No telephony charge: browser test call.',
};

/** What is charged of an answered call, in words. */
export function telephonyRule(rates: TelephonyRate, durationMs: number, billedMs: number): string {
  const lasted = `The call lasted ${seconds(durationMs)} from answer to end`;
  const fee = rates.connectFee > 0n ? ' A connection fee is included.' : '';
  if (durationMs < rates.initialMs) {
    return `${lasted}; the first ${seconds(rates.initialMs)} are always charged.${fee}`;
  }
  if (rates.incrementMs === 1) {
    const beyond = rates.initialMs === 0 ? '' : `beyond the first ${seconds(rates.initialMs)} `;
    return `${lasted}; ${beyond}the actual time is charged.${fee}`;
  }
  return `${lasted}; charged as ${seconds(billedMs)} in steps of ${seconds(rates.incrementMs)}.${fee}`;
}

function computeRule({ ms, periods }: ActiveTime): string {
  if (ms === 0) return 'No agent was active while the call was answered: no charge.';
  const times = periods === 1 ? '' : `, in ${periods} periods added up`;
  return `The agent was active for ${seconds(ms)} of the answered call${times}; the actual time is charged.`;
}

function nothing(facts: CallFacts, rule: string): Rating {
  const line = (ratePerMinute: Nano): BillLine => ({ billedMs: 0, ratePerMinute, amount: 0n, rule });
  return {
    telephony: line(facts.rates.telephony?.perMinute ?? 0n),
    compute: line(facts.rates.computePerMinute),
    total: 0n,
  };
}

/** `61.4 s`. */
export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(3).replace(/\.?0+$/, '')} s`;
}
