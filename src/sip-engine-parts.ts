// The SIP engine as the configuration wants it: the embedded one in its thread, or the address of a drachtio-server; and what browsers are
// told to connect to.

import type { Config } from './config/schema.ts';
import type { Clock } from './domain/clock.ts';
import type { NodeKeys } from './keys.ts';
import { LineLimit } from './observability/line-limit.ts';
import type { Logger } from './observability/logger.ts';
import {
  readEngineAuthorities,
  readSipAuthorities,
  readSipCertificate,
  watchSipCertificate,
} from './sip-certificate.ts';
import { ENGINE_REASONS, type SignallingOptions } from './signalling/index.ts';
import {
  type EngineAddress,
  type EngineThread,
  type EngineThreadOptions,
  startEngineThread,
} from './sip-engine/index.ts';

export interface StartedEngine {
  /** Null: a drachtio-server of its own. */
  readonly thread: EngineThread | null;
  readonly wire: Pick<SignallingOptions, 'host' | 'port' | 'secret' | 'tls'>;
  readonly addresses: readonly EngineAddress[];
  close(): Promise<void>;
}

export interface EngineParts {
  readonly config: Config;
  readonly root: string;
  readonly keys: Pick<NodeKeys, 'derive'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onBans?: EngineThreadOptions['onBans'];
}

export function wildcardDomains({ sip }: Config): readonly string[] {
  return sip.tls.wildcards.map((domain) => domain.toLowerCase());
}

/** By name as `GET /v1/node` shows them; null = off. */
export interface SipPorts {
  readonly sipUdp: number | null;
  readonly sipTcp: number | null;
  readonly sipTls: number | null;
  readonly sipWs: number | null;
  readonly sipWss: number | null;
}

const FAULTS_PER_MINUTE = 20;
const ENGINE_HOST = '127.0.0.1';

/** @throws ConfigError for files of `sip.tls` that cannot be used. */
export function checkSipFiles(config: Config, root: string): void {
  readSipCertificate(config, root);
  readSipAuthorities(config, root);
  readEngineAuthorities(config, root);
}

export async function startSipEngine({
  config,
  root,
  keys,
  clock,
  logger,
  onBans,
}: EngineParts): Promise<StartedEngine> {
  const { sip } = config;
  if (sip.engine === 'drachtio') {
    const { host, port, secret } = sip.drachtio;
    const tls = sip.drachtio.tls ? { authorities: readEngineAuthorities(config, root) } : undefined;
    return { thread: null, wire: { host, port, secret, tls }, addresses: [], close: () => Promise.resolve() };
  }
  // A fault of ours that a message makes can be made by every stranger, as often as he likes.
  const faults = new LineLimit(clock, FAULTS_PER_MINUTE, (leftOut) =>
    logger.error({ engine: 'sip', faults: leftOut }, 'more faults in the last minute'),
  );
  const secret = keys.derive('sip-engine');
  const certificate = readSipCertificate(config, root);
  const listen = (port: number | 'off', ...hosts: readonly string[]) =>
    port === 'off' ? undefined : hosts.map((host) => ({ host, port }));
  const hosts = [sip.host, ...sip.moreHosts];
  const thread = await startEngineThread({
    udp: listen(sip.udpPort, ...hosts),
    tcp: listen(sip.tcpPort, ...hosts),
    tls: certificate === null ? undefined : listen(sip.tlsPort, ...hosts),
    ws: listen(sip.wsPort, sip.wsHost),
    wss: certificate === null ? undefined : listen(sip.wssPort, sip.host),
    certificate: certificate ?? undefined,
    trusted: readSipAuthorities(config, root),
    clients: sip.tls.clients,
    wildcards: wildcardDomains(config),
    origins: sip.wsOrigins,
    wire: { host: ENGINE_HOST, port: 0, secret },
    capture: sip.hep.host === '' ? undefined : sip.hep,
    externalAddress: sip.externalAddress ?? undefined,
    reasons: ENGINE_REASONS,
    guard: {},
    ...(onBans && { onBans }),
    onFault: (message) => {
      if (faults.may()) logger.error({ engine: 'sip' }, message);
    },
  });
  const unwatch = watchSipCertificate({
    config,
    root,
    clock,
    logger,
    onRenewed: (renewed) => thread.renewCertificate(renewed),
  });
  return {
    thread,
    wire: { host: ENGINE_HOST, port: thread.wirePort, secret },
    addresses: thread.addresses,
    close: () => {
      unwatch();
      faults.close();
      return thread.close();
    },
  };
}

export function sipPorts(addresses: readonly EngineAddress[]): SipPorts {
  const port = (protocol: string) => addresses.find((address) => address.protocol === protocol)?.port ?? null;
  return { sipUdp: port('udp'), sipTcp: port('tcp'), sipTls: port('tls'), sipWs: port('ws'), sipWss: port('wss') };
}

/** Where browsers connect; null: nowhere. */
export function webSocketUrl({ sip }: Config, addresses: readonly EngineAddress[]): string | null {
  const listener =
    addresses.find(({ protocol }) => protocol === 'wss') ?? addresses.find(({ protocol }) => protocol === 'ws');
  if (listener === undefined) return null;
  if (sip.wsUrl !== null) return sip.wsUrl;
  const isWildcard = listener.host === '0.0.0.0' || listener.host === '::';
  // A certificate names a host, not an address of a network card.
  const host = listener.protocol === 'wss' || isWildcard ? (sip.externalAddress ?? sip.host) : listener.host;
  return `${listener.protocol}://${host.includes(':') ? `[${host}]` : host}:${listener.port}`;
}
