// What a person edits of a trunk, and how it becomes what the API takes. Pure.

import type { MediaEncryption, Transport, Trunk } from '../../api/resources.ts';
import { type LimitsDraft, limitMistakes, limitsDraftOf, limitsOf, NO_LIMITS } from '../../lib/limits.ts';
import { readNumbers } from '../../lib/phone-number.ts';
import {
  EMPTY_IDENTITY,
  type IdentityDraft,
  identityMistakes,
  identityOf,
  inboundNumbers,
  outboundIdentity,
} from './identity-draft.ts';

export interface GatewayDraft {
  readonly key: number;
  readonly host: string;
  readonly port: string;
  readonly priority: string;
  readonly weight: string;
}

export interface TrunkDraft extends IdentityDraft, LimitsDraft {
  readonly label: string;
  /** Only where the trunk is new; later ones are added under Numbers. */
  readonly numbers: string;
  readonly inbound: boolean;
  /** One per line. */
  readonly addresses: string;
  readonly inboundTransport: Transport | '';
  readonly inboundEncryption: MediaEncryption;
  readonly inboundDigest: boolean;
  readonly inboundUsername: string;
  readonly inboundPassword: string;
  readonly outbound: boolean;
  readonly gateways: readonly GatewayDraft[];
  /** '' = as the DNS says. */
  readonly transport: Transport | '';
  readonly encryption: MediaEncryption;
  readonly register: boolean;
  readonly username: string;
  /** Empty = as it is. */
  readonly password: string;
  readonly worldwide: boolean;
  readonly countries: readonly string[];
  readonly dtmf: Trunk['dtmf'];
  readonly natAllowed: boolean;
}

let lastKey = 0;

export const EMPTY_TRUNK: TrunkDraft = {
  label: '',
  numbers: '',
  inbound: true,
  addresses: '',
  inboundTransport: '',
  inboundEncryption: 'off',
  inboundDigest: false,
  inboundUsername: '',
  inboundPassword: '',
  outbound: true,
  gateways: [newGateway()],
  transport: 'udp',
  encryption: 'off',
  register: false,
  username: '',
  password: '',
  worldwide: false,
  countries: ['US', 'CA'],
  ...EMPTY_IDENTITY,
  dtmf: 'auto',
  natAllowed: false,
  ...NO_LIMITS,
};

export function newGateway(host = '', port = '', priority = '1', weight = '1'): GatewayDraft {
  lastKey += 1;
  return { key: lastKey, host, port, priority, weight };
}

export function draftOf(trunk: Trunk): TrunkDraft {
  const { label, inbound, outbound, limits, dtmf, natAllowed } = trunk;
  const gateways = outbound.gateways.map(({ host, port, priority, weight }) =>
    newGateway(host, port === null ? '' : String(port), String(priority), String(weight)),
  );
  return {
    label,
    numbers: '',
    inbound: inbound.enabled,
    addresses: inbound.addresses.join('\n'),
    inboundTransport: inbound.transport ?? '',
    inboundEncryption: inbound.mediaEncryption,
    inboundDigest: inbound.auth !== null,
    inboundUsername: inbound.auth?.username ?? '',
    inboundPassword: '',
    outbound: outbound.enabled,
    gateways: gateways.length === 0 ? [newGateway()] : gateways,
    transport: outbound.transport ?? '',
    encryption: outbound.mediaEncryption,
    register: outbound.register,
    username: outbound.username ?? '',
    password: '',
    worldwide: outbound.allowedCountries === 'worldwide',
    countries: outbound.allowedCountries === 'worldwide' ? [] : outbound.allowedCountries,
    ...identityOf(trunk),
    dtmf,
    natAllowed,
    ...limitsDraftOf(limits),
  };
}

/** `stored` = what is changed; without it the trunk is new and brings its numbers along. */
export function bodyOf(draft: TrunkDraft, stored?: Trunk): Record<string, unknown> {
  return {
    label: draft.label.trim(),
    ...(stored === undefined ? { numbers: numbersOf(draft) } : {}),
    inbound: {
      enabled: draft.inbound,
      addresses: addressesOf(draft),
      transport: draft.inboundTransport === '' ? null : draft.inboundTransport,
      mediaEncryption: draft.inboundEncryption,
      ...authOf(draft, stored),
      ...inboundNumbers(draft),
    },
    outbound: {
      enabled: draft.outbound,
      gateways: gatewaysOf(draft),
      transport: draft.transport === '' ? null : draft.transport,
      mediaEncryption: draft.encryption,
      register: draft.register,
      username: draft.username === '' ? null : draft.username,
      ...(draft.username === '' ? { password: null } : draft.password === '' ? {} : { password: draft.password }),
      allowedCountries: draft.worldwide ? 'worldwide' : draft.countries,
      ...outboundIdentity(draft),
    },
    limits: limitsOf(draft),
    dtmf: draft.dtmf,
    natAllowed: draft.natAllowed,
  };
}

/** What can be said before the gateway is asked, by field as the API names it. */
export function mistakesOf(draft: TrunkDraft, stored?: Trunk): Readonly<Record<string, string>> {
  const { wrong } = readNumbers(draft.numbers);
  const needsPassword =
    draft.inboundDigest && draft.inboundPassword === '' && stored?.inbound.auth?.username !== draft.inboundUsername;
  return {
    ...(draft.label.trim() === '' ? { label: 'Give it a name' } : {}),
    ...(wrong.length === 0 ? {} : { numbers: `Not a number in E.164 form: ${wrong.join(', ')}` }),
    ...(draft.inbound && !draft.register && addressesOf(draft).length === 0
      ? { 'inbound.addresses': 'At least one address is needed for inbound calls' }
      : {}),
    ...(draft.inboundDigest && draft.inboundUsername === ''
      ? { 'inbound.auth.username': 'A user name is needed' }
      : {}),
    ...(needsPassword ? { 'inbound.auth.password': 'A password is needed' } : {}),
    ...(draft.outbound && gatewaysOf(draft).length === 0
      ? { 'outbound.gateways': 'At least one host is needed for outbound calls' }
      : {}),
    ...(draft.outbound ? identityMistakes(draft) : {}),
    ...limitMistakes(draft),
  };
}

function numbersOf({ numbers, inbound, outbound }: TrunkDraft): object[] {
  return readNumbers(numbers).numbers.map((e164) => ({ e164, supportsInbound: inbound, supportsOutbound: outbound }));
}

function addressesOf({ addresses }: TrunkDraft): string[] {
  return addresses
    .split(/[\s,;]+/)
    .map((address) => address.trim())
    .filter((address) => address !== '');
}

/** `sip.example.com:5061` in the host field is understood, too. */
function gatewaysOf({ gateways }: TrunkDraft): object[] {
  return gateways
    .filter(({ host }) => host.trim() !== '')
    .map(({ host, port, priority, weight }) => {
      const [, name = host.trim(), portInHost = ''] = /^([^:]+):(\d{1,5})$/.exec(host.trim()) ?? [];
      const number = Number(port === '' ? portInHost : port);
      return {
        host: name,
        ...(number > 0 ? { port: number } : {}),
        priority: Number(priority) || 0,
        weight: Number(weight) || 0,
      };
    });
}

/** A password that was not typed again stays: then the whole of it is left out. */
function authOf(draft: TrunkDraft, stored?: Trunk): object {
  if (!draft.inboundDigest) return stored?.inbound.auth === null || stored === undefined ? {} : { auth: null };
  if (draft.inboundPassword === '') return {};
  return { auth: { username: draft.inboundUsername, password: draft.inboundPassword } };
}
