// The money lease of one call, in two phases as reserve / post / void: what is held now, until when it lasts, and what happens then.
//
//   state      event                        next
//   set up     start (answer)               running
//   running    half of the slice is used    renewing: 30 s ahead, else 15 s, else whatever is left
//   running    held money is used up        exhausted -> onExhausted('balance_exhausted' or 'spend_limit_reached'), once
//   running    the same, but the store      grace -> onExhausted('store_lost'), once, unless a renewal succeeds before
//              failed at the last renewal
//   exhausted  reassert                     the hold is asked for again: it pays for what was served
//   any        close                        closed: no timer, no further reserve. Whoever settles gives the hold back
//
// Invariants
//   L1. The timer stands at the last millisecond whose cumulative price the held money covers, the agent taken as active from now on.
//   L2. One renewal at a time; after `close` none is started.
//   L3. A hold lives `holdTtlMs` of wall clock unless renewed, so that the money of a dead node returns by itself.
//   L4. A postpaid call is never short of money, but it too ends at the workspace's spending limit, and when the store is lost for longer
//       than slice and grace.

import type { Clock, Timer } from '../domain/clock.ts';
import type { Nano } from '../domain/money.ts';
import { lastAffordableMs, type Projection, usedUpAtMs } from './affordable.ts';
import type { BooksClock } from './books-clock.ts';
import { within } from './deadline.ts';
import { type MeterBooks, type MeterLimits, NO_LIMITS, type ReserveOutcome } from './ports.ts';
import { LowBalanceWarning } from './warning.ts';

export interface LeaseTimes {
  /** How far ahead a renewal reserves; near the end of the money `sliceMinMs`, then the rest. */
  readonly sliceMs: number;
  readonly sliceMinMs: number;
  readonly holdTtlMs: number;
  /** How long a call may outlive its lease while the store does not answer. */
  readonly graceMs: number;
  /** The warning before the money ends. */
  readonly warnMs: number;
  readonly storeTimeoutMs: number;
}

export type Exhaustion = 'balance_exhausted' | 'spend_limit_reached' | 'store_lost';

export interface LeaseOptions {
  readonly books: MeterBooks;
  readonly clock: Clock;
  readonly booksClock: Pick<BooksClock, 'nowMs'>;
  readonly times: LeaseTimes;
  readonly holdId: string;
  readonly workspaceId: string;
  readonly prepaid: boolean;
  readonly limits: MeterLimits;
  /** Already reserved, until a wall-clock instant. */
  readonly held: Nano;
  readonly expiresAtMs: number;
  readonly onExhausted: (why: Exhaustion) => void;
  readonly onLowBalance: ((remainingMs: number) => void) | undefined;
  readonly onStoreFailed: (error: unknown) => void;
}

/** A renewal comes after half of `holdTtlMs` at the latest (`#refreshAtMs`); one may fail and be repeated. */
const FORESEEN_RENEWALS = 2;
/** Each time somebody else was quicker; the next sweep tries on, which may be after the end of what is held. */
const REST_TRIES = 3;

export class Lease {
  readonly #options: LeaseOptions;
  /** Of a renewal: a live call has its place and was started, even where the books have forgotten its hold. */
  readonly #limits: MeterLimits;
  /** null: nobody wants to know. */
  readonly #warning: LowBalanceWarning | null;
  #held: Nano;
  #expiresAtMs: number;
  #project: Projection | null = null;
  #renewAtMs = Number.POSITIVE_INFINITY;
  /** As it was foreseen last; later where the agent has been away since. */
  #heldUntilMs = Number.POSITIVE_INFINITY;
  #refreshAtMs: number;
  #lastSlice = false;
  /** Why no more could be reserved at the last attempt. */
  #short: Exclude<Exhaustion, 'store_lost'> = 'balance_exhausted';
  #renewing = false;
  #failing = false;
  #exhausted = false;
  /** Exhausted or closed: nothing more is asked for. */
  #done = false;
  /** What the call has cost is known: its hold goes with the settlement. */
  #settling = false;
  /** It was to be asked for again since, and was not. */
  #missed = false;
  #graceEndMs: number | null = null;
  #endTimer: Timer | null = null;

  constructor(options: LeaseOptions) {
    this.#options = options;
    const { spendPerHour, spendPerDay } = options.limits;
    this.#limits = { ...NO_LIMITS, spendPerHour, spendPerDay };
    const { clock, times, onLowBalance } = options;
    this.#warning = onLowBalance === undefined ? null : new LowBalanceWarning(clock, times.warnMs, onLowBalance);
    this.#held = options.held;
    this.#expiresAtMs = options.expiresAtMs;
    this.#refreshAtMs = options.clock.monotonicMs() + options.times.holdTtlMs / 2;
  }

