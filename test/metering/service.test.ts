import { describe, expect, test } from 'vitest';
import type { RateSnapshot } from '../../src/metering/rating.ts';
import type { Answer, OtherLeg } from '../../src/metering/records.ts';
import { CallService } from '../../src/metering/service.ts';

const RATES: RateSnapshot = {
  version: 'rates_1',
  currency: 'USD',
  telephony: { prefix: '1', connectFee: 0n, initialMs: 60_000, incrementMs: 1, perMinute: 60_000n },
  computePerMinute: 60_000_000n,
};
const ANSWER: Answer = { monotonicMs: 10_000, wallMs: 500_000, class: 'managed', trunkId: 'trunk_1', rates: RATES };
const LEG: OtherLeg = {
  trunkId: 'trunk_1',
  answeredAtMs: 10_000,
  endedAtMs: 10_000,
  supplier: { version: 'supplier_1', deck: 'a', rate: null },
};
const END = { atMs: 40_000, wallMs: 530_000, reason: 'remote_hangup', evidence: 'signalling' } as const;
const WRITTEN = { callSeq: 7, atWallMs: 530_001 };

/** Counters that a test sets. */
function service() {
  const signs = { rtpMs: 0, agentMs: 0 };
  const counters = { lastRtpMs: () => signs.rtpMs, lastAgentProofMs: () => signs.agentMs };
  const ages = { rtpProofMaxAgeMs: 2_000, agentProofMaxAgeMs: 15_000 };
  return { signs, call: new CallService({ callId: 'call_1', counters, counterRow: 0, ages }) };
}

describe('what is taken is bounded', () => {
  test('attaches up to 2 000, and a detach for each', () => {
    const { call } = service();
    for (let nth = 0; nth < 2_000; nth += 1) expect(call.attach(nth, `a${nth}`)).toBeDefined();
    expect(call.attach(2_000, 'more')).toBeUndefined();
    for (let nth = 0; nth < 2_000; nth += 1) expect(call.detach(3_000, `a${nth}`)).toBeDefined();
    expect(call.detach(3_000, 'more')).toBeUndefined();
    expect(call.endedRecord(END, { atMs: 40_000, billToMs: 40_000 }, WRITTEN).agentEvents).toHaveLength(4_000);
  });

  test('flags up to 16, each once; what the end itself says is always said', () => {
    const { call } = service();
    expect(call.flag('f0')).toBe(true);
    expect(call.flag('f0')).toBe(false);
    for (let nth = 1; nth < 16; nth += 1) expect(call.flag(`f${nth}`)).toBe(true);
    expect(call.flag('f16')).toBe(false);
    call.unconfirmed();
    const { flags } = call.endedRecord(END, { atMs: 40_000, billToMs: 40_000 }, WRITTEN);
    expect(flags.slice(14)).toEqual(['f14', 'f15', 'answer_unconfirmed', 'needs_reconciliation']);
  });

  test('other legs up to 32; a call without one has none in its record', () => {
    const { call } = service();
    expect('otherLegs' in call.endedRecord(END, { atMs: 40_000, billToMs: 40_000 }, WRITTEN)).toBe(false);
    for (let nth = 0; nth < 32; nth += 1) expect(call.otherLeg(LEG)).toBe(true);
    expect(call.otherLeg(LEG)).toBe(false);
    expect(call.endedRecord(END, { atMs: 40_000, billToMs: 40_000 }, WRITTEN).otherLegs).toHaveLength(32);
  });
});

