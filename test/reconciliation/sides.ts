import type { OurCall } from '../../src/reconciliation/our-calls.ts';
import type { CarrierRecord } from '../../src/reconciliation/record.ts';

// The two sides of a reconciliation, complete, for tests.

export const CALLER = '+12025550199';
export const CALLED = '+12025550100';
export const NOON = Date.parse('2026-01-31T12:00:00Z');

/** A managed call of 60 s that was answered at once. */
export function ours(over: Partial<OurCall> & { id: string }): OurCall {
  const startedAt = over.startedAt ?? NOON;
  const durationMs = over.durationMs ?? 60_000;
  return {
    workspaceId: 'ws_a',
    direction: 'inbound',
    from: CALLER,
    to: CALLED,
    class: 'managed',
    startedAt,
    answeredAt: startedAt,
    endedAt: startedAt + durationMs,
    durationMs,
    revenue: 12_000_000n,
    provisional: null,
    flagged: false,
    ...over,
  };
}

export function theirs(over: Partial<CarrierRecord> & { key: string }): CarrierRecord {
  const durationMs = over.durationMs ?? 60_000;
  return {
    direction: 'inbound',
    from: CALLER,
    to: CALLED,
    at: NOON,
    durationMs,
    answered: durationMs > 0,
    cost: null,
    sipCallId: null,
    content: over.key,
    ...over,
  };
}
