// The way in: everything outside this room imports from here only, but for message/secrets.ts, which all may know (docs/architecture.md).
export type { ConnectionStats, EngineAddress, EngineOptions, EngineStats, Listen } from './engine-options.ts';
export type { Direction, DropReason, RequestCount, ResponseCount } from './dialog/statistics.ts';
export {
  EngineGoneError,
  EngineStartError,
  type EngineThread,
  type EngineThreadOptions,
  startEngineThread,
} from './engine-thread.ts';
export { type Ban, type GuardStats, SourceGuard, type TurnedAway, type Way } from './guard/guard.ts';
export { DEFAULT_GUARD_LIMITS, type GuardLimits } from './guard/limits.ts';
export type { Offence, StrangerRequest } from './guard/offences.ts';
export type { Certificate } from './transport/certificate.ts';
export { identityFault } from './transport/identity.ts';
