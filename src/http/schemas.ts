// The shapes of the API: these schemas check requests and are shown in the OpenAPI document. A schema with a `title` becomes a
// component there. Limits stand at the fields.

import { type TProperties, type TSchema, Type } from 'typebox';
import { REASONS } from '../domain/reasons.ts';
import { PAGE_LIMIT_DEFAULT, PAGE_LIMIT_MAX } from './limits.ts';
import { PROBLEM_CODES } from './problems.ts';

export const object = <T extends TProperties>(properties: T, options: { title?: string; description?: string } = {}) =>
  Type.Object(properties, { additionalProperties: false, ...options });
const nullable = <T extends TSchema>(schema: T, description?: string) =>
  Type.Union([schema, Type.Null()], description === undefined ? {} : { description });
const optional = <T extends TSchema>(schema: T) => Type.Optional(schema);

// Building blocks

export const id = Type.String({
  minLength: 1,
  maxLength: 64,
  pattern: '^[A-Za-z0-9_-]+$',
  description: 'an identifier',
});
const name = Type.String({ minLength: 1, maxLength: 100 });
const time = Type.String({ format: 'date-time', description: 'an RFC 3339 time in UTC' });
const timeOrNull = nullable(time);
const durationMs = Type.Integer({ minimum: 0, description: 'milliseconds' });
const money = Type.String({ pattern: '^-?\\d{1,15}(\\.\\d{1,9})?$', description: 'a decimal amount such as "0.012"' });
/** What may be asked for: fits the ledger's 64 bits of nano-units. */
const amount = Type.String({
  pattern: '^\\d{1,9}(\\.\\d{1,9})?$',
  description: 'a positive decimal amount such as "10.00"',
});
const e164 = Type.String({
  pattern: '^\\+[1-9]\\d{6,14}$',
  description: 'a number in E.164 form such as +12025550100',
});
const cursor = Type.String({ minLength: 1, maxLength: 400, description: 'nextCursor of the previous page' });
const positive = (maximum: number) =>
  nullable(Type.Integer({ minimum: 1, maximum }), 'a positive integer, or null for no limit');
/** Printable text without line breaks: it may end up in a header. */
const line = (maxLength: number) =>
  Type.String({
    maxLength,
    pattern: '^[\\x20-\\x7e\\u00a0-\\uffff]*$',
    description: 'text without control characters',
  });
const host = Type.String({
  minLength: 1,
  maxLength: 253,
  pattern: '^[A-Za-z0-9.:_-]+$',
  description: 'a host name or an IP address',
});

const country = Type.String({ pattern: '^[A-Z]{2}$', description: 'an ISO 3166-1 country code such as US' });
const codec = Type.Enum(['PCMU', 'PCMA']);
const mediaEncryption = Type.Enum(['off', 'optional', 'required']);

export const pageQuery = {
  limit: optional(Type.Integer({ minimum: 1, maximum: PAGE_LIMIT_MAX, default: PAGE_LIMIT_DEFAULT })),
  cursor: optional(cursor),
};
const workspaceFilter = { workspaceId: optional(id) };
export const pageOf = <T extends TSchema>(item: T) =>
  object({ items: Type.Array(item), nextCursor: nullable(Type.String()) });

export const problemSchema = object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    code: Type.Enum([...PROBLEM_CODES]),
    detail: optional(Type.String()),
    errors: optional(Type.Array(object({ field: Type.String(), message: Type.String() }))),
  },
  { title: 'Problem', description: 'RFC 9457 problem details; `code` is stable.' },
);

// Node

export const nodeSchema = object(
  {
    id: Type.String(),
    version: Type.String(),
    engines: object({ sip: Type.String(), webrtc: Type.String(), store: Type.String() }),
    ports: Type.Record(Type.String(), nullable(Type.Integer())),
    state: Type.Enum(['active', 'draining']),
    activeCalls: optional(Type.Integer({ minimum: 0, description: 'operator only' })),
  },
  { title: 'Node' },
);
export const healthSchema = object({ status: Type.Enum(['ok']) });
export const readySchema = object({
  ready: Type.Literal(true),
  checks: optional(Type.Record(Type.String(), Type.Boolean())),
});

// Workspaces

const workspaceLimits = object({
  concurrentCalls: positive(100_000),
  callsPerSecond: positive(10_000),
  spendPerDay: nullable(amount, 'a positive decimal amount, or null for no limit'),
});
const billingMode = Type.Enum(['prepaid', 'postpaid']);
export const workspaceSchema = object(
  {
    id,
    createdAt: time,
    name,
    billingMode,
    balance: money,
    reserved: money,
    limits: workspaceLimits,
  },
  { title: 'Workspace' },
);
const partialLimits = Type.Partial(workspaceLimits, { additionalProperties: false });
export const newWorkspace = object({ name, billingMode: optional(billingMode), limits: optional(partialLimits) });
export const workspaceChange = object({
  name: optional(name),
  billingMode: optional(billingMode),
  limits: optional(partialLimits),
});
export const topup = object({ amount, note: optional(line(200)) });

