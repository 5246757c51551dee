// How often a number may be rung and a code be guessed, with the reasons. What operators set is in the configuration (`personalNumbers`).

/** Long enough to find the telephone, short enough that a note left on a desk is worth nothing. */
export const CODE_LIFETIME_MS = 600_000;
/** Of 1 000 000 codes: with five guesses a call and five calls a day to a number, it takes a century to guess one. */
export const ATTEMPTS_MAX = 5;
/** The first call of a verification and three more. */
export const CALLS_MAX = 4;
/** Most mailboxes take over after 25 to 30 s: a machine is not to be told a code that a person asked for. */
export const RING_TIMEOUT_MS = 24_000;
/** What is said takes half a minute; nothing of it is worth more. */
export const CALL_MAX_MS = 45_000;
/**
 * From one call to the next, by how many there have been. The first is longer than a call can be (ringing and talking), so that two calls
 * never run side by side and a code is not replaced while it is spoken.
 */
export const PAUSES_MS = [RING_TIMEOUT_MS + CALL_MAX_MS + 6_000, 120_000, 300_000] as const;

/** After the nth call; the last pause goes on. */
export function pauseAfter(calls: number): number {
  return PAUSES_MS[Math.min(calls, PAUSES_MS.length) - 1] ?? 0;
}
