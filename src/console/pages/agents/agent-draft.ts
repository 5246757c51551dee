// What a person edits of an agent, and how it becomes what the API takes. Pure.

import type { Agent, AgentProtocol } from '../../api/resources.ts';
import { newPair, type Pair } from '../../lib/pair.ts';

export interface AgentDraft {
  readonly name: string;
  readonly url: string;
  readonly protocol: AgentProtocol;
  readonly codec: 'PCMU' | 'PCMA';
  /** Empty = as it is; `clearAuthToken` takes it away. */
  readonly authToken: string;
  readonly clearAuthToken: boolean;
  readonly headers: readonly Pair[];
  readonly customParameters: readonly Pair[];
  readonly extensionEvents: boolean;
  readonly fallbackAgentId: string;
  readonly readyTimeoutMs: string;
}

export const EMPTY_AGENT: AgentDraft = {
  name: '',
  url: '',
  protocol: 'twilio',
  codec: 'PCMU',
  authToken: '',
  clearAuthToken: false,
  headers: [],
  customParameters: [],
  extensionEvents: false,
  fallbackAgentId: '',
  readyTimeoutMs: '5000',
};

export function draftOf({ name, stream, fallbackAgentId, readyTimeoutMs }: Agent): AgentDraft {
  return {
    name,
    url: stream.url,
    protocol: stream.protocol,
    codec: stream.codec,
    authToken: '',
    clearAuthToken: false,
    headers: pairsOf(stream.headers),
    customParameters: pairsOf(stream.customParameters),
    extensionEvents: stream.extensionEvents,
    fallbackAgentId: fallbackAgentId ?? '',
    readyTimeoutMs: String(readyTimeoutMs),
  };
}

export function bodyOf(draft: AgentDraft): Record<string, unknown> {
  const { url, protocol, codec, extensionEvents } = draft;
  return {
    name: draft.name.trim(),
    stream: {
      url: url.trim(),
      protocol,
      codec,
      headers: recordOf(draft.headers),
      customParameters: recordOf(draft.customParameters),
      extensionEvents,
      ...(draft.clearAuthToken ? { authToken: null } : draft.authToken === '' ? {} : { authToken: draft.authToken }),
    },
    fallbackAgentId: draft.fallbackAgentId === '' ? null : draft.fallbackAgentId,
    readyTimeoutMs: Number(draft.readyTimeoutMs),
  };
}

/** What can be said before the gateway is asked, by field as the API names it. */
export function mistakesOf(draft: AgentDraft): Readonly<Record<string, string>> {
  const timeout = Number(draft.readyTimeoutMs);
  return {
    ...(draft.name.trim() === '' ? { name: 'Give it a name' } : {}),
    ...(/^wss?:\/\/[^\s@#/]+/.test(draft.url.trim())
      ? {}
      : { 'stream.url': 'An address that begins with wss:// or ws://' }),
    ...(Number.isInteger(timeout) && timeout >= 100 && timeout <= 30_000
      ? {}
      : { readyTimeoutMs: 'Between 100 and 30 000 milliseconds' }),
  };
}

function pairsOf(record: Readonly<Record<string, string>>): Pair[] {
  return Object.entries(record).map(([name, value]) => newPair(name, value));
}

/** Lines without a name are lines that nobody filled in. */
function recordOf(pairs: readonly Pair[]): Record<string, string> {
  return Object.fromEntries(
    pairs.filter(({ name }) => name.trim() !== '').map(({ name, value }) => [name.trim(), value]),
  );
}
