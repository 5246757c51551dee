// One gateway of a trunk, from its name to its opinion of our credentials. Each step needs the one before: the first that fails ends the row, and
// what it says is what there is to do.
//
//   gateway_address ─▶ gateway_connect (tcp, tls) ─▶ gateway_tls (tls) ─▶ gateway_options ─▶ credentials
//
// Invariant GC1. Nothing is sent to an address that the policy does not allow, and nothing that changes something at the carrier.

import { isIP } from 'node:net';
import type { SecureContextOptions } from 'node:tls';
import type { Clock } from '../domain/clock.ts';
import type { Gateway, SipTransport, Trunk } from '../domain/directory.ts';
import { hostPort, transportParameter } from '../routing/index.ts';
import {
  type Answer,
  type LocatedServers,
  nextHopOf,
  type Question,
  type SipServer,
  type SipServers,
} from '../signalling/index.ts';
import { ADVICE, advise, DOCS } from './advice.ts';
import { credentialsFinding } from './credentials.ts';
import type { Deadline } from './deadline.ts';
import { type Finding, failed, ok, warning } from './finding.ts';
import { type ReachOutcome, reach, reachTls, type TlsOutcome, type TlsTarget } from './reach.ts';

export interface GatewayCheckParts {
  readonly clock: Clock;
  readonly servers: Pick<SipServers, 'locate'>;
  readonly ask: (question: Question) => Promise<Answer>;
  /** Targets of `_sip._udp.host` and the like, `host:port`; rejects where there are none. */
  readonly services: (name: string) => Promise<readonly string[]>;
  /** PEM of the authorities that are trusted; undefined = those of the runtime. */
  readonly ca?: SecureContextOptions['ca'] | undefined;
  /** See TlsTarget. */
  readonly identityFault?: TlsTarget['identityFault'];
}

const CONNECT_MS = 2_000;
const TLS_MS = 2_500;
export const OPTIONS_MS = 3_000;

export async function checkGateway(
  trunk: Trunk,
  gateway: Gateway,
  deadline: Deadline,
  parts: GatewayCheckParts,
): Promise<readonly Finding[]> {
  const subject = hostPort(gateway);
  const { transport: wanted } = trunk.outbound;
  const { host, port } = gateway;
  const judged = trunk.workspaceId !== null;
  const located = await parts.servers.locate({ host, port, transport: wanted, judged });
  const [server] = located.ok ? located.servers : [];
  if (!located.ok || server === undefined) return [await addressFinding(located, gateway, trunk, parts)];
  const address = addressSeen(gateway, located.servers);
  const { transport } = server;

  const connection = transport === 'udp' ? [] : await checkConnection(gateway, server, deadline, parts);
  if (connection.some(({ state }) => state === 'failed')) return [address, ...connection];

  const question: Question = {
    method: 'OPTIONS',
    uri: `sip:${subject}${transportParameter(wanted)}`,
    nextHop: nextHopOf(host, server.address, server.port, transport),
    domain: gateway.host,
    credentials: credentialsOf(trunk),
    timeoutMs: deadline.atMost(OPTIONS_MS),
  };
  const answer = await parts.ask(question);
  const credentials = await credentialsFinding(answer, subject, question, { ...parts, deadline });
  return [address, ...connection, optionsFinding(answer, subject, transport), ...credentials];
}

function credentialsOf({ outbound: { username, password } }: Trunk): Question['credentials'] {
  return username !== null && password !== null ? { username, password } : null;
}

function addressSeen({ host, port }: Gateway, servers: readonly SipServer[]): Finding {
  const places = servers.map((server) =>
    port === null ? `${server.transport} ${hostPort({ host: server.address, port: server.port })}` : server.address,
  );
  const seen =
    isIP(host) === 0
      ? `It leads to ${[...new Set(places)].join(', ')}.`
      : 'It is an address: there is nothing to look up.';
  return ok('gateway_address', seen, { subject: host });
}

async function addressFinding(
  located: LocatedServers,
  { host }: Gateway,
  trunk: Trunk,
  parts: GatewayCheckParts,
): Promise<Finding> {
  if (!located.ok && located.code === 'not_allowed') {
    return failed(
      'gateway_address',
      `It leads to ${located.address}, a private, local or reserved address. Nothing is sent there.`,
      'Enter the public address of your provider. If your carrier really is in a private network, the operator of this gateway has to open it.',
      { subject: host, docs: DOCS.networks },
    );
  }
  const services = await servicesOf(host, trunk, parts);
  const hint =
    services.length > 0
      ? `The provider publishes servers for this name (SRV): enter them as gateways: ${services.join(', ')}.`
      : 'Look for typing errors in the name, or ask your provider for the name of its SIP server.';
  const seen =
    !located.ok && located.code === 'timeout'
      ? 'The DNS did not answer about it in time.'
      : 'It has no address in the DNS (A, AAAA).';
  return failed('gateway_address', seen, advise(ADVICE.trunkSettings, hint), {
    subject: host,
    docs: DOCS.outbound,
  });
}

