// `/v1/route-explanations`: the same decisions as for a real INVITE and a real call of the API, with their steps, and nothing done about them.

import type { InboundRouter } from './calls/inbound-router.ts';
import { type OutboundRouterDeps, outboundRoutes } from './calls/outbound-router.ts';
import { isE164 } from './domain/e164.ts';
import { type Reason, verdictOf } from './domain/reasons.ts';
import type { InboundRouteQuestion, OutboundRouteQuestion, RouteExplanation, RouteQuestion } from './http/deps.ts';

export interface ExplanationDeps {
  readonly routeInbound: InboundRouter;
  readonly outbound: OutboundRouterDeps;
}

export async function explainRoute(deps: ExplanationDeps, question: RouteQuestion): Promise<RouteExplanation> {
  return question.direction === 'inbound'
    ? await explainInbound(deps.routeInbound, question)
    : await explainOutbound(deps.outbound, question);
}

async function explainInbound(router: InboundRouter, question: InboundRouteQuestion): Promise<RouteExplanation> {
  const verdict = await router({ sourceIp: question.sourceIp, called: { requestUser: question.to } });
  const refused = verdict.ok ? null : verdict.reason;
  return {
    ...said(refused, 'The call goes to the agent'),
    trunkId: verdict.trunk?.id ?? null,
    workspaceId: verdict.number?.workspaceId ?? null,
    numberId: verdict.number?.id ?? null,
    agentId: verdict.ok ? verdict.agentId : null,
    steps: verdict.steps,
  };
}

async function explainOutbound(deps: OutboundRouterDeps, question: OutboundRouteQuestion): Promise<RouteExplanation> {
  const { workspaceId, from, to } = question;
  const nowhere = { trunkId: null, workspaceId, numberId: null, agentId: null };
  if (!isE164(from)) return { ...said('caller_id_not_owned'), ...nowhere, steps: [notE164('caller_id', from)] };
  if (!isE164(to)) return { ...said('destination_not_allowed'), ...nowhere, steps: [notE164('destination', to)] };
  const verdict = (await outboundRoutes(deps, { workspaceId, from }))(to);
  if (!verdict.ok) return { ...said(verdict.reason), ...nowhere, steps: verdict.steps };
  const { number, attempts, steps } = verdict;
  return {
    ...said(null, 'The call leaves'),
    trunkId: attempts[0]?.trunk.id ?? null,
    workspaceId,
    numberId: number.id,
    agentId: number.agentId,
    steps,
  };
}

function said(
  refused: Reason | null,
  accepted = '',
): Pick<RouteExplanation, 'verdict' | 'reason' | 'sipStatus' | 'text'> {
  return {
    verdict: refused === null ? 'accepted' : 'refused',
    reason: refused,
    sipStatus: refused === null ? 200 : verdictOf(refused).sipStatus,
    text: refused === null ? accepted : verdictOf(refused).text,
  };
}

function notE164(check: string, text: string) {
  return { check, result: 'failed' as const, seen: `${text} is not a number in E.164 form` };
}
