import type { HeartbeatRecord } from '../../src/metering/records.ts';
import { type Facts, reference } from './reference.ts';
import { workspaceId } from './script.ts';
import type { Operation, Watcher } from './simulated-store.ts';
import { factsOf, firstHold, type Told } from './told.ts';
import type { World } from './world.ts';

// Looks at the store before and after each of its operations, and at the lease of each call when something becomes of it.

export interface Finding {
  /** Number in the specification. */
  readonly property: number;
  readonly what: string;
}

/** The last durable heartbeat of a call, and what was held for it then. */
export interface Beat {
  readonly atMs: number;
  readonly held: bigint;
}

const SWEEP_MS = 1_000;
const LEASE_MS = 30_000;
const GRACE_MS = 10_000;
/** A renewal asks up to five times, and waits two seconds each. */
const TIMEOUTS_MS = 11_000;

export class Watch implements Watcher {
  readonly found: Finding[] = [];
  operations = 0;
  /** Replaced, never changed. */
  beats: ReadonlyMap<string, Beat> = new Map();
  readonly #world: World;
  /** Per workspace: when nothing was left to reserve, last. */
  readonly #emptyAtMs: number[];
  readonly #held = new Set<string>();
  readonly #settled = new Set<string>();
  readonly #late = new Set<number>();
  #heardBeatMs = Number.NEGATIVE_INFINITY;
  readonly #heardMs = new Map<string, number>();
  /** Holds that were asked back, and calls whose late intent became durable, and whose end was written. */
  readonly #released = new Set<string>();
  readonly #intentHeard = new Set<string>();
  readonly #endAsked = new Set<string>();

  constructor(world: World) {
    this.#world = world;
    this.#emptyAtMs = world.script.workspaces.map(() => Number.NEGATIVE_INFINITY);
  }