  /** The call is answered: the money runs. */
  start(project: Projection): void {
    if (this.#done || this.#project !== null) return;
    this.#project = project;
    this.#arm();
    const nowMs = this.#options.clock.monotonicMs();
    // Its price may have risen while it rang.
    if (project(nowMs)(nowMs) > this.#held) void this.#renew();
  }

  /** The held money may be spent while service goes on: until the call has ended, for the grace, or while a renewal is under way. */
  mayBeUsedUp(nowMs: number): boolean {
    return this.#exhausted || nowMs >= this.#heldUntilMs;
  }

  /** It turns out that time before now has cost more: the money ends sooner. */
  reckon(): void {
    if (this.#renewing) return;
    const renewAtMs = this.#renewAtMs;
    this.#arm();
    // Half of the way is counted from the renewal before, however often the end is reckoned anew.
    this.#renewAtMs = Math.min(renewAtMs, this.#renewAtMs);
  }

  /** False: this much at once, which nobody may be asked for later, is not held. */
  covers(amount: Nano): boolean {
    return !this.#isLimited || amount <= this.#held;
  }

  /** Last instant in [fromMs, toMs] that what is held now pays for. */
  heldTo(costAt: (atMs: number) => Nano, fromMs: number, toMs: number): number {
    return this.#isLimited ? (lastAffordableMs(costAt, this.#held, fromMs, toMs) ?? toMs) : toMs;
  }

  /** Once per sweep: renews what is due. */
  tick(nowMs: number): void {
    if (this.#done || this.#renewing) return;
    if (nowMs >= this.#renewAtMs || nowMs >= this.#refreshAtMs || this.#lastSlice || this.#failing) void this.#renew();
  }

  /** Asks for the hold as it was granted: the store may have forgotten it. What fails is renewed by the next sweep. */
  async reassert(): Promise<void> {
    if (this.#settling) {
      this.#missed = true;
      return;
    }
    try {
      await this.#reserve(this.#held);
    } catch (error) {
      this.#failing = true;
      this.#options.onStoreFailed(error);
    }
    // It may have come after a renewal and stand for less.
    this.reckon();
  }

  /** The journal cannot be written for too long: no further service can be proved. */
  storeLost(): void {
    this.#exhaust('store_lost');
  }

  close(): void {
    this.#settling = this.#project === null;
    this.#stop();
  }

  /**
   * Last instant in [fromMs, toMs] that can be charged. A last reserve asks for what the hold lacks: after a grace, that was given on
   * credit, nobody knows otherwise whether there is money for it. Rejects while the store does not answer. Call after `close`.
   */
  async coveredTo(costAt: (atMs: number) => Nano, fromMs: number, toMs: number): Promise<number> {
    const cost = costAt(toMs);
    // What was held before is not asked for again from here on: it would take back what is asked for now.
    this.#settling = true;
    this.#missed = false;
    try {
      if (this.covers(cost) || (await this.#reserve(cost)) === 'held') return toMs;
      // The store may have forgotten meanwhile what is held, and that is all there is.
      if (this.#missed) await this.#reserve(this.#held);
      return this.heldTo(costAt, fromMs, toMs);
    } catch (error) {
      this.#settling = false;
      throw error;
    }
  }

  async #renew(): Promise<void> {
    this.#renewing = true;
    try {
      if (this.#project === null) await this.#reserve(this.#held);
      else await this.#extend(this.#project);
      this.#failing = false;
      this.#graceEndMs = null;
    } catch (error) {
      this.#failing = true;
      this.#options.onStoreFailed(error);
    }
    this.#renewing = false;
    this.#arm();
  }

  async #extend(project: Projection): Promise<void> {
    const { clock, times } = this.#options;
    if (this.#lastSlice && !(await this.#moneyCame())) return;
    let available = 0n;
    for (const sliceMs of [times.sliceMs, times.sliceMinMs]) {
      if (this.#done) return;
      const nowMs = clock.monotonicMs();
      const amount = project(nowMs)(nowMs + sliceMs);
      // What is held and lasts for longer is not given back for the shorter slice.
      if (sliceMs < times.sliceMs && amount < this.#held) break;
      const renewed = await this.#reserveAndSee(amount);
      available = renewed.available;
      if (renewed.outcome !== 'held') continue;
      this.#lastSlice = false;
      return this.#foresee(project, available);
    }
    this.#lastSlice = true;
    return this.#foresee(project, await this.#takeRest(available));
  }

  /** The rest of the money, as it was seen last: others of the workspace may have taken some of it since. Returns what is left after it. */
  async #takeRest(seen: Nano): Promise<Nano> {
    let available = seen;
    for (let tried = 0; tried < REST_TRIES && available > 0n && !this.#done; tried++) {
      const rest = await this.#reserveAndSee(this.#held + available);
      available = rest.available;
      if (rest.outcome === 'held') break;
    }
    return available;
  }

  /** Asked together, which costs the books one turn: they answer in order (books-clock.ts C1), so what is available is what is left after it. */
  async #reserveAndSee(amount: Nano): Promise<{ readonly outcome: ReserveOutcome; readonly available: Nano }> {
    const [outcome, available] = await Promise.all([this.#reserve(amount), this.#available()]);
    return { outcome, available };
  }

  /** On the last slice: is there anything new to reserve? Keeps the hold alive meanwhile (L3). */
  async #moneyCame(): Promise<boolean> {
    if ((await this.#available()) > 0n) return true;
    if (!this.#done && this.#options.clock.monotonicMs() >= this.#refreshAtMs) await this.#reserve(this.#held);
    return false;
  }

  /** Says when the money will end if no other call takes any of it; where that is far off, the renewals until then say it again. */
  #foresee(project: Projection, available: Nano): void {
    if (this.#done || !this.#isLimited || this.#warning === null) return;
    const { clock, times } = this.#options;
    const horizonMs = times.warnMs + FORESEEN_RENEWALS * times.holdTtlMs;
    this.#warning.foresee(usedUpAtMs(project, this.#held + available, clock.monotonicMs(), horizonMs));
  }

  /** What a renewal could still take: the smallest of what the balance, the hour and the day have left; 0 where nobody counts. */
  async #available(): Promise<Nano> {
    if (!this.#isLimited) return 0n;
    const { books, booksClock, clock, limits, prepaid, times, workspaceId } = this.#options;
    const question = books.balance(workspaceId, booksClock.nowMs());
    const { balance, reserved, spentInHour, spentInDay } = await within(
      clock,
      times.storeTimeoutMs,
      'balance',
      question,
    );
    const left = [
      ...(prepaid ? [balance - reserved] : []),
      ...(limits.spendPerHour === null ? [] : [limits.spendPerHour - spentInHour - reserved]),
      ...(limits.spendPerDay === null ? [] : [limits.spendPerDay - spentInDay - reserved]),
    ];
    const least = left.reduce((smallest, each) => (each < smallest ? each : smallest));
    return least > 0n ? least : 0n;
  }

  get #isLimited(): boolean {
    const { limits, prepaid } = this.#options;
    return prepaid || limits.spendPerHour !== null || limits.spendPerDay !== null;
  }

  async #reserve(amount: Nano): Promise<ReserveOutcome> {
    const { books, booksClock, clock, times, holdId, workspaceId, prepaid } = this.#options;
    const nowMs = booksClock.nowMs();
    // Later than the one before even where the wall clock was set back: the books tell by it which request is newer (B12).
    const expiresAtMs = Math.max(nowMs + times.holdTtlMs, this.#expiresAtMs + 1);
    this.#expiresAtMs = expiresAtMs;
    const request = {
      id: holdId,
      workspaceId,
      amount,
      expiresAtMs,
      nowMs,
      prepaid,
      // What was granted once is not spent anew, however much others may spend by now.
      limits: amount > this.#held ? this.#limits : NO_LIMITS,
    };
    // Whoever gives money back does not rely on it while the answer is on its way, or never comes.
    if (amount < this.#held) this.#held = amount;
    const outcome = await within(clock, times.storeTimeoutMs, 'reserve', books.reserve(request));
    if (outcome === 'held') {
      this.#held = amount;
      this.#graceEndMs = null;
      this.#refreshAtMs = clock.monotonicMs() + times.holdTtlMs / 2;
    } else this.#short = outcome === 'insufficient' ? 'balance_exhausted' : 'spend_limit_reached';
    return outcome;
  }

  /** Sets the timer to the end of the held money (L1) and the next renewal to half of the way there. */
  #arm(): void {
    this.#endTimer?.cancel();
    this.#endTimer = null;
    if (this.#done || this.#project === null) return;
    const { clock } = this.#options;
    const nowMs = clock.monotonicMs();
    const endMs = usedUpAtMs(this.#project, this.#held, nowMs);
    this.#heldUntilMs = endMs ?? Number.POSITIVE_INFINITY;
    this.#renewAtMs = endMs === undefined ? Number.POSITIVE_INFINITY : nowMs + (endMs - nowMs) / 2;
    if (endMs !== undefined) this.#endTimer = clock.setTimer(() => this.#due(), endMs - nowMs);
  }

  #due(): void {
    const { clock, times } = this.#options;
    const nowMs = clock.monotonicMs();
    const project = this.#project;
    if (this.#done || project === null) return;
    // A renewal that is under way decides, and arms the timer again; but not one after another for ever, where none is answered.
    if (this.#renewing && !this.#failing) return;
    // The agent may have been away meanwhile: then the money lasts longer.
    const endMs = usedUpAtMs(project, this.#held, nowMs);
    if (endMs === undefined || endMs > nowMs) return this.#arm();
    if (!this.#failing) return this.#exhaust(this.#short);
    this.#graceEndMs ??= nowMs + times.graceMs;
    if (nowMs >= this.#graceEndMs) return this.#exhaust('store_lost');
    this.#endTimer = clock.setTimer(() => this.#due(), this.#graceEndMs - nowMs);
  }

  #exhaust(why: Exhaustion): void {
    if (this.#done) return;
    this.#exhausted = true;
    this.#stop();
    this.#options.onExhausted(why);
  }

  #stop(): void {
    this.#done = true;
    this.#endTimer?.cancel();
    this.#warning?.cancel();
  }
}
