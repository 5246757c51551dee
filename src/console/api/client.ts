// The API by the names of its routes: what is asked and answered has the shapes that the gateway's own schemas have (types.ts, made from them).
//
//   const agent = await call('GET /v1/agents/{id}', { params: { id } });

import type { Query } from '../lib/route.ts';
import { type Method, request, type RequestOptions } from './request.ts';
import type { Routes } from './types.ts';

export type RouteName = keyof Routes;
export type Answer<Name extends RouteName> = Routes[Name]['answer'];
export type Body<Name extends RouteName> = Routes[Name]['body'];

type Part<Key extends 'params' | 'query' | 'body', Value> = [Value] extends [undefined]
  ? { readonly [P in Key]?: never }
  : Record<never, never> extends Value
    ? { readonly [P in Key]?: Value }
    : { readonly [P in Key]: Value };

/** What a route needs is asked for; what it does not know cannot be given. */
export type Asked<Name extends RouteName> = Part<'params', Routes[Name]['params']> &
  Part<'query', Routes[Name]['query']> &
  Part<'body', Routes[Name]['body']> &
  Pick<RequestOptions, 'idempotencyKey' | 'signal' | 'headers'>;

interface Given extends Pick<RequestOptions, 'idempotencyKey' | 'signal' | 'headers'> {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Query;
  readonly body?: unknown;
}

/** Throws a ProblemError. */
export function call<Name extends RouteName>(name: Name, asked: Asked<Name>): Promise<Answer<Name>> {
  const [method = 'GET', template = ''] = name.split(' ');
  const { params = {}, body, ...rest } = asked as Given;
  const path = template.replaceAll(/\{(\w+)\}/g, (_, field: string) => encodeURIComponent(params[field] ?? ''));
  const isBytes = body instanceof Blob || body instanceof FormData || body instanceof ArrayBuffer;
  const content = body === undefined ? {} : isBytes ? { raw: body } : { body };
  return request<Answer<Name>>(method as Method, path, { ...rest, ...content });
}
