// Agents: where the audio of a call goes.

import type { Agent } from '../../domain/directory.ts';
import { readHeaders } from '../agent-headers.ts';
import { scopeOf } from '../auth.ts';
import type { HttpDeps } from '../deps.ts';
import { invalidField, Problem } from '../problems.ts';
import { defineRoute, type Route } from '../route.ts';
import { pageOf, workspaceListQuery } from '../schemas/common.ts';
import * as schemas from '../schemas/agents.ts';
import { viewAgent } from '../views.ts';
import { checkRoom, found, given, idOf, ownerOf, pageFrom, viewPage } from './lookup.ts';

/** Long enough for TLS to another continent and a cold start, short enough for a caller who hears ringing. */
const READY_TIMEOUT_MS = 5_000;

const AGENTS_MAX = 500;

export function agentRoutes({ directory, clock, ids }: HttpDeps): readonly Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/v1/agents',
      operationId: 'listAgents',
      tag: 'Agents',
      summary: 'Lists agents',
      access: 'workspace',
      query: workspaceListQuery,
      success: { status: 200, description: 'A page of agents', schema: pageOf(schemas.agentSchema) },
      problems: [],
      async handle({ principal, query }) {
        const workspaceId = scopeOf(principal, query.workspaceId);
        return {
          body: viewPage(await directory.agents.list({ ...pageFrom(query), ...given({ workspaceId }) }), viewAgent),
        };
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/v1/agents',
      operationId: 'createAgent',
      tag: 'Agents',
      summary: 'Creates an agent',
      access: 'workspace',
      body: schemas.newAgent,
      success: { status: 201, description: 'The new agent', schema: schemas.agentSchema },
      problems: ['unknown_reference', 'record_limit'],
      async handle({ principal, body }) {
        const { url, protocol, codec = 'PCMU', headers = {}, authToken = null, ...rest } = body.stream;
        const { customParameters = {}, extensionEvents = false } = rest;
        checkUrl(url);
        const agent: Agent = {
          id: ids.next('agent'),
          createdAt: clock.wallMs(),
          workspaceId: ownerOf(principal, body.workspaceId),
          name: body.name,
          stream: {
            url,
            protocol,
            codec,
            headers: readHeaders(headers, {}),
            authToken,
            customParameters,
            extensionEvents,
          },
          fallbackAgentId: body.fallbackAgentId ?? null,
          readyTimeoutMs: body.readyTimeoutMs ?? READY_TIMEOUT_MS,
        };
        await checkRoom(directory.agents, agent.workspaceId, AGENTS_MAX);
        await directory.agents.put(agent);
        return { body: viewAgent(agent), headers: { location: `/v1/agents/${agent.id}` } };
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/v1/agents/{id}',
      operationId: 'getAgent',
      tag: 'Agents',
      summary: 'One agent',
      access: 'workspace',
      success: { status: 200, description: 'The agent', schema: schemas.agentSchema },
      problems: [],
      async handle({ principal, params }) {
        return { body: viewAgent(await found(directory.agents.get(idOf(params), scopeOf(principal)))) };
      },
    }),
    defineRoute({
      method: 'PATCH',
      path: '/v1/agents/{id}',
      operationId: 'changeAgent',
      tag: 'Agents',
      summary: 'Changes an agent; live calls keep what they started with',
      access: 'workspace',
      body: schemas.agentChange,
      success: { status: 200, description: 'The changed agent', schema: schemas.agentSchema },
      problems: ['unknown_reference'],
      async handle({ principal, params, body }) {
        const { name, fallbackAgentId, readyTimeoutMs, stream = {} } = body;
        const { headers, ...rest } = stream;
        if (rest.url !== undefined) checkUrl(rest.url);
        if (fallbackAgentId === idOf(params)) throw invalidField('fallbackAgentId', 'must be another agent');
        const change = (agent: Agent): Agent => ({
          ...agent,
          ...given({ name, fallbackAgentId, readyTimeoutMs }),
          stream: {
            ...agent.stream,
            ...given(rest),
            ...(headers === undefined ? {} : { headers: readHeaders(headers, agent.stream.headers) }),
          },
        });
        return { body: viewAgent(await found(directory.agents.update(idOf(params), change, scopeOf(principal)))) };
      },
    }),
    defineRoute({
      method: 'DELETE',
      path: '/v1/agents/{id}',
      operationId: 'deleteAgent',
      tag: 'Agents',
      summary: 'Deletes an agent that no number and no other agent points at',
      access: 'workspace',
      success: { status: 204, description: 'Deleted' },
      problems: ['record_in_use'],
      async handle({ principal, params }) {
        if (!(await directory.agents.delete(idOf(params), scopeOf(principal)))) throw new Problem('not_found');
        return {};
      },
    }),
  ];
}

/** The pattern has seen to the scheme; what is left is whether it is a URL at all. Where it may lead is decided at every dial. */
function checkUrl(url: string): void {
  const parsed = URL.parse(url);
  if (parsed === null || parsed.hostname === '') throw invalidField('stream.url', 'must be a ws:// or wss:// address');
}
