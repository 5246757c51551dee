// The failures of providers of phone numbers as problems: the same code, text and advice (providers/errors.ts), with a status.
//
// Invariant PP1. Some codes mean something else in this API (P1): they get a longer name here, and nowhere else.

import { PROVIDER_ERRORS, type ProviderErrorCode } from '../providers/index.ts';

const RENAMED = {
  not_found: 'provider_object_gone',
  rate_limited: 'provider_rate_limited',
  cancelled: 'provider_run_cancelled',
  credentials_refused: 'provider_credentials_refused',
} as const satisfies Partial<Record<ProviderErrorCode, string>>;

type Renamed = keyof typeof RENAMED;
export type ProviderProblemCode = Exclude<ProviderErrorCode, Renamed> | (typeof RENAMED)[Renamed];

/** Somebody else has it or does it now: the same request may be right at another time. */
const CONFLICTS: ReadonlySet<ProviderErrorCode> = new Set<ProviderErrorCode>([
  'setup_running',
  'order_running',
  'number_gone',
  'number_reserved',
  'number_in_use_elsewhere',
  'number_processing',
  'number_locked',
  'resource_in_use',
  'price_higher',
  'out_of_stock',
]);

export function providerProblemCode(code: ProviderErrorCode): ProviderProblemCode {
  return code in RENAMED ? RENAMED[code as Renamed] : (code as Exclude<ProviderErrorCode, Renamed>);
}

function statusOf(code: ProviderErrorCode): number {
  const { fault, retry } = PROVIDER_ERRORS[code];
  if (CONFLICTS.has(code)) return 409;
  if (fault === 'request' || fault === 'account') return 422;
  if (code === 'provider_timeout') return 504;
  if (retry === 'later') return fault === 'us' ? 503 : 502;
  return fault === 'us' ? 409 : 502;
}

export const PROVIDER_PROBLEMS = Object.fromEntries(
  (Object.keys(PROVIDER_ERRORS) as ProviderErrorCode[]).map((code) => [
    providerProblemCode(code),
    { status: statusOf(code), title: PROVIDER_ERRORS[code].text },
  ]),
) as Readonly<Record<ProviderProblemCode, { readonly status: number; readonly title: string }>>;

export const PROVIDER_PROBLEM_CODES = Object.keys(PROVIDER_PROBLEMS) as readonly ProviderProblemCode[];
