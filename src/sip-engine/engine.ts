// The embedded SIP engine: sockets, transactions, dialogs and the wire protocol in one object (wire protocol specification;
// RFC 3261).
//
//   peers ── transport ── transactions ── core (user agents, dialogs) ── wire protocol ── applications
//
// Closing, in this order: no new applications and requests; dialogs and transactions are dropped without a word on the wire
// (the application drains before it closes); sockets last.
import { randomBytes, randomInt, randomUUID } from 'node:crypto';
import { lookup, Resolver } from 'node:dns/promises';
import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { Capture, type CaptureOptions, type CaptureStats } from './capture/capture.ts';
import { type EngineClock, systemEngineClock } from './clock.ts';
import { CallRecords } from './dialog/call-records.ts';
import { SipCore } from './dialog/core.ts';
import { DialogTable } from './dialog/dialog-table.ts';
import type { Environment, Names } from './dialog/environment.ts';
import { LocalAddresses, type LocalListener, type Protocol } from './dialog/local-addresses.ts';
import { Branches } from './dialog/loops.ts';
import { type DropReason, type RequestCount, type ResponseCount, Statistics } from './dialog/statistics.ts';
import { type Ban, type GuardStats, SourceGuard } from './guard/guard.ts';
import type { GuardLimits } from './guard/limits.ts';
import { makeResponse } from './message/builders.ts';
import type { SipParseError } from './message/errors.ts';
import { header } from './message/headers.ts';
import type { SipRequest } from './message/message.ts';
import { serialise } from './message/serialise.ts';
import { bareHost, parseUri } from './message/uri.ts';
import { topVia } from './message/via.ts';
import { TRANSACTIONS_MAX, TRANSACTIONS_PER_SOURCE_MAX, TransactionLayer } from './transaction/layer.ts';
import { type BaseTimers, RFC3261_TIMERS } from './transaction/timers.ts';
import type { Certificate } from './transport/certificate.ts';
import { isConnectionBound, responseDestination, type Source } from './transport/flow.ts';
import type { OriginPolicy } from './transport/origin.ts';
import { TransportLayer } from './transport/transport.ts';
import { WireServer } from './wire/server.ts';

export interface Listen {
  readonly host: string;
  /** 0 picks a free port. */
  readonly port: number;
}

/** One address, or several: of either family, of each network this machine is in. A peer meets the one nearest to it. */
export type Listens = Listen | readonly Listen[];

export interface EngineOptions {
  readonly udp?: Listens | undefined;
  readonly tcp?: Listens | undefined;
  readonly tls?: Listens | undefined;
  readonly ws?: Listens | undefined;
  readonly wss?: Listens | undefined;
  /** PEM, shown by `tls` and `wss`, which need it. */
  readonly certificate?: Certificate | undefined;
  /** PEM of authorities that peers we call over TLS may rely on, beside those of this machine. */
  readonly trusted?: readonly string[] | undefined;
  /** `required`: who calls over `tls` shows a certificate of an authority we believe (mutual TLS). */
  readonly clients?: 'anybody' | 'required' | undefined;
  /** Domains whose hosts a certificate for `*.…` may name. */
  readonly wildcards?: readonly string[] | undefined;
  /** Pages that may connect over `ws` and `wss`: origins, `same-host` (default), `any`. */
  readonly origins?: OriginPolicy | undefined;
  /** Where applications connect: loopback only. */
  readonly wire: Listen & { readonly secret: string };
  /** Address peers reach us at when it is not the one we bind to. */
  readonly externalAddress?: string | undefined;
  readonly transactionsMax?: number | undefined;
  /** Of these, begun by one address. */
  readonly transactionsPerSourceMax?: number | undefined;
  /** With it floods, scanners and guesses are kept out (guard/guard.ts): its limits where they differ from the default ones. */
  readonly guard?: Partial<GuardLimits> | undefined;
  /** A server that gets a copy of every message (HEP). */
  readonly capture?: CaptureOptions | undefined;
  /** See Environment.echoGapMs. */
  readonly echoGapMs?: number | undefined;
  /** See Environment.reasons: where the operator’s words are not those of the wire protocol. */
  readonly reasons?: Readonly<Record<string, string>> | undefined;
}

/** What a test replaces. */
export interface EnginePorts {
  readonly clock?: EngineClock;
  readonly names?: Names;
  readonly timers?: BaseTimers;
  readonly resolve?: (host: string) => Promise<string | undefined>;
  readonly onBan?: (ban: Ban) => void;
  /** Told about our own mistakes: a listener that threw, a socket error that belongs to no message. */
  readonly onFault?: (error: unknown) => void;
}

export interface EngineAddress {
  readonly protocol: Protocol;
  readonly host: string;
  readonly port: number;
}

export interface EngineStats {
  readonly requests: readonly RequestCount[];
  readonly responses: readonly ResponseCount[];
  readonly dropped: Readonly<Record<DropReason, number>>;
  readonly openTransactions: number;
  readonly openDialogs: number;
  readonly applications: number;
  /** Messages the parser or the validator refused. */
  readonly malformed: number;
  /** Requests refused for want of room. */
  readonly refusedOverload: number;
  readonly connections: ConnectionStats;
  /** Null: there is no guard. */
  readonly guard: GuardStats | null;
  /** Null: no messages are copied. */
  readonly capture: CaptureStats | null;
}

