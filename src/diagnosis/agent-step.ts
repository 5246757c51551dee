// Is the agent there? It is really dialled.

import { FAILURES } from '../agents/errors.ts';
import type { AgentProbeOutcome } from '../agents/probe.ts';
import type { Agent } from '../domain/directory.ts';
import { DOCS } from './advice.ts';
import { type Finding, failed, ok } from './finding.ts';

export function agentFinding(agent: Agent, outcome: AgentProbeOutcome): Finding {
  const subject = agent.name;
  const step = 'agent_reachable';
  if (outcome.ok) return ok(step, `Its WebSocket was opened in ${outcome.connectMs} ms.`, { subject });
  const { code, detail } = outcome.failure;
  const seen = `Its WebSocket could not be opened: ${code} (${FAILURES[code]}; ${detail}).`;
  return failed(step, seen, ADVICE_OF[code] ?? 'Look at the log of your agent.', { subject, docs: DOCS.agents });
}

const ADVICE_OF: Partial<Record<keyof typeof FAILURES, string>> = {
  agent_refused: 'Start your agent, and check host and port of its address.',
  agent_connect_timeout: 'Your agent answers too late, or a firewall swallows the connection.',
  agent_dns_failed: 'Correct the host name in the address of your agent.',
  agent_tls_failed: 'Give your agent a certificate that is valid for its name, or use ws:// where it speaks no TLS.',
  agent_handshake_rejected:
    'Your agent refuses the upgrade: check the path, the token, and how it checks the signature.',
  agent_url_invalid:
    'Correct the address: it must be ws:// or wss:// and lead to a public host, or one that the operator allows.',
  agent_protocol_unsupported: 'Choose a protocol that this gateway speaks.',
};
