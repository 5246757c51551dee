import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { JournalMirror } from '../../src/cluster/mirror.ts';
import type { Journal, JournalRow } from '../../src/metering/journal.ts';
import type { CallJournalRecord } from '../../src/metering/records.ts';

// A journal whose disk is full while the store is well: what it is given again each second is kept and shown once.

const RETRIES = 100;

test('W3: a record that the journal is given again is shown once, however often', async () => {
  const shown: string[] = [];
  const show = async (rows: readonly JournalRow[]) => void shown.push(...rows.map(({ kind }) => kind));
  const journal = { append: async () => Promise.reject(new Error('the disk is full')) } as unknown as Journal;
  const records = { add: show, replace: show, drop: async () => undefined, pulses: async () => undefined };
  const mirror = new JournalMirror({ journal, records });
  const give = async (...given: readonly CallJournalRecord[]) => {
    await expect(mirror.journal.append(...given)).rejects.toThrow('full');
    await turn();
    await turn();
  };
  const record = (callSeq: number, kind: CallJournalRecord['kind']) =>
    ({ callId: 'call_1', callSeq, kind, atWallMs: 0 }) as CallJournalRecord;
  await give(record(1, 'intent'));
  for (let tries = 0; tries < RETRIES; tries += 1) await give(record(2, 'ended'), record(3, 'rated'));
  expect(shown).toEqual(['intent', 'ended', 'rated']);
  mirror.showAll();
  await turn();
  await turn();
  expect(shown.slice(3)).toEqual(['intent', 'ended', 'rated']);
});
