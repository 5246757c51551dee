// Is an agent there? Its WebSocket is opened as for a call, with the same headers and under the same address policy, and closed again. No
// `start` is sent, so a runtime sees a visitor who said nothing.
//
// Invariant PR1. One outcome within `timeoutMs`, and nothing stays open.

import type { Clock } from '../domain/clock.ts';
import type { Agent } from '../domain/directory.ts';
import type { AgentFailure, AgentStreamFactory } from '../media/agent-stream.ts';
import { agentDial } from './dial.ts';
import { failure } from './errors.ts';

export type AgentProbeOutcome =
  | { readonly ok: true; readonly connectMs: number }
  | { readonly ok: false; readonly failure: AgentFailure };

export interface AgentProbeOptions {
  readonly createStream: AgentStreamFactory;
  readonly clock: Clock;
  readonly timeoutMs: number;
}

/** Stands where a call's id stands. */
const PROBE_ID = 'diagnosis';

/** Never rejects. */
export function probeAgent(
  agent: Agent,
  { createStream, clock, timeoutMs }: AgentProbeOptions,
): Promise<AgentProbeOutcome> {
  const prepared = agentDial(agent, { callId: PROBE_ID, accountId: agent.workspaceId, parameters: {} });
  if (!prepared.ok) return Promise.resolve(prepared);
  const startedMs = clock.monotonicMs();
  return new Promise((resolve) => {
    const limitMs = Math.min(timeoutMs, agent.readyTimeoutMs);
    const timer = clock.setTimer(() => {
      stream.close();
      resolve({ ok: false, failure: failure('agent_connect_timeout', `no answer in ${limitMs} ms`) });
    }, limitMs);
    const done = (outcome: AgentProbeOutcome): void => {
      timer.cancel();
      resolve(outcome);
    };
    const ignored = (): void => undefined;
    const stream = createStream(prepared.dial, {
      ready: () => {
        done({ ok: true, connectMs: Math.round(clock.monotonicMs() - startedMs) });
        stream.close();
      },
      ended: (reason) =>
        done({
          ok: false,
          failure: reason ?? failure('agent_handshake_rejected', 'closed before the upgrade was done'),
        }),
      audio: ignored,
      mark: ignored,
      clear: ignored,
      ask: ignored,
      sendDtmf: ignored,
      alive: ignored,
      malformed: ignored,
      dropped: ignored,
    });
  });
}
