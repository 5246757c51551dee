// Making the values of provider.ts.

import { PROVIDER_ERRORS, type ProviderErrorCode } from './errors.ts';
import { PROVIDER_NOTICES, type ProviderNoticeCode } from './notices.ts';
import type { Notice, Outcome, Provider, ProviderFailure } from './provider.ts';

export type Failed = Extract<Outcome<never>, { readonly ok: false }>;
export type FailureFacts = Partial<Pick<ProviderFailure, 'retryAfterMs' | 'effect' | 'detail' | 'told'>>;

export function ok<T>(value: T): { readonly ok: true; readonly value: T } {
  return { ok: true, value };
}

export function failed(provider: Provider, code: ProviderErrorCode, facts: FailureFacts = {}): Failed {
  const { text, advice, retry, fault } = PROVIDER_ERRORS[code];
  const { retryAfterMs = null, effect = 'none', detail = null, told = null } = facts;
  return { ok: false, failure: { code, provider, text, advice, retry, fault, retryAfterMs, effect, detail, told } };
}

/** The same occurrence under the code that it has where more is known. */
export function failedAs(code: ProviderErrorCode, { failure }: Failed): Failed {
  return failed(failure.provider, code, failure);
}

export function hasFailed(outcome: Outcome<unknown>, ...codes: ProviderErrorCode[]): boolean {
  return !outcome.ok && codes.includes(outcome.failure.code);
}

export function notice(code: ProviderNoticeCode): Notice {
  return { code, ...PROVIDER_NOTICES[code] };
}

/** The codes whose conditions hold. */
export function noticesOf(conditions: Partial<Record<ProviderNoticeCode, boolean>>): Notice[] {
  return (Object.keys(conditions) as ProviderNoticeCode[]).filter((code) => conditions[code]).map(notice);
}
