// Calls and their bills as the API takes and shows them.

import { Type } from 'typebox';
import {
  DTMF_GAP_MS_MAX,
  DTMF_GAP_MS_MIN,
  DTMF_TEXT_CHARACTERS_MAX,
  DTMF_TEXT_PATTERN,
  DTMF_TONE_MS_MAX,
  DTMF_TONE_MS_MIN,
} from '../../domain/dtmf.ts';
import { customParameters } from './agents.ts';
import {
  durationMs,
  e164,
  id,
  money,
  nullable,
  object,
  optional,
  pageQuery,
  reason,
  time,
  timeOrNull,
  workspaceFilter,
} from './common.ts';

const billLine = object({ billedMs: durationMs, ratePerMinute: money, amount: money, rule: Type.String() });
const billRate = object(
  {
    version: Type.String({ description: 'of the price list: a hash of its content' }),
    number: Type.String(),
    prefix: nullable(Type.String()),
    effectiveFrom: timeOrNull,
    connectFee: nullable(money),
    initialMs: nullable(durationMs),
    incrementMs: nullable(durationMs),
  },
  {
    title: 'BillRate',
    description: 'the row of the price list; all but version and number null where no telephony is charged',
  },
);
export const billFields = {
  telephony: billLine,
  compute: billLine,
  total: money,
  currency: Type.String(),
  rate: nullable(billRate),
  evidence: object({ start: timeOrNull, end: timeOrNull, endedBy: nullable(Type.String()) }),
  final: Type.Boolean(),
  flags: Type.Array(Type.String()),
};
const bill = object(billFields, { title: 'Bill' });
const count = Type.Integer({ minimum: 0 });
const quality = object(
  {
    packetsReceived: count,
    packetsSent: count,
    packetsLost: count,
    packetsLate: count,
    packetsDuplicate: count,
    packetsReordered: count,
    packetsDropped: count,
    jitterMs: Type.Number({ minimum: 0 }),
    framesToAgent: count,
    framesFromAgent: count,
    agentFramesDropped: count,
  },
  { title: 'CallQuality' },
);
const detailValue = Type.Union([Type.String(), Type.Number(), Type.Boolean(), Type.Null()]);
const timelineEntry = object(
  {
    at: time,
    offsetMs: Type.Integer(),
    event: Type.String(),
    detail: optional(Type.Record(Type.String(), detailValue)),
  },
  { title: 'TimelineEntry' },
);
const direction = Type.Enum(['inbound', 'outbound']);
const callState = Type.Enum(['queued', 'ringing', 'answered', 'ended']);
const attestation = object(
  {
    level: nullable(Type.Enum(['A', 'B', 'C'])),
    source: Type.Enum(['verstat', 'p_attestation_indicator', 'identity']),
    carrierVerdict: nullable(Type.Enum(['passed', 'failed', 'not_validated'])),
    verified: Type.Boolean({ description: 'whether this gateway has checked the signature itself' }),
    origId: nullable(Type.String()),
    problem: nullable(Type.String()),
  },
  { title: 'Attestation', description: 'STIR/SHAKEN: what the carrier says of the caller’s number' },
);
const carrierReason = object(
  { sip: nullable(Type.Integer()), q850: nullable(Type.Integer()), text: nullable(Type.String()) },
  { title: 'CarrierReason', description: 'the Reason header of the carrier’s BYE, CANCEL or refusal' },
);
export const callSchema = object(
  {
    id,
    createdAt: time,
    direction,
    from: Type.String(),
    to: Type.String(),
    workspaceId: nullable(id),
    trunkId: nullable(id),
    agentId: nullable(id),
    class: nullable(Type.Enum(['managed', 'imported', 'byoc', 'browser'])),
    state: callState,
    startedAt: time,
    ringingAt: timeOrNull,
    answeredAt: timeOrNull,
    endedAt: timeOrNull,
    endReason: nullable(reason),
    sipStatus: nullable(Type.Integer()),
    quality: nullable(quality),
    timeline: Type.Array(timelineEntry),
    bill: nullable(bill),
    attestation: nullable(attestation),
    carrierReason: nullable(carrierReason),
  },
  { title: 'Call' },
);
/** domain/custom-headers.ts */
const customHeaders = Type.Record(
  Type.String({ pattern: '^[Xx]-[A-Za-z0-9](?:[A-Za-z0-9-]{0,58}[A-Za-z0-9])?$' }),
  Type.String({ maxLength: 256, pattern: '^[\\x20-\\x7e]*$' }),
  { maxProperties: 16, additionalProperties: false, description: 'X- headers of the SIP request' },
);
export const newCall = object({
  workspaceId: optional(id),
  from: e164,
  to: e164,
  agentId: optional(id),
  customParameters: optional(customParameters),
  headers: optional(customHeaders),
  byeHeaders: optional(customHeaders),
  hideCallerId: optional(Type.Boolean({ description: 'the number is for the carrier alone (RFC 3325)' })),
  ringTimeoutMs: optional(Type.Integer({ minimum: 1_000, maximum: 600_000 })),
  maxDurationMs: optional(Type.Integer({ minimum: 1_000, maximum: 86_400_000 })),
});
export const callQuery = object({
  ...pageQuery,
  ...workspaceFilter,
  state: optional(callState),
  direction: optional(direction),
});
export const transferRequest = object({
  to: optional(
    Type.String({
      minLength: 3,
      maxLength: 320,
      description: 'a number, or sip:user@host where the host is one of the trunk’s own',
    }),
  ),
  toCallId: optional({
    ...id,
    description: 'another answered call of the workspace over the same trunk, instead of to',
  }),
  headers: optional(customHeaders),
  timeoutMs: optional(
    Type.Integer({ minimum: 5_000, maximum: 180_000, description: 'how long the result is waited for' }),
  ),
});
export const transferSchema = object({ state: Type.Enum(['accepted', 'pending']) });
export const dtmfRequest = object({
  digits: Type.String({
    minLength: 1,
    maxLength: DTMF_TEXT_CHARACTERS_MAX,
    pattern: DTMF_TEXT_PATTERN,
    description: '0-9, *, #, A-D; w waits half a second, p a second',
  }),
  toneMs: optional(
    Type.Integer({ minimum: DTMF_TONE_MS_MIN, maximum: DTMF_TONE_MS_MAX, description: 'of each key, default 100' }),
  ),
  gapMs: optional(
    Type.Integer({ minimum: DTMF_GAP_MS_MIN, maximum: DTMF_GAP_MS_MAX, description: 'after each key, default 100' }),
  ),
});
export const dtmfSchema = object({ keys: Type.Integer({ minimum: 1, description: 'how many are on their way' }) });
export const hangupSchema = object({ state: Type.Enum(['ending', 'already_ended']) });
