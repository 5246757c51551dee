// For calls: the servers of a trunk's gateways, and what calls find out about them.

import { ATTEMPT_TIMEOUT_MS } from './calls/attempts.ts';
import type { CarrierGateways, CarrierServer } from './calls/deps.ts';
import type { Trunk } from './domain/directory.ts';
import { hostPort, transportParameter } from './routing/index.ts';
import {
  type CarrierQuestions,
  healthScope,
  isAlive,
  nextHopOf,
  type Registrations,
  type ServerCircuits,
  type SipServer,
  type SipServers,
  type TrunkHealth,
} from './signalling/index.ts';

export interface CarrierServersParts {
  readonly servers: Pick<SipServers, 'locate'>;
  readonly circuits: ServerCircuits;
  readonly health: Pick<TrunkHealth, 'stateOf' | 'report' | 'answersOptions'>;
  readonly registrations: Pick<Registrations, 'bindingOf'>;
  /** Null: the SIP engine itself gives servers up that do not say a word. */
  readonly ask: CarrierQuestions['ask'] | null;
}

/** For an answer to the question whether a silent server is there. */
const DEAD_MS = 2_000;

interface Place extends CarrierServer {
  readonly place: SipServer;
}

export function createCarrierServers({
  servers,
  circuits,
  health,
  registrations,
  ask,
}: CarrierServersParts): CarrierGateways {
  return {
    stateOf: (trunk, gateway) => health.stateOf(trunk, gateway),
    async servers(trunk, { host, port }) {
      const judged = trunk.workspaceId !== null;
      const located = await servers.locate({ host, port, transport: trunk.outbound.transport, judged });
      if (!located.ok) return [];
      const registration = registrations.bindingOf(trunk.id);
      // Where the trunk is registered the carrier knows it best.
      const known = located.servers.filter((server) => isSame(server, registration.at));
      const others = located.servers.filter((server) => !isSame(server, registration.at));
      return circuits.inOrder([scopeOf(trunk), healthScope(judged)], [...known, ...others]).map(
        (place): Place => ({
          place,
          nextHop: nextHopFor(trunk, host, place, registration.serviceRoute),
          shown: `${place.transport} ${hostPort({ host: place.address, port: place.port })}`,
          transport: place.transport,
          address: place.address,
          restMs: circuits.restMs(scopeOf(trunk), place),
        }),
      );
    },
    ...(ask === null
      ? {}
      : {
          async isDead(trunk, gateway, server) {
            // Who never answers this question says nothing by not answering it.
            if (!health.answersOptions(trunk, gateway)) return false;
            const { host } = gateway;
            const { address, port, transport } = (server as Place).place;
            const answer = await ask({
              method: 'OPTIONS',
              uri: `sip:${hostPort(gateway)}${transportParameter(trunk.outbound.transport)}`,
              nextHop: nextHopOf(host, address, port, transport),
              domain: host,
              credentials: null,
              timeoutMs: DEAD_MS,
            });
            return answer.kind === 'silent' || answer.kind === 'unreachable';
          },
        }),
    report(trunk, gateway, server, { status, retryAfterMs }) {
      health.report(trunk, gateway, status);
      const { place } = server as Place;
      if (status !== null && isAlive(status)) circuits.answered(scopeOf(trunk), place);
      else circuits.failed(scopeOf(trunk), place);
      if (status === 503 && retryAfterMs !== null) circuits.rest(scopeOf(trunk), place, retryAfterMs);
    },
  };
}

/**
 * Two words more to the embedded engine: a server that has not said anything by then, not even 100, is given up, and the route that the registrar
 * wants. drachtio-server passes both over.
 */
function nextHopFor(
  { outbound }: Trunk,
  host: string,
  { address, port, transport }: SipServer,
  serviceRoute: readonly string[],
): string {
  const timeoutMs = outbound.attemptTimeoutMs ?? ATTEMPT_TIMEOUT_MS;
  const routes = serviceRoute.length === 0 ? '' : `;routes=${encodeURIComponent(serviceRoute.join(' '))}`;
  return `${nextHopOf(host, address, port, transport)};first-response=${timeoutMs}${routes}`;
}

function isSame(a: SipServer, b: SipServer | null): boolean {
  return b !== null && a.address === b.address && a.port === b.port && a.transport === b.transport;
}

function scopeOf({ id }: Trunk): string {
  return `trunk ${id}`;
}
