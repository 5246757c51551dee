// Are Account SID and Auth Token good for importing numbers? Looks, area by area, and changes nothing.

import { parseMoney } from '../../domain/money.ts';
import type { Fields } from '../api/fields.ts';
import { noticesOf, ok } from '../outcome.ts';
import type { AccountReport, Outcome } from '../provider.ts';
import type { TwilioClient } from './client.ts';
import type { TwilioCredentials } from './sdk.ts';

const ACCOUNT_SID = /^AC[0-9a-fA-F]{32}$/;
/** What it is today is 32 hex digits; anything printable may be one tomorrow. */
const AUTH_TOKEN = /^[\x21-\x7e]{16,128}$/;

/** Before anything is sent. */
export function malformed({
  accountSid,
  authToken,
}: TwilioCredentials): 'account_sid_invalid' | 'auth_token_invalid' | null {
  if (!ACCOUNT_SID.test(accountSid)) return 'account_sid_invalid';
  return AUTH_TOKEN.test(authToken) ? null : 'auth_token_invalid';
}

export async function checkAccount(client: TwilioClient, signal?: AbortSignal): Promise<Outcome<AccountReport>> {
  const account = await client.call({
    operation: 'FetchAccount',
    area: 'account',
    send: (twilio) => twilio.api.v2010.accounts(client.accountSid).fetch(),
    // The answer holds the Auth Token: only what is named here is kept.
    read: readAccount,
    signal,
  });
  if (!account.ok) return account;
  const { status, type, label, ownerSid } = account.value;
  if (status === 'suspended') return client.fail('account_suspended');
  if (status === 'closed') return client.fail('account_closed');

  const trunks = await client.call({
    operation: 'ListTrunk',
    area: 'trunks',
    send: (twilio) => twilio.trunking.v1.trunks.page({ pageSize: 1 }),
    read: (answer) => answer.list('trunks').length,
    signal,
  });
  if (!trunks.ok) return trunks;
  const numbers = await client.call({
    operation: 'ListIncomingPhoneNumber',
    area: 'numbers',
    send: (twilio) => twilio.incomingPhoneNumbers.page({ pageSize: 1 }),
    read: (answer) => answer.list('incoming_phone_numbers').length,
    signal,
  });
  if (!numbers.ok) return numbers;

  const isSubaccount = ownerSid !== null && ownerSid !== client.accountSid;
  const balance = isSubaccount ? null : await readBalance(client, signal);
  const notices = noticesOf({
    account_trial: type === 'Trial',
    account_subaccount: isSubaccount,
    account_empty: numbers.value === 0,
    balance_unreadable: balance === null && !isSubaccount,
    balance_empty: balance !== null && balance.amount <= 0n,
  });
  return ok({ accountId: client.accountSid, label, balance, notices });
}

/** null where it cannot be read: that is no reason not to connect. */
async function readBalance(client: TwilioClient, signal?: AbortSignal): Promise<AccountReport['balance']> {
  const outcome = await client.call({
    operation: 'FetchBalance',
    area: 'account',
    send: (twilio) => twilio.balance.fetch(),
    read: (answer) => ({ amount: parseMoney(answer.text('balance')), currency: answer.text('currency') }),
    signal,
  });
  if (!outcome.ok || outcome.value.amount === undefined) return null;
  return { amount: outcome.value.amount, currency: outcome.value.currency };
}

function readAccount(answer: Fields) {
  return {
    status: answer.text('status'),
    type: answer.textOrNull('type'),
    label: answer.textOrNull('friendly_name'),
    ownerSid: answer.textOrNull('owner_account_sid'),
  };
}
