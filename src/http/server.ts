// The HTTP server: mounts the route table on Fastify with the same way in and out for every route.
//
//   request -> token or cookie -> rate limit -> access -> scope -> body (bounded) -> schema -> handler -> answer or problem
//
// Invariants
//   H1. A request without a valid token reads no body and runs no handler; only signing in takes one, a few times per address.
//   H2. Every answer has the security headers and an `X-Request-Id`; every error is a problem of the catalogue.
//   H3. The log line of a request names the route, not the path, and has neither query nor body.
//   H4. A cookie changes nothing by itself: it needs the CSRF token, and a page of ours that sends it.

import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify';
import { refuseBytes, SECURITY_HEADERS, sendProblem } from './answers.ts';
import { limitArrival } from './arrival.ts';
import type { Identity } from './auth.ts';
import { limitConnections } from './connections.ts';
import { CONSOLE_PATHS, mountConsole } from './console-pages.ts';
import type { HttpDeps } from './deps.ts';
import { CSV_TYPE } from './csv.ts';
import { DOCS_CSP, renderDocs } from './docs-page.ts';
import { createFormReader, FORM_TYPE } from './form.ts';
import { createGate, type Gate } from './gate.ts';
import { DEFAULT_HTTP_LIMITS, type HttpLimits } from './limits.ts';
import { buildOpenApi } from './openapi.ts';
import { Problem } from './problems.ts';
import { problemOf } from './problem-of-error.ts';
import type { ApiRequest, Route } from './route.ts';
import { type RouteDeps, withParts } from './route-deps.ts';
import { agentRoutes } from './routes/agents.ts';
import { billingRoutes } from './routes/billing.ts';
import { callTransferRoutes } from './routes/call-transfers.ts';
import { callRoutes } from './routes/calls.ts';
import { diagnosisRoutes } from './routes/diagnoses.ts';
import { eventRoutes } from './routes/events.ts';
import { ladderRoutes } from './routes/ladder.ts';
import { ledgerRoutes } from './routes/ledger.ts';
import { nodeRoutes } from './routes/node.ts';
import { numberOrderRoutes } from './routes/number-orders.ts';
import { numberRequestRoutes } from './routes/number-requests.ts';
import { numberRoutes } from './routes/numbers.ts';
import { providerAccountRoutes } from './routes/provider-accounts.ts';
import { personalNumberRoutes } from './routes/personal-numbers.ts';
import { reconciliationRoutes } from './routes/reconciliations.ts';
import { sessionRoutes } from './routes/sessions.ts';
import { sipBanRoutes } from './routes/sip-bans.ts';
import { testCallRoutes } from './routes/test-calls.ts';
import { trunkRoutes } from './routes/trunks.ts';
import { webhookRoutes } from './routes/webhooks.ts';
import { workspaceRoutes } from './routes/workspaces.ts';
import { compileCheck, readQuery } from './validate.ts';

export interface HttpServer {
  /** Resolves with the port (useful with 0); rejects where the address cannot be had. */
  listen(address: { readonly host: string; readonly port: number }): Promise<{ readonly port: number }>;
  /** Ends the event streams; their watchers come back, to another node where a balancer sends them there. */
  endStreams(): void;
  /** Answers what is under way, then closes. Idempotent. */
  close(): Promise<void>;
}

export async function createHttp(deps: HttpDeps): Promise<HttpServer> {
  const limits = { ...DEFAULT_HTTP_LIMITS, ...deps.limits };
  const app = createApp(deps, limits);
  const parts = withParts(deps);
  const routes = routeTable(parts);
  const document = buildOpenApi(routes, deps.node().version);
  const gate = createGate(deps, parts.authenticator, limits);

  app.get('/v1/openapi.json', async (_request, reply) => reply.send(document));
  const page = renderDocs(document);
  app.get('/docs', async (_request, reply) =>
    reply.header('content-security-policy', DOCS_CSP).type('text/html; charset=utf-8').send(page),
  );
  mountConsole(app, deps);
  const forms = createFormReader(deps.clock, { atOnceMax: limits.uploadsMax, timeoutMs: limits.uploadTimeoutMs });
  for (const route of routes) mount(app, route, { gate, forms, deps });
  const pages = deps.consoleFolder === undefined ? [] : CONSOLE_PATHS;
  answerUnknown(app, [...routes, ...DOCUMENTS, ...pages], gate);
  await app.ready();

  let closing: Promise<void> | null = null;
  return {
    async listen({ host, port }) {
      await app.listen({ host, port });
      const address = app.server.address();
      return { port: typeof address === 'object' && address !== null ? address.port : port };
    },
    endStreams: () => parts.streams.endAll(),
    close() {
      closing ??= close(app, parts);
      return closing;
    },
  };
}

