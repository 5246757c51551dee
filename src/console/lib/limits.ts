// How many calls at once and how fast, of a trunk or a number: typed, judged as the API does, and said in a few words. Pure.

export interface CallLimits {
  /** null = no limit, here and below. */
  readonly concurrentCalls: number | null;
  readonly callsPerSecond: number | null;
}

export type LimitsDraft = Readonly<Record<keyof CallLimits, string>>;

/** The API's own bounds. */
const MOST: Readonly<Record<keyof CallLimits, number>> = { concurrentCalls: 100_000, callsPerSecond: 10_000 };

export const NO_LIMITS: LimitsDraft = { concurrentCalls: '', callsPerSecond: '' };

export function limitsDraftOf({ concurrentCalls, callsPerSecond }: CallLimits): LimitsDraft {
  return { concurrentCalls: String(concurrentCalls ?? ''), callsPerSecond: String(callsPerSecond ?? '') };
}

/** Only of a draft without mistakes. */
export function limitsOf({ concurrentCalls, callsPerSecond }: LimitsDraft): CallLimits {
  return { concurrentCalls: countOf(concurrentCalls), callsPerSecond: countOf(callsPerSecond) };
}

export function limitMistake(limit: keyof CallLimits, typed: string): string | null {
  const text = typed.trim();
  if (text === '') return null;
  const isOne = /^[1-9]\d{0,6}$/.test(text) && Number(text) <= MOST[limit];
  return isOne ? null : `A whole number up to ${MOST[limit].toLocaleString('en-US')}, or empty for no limit`;
}

/** By field as the API names it. */
export function limitMistakes(draft: LimitsDraft): Readonly<Record<string, string>> {
  const names = ['concurrentCalls', 'callsPerSecond'] as const;
  return Object.fromEntries(
    names.flatMap((name) => {
      const mistake = limitMistake(name, draft[name]);
      return mistake === null ? [] : [[`limits.${name}`, mistake]];
    }),
  );
}

/** `10 at once, 2/s`: short enough for a row; null where there is none. */
export function limitsText({ concurrentCalls, callsPerSecond }: CallLimits): string | null {
  const parts = [
    concurrentCalls === null ? null : `${concurrentCalls.toLocaleString('en-US')} at once`,
    callsPerSecond === null ? null : `${callsPerSecond.toLocaleString('en-US')}/s`,
  ].filter((part) => part !== null);
  return parts.length === 0 ? null : parts.join(', ');
}

function countOf(typed: string): number | null {
  return typed.trim() === '' ? null : Number(typed);
}
