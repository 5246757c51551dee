// What routes get beyond what the composition root hands in: parts of the HTTP server that several of them share.

import type { Authenticator } from './auth.ts';
import type { HttpDeps } from './deps.ts';
import type { EventStreams } from './event-streams.ts';
import type { ReportGate } from './report-gate.ts';
import type { Sessions } from './sessions.ts';

export interface RouteDeps extends HttpDeps {
  readonly authenticator: Authenticator;
  readonly sessions: Sessions;
  readonly streams: EventStreams;
  readonly report: ReportGate;
}
