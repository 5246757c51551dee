// The settings of a trunk: what a change makes of the stored ones, and what may not stand in them.
//
// Invariants
//   TS1. What this gateway does not carry out is not taken: a setting that is accepted and ignored is found out at a call. Stored settings of
//        earlier versions stay as they are until somebody changes that very field.
//   TS2. All refusals are `invalid_fields` with the field's path.

import type {
  Gateway,
  SipTransport,
  Trunk,
  TrunkMediaTimeouts,
  TrunkRegistration,
  TrunkSrtp,
} from '../domain/directory.ts';
import type { DtmfMode } from '../domain/dtmf.ts';
import { parsePrefix } from '../routing/address.ts';
import { checkAttempts, DEFAULT_ATTEMPTS, DEFAULT_REGISTRATION, mergeRegistration } from './trunk-attempts.ts';
import { checkEncryption, mergeSrtp } from './trunk-encryption.ts';
import { checkIdentity } from './trunk-identity.ts';
import { NODE_TIMEOUTS } from './media-timeouts.ts';
import { invalidField } from './problems.ts';
import { mergeSignalling, type SignallingChange, type SignallingSettings } from './trunk-signalling.ts';
import { given } from './routes/lookup.ts';

const SIP_PORT = 5060;
const SIPS_PORT = 5061;
const HOST_NAME = /^(?=.{1,253}$)[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,62})(?:\.[A-Za-z0-9_][A-Za-z0-9_-]{0,62})*\.?$/;
/** A block wider than a carrier's would take in everybody's calls. */
const PREFIX_BITS_MIN = { 4: 8, 6: 16 } as const;

export type Settings = Pick<
  Trunk,
  'inbound' | 'outbound' | 'codecs' | 'limits' | 'natAllowed' | 'srtp' | 'dtmf' | 'mediaTimeouts'
> &
  SignallingSettings;

export const DEFAULT_SETTINGS: Settings = {
  inbound: {
    enabled: false,
    addresses: [],
    mediaEncryption: 'off',
    transport: null,
    auth: null,
    calledNumberFrom: 'request_uri',
    callerNumberFrom: 'from',
    country: null,
    stripPrefix: null,
  },
  outbound: {
    enabled: false,
    gateways: [],
    transport: 'udp',
    mediaEncryption: 'off',
    username: null,
    password: null,
    // Closed until somebody opens it.
    allowedCountries: [],
    callerIdMode: 'from_and_pai',
    techPrefix: null,
    numberFormat: 'e164',
    callerNumberFormat: null,
    country: null,
    fromDomain: null,
    fromUser: null,
    displayName: null,
    identityHeader: 'p_asserted_identity',
    privacy: 'off',
    diversion: null,
    userPhone: false,
    authRealm: null,
    ...DEFAULT_ATTEMPTS,
    registration: DEFAULT_REGISTRATION,
  },
  codecs: ['PCMU', 'PCMA'],
  limits: { concurrentCalls: null, callsPerSecond: null },
  natAllowed: false,
  srtp: mergeSrtp({}),
  dtmf: 'auto',
  mediaTimeouts: NODE_TIMEOUTS,
};

type NewGateway = Partial<Gateway> & Pick<Gateway, 'host'>;
type Partly<T> = { readonly [K in keyof T]?: T[K] | undefined };

export interface SettingsChange extends SignallingChange {
  readonly inbound?: Partly<Trunk['inbound']> | undefined;
  readonly outbound?:
    | (Partly<Omit<Trunk['outbound'], 'gateways' | 'registration'>> & {
        readonly gateways?: readonly NewGateway[] | undefined;
        readonly registration?: Partly<TrunkRegistration> | undefined;
      })
    | undefined;
  readonly codecs?: Trunk['codecs'] | undefined;
  readonly limits?: Partly<Trunk['limits']> | undefined;
  readonly natAllowed?: boolean | undefined;
  readonly srtp?: Partly<TrunkSrtp> | undefined;
  readonly dtmf?: DtmfMode | undefined;
  readonly mediaTimeouts?: Partly<TrunkMediaTimeouts> | undefined;
}

