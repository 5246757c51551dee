// Connected accounts at providers, as the diagnosis asks about them: does the key work, what is in the account, is this number there?

import type { ProviderAccountSeen, ProviderProbe } from './diagnosis/providers.ts';
import type { AccountRecord } from './numbers/accounts/account.ts';
import type { Accounts } from './numbers/accounts/accounts.ts';
import { NumbersError } from './numbers/failure.ts';

const ACCOUNTS_MAX = 5;
/** Of numbers; a number that is not among them may still be there. */
const PAGES_MAX = 8;

export function createProviderProbe(accounts: Pick<Accounts, 'list' | 'numbers'>): ProviderProbe {
  return {
    async accounts(workspaceId, e164) {
      const { items } = await accounts.list({ workspaceId, limit: ACCOUNTS_MAX });
      return await Promise.all(items.map((account) => look(account, e164, accounts)));
    },
  };
}

async function look(
  account: AccountRecord,
  e164: string | null,
  accounts: Pick<Accounts, 'numbers'>,
): Promise<ProviderAccountSeen> {
  const name = account.label ?? account.accountId ?? account.id;
  const seen = { provider: account.provider, name, failure: null, numbers: 0, complete: false, number: null };
  try {
    return { ...seen, notices: account.notices, ...(await search(account, e164, accounts)) };
  } catch (error) {
    if (!(error instanceof NumbersError)) throw error;
    const { text, advice, detail } = error.failure;
    return { ...seen, notices: [], failure: { text: detail === null ? text : `${text}: ${detail}`, advice } };
  }
}

async function search(
  account: AccountRecord,
  e164: string | null,
  accounts: Pick<Accounts, 'numbers'>,
): Promise<Pick<ProviderAccountSeen, 'numbers' | 'complete' | 'number'>> {
  let numbers = 0;
  let cursor: string | null = null;
  for (let pages = 0; pages < PAGES_MAX; pages += 1) {
    const page: Awaited<ReturnType<Accounts['numbers']>> = await accounts.numbers(account, cursor);
    numbers += page.numbers.length;
    cursor = page.nextCursor;
    const found = page.numbers.find((number) => number.e164 === e164);
    const complete = cursor === null;
    if (found !== undefined) {
      const usedElsewhere = found.use === 'elsewhere' ? (found.usedBy ?? 'another system') : null;
      return { numbers, complete, number: { refusal: found.refusal, usedElsewhere } };
    }
    if (complete) return { numbers, complete, number: null };
    // Without a number to look for, one page says that the key works.
    if (e164 === null) break;
  }
  return { numbers, complete: false, number: null };
}
