// Calls: place one, look at them, end one.

import type { CallRecord } from '../../domain/call.ts';
import { DTMF_GAP_MS, DTMF_TONE_MS } from '../../domain/dtmf.ts';
import { type Principal, scopeOf } from '../auth.ts';
import type { HttpDeps } from '../deps.ts';
import { fingerprint, idempotencyKey, optionalIdempotencyKey } from '../idempotency.ts';
import { problemOfCall } from '../call-problems.ts';
import { Problem } from '../problems.ts';
import { defineRoute, type Route } from '../route.ts';
import { pageOf } from '../schemas/common.ts';
import * as schemas from '../schemas/calls.ts';
import { viewCall } from '../views.ts';
import { customHeadersOf } from '../custom-headers.ts';
import { given, idOf, ownerOf, pageFrom, viewPage, visibleCall } from './lookup.ts';

export function callRoutes({ directory, calls }: HttpDeps): readonly Route[] {
  const viewerFor = async (principal: Principal): Promise<(call: CallRecord) => object> => {
    const scope = scopeOf(principal);
    if (scope === undefined) return viewCall;
    const trunks = await directory.allTrunks();
    const own = new Set(trunks.filter(({ workspaceId }) => workspaceId === scope).map(({ id }) => id));
    return (call) => viewCall(call, call.trunkId === null || own.has(call.trunkId));
  };

  return [
    defineRoute({
      method: 'GET',
      path: '/v1/calls',
      operationId: 'listCalls',
      tag: 'Calls',
      summary: 'Lists live and past calls, newest first',
      access: 'workspace',
      query: schemas.callQuery,
      success: { status: 200, description: 'A page of calls', schema: pageOf(schemas.callSchema) },
      problems: [],
      async handle({ principal, query }) {
        const workspaceId = scopeOf(principal, query.workspaceId);
        const { state, direction } = query;
        return {
          body: viewPage(
            await calls.list({ ...pageFrom(query), ...given({ workspaceId, state, direction }) }),
            await viewerFor(principal),
          ),
        };
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/v1/calls',
      operationId: 'placeCall',
      tag: 'Calls',
      summary: 'Places a call and connects it to the agent',
      access: 'workspace',
      body: schemas.newCall,
      idempotent: true,
      success: { status: 201, description: 'The call', schema: schemas.callSchema },
      problems: [
        'unknown_reference',
        'insufficient_balance',
        'destination_not_allowed',
        'no_rate',
        'caller_id_not_owned',
        'number_unassigned',
        'no_route',
        'keys_in_clear',
        'workspace_limit',
        'spend_limit',
        'carrier_failed',
        'agent_unreachable',
        'trunk_limit',
        'number_limit',
        'node_limit',
        'draining',
        'store_unavailable',
        'api_cancelled',
        'crashed_before_answer',
        'node_fault',
      ],
      async handle({ principal, body, header }) {
        const idempotency = idempotencyKey(header);
        const workspaceId = ownerOf(principal, body.workspaceId);
        const headers = customHeadersOf(body.headers, 'headers');
        const byeHeaders = customHeadersOf(body.byeHeaders, 'byeHeaders');
        const { from, to, agentId, customParameters, hideCallerId, ringTimeoutMs, maxDurationMs } = body;
        const options = { agentId, customParameters, headers, byeHeaders, hideCallerId, ringTimeoutMs, maxDurationMs };
        const request = { from, to, ...given(options) };
        await known(directory.workspaces.get(workspaceId), 'workspaceId');
        if (agentId !== undefined) await known(directory.agents.get(agentId, workspaceId), 'agentId');
        const asked = fingerprint(request);
        const claim = await directory.idempotency.claim(`call-requests:${workspaceId}`, idempotency, asked);
        if (claim.value !== asked) throw new Problem('idempotency_key_reused');
        const outcome = await calls.originate({ workspaceId, idempotencyKey: idempotency, ...request });
        if (!outcome.ok) throw problemOfCall(outcome.reason, outcome.callId);
        return {
          body: (await viewerFor(principal))(outcome.call),
          headers: {
            location: `/v1/calls/${outcome.call.id}`,
            ...(outcome.repeated ? { 'idempotent-replayed': 'true' } : {}),
          },
        };
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/v1/calls/{id}',
      operationId: 'getCall',
      tag: 'Calls',
      summary: 'One call with timeline, quality and bill',
      access: 'workspace',
      success: { status: 200, description: 'The call', schema: schemas.callSchema },
      problems: [],
      async handle({ principal, params }) {
        const call = await visibleCall(calls, principal, idOf(params));
        return { body: (await viewerFor(principal))(call) };
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/v1/calls/{id}/dtmf',
      operationId: 'sendDtmf',
      tag: 'Calls',
      summary: 'Presses keys in an answered call; with an Idempotency-Key a repeat presses none',
      access: 'workspace',
      body: schemas.dtmfRequest,
      success: { status: 202, description: 'They are on their way', schema: schemas.dtmfSchema },
      problems: ['call_not_answered', 'dtmf_queue_full', 'dtmf_unavailable', 'idempotency_key_reused'],
      async handle({ principal, params, body, header }) {
        const idempotency = optionalIdempotencyKey(header);
        const call = await visibleCall(calls, principal, idOf(params));
        const { digits: text, toneMs = DTMF_TONE_MS, gapMs = DTMF_GAP_MS } = body;
        const outcome = await calls.sendKeys(call.id, { text, toneMs, gapMs }, idempotency);
        if (!outcome.ok) throw new Problem(outcome.code);
        return {
          body: { keys: outcome.keys },
          ...(outcome.repeated ? { headers: { 'idempotent-replayed': 'true' } } : {}),
        };
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/v1/calls/{id}/hangup',
      operationId: 'hangUpCall',
      tag: 'Calls',
      summary: 'Ends a call; repeating it does no harm',
      access: 'workspace',
      success: { status: 202, description: 'The call is ending or has ended', schema: schemas.hangupSchema },
      problems: [],
      async handle({ principal, params }) {
        const call = await visibleCall(calls, principal, idOf(params));
        const state = await calls.hangup(call.id);
        if (state === 'unknown') throw new Problem('not_found');
        return { body: { state } };
      },
    }),
  ];
}

async function known<T>(item: Promise<T | undefined>, field: string): Promise<void> {
  if ((await item) !== undefined) return;
  throw new Problem('unknown_reference', { fields: [{ field, message: 'does not exist' }] });
}
