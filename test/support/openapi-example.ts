// A value that a schema allows, made from the schema: its own example where it has one, otherwise the simplest one of each type.

// biome-ignore lint/suspicious/noExplicitAny: a schema is what it is.
type Json = any;

const DEPTH_MAX = 12;

const BY_FORMAT: Readonly<Record<string, string>> = {
  uuid: '4a3b8b2c-0d52-4f0e-9c6f-0d5e1f7a9b11',
  'date-time': '2026-01-01T00:00:00Z',
  'date-time-rfc-2822': 'Thu, 01 Jan 2026 00:00:00 +0000',
  uri: 'https://host.example/path',
  'phone-number': '+12025550100',
  'http-method': 'POST',
};

export function exampleOf(reference: Json, resolve: (value: Json) => Json, depth = 0): Json {
  const schema = resolve(reference) ?? {};
  if (schema.example !== undefined) return schema.example;
  if (schema.const !== undefined) return schema.const;
  if (schema.enum !== undefined) return schema.enum[0];
  if (depth > DEPTH_MAX) return null;
  const inner = (value: Json): Json => exampleOf(value, resolve, depth + 1);
  if (schema.allOf !== undefined) return Object.assign({}, ...schema.allOf.map(inner));
  const alternative = schema.oneOf ?? schema.anyOf;
  if (alternative !== undefined) return inner(alternative[0]);
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
  if (type === 'array') return [inner(schema.items)];
  if (type === 'object' || schema.properties !== undefined) {
    return Object.fromEntries(Object.entries(schema.properties ?? {}).map(([name, value]) => [name, inner(value)]));
  }
  return schema.default ?? simplest(type, schema);
}

function simplest(type: string | undefined, { pattern, format, minimum }: Json): Json {
  if (type === 'boolean') return true;
  if (type === 'integer' || type === 'number') return minimum ?? 1;
  if (type !== 'string') return null;
  // Sids: two letters and 32 hex digits.
  const sid = /^\^([A-Z]{2})\[0-9a-fA-F\]\{32\}\$$/.exec(pattern ?? '');
  return sid === null ? (BY_FORMAT[format ?? ''] ?? 'text') : `${sid[1]}${'a'.repeat(32)}`;
}
