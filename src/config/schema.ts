// The configuration's shape: one schema that validates, types and (by `describe`) documents every key.
// Values come from config/default.yaml; the schema holds no defaults, so there is one place to read them.

import { type Static, Type } from 'typebox';

const object = <T extends Parameters<typeof Type.Object>[0]>(properties: T) =>
  Type.Object(properties, { additionalProperties: false });

const milliseconds = (minimum: number, maximum: number) => Type.Integer({ minimum, maximum });
const host = Type.String({ minLength: 1, maxLength: 253 });
/** 0 = pick a free port; the chosen one is logged and shown by GET /v1/node. */
const port = Type.Integer({ minimum: 0, maximum: 65_535 });
const portOrOff = Type.Union([port, Type.Literal('off')]);
/** A decimal amount, never negative. */
const price = Type.String({ pattern: '^\\d{1,9}(\\.\\d{1,9})?$' });
const addressOrNull = Type.Union([host, Type.Null()]);

export const configSchema = object({
  dataDir: Type.String({ minLength: 1 }),
  node: object({ id: Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,62}$' }) }),
  http: object({
    host,
    port,
    metricsAllowed: Type.Array(Type.String()),
    trustedProxies: Type.Array(Type.String()),
    secureCookies: Type.Boolean(),
  }),
  agents: object({ openNetworks: Type.Array(Type.String()) }),
  trunks: object({
    openNetworks: Type.Array(Type.String()),
    healthIntervalMs: milliseconds(1_000, 3_600_000),
    /** `address` or `address:port`; empty: those of the system. */
    dnsServers: Type.Array(Type.String({ minLength: 1 })),
  }),
  sip: object({
    engine: Type.Union([Type.Literal('embedded'), Type.Literal('drachtio')]),
    host,
    moreHosts: Type.Array(host, { maxItems: 16 }),
    udpPort: portOrOff,
    tcpPort: portOrOff,
    tlsPort: portOrOff,
    wsPort: portOrOff,
    wssPort: portOrOff,
    wsHost: host,
    wsOrigins: Type.Array(Type.String({ minLength: 1 })),
    wsUrl: Type.Union([Type.String({ pattern: '^wss?://[^\\s/?#]+(?:/[^\\s?#]*)?$' }), Type.Null()]),
    /** Files in PEM; '' = none. */
    tls: object({
      cert: Type.String(),
      key: Type.String(),
      ca: Type.String(),
      clients: Type.Union([Type.Literal('anybody'), Type.Literal('required')]),
      wildcards: Type.Array(Type.String({ pattern: '^[A-Za-z0-9-]+(\\.[A-Za-z0-9-]+)+$' }), { maxItems: 64 }),
    }),
    externalAddress: addressOrNull,
    /** Copies of every SIP message to a capture server; host '' = none. */
    hep: object({
      host: Type.String(),
      port,
      id: Type.Integer({ minimum: 1, maximum: 0xffffffff }),
      password: Type.String(),
    }),
    drachtio: object({ host, port, secret: Type.String(), tls: Type.Boolean(), ca: Type.String() }),
  }),
  media: object({
    host,
    externalAddress: addressOrNull,
    rtpPortMin: Type.Integer({ minimum: 1024, maximum: 65_534 }),
    rtpPortMax: Type.Integer({ minimum: 1024, maximum: 65_534 }),
    threads: Type.Union([Type.Literal('auto'), Type.Integer({ minimum: 1, maximum: 64 })]),
    firstPacketTimeoutMs: milliseconds(1_000, 3_600_000),
    silenceTimeoutMs: milliseconds(1_000, 3_600_000),
    holdTimeoutMs: milliseconds(10_000, 86_400_000),
    webrtc: Type.Union([Type.Literal('auto'), Type.Literal('werift'), Type.Literal('mediasoup'), Type.Literal('off')]),
    webrtcConnectTimeoutMs: milliseconds(1_000, 120_000),
  }),
  store: object({
    kind: Type.Union([Type.Literal('embedded'), Type.Literal('redis')]),
    redis: object({ url: Type.String(), callRecordsDays: Type.Integer({ minimum: 1, maximum: 3_650 }) }),
    deadAfterMs: milliseconds(1_000, 86_400_000),
  }),
  auth: object({
    adminToken: Type.String(),
    secretKey: Type.String(),
    formerSecretKeys: Type.Array(Type.String(), { maxItems: 8 }),
  }),
  billing: object({
    currency: Type.String({ pattern: '^[A-Z]{3}$' }),
    rates: Type.String({ minLength: 1 }),
    /** A file, or `off`. */
    supplierRates: Type.String({ minLength: 1 }),
    heartbeatMs: milliseconds(100, 10_000),
    carriers: Type.String({ minLength: 1 }),
  }),
  numbers: object({
    inventory: Type.Union([Type.Literal('auto'), Type.Literal('demo'), Type.Literal('telnyx'), Type.Literal('off')]),
    telnyx: object({ apiKey: Type.String(), connectionId: Type.String() }),
    trunkId: addressOrNull,
    prices: Type.Array(
      object({
        country: Type.Optional(Type.String({ pattern: '^[A-Z]{2}$' })),
        type: Type.Optional(Type.Union([Type.Literal('local'), Type.Literal('tollfree')])),
        setup: price,
        monthly: price,
      }),
    ),
    feeGraceMs: milliseconds(0, 31_536_000_000),
  }),
  numberRequests: object({
    /** A folder, or `off`. */
    requirements: Type.String({ minLength: 1 }),
    keptDays: Type.Integer({ minimum: 0, maximum: 3_650 }),
    abandonedDays: Type.Integer({ minimum: 1, maximum: 3_650 }),
  }),
  providers: object({
    file: Type.String({ minLength: 1 }),
    transport: Type.Union([Type.Literal('udp'), Type.Literal('tcp'), Type.Literal('tls')]),
    port: Type.Union([Type.Integer({ minimum: 1, maximum: 65_535 }), Type.Null()]),
    mediaEncryption: Type.Union([Type.Literal('off'), Type.Literal('required')]),
    allowedCountries: Type.Array(Type.String({ pattern: '^[A-Z]{2}$' }), { minItems: 1 }),
  }),
  personalNumbers: object({
    callerId: Type.String({ pattern: '^(?:\\+[1-9][0-9]{6,14})?$' }),
    trunkId: Type.Union([Type.String({ minLength: 1, maxLength: 64 }), Type.Null()]),
    callsPerDay: Type.Integer({ minimum: 1, maximum: 1_000 }),
    callsPerNumberPerDay: Type.Integer({ minimum: 1, maximum: 100 }),
  }),
  calls: object({
    ringTimeoutMs: milliseconds(1_000, 600_000),
    maxDurationMs: milliseconds(1_000, 86_400_000),
    holdProbeMs: milliseconds(5_000, 3_600_000),
    drainDeadlineMs: milliseconds(0, 86_400_000),
    concurrentMax: Type.Integer({ minimum: 1, maximum: 100_000 }),
    openRanges: Type.Array(Type.String({ pattern: '^[1-9][0-9]{1,14}$' }), { maxItems: 200 }),
  }),
  log: object({
    level: Type.Union(['trace', 'debug', 'info', 'warn', 'error', 'silent'].map((level) => Type.Literal(level))),
    maskNumbers: Type.Boolean(),
  }),
  demo: Type.Boolean(),
});

export type Config = DeepReadonly<Static<typeof configSchema>>;

type DeepReadonly<T> = T extends (infer U)[]
  ? readonly DeepReadonly<U>[]
  : T extends object
    ? { readonly [K in keyof T]: DeepReadonly<T[K]> }
    : T;
