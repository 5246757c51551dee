// Personal numbers as a part of the node: the number that calls, the workspace that pays, the agent that speaks, and what is seen of it.
//
//   verification call = a call of the operator's workspace, from the operator's number, over a managed trunk, to the code speaker

import type { BundledAgents } from './agents/bundled/server.ts';
import { TICKET_PARAMETER } from './agents/bundled/code-speaker.ts';
import type { CallDeps } from './calls/deps.ts';
import type { CallManager } from './calls/manager.ts';
import type { Config } from './config/schema.ts';
import type { Directory } from './directory/directory.ts';
import type { Clock } from './domain/clock.ts';
import type { Agent, PhoneNumber } from './domain/directory.ts';
import { type E164, isE164 } from './domain/e164.ts';
import type { Ids, RandomBytes } from './domain/ids.ts';
import { VERIFICATION_WORKSPACE_ID } from './domain/verification.ts';
import type { NodeKeys } from './keys.ts';
import type { PersonalNumbers, PersonalObserver, VerificationCalls } from './numbers/personal/personal-numbers.ts';
import { createPersonalNumbers } from './numbers/personal/verifications.ts';
import type { Logger } from './observability/logger.ts';
import type { Metrics } from './observability/metrics.ts';

export interface PersonalParts {
  readonly config: Config;
  readonly keys: NodeKeys;
  readonly directory: Directory;
  readonly agents: BundledAgents | null;
  /** Key of the bundled agents' signature. */
  readonly agentToken: string;
  readonly calls: CallManager;
  readonly hasRate: CallDeps['hasRate'];
  readonly clock: Clock;
  readonly ids: Ids;
  readonly randomBytes: RandomBytes;
  readonly metrics: Metrics;
  readonly logger: Logger;
}

/** In the demo, where nothing was configured: a number of config/demo.yaml. */
const DEMO_CALLER_ID = '+12025550100';
const READY_TIMEOUT_MS = 5_000;
const NANO_PER_UNIT = 1_000_000_000n;
/** Of the whole installation, until the operator changes them like those of any workspace. */
const FIRST_LIMITS = {
  concurrentCalls: 10,
  callsPerSecond: 5,
  spendPerHour: null,
  spendPerDay: 20n * NANO_PER_UNIT,
} as const;

/** The number that verification calls come from; null: there are none. */
export function verificationCallerId({ personalNumbers, demo }: Pick<Config, 'personalNumbers' | 'demo'>): E164 | null {
  const callerId = personalNumbers.callerId === '' && demo ? DEMO_CALLER_ID : personalNumbers.callerId;
  return isE164(callerId) ? callerId : null;
}

/** What a dead process had confirmed is finished when it resolves. */
export async function startPersonalNumbers(parts: PersonalParts): Promise<PersonalNumbers> {
  const { config, keys, directory, agents, clock, ids, randomBytes, hasRate, logger } = parts;
  const callerId = agents === null ? null : verificationCallerId(config);
  const caller = callerId === null ? null : callerNumber(callerId, config);
  if (caller !== null && agents !== null) await prepare(parts, agents);
  const { callsPerDay, callsPerNumberPerDay } = config.personalNumbers;
  const service = createPersonalNumbers({
    directory,
    caller,
    hasRate,
    calls: verificationCalls(parts.calls, caller, agentIdOf(keys.nodeId)),
    announce: async (announcement) => await agents?.announce(announcement),
    limits: { perWorkspace: callsPerDay, perNumber: callsPerNumberPerDay },
    hashKey: keys.derive('verification-codes'),
    clock,
    ids,
    randomBytes,
    observer: personalObserver(parts),
  });
  const finished = await service.recover();
  if (finished > 0)
    logger.warn({ numbers: finished }, 'personal numbers that were verified before a crash are there now');
  return service;
}

/** It is in no directory: the operator lends it, and a customer may have the same number as its own. */
function callerNumber(e164: E164, { personalNumbers }: Config): PhoneNumber {
  return {
    id: 'verification-caller',
    createdAt: 0,
    e164,
    workspaceId: VERIFICATION_WORKSPACE_ID,
    provider: 'managed',
    trunkId: personalNumbers.trunkId,
    agentId: null,
    supportsInbound: false,
    supportsOutbound: true,
    status: 'active',
  };
}

/** The agent is this node's own: its server listens on loopback and knows the tickets of this process. */
function agentIdOf(nodeId: string): string {
  return `code-speaker_${nodeId}`;
}

async function prepare({ directory, keys, agentToken, clock }: PersonalParts, agents: BundledAgents): Promise<void> {
  const nowMs = clock.wallMs();
  if ((await directory.workspaces.get(VERIFICATION_WORKSPACE_ID)) === undefined) {
    await directory.workspaces.put({
      id: VERIFICATION_WORKSPACE_ID,
      createdAt: nowMs,
      name: 'Verification calls (operator)',
      billingMode: 'postpaid',
      limits: FIRST_LIMITS,
    });
  }
  const id = agentIdOf(keys.nodeId);
  const known = await directory.agents.get(id);
  const agent: Agent = {
    id,
    createdAt: known?.createdAt ?? nowMs,
    workspaceId: VERIFICATION_WORKSPACE_ID,
    name: 'Code speaker',
    stream: {
      url: agents.codeUrl,
      protocol: 'twilio',
      codec: 'PCMU',
      headers: {},
      authToken: agentToken,
      customParameters: {},
    },
    fallbackAgentId: null,
    readyTimeoutMs: READY_TIMEOUT_MS,
  };
  await directory.agents.put(agent);
}

function verificationCalls(calls: CallManager, caller: PhoneNumber | null, agentId: string): VerificationCalls {
  return {
    async place({ key, to, ticket, ringTimeoutMs, maxDurationMs }) {
      if (caller === null) return { ok: false, reason: 'no_route' };
      const outcome = await calls.originate({
        workspaceId: VERIFICATION_WORKSPACE_ID,
        idempotencyKey: key,
        from: caller.e164,
        caller,
        to,
        agentId,
        customParameters: { [TICKET_PARAMETER]: ticket },
        ringTimeoutMs,
        maxDurationMs,
      });
      return outcome.ok ? { ok: true, callId: outcome.call.id } : outcome;
    },
    get: (callId) => calls.get(callId),
    hangUp: async (callId) => void (await calls.hangup(callId)),
  };
}

/** Neither numbers nor codes; a reason says what an operator has to look at. */
function personalObserver({ metrics, logger }: Pick<PersonalParts, 'metrics' | 'logger'>): PersonalObserver {
  return {
    event(event, about) {
      metrics.verificationsTotal.inc({ event });
      logger[event === 'unavailable' ? 'warn' : 'info']({ ...about, event }, 'personal number');
    },
  };
}
