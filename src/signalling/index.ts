// The room's door.

export { SignallingError } from './errors.ts';
export type { SignallingObserver } from './frames.ts';
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
export { connectSignalling, type SignallingLog, type SignallingOptions } from './signalling.ts';
export { type CallReason, parseReasonHeader } from './sip-text.ts';
export { TrunkHosts, type TrunkHostsOptions } from './trunk-hosts.ts';
