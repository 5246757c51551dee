// Trunks as the API takes and shows them. The password goes in and never comes out.

import { Type } from 'typebox';
import {
  codec,
  country,
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
} from './common.ts';

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
  transport: Type.Enum(['udp', 'tcp']),
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
