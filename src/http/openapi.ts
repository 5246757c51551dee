// The OpenAPI 3.1 document, built from the route table: what is documented is what is mounted and checked.

import type { TSchema } from 'typebox';
import { PROBLEM_CODES, type ProblemCode, problemKind } from './problems.ts';
import type { Route, Success } from './route.ts';
import { problemSchema } from './schemas/common.ts';
import { neededScope } from './scopes.ts';
import { SESSION_COOKIE } from './cookies.ts';

export interface OpenApiDocument {
  readonly openapi: '3.1.0';
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly security: readonly object[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>>; readonly securitySchemes: object };
}

export interface Operation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly security?: readonly object[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: {
    readonly required: true;
    readonly content: Readonly<Record<string, { readonly schema: object }>>;
  };
  readonly responses: Readonly<Record<string, ResponseObject>>;
  readonly 'x-access': string;
  /** What a workspace's key needs (scopes.ts); absent where keys do not come into it. */
  readonly 'x-scope'?: string;
}

export interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required: boolean;
  readonly schema: object;
}

export interface ResponseObject {
  readonly description: string;
  readonly content?: Readonly<Record<string, { readonly schema?: object }>>;
}

const PROBLEM_TYPE = 'application/problem+json';

function isGuarded({ access }: Route): boolean {
  return access === 'workspace' || access === 'operator';
}

/** Every code that the route can answer with: its own, and those of its kind. */
export function problemsOf(route: Route): readonly ProblemCode[] {
  const codes: ProblemCode[] = ['internal_error', 'malformed_request', 'headers_too_large', 'request_timeout'];
  if (isGuarded(route)) codes.push('unauthorized', 'rate_limited', 'store_unavailable');
  if (route.access === 'sign-in') codes.push('unauthorized', 'rate_limited', 'store_unavailable', 'csrf_failed');
  if (route.access === 'operator' || route.access === 'metrics') codes.push('forbidden');
  if (isGuarded(route) && route.method !== 'GET') codes.push('csrf_failed');
  if ((neededScope(route) ?? 'read') !== 'read') codes.push('missing_scope');
  if (route.body) codes.push('malformed_json', 'unsupported_media_type', 'body_too_large', 'invalid_fields');
  if (route.upload) codes.push('unsupported_media_type', 'body_too_large');
  if (route.upload?.form) codes.push('malformed_form', 'uploads_busy', 'invalid_fields');
  if (route.query) codes.push('invalid_fields');
  if (route.path.includes('{') || (route.access === 'workspace' && (route.query ?? route.body)))
    codes.push('not_found');
  if (route.idempotent) codes.push('idempotency_key_required', 'idempotency_key_reused');
  return [...new Set([...route.problems, ...codes])];
}

export function buildOpenApi(routes: readonly Route[], version: string): OpenApiDocument {
  const components: Record<string, object> = {};
  const refer = (schema: TSchema): object => reference(schema, components);
  const paths: Record<string, Record<string, Operation>> = {};
  for (const route of routes) {
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operationOf(route, refer) };
  }
  refer(problemSchema);
  return {
    openapi: '3.1.0',
    info: {
      title: 'Callin Edge',
      version,
      description: [
        'Money is a decimal text, durations are milliseconds, times are RFC 3339 in UTC, numbers are E.164.',
        'Lists page with `limit` and `cursor`. Errors are RFC 9457 problem details with a stable `code`:',
        ...PROBLEM_CODES.map((code) => `- \`${code}\` (${problemKind(code).status}): ${problemKind(code).title}`),
      ].join('\n'),
    },
    security: [{ token: [] }, { session: [] }],
    paths,
    components: {
      schemas: components,
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer' },
        session: {
          type: 'apiKey',
          in: 'cookie',
          name: SESSION_COOKIE,
          description: 'Of the console; requests that change something send X-CSRF-Token beside it.',
        },
      },
    },
  };
}