describe('signs of life', () => {
  test('what the counters have shown stays when their row is cleared', () => {
    const { call, signs } = service();
    call.answered(ANSWER);
    Object.assign(signs, { rtpMs: 20_000, agentMs: 19_000 });
    call.attach(10_000, 'agent_1');
    const claimed = { billedToMs: 20_000, rtpAgeMs: 30_000, agentProvenToMs: 19_000 };
    expect(call.pulse(50_000)).toMatchObject(claimed);
    Object.assign(signs, { rtpMs: 0, agentMs: 0 });
    expect(call.pulse(50_000)).toMatchObject(claimed);
    call.flagEnd(END, 40_000);
    expect(call.endedRecord(END, { atMs: 40_000, billToMs: 40_000 }, WRITTEN).flags).toEqual([]);
  });

  test('an agent that was half open is detached when it was last alive', () => {
    const { call, signs } = service();
    call.attach(10_000, 'agent_1');
    signs.agentMs = 20_000;
    expect(call.detach(60_000, 'agent_1')).toEqual({ atMs: 20_000, agentId: 'agent_1', on: false });
  });

  test('an end from the future is proven up to now, one from before the answer up to the answer', () => {
    const { call } = service();
    expect(call.provenTo({ atMs: 5_000 }, 20_000)).toBe(5_000);
    call.answered(ANSWER);
    expect(call.provenTo({ atMs: 90_000 }, 20_000)).toBe(20_000);
    expect(call.provenTo({ atMs: 5_000 }, 20_000)).toBe(10_000);
  });

  test('a heartbeat claims nothing before the answer, then what RTP proves, and an agent as long as one is there', () => {
    const { call, signs } = service();
    signs.rtpMs = 11_000;
    expect(call.pulse(11_000)).toBeUndefined();
    call.answered(ANSWER);
    expect(call.pulse(11_000)).toMatchObject({ billedToMs: 11_000, agentProvenToMs: null });
    call.attach(12_000, 'agent_1');
    expect(call.pulse(14_000)).toMatchObject({ billedToMs: 11_000, rtpAgeMs: 3_000, agentProvenToMs: 11_000 });
    signs.rtpMs = 14_000;
    call.detach(14_000, 'agent_1');
    expect(call.pulse(15_000)).toMatchObject({ billedToMs: 15_000, agentProvenToMs: 14_000 });
  });
});

describe('prices are those of the answer', () => {
  test('of what was, and of what is to come with the agent active from now on', () => {
    const { call } = service();
    call.answered(ANSWER);
    call.attach(10_000, 'agent_1');
    call.detach(20_000, 'agent_1');
    // One minute of telephony at 1 a millisecond, and 10 s of an agent at 1 000 a millisecond.
    expect(call.costTo(30_000, 30_000)).toBe(60_000n + 10_000_000n);
    expect(call.projectFrom(30_000)(35_000)).toBe(60_000n + 15_000_000n);
    expect(call.projectFrom(30_000)(75_000)).toBe(65_000n + 55_000_000n);
  });

  test('unless they rose while it rang and there is too little money: then as was agreed', () => {
    const { call } = service();
    call.chargeAsAgreed(RATES);
    expect(call.answer).toBeNull();
    call.answered({ ...ANSWER, rates: { ...RATES, telephony: null } });
    call.chargeAsAgreed(RATES);
    expect(call.answer).toEqual(ANSWER);
  });
});

test('the record of the end repeats all of it', () => {
  const { call, signs } = service();
  signs.rtpMs = 40_000;
  call.answered(ANSWER);
  call.attach(10_000, 'agent_1');
  call.look();
  expect(call.endedRecord(END, { atMs: 40_000, billToMs: 39_000 }, WRITTEN)).toEqual({
    kind: 'ended',
    callId: 'call_1',
    callSeq: 7,
    atWallMs: 530_001,
    answer: ANSWER,
    agentEvents: [{ atMs: 10_000, agentId: 'agent_1', on: true }],
    atMs: 40_000,
    billToMs: 39_000,
    // Its last sign is its coming, longer ago than the pings allow.
    agentProvenToMs: 10_000,
    endedWallMs: 530_000,
    reason: 'remote_hangup',
    evidence: 'signalling',
    flags: [],
  });
});

test.each([
  ['no packet ever came', 0, 'managed', false, 'remote_hangup', ['no_media', 'credit_ticket']],
  ['a managed call without its agent', 30_000, 'managed', false, 'remote_hangup', ['credit_ticket']],
  ['a managed call with its agent', 30_000, 'managed', true, 'remote_hangup', []],
  ['a call of the customer’s own trunk', 30_000, 'byoc', false, 'remote_hangup', []],
  [
    'an answer that nobody confirmed',
    30_000,
    'byoc',
    false,
    'answer_unconfirmed',
    ['answer_unconfirmed', 'needs_reconciliation'],
  ],
] as const)('flags of the end: %s', (_what, rtpMs, callClass, hasAgent, reason, expected) => {
  const { call, signs } = service();
  signs.rtpMs = rtpMs;
  call.answered({ ...ANSWER, class: callClass });
  if (hasAgent) call.attach(11_000, 'agent_1');
  call.look();
  call.flagEnd({ reason }, 40_000);
  expect(call.endedRecord(END, { atMs: 40_000, billToMs: 40_000 }, WRITTEN).flags).toEqual(expected);
});

test('a call that lasted no whole millisecond is flagged nothing', () => {
  const { call } = service();
  call.answered(ANSWER);
  call.look();
  call.flagEnd(END, 10_000);
  expect(call.endedRecord(END, { atMs: 10_000, billToMs: 10_000 }, WRITTEN).flags).toEqual([]);
});
