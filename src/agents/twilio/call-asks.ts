// The events by which a runtime has its call transferred or ended:
//
//   {"event":"callin.transfer","callin":{"transfer":{"to":"+1…","headers":{"X-…":"…"}}}}
//   {"event":"callin.hangup","callin":{"hangup":{"headers":{"X-…":"…"}}}}
//
// Read and bounded here; whether it may be done is the call's to say.

import type { AgentAsk } from '../../media/agent-stream.ts';

const TO_CHARACTERS_MAX = 320;
/** As many as a request may carry, with room for their JSON. */
const HEADERS_CHARACTERS_MAX = 8192;

/** Undefined where it cannot be read. */
export function readTransferAsk(callin: unknown): AgentAsk | undefined {
  const transfer = isObject(callin) ? callin['transfer'] : undefined;
  if (!isObject(transfer)) return undefined;
  const { to, headers } = transfer;
  if (typeof to !== 'string' || to.length > TO_CHARACTERS_MAX || !isBounded(headers)) return undefined;
  return { type: 'transfer', to, headers: headers ?? {} };
}

/** `callin` may be left out. */
export function readHangupAsk(callin: unknown): AgentAsk | undefined {
  const hangup = isObject(callin) ? callin['hangup'] : undefined;
  const headers = isObject(hangup) ? hangup['headers'] : undefined;
  return isBounded(headers) ? { type: 'hangup', headers: headers ?? {} } : undefined;
}

function isBounded(headers: unknown): boolean {
  return headers === undefined || JSON.stringify(headers).length <= HEADERS_CHARACTERS_MAX;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
