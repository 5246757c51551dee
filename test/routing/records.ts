// Directory records for routing tests: the demo workspace of the contracts, and a maker of variations.

import type { PhoneNumber, Trunk } from '../../src/domain/directory.ts';
import { type E164, isE164 } from '../../src/domain/e164.ts';

export function e164(text: string): E164 {
  if (!isE164(text)) throw new Error(`not E.164: ${text}`);
  return text;
}

type TrunkChange = Partial<Omit<Trunk, 'inbound' | 'outbound'>> & {
  readonly inbound?: Partial<Trunk['inbound']>;
  readonly outbound?: Partial<Trunk['outbound']>;
};

export function trunk(id: string, change: TrunkChange = {}): Trunk {
  return {
    id,
    createdAt: 1,
    workspaceId: null,
    kind: 'managed',
    label: id,
    codecs: ['PCMU', 'PCMA'],
    limits: { concurrentCalls: null, callsPerSecond: null },
    natAllowed: false,
    ...change,
    inbound: { enabled: true, addresses: ['127.0.0.0/8'], mediaEncryption: 'off', ...change.inbound },
    outbound: {
      enabled: true,
      gateways: [{ host: '127.0.0.1', port: 5070, priority: 1, weight: 1 }],
      transport: 'udp',
      mediaEncryption: 'off',
      username: null,
      password: null,
      allowedCountries: 'worldwide',
      ...change.outbound,
    },
  };
}

export function number(digits: string, change: Partial<PhoneNumber> = {}): PhoneNumber {
  return {
    id: `num-${digits}`,
    createdAt: 1,
    e164: e164(digits),
    workspaceId: 'demo',
    provider: 'managed',
    trunkId: 'loopback',
    agentId: 'echo',
    supportsInbound: true,
    supportsOutbound: true,
    status: 'active',
    ...change,
  };
}

export const LOOPBACK = trunk('loopback');
export const LOOPBACK_BYOC = trunk('loopback-byoc', { kind: 'byoc', workspaceId: 'demo' });
export const DEMO_TRUNKS: readonly Trunk[] = [LOOPBACK, LOOPBACK_BYOC];

export const DEMO_NUMBERS: readonly PhoneNumber[] = [
  number('+12025550100'),
  number('+12025550101', { provider: 'byoc', trunkId: 'loopback-byoc' }),
  number('+12025550102', { agentId: null }),
  number('+12025550103', { provider: 'personal', trunkId: null, supportsInbound: false }),
  number('+12025550104', { supportsInbound: false }),
  number('+12025550105', { status: 'pending' }),
];

export const lookup = (wanted: E164) => DEMO_NUMBERS.filter((entry) => entry.e164 === wanted);
