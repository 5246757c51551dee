// The HTTP server: mounts the route table on Fastify with the same way in and out for every route.
//
//   request -> token -> rate limit -> access -> body (bounded) -> schema -> handler -> answer or problem
//
// Invariants
//   H1. A request without a valid token reads no body and runs no handler.
//   H2. Every answer has the security headers and an `X-Request-Id`; every error is a problem of the catalogue.
//   H3. The log line of a request names the route, not the path, and has neither query nor body.

import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { createAuthenticator, type Principal } from './auth.ts';
import type { HttpDeps } from './deps.ts';
import { CSV_TYPE } from './csv.ts';
import { DOCS_CSP, renderDocs } from './docs-page.ts';
import { DEFAULT_HTTP_LIMITS, type HttpLimits } from './limits.ts';
import { buildOpenApi } from './openapi.ts';
import { detailsOf, Problem, type ProblemCode } from './problems.ts';
import { problemOf } from './problem-of-error.ts';
import { addressKey, createRateLimiter } from './rate-limit.ts';
import type { Access, ApiRequest, Route } from './route.ts';
import { agentRoutes } from './routes/agents.ts';
import { billingRoutes } from './routes/billing.ts';
import { callRoutes } from './routes/calls.ts';
import { ledgerRoutes } from './routes/ledger.ts';
import { nodeRoutes } from './routes/node.ts';
import { numberRoutes } from './routes/numbers.ts';
import { reconciliationRoutes } from './routes/reconciliations.ts';
import { trunkRoutes } from './routes/trunks.ts';
import { webhookRoutes } from './routes/webhooks.ts';
import { workspaceRoutes } from './routes/workspaces.ts';
import { createTrustedAddresses } from './trusted-address.ts';
import { compileCheck, readQuery } from './validate.ts';

export interface HttpServer {
  /** Resolves with the port (useful with 0); rejects where the address cannot be had. */
  listen(address: { readonly host: string; readonly port: number }): Promise<{ readonly port: number }>;
  /** Answers what is under way, then closes. Idempotent. */
  close(): Promise<void>;
}

export async function createHttp(deps: HttpDeps): Promise<HttpServer> {
  const limits = { ...DEFAULT_HTTP_LIMITS, ...deps.limits };
  const app = createApp(deps, limits);
  const routes = routeTable(deps);
  const document = buildOpenApi(routes, deps.node().version);
  const gate = createGate(deps, limits);

  app.get('/v1/openapi.json', async (_request, reply) => reply.send(document));
  const page = renderDocs(document);
  app.get('/docs', async (_request, reply) =>
    reply.header('content-security-policy', DOCS_CSP).type('text/html; charset=utf-8').send(page),
  );
  for (const route of routes) mount(app, route, gate, deps);
  answerUnknown(app, [...routes, { method: 'GET', path: '/v1/openapi.json' }, { method: 'GET', path: '/docs' }], gate);
  await app.ready();

  let closing: Promise<void> | null = null;
  return {
    async listen({ host, port }) {
      await app.listen({ host, port });
      const address = app.server.address();
      return { port: typeof address === 'object' && address !== null ? address.port : port };
    },
    close() {
      closing ??= app.close();
      return closing;
    },
  };
}

/** Every route of the API, in the order of the documentation. */
export function routeTable(deps: HttpDeps): readonly Route[] {
  return [
    ...workspaceRoutes(deps),
    ...agentRoutes(deps),
    ...trunkRoutes(deps),
    ...numberRoutes(deps),
    ...callRoutes(deps),
    ...ledgerRoutes(deps),
    ...webhookRoutes(deps),
    ...billingRoutes(deps),
    ...reconciliationRoutes(deps),
    ...nodeRoutes(deps),
  ];
}

const PROBLEM_TYPE = 'application/problem+json; charset=utf-8';
const SECURITY_HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
} as const;

