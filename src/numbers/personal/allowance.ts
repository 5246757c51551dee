// How many verification calls a day: per workspace, and per number whoever asks for them. A call takes a numbered place of the day, and a place
// is claimed once in the shared store, so that any number of requests and nodes at once get no more places than there are.
//
// Invariants
//   AL1. A place that was taken is never given back: a limit that fails calls can shorten is no limit.
//   AL2. A workspace takes its own place first. Beyond its limit it uses up nobody else's.

import type { IdempotencyStore } from '../../directory/directory.ts';
import type { E164 } from '../../domain/e164.ts';
import { PersonalNumberError } from './errors.ts';

export interface DailyLimits {
  /** To all numbers together. */
  readonly perWorkspace: number;
  /** For all workspaces together. */
  readonly perNumber: number;
}

const DAY_MS = 86_400_000;

/** Throws `verification_limit` where the day (of UTC) has no place left. */
export async function takePlace(
  places: IdempotencyStore,
  limits: DailyLimits,
  call: { readonly workspaceId: string; readonly e164: E164; readonly nowMs: number },
): Promise<void> {
  const { workspaceId, e164, nowMs } = call;
  const day = Math.floor(nowMs / DAY_MS);
  const one = async (scope: string, max: number): Promise<void> => {
    for (let place = 1; place <= max; place++) {
      const { first } = await places.claim(`verification-calls:${scope}:${day}`, String(place), String(nowMs));
      if (first) return;
    }
    const untilMs = (day + 1) * DAY_MS - nowMs;
    throw new PersonalNumberError('verification_limit', 'no more calls today', Math.ceil(untilMs / 1000));
  };
  await one(`workspace ${workspaceId}`, limits.perWorkspace);
  await one(`number ${e164}`, limits.perNumber);
}
