import { describe, expect, test } from 'vitest';
import { renderReport } from '../../src/audit.ts';
import type { ExpectedCall } from '../../src/ledger/audit.ts';
import { auditSharedBooks, type SharedJournal } from '../../src/ledger/audit-shared.ts';
import type { Posting } from '../../src/ledger/books.ts';

// A node died in a call, another finished it: the call stands open in the journal of the one and posted in that of the other.

const LINE: Posting = {
  id: 'call_1:compute:1',
  workspaceId: 'ws_a',
  callId: 'call_1',
  meter: 'compute',
  quantityMs: 10,
  amount: -10n,
  balanceAfter: 90n,
  at: 1_000,
  note: '',
};
const books = {
  check: async () => [],
  postings: async ({ beforeId }: { beforeId?: string }) => (beforeId === undefined ? [LINE] : []),
  costs: async () => [],
};

function call(over: Partial<ExpectedCall>): ExpectedCall {
  return {
    callId: 'call_1',
    holdId: 'lease:call_1',
    postings: [],
    costs: [],
    posted: false,
    elsewhere: false,
    problems: [],
    ...over,
  };
}

function journal(expected: ExpectedCall | undefined, { open = false, live = false } = {}): SharedJournal {
  const ids = expected === undefined ? [] : [expected.callId];
  return {
    callIds: open ? [] : ids,
    openCallIds: new Set(open ? ids : []),
    live,
    expected: (callId) => (callId === expected?.callId ? expected : undefined),
  };
}

const open = journal(call({ problems: ['no end: the call is open'] }), { open: true });
const finished = journal(call({ postings: [LINE], posted: true }));

async function differences(...journals: SharedJournal[]): Promise<string[]> {
  const report = await auditSharedBooks(books, { journals, whole: true });
  return report.differences.map(({ subject, what }) => `${subject}: ${what}`);
}

describe('a call that its own journal leaves open', () => {
  test('is no difference where another journal has finished it', async () => {
    expect(await differences(open, finished)).toEqual([]);
    expect(await differences(finished, open)).toEqual([]);
  });

  test('is one where none has', async () => {
    expect(await differences(open)).toEqual(['call_1: open: no final bill']);
    expect(await differences(open, journal(undefined))).toEqual(['call_1: open: no final bill']);
  });

  test('is left out while its gateway runs', async () => {
    const live = journal(call({ problems: ['no end: the call is open'] }), { open: true, live: true });
    expect(await differences(live)).toEqual([]);
  });
});

describe('a line that its call does not give', () => {
  const other = journal(call({ postings: [], posted: true }));

  test('is a difference, though the call is known', async () => {
    expect(await differences(other)).toEqual(['call_1: the call gives no call_1:compute:1']);
  });

  test('is none where the node that charged the call gives it, and only then, whatever stood there for the one whose call it was', async () => {
    const left = journal(call({ postings: [], posted: true, elsewhere: true }));
    expect(await differences(other, finished)).toEqual([]);
    expect(await differences(left, finished)).toEqual([]);
    expect(await differences(left)).toEqual([]);
    expect(await differences(left, other)).toEqual(['call_1: the call gives no call_1:compute:1']);
  });
});

test('a line of a call that no journal knows counts, and is a difference only where all journals are there', async () => {
  const known = journal(undefined);
  expect(await differences(known)).toEqual(['call_1:compute:1: names call call_1, which no journal knows']);
  const part = await auditSharedBooks(books, { journals: [known], whole: false });
  expect(part).toMatchObject({ differences: [], foreignCalls: 1, postings: 1, charged: 10n });
  expect(renderReport(part)).toMatch(/^calls of other nodes +1$/m);
});
