// Accounts of customers at providers, and the numbers that were imported from them, as they are stored.
//
// Invariants
//   AC1. Keys, SIP passwords, and what a number was connected to before (it may hold a URL with a password) are sealed, and shown to nobody.
//   AC2. An account is connected to a workspace once: its identity is a unique field.

import { createHash } from 'node:crypto';
import type { RecordKind } from '../../directory/records.ts';
import type { E164 } from '../../domain/e164.ts';
import type { Notice } from '../../providers/index.ts';
import type { NumberFailure } from '../failure.ts';

export type AccountProvider = 'twilio' | 'telnyx';

export type AccountCredentials =
  | { readonly provider: 'twilio'; readonly accountSid: string; readonly authToken: string }
  | { readonly provider: 'telnyx'; readonly apiKey: string };

export interface AccountRecord {
  readonly id: string;
  readonly createdAt: number;
  readonly workspaceId: string;
  readonly provider: AccountProvider;
  /** The provider's: an Account SID; null where it tells none. */
  readonly accountId: string | null;
  readonly label: string | null;
  readonly identity: string;
  /** Secret: Auth Token or API key. */
  readonly key: string;
  readonly checkedAt: number;
  readonly notices: readonly Notice[];
  /** For calls out through the trunk; made with the account, so that a set-up that is gone on with has the same. */
  readonly sip: { readonly username: string /** Secret. */; readonly password: string };
  /** Of ours; null before the first set-up succeeded, and after it was undone. */
  readonly trunkId: string | null;
  readonly setup: SetupRecord;
}

export type SetupPhase = 'new' | 'provisioning' | 'stopped' | 'ready' | 'undoing' | 'undone';
/** `connect`: only numbers, to a trunk that is ready. */
export type RunKind = 'provision' | 'connect' | 'undo';

export interface SetupRecord {
  readonly phase: SetupPhase;
  readonly steps: readonly SetupStep[];
  /** What stopped it; null = nothing. */
  readonly failure: NumberFailure | null;
  /** Under way. A run that was not heard of for long is of a node that is gone. */
  readonly run: { readonly kind: RunKind; readonly nodeId: string; readonly aliveAt: number } | null;
  readonly allowedCountries: 'worldwide' | readonly string[];
  readonly acceptGone: boolean;
  /** The provider's trunk, once there is one. */
  readonly providerTrunkId: string | null;
  /** Secret: the trunk's record of the providers' room, as JSON; empty = none yet. */
  readonly record: string;
}

export interface SetupStep {
  readonly step: string;
  readonly text: string;
  /** `pending`: not begun. `waiting`: for the provider to show it. `found`: it was there already. */
  readonly state: 'pending' | 'started' | 'waiting' | 'found' | 'done' | 'failed';
  readonly failure: NumberFailure | null;
}

export const NEW_SETUP: SetupRecord = {
  phase: 'new',
  steps: [],
  failure: null,
  run: null,
  allowedCountries: [],
  acceptGone: false,
  providerTrunkId: null,
  record: '',
};

export const ACCOUNTS_KIND: RecordKind<AccountRecord> = {
  name: 'provider_accounts',
  fields: ({ identity, setup }) => ({ identity, running: setup.run === null ? null : 'yes' }),
  unique: ['identity'],
  secrets: (account, convert) => ({
    ...account,
    key: convert(account.key, 'key'),
    sip: { ...account.sip, password: convert(account.sip.password, 'sip.password') },
    setup: { ...account.setup, record: convert(account.setup.record, 'setup.record') },
  }),
};

export function identityOf(workspaceId: string, credentials: AccountCredentials): string {
  const { provider } = credentials;
  const account = provider === 'twilio' ? credentials.accountSid : credentials.apiKey;
  return createHash('sha256').update(`${workspaceId}\n${provider}\n${account}`).digest('hex');
}

export function keyOf(credentials: AccountCredentials): string {
  return credentials.provider === 'twilio' ? credentials.authToken : credentials.apiKey;
}

export function credentialsOf({ provider, accountId, key }: AccountRecord): AccountCredentials {
  return provider === 'twilio' ? { provider, accountSid: accountId ?? '', authToken: key } : { provider, apiKey: key };
}

/** A number of an account; with the id of the number's own record. */
export interface ImportRecord {
  readonly id: string;
  readonly createdAt: number;
  readonly workspaceId: string;
  readonly accountId: string;
  readonly providerId: string;
  readonly e164: E164;
  readonly takeOver: boolean;
  /** `wanted`: to be connected by the next run. */
  readonly state: 'wanted' | 'connected' | 'failed';
  readonly failure: NumberFailure | null;
  readonly notices: readonly Notice[];
  /** Secret: what has to be put back, as JSON; empty = nothing was changed yet. */
  readonly record: string;
}

export const IMPORTS_KIND: RecordKind<ImportRecord> = {
  name: 'number_imports',
  fields: ({ accountId, providerId, state }) => ({
    account: accountId,
    number: `${accountId}|${providerId}`,
    open: state === 'connected' ? null : accountId,
  }),
  unique: ['number'],
  secrets: (item, convert) => ({ ...item, record: convert(item.record, 'record') }),
};
