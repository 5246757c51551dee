// Limits of a workspace as leases: a set of call ids with an expiry each, never a counter. A call that is forgotten gives its place
// back by itself; giving a place back twice changes nothing.

export interface SlotLimits {
  readonly concurrentCalls: number | null;
  readonly callsPerSecond: number | null;
}

interface Slots {
  /** Call id -> monotonic ms at which the place returns. */
  readonly live: Map<string, number>;
  /** Call id -> end of the second in which it was started. */
  readonly started: Map<string, number>;
}

const SECOND_MS = 1_000;

export class CallSlots {
  readonly #workspaces = new Map<string, Slots>();
  readonly #leaseMs: number;

  constructor(leaseMs: number) {
    this.#leaseMs = leaseMs;
  }

  /** Takes a place, or changes nothing and says false. */
  take(workspaceId: string, callId: string, limits: SlotLimits, nowMs: number): boolean {
    const slots = this.#of(workspaceId);
    dropExpired(slots.live, nowMs);
    dropExpired(slots.started, nowMs);
    if (limits.concurrentCalls !== null && slots.live.size >= limits.concurrentCalls) return false;
    if (limits.callsPerSecond !== null && slots.started.size >= limits.callsPerSecond) return false;
    slots.live.set(callId, nowMs + this.#leaseMs);
    slots.started.set(callId, nowMs + SECOND_MS);
    return true;
  }

  renew(workspaceId: string, callId: string, nowMs: number): void {
    const { live } = this.#of(workspaceId);
    // Set anew, so that the map stays in order of expiry.
    live.delete(callId);
    live.set(callId, nowMs + this.#leaseMs);
  }

  release(workspaceId: string, callId: string): void {
    const slots = this.#workspaces.get(workspaceId);
    if (slots === undefined) return;
    slots.live.delete(callId);
    if (slots.live.size === 0 && slots.started.size === 0) this.#workspaces.delete(workspaceId);
  }

  #of(workspaceId: string): Slots {
    const known = this.#workspaces.get(workspaceId);
    if (known !== undefined) return known;
    const slots: Slots = { live: new Map(), started: new Map() };
    this.#workspaces.set(workspaceId, slots);
    return slots;
  }
}

/** The map is in order of expiry: all leases of a kind are equally long. */
function dropExpired(leases: Map<string, number>, nowMs: number): void {
  for (const [callId, expiresAtMs] of leases) {
    if (expiresAtMs > nowMs) return;
    leases.delete(callId);
  }
}