export const keySchema = object({ id, createdAt: time, workspaceId: id, label: name }, { title: 'ApiKey' });
export const createdKeySchema = object(
  { id, createdAt: time, workspaceId: id, label: name, token: Type.String({ description: 'shown this once' }) },
  { title: 'CreatedApiKey' },
);
export const newKey = object({ label: name });

// Agents

const protocol = Type.Enum(['twilio', 'telnyx', 'jambonz', 'asterisk', 'openai', 'raw']);
const secret = Type.String({
  minLength: 1,
  maxLength: 512,
  pattern: '^[\\x21-\\x7e]+$',
  description: 'printable ASCII without blanks',
  writeOnly: true,
});
const headerName = Type.String({ pattern: "^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$" });
const headers = Type.Record(headerName, line(1024), { maxProperties: 20, additionalProperties: false });
export const customParameters = Type.Record(Type.String({ pattern: '^[A-Za-z][A-Za-z0-9_.-]{0,63}$' }), line(500), {
  maxProperties: 32,
  additionalProperties: false,
});
const streamShape = {
  url: Type.String({
    minLength: 6,
    maxLength: 2048,
    pattern: '^wss?://[^\\s@#]+$',
    description: 'a ws:// or wss:// address without user information',
  }),
  protocol,
  codec,
  headers,
  customParameters,
};
const readyTimeoutMs = Type.Integer({ minimum: 100, maximum: 30_000, description: 'milliseconds' });
export const agentSchema = object(
  {
    id,
    createdAt: time,
    workspaceId: id,
    name,
    stream: object({ ...streamShape, authTokenSet: Type.Boolean() }),
    fallbackAgentId: nullable(id),
    readyTimeoutMs,
  },
  { title: 'Agent' },
);
export const newAgent = object({
  workspaceId: optional(id),
  name,
  stream: object({
    url: streamShape.url,
    protocol,
    codec: optional(codec),
    headers: optional(headers),
    authToken: optional(nullable(secret, 'a secret, or null for none')),
    customParameters: optional(customParameters),
  }),
  fallbackAgentId: optional(nullable(id)),
  readyTimeoutMs: optional(readyTimeoutMs),
});
export const agentChange = object({
  name: optional(name),
  stream: optional(
    Type.Partial(object({ ...streamShape, authToken: nullable(secret, 'a secret, or null for none') }), {
      additionalProperties: false,
    }),
  ),
  fallbackAgentId: optional(nullable(id)),
  readyTimeoutMs: optional(readyTimeoutMs),
});

// Trunks

const gateway = object({
  host,
  port: Type.Integer({ minimum: 1, maximum: 65_535 }),
  priority: Type.Integer({ minimum: 0, maximum: 65_535 }),
  weight: Type.Integer({ minimum: 0, maximum: 65_535 }),
});
const newGateway = object({
  host,
  port: optional(gateway.properties.port),
  priority: optional(gateway.properties.priority),
  weight: optional(gateway.properties.weight),
});
const sourceAddress = Type.String({
  minLength: 1,
  maxLength: 253,
  description: 'an IP address, a CIDR block or a host name',
});
const inboundShape = {
  enabled: Type.Boolean(),
  addresses: Type.Array(sourceAddress, { maxItems: 64 }),
  mediaEncryption,
};
const allowedCountries = Type.Union([Type.Enum(['worldwide']), Type.Array(country, { maxItems: 250 })], {
  description: '"worldwide" or a list of country codes',
});
const sipUser = nullable(
  Type.String({ minLength: 1, maxLength: 128, pattern: '^[\\x21-\\x7e]+$' }),
  'printable ASCII without blanks, or null',
);
const outboundShape = {
  enabled: Type.Boolean(),
  transport: Type.Enum(['udp', 'tcp', 'tls']),
  mediaEncryption,
  username: sipUser,
  allowedCountries,
};
const trunkKind = Type.Enum(['managed', 'telnyx', 'byoc']);
const trunkLimits = object({ concurrentCalls: positive(100_000), callsPerSecond: positive(10_000) });
const codecs = Type.Array(codec, { minItems: 1, maxItems: 2, uniqueItems: true });
export const trunkSchema = object(
  {
    id,
    createdAt: time,
    workspaceId: nullable(id),
    kind: trunkKind,
    label: name,
    inbound: object(inboundShape),
    outbound: object({ ...outboundShape, gateways: Type.Array(gateway), passwordSet: Type.Boolean() }),
    codecs,
    limits: trunkLimits,
    natAllowed: Type.Boolean(),
    health: nullable(
      object({ state: Type.Enum(['up', 'down', 'unknown']), since: time, lastError: nullable(Type.String()) }),
    ),
  },
  { title: 'Trunk' },
);
const partialInbound = Type.Partial(object(inboundShape), { additionalProperties: false });
const partialOutbound = Type.Partial(
  object({
    ...outboundShape,
    gateways: Type.Array(newGateway, { maxItems: 16 }),
    password: nullable(secret, 'a secret, or null for none'),
  }),
  { additionalProperties: false },
);
const trunkSettings = {
  inbound: optional(partialInbound),
  outbound: optional(partialOutbound),
  codecs: optional(codecs),
  limits: optional(Type.Partial(trunkLimits, { additionalProperties: false })),
  natAllowed: optional(Type.Boolean()),
};
export const newTrunk = object({
  workspaceId: optional(nullable(id)),
  kind: optional(trunkKind),
  label: name,
  ...trunkSettings,
});
export const trunkChange = object({ label: optional(name), ...trunkSettings });

