// The trunk of ours that a set-up at a provider makes, and the plan that it is made by.

import type { Trunk } from '../../domain/directory.ts';
import type { ReadyTrunk, TrunkPlan } from '../../providers/index.ts';
import { COUNTRIES } from '../../routing/countries.ts';
import type { AccountRecord } from './account.ts';

/** Where calls of imported numbers are to arrive: the same for all. */
export interface PublicGateway {
  readonly host: string;
  readonly port: number;
  readonly transport: TrunkPlan['gateway']['transport'];
  readonly mediaEncryption: TrunkPlan['mediaEncryption'];
}

/** Without numbers: those are connected one by one, each with a record of its own (setup.ts). */
export function planOf({ id, sip, setup }: AccountRecord, { mediaEncryption, ...gateway }: PublicGateway): TrunkPlan {
  const { allowedCountries } = setup;
  return {
    reference: id,
    gateway,
    mediaEncryption,
    outbound: { kind: 'credentials', username: sip.username, password: sip.password },
    allowedCountries: allowedCountries === 'worldwide' ? COUNTRIES : allowedCountries,
    numbers: [],
  };
}

const LABEL_MAX = 100;
const LABELS = { twilio: 'Twilio', telnyx: 'Telnyx' } as const;

/** What people have set on the trunk meanwhile (label, limits, codecs) stays; how it is reached is the set-up’s. */
export function trunkOf(
  account: AccountRecord,
  ready: ReadyTrunk,
  id: string,
  known: Trunk | undefined,
  createdAt: number,
): Trunk {
  const { provider, workspaceId, label, sip, setup } = account;
  const { username, gateways, transport, mediaEncryption } = ready.outbound;
  return {
    id,
    createdAt: known?.createdAt ?? createdAt,
    workspaceId,
    // A Twilio trunk is a customer's own like any other; its numbers make its calls `imported`.
    kind: provider === 'telnyx' ? 'telnyx' : 'byoc',
    label: known?.label ?? labelOf(provider, label),
    inbound: { enabled: true, ...ready.inbound },
    outbound: {
      enabled: true,
      gateways,
      transport,
      mediaEncryption,
      username,
      password: username === null ? null : sip.password,
      allowedCountries: setup.allowedCountries,
    },
    codecs: known?.codecs ?? ['PCMU', 'PCMA'],
    limits: known?.limits ?? { concurrentCalls: null, callsPerSecond: null },
    natAllowed: known?.natAllowed ?? false,
  };
}

/** What the account is called at the provider may be anything. */
function labelOf(provider: AccountRecord['provider'], label: string | null): string {
  const text = `${LABELS[provider]} ${label ?? ''}`.replaceAll(/\p{Cc}/gu, ' ').trim();
  return text.slice(0, LABEL_MAX);
}
