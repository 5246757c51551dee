// What routes get beyond what the composition root hands in: parts of the HTTP server that several of them share.

import { randomBytes as systemRandomBytes } from 'node:crypto';
import type { StreamCut } from '../observability/metrics.ts';
import { type Authenticator, createAuthenticator, type Identity } from './auth.ts';
import type { HttpDeps } from './deps.ts';
import { createEventStreams, type EventStreams } from './event-streams.ts';
import { createReportGate, type ReportGate } from './report-gate.ts';
import { createSessions, type Sessions } from './sessions.ts';

export interface RouteDeps extends HttpDeps {
  readonly authenticator: Authenticator;
  readonly sessions: Sessions;
  readonly streams: EventStreams;
  readonly report: ReportGate;
}

export function withParts(deps: HttpDeps): RouteDeps {
  const { directory, auth, clock, events, metrics, streamLimits = {}, randomBytes = systemRandomBytes } = deps;
  const sessions = createSessions({ directory, adminToken: auth.adminToken, clock, randomBytes });
  const isAlive = async ({ principal, session }: Identity): Promise<boolean> => {
    if (session !== null) return await sessions.isAlive(session.id);
    return principal.kind === 'operator' || (await directory.keys.get(principal.keyId)) !== undefined;
  };
  const onCut = (reason: StreamCut): void => metrics.eventStreamsCutTotal.inc({ reason });
  const streams = createEventStreams({ hub: events, clock, isAlive, limits: streamLimits, onCut });
  metrics.onCollect(() => metrics.eventStreams.set(streams.count));
  return {
    ...deps,
    sessions,
    authenticator: createAuthenticator(auth.adminToken, directory.keys, sessions),
    streams,
    report: createReportGate(),
  };
}
