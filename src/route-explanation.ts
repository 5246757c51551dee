// `/v1/route-explanations`: the same decision as for a real INVITE, with its steps, and nothing done about it.

import type { InboundRouter } from './calls/inbound-router.ts';
import { verdictOf } from './domain/reasons.ts';
import type { RouteExplanation, RouteQuestion } from './http/deps.ts';

export async function explainInbound(router: InboundRouter, question: RouteQuestion): Promise<RouteExplanation> {
  const verdict = await router({ sourceIp: question.sourceIp, called: { requestUser: question.to } });
  const refused = verdict.ok ? null : verdict.reason;
  return {
    verdict: verdict.ok ? 'accepted' : 'refused',
    reason: refused,
    sipStatus: refused === null ? 200 : verdictOf(refused).sipStatus,
    text: refused === null ? 'The call goes to the agent' : verdictOf(refused).text,
    trunkId: verdict.trunk?.id ?? null,
    workspaceId: verdict.number?.workspaceId ?? null,
    numberId: verdict.number?.id ?? null,
    agentId: verdict.ok ? verdict.agentId : null,
    steps: verdict.steps,
  };
}
