// Main-thread side of an agent's connection: turns the configured agent into plain data for the media thread, with the upgrade signed.

import { createHmac } from 'node:crypto';

import type { Agent, AgentProtocol, AudioCodec } from '../domain/directory.ts';
import type { AgentDial, AgentFailure } from '../media/agent-stream.ts';
import { failure } from './errors.ts';
import { headerProblem } from './websocket/handshake.ts';
import { parseWebSocketUrl } from './websocket/url.ts';

export interface DialParams {
  readonly callId: string;
  readonly accountId: string;
  /** What this call tells the agent (`from`, `to`, the API's customParameters); wins over the agent's own of the same name. */
  readonly parameters: Readonly<Record<string, string>>;
}

export type AgentDialOutcome =
  | { readonly ok: true; readonly dial: AgentDial }
  | { readonly ok: false; readonly failure: AgentFailure };

export const USER_AGENT = 'Callin/1.0';
const SIGNATURE_HEADER = 'X-Twilio-Signature';

/** The codec each dialect has on its wire, where it leaves no choice. Protocols that are missing here are not implemented. */
const WIRE_CODEC: Partial<Record<AgentProtocol, AudioCodec>> = { twilio: 'PCMU' };

/** What an agent may speak in this version. */
export const AGENT_PROTOCOLS = Object.keys(WIRE_CODEC) as readonly AgentProtocol[];

export function agentDial(agent: Agent, { callId, accountId, parameters }: DialParams): AgentDialOutcome {
  const { url, protocol, headers, authToken, customParameters, extensionEvents = false } = agent.stream;
  const codec = WIRE_CODEC[protocol];
  if (!codec) return refused('agent_protocol_unsupported', protocol);
  const parsed = parseWebSocketUrl(url);
  if (!parsed.ok) return refused('agent_url_invalid', parsed.detail);
  for (const [name, value] of Object.entries(headers)) {
    const problem = headerProblem(name, value);
    if (problem !== undefined) return refused('agent_url_invalid', problem);
  }
  return {
    ok: true,
    dial: {
      protocol,
      url,
      headers: upgradeHeaders(headers, authToken, url),
      codec,
      readyTimeoutMs: agent.readyTimeoutMs,
      callId,
      accountId,
      customParameters: { ...customParameters, ...parameters },
      extensionEvents,
    },
  };
}

/** `X-Twilio-Signature` of an upgrade: it has no POST parameters, so only the URL is signed, byte for byte as configured. */
export function twilioSignature(authToken: string, url: string): string {
  return createHmac('sha1', authToken).update(url).digest('base64');
}

/** A configured User-Agent replaces ours (some runtimes route on it); a configured signature never replaces the computed one. */
function upgradeHeaders(
  configured: Readonly<Record<string, string>>,
  authToken: string | null,
  url: string,
): Record<string, string> {
  const signature = SIGNATURE_HEADER.toLowerCase();
  const entries = Object.entries(configured).filter(([name]) => authToken === null || name.toLowerCase() !== signature);
  const headers: Record<string, string> = Object.fromEntries(entries);
  if (!entries.some(([name]) => name.toLowerCase() === 'user-agent')) headers['User-Agent'] = USER_AGENT;
  if (authToken !== null) headers[SIGNATURE_HEADER] = twilioSignature(authToken, url);
  return headers;
}

function refused(code: AgentFailure['code'], detail: string): AgentDialOutcome {
  return { ok: false, failure: failure(code, detail) };
}
