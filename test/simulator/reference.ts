import type { CallClass } from '../../src/domain/call.ts';
import { CARRIER, type Row, type Tariff } from './tariffs.ts';

// The rules once more, written to be obvious instead of fast, and sharing nothing with the meter. All instants are monotonic ms.

export interface Facts {
  readonly class: CallClass;
  readonly number: string;
  readonly answer: { readonly atMs: number; readonly class: CallClass; readonly tariff: Tariff } | null;
  readonly setUp: { readonly tariff: Tariff };
  /** As they were told; each once or more, in any order. */
  readonly agents: readonly { readonly atMs: number; readonly agentId: string; readonly on: boolean }[];
  /** The last proof of service, and of an agent that never left. */
  readonly provenMs: number;
  readonly agentProvenMs: number;
  /** Our answer was never acknowledged. */
  readonly unconfirmed: boolean;
  /** What the call held when it ended; null: it needs no money. */
  readonly held: bigint | null;
  /** The money is known to have ended here; null: `held` says it all. */
  readonly paidToMs: number | null;
}

export interface Expected {
  /** Telephony and compute, ms. */
  readonly T: number;
  readonly C: number;
  readonly telephony: bigint;
  readonly compute: bigint;
  readonly total: bigint;
  readonly billToMs: number;
  /** Of the carrier; null: none. */
  readonly cost: bigint | null;
}

export function reference(facts: Facts): Expected {
  const { answer, held, paidToMs, provenMs, unconfirmed } = facts;
  const nothing = { T: 0, C: 0, telephony: 0n, compute: 0n, total: 0n, cost: null };
  if (answer === null) return { ...nothing, billToMs: provenMs };
  const periods = attachedPeriods(facts);
  const upTo = (billToMs: number) => priceAt(facts, periods, billToMs);
  let billToMs = Math.max(Math.min(provenMs, paidToMs ?? provenMs), answer.atMs);
  if (held !== null && upTo(billToMs).total > held && !unconfirmed) {
    // The last whole millisecond that is paid for: the price never falls, so the range may be halved.
    let [paid, unpaid] = [0, Math.ceil(billToMs - answer.atMs)];
    while (unpaid - paid > 1) {
      const middle = Math.floor((paid + unpaid) / 2);
      if (upTo(answer.atMs + middle).total <= held) paid = middle;
      else unpaid = middle;
    }
    billToMs = answer.atMs + paid;
  }
  if (unconfirmed) return { ...nothing, billToMs };
  const servedMs = Math.max(0, Math.floor(provenMs - answer.atMs));
  const cost = answer.class === 'managed' ? carrierCost(facts.number, servedMs) : null;
  return { ...upTo(billToMs), billToMs, cost };
}

function priceAt(facts: Facts, periods: readonly [number, number][], billToMs: number) {
  const answerMs = facts.answer!.atMs;
  const tariff = tariffOf(facts);
  const row = facts.answer!.class === 'managed' ? rowOf(tariff, facts.number) : null;
  const talkMs = Math.max(0, Math.floor(billToMs - answerMs));
  const T = row === null ? 0 : chargedMs(row, talkMs);
  let C = 0;
  for (const [fromMs, toMs] of periods) {
    const firstMs = Math.max(0, Math.ceil(fromMs - answerMs));
    C += Math.max(0, Math.floor(Math.min(toMs, billToMs) - answerMs) - firstMs);
  }
  const telephony = row === null ? 0n : priceOf(row, talkMs);
  const compute = dividedUp(tariff.computePerMinute * BigInt(C), 60_000n);
  return { T, C, telephony, compute, total: telephony + compute };
}

/** In force at the answer; where that does not know the number any more, or its first minute is not held, that of the set-up. */
export function tariffOf({ answer, number, setUp, held }: Facts): Tariff {
  if (answer!.class !== 'managed') return answer!.tariff;
  const row = rowOf(answer!.tariff, number);
  return row === null || (held !== null && priceOf(row, 0) > held) ? setUp.tariff : answer!.tariff;
}

/** 0: nobody knows. */
function carrierCost(number: string, servedMs: number): bigint {
  return number.startsWith(`+${CARRIER.prefix}`) ? priceOf(CARRIER, servedMs) : 0n;
}

/** The first minute (or whatever is initial) in full, then whole steps. */
function chargedMs(row: Row, talkMs: number): number {
  return row.initialMs + Math.ceil(Math.max(0, talkMs - row.initialMs) / row.incrementMs) * row.incrementMs;
}

export function priceOf(row: Row, talkMs: number): bigint {
  return row.fee + dividedUp((row.perMinute ?? 0n) * BigInt(chargedMs(row, talkMs)), 60_000n);
}

/** The longest prefix decides; null: not to be called, or nobody knows what it costs. */
export function rowOf({ rows }: Tariff, number: string): Row | null {
  const matching = rows.filter(({ prefix }) => number.startsWith(`+${prefix}`));
  const longest = matching.toSorted((a, b) => b.prefix.length - a.prefix.length)[0];
  return longest === undefined || longest.perMinute === null ? null : longest;
}

/** From when to when at least one agent was there. Each coming opens a stream of its agent, each going closes one. */
export function attachedPeriods({ agents, agentProvenMs }: Facts): [number, number][] {
  const streams: string[] = [];
  const periods: [number, number][] = [];
  for (const { on, atMs, agentId } of distinct(agents).toSorted((a, b) => a.atMs - b.atMs)) {
    const before = streams.length;
    if (on) streams.push(agentId);
    else if (streams.includes(agentId)) streams.splice(streams.indexOf(agentId), 1);
    const last = periods.at(-1);
    if (before > 0 && streams.length === 0) last![1] = atMs;
    if (before > 0 || streams.length === 0) continue;
    if (last?.[1] === atMs) last[1] = Infinity;
    else periods.push([atMs, Infinity]);
  }
  if (streams.length > 0) periods.at(-1)![1] = agentProvenMs;
  return periods;
}

/** Each event once; of one instant in the order in which they were first told. */
function distinct(agents: Facts['agents']): Facts['agents'] {
  const seen = new Set<string>();
  return agents.filter(({ on, atMs, agentId }) => seen.size < seen.add(`${on} ${atMs} ${agentId}`).size);
}

export function dividedUp(amount: bigint, by: bigint): bigint {
  return (amount + by - 1n) / by;
}
