// X- headers of a request's body; their names and values are in the schema (schemas/calls.ts).

import { type CustomHeaders, readCustomHeaders } from '../domain/custom-headers.ts';
import { invalidField } from './problems.ts';

export function customHeadersOf(value: object | undefined, field: string): CustomHeaders | undefined {
  if (value === undefined) return undefined;
  const headers = readCustomHeaders(value);
  if (headers === undefined) throw invalidField(field, 'two names must not differ in nothing but case');
  return headers;
}
