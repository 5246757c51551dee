// What may happen to a verification, and when. Pure: a record and the time in, a record or a refusal out; whoever stores it does so in one
// atomic step, so that two requests at once are two requests one after the other.

import type { CodeLanguage } from '../../agents/bundled/languages.ts';
import { sameHash } from './code.ts';
import { PersonalNumberError } from './errors.ts';
import { ATTEMPTS_MAX, CALLS_MAX, CODE_LIFETIME_MS, pauseAfter } from './limits.ts';
import type { PersonalNumber } from './record.ts';

/** More than can ask for calls within a code's life. */
const REQUEST_KEYS_MAX = 8;

export interface NewCode {
  readonly hash: string;
  readonly language: CodeLanguage;
  readonly requestKey: string;
  readonly nowMs: number;
}

/** Throws the refusal where this number may not be called now. */
export function checkCallable(item: PersonalNumber, nowMs: number): void {
  const waitMs = nextCallAt(item) - nowMs;
  if (waitMs > 0) {
    throw new PersonalNumberError('verification_pause', 'it was called a moment ago', Math.ceil(waitMs / 1000));
  }
  if (item.calls >= CALLS_MAX && !startsAnew(item, nowMs)) {
    const untilMs = item.codeExpiresAt - nowMs;
    throw new PersonalNumberError('resend_limit', `${CALLS_MAX} calls were made`, Math.ceil(untilMs / 1000));
  }
}

/** The record with a code that is about to be spoken. Throws what `checkCallable` throws. */
export function withNewCode(item: PersonalNumber, { hash, language, requestKey, nowMs }: NewCode): PersonalNumber {
  checkCallable(item, nowMs);
  const anew = startsAnew(item, nowMs);
  return {
    ...item,
    language,
    state: 'pending',
    codeHash: hash,
    codeExpiresAt: nowMs + CODE_LIFETIME_MS,
    attempts: anew ? 0 : item.attempts,
    calls: (anew ? 0 : item.calls) + 1,
    callSeq: item.callSeq + 1,
    lastCallAt: nowMs,
    callId: null,
    requestKeys: [...item.requestKeys, requestKey].slice(-REQUEST_KEYS_MAX),
    verifiedAt: null,
  };
}

/** The record after its call could not be placed: no code is out, and the same request may be made again. */
export function withoutCode(item: PersonalNumber, requestKey: string): PersonalNumber {
  const requestKeys = item.requestKeys.filter((key) => key !== requestKey);
  return { ...item, codeHash: null, lastCallAt: null, requestKeys };
}

export type Judgement = 'right' | 'wrong' | 'failed' | 'expired' | 'used';

/** `hash` is that of the code which was entered. */
export function judge(
  item: PersonalNumber,
  hash: string,
  nowMs: number,
): { readonly verdict: Judgement; readonly item: PersonalNumber } {
  if (item.state === 'failed') return { verdict: 'failed', item };
  if (item.state !== 'pending') return { verdict: 'used', item };
  if (item.codeHash === null || nowMs >= item.codeExpiresAt) return { verdict: 'expired', item };
  if (sameHash(hash, item.codeHash)) {
    return { verdict: 'right', item: { ...item, state: 'confirmed', codeHash: null, verifiedAt: nowMs } };
  }
  const attempts = item.attempts + 1;
  if (attempts < ATTEMPTS_MAX) return { verdict: 'wrong', item: { ...item, attempts } };
  return { verdict: 'failed', item: { ...item, attempts, state: 'failed', codeHash: null } };
}

/** Wall-clock ms from which it may be called again. */
export function nextCallAt(item: PersonalNumber): number {
  return item.lastCallAt === null ? 0 : item.lastCallAt + pauseAfter(item.calls);
}

export function isExpired(item: PersonalNumber, nowMs: number): boolean {
  return item.state === 'pending' && nowMs >= item.codeExpiresAt;
}

/** Nothing of it can be verified any more: the next call is the first of a new verification. */
function startsAnew(item: PersonalNumber, nowMs: number): boolean {
  return item.state !== 'pending' || isExpired(item, nowMs);
}
