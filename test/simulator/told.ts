import type { Bill, CallClass, Evidence } from '../../src/domain/call.ts';
import type { Reason } from '../../src/domain/reasons.ts';
import type { AuthoriseOutcome, MeteredCall } from '../../src/metering/meter.ts';
import { dividedUp, type Facts, priceOf, rowOf } from './reference.ts';
import type { CallPlan } from './script.ts';
import type { Tariff } from './tariffs.ts';

// What the meter was told of one call, and what it said. Written down by the one who told it; the meter's own records play no part here.

export interface Told {
  readonly callId: string;
  readonly workspaceId: string;
  readonly plan: CallPlan;
  readonly setUp: {
    readonly atMs: number;
    readonly tariff: Tariff;
    /** null: the workspace is closed. */
    readonly terms: { readonly prepaid: boolean; readonly limited: boolean } | null;
  };
  outcome: 'open' | Extract<AuthoriseOutcome, { ok: false }>['reason'] | null;
  /** What is to be told as soon as it is open. */
  readonly waiting: (() => void)[];
  call: MeteredCall | null;
  answer: {
    readonly atMs: number;
    readonly wallMs: number;
    readonly class: CallClass;
    readonly tariff: Tariff;
    readonly trunkId: string;
  } | null;
  readonly agents: ToldAgent[];
  /** The first end, or one of the same turn with earlier evidence. */
  end: {
    readonly toldMs: number;
    readonly turn: number;
    readonly proofMs: number;
    readonly reason: Reason;
    readonly evidence: Evidence;
  } | null;
  /** The meter wants it to end. */
  cut: { readonly atMs: number; readonly why: Reason } | null;
  warned: number;
  /** How often its record was to be stored. */
  records: number;
  readonly samples: { readonly atMs: number; readonly total: bigint; readonly expected: bigint }[];
  /** What the books held for it in the instant of its settlement. */
  held: bigint | null;
  bill: Bill | null;
}

export interface ToldAgent {
  readonly on: boolean;
  readonly agentId: string;
  /** When it happened, by whoever told. */
  readonly atMs: number;
  readonly toldMs: number;
}

/** Beyond this an agent without any sign of life was not found in time. */
const AGENT_SIGN_MAX_MS = 15_000;

/** The call up to an end at `proofMs` that is told at `toldMs`. `held`: see Facts. */
export function factsOf(
  told: Told,
  end: { proofMs: number; toldMs: number; unconfirmed: boolean },
  held: bigint | null,
): Facts {
  const provenMs = Math.min(end.proofMs, end.toldMs);
  const answerMs = told.answer?.atMs ?? provenMs;
  return {
    class: told.plan.class,
    number: told.plan.number,
    answer: told.answer,
    setUp: told.setUp,
    agents: told.agents.map((event, index) => ({
      ...event,
      atMs: event.on ? event.atMs : provenOf(told, index, event),
    })),
    provenMs: Math.max(provenMs, answerMs),
    agentProvenMs: agentProvenTo(told, told.agents, Math.max(provenMs, answerMs), end.toldMs),
    unconfirmed: end.unconfirmed,
    held,
    paidToMs: null,
  };
}

/** Whoever finds a half-open agent stamps its going with the finding; it was there until its last sign. */
function provenOf(told: Told, index: number, { atMs, toldMs }: ToldAgent): number {
  return Math.min(atMs, agentProvenTo(told, told.agents.slice(0, index), atMs, toldMs));
}

export function agentProvenTo(told: Told, agents: readonly ToldAgent[], atMs: number, seenMs: number): number {
  const { media } = told.plan;
  if (media === null) return atMs;
  const coming = Math.max(0, ...agents.filter(({ on }) => on).map((event) => event.atMs));
  const sign = Math.max(coming, Math.min(seenMs, media.agentSilentFromMs ?? Infinity));
  return atMs - sign > AGENT_SIGN_MAX_MS ? sign : atMs;
}

/** The first hold: what the answer costs at once, and ten seconds of an agent. */
export function firstHold({ plan, setUp }: Told): bigint {
  const row = plan.class === 'managed' ? rowOf(setUp.tariff, plan.number) : null;
  return (row === null ? 0n : priceOf(row, 0)) + dividedUp(setUp.tariff.computePerMinute * 10n, 60n);
}