// Numbers

const provider = Type.Enum(['managed', 'twilio', 'telnyx', 'byoc', 'personal']);
const numberStatus = Type.Enum(['active', 'pending', 'released']);
export const numberSchema = object(
  {
    id,
    createdAt: time,
    e164,
    country: nullable(country),
    workspaceId: id,
    provider,
    trunkId: nullable(id),
    agentId: nullable(id),
    supportsInbound: Type.Boolean(),
    supportsOutbound: Type.Boolean(),
    status: numberStatus,
    warnings: Type.Array(Type.Enum(['not_assigned_to_agent'])),
  },
  { title: 'PhoneNumber' },
);
export const newNumber = object({
  workspaceId: optional(id),
  e164,
  provider: optional(provider),
  trunkId: optional(nullable(id)),
  agentId: optional(nullable(id)),
  supportsInbound: optional(Type.Boolean()),
  supportsOutbound: optional(Type.Boolean()),
});
export const numberChange = object({
  agentId: optional(nullable(id)),
  supportsInbound: optional(Type.Boolean()),
  supportsOutbound: optional(Type.Boolean()),
});
export const numberQuery = object({
  ...pageQuery,
  ...workspaceFilter,
  provider: optional(provider),
  status: optional(numberStatus),
  country: optional(country),
  assigned: optional(Type.Boolean()),
  q: optional(Type.String({ minLength: 1, maxLength: 20, pattern: '^[+0-9]+$', description: 'digits of the number' })),
});

// Calls

const reason = Type.Enum(Object.keys(REASONS));
const billLine = object({ billedMs: durationMs, ratePerMinute: money, amount: money, rule: Type.String() });
const bill = object(
  {
    telephony: billLine,
    compute: billLine,
    total: money,
    currency: Type.String(),
    evidence: object({ start: timeOrNull, end: timeOrNull, endedBy: nullable(Type.String()) }),
    final: Type.Boolean(),
    flags: Type.Array(Type.String()),
  },
  { title: 'Bill' },
);
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
  },
  { title: 'Call' },
);
export const newCall = object({
  workspaceId: optional(id),
  from: e164,
  to: e164,
  agentId: optional(id),
  customParameters: optional(customParameters),
  ringTimeoutMs: optional(Type.Integer({ minimum: 1_000, maximum: 600_000 })),
  maxDurationMs: optional(Type.Integer({ minimum: 1_000, maximum: 86_400_000 })),
});
export const callQuery = object({
  ...pageQuery,
  ...workspaceFilter,
  state: optional(callState),
  direction: optional(direction),
});
export const hangupSchema = object({ state: Type.Enum(['ending', 'already_ended']) });

// Ledger

const meter = Type.Enum(['telephony', 'compute', 'topup', 'fee', 'adjustment']);
export const postingSchema = object(
  {
    id: Type.String(),
    workspaceId: id,
    callId: nullable(Type.String()),
    meter,
    quantityMs: durationMs,
    amount: money,
    balanceAfter: money,
    at: time,
    note: Type.String(),
  },
  { title: 'Posting' },
);
export const ledgerQuery = object({
  limit: optional(
    Type.Integer({
      minimum: 1,
      maximum: 1000,
      default: PAGE_LIMIT_DEFAULT,
      description: 'at most 200 for JSON, 1000 for CSV',
    }),
  ),
  cursor: optional(cursor),
  ...workspaceFilter,
  callId: optional(id),
  meter: optional(meter),
  from: optional(time),
  to: optional(time),
});

// Route explanations

export const routeQuestion = object({
  sourceIp: Type.String({ minLength: 2, maxLength: 45, pattern: '^[0-9a-fA-F.:]+$', description: 'an IP address' }),
  from: Type.String({ minLength: 1, maxLength: 128 }),
  to: Type.String({ minLength: 1, maxLength: 128 }),
});
export const routeExplanationSchema = object(
  {
    verdict: Type.Enum(['accepted', 'refused']),
    reason: nullable(reason),
    sipStatus: Type.Integer(),
    text: Type.String(),
    trunkId: nullable(id),
    workspaceId: nullable(id),
    numberId: nullable(id),
    agentId: nullable(id),
    steps: Type.Array(
      object({ check: Type.String(), result: Type.Enum(['ok', 'failed', 'note']), seen: Type.String() }),
    ),
  },
  { title: 'RouteExplanation' },
);

export const workspaceListQuery = object({ ...pageQuery, ...workspaceFilter });
export const plainListQuery = object(pageQuery);
