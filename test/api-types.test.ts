import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { apiTypes, currentTypes, TYPES_FILE } from '../src/api-types.ts';

describe('the console’s types of the API', () => {
  test('are those of the routes as they are now (otherwise: npm run types:api)', () => {
    expect(readFileSync(TYPES_FILE, 'utf8')).toBe(currentTypes());
  });

  test.each([
    [{ type: 'string' }, 'string'],
    [{ type: 'integer', minimum: 0 }, 'number'],
    [{ enum: ['a', "b'c"] }, "'a' | 'b\\'c'"],
    [{ const: true, type: 'boolean' }, 'true'],
    [{ anyOf: [{ type: 'string' }, { type: 'null' }] }, '(string | null)'],
    [
      {
        anyOf: [
          { type: 'string', pattern: 'a' },
          { type: 'string', pattern: 'b' },
        ],
      },
      '(string)',
    ],
    [{ type: 'array', items: { $ref: '#/components/schemas/Agent' } }, 'readonly (Agent)[]'],
    [{ type: 'object', patternProperties: { '^.*$': { type: 'number' } } }, 'Readonly<Record<string, number>>'],
    [{}, 'unknown'],
  ])('%j is %s', (schema, type) => {
    expect(apiTypes({ components: { schemas: { X: schema }, securitySchemes: {} }, paths: {} })).toContain(
      `export type X = ${type};`,
    );
  });

  test('fields are optional where the schema does not need them, and quoted where they must be', () => {
    const schema = { type: 'object', properties: { a: { type: 'string' }, 'b-c': {} }, required: ['a'] };
    const text = apiTypes({ components: { schemas: { X: schema }, securitySchemes: {} }, paths: {} });
    expect(text).toContain('export interface X { readonly a: string; readonly "b-c"?: unknown; }');
  });
});
