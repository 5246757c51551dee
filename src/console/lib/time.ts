// Times in the zone of whoever looks, with UTC beside them. Input is RFC 3339.

export interface ShownTime {
  /** `14:03`, `Yesterday 14:03`, `12 Nov 14:03`, `12 Nov 2025 14:03`. */
  readonly short: string;
  /** With seconds and the zone. */
  readonly full: string;
  /** `2026-11-25 13:03:09 UTC`. */
  readonly utc: string;
}

export function showTime(iso: string, nowMs: number, timeZone?: string): ShownTime {
  const at = new Date(iso);
  const zone = timeZone === undefined ? {} : { timeZone };
  const day = (ms: number): string => new Intl.DateTimeFormat('en-CA', { dateStyle: 'short', ...zone }).format(ms);
  const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', ...zone }).format(at);
  const sameYear = day(at.getTime()).slice(0, 4) === day(nowMs).slice(0, 4);
  const date = new Intl.DateTimeFormat('en-GB', {
    day: 'numeric',
    month: 'short',
    ...(sameYear ? {} : { year: 'numeric' }),
    ...zone,
  }).format(at);
  const full = new Intl.DateTimeFormat('en-GB', {
    dateStyle: 'medium',
    timeStyle: 'medium',
    ...zone,
  }).format(at);
  const isToday = day(at.getTime()) === day(nowMs);
  const isYesterday = day(at.getTime()) === day(nowMs - 86_400_000);
  return {
    short: isToday ? clock : isYesterday ? `Yesterday ${clock}` : `${date} ${clock}`,
    full,
    utc: utcText(iso),
  };
}

export function utcText(iso: string): string {
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)} UTC`;
}

/** The months up to that of `ms`, the newest first. */
export function monthsBack(ms: number, count: number): string[] {
  const now = new Date(ms);
  return Array.from({ length: count }, (_, back) =>
    new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - back, 1)).toISOString().slice(0, 7),
  );
}

/** `2026-11` -> `November 2026`. */
export function monthName(month: string): string {
  return new Intl.DateTimeFormat('en-GB', { month: 'long', year: 'numeric', timeZone: 'UTC' }).format(
    new Date(`${month}-01T00:00:00Z`),
  );
}

/** First instant of the month and of the next one, RFC 3339. */
export function monthRange(month: string): { readonly from: string; readonly to: string } {
  const year = Number(month.slice(0, 4));
  const index = Number(month.slice(5, 7)) - 1;
  return {
    from: new Date(Date.UTC(year, index, 1)).toISOString(),
    to: new Date(Date.UTC(year, index + 1, 1)).toISOString(),
  };
}

/** Every day of the month in UTC, up to today: `2026-11-01` … */
export function daysOf(month: string, nowMs: number): string[] {
  const { from, to } = monthRange(month);
  const end = Math.min(Date.parse(to), nowMs);
  const days: string[] = [];
  for (let ms = Date.parse(from); ms < end; ms += 86_400_000) days.push(new Date(ms).toISOString().slice(0, 10));
  return days;
}
