// The SIP legs of a call: the one that is its own, and the Call-IDs under which its messages go.
//
// Invariants
//   LG1. One leg at a time is the call's own. Whoever puts another in its place gets the former one, and sees to its end; the call ends its own.
//   LG2. Nobody is told of strangers' legs. Those of a call that turns out to be a customer's are told of then.

import type { Reason } from '../domain/reasons.ts';
import type { AnsweredLeg } from '../signalling/leg.ts';
import type { Arrival } from './confirmation.ts';

/** What the call may do to its leg without knowing its direction. */
export interface LegControl extends Arrival {
  /** Not answered yet: final refusal (inbound) or CANCEL (outbound). */
  refuse(reason: Reason): void;
  /** Answered: BYE. */
  hangUp(reason: Reason): Promise<void>;
  /** What else an answered leg can do; absent: nothing (browsers). */
  readonly answered?: () => AnsweredLeg | null;
}

export interface LegTold {
  /** Messages with this Call-ID are of the call. */
  leg(sipCallId: string): void;
  byeFailed(error: unknown): void;
}

export class CallLegs {
  readonly #told: LegTold;
  #own: LegControl | null = null;
  /** null = the call is identified: each is told at once. */
  #waiting: string[] | null = [];

  constructor(told: LegTold) {
    this.#told = told;
  }

  get own(): LegControl | null {
    return this.#own;
  }

  get isIdentified(): boolean {
    return this.#waiting === null;
  }

  /** Returns the one that is no longer the call's. */
  take(leg: LegControl): LegControl | null {
    const former = this.#own;
    this.#own = leg;
    return former;
  }

  known(sipCallId: string): void {
    if (this.#waiting === null) this.#told.leg(sipCallId);
    else this.#waiting.push(sipCallId);
  }

  /** LG2 */
  identified(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = null;
    for (const sipCallId of waiting) this.#told.leg(sipCallId);
  }

  /** The end of the call. */
  drop(reason: Reason, wasAnswered: boolean): void {
    if (wasAnswered) this.#own?.hangUp(reason).catch((error: unknown) => this.#told.byeFailed(error));
    else this.#own?.refuse(reason);
  }
}
