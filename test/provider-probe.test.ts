import { describe, expect, test } from 'vitest';
import { failureOf, NumbersError } from '../src/numbers/failure.ts';
import { createProviderProbe } from '../src/provider-probe.ts';

type Accounts = Parameters<typeof createProviderProbe>[0];
type Page = Awaited<ReturnType<Accounts['numbers']>>;

const MINE = '+12025550100';
const account = { id: 'pacc_1', provider: 'twilio', label: 'Main', accountId: 'AC1', notices: [] };
const numberOf = (e164: string, change: object = {}) => ({ e164, refusal: null, use: 'ours', usedBy: null, ...change });
const page = (numbers: readonly object[], nextCursor: string | null = null) =>
  ({ numbers, nextCursor }) as unknown as Page;

function probe(pages: readonly (Page | Error)[], items: readonly object[] = [account]) {
  const asked: (string | null)[] = [];
  const accounts = {
    list: async () => ({ items, nextCursor: null }),
    numbers: async (_account: unknown, cursor: string | null) => {
      asked.push(cursor);
      const next = pages[asked.length - 1] ?? page([]);
      if (next instanceof Error) throw next;
      return next;
    },
  } as unknown as Accounts;
  return { asked, probe: createProviderProbe(accounts) };
}

describe('accounts at providers as the diagnosis sees them', () => {
  test('a number that is there, how it is used, and what keeps it from being imported', async () => {
    const refusal = { code: 'number_no_voice', text: 'No voice', advice: 'Buy another.' };
    const use = { use: 'elsewhere', usedBy: 'a Studio flow', refusal };
    const { probe: probing } = probe([page([numberOf('+12025550199'), numberOf(MINE, use)])]);
    expect(await probing.accounts('ws', MINE)).toEqual([
      {
        provider: 'twilio',
        name: 'Main',
        failure: null,
        notices: [],
        numbers: 2,
        complete: true,
        number: { refusal, usedElsewhere: 'a Studio flow' },
      },
    ]);
  });

  test('pages are walked to the number, and no further than eight', async () => {
    const many = Array.from({ length: 20 }, (_, i) => page([numberOf(`+1202555${1000 + i}`)], `c${i}`));
    const { probe: probing, asked } = probe(many);
    expect(await probing.accounts('ws', MINE)).toMatchObject([{ numbers: 8, complete: false, number: null }]);
    expect(asked).toHaveLength(8);
    const found = probe([page([], 'c'), page([numberOf(MINE)], 'd')]);
    expect(await found.probe.accounts('ws', MINE)).toMatchObject([{ number: { usedElsewhere: null } }]);
    expect(found.asked).toEqual([null, 'c']);
  });

  test('without a number one page says that the key works', async () => {
    const { probe: probing, asked } = probe([page([numberOf(MINE)], 'c')]);
    expect(await probing.accounts('ws', null)).toMatchObject([{ failure: null, numbers: 1, complete: false }]);
    expect(asked).toEqual([null]);
  });

  test('what the provider says to the key is told with its advice; a fault of ours is none of his', async () => {
    const failure = { ...failureOf('number_taken'), detail: 'said so' };
    const { probe: probing } = probe([new NumbersError(failure)]);
    expect(await probing.accounts('ws', MINE)).toMatchObject([
      { failure: { text: `${failure.text}: said so`, advice: failure.advice }, numbers: 0 },
    ]);
    await expect(probe([new TypeError('ours')]).probe.accounts('ws', MINE)).rejects.toThrow('ours');
    expect(await probe([], []).probe.accounts('ws', MINE)).toEqual([]);
  });
});
