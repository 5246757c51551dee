// The node itself: what it is, whether it is well, its metrics, and why a call would go where it goes.

import type { HttpDeps, RouteQuestion } from '../deps.ts';
import { invalidField, Problem } from '../problems.ts';
import { defineRoute, type Route } from '../route.ts';
import * as schemas from '../schemas/node.ts';

export function nodeRoutes({ node, ready, metrics, explainRoute }: HttpDeps): readonly Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/v1/node',
      operationId: 'getNode',
      tag: 'Node',
      summary: 'This node: version, engines, ports, state',
      access: 'workspace',
      success: { status: 200, description: 'The node', schema: schemas.nodeSchema },
      problems: [],
      async handle({ principal }) {
        const { activeCalls, ...info } = node();
        return { body: principal.kind === 'operator' ? { ...info, activeCalls } : info };
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/v1/route-explanations',
      operationId: 'explainRoute',
      tag: 'Node',
      summary:
        'Which trunk, number and agent a call from a carrier would reach, or over which a call of a workspace would leave, and why',
      access: 'operator',
      body: schemas.routeQuestion,
      success: { status: 200, description: 'The decision, step by step', schema: schemas.routeExplanationSchema },
      problems: [],
      handle: async ({ body }) => ({ body: await explainRoute(questionOf(body)) }),
    }),
    defineRoute({
      method: 'GET',
      path: '/healthz',
      operationId: 'health',
      tag: 'Health',
      summary: 'The process answers',
      access: 'open',
      success: { status: 200, description: 'It does', schema: schemas.healthSchema },
      problems: [],
      handle: async () => ({ body: { status: 'ok' } }),
    }),
    defineRoute({
      method: 'GET',
      path: '/readyz',
      operationId: 'readiness',
      tag: 'Health',
      summary: 'The node takes calls; which check fails is told to trusted addresses only',
      access: 'open',
      success: { status: 200, description: 'Ready', schema: schemas.readySchema },
      problems: ['not_ready'],
      async handle({ trustedAddress }) {
        const checks = await ready();
        const failing = Object.entries(checks).filter(([, check]) => check !== true);
        if (failing.length > 0) {
          const words = failing.map(([name, check]) => (check === false ? name : `${name} (${check})`));
          throw new Problem('not_ready', trustedAddress ? { detail: `Failing: ${words.join(', ')}` } : {});
        }
        return { body: { ready: true, ...(trustedAddress ? { checks } : {}) } };
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/metrics',
      operationId: 'metrics',
      tag: 'Health',
      summary: 'Prometheus metrics',
      access: 'metrics',
      success: { status: 200, description: 'Text format 0.0.4', otherTypes: ['text/plain'] },
      problems: ['forbidden'],
      handle: async () => ({ body: await metrics.render(), contentType: metrics.contentType }),
    }),
  ];
}

interface AskedRoute {
  readonly direction?: 'inbound' | 'outbound';
  readonly sourceIp?: string;
  readonly workspaceId?: string;
  readonly from: string;
  readonly to: string;
}

function questionOf({ direction = 'inbound', sourceIp, workspaceId, from, to }: AskedRoute): RouteQuestion {
  if (direction === 'inbound') {
    if (sourceIp === undefined) throw invalidField('sourceIp', 'is needed for a call from a carrier');
    return { direction, sourceIp, from, to };
  }
  if (workspaceId === undefined) throw invalidField('workspaceId', 'is needed for a call to the network');
  return { direction, workspaceId, from, to };
}
