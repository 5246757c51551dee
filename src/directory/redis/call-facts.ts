// What of a call is filtered by and counted without reading its record: one text per call.
//
//   <state>␟<direction>␟<created>␟<ended>␟<answered>␟<class>␟<number>␟<agent>      empty: none

import type { CallClass, CallFacts } from '../../domain/call.ts';
import type { CallRow } from '../call-records.ts';
import { join, part, SEPARATOR, timeText, unpart } from './keys.ts';

export interface StoredFacts extends CallFacts {
  /** Wall-clock ms; null = live. */
  readonly endedAt: number | null;
  readonly answered: boolean;
}

export function factsText({ state, direction, createdAt, endedAt, answered, facts }: CallRow): string {
  const { class: callClass, number, agentId } = facts;
  return join(
    part(state),
    direction,
    timeText(createdAt),
    endedAt === null ? '' : timeText(endedAt),
    answered ? '1' : '',
    callClass ?? '',
    part(number),
    part(agentId ?? ''),
  );
}

export function readFacts(text: string): StoredFacts {
  const [, , , ended = '', answered = '', callClass = '', number = '', agentId = ''] = text.split(SEPARATOR);
  return {
    endedAt: ended === '' ? null : Number(ended),
    answered: answered !== '',
    class: callClass === '' ? null : (callClass as CallClass),
    number: unpart(number),
    agentId: agentId === '' ? null : unpart(agentId),
  };
}