  before({ hold, settledHold }: Operation): void {
    const told = this.#ownerOf(hold?.id ?? settledHold ?? null);
    if (told === undefined) return;
    if (hold !== undefined && !this.#held.has(hold.id)) {
      this.#held.add(hold.id);
      if (hold.amount !== firstHold(told))
        this.say(4, `${told.callId} asks for ${hold.amount}, not ${firstHold(told)}`);
    }
    if (settledHold === undefined || this.#settled.has(told.callId)) return;
    this.#settled.add(told.callId);
    const held = this.#world.image.books.holdAmount(`lease:${told.callId}`);
    told.held = held ?? null;
    // The store was away for longer than a hold lives: what comes so late is accepted once (B4), whoever has the money now.
    if (held === undefined && this.#world.faults !== null) this.#late.add(told.plan.workspace);
  }

  after({ name, heartbeat }: Operation): void {
    const { clock, image, script } = this.#world;
    this.operations += 1;
    if (heartbeat !== undefined) {
      this.beats = new Map([...this.beats, ...this.#beatsOf(heartbeat)]);
      if (this.#world.faults === null) this.#everyoneHolds();
    }
    for (const index of script.workspaces.keys()) {
      const { balance, reserved } = image.books.account(workspaceId(index));
      const isOverdrawn = script.workspaces[index]!.prepaid && !this.isLate(index) && balance < reserved;
      const state = `${balance} and holds ${reserved} after ${name} at ${clock.monotonicMs()}`;
      if (isOverdrawn) this.say(4, `${workspaceId(index)} has ${state}`);
      if (this.#roomOf(index) <= 0n) this.#emptyAtMs[index] = clock.monotonicMs();
    }
  }

  /** A live call has its hold, else its money and its place may be given to others. */
  #everyoneHolds(): void {
    const { image, told } = this.#world;
    for (const { callId, call, end } of told)
      if (call !== null && end === null && image.books.holdAmount(`lease:${callId}`) === undefined)
        this.say(4, `${callId} is live and holds nothing`);
  }

  /** A settlement came when its hold had expired. */
  isLate(workspace: number): boolean {
    return this.#late.has(workspace);
  }

  say(property: number, what: string): void {
    this.found.push({ property, what });
  }

  /** The meter asks. */
  asked({ name, releasedHold, records = [] }: Operation): void {
    if (name === 'release' && releasedHold !== undefined) this.#released.add(releasedHold);
    for (const { kind, callId } of records) if (kind === 'ended') this.#endAsked.add(callId);
  }

  /** A set-up that failed asks for its hold back, and closes an intent that became durable all the same. */
  leftOver({ callId }: Told): string | null {
    const hold = `lease:${callId}`;
    if (this.#held.has(hold) && !this.#released.has(hold)) return 'its hold';
    return this.#intentHeard.has(callId) && !this.#endAsked.has(callId) ? 'its intent' : null;
  }

  /** The meter hears of a success. */
  heard({ hold, heartbeat, records = [] }: Operation, answer: unknown): void {
    for (const { kind, callId } of records) if (kind === 'intent') this.#intentHeard.add(callId);
    if (heartbeat !== undefined) this.#heardBeatMs = heartbeat.atMs;
    if (hold !== undefined && answer === 'held') this.#heardMs.set(hold.id, this.#world.clock.monotonicMs());
  }

  /** The meter wants the call to end, for what is true. */
  cut(told: Told): void {
    if (told.cut?.why === 'store_lost') this.#cutWithoutStore(told);
    else if (this.#world.faults === null) this.#cutWithoutMoney(told);
  }

  /** Neither before lease and grace are over, nor long after. */
  #cutWithoutStore({ callId }: Told): void {
    const nowMs = this.#world.clock.monotonicMs();
    const unheardMs = nowMs - (this.#heardMs.get(`lease:${callId}`) ?? Number.NEGATIVE_INFINITY);
    const unprovedMs = nowMs - this.#heardBeatMs;
    if (unheardMs < GRACE_MS && unprovedMs <= LEASE_MS + GRACE_MS)
      this.say(11, `${callId} is cut ${unheardMs} ms after a renewal`);
  }

  /** Its money must be used up, there was no more, and its agent was warned. */
  #cutWithoutMoney(told: Told): void {
    const { callId, warned, answer } = told;
    const nowMs = this.#world.clock.monotonicMs();
    const held = this.#world.image.books.holdAmount(`lease:${callId}`) ?? 0n;
    // The meter counts an agent's time ahead in whole milliseconds from now, the bill from the answer.
    const next = this.#costAt(told, nowMs + 2, true);
    if (next <= held) this.say(4, `${callId} is cut at ${nowMs} with ${held} held, two milliseconds more cost ${next}`);
    // What is told late may have cost it all at once.
    const known = { ...told, agents: told.agents.filter(({ toldMs }) => toldMs < nowMs - 1) };
    const cost = this.#costAt(known, nowMs - 1, false);
    if (answer !== null && nowMs - 1 > answer.atMs && cost > held)
      this.say(4, `${callId} is cut at ${nowMs}, which has cost ${cost} already, with ${held} held`);
    const sinceMs = nowMs - this.#emptyAtMs[told.plan.workspace]!;
    if (sinceMs > SWEEP_MS) this.say(4, `${callId} is cut at ${nowMs}, and there was money`);
    if (warned === 0 && answer !== null && nowMs - answer.atMs > SWEEP_MS)
      this.say(4, `${callId} is cut without a warning`);
  }

  /** Nobody told the call to end: then what it has cost is held. */
  notCut(told: Told): void {
    const { clock, faults, image } = this.#world;
    const nowMs = clock.monotonicMs();
    if (told.answer?.atMs === nowMs) return;
    const held = image.books.holdAmount(`lease:${told.callId}`);
    const cost = this.#costAt(told, nowMs, false);
    if (cost <= (held ?? 0n)) return;
    if (faults === null) this.say(4, `${told.callId} was not cut: it has cost ${cost} and holds ${held}`);
    else if (held !== undefined) this.#onCredit(told, held);
  }

  /** A store that fails costs no more than the grace, and the time that it takes to see that it fails. */
  #onCredit(told: Told, held: bigint): void {
    const nowMs = this.#world.clock.monotonicMs();
    const creditMs = nowMs - reference({ ...this.#factsAt(told, nowMs), held }).billToMs;
    if (creditMs > GRACE_MS + TIMEOUTS_MS) this.say(11, `${told.callId} has lived for ${creditMs} ms on credit`);
  }

  #costAt(told: Told, atMs: number, agentFromNow: boolean): bigint {
    const facts = this.#factsAt(told, atMs);
    const anybody = { on: true, agentId: 'anybody', atMs: this.#world.clock.monotonicMs() };
    return reference(agentFromNow ? { ...facts, agents: [...facts.agents, anybody] } : facts).total;
  }

  #factsAt(told: Told, atMs: number): Facts {
    const facts = factsOf(told, { proofMs: atMs, toldMs: atMs, unconfirmed: false }, null);
    return { ...facts, agentProvenMs: atMs };
  }

  #beatsOf({ atMs, pulses }: HeartbeatRecord): [string, Beat][] {
    const { books } = this.#world.image;
    return pulses.map(({ callId }) => [callId, { atMs, held: books.holdAmount(`lease:${callId}`) ?? 0n }]);
  }

  /** What a renewal could still get. */
  #roomOf(index: number): bigint {
    const { prepaid, limits } = this.#world.script.workspaces[index]!;
    const { balance, reserved, spent } = this.#world.image.books.account(workspaceId(index));
    let sum = 0n;
    for (const amount of spent.values()) sum += amount;
    const rooms = [
      ...(prepaid ? [balance - reserved] : []),
      ...(limits.spendPerHour === null ? [] : [limits.spendPerHour - sum - reserved]),
      ...(limits.spendPerDay === null ? [] : [limits.spendPerDay - sum - reserved]),
    ];
    return rooms.reduce((least, room) => (room < least ? room : least), 1n);
  }

  #ownerOf(holdId: string | null): Told | undefined {
    return holdId === null ? undefined : this.#world.told.find(({ callId }) => `lease:${callId}` === holdId);
  }
}
