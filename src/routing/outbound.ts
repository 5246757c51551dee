// How a call leaves: caller id -> trunk -> destination -> gateways in order, or the reason why it does not.
//
// Invariants
//   RO1. The caller id is an active number of the calling workspace that may be shown; nobody calls in another's name.
//   RO2. One trunk is chosen: that of the caller id's number, else the workspace's default, else a managed one. Its refusal of the
//        destination is final: a dearer or less checked route is never taken instead.
//   RO3. Trunks of other workspaces are never candidates. A number that a workspace says is its own carrier's (BYOC) is proved by that carrier
//        alone: it leaves over trunks of the workspace, never over the operator's.
//   RO4. A destination whose country cannot be told (satellite, premium networks, unassigned codes) is not called, `worldwide` or not.
//        Nor is one of a country's special ranges (premium, shared cost: special-ranges.ts), unless the operator has opened it.
//   RO5. A trunk that demands encrypted audio is never used where the keys would travel in clear; calls see to the rest.
//   RO6. A gateway whose host leads to an address that calls must not go to is never tried.

import type { CallClass } from '../domain/call.ts';
import { keysWouldBeRead, type Gateway, type PhoneNumber, type Trunk } from '../domain/directory.ts';
import type { E164 } from '../domain/e164.ts';
import type { Reason } from '../domain/reasons.ts';
import { callClass } from './call-class.ts';
import { countryOf } from './countries.ts';
import { Explanation, type ExplanationStep } from './explanation.ts';
import { type GatewayState, gatewayUri, hostPort, orderGateways, usableGateways } from './gateways.ts';
import { isClosedRange } from './special-ranges.ts';

