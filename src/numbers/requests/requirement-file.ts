// The shape of a requirement file, and what must fit together in it beyond its shape.

import { type Static, Type } from 'typebox';
import { CHECKSUMS } from './checksums.ts';
import { type FieldRule, NUMBER_TYPES, REQUEST_TYPES } from './requirement.ts';
import { checkValue } from './rules.ts';

const object = <T extends Parameters<typeof Type.Object>[0]>(properties: T) =>
  Type.Object(properties, { additionalProperties: false });
const optional = Type.Optional;

const words = (maxLength: number) => Type.String({ minLength: 1, maxLength });
const notes = Type.Array(words(600), { maxItems: 12 });
const fieldName = Type.String({ pattern: '^[a-z][A-Za-z0-9]{0,39}$' });
const documentKind = Type.String({ pattern: '^[a-z][a-z0-9_]{0,39}$' });
const money = Type.String({ pattern: '^\\d{1,6}(\\.\\d{1,9})?$' });
const digits = (maxLength: number) => Type.String({ pattern: `^[0-9A-Z]{1,${maxLength}}$` });
const conditionSchema = object({ field: fieldName, is: Type.Array(words(60), { minItems: 1, maxItems: 20 }) });

const field = object({
  label: words(80),
  help: words(400),
  example: words(200),
  required: optional(Type.Boolean()),
  format: optional(Type.Enum(['text', 'email', 'phone', 'date'])),
  pattern: optional(words(200)),
  minLength: optional(Type.Integer({ minimum: 1, maximum: 500 })),
  maxLength: optional(Type.Integer({ minimum: 1, maximum: 500 })),
  options: optional(Type.Array(object({ value: words(60), label: words(80) }), { minItems: 2, maxItems: 50 })),
  checksum: optional(Type.Enum(Object.keys(CHECKSUMS) as (keyof typeof CHECKSUMS)[])),
  normalise: optional(Type.Enum(['trim', 'compact'])),
  secret: optional(Type.Boolean()),
  when: optional(conditionSchema),
});

const document = object({
  label: words(80),
  help: words(400),
  required: optional(Type.Boolean()),
  maxAgeMonths: optional(Type.Integer({ minimum: 1, maximum: 120 })),
  when: optional(conditionSchema),
});

const request = object({
  fields: Type.Array(fieldName, { minItems: 1, maxItems: 40 }),
  documents: Type.Array(documentKind, { maxItems: 10 }),
  fees: object({ activation: money, monthly: money }),
  reviewDays: Type.Array(Type.Integer({ minimum: 0, maximum: 365 }), { minItems: 2, maxItems: 2 }),
  notes: optional(notes),
});

const type = object({
  label: words(80),
  notes: optional(notes),
  areas: optional(
    object({
      areaField: fieldName,
      postalField: fieldName,
      codes: Type.Record(
        Type.String({ pattern: '^[0-9]{1,6}$' }),
        object({ name: words(80), postal: Type.Array(digits(10), { minItems: 1, maxItems: 50 }) }),
      ),
    }),
  ),
  requests: object({ new: optional(request), porting: optional(request) }),
});

export const requirementFileSchema = object({
  country: Type.String({ pattern: '^[A-Z]{2}$' }),
  name: words(60),
  currency: Type.String({ pattern: '^[A-Z]{3}$' }),
  fields: Type.Record(fieldName, field),
  documents: Type.Record(documentKind, document),
  types: object({ local: optional(type), mobile: optional(type), national: optional(type), tollfree: optional(type) }),
});

export type RequirementFile = Static<typeof requirementFileSchema>;

const LENGTH_MAX_DEFAULT = 120;

/** With every default filled in. */
export function fieldRule(name: string, file: Pick<RequirementFile, 'fields'>): FieldRule {
  const field = file.fields[name];
  if (field === undefined) throw new Error(`no field ${name}`);
  return {
    name,
    label: field.label,
    help: field.help,
    example: field.example,
    required: field.required ?? true,
    format: field.format ?? 'text',
    pattern: field.pattern ?? null,
    minLength: field.minLength ?? 1,
    maxLength: field.maxLength ?? LENGTH_MAX_DEFAULT,
    options: field.options ?? [],
    checksum: field.checksum ?? null,
    normalise: field.normalise ?? 'trim',
    secret: field.secret ?? false,
    when: field.when ?? null,
  };
}

