// What is proven of a live call, from the media counters. Pure: a reading of the counters in, instants out.
//
// Invariants
//   E1. Without RTP for longer than `rtpProofMaxAgeMs` the call is proven only up to its last packet.
//   E2. Without a sign of life from the agent for longer than `agentProofMaxAgeMs` (several pings) its time is proven only up to the
//       last sign; attaching is one.
//   E3. A call without counters (row < 0) is taken to be alive: nothing can contradict it.

import type { EvidenceCounters } from './ports.ts';
import type { AgentEvent } from './rating.ts';
import type { Pulse } from './records.ts';

export interface ProofAges {
  readonly rtpProofMaxAgeMs: number;
  readonly agentProofMaxAgeMs: number;
}

/** Newest signs of service seen of a row; kept by the call, because a row is cleared when its media closes. */
export interface Reading {
  readonly hasCounters: boolean;
  /** Monotonic ms, 0 = never. */
  readonly rtpMs: number;
  readonly agentMs: number;
}

export function readCounters(counters: EvidenceCounters, row: number, before: Reading | null): Reading {
  if (row < 0) return { hasCounters: false, rtpMs: 0, agentMs: 0 };
  return {
    hasCounters: true,
    rtpMs: Math.max(before?.rtpMs ?? 0, counters.lastRtpMs(row)),
    agentMs: Math.max(before?.agentMs ?? 0, counters.lastAgentProofMs(row)),
  };
}

export interface LiveCall {
  readonly callId: string;
  readonly answeredAtMs: number;
  readonly agentEvents: readonly AgentEvent[];
  /** After all of `agentEvents` (rating.ts `agentIsAttached`): told, because a sweep asks each second and events are rare. */
  readonly hasAgent: boolean;
  readonly reading: Reading;
}

/** What a heartbeat at `nowMs` may claim. */
export function pulseOf(call: LiveCall, nowMs: number, ages: ProofAges): Pulse {
  const { reading } = call;
  const billedToMs = provenTo(
    reading.hasCounters,
    Math.max(reading.rtpMs, call.answeredAtMs),
    nowMs,
    ages.rtpProofMaxAgeMs,
  );
  return {
    callId: call.callId,
    billedToMs,
    rtpAgeMs: reading.rtpMs > 0 ? Math.round(nowMs - reading.rtpMs) : null,
    agentProvenToMs: call.hasAgent
      ? Math.min(billedToMs, agentProvenTo(call.agentEvents, reading, nowMs, ages))
      : lastLeftMs(call.agentEvents),
  };
}

/** When the last agent went; null: none has. The heartbeat may be durable where the record of its going is not. */
function lastLeftMs(events: readonly AgentEvent[]): number | null {
  return events.reduce<number | null>((latest, { on, atMs }) => (on ? latest : Math.max(latest ?? 0, atMs)), null);
}

/** Up to when the time of the attached agent is proven. */
export function agentProvenTo(events: readonly AgentEvent[], reading: Reading, nowMs: number, ages: ProofAges): number {
  let attachedAtMs = 0;
  for (const { on, atMs } of events) if (on && atMs > attachedAtMs) attachedAtMs = atMs;
  return provenTo(reading.hasCounters, Math.max(reading.agentMs, attachedAtMs), nowMs, ages.agentProofMaxAgeMs);
}

function provenTo(hasCounters: boolean, lastSignMs: number, nowMs: number, maxAgeMs: number): number {
  return hasCounters && nowMs - lastSignMs > maxAgeMs ? lastSignMs : nowMs;
}
