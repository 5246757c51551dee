import { describe, expect, test } from 'vitest';
import { recomputeCall } from '../../src/metering/recompute.ts';
import { decodePulses, decodeRecord, encodePulses, encodeRecord, foldCall } from '../../src/metering/records.ts';
import { SeededRandom } from './support/random.ts';
import { callOf, Stage } from './support/stage.ts';

describe('the records of a call', () => {
  test('#56 read in any order, `ended` before `answered`, some twice: the same history and the same postings', async () => {
    await using stage = await Stage.open();
    const { call } = await callOf(stage, 70_000);
    await stage.idle();
    const records = stage.opened.file.journal.history(call.intent.callId);
    expect(records.map((record) => record.kind)).toEqual(['intent', 'agent', 'answered', 'ended', 'rated', 'posted']);
    const expected = {
      history: foldCall(call.intent.callId, records),
      again: recomputeCall(call.intent.callId, records),
    };
    const random = new SeededRandom(5);
    for (let run = 0; run < 50; run += 1) {
      const shuffled = records.toSorted(() => random.next() - 0.5);
      expect(foldCall(call.intent.callId, shuffled)).toEqual(expected.history);
      expect(recomputeCall(call.intent.callId, shuffled)).toEqual(expected.again);
    }
    stage.opened.file.journal.append(
      records.map((record) => ({
        callId: record.callId,
        callSeq: record.callSeq,
        kind: record.kind,
        atWallMs: 0,
        body: encodeRecord(record),
      })),
    );
    expect(stage.opened.file.journal.history(call.intent.callId)).toEqual(records);
    expect(stage.opened.file.journal.openCalls()).toEqual([]);
  });

  test('money survives writing and reading, also where a customer writes numbers into names', async () => {
    await using stage = await Stage.open();
    const call = await stage.call({ from: '12345678901234567890', agentId: '77' });
    const [intent] = stage.opened.file.journal.history(call.intent.callId);
    expect(decodeRecord(encodeRecord(intent!))).toEqual(intent);
    expect(intent).toMatchObject({
      from: '12345678901234567890',
      agentId: '77',
      rates: { computePerMinute: 60_000_000n },
    });
  });

  test.each(['', '{', '[]', '{"kind":"ended"}', 'null', '{"kind":1,"callId":"c"}'])(
    'an unreadable body is told apart: %s',
    (body) => {
      expect(() => decodeRecord(body)).toThrow(expect.objectContaining({ code: 'journal_invalid' }));
    },
  );

  test('heartbeats are compact and come back as they were', () => {
    const pulses = [
      { callId: 'call_a', billedToMs: 1_000.5, rtpAgeMs: 20, agentProvenToMs: null },
      { callId: 'call_b', billedToMs: 1_001, rtpAgeMs: null, agentProvenToMs: 990 },
    ];
    expect(decodePulses(encodePulses(pulses))).toEqual(pulses);
    expect(encodePulses(pulses)).toBe('[["call_a",1000.5,20,null],["call_b",1001,null,990]]');
    expect(() => decodePulses('{}')).toThrow(expect.objectContaining({ code: 'journal_invalid' }));
  });
});
