// Orders of numbers and accounts at providers as the API shows them; no key, no password, nothing of what is to be put back (views.ts V1).

import { formatMoney } from '../domain/money.ts';
import type { AccountRecord, ImportRecord, SetupStep } from '../numbers/accounts/account.ts';
import type { AccountPage } from '../numbers/accounts/accounts.ts';
import type { ImportedNumber } from '../numbers/accounts/importing.ts';
import { failureOf, type NumberFailure } from '../numbers/failure.ts';
import { type NumberOrder, type OrderedNumber, stateOf } from '../numbers/shop/order.ts';
import type { PricedOffer } from '../numbers/shop/shop.ts';
import type { AccountNumber, Notice } from '../providers/index.ts';
import { numberProblemCode } from './number-problems.ts';
import { viewTime } from './views.ts';

/** What the console shows of one account. */
const OPEN_IMPORTS_MAX = 200;

export function viewOffer({ offer, price }: PricedOffer, currency: string): object {
  const { e164, country, type, locality, region, notices } = offer;
  return {
    e164,
    country,
    type,
    locality,
    region,
    monthlyFee: formatMoney(price.monthly),
    setupFee: formatMoney(price.setup),
    currency,
    notices: notices.map(viewNotice),
  };
}

export function viewOrder(order: NumberOrder): object {
  return {
    id: order.id,
    createdAt: viewTime(order.createdAt),
    workspaceId: order.workspaceId,
    agentId: order.agentId,
    state: stateOf(order),
    numbers: order.numbers.map(viewOrdered),
  };
}

function viewOrdered({ e164, step, numberId, offer, failure }: OrderedNumber): object {
  const isFailed = step === 'failed' || step === 'failing';
  return {
    e164,
    state: isFailed ? 'failed' : step === 'active' ? 'active' : 'pending',
    numberId: isFailed || step === 'new' || step === 'held' ? null : numberId,
    monthlyFee: offer === null ? null : formatMoney(offer.price.monthly),
    setupFee: offer === null ? null : formatMoney(offer.price.setup),
    failure: failure === null ? null : viewFailure(failure),
  };
}

export function viewAccount(account: AccountRecord, imports: readonly ImportRecord[]): object {
  const { setup } = account;
  const open = imports.filter(({ state }) => state !== 'connected');
  return {
    id: account.id,
    createdAt: viewTime(account.createdAt),
    workspaceId: account.workspaceId,
    provider: account.provider,
    accountSid: account.accountId,
    label: account.label,
    keySet: account.key !== '',
    checkedAt: viewTime(account.checkedAt),
    notices: account.notices.map(viewNotice),
    trunkId: account.trunkId,
    provisioning: {
      phase: setup.phase,
      running: setup.run !== null,
      steps: setup.steps.map(viewStep),
      failure: setup.failure === null ? null : viewFailure(setup.failure),
      allowedCountries: setup.allowedCountries,
    },
    imports: {
      connected: imports.length - open.length,
      open: open.slice(0, OPEN_IMPORTS_MAX).map(({ e164, id, state, failure, notices }) => ({
        e164,
        numberId: id,
        state: state === 'failed' ? 'failed' : 'pending',
        failure: failure === null ? null : viewFailure(failure),
        notices: notices.map(viewNotice),
      })),
    },
  };
}

function viewStep({ step, text, state, failure }: SetupStep): object {
  return { step, text, state, failure: failure === null ? null : viewFailure(failure) };
}

export function viewAccountNumbers({ numbers, nextCursor, notices, imported }: AccountPage): object {
  return {
    items: numbers.map((number) => viewAccountNumber(number, imported.get(number.providerId) ?? null)),
    nextCursor,
    notices: notices.map(viewNotice),
  };
}

function viewAccountNumber(
  { e164, label, country, type, use, usedBy, refusal, notices }: AccountNumber,
  numberId: string | null,
): object {
  return {
    e164,
    label,
    country,
    type,
    use,
    usedBy,
    numberId,
    refusal: refusal === null ? null : viewFailure(failureOf(refusal.code)),
    notices: notices.map(viewNotice),
  };
}

export function viewImported({ e164, numberId, state, failure, notices }: ImportedNumber): object {
  return {
    e164,
    numberId,
    state,
    failure: failure === null ? null : viewFailure(failure),
    notices: notices.map(viewNotice),
  };
}

export function viewFailure({ code, text, advice, detail }: NumberFailure): object {
  return { code: numberProblemCode(code), text, advice, detail };
}

function viewNotice({ code, text, advice }: Notice): object {
  return { code, text, advice };
}
