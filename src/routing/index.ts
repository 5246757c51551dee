// The room's door: pure decisions that explain themselves.

export { callClass } from './call-class.ts';
export type { CalledParty } from './called-number.ts';
export { countryOf } from './countries.ts';
export type { ExplanationStep, StepResult } from './explanation.ts';
export {
  calledUser,
  type GatewayState,
  gatewayUri,
  hostPort,
  inDrawnOrder,
  orderGateways,
  transportParameter,
  usableGateways,
} from './gateways.ts';
export { type NumberNotation, readNumber, writeNumber } from './number-plan.ts';
export { calledNumbers, type InboundQuestion, routeInbound, type RouteVerdict } from './inbound.ts';
export {
  destinationOf,
  type OutboundAttempt,
  type OutboundQuestion,
  type OutboundVerdict,
  routeOutbound,
  trunkForOutbound,
} from './outbound.ts';
export { matchTrunks, type ResolvedHosts, type TrunkMatch, TrunkTable } from './trunk-match.ts';
