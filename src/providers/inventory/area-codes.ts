// Which area codes can be asked for in the two countries where numbers are sold at once.

import { type E164, isE164 } from '../../domain/e164.ts';
import { countryOf } from '../../routing/countries.ts';
import type { ProviderErrorCode } from '../errors.ts';
import type { NumberSearch } from '../provider.ts';

/** Elsewhere a number is requested, with documents. */
const INSTANT_COUNTRIES = new Set(['US', 'CA']);
const INSTANT_TYPES = new Set(['local', 'tollfree']);
const TOLL_FREE = new Set(['800', '833', '844', '855', '866', '877', '888']);
const AREA_CODE = /^[2-9]\d{2}$/;

/** What is wrong with a search before anybody is asked; null = nothing. */
export function searchProblem({ country, type, areaCode }: NumberSearch): ProviderErrorCode | null {
  if (!INSTANT_COUNTRIES.has(country)) return 'country_unsupported';
  if (!INSTANT_TYPES.has(type)) return 'type_unsupported';
  if (areaCode === null) return null;
  const isToll = TOLL_FREE.has(areaCode);
  const isRight = type === 'tollfree' ? isToll : !isToll && AREA_CODE.test(areaCode) && placeOf(areaCode) === country;
  return isRight ? null : 'area_code_invalid';
}

/** The three digits after +1; null for numbers elsewhere. */
export function areaCodeOf(e164: E164): string | null {
  return /^\+1(\d{3})\d{7}$/.exec(e164)?.[1] ?? null;
}

function placeOf(areaCode: string): string | undefined {
  const number = `+1${areaCode}5550100`;
  return isE164(number) ? countryOf(number) : undefined;
}
