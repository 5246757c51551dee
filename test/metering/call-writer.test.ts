import { expect, test } from 'vitest';
import { CallWriter } from '../../src/metering/call-writer.ts';
import type { CallJournalRecord } from '../../src/metering/records.ts';

const record = (callSeq: number): CallJournalRecord => ({
  kind: 'flag',
  callId: 'call_1',
  callSeq,
  atWallMs: 0,
  flag: 'f',
});

function writer() {
  const written: number[][] = [];
  const append = async (...records: readonly CallJournalRecord[]) => {
    written.push(records.map(({ callSeq }) => callSeq));
  };
  return { written, writer: new CallWriter({ append }, () => undefined) };
}

test.each(['succeeds', 'fails'])('what comes while other work writes is written when that %s', async (how) => {
  const { written, writer: calls } = writer();
  calls.defer(record(1));
  const work = Promise.withResolvers<void>();
  const taken: number[] = [];
  const done = calls.writeWith(async (waiting) => {
    taken.push(...waiting.map(({ callSeq }) => callSeq));
    await work.promise;
  });
  const later = calls.write(record(2));
  await Promise.resolve();
  expect([taken, written]).toEqual([[1], []]);
  if (how === 'succeeds') work.resolve();
  else work.reject(new Error('no'));
  await done.catch(() => undefined);
  await later;
  // What the work had taken waits again where it failed, before what came later.
  expect(written).toEqual([how === 'succeeds' ? [2] : [1, 2]]);
});
