import { describe, expect, test } from 'vitest';
import { Closing } from '../../src/calls/closing.ts';
import type { CallDeps } from '../../src/calls/deps.ts';
import type { Bill, CallQuality, CallRecord } from '../../src/domain/call.ts';
import type { CallEnd } from '../../src/metering/meter.ts';
import { billOf, Gate, settle } from './fakes.ts';

const END: CallEnd = { atMs: 1, wallMs: 2, reason: 'remote_hangup', evidence: 'bye' };
const BILL = billOf(60_000, 1_000);
const QUALITY = { packetsReceived: 7 } as CallQuality;

interface Stage {
  /** What happened, in order. */
  readonly log: string[];
  readonly bill: Gate<Bill | Error>;
  readonly mediaClosed: Gate<CallQuality | Error>;
  readonly closing: Closing;
  readonly broken: Set<'save' | 'tell'>;
}

/** A call whose meter and media answer when the test says so; the meter calls `onBilled` as the real one does, with the bill. */
function stage({ isMetered = true, isIdentified = true } = {}): Stage {
  const log: string[] = [];
  const bill = new Gate<Bill | Error>();
  const mediaClosed = new Gate<CallQuality | Error>();
  const broken = new Set<'save' | 'tell'>();
  const opened = <T>(value: T | Error): T => {
    if (value instanceof Error) throw value;
    return value;
  };
  const what = ({ bill: known, quality }: CallRecord) =>
    `${known === null ? 'no bill' : 'bill'}, ${quality === null ? 'no quality' : 'quality'}`;
  const step = async (name: 'save' | 'tell', record: CallRecord) => {
    log.push(`${name}: ${what(record)}`);
    if (broken.has(name)) throw new Error('no');
  };
  const deps = {
    directory: { calls: { save: (record: CallRecord) => step('save', record) } },
    events: { ended: (record: CallRecord) => step('tell', record) },
    log: { error: (_fields: object, message: string) => void log.push(message) },
  } as unknown as CallDeps;
  const metered = {
    async ended({ onBilled }: CallEnd): Promise<Bill> {
      log.push('meter asked');
      const known = opened(await bill.promise);
      await onBilled?.(known);
      log.push('journal closed');
      return known;
    },
  };
  const media = {
    async close() {
      log.push('media closed');
      return opened(await mediaClosed.promise);
    },
  };
  const closing: Closing = new Closing(
    {
      id: 'call_1',
      media,
      metered: isMetered ? metered : null,
      isIdentified,
      record: () => ({ bill: closing.bill, quality: closing.quality }) as CallRecord,
    },
    deps,
  );
  return { log, bill, mediaClosed, closing, broken };
}

test('the meter is asked before media is closed; what there is to store is stored once, before the journal closes the call', async () => {
  const { log, bill, mediaClosed, closing } = stage();
  const done = closing.run(END);
  expect(log).toEqual(['meter asked', 'media closed']);
  bill.open(BILL);
  await settle();
  // The last packet is not counted yet.
  expect(log).toHaveLength(2);
  mediaClosed.open(QUALITY);
  await done;
  expect(log.slice(2)).toEqual(['save: bill, quality', 'tell: bill, quality', 'journal closed']);
  expect([closing.bill, closing.quality]).toEqual([BILL, QUALITY]);
});

test('a call without a meter is stored in the end', async () => {
  const { log, mediaClosed, closing } = stage({ isMetered: false });
  mediaClosed.open(QUALITY);
  await closing.run(END);
  expect(log).toEqual(['media closed', 'save: no bill, quality', 'tell: no bill, quality']);
});

test('a stranger’s call leaves nothing', async () => {
  const { log, mediaClosed, closing } = stage({ isMetered: false, isIdentified: false });
  mediaClosed.open(QUALITY);
  await closing.run(END);
  expect(log).toEqual(['media closed']);
});

describe('a step that fails holds up no other', () => {
  test('no bill yet: the record is saved, and recovery tells', async () => {
    const { log, bill, mediaClosed, closing } = stage();
    bill.open(new Error('closed'));
    mediaClosed.open(QUALITY);
    await closing.run(END);
    expect(log.slice(2)).toEqual(['the bill is not in the ledger yet', 'save: no bill, quality']);
  });

  test('media that cannot be closed costs the figures of its quality', async () => {
    const { log, bill, mediaClosed, closing } = stage();
    bill.open(BILL);
    mediaClosed.open(new Error('gone'));
    await closing.run(END);
    expect(log).toContain('the media session could not be closed');
    expect(log).toContain('save: bill, no quality');
  });

  test.each([
    ['save', 'the call record could not be stored'],
    ['tell', 'the events of the call could not be stored'],
  ] as const)('%s: tried once more in the end, the other is done once', async (failing, message) => {
    const { log, bill, mediaClosed, closing, broken } = stage();
    broken.add(failing);
    bill.open(BILL);
    mediaClosed.open(QUALITY);
    await closing.run(END);
    const count = (line: string) => log.filter((each) => each.startsWith(line)).length;
    const other = failing === 'save' ? 'tell' : 'save';
    expect([count(failing), count(message), count(other)]).toEqual([2, 2, 1]);
  });
});