/** Streams have no end of their own, and who does not read an answer must not hold up a shutdown. */
async function close(app: FastifyInstance, { streams, clock }: RouteDeps): Promise<void> {
  streams.endAll();
  const cut = clock.setTimer(() => app.server.closeAllConnections(), CLOSE_GRACE_MS);
  await app.close();
  cut.cancel();
}

/** Every route of the API, in the order of the documentation. */
export function routeTable(deps: RouteDeps): readonly Route[] {
  return [
    ...sessionRoutes(deps),
    ...workspaceRoutes(deps),
    ...agentRoutes(deps),
    ...trunkRoutes(deps),
    ...diagnosisRoutes(deps),
    ...numberRoutes(deps),
    ...numberOrderRoutes(deps),
    ...numberRequestRoutes(deps),
    ...providerAccountRoutes(deps),
    ...personalNumberRoutes(deps),
    ...callRoutes(deps),
    ...callTransferRoutes(deps),
    ...ladderRoutes(deps),
    ...testCallRoutes(deps),
    ...ledgerRoutes(deps),
    ...webhookRoutes(deps),
    ...billingRoutes(deps),
    ...reconciliationRoutes(deps),
    ...eventRoutes(deps),
    ...nodeRoutes(deps),
    ...sipBanRoutes(deps),
  ];
}

/** For answers that are under way; then their connections are cut. */
const CLOSE_GRACE_MS = 5_000;
const DOCUMENTS = ['/v1/openapi.json', '/docs'].map((path) => ({ method: 'GET', path }));

function createApp({ ids, logger, clock, trustedProxies = [] }: HttpDeps, limits: HttpLimits): FastifyInstance {
  const app = Fastify({
    logger: false,
    trustProxy: trustedProxies.length === 0 ? false : [...trustedProxies],
    bodyLimit: limits.bodyBytesMax,
    requestTimeout: limits.uploadTimeoutMs,
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
  limitConnections(app.server, limits.connectionsPerAddressMax, trustedProxies);
  limitArrival(app, clock, limits);
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
    // That a node is not ready is what a probe asks for, and no request that failed.
    const isFailed = reply.statusCode >= 500 && fields.route !== '/readyz';
    logger[isFailed ? 'error' : 'debug'](fields, 'request');
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
  // Not read here: the handler does that (form.ts).
  app.addContentTypeParser(FORM_TYPE, (request, _payload, done) => {
    const { takes } = request.routeOptions.config;
    done(takes === FORM_TYPE ? null : refused(takes));
  });
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Of routes with an upload. */
    readonly takes?: string;
  }
}

interface Mounting {
  readonly gate: Gate;
  readonly forms: ReturnType<typeof createFormReader>;
  readonly deps: HttpDeps;
}

function mount(app: FastifyInstance, route: Route, { gate, forms, deps: { logger } }: Mounting): void {
  const checkQuery = route.query ? compileCheck(route.query) : undefined;
  const checkBody = route.body ? compileCheck(route.body) : undefined;
  const readForm = route.upload?.form ? forms.of(route.upload.form) : undefined;
  const identities = new WeakMap<FastifyRequest, Identity>();
  app.route({
    method: route.method,
    url: route.path.replaceAll(/\{(\w+)\}/g, ':$1'),
    ...(route.upload ? { bodyLimit: route.upload.bytesMax, config: { takes: route.upload.type } } : {}),
    async onRequest(request) {
      identities.set(request, await gate.admit(route, request));
    },
    async handler(request, reply) {
      const identity = identities.get(request);
      if (identity === undefined) throw new Error('a request passed without a principal');
      const query = route.query ? readQuery(route.query, request.query as Record<string, unknown>) : {};
      checkQuery?.(query);
      checkBody?.(request.body);
      const input: ApiRequest<unknown, unknown> = {
        params: request.params as Record<string, string>,
        query,
        body: readForm ? readForm(request.raw, askerOf(identity)) : request.body,
        header: (name) => headerText(request.headers[name]),
        ...identity,
        secure: gate.secure(request),
        trustedAddress: gate.trusted(request),
        log: logger,
      };
      const { status = route.success.status, body, stream, headers = {}, contentType } = await route.handle(input);
      if (contentType !== undefined) reply.type(contentType);
      return reply
        .code(status)
        .headers(headers)
        .send(stream ?? body);
    },
  });
}

/** All keys and sessions of a workspace are one. */
function askerOf({ principal }: Identity): string {
  return principal.kind === 'operator' ? 'operator' : principal.workspaceId;
}

/** 404, or 405 with `Allow` where the path exists under another method. */
function answerUnknown(
  app: FastifyInstance,
  known: readonly { readonly method: string; readonly path: string }[],
  gate: Gate,
): void {
  const methods = Map.groupBy(known, (route) => route.path);
  const patterns = [...methods].map(([path, routes]) => ({
    pattern: new RegExp(
      `^${path
        .replaceAll('.', '\\.')
        .replaceAll('*', '.*')
        .replaceAll(/\{\w+\}/g, '[^/]+')}$`,
    ),
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

function headerText(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}