function createApp({ ids, logger, clock }: HttpDeps, limits: HttpLimits): FastifyInstance {
  const app = Fastify({
    logger: false,
    bodyLimit: limits.bodyBytesMax,
    requestTimeout: limits.requestTimeoutMs,
    genReqId: () => ids.next('req'),
    exposeHeadRoutes: false,
    // Idle connections of keep-alive clients must not hold up a shutdown.
    forceCloseConnections: 'idle',
    // Requests that are under way when the server closes are answered like any other (H2).
    return503OnClosing: false,
    clientErrorHandler: refuseBytes,
    frameworkErrors: (_error, request, reply) => {
      reply.headers({ ...SECURITY_HEADERS, 'x-request-id': request.id });
      sendProblem(reply, new Problem('malformed_request'));
    },
  });
  app.server.maxConnections = limits.connectionsMax;
  readBodies(app);
  const startedAtMs = new WeakMap<FastifyRequest, number>();
  app.addHook('onRequest', async (request, reply) => {
    startedAtMs.set(request, clock.monotonicMs());
    reply.headers({ ...SECURITY_HEADERS, 'x-request-id': request.id });
  });
  app.addHook('onResponse', async (request, reply) => {
    const durationMs = Math.round(clock.monotonicMs() - (startedAtMs.get(request) ?? clock.monotonicMs()));
    const { method, routeOptions } = request;
    const fields = {
      requestId: request.id,
      method,
      route: routeOptions.url ?? 'unknown',
      status: reply.statusCode,
      durationMs,
    };
    logger[reply.statusCode >= 500 ? 'error' : 'debug'](fields, 'request');
  });
  app.setErrorHandler((error, request, reply) => {
    const problem = problemOf(error);
    if (problem.status >= 500 && !(error instanceof Problem)) {
      logger.error({ requestId: request.id, route: request.routeOptions.url, err: error }, 'a request failed');
    }
    sendProblem(reply, problem);
  });
  return app;
}

/** An empty body is no body; `__proto__` and `constructor.prototype` in a body are refused by the parser. */
function readBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  const parse = app.getDefaultJsonParser('error', 'error');
  const refused = (takes = 'application/json') =>
    new Problem('unsupported_media_type', { detail: `It takes ${takes}` });
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    const { takes } = request.routeOptions.config;
    if (takes !== undefined) return done(refused(takes));
    if (body === '') return done(null, undefined);
    parse(request, String(body), done);
  });
  app.addContentTypeParser(CSV_TYPE, { parseAs: 'buffer' }, (request, body, done) => {
    const { takes } = request.routeOptions.config;
    done(takes === CSV_TYPE ? null : refused(takes), body);
  });
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Of routes with an upload. */
    readonly takes?: string;
  }
}

interface Gate {
  /** Identifies, limits and admits; throws the problem (H1). */
  admit(access: Access, request: FastifyRequest, reply: FastifyReply): Promise<Principal>;
  trusted(request: FastifyRequest): boolean;
  /** For what costs us work and needs no token. */
  limitAddress(request: FastifyRequest): void;
}

function createGate({ auth, directory, clock, metricsAllowed = [] }: HttpDeps, limits: HttpLimits): Gate {
  const authenticator = createAuthenticator(auth.adminToken, directory.keys);
  const limiter = createRateLimiter({ clock, bucketsMax: limits.bucketsMax });
  const isTrusted = createTrustedAddresses(metricsAllowed);
  const perToken = { perSecond: limits.requestsPerSecond, burst: limits.requestsBurst };
  const perAddress = { perSecond: limits.anonymousPerSecond, burst: limits.anonymousBurst };
  const take = (key: string, limit: typeof perToken): void => {
    const waitSec = limiter.take(key, limit);
    if (waitSec !== null) throw new Problem('rate_limited', { headers: { 'retry-after': String(waitSec) } });
  };
  const limitAddress = (request: FastifyRequest): void => take(`address:${addressKey(request.ip)}`, perAddress);

  return {
    limitAddress,
    trusted: (request) => isTrusted(request.raw),
    async admit(access, request) {
      if (access === 'open') return { kind: 'operator' };
      if (access === 'metrics') {
        if (!isTrusted(request.raw)) throw new Problem('forbidden');
        return { kind: 'operator' };
      }
      const principal = await authenticator.identify(request.headers.authorization);
      if (principal === undefined) {
        limitAddress(request);
        throw new Problem('unauthorized', { headers: { 'www-authenticate': 'Bearer' } });
      }
      take(principal.kind === 'operator' ? 'operator' : `key:${principal.keyId}`, perToken);
      if (access === 'operator' && principal.kind !== 'operator') throw new Problem('forbidden');
      return principal;
    },
  };
}

