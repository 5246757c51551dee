// Failures around numbers (numbers/failure.ts) as problems of the API.

import {
  NUMBER_ERRORS,
  type NumberErrorCode,
  type NumberFailure,
  type OwnNumberErrorCode,
} from '../numbers/failure.ts';
import type { ProviderErrorCode } from '../providers/index.ts';
import { Problem, type ProblemCode } from './problems.ts';
import { PROVIDER_PROBLEM_CODES, providerProblemCode } from './provider-problems.ts';

/** Of routes that ask a provider. */
export const NUMBER_PROBLEMS: readonly ProblemCode[] = [
  ...(Object.keys(NUMBER_ERRORS) as OwnNumberErrorCode[]),
  ...PROVIDER_PROBLEM_CODES,
];

export function problemOfNumbers(
  { code, advice, detail, retryAfterMs }: NumberFailure,
  fields?: Problem['options']['fields'],
): Problem {
  return new Problem(numberProblemCode(code), {
    advice,
    ...(detail === null ? {} : { detail }),
    ...(fields === undefined ? {} : { fields }),
    ...(retryAfterMs === null ? {} : { headers: { 'retry-after': String(Math.ceil(retryAfterMs / 1000)) } }),
  });
}

export function numberProblemCode(code: NumberErrorCode): ProblemCode {
  return code in NUMBER_ERRORS ? (code as OwnNumberErrorCode) : providerProblemCode(code as ProviderErrorCode);
}
