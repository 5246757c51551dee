// What a route is: one value that the server mounts, the validator reads and the OpenAPI document shows.

import type { Readable } from 'node:stream';
import type { Static, TObject, TSchema } from 'typebox';
import type { Logger } from '../observability/logger.ts';
import type { Principal } from './auth.ts';
import type { FormShape } from './form.ts';
import type { ProblemCode } from './problems.ts';
import type { Scope } from './scopes.ts';
import type { OpenSession } from './sessions.ts';

/**
 * `open`: no token. `sign-in`: no token yet, few attempts per address. `metrics`: no token, loopback and allow-listed addresses only.
 * `workspace`: any token, scoped to its workspace. `operator`: the admin token.
 */
export type Access = 'open' | 'sign-in' | 'metrics' | 'workspace' | 'operator';
export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export interface ApiRequest<Query, Body> {
  readonly params: Readonly<Record<string, string>>;
  readonly query: Query;
  readonly body: Body;
  readonly header: (name: string) => string | undefined;
  /** The operator for open routes: they have nothing to scope. */
  readonly principal: Principal;
  /** Of a request that came with the console's cookie; null = with a token. */
  readonly session: OpenSession | null;
  /** Over TLS, as far as we or a proxy before us can tell. */
  readonly secure: boolean;
  /** Loopback or allow-listed, and not relayed by a proxy. */
  readonly trustedAddress: boolean;
  readonly log: Logger;
}

export interface Reply {
  /** Default: the route's success status. */
  readonly status?: number;
  readonly body?: unknown;
  /** Instead of a body: sent as it comes, until it ends or the client goes. */
  readonly stream?: Readable;
  readonly headers?: Readonly<Record<string, string>>;
  /** Default: application/json. Other types are sent as they are (text). */
  readonly contentType?: string;
}

export interface Success {
  readonly status: number;
  readonly description: string;
  readonly schema?: TSchema;
  /** Other types that the route can answer with. */
  readonly otherTypes?: readonly string[];
}

export interface Route {
  readonly method: Method;
  /** OpenAPI style: `/v1/agents/{id}`. */
  readonly path: string;
  readonly operationId: string;
  readonly tag: string;
  readonly summary: string;
  readonly access: Access;
  /** What a workspace's key needs beyond being valid; default: `read` to look, `write` for all that changes something (scopes.ts). */
  readonly needs?: Scope;
  readonly query?: TObject;
  readonly body?: TSchema;
  /** Takes bytes of this type instead of JSON. They reach the handler as they are; of a form, as what reads it (`FormBody`, form.ts). */
  readonly upload?: { readonly type: string; readonly bytesMax: number; readonly form?: FormShape };
  readonly idempotent?: boolean;
  readonly success: Success;
  /** Other successes, with statuses of their own, that the handler names. */
  readonly also?: readonly Success[];
  /** Beyond those that every route of its kind has (openapi.ts). */
  readonly problems: readonly ProblemCode[];
  readonly handle: (request: ApiRequest<unknown, unknown>) => Promise<Reply>;
}

type RouteDefinition<Q extends TObject, B extends TSchema> = Omit<Route, 'query' | 'body' | 'handle'> & {
  readonly query?: Q;
  readonly body?: B;
  readonly handle: (request: ApiRequest<Static<Q>, Static<B>>) => Promise<Reply>;
};

/** Ties the handler's types to the schemas. The server has validated both when `handle` runs. */
export function defineRoute<Q extends TObject, B extends TSchema>(definition: RouteDefinition<Q, B>): Route {
  return definition as unknown as Route;
}