export interface OutboundQuestion {
  readonly from: E164;
  readonly to: E164;
  readonly workspaceId: string;
  /** Records of `from`; those of other workspaces are ignored. */
  readonly numbers: readonly PhoneNumber[];
  readonly trunks: readonly Trunk[];
  /** The workspace's choice; without one, its oldest trunk that can dial out. */
  readonly defaultTrunkId?: string | null;
  /** Prefixes of special ranges that the operator has opened; default: none. */
  readonly openRanges?: readonly string[];
  /** What is known of the trunks' gateways; default: nothing. */
  readonly gatewayState?: (trunk: Trunk, gateway: Gateway) => GatewayState;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

export interface OutboundAttempt {
  readonly trunk: Trunk;
  readonly gateway: Gateway;
  readonly class: CallClass;
  /** Request-URI, which is also the next hop. */
  readonly uri: string;
}

export type OutboundVerdict =
  | {
      readonly ok: true;
      readonly number: PhoneNumber;
      /** Never empty. */
      readonly attempts: readonly OutboundAttempt[];
      readonly country: string;
      readonly steps: readonly ExplanationStep[];
    }
  | { readonly ok: false; readonly reason: Reason; readonly steps: readonly ExplanationStep[] };

export function routeOutbound(question: OutboundQuestion): OutboundVerdict {
  const explanation = new Explanation();
  const { steps } = explanation;
  const number = callerId(question, explanation);
  if (number === null) return { ok: false, reason: 'caller_id_not_owned', steps };
  const trunk = chooseTrunk(question, number, explanation);
  if (trunk === null) return { ok: false, reason: 'no_route', steps };
  const { transport } = trunk.outbound;
  if (keysWouldBeRead(trunk, transport)) {
    explanation.failed(
      'trunk',
      `trunk "${trunk.label}" demands encrypted audio, whose keys would go over ${transport}`,
    );
    return { ok: false, reason: 'keys_in_clear', steps };
  }
  const country = allowedCountry(question, trunk, explanation);
  if (country === null) return { ok: false, reason: 'destination_not_allowed', steps };

  const gateways = gatewaysOf(trunk, question, explanation);
  if (gateways.length === 0) return { ok: false, reason: 'no_route', steps };
  const attempts = gateways.map((gateway) => ({
    trunk,
    gateway,
    class: callClass(trunk, number),
    uri: gatewayUri(trunk, gateway, question.to),
  }));
  return { ok: true, number, attempts, country, steps };
}

/** The trunk that a call with this number as caller id would take; undefined where none can. */
export function trunkForOutbound(
  question: Pick<OutboundQuestion, 'workspaceId' | 'trunks' | 'defaultTrunkId'>,
  number: PhoneNumber,
): Trunk | undefined {
  return chooseTrunk(question, number, new Explanation()) ?? undefined;
}

/** ISO code of the destination where a call may go there over this trunk; null where it may not (RO4). */
export function destinationOf(question: Pick<OutboundQuestion, 'to' | 'openRanges'>, trunk: Trunk): string | null {
  return allowedCountry(question, trunk, new Explanation());
}

/** RO6. In the order in which they are tried. */
function gatewaysOf(trunk: Trunk, question: OutboundQuestion, explanation: Explanation): readonly Gateway[] {
  const { gatewayState = () => 'unknown', random } = question;
  const { gateways } = trunk.outbound;
  const usable = usableGateways(gateways, (gateway) => gatewayState(trunk, gateway));
  for (const gateway of gateways) {
    if (usable.includes(gateway)) continue;
    const why = gatewayState(trunk, gateway) === 'down' ? 'does not answer' : 'leads to an address that is not allowed';
    explanation.note('gateways', `${hostPort(gateway)} ${why}`);
  }
  const ordered = orderGateways(usable, random);
  if (ordered.length === 0) explanation.failed('gateways', 'no gateway is left');
  else explanation.ok('gateways', ordered.map((gateway) => describe(gateway, gatewayState(trunk, gateway))).join(', '));
  return ordered;
}

function describe(gateway: Gateway, state: GatewayState): string {
  return `${hostPort(gateway)} (priority ${gateway.priority}, weight ${gateway.weight}, ${state})`;
}

/** RO1 */
function callerId(question: OutboundQuestion, explanation: Explanation): PhoneNumber | null {
  const { from, workspaceId } = question;
  const own = question.numbers.filter((number) => number.e164 === from && number.workspaceId === workspaceId);
  const usable = own.find(
    (number) => number.status === 'active' && number.supportsOutbound && number.feeState !== 'suspended',
  );
  if (usable !== undefined) {
    explanation.ok('caller_id', `${from} is a number of the workspace`);
    return usable;
  }
  const isSuspended = own.some((number) => number.status === 'active' && number.feeState === 'suspended');
  const seen = own.some((number) => number.status === 'active')
    ? `${from} cannot be used for outbound calls${isSuspended ? ': its monthly fee is not paid' : ''}`
    : `${from} is not an active number of the workspace`;
  explanation.failed('caller_id', seen);
  return null;
}

/** RO2, RO3 */
function chooseTrunk(
  question: Pick<OutboundQuestion, 'workspaceId' | 'trunks' | 'defaultTrunkId'>,
  number: PhoneNumber,
  explanation: Explanation,
): Trunk | null {
  const { workspaceId, defaultTrunkId = null } = question;
  // Others' trunks are not there at all: nothing is said of them.
  const known = question.trunks.filter((trunk) => trunk.workspaceId === workspaceId || trunk.workspaceId === null);
  const obstacle = (trunk: Trunk): string | null => {
    if (trunk.workspaceId === null && number.provider === 'byoc') return 'does not show numbers of customers’ carriers';
    return outboundObstacle(trunk);
  };
  const named = (id: string | null): Trunk[] => known.filter((trunk) => trunk.id === id);
  const byAge = known.toSorted((a, b) => a.createdAt - b.createdAt);
  const choices: readonly (readonly [string, readonly Trunk[]])[] = [
    ['of the caller id', named(number.trunkId)],
    ['by default of the workspace', named(defaultTrunkId).filter((trunk) => trunk.workspaceId === workspaceId)],
    ['of the workspace, its oldest', byAge.filter((trunk) => trunk.workspaceId === workspaceId)],
    ['of the operator', byAge.filter((trunk) => trunk.kind === 'managed')],
  ];
  for (const [why, trunks] of choices) {
    for (const trunk of trunks) {
      const whyNot = obstacle(trunk);
      if (whyNot !== null) {
        explanation.note('trunk', `trunk "${trunk.label}" ${why}: ${whyNot}`);
        continue;
      }
      explanation.ok('trunk', `trunk "${trunk.label}" ${why}`);
      return trunk;
    }
    if (trunks.length === 0) explanation.note('trunk', `there is no trunk ${why}`);
  }
  explanation.failed('trunk', 'no trunk can carry the call');
  return null;
}

/** Why no call can leave over it; null = one can. */
function outboundObstacle({ outbound }: Trunk): string | null {
  if (!outbound.enabled) return 'is switched off for outbound calls';
  return outbound.gateways.length === 0 ? 'has no gateway' : null;
}

/** RO4. ISO code of the destination where the trunk allows it. */
function allowedCountry(
  { to, openRanges }: Pick<OutboundQuestion, 'to' | 'openRanges'>,
  trunk: Trunk,
  explanation: Explanation,
): string | null {
  const country = countryOf(to);
  const allowed = trunk.outbound.allowedCountries;
  if (country === undefined) {
    explanation.failed('destination', `${to} is not a number of any country`);
    return null;
  }
  if (allowed !== 'worldwide' && !allowed.includes(country)) {
    explanation.failed('destination', `${to} is in ${country}, trunk "${trunk.label}" allows ${allowed.join(', ')}`);
    return null;
  }
  if (isClosedRange(to, openRanges)) {
    explanation.failed('destination', `${to} is in a range of ${country} for premium or shared-cost services`);
    return null;
  }
  explanation.ok('destination', `${to} is in ${country}`);
  return country;
}
