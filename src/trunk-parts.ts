// Trunks of a node: where their gateways are, how those are, and what can be checked about them; joined with the directory, metrics and the
// live events.

import { getCACertificates } from 'node:tls';
import { createAddressPolicy } from './agents/address-policy.ts';
import type { CarrierGateways } from './calls/deps.ts';
import { createCarrierServers } from './carrier-servers.ts';
import type { Claims } from './cluster/claims.ts';
import { TrunkChecks } from './diagnosis/trunk-checks.ts';
import type { Directory } from './directory/directory.ts';
import type { Clock, Timer } from './domain/clock.ts';
import type { SipTransport, Trunk } from './domain/directory.ts';
import type { EventHub } from './observability/event-hub.ts';
import type { Logger } from './observability/logger.ts';
import type { Metrics } from './observability/metrics.ts';
import type { ResolvedHosts } from './routing/index.ts';
import {
  type CarrierQuestions,
  GatewayHosts,
  type Registrations,
  ServerCircuits,
  type Signalling,
  SipServers,
  TrunkHealth,
} from './signalling/index.ts';
import { identityFault } from './sip-engine/index.ts';
import { startRegistrations } from './registration-parts.ts';
import { type CarrierNames, serviceTargets } from './trunk-names.ts';
import { type SipListener, viewTime } from './http/views.ts';

export interface TrunkParts {
  readonly directory: Pick<Directory, 'allTrunks'>;
  readonly signalling: Signalling & CarrierQuestions;
  readonly names: CarrierNames;
  readonly resolvedHosts: (trunks: readonly Trunk[]) => ResolvedHosts;
  /** CIDR blocks beside the public Internet in which customers' gateways may be. */
  readonly openNetworks: readonly string[];
  readonly healthIntervalMs: number;
  /** PEM of authorities that carriers called over TLS may rely on, beside those of this machine. */
  readonly authorities: readonly string[];
  /** Domains whose hosts a certificate for `*.…` may name. */
  readonly wildcardDomains: readonly string[];
  /** Address that carriers see, where it is not the one that the engine listens on. */
  readonly externalAddress: string | null;
  /** The SIP engine leaves servers that do not say a word to an INVITE: the embedded one does. */
  readonly engineGivesUpSilence: boolean;
  /** Secret of the Contacts that carriers are given. */
  readonly registrationKey: string;
  readonly claims: Claims;
  readonly hub: EventHub;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly logger: Logger;
}

export interface Trunks {
  readonly health: TrunkHealth;
  readonly registrations: Registrations;
  readonly checks: TrunkChecks;
  /** For calls. */
  readonly gateways: CarrierGateways;
  /** Where carriers reach us now, one per transport. */
  listeners(): readonly SipListener[];
  /** A trunk was saved or deleted. */
  changed(): Promise<void>;
  close(): Promise<void>;
}

const REFRESH_MS = 30_000;

export function startTrunks(parts: TrunkParts): Trunks {
  const { clock, directory, signalling, metrics, logger, hub } = parts;
  const hosts = new GatewayHosts({
    clock,
    resolve: parts.names.addresses,
    addressAllowed: createAddressPolicy(parts.openNetworks),
  });
  const circuits = new ServerCircuits(clock);
  const servers = new SipServers({
    clock,
    random: Math.random,
    services: parts.names.services,
    pointers: parts.names.pointers,
    hosts,
    transports: () => listenersOf(signalling.addresses, null).map(({ transport }) => transport),
  });
  const ask = signalling.ask.bind(signalling);
  const health = new TrunkHealth({
    clock,
    hosts,
    servers,
    circuits,
    ask,
    random: Math.random,
    connected: () => signalling.connected,
    log: logger,
    intervalMs: parts.healthIntervalMs,
  });
  health.onChange(({ trunkId, workspaceId, state, since, lastError }) =>
    hub.publish({ name: 'trunk_health', workspaceId, data: { trunkId, state, since: viewTime(since), lastError } }),
  );
  showHealth(health, metrics);
  const checks = new TrunkChecks({
    clock,
    hosts,
    servers,
    ask,
    services: (name) => serviceTargets(parts.names, name),
    // As the SIP engine judges certificates, so that a check says what a call will find.
    ca: parts.authorities.length === 0 ? undefined : [...getCACertificates('default'), ...parts.authorities],
    identityFault: (host, certificate) => identityFault(host, certificate, parts.wildcardDomains),
    allTrunks: () => directory.allTrunks(),
    resolvedHosts: parts.resolvedHosts,
  });
  const registrations = startRegistrations({ ...parts, servers, health, key: parts.registrationKey });
  const changed = async (): Promise<void> => {
    const all = await directory.allTrunks();
    health.watch(all);
    registrations.watch(all);
  };
  // Where several nodes share a directory, others save trunks as well.
  let timer: Timer;
  let isOpen = true;
  const again = (): void => {
    if (!isOpen) return;
    timer = clock.setTimer(() => {
      void changed()
        .catch((error: unknown) =>
          logger.warn({ err: error }, 'trunks could not be read; their health goes on as it was'),
        )
        .finally(again);
    }, REFRESH_MS);
  };
  again();
  return {
    health,
    registrations,
    checks,
    gateways: createCarrierServers({
      servers,
      circuits,
      health,
      registrations,
      ask: parts.engineGivesUpSilence ? null : ask,
    }),
    listeners: () => listenersOf(signalling.addresses, parts.externalAddress),
    changed,
    async close() {
      isOpen = false;
      timer.cancel();
      health.close();
      await registrations.close();
    },
  };
}

/** `udp/192.0.2.1:5060`, … as the engine says it. WebSocket is for browsers, not for carriers. */
function listenersOf(addresses: readonly string[], externalAddress: string | null): readonly SipListener[] {
  return addresses.flatMap((text) => {
    const [, transport, host = '', port] = /^(udp|tcp|tls)\/\[?(.+?)\]?:(\d+)$/.exec(text) ?? [];
    if (transport === undefined) return [];
    return [{ host: externalAddress ?? host, port: Number(port), transport: transport as SipTransport }];
  });
}

/** `callin_trunk_up` of trunks that nobody has judged yet, or that are gone, has no line. */
function showHealth(health: TrunkHealth, metrics: Metrics): void {
  let shown = new Set<string>();
  metrics.onCollect(() => {
    const judged = [...health.all()].filter(([, { state }]) => state !== 'unknown');
    for (const [trunk, { state }] of judged) metrics.trunkUp.set({ trunk }, state === 'up' ? 1 : 0);
    const ids = new Set(judged.map(([id]) => id));
    for (const trunk of shown) if (!ids.has(trunk)) metrics.trunkUp.remove({ trunk });
    shown = ids;
  });
}
