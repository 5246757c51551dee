// The room's door.

export {
  type RegisteredCall,
  type RegistrationChange,
  Registrations,
  type RegistrationsOptions,
  type TrunkRegistrationView,
} from './registrations.ts';
export { DigestGuard } from './digest-guard.ts';
export { DigestServer, digestUser, type DigestServerOptions } from './digest-server.ts';
export { ENGINE_REASONS } from './engine-words.ts';
export { SignallingError } from './errors.ts';
export type { SignallingObserver, WireMessage } from './frames.ts';
export type {
  InboundEvent,
  InboundInvite,
  InboundLeg,
  LegBye,
  OriginateParams,
  OutboundEvent,
  OutboundLeg,
  Reoffer,
  Signalling,
  SignallingSource,
} from './leg.ts';
export { GatewayHosts, type GatewayHostsOptions, type Located, nextHopOf } from './gateway-hosts.ts';
export { ServerCircuits } from './server-circuits.ts';
export {
  defaultPort,
  type LocatedServers,
  type PointerRecord,
  type ServerQuestion,
  type ServiceRecord,
  type SipServer,
  SipServers,
  type SipServersOptions,
} from './sip-servers.ts';
export type { DnsAnswer } from './dns-cache.ts';
export { healthScope } from './health-rounds.ts';
export { type HealthState, isAlive } from './health-state.ts';
export type { DialogFacts, DialogLog } from './orphans.ts';
export type { Answer, Question } from './question.ts';
export { type CarrierQuestions, connectSignalling, type SignallingLog, type SignallingOptions } from './signalling.ts';
export { type CallReason, parseContacts, parseReasonHeader, parseSipAddress, type SipAddress } from './sip-text.ts';
export {
  TrunkHealth,
  type TrunkHealthChange,
  type TrunkHealthOptions,
  type TrunkHealthView,
} from './trunk-health.ts';
export { TrunkHosts, type TrunkHostsOptions } from './trunk-hosts.ts';
