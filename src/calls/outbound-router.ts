// The routing decision for a call to the network, with what it needs looked up: the caller id's records, trunks, the workspace's default. One
// function for real calls and for `/v1/route-explanations`, so that the explanation cannot differ from what happens.

import type { Directory } from '../directory/directory.ts';
import type { PhoneNumber } from '../domain/directory.ts';
import type { E164 } from '../domain/e164.ts';
import { type OutboundVerdict, routeOutbound } from '../routing/index.ts';
import type { CarrierGateways } from './deps.ts';

export interface OutboundRouterDeps {
  readonly directory: Pick<Directory, 'allTrunks' | 'numbers' | 'workspaces'>;
  readonly gateways: Pick<CarrierGateways, 'stateOf'>;
  readonly random: () => number;
  readonly openRanges?: readonly string[];
}

export interface OutboundCaller {
  readonly workspaceId: string;
  readonly from: E164;
  /** The record of `from` where it is in no directory. */
  readonly caller?: PhoneNumber | undefined;
}

/** As the directory is now; to be asked about as many numbers as it takes. */
export type RouteTo = (to: E164) => OutboundVerdict;

export async function outboundRoutes(
  { directory, gateways, random, openRanges = [] }: OutboundRouterDeps,
  { workspaceId, from, caller }: OutboundCaller,
): Promise<RouteTo> {
  const [known, trunks, workspace] = await Promise.all([
    caller === undefined ? directory.numbers.byE164(from) : [caller],
    directory.allTrunks(),
    directory.workspaces.get(workspaceId),
  ]);
  const numbers = known.filter((number) => number.workspaceId === workspaceId);
  const defaultTrunkId = workspace?.defaultTrunkId ?? null;
  const gatewayState = gateways.stateOf.bind(gateways);
  const question = { from, workspaceId, numbers, trunks, defaultTrunkId, random, gatewayState, openRanges };
  return (to) => routeOutbound({ ...question, to });
}
