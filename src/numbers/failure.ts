// What can go wrong with numbers, as values: the providers' failures and our own, each with a stable code, a text and an advice. The same value
// stands in an order, in a job's step and in a problem of the API.
//
// Invariant NF1. A failure has no secret in it: what a provider said has been cleaned by its client (providers/api/scrub.ts).

import { PROVIDER_ERRORS, type ProviderErrorCode, type ProviderFailure } from '../providers/index.ts';

export const NUMBER_ERRORS = {
  inventory_off: {
    text: 'Numbers are not sold here',
    advice:
      'Import numbers of an account of yours, or connect an own carrier. The operator can switch the sale on (numbers.inventory).',
  },
  balance_too_low: {
    text: 'The balance does not cover the set-up fee and the first month',
    advice: 'Top up the workspace and order again. Nothing was charged.',
  },
  spend_limit: {
    text: 'With this order the numbers of today would cost more than the workspace may spend a day',
    advice: 'Order the rest tomorrow, or ask the operator for another limit (limits.spendPerDay). Nothing was charged.',
  },
  number_taken: {
    text: 'The number exists already',
    advice: 'It is in this workspace, or in another one. A number is in one workspace alone.',
  },
  idempotency_key_reused: {
    text: 'The Idempotency-Key was used before for another request',
    advice: 'Use a new key for a new order.',
  },
  provider_account_exists: {
    text: 'This account is connected to the workspace already',
    advice: 'Use the connected one; its key can be replaced.',
  },
  provider_account_in_use: {
    text: 'Numbers or a trunk of this account are in use',
    advice:
      'Undo the set-up first, so that what was set at the provider is put back; or keep the trunk as it is (keepTrunk=true).',
  },
} as const satisfies Record<string, { readonly text: string; readonly advice: string }>;

export type OwnNumberErrorCode = keyof typeof NUMBER_ERRORS;
export type NumberErrorCode = OwnNumberErrorCode | ProviderErrorCode;

/** Plain data: it is stored as it is. */
export interface NumberFailure {
  readonly code: NumberErrorCode;
  readonly text: string;
  readonly advice: string;
  /** What exactly, or the provider's own words; null where there is nothing to add. */
  readonly detail: string | null;
  readonly retryAfterMs: number | null;
}

export function failureOf(code: NumberErrorCode, detail: string | null = null): NumberFailure {
  const { text, advice } =
    code in NUMBER_ERRORS ? NUMBER_ERRORS[code as OwnNumberErrorCode] : PROVIDER_ERRORS[code as ProviderErrorCode];
  return { code, text, advice, detail, retryAfterMs: null };
}

export function failureOfProvider({ code, text, advice, detail, retryAfterMs }: ProviderFailure): NumberFailure {
  return { code, text, advice, detail, retryAfterMs };
}

/** An expected failure of a whole request. */
export class NumbersError extends Error {
  readonly code: NumberErrorCode;
  readonly failure: NumberFailure;

  constructor(failure: NumberFailure) {
    super(failure.text);
    this.name = 'NumbersError';
    this.code = failure.code;
    this.failure = failure;
  }
}

export function refuse(code: NumberErrorCode, detail: string | null = null): never {
  throw new NumbersError(failureOf(code, detail));
}

export function refuseAs(failure: ProviderFailure): never {
  throw new NumbersError(failureOfProvider(failure));
}
