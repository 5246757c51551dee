// The way in: who asks, whether they ask too often, whether they may.

import type { FastifyRequest } from 'fastify';
import type { Authenticator, Identity } from './auth.ts';
import type { HttpDeps } from './deps.ts';
import type { HttpLimits } from './limits.ts';
import { Problem } from './problems.ts';
import { addressKey, createRateLimiter, type RateLimit } from './rate-limit.ts';
import type { Route } from './route.ts';
import { checkScope, neededScope } from './scopes.ts';
import { isSame } from './sessions.ts';
import { createTrustedAddresses } from './trusted-address.ts';

export interface Gate {
  /** Identifies, limits and admits; throws the problem. */
  admit(route: Pick<Route, 'access' | 'method' | 'needs'>, request: FastifyRequest): Promise<Identity>;
  trusted(request: FastifyRequest): boolean;
  secure(request: FastifyRequest): boolean;
  /** For what costs us work and needs no token. */
  limitAddress(request: FastifyRequest): void;
}

/** Nobody in particular: open routes have nothing to scope. */
const ANYBODY: Identity = { principal: { kind: 'operator' }, session: null };
/** All sessions of one key together may ask so many times as often as one. */
const SESSIONS_FACTOR = 4;

export function createGate(
  { clock, metrics, metricsAllowed = [], secureCookies = false }: HttpDeps,
  authenticator: Authenticator,
  limits: HttpLimits,
): Gate {
  const limiter = createRateLimiter({ clock, bucketsMax: limits.bucketsMax });
  const isTrusted = createTrustedAddresses(metricsAllowed);
  const perToken = { perSecond: limits.requestsPerSecond, burst: limits.requestsBurst };
  const perAddress = { perSecond: limits.anonymousPerSecond, burst: limits.anonymousBurst };
  const perSignIn = { perSecond: limits.signInsPerSecond, burst: limits.signInsBurst };
  const take = (key: string, limit: RateLimit): void => {
    const waitSec = limiter.take(key, limit);
    if (waitSec !== null) throw new Problem('rate_limited', { headers: { 'retry-after': String(waitSec) } });
  };
  const limitAddress = (request: FastifyRequest): void => take(`address:${addressKey(request.ip)}`, perAddress);
  const limitSignIn = (request: FastifyRequest): void => {
    const waitSec = limiter.take(`sign-in:${addressKey(request.ip)}`, perSignIn);
    if (waitSec === null) return;
    metrics.signInsTotal.inc({ result: 'limited' });
    throw new Problem('rate_limited', { headers: { 'retry-after': String(waitSec) } });
  };
  const limitAsker = ({ principal, session }: Identity): void => {
    const holder = principal.kind === 'operator' ? 'operator' : `key:${principal.keyId}`;
    if (session === null) return take(holder, perToken);
    take(`session:${session.id}`, perToken);
    if (principal.kind === 'workspace') take(`sessions:${holder}`, scaled(perToken, SESSIONS_FACTOR));
  };

  return {
    limitAddress,
    trusted: (request) => isTrusted(request.raw),
    secure: (request) => secureCookies || isSecure(request),
    async admit(route, request) {
      const { access } = route;
      if (access === 'open') return ANYBODY;
      if (access === 'metrics') {
        if (!isTrusted(request.raw)) throw new Problem('forbidden');
        return ANYBODY;
      }
      if (access === 'sign-in') {
        limitSignIn(request);
        if (!isOwnPage(request)) throw new Problem('csrf_failed');
        return ANYBODY;
      }
      const { authorization, cookie } = request.headers;
      const identity = await authenticator.identify(authorization, cookie);
      if (identity === undefined) {
        limitAddress(request);
        throw new Problem('unauthorized', { headers: { 'www-authenticate': 'Bearer' } });
      }
      limitAsker(identity);
      if (route.method !== 'GET') checkOrigin(request, identity);
      const { principal } = identity;
      if (principal.kind === 'operator') return identity;
      if (access === 'operator') throw new Problem('forbidden');
      const scope = neededScope(route);
      if (scope !== null) checkScope(principal.role, scope);
      return identity;
    },
  };
}

/** A browser sends the cookie whoever wrote the page; the token it cannot know, and the headers of this check it does not let pages write. */
function checkOrigin(request: FastifyRequest, { session }: Identity): void {
  if (session === null) return;
  const given = request.headers['x-csrf-token'];
  const isGiven = typeof given === 'string' && isSame(given, session.csrfToken);
  if (!isGiven || !isOwnPage(request)) throw new Problem('csrf_failed');
}

/** What is no browser sends neither header. */
function isOwnPage({ headers }: FastifyRequest): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined) return site === 'same-origin';
  return headers.origin === undefined || URL.parse(headers.origin)?.host === headers.host;
}

/** What a proxy or the page says is good enough: whoever lies about it hurts nobody but himself. */
function isSecure({ headers, socket }: FastifyRequest): boolean {
  const [proto = ''] = String(headers['x-forwarded-proto'] ?? '').split(',', 1);
  const isEncrypted = 'encrypted' in socket && socket.encrypted === true;
  return isEncrypted || proto.trim() === 'https' || (headers.origin ?? '').startsWith('https:');
}

function scaled({ perSecond, burst }: RateLimit, factor: number): RateLimit {
  return { perSecond: perSecond * factor, burst: burst * factor };
}
