// Transfers of answered calls: asked for here, told on the call's timeline and events.

import type { TransferRequest } from '../../calls/transfer.ts';
import { customHeadersOf } from '../custom-headers.ts';
import type { HttpDeps } from '../deps.ts';
import { invalidField, Problem } from '../problems.ts';
import { defineRoute, type Route } from '../route.ts';
import * as schemas from '../schemas/calls.ts';
import { given, idOf, visibleCall } from './lookup.ts';

export function callTransferRoutes({ calls }: Pick<HttpDeps, 'calls'>): readonly Route[] {
  return [
    defineRoute({
      method: 'POST',
      path: '/v1/calls/{id}/transfer',
      operationId: 'transferCall',
      tag: 'Calls',
      summary: 'Has the carrier of an answered call connect it with somebody else',
      access: 'workspace',
      body: schemas.transferRequest,
      success: {
        status: 202,
        description: 'accepted: the carrier tries it. pending: it has not answered yet. The timeline says how it ends',
        schema: schemas.transferSchema,
      },
      problems: [
        'call_not_answered',
        'transfer_unsupported',
        'transfer_in_progress',
        'transfer_refused',
        'transfer_target_invalid',
        'destination_not_allowed',
      ],
      async handle({ principal, params, body }) {
        const call = await visibleCall(calls, principal, idOf(params));
        const headers = customHeadersOf(body.headers, 'headers');
        const request = { to: targetOf(body), by: 'api' as const, ...given({ headers, timeoutMs: body.timeoutMs }) };
        const outcome = await calls.transfer(call.id, request);
        if (outcome.ok) return { body: { state: outcome.state } };
        if (outcome.code === 'unknown') throw new Problem('not_found');
        if (outcome.code !== 'transfer_refused') throw new Problem(outcome.code);
        throw new Problem(outcome.code, { detail: `It answered our REFER with ${outcome.status}.` });
      },
    }),
  ];
}

function targetOf({ to, toCallId }: { to?: string | undefined; toCallId?: string | undefined }): TransferRequest['to'] {
  if (to !== undefined && toCallId === undefined) return { address: to };
  if (toCallId !== undefined && to === undefined) return { callId: toCallId };
  throw invalidField('to', 'either to or toCallId is needed');
}
