// The SIP ladder of a call: its messages in order, while they are kept.

import type { CallRecord } from '../../domain/call.ts';
import type { LadderMessage } from '../../observability/sip-ladder.ts';
import { type Principal, scopeOf } from '../auth.ts';
import { defineRoute, type Route } from '../route.ts';
import type { RouteDeps } from '../route-deps.ts';
import { ladderSchema } from '../schemas/ladder.ts';
import { viewTime } from '../views.ts';
import { idOf, visibleCall } from './lookup.ts';

export function ladderRoutes({ calls, directory, ladder = () => undefined }: RouteDeps): readonly Route[] {
  /** The operator's carriers are the operator's business: a workspace sees what was said, not to whom and not how. */
  const seesCarrier = async (principal: Principal, { trunkId }: CallRecord): Promise<boolean> => {
    const scope = scopeOf(principal);
    if (scope === undefined || trunkId === null) return true;
    return (await directory.trunks.get(trunkId, scope)) !== undefined;
  };

  return [
    defineRoute({
      method: 'GET',
      path: '/v1/calls/{id}/ladder',
      operationId: 'getLadder',
      tag: 'Calls',
      summary: 'The SIP messages of a call, both ways, for some hours after it',
      access: 'workspace',
      success: { status: 200, description: 'The ladder', schema: ladderSchema },
      problems: [],
      async handle({ principal, params }) {
        const call = await visibleCall(calls, principal, idOf(params));
        const kept = ladder(call.id);
        const isWhole = await seesCarrier(principal, call);
        return {
          body: {
            callId: call.id,
            items: (kept?.messages ?? []).map((message) => viewMessage(message, isWhole)),
            dropped: kept?.dropped ?? 0,
            kept: kept !== undefined,
          },
        };
      },
    }),
  ];
}

const CSEQ = /^cseq\s*:\s*(\d{1,10})\s+([A-Z]+)/im;

function viewMessage({ atMs, offsetMs, direction, transport, peer, text }: LadderMessage, isWhole: boolean): object {
  const line = text.slice(0, Math.max(0, text.indexOf('\r\n')));
  const [, cseq, method = ''] = CSEQ.exec(text) ?? [];
  const status = /^SIP\/2\.0 (\d{3})/.exec(line)?.[1];
  const other = isWhole ? (peer ?? 'carrier') : 'carrier';
  return {
    at: viewTime(atMs),
    offsetMs,
    direction,
    transport,
    from: direction === 'in' ? other : 'gateway',
    to: direction === 'in' ? 'gateway' : other,
    // A request's line names where it goes.
    startLine: isWhole || status !== undefined ? line : method,
    method,
    status: status === undefined ? null : Number(status),
    cseq: cseq === undefined ? null : Number(cseq),
    text: isWhole ? text : null,
  };
}
