// Durations in words and as a clock. Input is always milliseconds.

/** `78 400` -> `1:18`, `3 723 000` -> `1:02:03`. */
export function clockOf(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const two = (value: number): string => String(value).padStart(2, '0');
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** `400` -> `400 ms`, `1 234` -> `1.23 s`, `78 400` -> `1 min 18.4 s`, `7 500 000` -> `2 h 5 min`. */
export function durationText(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${trimmed(ms / 1000, 2)} s`;
  if (ms < 3_600_000) {
    const rest = trimmed((ms % 60_000) / 1000, 1);
    return `${Math.floor(ms / 60_000)} min${rest === '0' ? '' : ` ${rest} s`}`;
  }
  const minutes = Math.floor((ms % 3_600_000) / 60_000);
  return `${Math.floor(ms / 3_600_000)} h${minutes === 0 ? '' : ` ${minutes} min`}`;
}

/** For totals: `0`, `42 s`, `318 min`. */
export function minutesText(ms: number): string {
  if (ms === 0) return '0 min';
  if (ms < 60_000) return `${trimmed(ms / 1000, 0)} s`;
  return `${trimmed(ms / 60_000, ms < 600_000 ? 1 : 0)} min`;
}

/** `+0.000 s` from the start of a call; a message that started it was seen a moment before. */
export function offsetText(ms: number): string {
  return `${ms < 0 ? '−' : '+'}${(Math.abs(ms) / 1000).toFixed(3)} s`;
}

function trimmed(value: number, digits: number): string {
  const text = value.toFixed(digits);
  return digits === 0 ? text : text.replace(/\.?0+$/, '');
}
