// What became of the verification call, in the words of whoever waits for it, and what to do about it.

import type { CallRecord } from '../../domain/call.ts';
import type { Reason } from '../../domain/reasons.ts';

/** `unknown`: it is on another node, or its record is gone. */
export type ProgressState =
  | 'calling'
  | 'ringing'
  | 'speaking'
  | 'spoken'
  | 'hung_up'
  | 'no_answer'
  | 'busy'
  | 'rejected'
  | 'failed'
  | 'unknown';

export interface CallProgress {
  readonly state: ProgressState;
  /** A sentence: what happened, and what to do. */
  readonly advice: string;
}

const ADVICE: Readonly<Record<ProgressState, string>> = {
  calling: 'The number is being called.',
  ringing: 'The telephone rings. Answer it and listen for six digits.',
  speaking: 'The code is being spoken; it is said three times.',
  spoken: 'The code was spoken. Enter it; if it was not understood, ask for another call.',
  hung_up: 'The call was ended before the code was said three times. Enter what was heard, or ask for another call.',
  no_answer: 'Nobody answered. Have the telephone at hand and ask for another call.',
  busy: 'The line was busy. End the other call and ask for another one.',
  rejected:
    'The call was refused by the telephone or its carrier. Check the number, switch off call blocking for unknown callers, and ask for another call.',
  failed: 'The number could not be reached. Check it, and ask for another call in some minutes.',
  unknown: 'If the telephone rang, enter the code; else ask for another call.',
};

const OF_LIVE = { queued: 'calling', ringing: 'ringing', answered: 'speaking', ended: 'unknown' } as const;

const OF_END: Partial<Record<Reason, ProgressState>> = {
  agent_hangup: 'spoken',
  max_duration: 'spoken',
  remote_hangup: 'hung_up',
  no_answer: 'no_answer',
  busy: 'busy',
  rejected: 'rejected',
};

export function progressOf(call: Pick<CallRecord, 'state' | 'endReason'> | undefined): CallProgress {
  const state = call === undefined ? 'unknown' : stateOf(call);
  return { state, advice: ADVICE[state] };
}

function stateOf({ state, endReason }: Pick<CallRecord, 'state' | 'endReason'>): ProgressState {
  if (state !== 'ended') return OF_LIVE[state];
  return endReason === null ? 'unknown' : (OF_END[endReason] ?? 'failed');
}
