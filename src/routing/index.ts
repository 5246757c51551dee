// The room's door: pure decisions that explain themselves.

export { callClass } from './call-class.ts';
export { countryOf } from './countries.ts';
export type { ExplanationStep, StepResult } from './explanation.ts';
export {
  formatNumber,
  type GatewayState,
  gatewayUri,
  hostPort,
  orderGateways,
  usableGateways,
} from './gateways.ts';
export { type InboundQuestion, normaliseCalledUser, routeInbound, type RouteVerdict } from './inbound.ts';
export {
  type OutboundAttempt,
  type OutboundQuestion,
  type OutboundVerdict,
  routeOutbound,
  trunkForOutbound,
} from './outbound.ts';
export { matchTrunks, type ResolvedHosts, type TrunkMatch, TrunkTable } from './trunk-match.ts';
