// The embedded SIP engine: sockets, transactions, dialogs and the wire protocol in one object (wire protocol specification;
// RFC 3261).
//
//   peers ── transport ── transactions ── core (user agents, dialogs) ── wire protocol ── applications
//
// Closing, in this order: no new applications and requests; dialogs and transactions are dropped without a word on the wire
// (the application drains before it closes); sockets last.
import { randomBytes, randomInt, randomUUID } from 'node:crypto';
import { isIP } from 'node:net';
import { Capture } from './capture/capture.ts';
import { systemEngineClock } from './clock.ts';
import { CallRecords } from './dialog/call-records.ts';
import { SipCore } from './dialog/core.ts';
import { DialogTable } from './dialog/dialog-table.ts';
import type { Environment, Names } from './dialog/environment.ts';
import { Branches } from './dialog/loops.ts';
import { Statistics } from './dialog/statistics.ts';
import type { ConnectionStats, EngineAddress, EngineOptions, EnginePorts, EngineStats } from './engine-options.ts';
import { SourceGuard } from './guard/guard.ts';
import { resolveHost } from './host-names.ts';
import { makeResponse } from './message/builders.ts';
import type { SipParseError } from './message/errors.ts';
import { header } from './message/headers.ts';
import type { SipRequest } from './message/message.ts';
import { serialise } from './message/serialise.ts';
import { bareHost, parseUri } from './message/uri.ts';
import { topVia } from './message/via.ts';
import { listeners, localAddresses } from './own-addresses.ts';
import { TRANSACTIONS_MAX, TRANSACTIONS_PER_SOURCE_MAX, TransactionLayer } from './transaction/layer.ts';
import { RFC3261_TIMERS } from './transaction/timers.ts';
import type { Certificate } from './transport/certificate.ts';
import { isConnectionBound, responseDestination, type Source } from './transport/flow.ts';
import { TransportLayer } from './transport/transport.ts';
import { WireServer } from './wire/server.ts';

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
      openRequests: core.openRequests,
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
