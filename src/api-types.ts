// `npm run types:api` writes the API's shapes as TypeScript for the console: src/console/api/types.ts, made from the OpenAPI document, so that a page
// which asks for a field that is not there does not compile.
//
//   components -> an interface or a type each; operations -> one entry of `Routes`: 'GET /v1/agents/{id}': { params, query, body, answer }

import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildOpenApi, type OpenApiDocument, type Operation, type Parameter } from './http/openapi.ts';
import type { RouteDeps } from './http/route-deps.ts';
import { routeTable } from './http/server.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
export const TYPES_FILE = join(ROOT, 'src', 'console', 'api', 'types.ts');

const HEADER = `// The shapes of the API. Made by \`npm run types:api\` from the routes themselves: change those, not this.
`;

interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly patternProperties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: boolean | Schema;
  readonly description?: string;
}

/** Of the routes as they are: they touch what they need when a request comes, not when they are listed. */
export function currentDocument(): OpenApiDocument {
  return buildOpenApi(routeTable({} as RouteDeps), '0');
}

/** The file as it should be now, in the house's format. */
export function currentTypes(): string {
  return formatted(apiTypes(currentDocument()));
}

export function apiTypes({ components, paths }: Pick<OpenApiDocument, 'components' | 'paths'>): string {
  const types = Object.entries(components.schemas)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, schema]) => declare(name, schema as Schema));
  const routes = Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => routeEntry(`${method.toUpperCase()} ${path}`, operation)),
  );
  return [HEADER, ...types, `export interface Routes {\n${routes.join('\n')}\n}\n`].join('\n');
}

function declare(name: string, schema: Schema): string {
  const comment = schema.description === undefined ? '' : `/** ${schema.description} */\n`;
  return schema.properties === undefined
    ? `${comment}export type ${name} = ${typeOf(schema)};\n`
    : `${comment}export interface ${name} ${typeOf(schema)}\n`;
}

function routeEntry(name: string, operation: Operation): string {
  const parameters = operation.parameters ?? [];
  const fields = {
    params: objectOf(parameters.filter((each) => each.in === 'path')),
    query: objectOf(parameters.filter((each) => each.in === 'query')),
    body: bodyOf(operation),
    answer: answerOf(operation),
  };
  const lines = Object.entries(fields).map(([field, type]) => `readonly ${field}: ${type};`);
  return `/** ${operation.summary} */\n'${name}': { ${lines.join(' ')} };`;
}

function objectOf(parameters: readonly Parameter[]): string {
  if (parameters.length === 0) return 'Readonly<Record<never, never>>';
  return shape(parameters.map(({ name, required, schema }) => [name, required, schema as Schema] as const));
}

/** JSON as it is; other types are sent as they come. */
function bodyOf({ requestBody }: Operation): string {
  if (requestBody === undefined) return 'undefined';
  const json = requestBody.content['application/json'];
  return json === undefined ? 'Blob | FormData | ArrayBuffer' : typeOf(json.schema as Schema);
}

function answerOf({ responses }: Operation): string {
  const [, success] = Object.entries(responses).find(([status]) => status.startsWith('2')) ?? [];
  const json = success?.content?.['application/json'];
  if (json?.schema !== undefined) return typeOf(json.schema as Schema);
  return success?.content === undefined ? 'undefined' : 'string';
}

const PLAIN: Readonly<Record<string, string>> = {
  string: 'string',
  integer: 'number',
  number: 'number',
  boolean: 'boolean',
  null: 'null',
};

function typeOf(schema: Schema): string {
  const { $ref, enum: values, anyOf, allOf, type } = schema;
  if ($ref !== undefined) return $ref.replace('#/components/schemas/', '');
  if ('const' in schema) return literal(schema.const);
  if (values !== undefined) return values.map(literal).join(' | ');
  if (anyOf !== undefined) return `(${[...new Set(anyOf.map(typeOf))].join(' | ')})`;
  if (allOf !== undefined) return `(${allOf.map(typeOf).join(' & ')})`;
  if (type === 'array') return `readonly (${schema.items === undefined ? 'unknown' : typeOf(schema.items)})[]`;
  if (type === 'object') return objectType(schema);
  return PLAIN[type ?? ''] ?? 'unknown';
}

function objectType({ properties, required = [], patternProperties, additionalProperties }: Schema): string {
  if (properties !== undefined)
    return shape(Object.entries(properties).map(([name, inner]) => [name, required.includes(name), inner] as const));
  const [pattern] = Object.values(patternProperties ?? {});
  const value = pattern ?? (typeof additionalProperties === 'object' ? additionalProperties : undefined);
  return `Readonly<Record<string, ${value === undefined ? 'unknown' : typeOf(value)}>>`;
}

function shape(fields: readonly (readonly [name: string, required: boolean, schema: Schema])[]): string {
  const lines = fields.map(([name, required, schema]) => {
    const key = /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name);
    return `readonly ${key}${required ? '' : '?'}: ${typeOf(schema)};`;
  });
  return `{ ${lines.join(' ')} }`;
}

function literal(value: unknown): string {
  return typeof value === 'string' ? `'${value.replaceAll(/['\\]/g, '\\$&')}'` : JSON.stringify(value);
}

function formatted(text: string): string {
  const biome = join(ROOT, 'node_modules', '.bin', 'biome');
  return execFileSync(biome, ['format', `--stdin-file-path=${TYPES_FILE}`], {
    cwd: ROOT,
    input: text,
    encoding: 'utf8',
  });
}

if (import.meta.main) writeFileSync(TYPES_FILE, currentTypes());
