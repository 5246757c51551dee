import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Bill, CallClass, Evidence } from '../../src/domain/call.ts';
import { billOf, ratingOf } from '../../src/metering/bill.ts';
import type { ExplainedCall } from '../../src/metering/explanation.ts';
import { explainBill, explainCosts } from '../../src/metering/explanation.ts';
import { parseRates } from '../../src/metering/rates.ts';
import type { EndedRecord, IntentRecord } from '../../src/metering/records.ts';

const RATES = parseRates(
  `currency: USD
compute: { perMinute: "0.06" }
telephony:
  - { prefix: "1", initialMs: 60000, incrementMs: 1, perMinute: "0.012", effectiveFrom: 2026-01-01 }
  - { prefix: "44", connectFee: "0.01", initialMs: 0, incrementMs: 6000, perMinute: "0.018" }
  - { prefix: "49", initialMs: 0, incrementMs: 1, perMinute: "0.000000007" }
`,
  'rates.yaml',
);
const ANSWERED = Date.parse('2026-11-25T10:00:00.000Z');

/** The bill that the meter makes of a call of so long. */
function billed(
  durationMs: number | null,
  over: { class?: CallClass; number?: string; flags?: string[]; evidence?: Evidence } = {},
): Bill {
  const { class: callClass = 'managed', number = '+12025550100', flags = [], evidence = 'bye' } = over;
  const rates = RATES.snapshot(callClass, number, ANSWERED);
  if (typeof rates === 'string') throw new Error(rates);
  const intent = {
    callId: 'call_1',
    workspaceId: 'ws_a',
    class: callClass,
    ratedNumber: number,
    rates,
  } as IntentRecord;
  const endMs = durationMs ?? 0;
  const ended: EndedRecord = {
    kind: 'ended',
    callId: 'call_1',
    callSeq: 2,
    atWallMs: 0,
    answer: durationMs === null ? null : { monotonicMs: 0, wallMs: ANSWERED, class: callClass, trunkId: 't', rates },
    agentEvents: [{ atMs: 0, agentId: 'a', on: true }],
    atMs: endMs,
    billToMs: endMs,
    agentProvenToMs: endMs,
    endedWallMs: ANSWERED + endMs,
    reason: durationMs === null ? 'no_answer' : 'remote_hangup',
    evidence,
    flags,
  };
  return billOf(intent, ended, ratingOf(intent, ended));
}

const call = (over: Partial<ExplainedCall> = {}): ExplainedCall => ({
  class: 'managed',
  direction: 'outbound',
  isLive: false,
  endReason: 'remote_hangup',
  corrections: [],
  ...over,
});

