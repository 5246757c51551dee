// Schemas as checks: what is wrong, by field, in words; never with the value.

import type { TObject, TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { type FieldError, Problem } from './problems.ts';

export type Check = (value: unknown) => void;

/** An answer with more helps nobody. */
const FIELD_ERRORS_MAX = 20;

interface SchemaError {
  readonly keyword: string;
  readonly schemaPath: string;
  readonly instancePath: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly message: string;
}

/** Compiles once; the check throws `invalid_fields`. */
export function compileCheck(schema: TSchema): Check {
  const validator = Compile(schema);
  return (value) => {
    if (validator.Check(value)) return;
    throw new Problem('invalid_fields', { fields: fieldErrors(schema, validator.Errors(value) as SchemaError[]) });
  };
}

/** Query strings are text: integers and booleans of the schema are read from it, the rest stays as it is. */
export function readQuery(schema: TObject, raw: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const properties = schema.properties as Readonly<Record<string, { readonly type?: string }>>;
  return Object.fromEntries(
    Object.entries(raw).map(([name, value]) => [
      name,
      readText(Object.hasOwn(properties, name) ? properties[name]?.type : undefined, value),
    ]),
  );
}

function readText(type: string | undefined, value: unknown): unknown {
  if (typeof value !== 'string') return value;
  if (type === 'integer' && /^-?\d{1,15}$/.test(value)) return Number(value);
  if (type === 'boolean' && (value === 'true' || value === 'false')) return value === 'true';
  return value;
}

function fieldErrors(schema: TSchema, errors: readonly SchemaError[]): FieldError[] {
  const found = new Map<string, FieldError>();
  const add = (field: string, message: string): void => {
    if (found.size < FIELD_ERRORS_MAX && !found.has(field)) found.set(field, { field, message });
  };
  // The branches of a union say what each of them wanted; the union's own line is enough.
  for (const error of errors.filter((each) => !each.schemaPath.includes('/anyOf/') && each.keyword !== 'boolean')) {
    const field = fieldOf(error.instancePath);
    const inner = (name: unknown) => [field, String(name).slice(0, 64)].filter((part) => part !== '').join('.');
    for (const name of listOf(error.params['requiredProperties'])) add(inner(name), 'is required');
    for (const name of listOf(error.params['additionalProperties'])) add(inner(name), 'is not a known field');
    if (error.keyword === 'required' || error.keyword === 'additionalProperties') continue;
    add(field, describe(schema, error));
  }
  return [...found.values()];
}

function describe(schema: TSchema, error: SchemaError): string {
  const description = descriptionAt(schema, error.schemaPath);
  if (description !== undefined && ['pattern', 'format', 'anyOf'].includes(error.keyword))
    return `must be: ${description}`;
  if (error.keyword === 'enum') return `must be one of ${listOf(error.params['allowedValues']).join(', ')}`;
  return error.message;
}

function descriptionAt(schema: TSchema, pointer: string): string | undefined {
  let node: unknown = schema;
  for (const part of pointer.split('/').slice(1)) {
    if (typeof node !== 'object' || node === null || !Object.hasOwn(node, part)) return undefined;
    node = (node as Record<string, unknown>)[part];
  }
  const description = (node as { readonly description?: unknown } | undefined)?.description;
  return typeof description === 'string' ? description : undefined;
}

function fieldOf(instancePath: string): string {
  return instancePath.split('/').slice(1).join('.').replaceAll('~1', '/').replaceAll('~0', '~').slice(0, 200);
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
