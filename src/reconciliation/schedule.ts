// The sweep that nobody needs to ask for: each hour, one at a time.

import type { Clock, Timer } from '../domain/clock.ts';
import type { Reconciliation } from './reconciliation.ts';

export const SWEEP_EVERY_MS = 3_600_000;

export interface SweepLog {
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Returns what stops it; a sweep that is running ends by itself. */
export function sweepRegularly(reconciliation: Pick<Reconciliation, 'sweep'>, clock: Clock, log: SweepLog): () => void {
  let timer: Timer | null = null;
  let isStopped = false;
  const next = () => {
    if (!isStopped) timer = clock.setTimer(() => void sweep(), SWEEP_EVERY_MS);
  };
  const sweep = async () => {
    try {
      for (const { carrier, trunkId, problem } of await reconciliation.sweep())
        if (problem !== null) log.warn({ carrier, trunkId, problem }, 'a carrier could not be reconciled');
    } catch (error) {
      log.error({ err: error }, 'the sweep of reconciliation failed and is tried again in an hour');
    }
    next();
  };
  next();
  return () => {
    isStopped = true;
    timer?.cancel();
  };
}
