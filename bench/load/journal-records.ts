// The records of one ordinary call, as the meter writes them: for benches that write the journal without a meter. Pure.

import type { CallJournalRecord, EndedRecord, IntentRecord } from '../../src/metering/records.ts';
import type { RateTable } from '../../src/metering/rates.ts';
import { isFinal, ratingOf } from '../../src/metering/bill.ts';

const TALK_MS = 61_400;
const WALL_MS = 1_780_000_000_000;
const ANSWERED_MS = 1_000_000;
const NUMBER = '+12025550100';

/** intent, answered, agent, ended, rated, posted. */
export function recordsOfCall(callId: string, table: RateTable): readonly CallJournalRecord[] {
  const rates = table.snapshot('managed', NUMBER, WALL_MS);
  if (typeof rates === 'string') throw new Error(`${NUMBER} has no rate`);
  const of = (callSeq: number) => ({ callId, callSeq, atWallMs: WALL_MS + callSeq });
  const intent: IntentRecord = {
    kind: 'intent',
    ...of(1),
    bootId: '00000000-0000-4000-8000-000000000000',
    workspaceId: 'ws_0',
    prepaid: true,
    direction: 'inbound',
    class: 'managed',
    from: '+12025550199',
    to: NUMBER,
    trunkId: 'trunk_a',
    numberId: 'num_a',
    agentId: 'agent_a',
    ratedNumber: NUMBER,
    rates,
    startedWallMs: WALL_MS,
    holdId: `lease:${callId}`,
  };
  const answer = {
    monotonicMs: ANSWERED_MS,
    wallMs: WALL_MS,
    class: 'managed',
    trunkId: 'trunk_a',
    rates,
  } as const;
  const event = { atMs: ANSWERED_MS, agentId: 'agent_a', on: true };
  const ended: EndedRecord = {
    kind: 'ended',
    ...of(4),
    answer,
    agentEvents: [event],
    atMs: ANSWERED_MS + TALK_MS,
    billToMs: ANSWERED_MS + TALK_MS,
    agentProvenToMs: ANSWERED_MS + TALK_MS,
    endedWallMs: WALL_MS + TALK_MS,
    reason: 'remote_hangup',
    evidence: 'bye',
    flags: [],
  };
  return [
    intent,
    { kind: 'answered', ...of(2), answer },
    { kind: 'agent', ...of(3), event },
    ended,
    { kind: 'rated', ...of(5), ...ratingOf(intent, ended), final: isFinal(ended) },
    { kind: 'posted', ...of(6), outcome: 'posted' },
  ];
}
