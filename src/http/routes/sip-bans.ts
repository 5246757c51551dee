// Who is not listened to on the SIP ports, and letting somebody in again.

import type { HttpDeps } from '../deps.ts';
import { Problem } from '../problems.ts';
import { defineRoute, type Route } from '../route.ts';
import * as schemas from '../schemas/sip-bans.ts';
import { viewTime } from '../views.ts';

/** Enough for a person to read; the metrics have the number. */
const SHOWN_MAX = 500;

export function sipBanRoutes({ sipBans, logger }: HttpDeps): readonly Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/v1/sip-bans',
      operationId: 'listSipBans',
      tag: 'Node',
      summary: 'Sources of SIP that this node does not listen to now, the youngest 500',
      access: 'operator',
      success: { status: 200, description: 'The bans', schema: schemas.sipBansSchema },
      problems: [],
      async handle() {
        const bans = (await sipBans?.list()) ?? [];
        return { body: { items: bans.slice(0, SHOWN_MAX).map(viewBan) } };
      },
    }),
    defineRoute({
      method: 'DELETE',
      path: '/v1/sip-bans/{network}',
      operationId: 'liftSipBan',
      tag: 'Node',
      summary: 'Lifts a ban, and forgets the earlier ones of that source',
      access: 'operator',
      success: { status: 204, description: 'Lifted' },
      problems: ['not_found'],
      async handle({ params }) {
        const network = params['network'] ?? '';
        if ((await sipBans?.lift(network)) !== true)
          throw new Problem('not_found', { detail: 'Nobody there is banned' });
        logger.info({ network }, 'a ban of a source of SIP was lifted');
        return {};
      },
    }),
  ];
}

function viewBan({ network, way, why, since, until, times, turnedAway }: SipBan): object {
  return { network, way, reason: why, since: viewTime(since), until: viewTime(until), times, turnedAway };
}

type SipBan = Awaited<ReturnType<NonNullable<HttpDeps['sipBans']>['list']>>[number];