describe('a bill in words', () => {
  test('a managed call beyond the first minute', () => {
    expect(explainBill(billed(61_400), call())).toEqual([
      'Outbound call over one of our carriers: telephony and agent time are charged.',
      `The price of telephony was found for +12025550100: prefix 1 of price list ${RATES.version}, in force since 2026-01-01. It is 0.012 USD per minute; at least 60 s, then by the millisecond.`,
      `Agent time costs 0.06 USD per minute (price list ${RATES.version}).`,
      'Telephony: The call lasted 61.4 s from answer to end; beyond the first 60 s the actual time is charged. 61.4 s x 0.012 USD per minute = 0.01228 USD.',
      'Agent time: The agent was active for 61.4 s of the answered call; the actual time is charged. 61.4 s x 0.06 USD per minute = 0.0614 USD.',
      'Together: 0.01228 USD telephony + 0.0614 USD agent time = 0.07368 USD.',
      'The time begins at 2026-11-25T10:00:00.000Z, when the call was answered, and ends at 2026-11-25T10:01:01.400Z, when a hang-up (BYE) arrived. The other side hung up.',
    ]);
  });

  test('the first minute in full', () => {
    expect(explainBill(billed(400), call())).toContain(
      'Telephony: The call lasted 0.4 s from answer to end; the first 60 s are always charged. 60 s x 0.012 USD per minute = 0.012 USD.',
    );
  });

  test('a connection fee and steps', () => {
    const words = explainBill(billed(13_000, { number: '+442079460000' }), call());
    expect(words[1]).toBe(
      `The price of telephony was found for +442079460000: prefix 44 of price list ${RATES.version}. It is 0.018 USD per minute and 0.01 USD per connection; in steps of 6 s.`,
    );
    expect(words[3]).toBe(
      'Telephony: The call lasted 13 s from answer to end; charged as 18 s in steps of 6 s. A connection fee is included. 18 s x 0.018 USD per minute = 0.0054 USD; with 0.01 USD for the connection 0.0154 USD.',
    );
  });

  test('what was rounded says so', () => {
    expect(explainBill(billed(1_000, { number: '+4930123456' }), call())[3]).toBe(
      'Telephony: The call lasted 1 s from answer to end; the actual time is charged. 1 s x 0.000000007 USD per minute = 0.000000001 USD (rounded up to a billionth of a USD).',
    );
  });

  test.each([
    ['byoc', 'over your own SIP trunk: agent time is charged, telephony is between you and its carrier.'],
    ['imported', 'over your own carrier account: agent time is charged, telephony is between you and that carrier.'],
    ['browser', 'from a browser: agent time is charged, telephony is free.'],
  ] as const)('%s: no telephony, and no price of it', (callClass, text) => {
    const words = explainBill(billed(20_000, { class: callClass }), call({ class: callClass, direction: 'inbound' }));
    expect(words[0]).toBe(`Inbound call ${text}`);
    expect(words[1]).toMatch(/^Agent time costs 0\.06 USD per minute/);
    expect(words[2]).toMatch(/^Telephony: No telephony charge: [^.]*\.$/);
    expect(words.at(-2)).toBe('Together: 0.00 USD telephony + 0.02 USD agent time = 0.02 USD.');
  });

  test('not answered', () => {
    expect(explainBill(billed(null), call({ endReason: 'no_answer' }))).toEqual([
      'The call was not answered (Nobody answered): nothing is charged.',
    ]);
  });

  test('still going on, answered or not', () => {
    const running = billed(10_000);
    const live = { ...running, evidence: { ...running.evidence, end: null, endedBy: null }, final: false };
    const words = explainBill(live, call({ isLive: true, endReason: null }));
    expect(words.slice(-2)).toEqual([
      'The time begins at 2026-11-25T10:00:00.000Z, when the call was answered.',
      'The call is still going on: these figures grow until it ends.',
    ]);
    expect(explainBill(live, call()).at(-1)).toBe('The call has just ended: its bill is being made.');
    const ringing = { ...billed(null), final: false };
    expect(explainBill(ringing, call({ isLive: true, endReason: null })).slice(-2)).toEqual([
      'The call is not answered yet: nothing is charged so far.',
      'The call is still going on: these figures grow until it ends.',
    ]);
  });

  test('every flag that the docs name is told in words, and so is one that nobody knows', () => {
    const docs = readFileSync(new URL('../../docs/billing.md', import.meta.url), 'utf8');
    const table = docs.split('### Flags on a bill')[1]?.split('\n## ')[0] ?? '';
    const flags = [...table.matchAll(/^\| `(\w+)`/gm)].map((match) => match[1] ?? '');
    expect(flags.length).toBeGreaterThan(5);
    const words = explainBill(billed(10_000, { flags: [...flags, 'odd'] }), call()).slice(-flags.length - 1);
    for (const sentence of words.slice(0, -1)) expect(sentence).toMatch(/^[A-Z](?!arked)[^_]+\.$/);
    expect(words.at(-1)).toBe('Marked "odd".');
  });

  test('an answer that was never acknowledged is provisional', () => {
    const words = explainBill(billed(10_000, { flags: ['answer_unconfirmed', 'needs_reconciliation'] }), call());
    expect(words).toContain(
      'Telephony: Our answer was never acknowledged: no charge unless the carrier confirms the connection.',
    );
    expect(words.slice(-3)).toEqual([
      'This bill is provisional until the record of the carrier is there.',
      'The other side never acknowledged our answer.',
      'The record of the carrier will be compared with this bill.',
    ]);
  });

  test('an answer that the carrier has confirmed later is provisional no more', () => {
    const corrections = [{ at: ANSWERED, amount: -12_000_000n, note: 'The carrier confirms the connection.' }];
    const words = explainBill(
      billed(10_000, { flags: ['answer_unconfirmed', 'needs_reconciliation'] }),
      call({ corrections }),
    );
    expect(words.slice(-5)).toEqual([
      expect.stringMatching(/^The time begins at /),
      'The other side never acknowledged our answer.',
      'The record of the carrier was compared with this bill.',
      'Later, on 2026-11-25: 0.012 USD charged. The carrier confirms the connection.',
      'With that 0.012 USD in all.',
    ]);
  });

  test('what two nodes charged in parts has no computation that would not add up', () => {
    const bill = billed(70_000);
    const split = {
      ...bill,
      telephony: { ...bill.telephony, amount: 1n, rule: 'Another node finished this call; what it charged stands.' },
    };
    expect(explainBill(split, call())[3]).toBe('Telephony: Another node finished this call; what it charged stands.');
  });

  test('every kind of evidence has words', () => {
    const kinds: Evidence[] = ['bye', 'cancel', 'media', 'agent', 'command', 'heartbeat', 'signalling'];
    for (const evidence of kinds) {
      expect(explainBill(billed(10_000, { evidence }), call()).at(-1)).toMatch(
        /, when [a-z][^.]+\. The other side hung up\.$/,
      );
    }
  });

  test('later corrections, and what it comes to with them', () => {
    const at = Date.parse('2026-11-27');
    const corrections = [
      { at, amount: -400_000n, note: "The carrier's record adds 2000 ms." },
      { at, amount: 12_000_000n, note: 'Credit.' },
    ];
    expect(explainBill(billed(60_000), call({ corrections })).slice(-3)).toEqual([
      "Later, on 2026-11-27: 0.0004 USD charged. The carrier's record adds 2000 ms.",
      'Later, on 2026-11-27: 0.012 USD given back. Credit.',
      'With that 0.0604 USD in all.',
    ]);
  });

  test('a bill of an earlier version: all but its row', () => {
    const { rate: _rate, ...earlier } = billed(61_400);
    expect(explainBill(earlier, call())).toHaveLength(5);
    expect(explainBill(earlier, call())[1]).toMatch(/^Telephony: .* = 0\.01228 USD\.$/);
  });
});

test('the operator reads what it cost', () => {
  const cost = { trunkId: 'trunk_a', amount: 18_000_000n, revenue: 12_200_000n, note: 'Charged as 120 s.' };
  expect(explainCosts([cost], 'USD')).toEqual([
    'Supplier of trunk trunk_a: Charged as 120 s. So: cost 0.018 USD, charged 0.0122 USD, margin -0.0058 USD.',
  ]);
});