const SERVICE = { udp: '_sip._udp', tcp: '_sip._tcp', tls: '_sips._tcp' } as const;
const SERVICES_SHOWN_MAX = 4;

async function servicesOf(host: string, trunk: Trunk, parts: GatewayCheckParts): Promise<readonly string[]> {
  const name = `${SERVICE[trunk.outbound.transport ?? 'udp']}.${host}`;
  // Most names have none; that is not news.
  return (await parts.services(name).catch(() => [])).slice(0, SERVICES_SHOWN_MAX);
}

async function checkConnection(
  gateway: Gateway,
  { address, port, transport }: SipServer,
  deadline: Deadline,
  { clock, ca, identityFault }: GatewayCheckParts,
): Promise<readonly Finding[]> {
  const { host } = gateway;
  const subject = hostPort(gateway);
  const connected = await reach({ address, port, clock, timeoutMs: deadline.atMost(CONNECT_MS) });
  const connection = connectFinding(connected, subject);
  if (transport !== 'tls' || !connected.ok) return [connection];
  const name = isIP(host) === 0 ? host : null;
  const timeoutMs = deadline.atMost(TLS_MS);
  const secured = await reachTls({ address, port, name, clock, timeoutMs, ca, identityFault });
  return [connection, tlsFinding(secured, subject)];
}

function connectFinding(outcome: ReachOutcome, subject: string): Finding {
  const step = 'gateway_connect';
  if (outcome.ok) return ok(step, `A connection was made in ${outcome.elapsedMs} ms.`, { subject });
  if (outcome.code === 'ECONNREFUSED') {
    const advice = advise(
      ADVICE.trunkSettings,
      'The server is there, but nothing listens on this port: ask your provider for port and transport.',
    );
    return failed(step, 'It refuses connections.', advice, { subject, docs: DOCS.outbound });
  }
  const advice = advise(ADVICE.trunkSettings, 'A firewall on either side may also be in the way.');
  return failed(step, `No connection could be made: ${outcome.code}.`, advice, { subject, docs: DOCS.outbound });
}

const CERTIFICATE_FAULTS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'the certificate has expired',
  CERT_NOT_YET_VALID: 'the certificate is not valid yet',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'the certificate is signed by nobody but itself',
  SELF_SIGNED_CERT_IN_CHAIN: 'the certificate comes from an authority that is not trusted here',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'the certificate comes from an authority that is not trusted here',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'the server does not send the certificates between its own and its authority’s',
  ERR_TLS_CERT_ALTNAME_INVALID: 'the certificate is for another name',
};

function tlsFinding(outcome: TlsOutcome, subject: string): Finding {
  const step = 'gateway_tls';
  if (outcome.ok) {
    const until = outcome.validTo === null ? '' : `, certificate good until ${outcome.validTo}`;
    return ok(step, `${outcome.protocol} in ${outcome.elapsedMs} ms${until}.`, { subject });
  }
  const why = CERTIFICATE_FAULTS[outcome.code] ?? outcome.code;
  if (outcome.kind === 'certificate') {
    const advice = advise(
      'Calls over TLS are made only to servers that prove their name',
      'Enter the name that stands in your provider’s certificate, or ask the provider for a valid one',
    );
    return failed(step, `TLS works, but ${why}.`, advice, { subject, docs: DOCS.outbound });
  }
  const advice = advise(ADVICE.trunkSettings, 'The port may be the one for UDP and TCP: TLS mostly has 5061.');
  return failed(step, `TLS could not be set up: ${why}.`, advice, { subject, docs: DOCS.outbound });
}

const STRANGER = new Set([403, 603]);
const NOT_NOW = new Set([408, 500, 502, 503, 504]);

function optionsFinding(answer: Answer, subject: string, transport: SipTransport): Finding {
  const step = 'gateway_options';
  if (answer.kind === 'unsent') {
    return failed(
      step,
      `The question could not be sent: ${answer.why}.`,
      'Try again; if it stays so, tell the operator of this gateway.',
      {
        subject,
      },
    );
  }
  if (answer.kind !== 'answered') {
    const seen =
      answer.kind === 'silent'
        ? `No answer to OPTIONS over ${transport} in ${(answer.elapsedMs / 1000).toFixed(1)} s.`
        : `It cannot be reached over ${transport}: nobody listens there, or the way is closed.`;
    const advice = advise(
      ADVICE.trunkSettings,
      'Ask your provider for host, port and transport, and to allow our address. Some providers never answer OPTIONS: if calls work, nothing is wrong.',
    );
    return failed(step, seen, advice, { subject, docs: DOCS.outbound });
  }
  const { status, reason, elapsedMs } = answer;
  const seen = `OPTIONS was answered ${status} ${reason} after ${elapsedMs} ms.`;
  if (NOT_NOW.has(status)) {
    return failed(step, seen, 'The server is there, but says that it takes no calls now: ask your provider.', {
      subject,
    });
  }
  if (STRANGER.has(status) && !answer.authenticated) {
    return warning(step, seen, 'The server may not know our address: ask your provider to allow it for your trunk.', {
      subject,
      docs: DOCS.outbound,
    });
  }
  return ok(step, seen, { subject });
}