/** TCP, TLS and WebSocket together. */
export interface ConnectionStats {
  readonly open: number;
  readonly accepted: number;
  readonly opened: number;
  /** Turned away at a limit. */
  readonly refused: number;
  /** Closed for what came over them: ambiguous, oversized, against RFC 6455, too slow. */
  readonly violations: number;
  readonly handshakeFailures: number;
  readonly upgradesRefused: number;
  /** Closed because their peer gave no sign of life. */
  readonly dead: number;
  /** Closed because unfinished messages took too much memory. */
  readonly memoryRefused: number;
}

export interface Engine {
  readonly wirePort: number;
  readonly addresses: readonly EngineAddress[];
  readonly guard: SourceGuard | undefined;
  stats(): EngineStats;
  /** From the next handshake on. @throws when certificate and key do not belong together; the old one stays then. */
  renewCertificate(certificate: Certificate): void;
  close(): Promise<void>;
}

const ECHO_GAP_MS = 5;

/** @throws the system's error when an address cannot be bound; WireAddressError for a wire host that is not loopback. */
export async function createEngine(options: EngineOptions, ports: EnginePorts = {}): Promise<Engine> {
  const clock = ports.clock ?? systemEngineClock;
  const names = ports.names ?? randomNames();
  const dialogs = new DialogTable();
  const guard =
    options.guard && new SourceGuard({ clock, limits: options.guard, ...(ports.onBan && { onBan: ports.onBan }) });
  // Who is in a call with us may speak from the address it gave in its Contact, and not only from that of its proxy.
  dialogs.onAdded = ({ remoteTarget }) => {
    const host = bareHost(parseUri(remoteTarget)?.host ?? '');
    if (isIP(host) !== 0) guard?.acquaint(host);
  };
  const capture = options.capture && new Capture(options.capture, clock, (error) => ports.onFault?.(error));
  const transport = new TransportLayer({ clock, inUse: (connection) => dialogs.uses(connection), guard, capture });
  const send: Environment['send'] = async (flow, bytes) => (await transport.send(flow, bytes)).outcome === 'sent';
  transport.on('fault', (error) => ports.onFault?.(error));
  const { udp = 'off', tcp = 'off', tls = 'off', ws = 'off', wss = 'off', certificate, trusted, origins } = options;
  const { clients, wildcards } = options;
  await transport.listen({ udp, tcp, tls, ws, wss, certificate, trusted, clients, wildcards, origins });

  const addresses = listeners(transport);
  const locals = localAddresses(addresses, options.externalAddress);
  const statistics = new Statistics();
  const transactions = new TransactionLayer(
    {
      clock,
      timers: ports.timers ?? RFC3261_TIMERS,
      transactionsMax: options.transactionsMax ?? TRANSACTIONS_MAX,
      transactionsPerSourceMax: options.transactionsPerSourceMax ?? TRANSACTIONS_PER_SOURCE_MAX,
      send,
      unanswered: (flow, since, method) => transport.unanswered(flow, since, method),
      responseFlow: responseDestination,
      isStranger: (address) => guard?.isTrusted(address) === false,
    },
    {
      request: (request, source, transaction) => core.request(request, source, transaction),
      ack: (request, source) => core.ack(request, source),
      strayResponse: (response, source) => core.strayResponse(response, source),
    },
  );
  const wire = new WireServer({
    ids: { newId: names.uuid, wallTimeMs: () => clock.wallTime().getTime() },
    secret: options.wire.secret,
    hostPorts: () => ({ external: locals.describe('external'), local: locals.describe('local') }),
    core: {
      requestOutside: (application, request, nextHop) => core.requestOutside(application, request, nextHop),
      requestInside: (application, dialogId, request) => core.requestInside(application, dialogId, request),
      cancel: (txnId, request) => core.cancel(txnId, request),
      respond: (txnId, response) => core.respond(txnId, response),
      proxy: (order, message, reply) => core.proxy(order, message, reply),
    },
    onFault: (error) => ports.onFault?.(error),
    applicationLost: (application) => core.applicationLost(application),
  });
  const environment: Environment = {
    clock,
    timers: ports.timers ?? RFC3261_TIMERS,
    names,
    locals,
    dialogs,
    transactions,
    applications: wire,
    records: new CallRecords(wire),
    statistics,
    resolve: ports.resolve ?? resolveHost,
    send,
    echoGapMs: options.echoGapMs ?? ECHO_GAP_MS,
    reasons: options.reasons ?? {},
  };
  const core = new SipCore(environment);

  transport.on('message', (message, source) => {
    if (message.kind === 'response') return transactions.receiveResponse(message, source);
    statistics.request('in', message.method);
    transactions.receiveRequest(message, source);
  });
  transport.on('invalid', (partial, error, source) => {
    if (partial !== undefined) answerInvalid(partial, error, source, { send, names, statistics });
  });
  transport.on('icmp', (address, port) =>
    transactions.unreachable((flow) => flow.protocol === 'udp' && flow.address === address && flow.port === port),
  );
  transport.on('closed', (connection, protocol) => {
    transactions.unreachable((flow) => flow.connection === connection);
    core.connectionLost(connection, !isConnectionBound(protocol));
  });

  let wirePort: number;
  try {
    wirePort = await wire.listen(options.wire.host, options.wire.port);
  } catch (error) {
    await Promise.all([transport.close(), capture?.close()]);
    throw error;
  }
  let closing: Promise<void> | undefined;
  return {
    wirePort,
    addresses,
    guard,
    stats: () => ({
      ...statistics.snapshot(),
      openTransactions: transactions.openCount,
      openDialogs: environment.dialogs.size,
      applications: wire.sessionCount,
      malformed: transport.stats.malformed,
      refusedOverload: transactions.refused,
      connections: connectionStats(transport),
      guard: guard?.stats() ?? null,
      capture: capture?.stats ?? null,
    }),
    renewCertificate: (renewed) => transport.renewCertificate(renewed),
    close: () => {
      closing ??= (async () => {
        core.close();
        transactions.close();
        await wire.close();
        await transport.close();
        await capture?.close();
      })();
      return closing;
    },
  };
}

