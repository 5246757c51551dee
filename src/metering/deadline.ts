// Waiting on a store, bounded: the store may hang, a call may not.

import type { Clock } from '../domain/clock.ts';
import { StoreTimeoutError } from './errors.ts';

/** The promise's own outcome, or StoreTimeoutError after `timeoutMs`; the work itself goes on and its late outcome is dropped. */
export function within<T>(clock: Clock, timeoutMs: number, operation: string, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = clock.setTimer(() => reject(new StoreTimeoutError(operation, timeoutMs)), timeoutMs);
    work.then(
      (value) => {
        timer.cancel();
        resolve(value);
      },
      (error: unknown) => {
        timer.cancel();
        reject(error);
      },
    );
  });
}

export function delay(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.setTimer(resolve, ms);
  });
}
