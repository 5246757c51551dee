import type { CallClass, Evidence } from '../../src/domain/call.ts';
import type { Reason } from '../../src/domain/reasons.ts';
import type { CallLimits } from '../../src/ledger/books.ts';

// What happens in one run, as data: it can be printed, repeated and made smaller. Instants are ms after the start of the script, with
// quarters, on the monotonic clock.

export interface Script {
  readonly seed: number;
  readonly workspaces: readonly WorkspacePlan[];
  readonly calls: readonly CallPlan[];
  /** By time. Steps of one instant happen in one turn of the event loop, in this order. */
  readonly steps: readonly Step[];
}

export interface WorkspacePlan {
  readonly prepaid: boolean;
  readonly balance: bigint;
  readonly limits: CallLimits;
}

export interface CallPlan {
  readonly workspace: number;
  readonly class: CallClass;
  /** Of the leg that answers. */
  readonly answerClass: CallClass;
  readonly number: string;
  readonly media: MediaPlan;
  /** From being told to end to the end of the leg. */
  readonly hangUpMs: number;
}

/** What the media counters of a call show; null: the call has none. */
export type MediaPlan = null | {
  /** No packet in these; a caller on hold, silence suppression, a dead peer. */
  readonly gaps: readonly (readonly [fromMs: number, toMs: number])[];
  /** Answered, and never a packet. */
  readonly never: boolean;
  /** The agent's socket is half-open from here on. */
  readonly agentSilentFromMs: number | null;
};

export type Step = { readonly atMs: number } & (
  | { readonly kind: 'setUp'; readonly call: number }
  | { readonly kind: 'answered'; readonly call: number }
  /** `eventMs`: when it happened; `atMs`: when the meter is told. */
  | { readonly kind: 'on' | 'off'; readonly call: number; readonly eventMs: number; readonly agentId: string }
  | { readonly kind: 'running'; readonly call: number }
  | {
      readonly kind: 'end';
      readonly call: number;
      readonly proofMs: number;
      readonly reason: Reason;
      readonly evidence: Evidence;
    }
  | { readonly kind: 'wall'; readonly stepMs: number }
  | { readonly kind: 'topUp'; readonly workspace: number; readonly amount: bigint }
  | { readonly kind: 'rates'; readonly tariff: number }
  /** The workspace is closed, or has other limits from now on; its live calls must not notice. */
  | { readonly kind: 'terms'; readonly workspace: number; readonly terms: 'closed' | 'unlimited' | 'as planned' }
);

/** More than any script can cost. */
export const RICH = 1_000_000_000_000n;

export function isRich({ balance, limits }: WorkspacePlan): boolean {
  return balance >= RICH && limits.spendPerHour === null && limits.spendPerDay === null;
}

export const workspaceId = (index: number): string => `ws_${index}`;
export const callId = (index: number): string => `call_${index}`;

/** For people, and to be pasted into a test. */
export function printScript(script: Script): string {
  const text = (value: unknown) =>
    JSON.stringify(value, (_key, each: unknown) => (typeof each === 'bigint' ? `${each}n` : each));
  const lines = script.steps.map((step) => `    ${text(step)}`).join(',\n');
  const calls = script.calls.map((call, index) => `    ${text({ index, ...call })}`).join(',\n');
  return `seed ${script.seed}\n  workspaces ${text(script.workspaces)}\n  calls\n${calls}\n  steps\n${lines}`;
}
