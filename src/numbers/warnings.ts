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

export function warningsOf(number: PhoneNumber, { trunks, isTrunkDown }: WarningSources): NumberWarning[] {
  const { status, agentId, feeState, trunkId, provider } = number;
  if (status === 'released') return [];
  const isImported = provider === 'twilio' || provider === 'telnyx';
  const conditions: Readonly<Record<NumberWarning, boolean>> = {
    not_assigned_to_agent: agentId === null,
    fee_unpaid: feeState !== undefined,
    outbound_suspended: feeState === 'suspended',
    // Personal numbers go out over whichever trunk there is.
    trunk_missing: trunkId === null && provider !== 'personal' && !(provider === 'managed' && hasManaged(trunks)),
    trunk_down: trunkId !== null && isTrunkDown(trunkId),
    not_connected: isImported && status === 'pending',
  };
  return NUMBER_WARNINGS.filter((warning) => conditions[warning]);
}

function hasManaged(trunks: readonly Trunk[]): boolean {
  return trunks.some((trunk) => trunk.kind === 'managed');
}
