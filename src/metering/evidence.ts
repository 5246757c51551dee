// What is proven of a live call, from the media counters. Pure: a reading of the counters in, instants out.
//
// Invariants
//   E1. Without RTP for longer than `rtpProofMaxAgeMs` the call is proven only up to its last packet.
//   E2. Without a sign of life from the agent for longer than `agentProofMaxAgeMs` (several pings) its time is proven only up to the
//       last sign; attaching is one.
//   E3. A call without counters (row < 0) is taken to be alive: nothing can contradict it.

import type { AgentTimes } from './agent-times.ts';
import type { EvidenceCounters } from './ports.ts';
import type { Pulse } from './records.ts';

export interface ProofAges {
  readonly rtpProofMaxAgeMs: number;
  readonly agentProofMaxAgeMs: number;
}

/** Newest signs of service seen of a row of the counters; kept by the call, because a row is cleared when its media closes. */
export class Signs {
  readonly hasCounters: boolean;
  /** Monotonic ms, 0 = never. */
  rtpMs = 0;
  agentMs = 0;
  readonly #counters: EvidenceCounters;
  readonly #row: number;

  /** A row below 0: the call has none. */
  constructor(counters: EvidenceCounters, row: number) {
    this.#counters = counters;
    this.#row = row;
    this.hasCounters = row >= 0;
  }

  look(): void {
    if (!this.hasCounters) return;
    this.rtpMs = Math.max(this.rtpMs, this.#counters.lastRtpMs(this.#row));
    this.agentMs = Math.max(this.agentMs, this.#counters.lastAgentProofMs(this.#row));
  }
}

/** What a heartbeat at `nowMs` may claim of a call that was answered. */
export function pulseOf(
  callId: string,
  answeredAtMs: number,
  signs: Signs,
  agents: AgentTimes,
  nowMs: number,
  ages: ProofAges,
): Pulse {
  const { hasCounters, rtpMs } = signs;
  const billedToMs = provenTo(hasCounters, Math.max(rtpMs, answeredAtMs), nowMs, ages.rtpProofMaxAgeMs);
  return {
    callId,
    billedToMs,
    rtpAgeMs: rtpMs > 0 ? Math.round(nowMs - rtpMs) : null,
    // When the last one went: the heartbeat may be durable where the record of its going is not.
    agentProvenToMs: agents.isAttached
      ? Math.min(billedToMs, agentProvenTo(agents, signs, nowMs, ages))
      : agents.lastLeftMs,
  };
}

/** Up to when the time of the attached agent is proven. */
export function agentProvenTo(agents: AgentTimes, signs: Signs, nowMs: number, ages: ProofAges): number {
  return provenTo(signs.hasCounters, Math.max(signs.agentMs, agents.lastCameMs), nowMs, ages.agentProofMaxAgeMs);
}

function provenTo(hasCounters: boolean, lastSignMs: number, nowMs: number, maxAgeMs: number): number {
  return hasCounters && nowMs - lastSignMs > maxAgeMs ? lastSignMs : nowMs;
}
