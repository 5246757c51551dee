// Limits of a trunk and of a number: calls at once and new calls per second, both directions together (a workspace's are its books': metering).
// Places are leases, so a call that is forgotten gives its place back by itself.
//
// Invariants
//   TL1. A call has all its places or none: what it got before one was refused is given back.
//   TL2. A place is given back once, in the first moment of the end, whatever ends the call; also where it is got after that.

import type { PhoneNumber, Trunk } from '../domain/directory.ts';
import type { Reason } from '../domain/reasons.ts';
import type { Call } from './call.ts';

export interface PlaceLimits {
  readonly concurrentCalls: number | null;
  readonly callsPerSecond: number | null;
}

const NO_LIMITS: PlaceLimits = { concurrentCalls: null, callsPerSecond: null };

/** Where places are kept: in this process, or in the store that nodes share. */
export interface CallPlaces {
  /** False: the subject is at its limit and nothing changed. Rejects where nobody can be asked. */
  take(subject: string, callId: string, limits: PlaceLimits): Promise<boolean>;
  /** Never throws. */
  release(subject: string, callId: string): void;
}

export class TrunkLimits {
  readonly #places: CallPlaces;

  constructor(places: CallPlaces) {
    this.#places = places;
  }

  /** null: the call has its places until it is over (then, too, if it is over meanwhile). */
  async admit(call: Call, trunk: Trunk, number: PhoneNumber): Promise<Reason | 'over' | null> {
    const wanted: readonly [string, PlaceLimits, Reason][] = [
      [`trunk:${trunk.id}`, trunk.limits, 'trunk_limit'],
      [`number:${number.id}`, number.limits ?? NO_LIMITS, 'number_limit'],
    ];
    const taken: string[] = [];
    const giveBack = () => {
      for (const subject of taken.splice(0)) this.#places.release(subject, call.id);
    };
    try {
      for (const [subject, limits, reason] of wanted) {
        if (!(await this.#places.take(subject, call.id, limits))) {
          call.note('limit', { subject: subject.split(':', 1)[0] ?? '', ...limits });
          giveBack();
          return reason;
        }
        taken.push(subject);
      }
    } catch (error) {
      giveBack();
      throw error;
    }
    call.whenOver(giveBack);
    return call.over ? 'over' : null;
  }
}
