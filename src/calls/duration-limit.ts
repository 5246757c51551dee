// The maximum duration of an answered call: it is told of shortly before, and reached at its very instant.

import type { Clock, Timer } from '../domain/clock.ts';

/** As long as the warning before the money ends (metering/call-meter.ts `warnMs`). */
const WARNING_MS = 30_000;

export interface DurationActs {
  /** So many whole ms before the end; at once where there are fewer than the warning takes. */
  near(remainingMs: number): void;
  reached(): void;
}

/** `endMs` on the monotonic clock. */
export function limitDuration(clock: Clock, endMs: number, acts: DurationActs): Timer {
  const remainingMs = () => endMs - clock.monotonicMs();
  let timer = clock.setTimer(
    () => {
      timer = clock.setTimer(acts.reached, remainingMs());
      acts.near(Math.round(remainingMs()));
    },
    Math.max(0, remainingMs() - WARNING_MS),
  );
  return { cancel: () => timer.cancel() };
}