function operationOf(route: Route, refer: (schema: TSchema) => object): Operation {
  const parameters = parametersOf(route);
  const scope = neededScope(route);
  return {
    operationId: route.operationId,
    tags: [route.tag],
    summary: route.summary,
    'x-access': route.access,
    ...(scope === null ? {} : { 'x-scope': scope }),
    ...(isGuarded(route) ? {} : { security: [] }),
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(route.body
      ? { requestBody: { required: true, content: { 'application/json': { schema: refer(route.body) } } } }
      : {}),
    ...(route.upload
      ? {
          requestBody: {
            required: true,
            content: { [route.upload.type]: { schema: uploadSchema(route.upload, refer) } },
          },
        }
      : {}),
    responses: {
      ...Object.fromEntries(
        [route.success, ...(route.also ?? [])].map((success) => [success.status, successOf(success, refer)]),
      ),
      ...problemResponses(route, refer),
    },
  };
}

function uploadSchema({ form }: NonNullable<Route['upload']>, refer: (schema: TSchema) => object): object {
  if (form === undefined) return { type: 'string' };
  const { name, description } = form.file;
  const file = { type: 'string', contentMediaType: 'application/octet-stream', description };
  const fields = refer(form.fields) as { readonly properties: object; readonly required?: readonly string[] };
  return {
    ...fields,
    properties: { ...fields.properties, [name]: file },
    required: [...(fields.required ?? []), name],
  };
}

function parametersOf(route: Route): Parameter[] {
  const inPath = [...route.path.matchAll(/\{(\w+)\}/g)].map(
    ([, name = '']): Parameter => ({ name, in: 'path', required: true, schema: { type: 'string' } }),
  );
  const needed: readonly string[] = route.query?.required ?? [];
  const inQuery = Object.entries((route.query?.properties ?? {}) as Record<string, object>).map(
    ([name, schema]): Parameter => ({ name, in: 'query', required: needed.includes(name), schema }),
  );
  const key = {
    type: 'string',
    minLength: 1,
    maxLength: 128,
    description: 'A repeat with the same key is answered with the first result.',
  };
  return [
    ...inPath,
    ...inQuery,
    ...(route.idempotent ? [{ name: 'Idempotency-Key', in: 'header' as const, required: true, schema: key }] : []),
  ];
}

function successOf(success: Success, refer: (schema: TSchema) => object): ResponseObject {
  const json = success.schema ? { 'application/json': { schema: refer(success.schema) } } : {};
  const others = Object.fromEntries((success.otherTypes ?? []).map((type) => [type, { schema: { type: 'string' } }]));
  const content = { ...json, ...others };
  return { description: success.description, ...(Object.keys(content).length > 0 ? { content } : {}) };
}

function problemResponses(route: Route, refer: (schema: TSchema) => object): Record<string, ResponseObject> {
  const byStatus = Map.groupBy(problemsOf(route), (code) => String(problemKind(code).status));
  return Object.fromEntries(
    [...byStatus].map(([status, codes]) => [
      status,
      {
        description: codes.map((code) => `\`${code}\``).join(', '),
        content: { [PROBLEM_TYPE]: { schema: refer(problemSchema) } },
      },
    ]),
  );
}

/** The schema as plain JSON; parts with a title become components and are referred to. */
function reference(schema: TSchema, components: Record<string, object>): object {
  const plain = (node: unknown): unknown => {
    if (Array.isArray(node)) return node.map(plain);
    if (typeof node !== 'object' || node === null) return node;
    const title = (node as { readonly title?: unknown }).title;
    if (typeof title !== 'string') return mapFields(node);
    if (!(title in components)) components[title] = mapFields(node);
    return { $ref: `#/components/schemas/${title}` };
  };
  const mapFields = (node: object): object =>
    Object.fromEntries(Object.entries(node).map(([name, value]) => [name, plain(value)]));
  return plain(schema) as object;
}
