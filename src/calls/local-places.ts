// Places of calls in this process (trunk-limits.ts).

import type { Clock } from '../domain/clock.ts';
import { CallSlots } from '../metering/slots.ts';
import type { CallPlaces } from './trunk-limits.ts';

/** `callLifeMaxMs`: longer than any call with its ringing may last. */
export function localPlaces(clock: Clock, callLifeMaxMs: number): CallPlaces {
  const slots = new CallSlots(callLifeMaxMs);
  return {
    take: async (subject, callId, limits) => slots.take(subject, callId, limits, clock.monotonicMs()),
    release: (subject, callId) => slots.release(subject, callId),
  };
}
