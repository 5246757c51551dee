import { expect, test } from 'vitest';
import type { RecoveredCall } from '../src/metering/recovery.ts';
import { recoveredRecord } from '../src/recovered-record.ts';
import { call } from './directory/records.ts';

const BILL = { ...call().bill, final: true } as RecoveredCall['bill'];
const RECOVERED: RecoveredCall = {
  callId: 'call_a',
  workspaceId: 'ws_a',
  direction: 'inbound',
  class: 'byoc',
  from: '+12025550199',
  to: '+12025550100',
  trunkId: 'trunk_a',
  numberId: 'num_a',
  agentId: 'agent_a',
  startedAt: 1_000,
  answeredAt: 1_200,
  endedAt: 60_000,
  endReason: 'node_crash',
  bill: BILL,
};

test('of a call that left no record: what the journal knows', () => {
  const record = recoveredRecord(RECOVERED);
  expect(record).toMatchObject({ id: 'call_a', state: 'ended', endReason: 'node_crash', quality: null, bill: BILL });
  expect(record.timeline.map(({ event }) => event)).toEqual(['ended']);
});

test('a record that the call’s own process stored keeps all it says, and gets its bill', () => {
  const known = call({ bill: null, endReason: 'agent_hangup' });
  expect(recoveredRecord(RECOVERED, known)).toEqual({ ...known, bill: BILL });
});
