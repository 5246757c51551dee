// The acquisitions that both directions make, each a step that either has its result in the call or says with which reason
// the call is refused. Every step looks at `call.over` after its await (call.ts T2): a caller may hang up at any time.

import type { Agent } from '../domain/directory.ts';
import type { Reason } from '../domain/reasons.ts';
import type { MediaSession } from '../media/session.ts';
import type { CallIntent } from '../metering/meter.ts';
import type { Call } from './call.ts';
import type { CallDeps } from './deps.ts';

/** null = done; a reason = refuse the call with it; 'over' = the call ended meanwhile, nothing is left to do. */
export type StepOutcome = null | Reason | 'over';

/** A fallback chain longer than this is a loop or a mistake. */
const FALLBACK_AGENTS_MAX = 3;

/** Why a step failed that threw: the books or the directory cannot be asked, or it is a fault of ours. */
export function reasonOfFault(error: unknown): Reason {
  const { code } = error as { readonly code?: unknown };
  return typeof code === 'string' && /^(?:books|store)_/.test(code) ? 'store_unavailable' : 'node_fault';
}

export async function openMedia(
  deps: CallDeps,
  call: Call,
  peer: { signallingAddress: string | null; natAllowed: boolean },
): Promise<StepOutcome> {
  const outcome = await deps.media.open({
    callId: call.id,
    timeouts: deps.limits.media,
    natAllowed: peer.natAllowed,
    signallingAddress: peer.signallingAddress,
    onEvent: (event) => call.onMedia(event),
  });
  if (!outcome.ok) {
    call.note('media_refused', { code: outcome.code });
    return call.over ? 'over' : 'node_limit';
  }
  if (call.over) {
    call.releaseLate({ media: outcome.session });
    return 'over';
  }
  call.media = outcome.session;
  return null;
}

export async function authorise(deps: CallDeps, call: Call, intent: CallIntent): Promise<StepOutcome> {
  const outcome = await deps.meter.authorise(intent);
  if (!outcome.ok) return call.over ? 'over' : outcome.reason;
  if (call.over) {
    call.releaseLate({ metered: outcome.call });
    return 'over';
  }
  call.metered = outcome.call;
  call.note('authorised');
  return null;
}

/** Dials the agent, then its fallbacks. The call's media session must be open. */
export async function connectAgent(
  deps: CallDeps,
  call: Call,
  media: MediaSession,
  agentId: string,
  parameters: Readonly<Record<string, string>>,
): Promise<StepOutcome> {
  const tried = new Set<string>();
  for (let next: string | null = agentId; next !== null && tried.size < FALLBACK_AGENTS_MAX && !tried.has(next); ) {
    tried.add(next);
    const agent: Agent | undefined = await deps.directory.agents.get(next);
    if (call.over) return 'over';
    if (agent === undefined || agent.workspaceId !== call.route.workspaceId) break;
    if (await dial(deps, call, media, agent, parameters)) return null;
    if (call.over) return 'over';
    next = agent.fallbackAgentId;
  }
  return 'agent_unreachable';
}

async function dial(
  deps: CallDeps,
  call: Call,
  media: MediaSession,
  agent: Agent,
  parameters: Readonly<Record<string, string>>,
): Promise<boolean> {
  call.note('agent_connecting', { agentId: agent.id });
  const prepared = deps.agentDial(agent, { callId: call.id, accountId: agent.workspaceId, parameters });
  const outcome = prepared.ok ? await media.connectAgent(prepared.dial) : prepared;
  if (call.over) return false;
  if (outcome.ok) {
    call.agentAttached(agent.id, outcome.attachedAtMs, agent.stream.protocol, outcome.connectMs);
    return true;
  }
  call.note('agent_failed', { agentId: agent.id, code: outcome.failure.code, detail: outcome.failure.detail });
  return false;
}