/** Of fields and documents by themselves. */
export function definitionMistakes(file: RequirementFile): string[] {
  const mistakes: string[] = [];
  for (const [name, { pattern, minLength = 1, maxLength = 500, example, options }] of Object.entries(file.fields)) {
    const key = `fields.${name}`;
    if (minLength > maxLength) mistakes.push(`${key}.minLength: must not be above maxLength`);
    if (options !== undefined && new Set(options.map((option) => option.value)).size !== options.length)
      mistakes.push(`${key}.options: has a value twice`);
    const problem = pattern === undefined ? undefined : patternProblem(pattern);
    if (problem !== undefined) {
      mistakes.push(`${key}.pattern: ${problem}`);
      continue;
    }
    const outcome = checkValue(fieldRule(name, file), example);
    if (!outcome.ok) mistakes.push(`${key}.example: ${outcome.problem}`);
  }
  const used = usedNames(file);
  for (const name of Object.keys(file.fields))
    if (!used.has(name)) mistakes.push(`fields.${name}: no request asks for it`);
  for (const kind of Object.keys(file.documents))
    if (!used.has(kind)) mistakes.push(`documents.${kind}: no request asks for it`);
  return mistakes;
}

/** Of what each request asks for. */
export function typeMistakes(file: RequirementFile): string[] {
  const mistakes: string[] = [];
  if (Object.keys(file.types).length === 0) mistakes.push('types: there must be one');
  for (const type of NUMBER_TYPES) {
    const offered = file.types[type];
    if (offered === undefined) continue;
    if (Object.keys(offered.requests).length === 0) mistakes.push(`types.${type}.requests: there must be one`);
    for (const requestType of REQUEST_TYPES) {
      const request = offered.requests[requestType];
      if (request === undefined) continue;
      const key = `types.${type}.requests.${requestType}`;
      const [from = 0, to = 0] = request.reviewDays;
      if (from > to) mistakes.push(`${key}.reviewDays: must be from, to`);
      mistakes.push(...listMistakes(file, key, request));
    }
    const { areas } = offered;
    const asked = offered.requests.new?.fields ?? [];
    for (const name of areas === undefined ? [] : [areas.areaField, areas.postalField])
      if (!asked.includes(name)) mistakes.push(`types.${type}.areas: ${name} is no field of its new requests`);
  }
  return mistakes;
}

function listMistakes(file: RequirementFile, key: string, { fields, documents }: Static<typeof request>): string[] {
  const mistakes: string[] = [];
  const checkCondition = (where: string, name: string, when: Static<typeof conditionSchema> | undefined): void => {
    if (when === undefined) return;
    const options = file.fields[when.field]?.options?.map((option) => option.value);
    if (!fields.includes(when.field))
      mistakes.push(`${key}.${where}: ${name} depends on ${when.field}, which is not asked for`);
    else if (options === undefined)
      mistakes.push(`fields.${when.field}.options: is needed, because ${name} depends on it`);
    else if (when.is.some((value) => !options.includes(value)))
      mistakes.push(`${where}.${name}.when.is: must be values of ${when.field}`);
  };
  for (const [where, names, known] of [
    ['fields', fields, file.fields],
    ['documents', documents, file.documents],
  ] as const) {
    if (new Set(names).size !== names.length) mistakes.push(`${key}.${where}: names one twice`);
    for (const name of names) {
      if (!Object.hasOwn(known, name)) mistakes.push(`${key}.${where}: ${name} is not defined under ${where}`);
      else checkCondition(where, name, known[name]?.when);
    }
  }
  return mistakes;
}

function usedNames(file: RequirementFile): ReadonlySet<string> {
  const requests = NUMBER_TYPES.flatMap((type) =>
    REQUEST_TYPES.flatMap((each) => file.types[type]?.requests[each] ?? []),
  );
  return new Set(requests.flatMap(({ fields, documents }) => [...fields, ...documents]));
}

function patternProblem(pattern: string): string | undefined {
  if (!pattern.startsWith('^') || !pattern.endsWith('$'))
    return 'must begin with ^ and end with $: it is about the whole value';
  try {
    new RegExp(pattern, 'u');
    return undefined;
  } catch (error) {
    return `is no regular expression: ${(error as Error).message}`;
  }
}
