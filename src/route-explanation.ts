// `/v1/route-explanations`: the same decision as for a real INVITE, with its steps, and nothing done about it.

import type { Directory } from './directory/directory.ts';
import { verdictOf } from './domain/reasons.ts';
import type { RouteExplanation, RouteQuestion } from './http/deps.ts';
import { normaliseCalledUser, routeInbound } from './routing/index.ts';

export async function explainInbound(directory: Directory, question: RouteQuestion): Promise<RouteExplanation> {
  const called = normaliseCalledUser(question.to);
  const numbers = called === undefined ? [] : await directory.numbers.byE164(called);
  const verdict = routeInbound({
    sourceIp: question.sourceIp,
    calledUser: question.to,
    trunks: await directory.allTrunks(),
    lookup: (e164) => numbers.filter((number) => number.e164 === e164),
  });
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
