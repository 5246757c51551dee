// A provider's OpenAPI document (3.0 or 3.1) that requests and answers are checked against, and that examples are made from.
//
//   const document = loadDocument('telnyx-v2');
//   const match = document.match('POST', '/fqdns');
//   document.requestViolations(match, { query, body });       // [] = as the document says
//   document.answerViolations(match.operation, 201, body);

import { readFileSync } from 'node:fs';
import Ajv2020, { type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { exampleOf } from './openapi-example.ts';

// biome-ignore lint/suspicious/noExplicitAny: a document is what it is.
export type Json = any;

export interface Operation {
  readonly id: string;
  readonly method: string;
  readonly template: string;
  readonly definition: Json;
  readonly parameters: readonly Json[];
}

export interface Match {
  readonly operation: Operation;
  readonly params: Readonly<Record<string, string>>;
}

export interface RequestParts {
  readonly query: URLSearchParams;
  readonly contentType: string;
  readonly body: string;
}

export type DocumentName = 'twilio-api-v2010' | 'twilio-trunking-v1' | 'telnyx-v2';

const loaded = new Map<DocumentName, OpenApiDocument>();

/** Reading and compiling takes a while: one for all tests of a file. */
export function loadDocument(name: DocumentName): OpenApiDocument {
  const known = loaded.get(name);
  if (known !== undefined) return known;
  const text = readFileSync(new URL(`./openapi/${name}.json`, import.meta.url), 'utf8');
  const document = new OpenApiDocument(JSON.parse(text));
  loaded.set(name, document);
  return document;
}

export class OpenApiDocument {
  readonly operations: readonly Operation[];
  readonly #root: Json;
  readonly #ajv: { exact: Ajv2020.default; lenient: Ajv2020.default };
  readonly #compiled = {
    exact: new WeakMap<object, ValidateFunction>(),
    lenient: new WeakMap<object, ValidateFunction>(),
  };

  constructor(document: Json) {
    this.#root = withoutNullable(document);
    this.#ajv = { exact: ajvFor(this.#root, false), lenient: ajvFor(this.#root, true) };
    this.operations = operationsOf(this.#root, (value) => this.resolve(value));
  }

  /** Follows a reference, as often as it leads to another. */
  resolve(value: Json): Json {
    let node = value;
    while (typeof node?.$ref === 'string') {
      const parts: string[] = node.$ref.slice(2).split('/');
      node = parts.reduce((at, part) => at[part.replaceAll('~1', '/').replaceAll('~0', '~')], this.#root);
    }
    return node;
  }

  /** A path without variables comes before one with. */
  match(method: string, path: string): Match | undefined {
    const found = this.operations.flatMap((operation) => {
      const params = operation.method === method ? paramsOf(operation.template, path) : undefined;
      return params === undefined ? [] : [{ operation, params }];
    });
    return found.toSorted((a, b) => Object.keys(a.params).length - Object.keys(b.params).length)[0];
  }

  requestViolations({ operation, params }: Match, { query, contentType, body }: RequestParts): string[] {
    const path = operation.parameters
      .filter((parameter) => parameter.in === 'path')
      .flatMap((parameter) => this.#check(parameter.schema, params[parameter.name], `path ${parameter.name}`));
    return [...path, ...this.#queryViolations(operation, query), ...this.#bodyViolations(operation, contentType, body)];
  }

  answerViolations({ definition }: Operation, status: number, body: Json): string[] {
    const answer = this.resolve(definition.responses[String(status)] ?? definition.responses.default);
    // Which errors there are is documented in part only.
    if (answer === undefined) return status < 400 ? [`status ${status} is not documented`] : [];
    const schema = answer.content?.['application/json']?.schema;
    if (schema === undefined) return body === undefined || status >= 400 ? [] : ['there should be no body'];
    return [...this.#check(schema, body, 'answer', false), ...this.#unknown(schema, body, 'answer')];
  }

  /** What a server that knows the document alone would answer. */
  example({ definition }: Operation): { status: number; body: Json } {
    const [status = '200', reference] =
      Object.entries<Json>(definition.responses).find(([code]) => code.startsWith('2')) ?? [];
    const content = this.resolve(reference)?.content?.['application/json'];
    if (content === undefined) return { status: Number(status), body: undefined };
    const named: Json = Object.values(content.examples ?? {})[0];
    const body = named?.value ?? content.example ?? exampleOf(content.schema, (value) => this.resolve(value));
    return { status: Number(status), body: structuredClone(body) };
  }

  #queryViolations(operation: Operation, query: URLSearchParams): string[] {
    const known = operation.parameters.filter((parameter) => parameter.in === 'query');
    const values = nested(query);
    const strange = Object.keys(values)
      .filter((name) => !known.some((parameter) => parameter.name === name))
      .map((name) => `query ${name} is not documented`);
    const wrong = known.flatMap((parameter) => {
      const value = values[parameter.name];
      if (value === undefined) return parameter.required ? [`query ${parameter.name} is missing`] : [];
      const typed = this.#split(parameter.schema, value);
      const where = `query ${parameter.name}`;
      return [...this.#check(parameter.schema, typed, where), ...this.#unknown(parameter.schema, typed, where)];
    });
    return [...strange, ...wrong];
  }

  #bodyViolations({ definition }: Operation, contentType: string, body: string): string[] {
    const content = this.resolve(definition.requestBody)?.content;
    if (content === undefined) return body === '' ? [] : ['there should be no body'];
    const [type = ''] = contentType.split(';');
    if (content[type] === undefined) return [`type ${type} of the body is not documented`];
    const { schema } = content[type];
    const isForm = type.endsWith('urlencoded');
    const value = isForm ? Object.fromEntries(new URLSearchParams(body)) : JSON.parse(body);
    return [...this.#check(schema, value, 'body', isForm), ...this.#unknown(schema, value, 'body')];
  }

  /** `isText`: everything came as text, and is read as what it should be. */
  #check(schema: Json, value: Json, where: string, isText = true): string[] {
    const mode = isText ? 'lenient' : 'exact';
    let validate = this.#compiled[mode].get(schema);
    if (validate === undefined) {
      validate = this.#ajv[mode].compile(rebased(schema));
      this.#compiled[mode].set(schema, validate);
    }
    // Coercing changes the value, and a bare one has no place to be changed in.
    if (validate(structuredClone(value))) return [];
    return (validate.errors ?? []).map(({ instancePath, message }) => `${where}${instancePath}: ${message}`);
  }

  /** Lists are sent with commas between. */
  #split(schema: Json, value: Json): Json {
    const resolved = this.resolve(schema);
    if (resolved?.type === 'array' && typeof value === 'string') return value.split(',');
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, inner]) => [name, this.#split(resolved?.properties?.[name], inner)]),
    );
  }

  /** Properties that the schema does not name: it does not forbid them, but nobody would read them. */
  #unknown(schema: Json, value: Json, where: string): string[] {
    if (Array.isArray(value)) {
      const items = this.resolve(schema)?.items;
      return value.flatMap((item, index) => this.#unknown(items, item, `${where}[${index}]`));
    }
    if (typeof value !== 'object' || value === null) return [];
    const known = this.#properties(schema);
    if (known === undefined) return [];
    return Object.entries(value).flatMap(([name, inner]) =>
      known[name] === undefined
        ? [`${where}.${name} is not documented`]
        : this.#unknown(known[name], inner, `${where}.${name}`),
    );
  }

  /** Of the schema and of all that it is made of; undefined where it names none. */
  #properties(schema: Json): Record<string, Json> | undefined {
    const resolved = this.resolve(schema);
    const parts: Json[] = [...(resolved?.allOf ?? []), ...(resolved?.oneOf ?? []), ...(resolved?.anyOf ?? [])];
    const all = [resolved?.properties, ...parts.map((part) => this.#properties(part))].filter(
      (one) => one !== undefined,
    );
    return all.length === 0 ? undefined : Object.assign({}, ...all);
  }
}

function operationsOf(root: Json, resolve: (value: Json) => Json): Operation[] {
  return Object.entries<Json>(root.paths).flatMap(([template, item]) =>
    Object.entries<Json>(item)
      .filter(([method]) => method !== 'parameters' && method !== 'servers')
      .map(([method, definition]) => ({
        id: definition.operationId,
        method: method.toUpperCase(),
        template,
        definition,
        parameters: [...(item.parameters ?? []), ...(definition.parameters ?? [])].map(resolve),
      })),
  );
}

function paramsOf(template: string, path: string): Record<string, string> | undefined {
  const pattern = template.replaceAll('.', '\\.').replaceAll(/\{(\w+)\}/g, '(?<$1>[^/]+?)');
  const groups = new RegExp(`^${pattern}$`).exec(path);
  if (groups === null) return undefined;
  return Object.fromEntries(
    Object.entries(groups.groups ?? {}).map(([name, value]) => [name, decodeURIComponent(value)]),
  );
}

/** `filter[name][contains]=x` as `{ filter: { name: { contains: 'x' } } }`. */
function nested(query: URLSearchParams): Record<string, Json> {
  const tree: Json = {};
  for (const [key, value] of query) {
    const path = key.split(/[[\]]+/).filter((part) => part !== '');
    const last = path.pop() ?? '';
    const node = path.reduce((at, part) => {
      at[part] ??= {};
      return at[part];
    }, tree);
    node[last] = value;
  }
  return tree;
}

function ajvFor(root: Json, coerceTypes: boolean): Ajv2020.default {
  const ajv = new Ajv2020.default({ strict: false, allErrors: true, coerceTypes, logger: false });
  addFormats.default(ajv);
  for (const name of formatsOf(root)) if (!(name in ajv.formats)) ajv.addFormat(name, true);
  // Their own examples have paths, and an empty one to clear it.
  ajv.addFormat('uri', (text: string) => text === '' || URL.canParse(text, 'https://host.example'));
  ajv.addSchema(root, 'document');
  return ajv;
}

/** A schema on its own, whose references lead into the document. */
function rebased(schema: Json): Json {
  return JSON.parse(JSON.stringify(schema).replaceAll('"$ref":"#/', '"$ref":"document#/'));
}

function formatsOf(node: Json, found = new Set<string>()): Set<string> {
  if (typeof node !== 'object' || node === null) return found;
  if (typeof node.format === 'string') found.add(node.format);
  for (const inner of Object.values(node)) formatsOf(inner, found);
  return found;
}

/** 3.0 says `nullable` where 3.1 has a type `null`. */
function withoutNullable(node: Json): Json {
  if (Array.isArray(node)) return node.map(withoutNullable);
  if (typeof node !== 'object' || node === null) return node;
  const changed = Object.fromEntries(Object.entries(node).map(([name, inner]) => [name, withoutNullable(inner)]));
  if (changed['nullable'] !== true) return changed;
  const { nullable: _, ...rest } = changed;
  return {
    ...rest,
    ...(typeof rest['type'] === 'string' ? { type: [rest['type'], 'null'] } : {}),
    ...(Array.isArray(rest['enum']) ? { enum: [...rest['enum'], null] } : {}),
  };
}
