import type { Script, Step } from './script.ts';

// The rules once more, written to be obvious instead of fast, and sharing nothing with the meter: whole milliseconds are counted at the
// boundaries of events, money is in nano per millisecond (the fixture's 200 and 1 000), no rounding can occur.

export interface Reference {
  readonly T: number;
  readonly C: number;
  readonly total: bigint;
}

export function reference(script: Script, billToMs: number = script.proofAtMs): Reference {
  if (script.answeredAtMs === null) return { T: 0, C: 0, total: 0n };
  const talkMs = Math.max(0, billToMs - script.answeredAtMs);
  const T = script.class === 'managed' ? Math.max(60_000, talkMs) : 0;
  const C = activeMs(script.steps, script.answeredAtMs, billToMs);
  return { T, C, total: BigInt(T) * 200n + BigInt(C) * 1_000n };
}

/** For each stretch between two neighbouring instants: was at least one agent attached? */
function activeMs(steps: readonly Step[], fromMs: number, toMs: number): number {
  const events = distinct(steps);
  const instants = [...new Set([fromMs, toMs, ...events.map((event) => event.atMs)])]
    .filter((atMs) => atMs >= fromMs && atMs <= toMs)
    .sort((a, b) => a - b);
  let sum = 0;
  for (let index = 1; index < instants.length; index += 1) {
    const startMs = instants[index - 1]!;
    if (['agent_a', 'agent_b'].some((agentId) => isAttached(events, agentId, startMs)))
      sum += instants[index]! - startMs;
  }
  return sum;
}

type AgentStep = Extract<Step, { kind: 'on' | 'off' }>;

/** Streams of the agent just after `atMs`: every attach opens one, every detach closes one if any is open. */
function isAttached(events: readonly AgentStep[], agentId: string, atMs: number): boolean {
  let open = 0;
  for (const event of events) {
    if (event.agentId !== agentId || event.atMs > atMs) continue;
    open = event.kind === 'on' ? open + 1 : Math.max(0, open - 1);
  }
  return open > 0;
}

/** Each event once, by the time it happened; within one instant in the order in which it was first reported. */
function distinct(steps: readonly Step[]): AgentStep[] {
  const first = new Map<string, AgentStep>();
  for (const step of steps) {
    if (step.kind !== 'on' && step.kind !== 'off') continue;
    const key = `${step.kind} ${step.atMs} ${step.agentId}`;
    if (!first.has(key)) first.set(key, step);
  }
  return [...first.values()].sort((a, b) => a.atMs - b.atMs);
}
