// Sessions of the console: a token is given once, a cookie that scripts cannot read stands for it from then on.

import type { Principal } from '../auth.ts';
import { clearSessionCookie, writeSessionCookie } from '../cookies.ts';
import { Problem } from '../problems.ts';
import { defineRoute, type Route } from '../route.ts';
import type { RouteDeps } from '../route-deps.ts';
import { newSession, sessionSchema } from '../schemas/sessions.ts';
import { type OpenSession, SESSION_LIFE_MS } from '../sessions.ts';
import { viewTime } from '../views.ts';

export function sessionRoutes({ sessions, authenticator, streams, metrics }: RouteDeps): readonly Route[] {
  return [
    defineRoute({
      method: 'POST',
      path: '/v1/sessions',
      operationId: 'signIn',
      tag: 'Sessions',
      summary: 'Signs a browser in with the admin token or an API key: the answer sets the cookie',
      access: 'sign-in',
      body: newSession,
      success: { status: 201, description: 'The session', schema: sessionSchema },
      problems: [],
      async handle({ body, secure }) {
        const principal = await authenticator.principalOf(body.token);
        metrics.signInsTotal.inc({ result: principal === undefined ? 'refused' : 'ok' });
        if (principal === undefined) throw new Problem('unauthorized');
        const { cookie, session } = await sessions.open(principal);
        const maxAgeSec = SESSION_LIFE_MS / 1000;
        return {
          body: viewSession(principal, session),
          headers: { 'set-cookie': writeSessionCookie(cookie, { secure, maxAgeSec }) },
        };
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/v1/sessions/current',
      operationId: 'getSession',
      tag: 'Sessions',
      summary: 'The session of the cookie, as a page that was loaded again needs it',
      access: 'workspace',
      success: { status: 200, description: 'The session', schema: sessionSchema },
      problems: ['not_found'],
      async handle({ principal, session }) {
        if (session === null) throw new Problem('not_found', { detail: 'The request came with a token' });
        return { body: viewSession(principal, session) };
      },
    }),
    defineRoute({
      method: 'DELETE',
      path: '/v1/sessions/current',
      operationId: 'signOut',
      tag: 'Sessions',
      summary: 'Signs out: the cookie opens nothing from now on, its event streams end',
      access: 'workspace',
      needs: 'read',
      success: { status: 204, description: 'Signed out' },
      problems: ['not_found'],
      async handle({ session, secure }) {
        if (session === null) throw new Problem('not_found', { detail: 'The request came with a token' });
        await sessions.close(session.id);
        streams.endOf({ sessionId: session.id });
        return { headers: { 'set-cookie': clearSessionCookie(secure) } };
      },
    }),
  ];
}

function viewSession(principal: Principal, { csrfToken, expiresAt }: OpenSession): object {
  const isOperator = principal.kind === 'operator';
  return {
    csrfToken,
    principal: {
      kind: principal.kind,
      workspaceId: isOperator ? null : principal.workspaceId,
      role: isOperator ? 'admin' : principal.role,
    },
    expiresAt: viewTime(expiresAt),
  };
}
