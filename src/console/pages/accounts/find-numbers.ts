// The numbers of an account at its provider, all pages of them.

import { call } from '../../api/client.ts';
import type { AccountNumber, ProviderNotice } from '../../api/resources.ts';

export interface FoundNumbers {
  readonly items: readonly AccountNumber[];
  readonly notices: readonly ProviderNotice[];
}

/** An account that has more is imported in several goes. */
const PAGES_MAX = 50;

export async function findNumbers(accountId: string): Promise<FoundNumbers> {
  const items: AccountNumber[] = [];
  const notices: ProviderNotice[] = [];
  let cursor: string | null = null;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const query: { readonly cursor?: string } = cursor === null ? {} : { cursor };
    const found: FoundNumbers & { readonly nextCursor: string | null } = await call(
      'GET /v1/provider-accounts/{id}/numbers',
      { params: { id: accountId }, query },
    );
    items.push(...found.items);
    if (page === 0) notices.push(...found.notices);
    cursor = found.nextCursor;
    if (cursor === null) break;
  }
  return { items, notices };
}

export function canImport(number: AccountNumber): boolean {
  return number.numberId === null && number.refusal === null;
}
