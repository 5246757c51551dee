// Is an API key good for importing numbers and setting up a trunk? Looks, area by area, and changes nothing.

import { parseMoney } from '../../domain/money.ts';
import { hasFailed, noticesOf, ok } from '../outcome.ts';
import type { AccountReport, Outcome } from '../provider.ts';
import type { TelnyxClient, TelnyxList } from './client.ts';

/** `KEY…_…` today; anything printable may be one tomorrow. */
const API_KEY = /^[\x21-\x7e]{16,256}$/;

export function isApiKey(text: string): boolean {
  return API_KEY.test(text);
}

/** The three areas that are needed, each asked by name: "the key cannot read numbers" is the most frequent trouble, and no other looks like it. */
const PROBES = [
  { operation: 'ListPhoneNumbers', area: 'numbers', send: (telnyx, page) => telnyx.phoneNumbers.list(page) },
  { operation: 'ListConnections', area: 'connections', send: (telnyx, page) => telnyx.connections.list(page) },
  {
    operation: 'ListOutboundVoiceProfiles',
    area: 'voice_profiles',
    send: (telnyx, page) => telnyx.outboundVoiceProfiles.list(page),
  },
] satisfies readonly TelnyxList[];

export async function checkAccount(client: TelnyxClient, signal?: AbortSignal): Promise<Outcome<AccountReport>> {
  const money = await readBalance(client, signal);
  // A key without sight of the balance may still be good for everything else.
  if (!money.ok && !hasFailed(money, 'permission_account')) return money;
  let numbers = 0;
  for (const probe of PROBES) {
    const page = await client.page({ ...probe, signal }, 1, () => null, 1);
    if (!page.ok) return page;
    if (probe.area === 'numbers') numbers = Math.max(page.value.total, page.value.items.length);
  }
  const available = money.ok ? money.value.available : null;
  const notices = noticesOf({
    account_empty: numbers === 0,
    balance_unreadable: !money.ok,
    balance_empty: available !== null && available <= 0n,
  });
  return ok({ accountId: null, label: null, balance: money.ok ? money.value.balance : null, notices });
}

/** `available`: with the credit limit; what the provider counts. null = it was not told. */
export function readBalance(client: TelnyxClient, signal?: AbortSignal) {
  return client.call({
    operation: 'GetUserBalance',
    area: 'account',
    send: (telnyx) => telnyx.balance.retrieve(),
    read(data) {
      const amount = parseMoney(data.textOrNull('balance') ?? '');
      const available = parseMoney(data.textOrNull('available_credit') ?? '') ?? null;
      const currency = data.textOrNull('currency');
      return { balance: amount === undefined || currency === null ? null : { amount, currency }, available };
    },
    signal,
  });
}