function connectionStats({ stats, connections }: TransportLayer): ConnectionStats {
  return {
    open: connections,
    accepted: stats.connectionsAccepted,
    opened: stats.connectionsOpened,
    refused: stats.connectionsRefused,
    violations: stats.streamViolations,
    handshakeFailures: stats.handshakeFailures,
    upgradesRefused: stats.upgradesRefused,
    dead: stats.connectionsDead,
    memoryRefused: stats.memoryRefused,
  };
}

/**
 * Answered without state: who sends rubbish gets no place in our tables. Where its Via cannot be read the answer goes to where it came from, with
 * that Via as it was.
 */
function answerInvalid(
  partial: SipRequest,
  error: SipParseError,
  source: Source,
  use: { send: Environment['send']; names: Names; statistics: Statistics },
): void {
  if (partial.method === 'ACK' || header(partial, 'via') === undefined) return;
  const response = makeResponse(partial, error.status, error.reason, { toTag: use.names.tag() });
  use.statistics.response('out', partial.method, error.status);
  void use.send(responseDestination(topVia(partial), source), serialise(response));
}

function listeners(transport: TransportLayer): EngineAddress[] {
  return (['udp', 'tcp', 'tls', 'ws', 'wss'] as const).flatMap((protocol) =>
    transport.localAddresses(protocol).map(({ address, port }) => ({ protocol, host: address, port })),
  );
}

/**
 * Nobody can answer to `0.0.0.0`: a wildcard listener is called by the first address of this machine that leads out; that of IPv6, which takes both
 * families, by one of each.
 */
function localAddresses(addresses: readonly EngineAddress[], externalAddress: string | undefined): LocalAddresses {
  const interfaces = Object.values(networkInterfaces()).flatMap((entries) => entries ?? []);
  const outward = (family: 'IPv4' | 'IPv6') =>
    interfaces.find((entry) => entry.family === family && !entry.internal && !entry.address.startsWith('fe80:'))
      ?.address;
  const named = addresses.flatMap((listener): LocalListener[] => {
    if (!isWildcard(listener.host)) return [listener];
    const ipv4 = outward('IPv4') ?? '127.0.0.1';
    const hosts = listener.host === '0.0.0.0' ? [ipv4] : [outward('IPv6') ?? '::1', ipv4];
    return hosts.map((host) => ({ ...listener, host, bound: listener.host }));
  });
  const takesAll = addresses.some(({ host }) => isWildcard(host));
  return new LocalAddresses(named, externalAddress, takesAll ? interfaces.map(({ address }) => address) : []);
}

function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}

const dns = new Resolver({ timeout: 1_500, tries: 2 });

/**
 * Asked of the DNS itself: the system's look-up runs on the few threads that the process shares, and peers choose the names in their Contacts. That
 * one is for names of this machine and its hosts file. A name without address is an expected outcome: the transaction fails with 503.
 */
async function resolveHost(host: string): Promise<string | undefined> {
  if (host.includes('.')) {
    const answers = await Promise.allSettled([dns.resolve4(host), dns.resolve6(host)]);
    const address = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []))[0];
    const isSilent = answers.some(
      (answer) => answer.status === 'rejected' && (answer.reason as NodeJS.ErrnoException).code === 'ETIMEOUT',
    );
    if (address !== undefined || isSilent) return address;
  }
  return lookup(host).then(
    ({ address }) => address,
    () => undefined,
  );
}

/** Branches, tags and Call-IDs hold 64 random bits or more: nobody off the path can guess one (RFC 3261 section 19.3). */
function randomNames(): Names {
  const branches = new Branches();
  return {
    uuid: randomUUID,
    branch: () => branches.make(),
    isOwnBranch: (branch) => branches.isOwn(branch),
    tag: () => randomBytes(8).toString('hex'),
    sequence: () => randomInt(1, 1 << 27),
  };
}
