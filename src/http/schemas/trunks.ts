// Trunks as the API takes and shows them. Passwords go in and never come out.

import { Type } from 'typebox';
import {
  codec,
  country,
  e164,
  host,
  id,
  mediaEncryption,
  name,
  nullable,
  object,
  optional,
  positive,
  secret,
  time,
  timeOrNull,
} from './common.ts';
import { inboundDialogShape, outboundDialogShape } from '../trunk-dialog.ts';
import { signallingShape } from '../trunk-signalling.ts';
import { SRTP_SUITES } from '../../domain/srtp.ts';
import { trunkCheckSchema } from './findings.ts';

const NUMBERS_MAX = 100;

const gateway = object({
  host,
  port: nullable(Type.Integer({ minimum: 1, maximum: 65_535 }), 'a port, or null: as the DNS says (SRV)'),
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
const transport = Type.Enum(['udp', 'tcp', 'tls']);
const numberFormat = Type.Enum(['e164', 'digits', '00', 'national']);
const stripPrefix = nullable(Type.String({ pattern: '^[0-9*#]{1,16}$' }), '1 to 16 digits, * and #, or null');
const numbersOf = nullable(country, 'the country whose national numbers are written, or null');
const inboundShape = {
  enabled: Type.Boolean(),
  addresses: Type.Array(sourceAddress, { maxItems: 64 }),
  transport: nullable(transport, 'udp, tcp or tls, or null for any'),
  calledNumberFrom: Type.Enum(['request_uri', 'to', 'p_called_party_id', 'diversion']),
  callerNumberFrom: Type.Enum(['from', 'asserted']),
  country: numbersOf,
  stripPrefix,
  mediaEncryption,
  ...inboundDialogShape,
};
const allowedCountries = Type.Union([Type.Enum(['worldwide']), Type.Array(country, { maxItems: 250 })], {
  description: '"worldwide" or a list of country codes',
});
const sipUserText = Type.String({ minLength: 1, maxLength: 128, pattern: '^[\\x21-\\x7e]+$' });
const sipUser = nullable(sipUserText, 'printable ASCII without blanks, or null');
const outboundShape = {
  enabled: Type.Boolean(),
  transport: nullable(transport, 'udp, tcp or tls, or null: as the DNS says (NAPTR, SRV)'),
  mediaEncryption,
  username: sipUser,
  register: Type.Boolean({ description: 'the trunk registers with its gateways' }),
  failoverStatuses: Type.Array(Type.Integer({ minimum: 400, maximum: 599 }), {
    maxItems: 32,
    uniqueItems: true,
    description: 'final answers after which the next gateway is tried; 408 is also no answer, 503 no connection',
  }),
  attemptTimeoutMs: Type.Integer({
    minimum: 1_000,
    maximum: 32_000,
    description: 'how long a gateway may be silent before the next one is tried',
  }),
  allowedCountries,
  callerIdMode: Type.Enum(['from_and_pai', 'from', 'pai']),
  techPrefix: stripPrefix,
  numberFormat,
  callerNumberFormat: nullable(numberFormat, 'e164, digits, 00 or national, or null: as numberFormat'),
  country: numbersOf,
  fromDomain: nullable(host, 'a host name or an IP address, or null for our own'),
  fromUser: nullable(sipUserText, 'printable ASCII without blanks, or null for the number'),
  displayName: nullable(
    Type.String({ minLength: 1, maxLength: 64, pattern: '^[^\\u0000-\\u001f\\u007f-\\u009f"\\\\<>]+$' }),
    'text of 1 to 64 characters without control characters, quotes, backslashes and angle brackets, or null',
  ),
  ...outboundDialogShape,
  identityHeader: Type.Enum(['p_asserted_identity', 'p_preferred_identity', 'remote_party_id']),
  privacy: Type.Enum(['off', 'id']),
  diversion: nullable(e164, 'a number in E.164 form, or null for none'),
  userPhone: Type.Boolean({ description: ';user=phone in URIs that hold a number' }),
  authRealm: nullable(
    Type.String({ minLength: 1, maxLength: 128, pattern: '^[\\x20-\\x7e]+$' }),
    'the only realm whose challenge is answered, or null for any',
  ),
};
const registration = object({
  user: nullable(sipUserText, 'whom calls are for, or null: the username'),
  domain: nullable(host, 'a host name or an IP address, or null: the host of the first gateway'),
  expiresSec: Type.Integer({ minimum: 60, maximum: 86_400 }),
  calledNumber: nullable(e164, 'the number that calls to the registration are for, or null: the one in To'),
});
const registrationState = object({
  state: Type.Enum(['waiting', 'registering', 'registered', 'failed', 'stopped', 'elsewhere']),
  since: time,
  expiresAt: timeOrNull,
  registrar: nullable(Type.String()),
  lastError: nullable(Type.String()),
});
const dtmf = Type.Enum(['auto', 'rfc4733', 'info', 'inband'], {
  description: 'how keys are sent: RTP telephone events, SIP INFO or tones; with inband tones are also heard',
});
const limitMs = (min: number, max: number) =>
  nullable(Type.Integer({ minimum: min, maximum: max }), `${min} to ${max}, or null for the node’s`);
const mediaTimeouts = object({
  firstPacketMs: limitMs(1_000, 3_600_000),
  silenceMs: limitMs(1_000, 3_600_000),
  heldMs: limitMs(10_000, 86_400_000),
  agentSilentMs: nullable(
    Type.Integer({ minimum: 10_000, maximum: 86_400_000 }),
    '10000 to 86400000, or null for none',
  ),
});
const trunkKind = Type.Enum(['managed', 'telnyx', 'byoc']);
const trunkLimits = object({ concurrentCalls: positive(100_000), callsPerSecond: positive(10_000) });
const codecs = Type.Array(codec, { minItems: 1, maxItems: 2, uniqueItems: true });
const srtp = object({
  suites: Type.Array(Type.Enum([...SRTP_SUITES]), { minItems: 1, maxItems: SRTP_SUITES.length, uniqueItems: true }),
  keysInClear: Type.Boolean({ description: 'keys of encrypted audio may go over UDP and TCP, where they can be read' }),
});
/** Our address to give to the carrier. */
const sbc = object({ host: Type.String(), port: Type.Integer(), transport });
const shown = {
  id,
  createdAt: time,
  workspaceId: nullable(id),
  kind: trunkKind,
  label: name,
  inbound: object({
    ...inboundShape,
    auth: nullable(object({ username: Type.String(), passwordSet: Type.Boolean() })),
    sbc: Type.Array(sbc, { description: 'our addresses to give to the carrier, one per transport' }),
  }),
  outbound: object({ ...outboundShape, registration, gateways: Type.Array(gateway), passwordSet: Type.Boolean() }),
  codecs,
  limits: trunkLimits,
  natAllowed: Type.Boolean(),
  srtp,
  ...signallingShape,
  dtmf,
  mediaTimeouts,
  registration: nullable(registrationState, 'how the registration stands, or null: the trunk does not register'),
  health: nullable(
    object({ state: Type.Enum(['up', 'down', 'unknown']), since: time, lastError: nullable(Type.String()) }),
  ),
};
export const trunkSchema = object(shown, { title: 'Trunk' });
const checks = Type.Array(trunkCheckSchema);
export const savedTrunkSchema = object({ ...shown, checks }, { title: 'SavedTrunk' });
export const trunkChecksSchema = object({ checks }, { title: 'TrunkChecks' });

const newAuth = nullable(
  object({ username: sipUserText, password: secret }),
  'username and password that the carrier must prove, or null for none',
);
const partialInbound = Type.Partial(object({ ...inboundShape, auth: newAuth }), { additionalProperties: false });
const partialOutbound = Type.Partial(
  object({
    ...outboundShape,
    registration: optional(Type.Partial(registration, { additionalProperties: false })),
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
  srtp: optional(Type.Partial(srtp, { additionalProperties: false })),
  transfer: optional(signallingShape.transfer),
  carrierTransfer: optional(signallingShape.carrierTransfer),
  redirects: optional(signallingShape.redirects),
  agentHeaders: optional(signallingShape.agentHeaders),
  attestation: optional(signallingShape.attestation),
  dtmf: optional(dtmf),
  mediaTimeouts: optional(Type.Partial(mediaTimeouts, { additionalProperties: false })),
};
const trunkNumber = object({
  e164,
  supportsInbound: optional(Type.Boolean()),
  supportsOutbound: optional(Type.Boolean()),
  agentId: optional(nullable(id)),
});
export const newTrunk = object({
  workspaceId: optional(nullable(id)),
  kind: optional(trunkKind),
  label: name,
  numbers: optional(Type.Array(trunkNumber, { maxItems: NUMBERS_MAX })),
  ...trunkSettings,
});
export const trunkChange = object({ label: optional(name), ...trunkSettings });
export const checkQuery = object({
  check: optional(
    Type.Enum(['run', 'only', 'none'], {
      default: 'run',
      description: 'run: check and save. only: check, save nothing. none: save unchecked',
    }),
  ),
});
