// The settings of a trunk that say where calls go next and how it registers: defaults, merge, what may not stand in them, and how they are shown.

import type { Trunk, TrunkRegistration } from '../domain/directory.ts';
import { normaliseE164 } from '../domain/e164.ts';
import { invalidField } from './problems.ts';
import { given } from './routes/lookup.ts';

type Outbound = Trunk['outbound'];
type Partly<T> = { readonly [K in keyof T]?: T[K] | undefined };

export const DEFAULT_ATTEMPTS = {
  failoverStatuses: [408, 500, 502, 503, 504],
  attemptTimeoutMs: 6_000,
  register: false,
} as const satisfies Partial<Outbound>;
export const DEFAULT_REGISTRATION: TrunkRegistration = {
  user: null,
  domain: null,
  expiresSec: 600,
  calledNumber: null,
};

/** Answers of the called party, and those that are no end: there is nothing to try elsewhere. */
const NEVER_NEXT = new Set([401, 407, 486, 487]);

export function mergeRegistration(stored: Outbound, change: Partly<TrunkRegistration> = {}): TrunkRegistration {
  return { ...DEFAULT_REGISTRATION, ...stored.registration, ...given(change) };
}

export function checkAttempts({ failoverStatuses = [], gateways, register, registration, username }: Outbound): void {
  const never = failoverStatuses.findIndex((status) => NEVER_NEXT.has(status));
  if (never !== -1) {
    throw invalidField(`outbound.failoverStatuses.${never}`, 'is an answer after which no other gateway is tried');
  }
  if (register !== true) return;
  if (gateways.length === 0) throw invalidField('outbound.gateways', 'at least one gateway is needed to register');
  if ((registration?.user ?? username) === null) throw invalidField('outbound.username', 'is needed to register');
  const number = registration?.calledNumber ?? null;
  if (number !== null && normaliseE164(number) === undefined) {
    throw invalidField('outbound.registration.calledNumber', 'must be a number in E.164 form');
  }
}

export function viewAttempts(outbound: Outbound): object {
  const { register, failoverStatuses, attemptTimeoutMs } = { ...DEFAULT_ATTEMPTS, ...outbound };
  return {
    register,
    registration: { ...DEFAULT_REGISTRATION, ...outbound.registration },
    failoverStatuses,
    attemptTimeoutMs,
  };
}
