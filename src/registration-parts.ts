// Registrations of a node: joined with the directory's trunks, the cluster's claims, health, metrics and the live events.

import { randomBytes } from 'node:crypto';
import type { Claims } from './cluster/claims.ts';
import type { Clock } from './domain/clock.ts';
import { viewRegistration } from './http/views.ts';
import type { EventHub } from './observability/event-hub.ts';
import type { Logger } from './observability/logger.ts';
import type { Metrics } from './observability/metrics.ts';
import {
  type CarrierQuestions,
  Registrations,
  type Signalling,
  type SipServers,
  type TrunkHealth,
} from './signalling/index.ts';

export interface RegistrationParts {
  readonly signalling: Signalling & CarrierQuestions;
  readonly servers: Pick<SipServers, 'locate'>;
  readonly health: Pick<TrunkHealth, 'onReturn'>;
  /** Secret of the Contacts. */
  readonly key: string;
  readonly claims: Claims;
  readonly hub: EventHub;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly logger: Logger;
}

export function startRegistrations(parts: RegistrationParts): Registrations {
  const { signalling, servers, health, key, claims, hub, clock, metrics, logger } = parts;
  const registrations = new Registrations({
    clock,
    random: Math.random,
    newId: () => randomBytes(16).toString('hex'),
    newCnonce: () => randomBytes(8).toString('hex'),
    key,
    servers,
    send: (request) => signalling.send(request),
    ready: () => signalling.connected,
    claims,
    log: logger,
    onTried: (result) => metrics.registrationsTotal.inc({ result }),
  });
  registrations.onChange(({ trunkId, workspaceId, ...view }) =>
    hub.publish({ name: 'trunk_registration', workspaceId, data: { trunkId, ...viewRegistration(view) } }),
  );
  // A registrar that was away may have lost what it knew.
  health.onReturn((trunkId) => registrations.refresh(trunkId));
  showRegistrations(registrations, metrics);
  return registrations;
}

/** `callin_trunk_registered` of trunks that another node registers has no line here. */
function showRegistrations(registrations: Registrations, metrics: Metrics): void {
  let shown = new Set<string>();
  metrics.onCollect(() => {
    const own = [...registrations.all()].filter(([, { state }]) => state !== 'elsewhere');
    for (const [trunk, { state }] of own) metrics.trunkRegistered.set({ trunk }, state === 'registered' ? 1 : 0);
    const ids = new Set(own.map(([id]) => id));
    for (const trunk of shown) if (!ids.has(trunk)) metrics.trunkRegistered.remove({ trunk });
    shown = ids;
  });
}
