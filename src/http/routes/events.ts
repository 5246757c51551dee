// Live events as server-sent events: what the console listens to, open to everybody who has a token.

import { scopeOf } from '../auth.ts';
import { defineRoute, type Route } from '../route.ts';
import type { RouteDeps } from '../route-deps.ts';
import { EVENT_STREAM_TYPE, eventQuery } from '../schemas/events.ts';
import { found } from './lookup.ts';

export function eventRoutes({ directory, streams }: RouteDeps): readonly Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/v1/events',
      operationId: 'watchEvents',
      tag: 'Events',
      summary: 'What happens now: calls, numbers, trunks, balance; server-sent events that Last-Event-ID resumes',
      access: 'workspace',
      query: eventQuery,
      success: {
        status: 200,
        description: 'A stream of events: `id`, `event` (the name), `data` (JSON as the API shows the thing)',
        otherTypes: [EVENT_STREAM_TYPE],
      },
      problems: ['stream_limit'],
      async handle({ principal, session, query, header }) {
        const workspaceId = scopeOf(principal, query.workspaceId);
        if (workspaceId !== undefined) await found(directory.workspaces.get(workspaceId));
        // A browser that comes back sends the header; a page that opens anew can name where it was.
        const lastEventId = header('last-event-id') ?? query.lastEventId;
        return {
          stream: streams.open({ principal, session, workspaceId, lastEventId }),
          contentType: EVENT_STREAM_TYPE,
          // Proxies that gather answers before they pass them on would hold events back.
          headers: { 'x-accel-buffering': 'no' },
        };
      },
    }),
  ];
}