/** The stored settings with the given ones over them, checked as a whole. `transports`: those that this gateway has switched on. */
export function mergeSettings(stored: Settings, change: SettingsChange, transports: readonly SipTransport[]): Settings {
  checkCarriedOut(change, transports);
  const {
    inbound = {},
    outbound: { gateways, registration, ...outbound } = {},
    limits = {},
    codecs,
    natAllowed,
    srtp,
    dtmf,
    mediaTimeouts = {},
  } = change;
  const transport = outbound.transport === undefined ? stored.outbound.transport : outbound.transport;
  const result: Settings = {
    ...mergeSignalling(stored, change),
    inbound: { ...stored.inbound, ...given(inbound) },
    outbound: {
      ...stored.outbound,
      ...given(outbound),
      registration: mergeRegistration(stored.outbound, registration),
      gateways: gateways?.map((gateway) => completeGateway(gateway, transport)) ?? stored.outbound.gateways,
    },
    limits: { ...stored.limits, ...given(limits) },
    codecs: codecs ?? stored.codecs,
    natAllowed: natAllowed ?? stored.natAllowed,
    srtp: mergeSrtp(stored, srtp),
    dtmf: dtmf ?? stored.dtmf ?? 'auto',
    mediaTimeouts: { ...NODE_TIMEOUTS, ...stored.mediaTimeouts, ...given(mediaTimeouts) },
  };
  checkTogether(result);
  checkEncryption(result, change, transports);
  return result;
}

/** TS1 */
function checkCarriedOut({ inbound = {}, outbound = {} }: SettingsChange, transports: readonly SipTransport[]): void {
  const sides = { inbound, outbound };
  for (const [side, { transport = null }] of Object.entries(sides)) {
    if (transport !== null && !transports.includes(transport)) {
      throw invalidField(
        `${side}.transport`,
        `must be one that is switched on at this gateway: ${transports.join(', ')}`,
      );
    }
  }
}

function checkTogether({ inbound, outbound }: Settings): void {
  for (const [index, address] of inbound.addresses.entries()) checkAddress(`inbound.addresses.${index}`, address);
  // Where a trunk is registered, calls come from there.
  if (inbound.enabled && inbound.addresses.length === 0 && outbound.register !== true) {
    throw invalidField('inbound.addresses', 'at least one address is needed for inbound calls');
  }
  if (outbound.enabled && outbound.gateways.length === 0) {
    throw invalidField('outbound.gateways', 'at least one gateway is needed for outbound calls');
  }
  for (const [index, { host }] of outbound.gateways.entries()) checkHost(`outbound.gateways.${index}.host`, host);
  if (outbound.password !== null && outbound.username === null) {
    throw invalidField('outbound.username', 'is needed with a password');
  }
  const domain = outbound.registration?.domain ?? null;
  if (domain !== null) checkHost('outbound.registration.domain', domain);
  checkAttempts(outbound);
  checkIdentity({ inbound, outbound });
}

/** Of a name without a port the DNS says the port; an address has nobody to say it. */
function completeGateway(gateway: NewGateway, transport: SipTransport | null): Gateway {
  const { host, priority = 1, weight = 1 } = gateway;
  const usual = transport === 'tls' ? SIPS_PORT : SIP_PORT;
  const port = gateway.port ?? (parsePrefix(host) === undefined ? null : usual);
  return { host, port, priority, weight };
}

function checkAddress(field: string, address: string): void {
  const prefix = parsePrefix(address);
  if (prefix !== undefined) {
    const bits = PREFIX_BITS_MIN[prefix.family];
    if (prefix.length < bits) throw invalidField(field, `the block must not be wider than /${bits}`);
    return;
  }
  if (!isHostName(address)) throw invalidField(field, 'must be an IP address, a CIDR block or a host name');
}

function checkHost(field: string, host: string): void {
  const isAddress = parsePrefix(host) !== undefined && !host.includes('/');
  if (!isAddress && !isHostName(host)) throw invalidField(field, 'must be an IP address or a host name');
}

/** What looks like a number but is no address (octal, hexadecimal, too many or few parts) would be read differently by different resolvers. */
function isHostName(text: string): boolean {
  const isNumeric = /^[\d.]+$|[:/]/.test(text) || /^(?:0x[0-9a-f]*|\d+)(?:\.(?:0x[0-9a-f]*|\d+)){0,3}$/i.test(text);
  return !isNumeric && HOST_NAME.test(text);
}