function mount(app: FastifyInstance, route: Route, gate: Gate, { logger }: HttpDeps): void {
  const checkQuery = route.query ? compileCheck(route.query) : undefined;
  const checkBody = route.body ? compileCheck(route.body) : undefined;
  const principals = new WeakMap<FastifyRequest, Principal>();
  app.route({
    method: route.method,
    url: route.path.replaceAll(/\{(\w+)\}/g, ':$1'),
    ...(route.upload ? { bodyLimit: route.upload.bytesMax, config: { takes: route.upload.type } } : {}),
    async onRequest(request, reply) {
      principals.set(request, await gate.admit(route.access, request, reply));
    },
    async handler(request, reply) {
      const principal = principals.get(request);
      if (principal === undefined) throw new Error('a request passed without a principal');
      const query = route.query ? readQuery(route.query, request.query as Record<string, unknown>) : {};
      checkQuery?.(query);
      checkBody?.(request.body);
      const input: ApiRequest<unknown, unknown> = {
        params: request.params as Record<string, string>,
        query,
        body: request.body,
        header: (name) => headerText(request.headers[name]),
        principal,
        trustedAddress: gate.trusted(request),
        log: logger,
      };
      const { status = route.success.status, body, headers = {}, contentType } = await route.handle(input);
      if (contentType !== undefined) reply.type(contentType);
      return reply.code(status).headers(headers).send(body);
    },
  });
}

/** 404, or 405 with `Allow` where the path exists under another method. */
function answerUnknown(app: FastifyInstance, known: readonly Pick<Route, 'method' | 'path'>[], gate: Gate): void {
  const methods = Map.groupBy(known, (route) => route.path);
  const patterns = [...methods].map(([path, routes]) => ({
    pattern: new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}$`),
    allow: routes.map((route) => route.method).join(', '),
  }));
  app.setNotFoundHandler(async (request) => {
    gate.limitAddress(request);
    const [path = ''] = request.url.split('?', 1);
    const allow = patterns.filter(({ pattern }) => pattern.test(path)).map((match) => match.allow);
    throw allow.length > 0
      ? new Problem('method_not_allowed', { headers: { allow: allow.join(', ') } })
      : new Problem('route_not_found');
  });
}

function sendProblem(reply: FastifyReply, problem: Problem): void {
  reply
    .code(problem.status)
    .headers(problem.options.headers ?? {})
    .header('content-type', PROBLEM_TYPE)
    .send(JSON.stringify(detailsOf(problem)));
}

/** For what is no HTTP request: there is no reply object yet, so the answer is written by hand (H2). */
function refuseBytes(error: Error & { readonly code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const problem = new Problem(CODE_OF_CLIENT_ERROR[error.code ?? ''] ?? 'malformed_request');
  const body = JSON.stringify(detailsOf(problem));
  const headers = {
    ...SECURITY_HEADERS,
    connection: 'close',
    'content-type': PROBLEM_TYPE,
    'content-length': String(Buffer.byteLength(body)),
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\n${lines.join('')}\r\n${body}`);
}

const CODE_OF_CLIENT_ERROR: Readonly<Record<string, ProblemCode>> = {
  HPE_HEADER_OVERFLOW: 'headers_too_large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
};

function headerText(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}
