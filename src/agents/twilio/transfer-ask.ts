// `callin.transfer`, the event by which a runtime has its call transferred: `{"event":"callin.transfer","callin":{"transfer":{"to":"+1…"}}}`.

import type { AgentAsk } from '../../media/agent-stream.ts';

const TO_CHARACTERS_MAX = 320;
/** As many as a REFER may carry, with room for their JSON. */
const HEADERS_CHARACTERS_MAX = 8192;

/** Undefined where it cannot be read; whether it may be done is the call's to say. */
export function readTransferAsk(callin: unknown): AgentAsk | undefined {
  const transfer = isObject(callin) ? callin['transfer'] : undefined;
  if (!isObject(transfer)) return undefined;
  const { to, headers = null } = transfer;
  if (typeof to !== 'string' || to.length > TO_CHARACTERS_MAX) return undefined;
  if (JSON.stringify(headers).length > HEADERS_CHARACTERS_MAX) return undefined;
  return { type: 'transfer', to, headers: headers ?? {} };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
