// What the schemas of all resources share. A schema with a `title` becomes a component of the OpenAPI document; limits stand at the
// fields, and a `description` is the sentence of the refusal.

import { type TProperties, type TSchema, Type } from 'typebox';
import { REASONS } from '../../domain/reasons.ts';
import { PAGE_LIMIT_DEFAULT, PAGE_LIMIT_MAX } from '../limits.ts';
import { PROBLEM_CODES } from '../problems.ts';

export const object = <T extends TProperties>(properties: T, options: { title?: string; description?: string } = {}) =>
  Type.Object(properties, { additionalProperties: false, ...options });
export const nullable = <T extends TSchema>(schema: T, description?: string) =>
  Type.Union([schema, Type.Null()], description === undefined ? {} : { description });
export const optional = <T extends TSchema>(schema: T) => Type.Optional(schema);

export const id = Type.String({
  minLength: 1,
  maxLength: 64,
  pattern: '^[A-Za-z0-9_-]+$',
  description: 'an identifier',
});
export const name = Type.String({
  minLength: 1,
  maxLength: 100,
  pattern: '^[^\\u0000-\\u001f\\u007f]+$',
  description: 'text of 1 to 100 characters without control characters',
});
export const time = Type.String({ format: 'date-time', description: 'an RFC 3339 time in UTC' });
export const timeOrNull = nullable(time);
export const durationMs = Type.Integer({ minimum: 0, description: 'milliseconds' });
export const money = Type.String({
  pattern: '^-?\\d{1,15}(\\.\\d{1,9})?$',
  description: 'a decimal amount such as "0.012"',
});
/** What may be asked for: fits the ledger's 64 bits of nano-units. */
export const amount = Type.String({
  pattern: '^\\d{1,9}(\\.\\d{1,9})?$',
  description: 'a positive decimal amount such as "10.00"',
});
export const e164 = Type.String({
  pattern: '^\\+[1-9]\\d{6,14}$',
  description: 'a number in E.164 form such as +12025550100',
});
export const cursor = Type.String({ minLength: 1, maxLength: 400, description: 'nextCursor of the previous page' });
export const positive = (maximum: number) =>
  nullable(Type.Integer({ minimum: 1, maximum }), 'a positive integer, or null for no limit');
/** Printable text without line breaks: it may end up in a message to the agent. */
export const line = (maxLength: number) =>
  Type.String({
    maxLength,
    pattern: '^[\\x20-\\x7e\\u00a0-\\uffff]*$',
    description: 'text without control characters',
  });
/** What HTTP can carry in a header. */
export const headerText = Type.String({ maxLength: 1024, pattern: '^[\\x20-\\x7e]*$', description: 'printable ASCII' });
export const host = Type.String({
  minLength: 1,
  maxLength: 253,
  pattern: '^[A-Za-z0-9.:_-]+$',
  description: 'a host name or an IP address',
});

export const country = Type.String({ pattern: '^[A-Z]{2}$', description: 'an ISO 3166-1 country code such as US' });
/** Goes in and never comes out. */
export const secret = Type.String({
  minLength: 1,
  maxLength: 512,
  pattern: '^[\\x21-\\x7e]+$',
  description: 'printable ASCII without blanks',
  writeOnly: true,
});

export const codec = Type.Enum(['PCMU', 'PCMA']);
export const mediaEncryption = Type.Enum(['off', 'optional', 'required']);

export const pageQuery = {
  limit: optional(Type.Integer({ minimum: 1, maximum: PAGE_LIMIT_MAX, default: PAGE_LIMIT_DEFAULT })),
  cursor: optional(cursor),
};
export const workspaceFilter = { workspaceId: optional(id) };
export const pageOf = <T extends TSchema>(item: T) =>
  object({ items: Type.Array(item), nextCursor: nullable(Type.String()) });

/** Why a call ended or was refused. */
export const reason = Type.Enum(Object.keys(REASONS));

export const problemSchema = object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    code: Type.Enum([...PROBLEM_CODES]),
    detail: optional(Type.String()),
    instance: optional(Type.String({ description: 'path of what it left behind, such as the refused call' })),
    advice: optional(Type.String()),
    errors: optional(Type.Array(object({ field: Type.String(), message: Type.String() }))),
  },
  { title: 'Problem', description: 'RFC 9457 problem details; `code` is stable.' },
);
export const workspaceListQuery = object({ ...pageQuery, ...workspaceFilter });
export const plainListQuery = object(pageQuery);
