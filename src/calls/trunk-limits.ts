// Limits of a trunk: calls at once and new calls per second, both directions together. Places are leases (metering/slots.ts), so a
// call that is forgotten gives its place back by itself.

import type { Clock } from '../domain/clock.ts';
import type { Trunk } from '../domain/directory.ts';
import { CallSlots } from '../metering/slots.ts';
import type { Call } from './call.ts';

export class TrunkLimits {
  readonly #clock: Clock;
  readonly #slots: CallSlots;

  /** `callLifeMaxMs`: longer than any call with its ringing may last. */
  constructor(clock: Clock, callLifeMaxMs: number) {
    this.#clock = clock;
    this.#slots = new CallSlots(callLifeMaxMs);
  }

  /** Takes a place until the call is over; false = the trunk is at its limit and nothing changed. */
  admit(call: Call, trunk: Trunk): boolean {
    if (!this.#slots.take(trunk.id, call.id, trunk.limits, this.#clock.monotonicMs())) return false;
    call.whenOver(() => this.#slots.release(trunk.id, call.id));
    return true;
  }
}
