// The months that a number is paid for: from the instant it was ordered, in UTC. The 31st becomes the last day where a month has none.

/** Start of the month with this index; 0 is the first one, which begins at `fromMs`. */
export function monthStart(fromMs: number, index: number): number {
  const from = new Date(fromMs);
  const month = from.getUTCMonth() + index;
  const lastDay = new Date(Date.UTC(from.getUTCFullYear(), month + 1, 0)).getUTCDate();
  const sameTime = fromMs - Date.UTC(from.getUTCFullYear(), from.getUTCMonth(), from.getUTCDate());
  return Date.UTC(from.getUTCFullYear(), month, Math.min(from.getUTCDate(), lastDay)) + sameTime;
}

/** `2026-12`: of the month that this one begins in. No two of a number have the same. */
export function monthLabel(fromMs: number, index: number): string {
  return new Date(monthStart(fromMs, index)).toISOString().slice(0, 7);
}

/** `2026-12-25`, in UTC. */
export function dayOf(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 10);
}
