// A record as people are to see it: what the time, the call and the number say beside what is stored.

import type { Directory } from '../../directory/directory.ts';
import { progressOf } from './call-progress.ts';
import { ATTEMPTS_MAX, CALLS_MAX } from './limits.ts';
import type { PersonalView, VerificationCalls } from './personal-numbers.ts';
import { numberIdOf, type PersonalNumber } from './record.ts';
import { isExpired, nextCallAt } from './rules.ts';

export interface ViewSources {
  readonly directory: Pick<Directory, 'numbers'>;
  readonly calls: Pick<VerificationCalls, 'get'>;
}

export async function viewOf(
  { directory, calls }: ViewSources,
  item: PersonalNumber,
  nowMs: number,
): Promise<PersonalView> {
  const number =
    item.state === 'verified' ? await directory.numbers.get(numberIdOf(item), item.workspaceId) : undefined;
  const expired = isExpired(item, nowMs);
  const isOpen = item.state === 'pending' && !expired;
  const state = expired ? 'expired' : item.state === 'verified' && number === undefined ? 'removed' : item.state;
  const callsLeft = isOpen ? CALLS_MAX - item.calls : CALLS_MAX;
  const done = state === 'verified' || state === 'confirmed';
  return {
    item,
    state,
    numberId: number?.id ?? null,
    attemptsLeft: isOpen ? ATTEMPTS_MAX - item.attempts : 0,
    callsLeft: done ? 0 : callsLeft,
    nextCallAt: done ? null : callsLeft > 0 ? nextCallAt(item) : item.codeExpiresAt,
    call: item.state === 'pending' ? await callOf(calls, item) : null,
  };
}

async function callOf(
  calls: ViewSources['calls'],
  { callId, lastCallAt }: PersonalNumber,
): Promise<PersonalView['call']> {
  if (lastCallAt === null) return null;
  return progressOf(callId === null ? undefined : await calls.get(callId));
}
