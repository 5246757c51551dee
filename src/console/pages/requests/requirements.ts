// What countries ask for before they give a number.

import { useGet } from '../../api/hooks.ts';
import type { ProblemError } from '../../api/problem.ts';
import type { NumberRequirement } from '../../api/resources.ts';
import { byName } from '../../lib/countries.ts';

export interface RequirementsView {
  readonly all: readonly NumberRequirement[];
  readonly countries: readonly string[];
  readonly loaded: boolean;
  readonly error: ProblemError | undefined;
  reload(): void;
}

export function useRequirements(): RequirementsView {
  const { data, error, reload } = useGet<{ readonly items: readonly NumberRequirement[] }>('/v1/number-requirements');
  const all = data?.items ?? [];
  return {
    all,
    countries: byName([...new Set(all.map(({ country }) => country))]),
    loaded: data !== undefined,
    error,
    reload,
  };
}

export function requirementOf(
  all: readonly NumberRequirement[],
  wanted: Pick<NumberRequirement, 'country' | 'type' | 'requestType'>,
): NumberRequirement | undefined {
  return all.find(
    ({ country, type, requestType }) =>
      country === wanted.country && type === wanted.type && requestType === wanted.requestType,
  );
}

/** Asked for now: always, or because another field says so. */
export function isAsked(
  { when }: Pick<NumberRequirement['fields'][number], 'when'>,
  savedOf: (field: string) => string | null,
): boolean {
  return when === null || when.is.includes(savedOf(when.field) ?? '');
}
