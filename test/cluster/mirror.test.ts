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
  const append: Journal['append'] = async (first) => {
    if (first?.kind !== 'intent') throw new Error('the disk is full');
  };
  const journal = { append } as unknown as Journal;
  const records = { add: show, replace: show, drop: async () => undefined, pulses: async () => undefined };
  const mirror = new JournalMirror({ journal, records });
  const give = async (...given: readonly CallJournalRecord[]) => {
    const appended = mirror.journal.append(...given);
    await (given[0]?.kind === 'intent' ? appended : expect(appended).rejects.toThrow('full'));
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

test('W2: what could not be taken back is taken back though no call follows', async () => {
  const shown = new Set<string>();
  let isAway = false;
  const ask = async (work: () => void) => {
    if (isAway) throw new Error('no answer in time');
    work();
  };
  const name = ({ callId, callSeq }: Pick<JournalRow, 'callId' | 'callSeq'>) => `${callId} ${callSeq}`;
  const mirror = new JournalMirror({
    journal: { append: async () => undefined } as unknown as Journal,
    records: {
      add: (rows) => ask(() => rows.forEach((row) => void shown.add(name(row)))),
      drop: (rows) => ask(() => rows.forEach((row) => void shown.delete(name(row)))),
      replace: (rows) =>
        ask(() => {
          shown.clear();
          for (const row of rows) shown.add(name(row));
        }),
      pulses: async () => undefined,
    },
  });
  const turns = async () => {
    for (let count = 0; count < 4; count += 1) await turn();
  };
  const give = async (callSeq: number, kind: CallJournalRecord['kind']) => {
    await mirror.journal.append({ callId: 'call_1', callSeq, kind, atWallMs: 0 } as CallJournalRecord);
    await turns();
  };
  await give(1, 'intent');
  expect([...shown]).toEqual(['call_1 1']);
  isAway = true;
  await give(2, 'posted');
  isAway = false;
  mirror.showMissing();
  await turns();
  expect([...shown]).toEqual([]);
});

test('W3: a call whose intent could not be written is none: it was refused', async () => {
  const shown = new Set<string>();
  const name = ({ callId, callSeq }: Pick<JournalRow, 'callId' | 'callSeq'>) => `${callId} ${callSeq}`;
  const show = async (rows: readonly JournalRow[]) => rows.forEach((row) => void shown.add(name(row)));
  const mirror = new JournalMirror({
    journal: { append: async () => Promise.reject(new Error('the disk is full')) } as unknown as Journal,
    records: {
      add: show,
      replace: show,
      drop: async (rows) => rows.forEach((row) => void shown.delete(name(row))),
      pulses: async () => undefined,
    },
  });
  await mirror.shown();
  const intent = { callId: 'call_1', callSeq: 1, kind: 'intent', atWallMs: 0 } as CallJournalRecord;
  await expect(mirror.journal.append(intent)).rejects.toThrow('full');
  await mirror.shown();
  expect([...shown]).toEqual([]);
  expect(mirror.openCallIds).toEqual([]);
});
