// What a number lacks to be of use, as codes of a closed list.

import type { PhoneNumber, Trunk } from '../domain/directory.ts';

export const NUMBER_WARNINGS = [
  'not_assigned_to_agent',
  'fee_unpaid',
  'outbound_suspended',
  'trunk_missing',
  'trunk_down',
  'not_connected',
] as const;
export type NumberWarning = (typeof NUMBER_WARNINGS)[number];

export interface WarningSources {
  readonly trunks: readonly Trunk[];
  /** By its health checks; undefined = it is not checked. */
  readonly isTrunkDown: (trunkId: string) => boolean;
}

/** Without sources nothing is said of trunks. */
export function warningsOf(number: PhoneNumber, sources?: WarningSources): NumberWarning[] {
  const { status, agentId, feeState, trunkId, provider } = number;
  if (status === 'released') return [];
  const isImported = provider === 'twilio' || provider === 'telnyx';
  const conditions: Readonly<Record<NumberWarning, boolean>> = {
    not_assigned_to_agent: agentId === null,
    fee_unpaid: feeState !== undefined,
    outbound_suspended: feeState === 'suspended',
    // What is being connected gets its trunk then.
    trunk_missing:
      sources !== undefined && status === 'active' && trunkId === null && !isReachable(provider, sources.trunks),
    trunk_down: trunkId !== null && sources?.isTrunkDown(trunkId) === true,
    not_connected: isImported && status === 'pending',
  };
  return NUMBER_WARNINGS.filter((warning) => conditions[warning]);
}

/** Without a trunk of its own: personal numbers go out over whichever there is, managed ones over any of the operator's. */
function isReachable(provider: PhoneNumber['provider'], trunks: readonly Trunk[]): boolean {
  if (provider === 'personal') return true;
  return provider === 'managed' && trunks.some((trunk) => trunk.kind === 'managed');
}
