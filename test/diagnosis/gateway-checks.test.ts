import net from 'node:net';
import tls from 'node:tls';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createAddressPolicy } from '../../src/agents/address-policy.ts';
import { Deadline } from '../../src/diagnosis/deadline.ts';
import type { Finding } from '../../src/diagnosis/finding.ts';
import { checkGateway, type GatewayCheckParts } from '../../src/diagnosis/gateway-checks.ts';
import { systemClock } from '../../src/domain/clock.ts';
import type { SipTransport, Trunk } from '../../src/domain/directory.ts';
import type { Answer, Question } from '../../src/signalling/index.ts';
import { GatewayHosts } from '../../src/signalling/gateway-hosts.ts';
import { type ServiceRecord, SipServers } from '../../src/signalling/sip-servers.ts';
import { selfSigned } from '../agents/certificate.ts';
import { trunk } from '../routing/records.ts';
import { Harness } from '../signalling/harness.ts';
import { type RawMessage, RawSipPeer, responseText } from '../support/raw-sip-peer.ts';

// A gateway of a customer from its name to its opinion of the credentials: real sockets, real engine, a carrier that answers as the test says.

let harness: Harness;
const asked: Question[] = [];
const zone = new Map<string, readonly string[]>();
const services = new Map<string, readonly string[]>();
const published = new Map<string, readonly ServiceRecord[]>();

beforeAll(async () => {
  harness = await Harness.start();
});
afterAll(() => harness.close());
beforeEach(() => {
  asked.length = 0;
  zone.clear();
  services.clear();
  published.clear();
});

function parts(change: Partial<GatewayCheckParts> = {}): GatewayCheckParts {
  return {
    clock: systemClock,
    servers: new SipServers({
      clock: systemClock,
      random: () => 0.5,
      services: async (name) => ({ records: published.get(name) ?? [], ttlMs: null }),
      pointers: async () => ({ records: [], ttlMs: null }),
      transports: () => ['udp', 'tcp', 'tls'],
      hosts: new GatewayHosts({
        clock: systemClock,
        addressAllowed: createAddressPolicy(['127.0.0.0/8']),
        async resolve(host) {
          const records = zone.get(host);
          if (records === undefined) throw new Error('ENOTFOUND');
          return { records, ttlMs: null };
        },
      }),
    }),
    ask: async (question) => {
      asked.push(question);
      return await harness.signalling.ask(question);
    },
    services: async (name) => services.get(name) ?? Promise.reject(new Error('ENOTFOUND')),
    ...change,
  };
}

const ofCustomer = (outbound: Partial<Trunk['outbound']>): Trunk =>
  trunk('t', { workspaceId: 'ws', kind: 'byoc', outbound: { username: 'acme', password: 'p', ...outbound } });

async function check(
  host: string,
  port: number | null,
  outbound: Partial<Trunk['outbound']> = {},
  change: Partial<GatewayCheckParts> = {},
): Promise<readonly Finding[]> {
  const gateway = { host, port, priority: 1, weight: 1 };
  return await checkGateway(
    ofCustomer({ gateways: [gateway], ...outbound }),
    gateway,
    new Deadline(systemClock, 2_000),
    parts(change),
  );
}

const rows = (findings: readonly Finding[]) => findings.map(({ step, state }) => `${step} ${state}`);
const last = (findings: readonly Finding[]): Finding => findings.at(-1) as Finding;

type Reply = (request: RawMessage) => readonly [number, string, ...string[]];

/** A carrier on UDP that answers every request as `reply` says. */
async function carrier(reply: Reply): Promise<{ port: number; seen: RawMessage[]; stop(): Promise<void> }> {
  const peer = await RawSipPeer.udp();
  const seen: RawMessage[] = [];
  let open = true;
  const serve = async (): Promise<void> => {
    while (open) {
      const request = await peer.next((message) => message.method !== undefined, 60_000).catch(() => null);
      if (request === null) return;
      seen.push(request);
      const [status, reason, ...extra] = reply(request);
      if (status !== 0)
        peer.send(responseText(peer, request, status, { toTag: 'c', contact: '', reason, extra }), harness.sipPort);
    }
  };
  void serve();
  return {
    port: peer.port,
    seen,
    stop: async () => {
      open = false;
      await peer.close();
    },
  };
}

const CHALLENGE = 'WWW-Authenticate: Digest realm="c", nonce="n", algorithm=MD5, qop="auth"';
const isProved = (request: RawMessage) => request.header('Authorization') !== '';
/** Asks for credentials, and says `verdict` to them. */
const asking =
  (verdict: readonly [number, string], method?: string): Reply =>
  (request) => {
    if (method !== undefined && request.method !== method) return [200, 'OK'];
    if (!isProved(request)) return [401, 'Unauthorized', CHALLENGE];
    return verdict[0] === 401 ? [...verdict, CHALLENGE] : verdict;
  };

describe('the answer of a carrier', () => {
  test.each([
    ['that asks and accepts', asking([200, 'OK']), 'ok', /Accepted: OPTIONS with the credentials was answered 200/],
    ['that asks and knows no OPTIONS', asking([405, 'Not Allowed']), 'ok', /Accepted/],
    ['that asks and refuses', asking([403, 'Forbidden']), 'failed', /refuses the credentials.*403 Forbidden/],
    ['that asks again and again', asking([401, 'Unauthorized']), 'failed', /refuses the credentials.*401/],
    ['that asks and breaks', asking([500, 'Oops']), 'skipped', /^Unknown: OPTIONS/],
    ['that asks at REGISTER alone and accepts', asking([200, 'OK'], 'REGISTER'), 'ok', /Accepted: REGISTER/],
    ['that asks at REGISTER alone and refuses', asking([403, 'Forbidden'], 'REGISTER'), 'failed', /REGISTER.*403/],
    ['that takes no REGISTER for it', asking([404, 'Not Found'], 'REGISTER'), 'skipped', /^Unknown: REGISTER/],
    ['that never asks', () => [200, 'OK'] as const, 'skipped', /Unknown: the carrier asks for them at a call only/],
    [
      'that asks in an unknown way',
      () => [401, 'Unauthorized', 'WWW-Authenticate: Digest realm="c", nonce="n", algorithm=AKAv1'] as const,
      'failed',
      /not known here/,
    ],
  ] as const)('%s', async (_who, reply: Reply, state, seen) => {
    const { port, stop } = await carrier(reply);
    const findings = await check('127.0.0.1', port);
    await stop();
    expect(last(findings)).toMatchObject({ step: 'credentials', state });
    expect(last(findings).seen).toMatch(seen);
    if (state === 'failed') expect(last(findings).advice).toBeTruthy();
  });

  test('the password is in no finding, and a REGISTER registers nothing', async () => {
    const { port, seen, stop } = await carrier(asking([403, 'Forbidden'], 'REGISTER'));
    const findings = await check('127.0.0.1', port, { password: 'very-secret' });
    await stop();
    expect(JSON.stringify(findings)).not.toContain('very-secret');
    expect(seen.map(({ method }) => method)).toEqual(['OPTIONS', 'REGISTER', 'REGISTER']);
    expect(seen.every((request) => request.header('Contact') === '')).toBe(true);
  });

  test.each([
    ['without credentials, to a carrier that asks', asking([200, 'OK']), 'warning', /asks for credentials/],
    ['without credentials, to one that does not', () => [200, 'OK'] as const, 'skipped', /asked for none/],
  ] as const)('%s', async (_what, reply: Reply, state, seen) => {
    const { port, seen: requests, stop } = await carrier(reply);
    const findings = await check('127.0.0.1', port, { username: null, password: null });
    await stop();
    expect(last(findings)).toMatchObject({ step: 'credentials', state });
    expect(last(findings).seen).toMatch(seen);
    expect(requests).toHaveLength(1);
  });

  test.each([
    [200, 'OK', 'ok'],
    [404, 'Not Found', 'ok'],
    [403, 'Forbidden', 'warning'],
    [603, 'Decline', 'warning'],
    [503, 'Service Unavailable', 'failed'],
  ] as const)('%i %s to OPTIONS is %s, with its time', async (status, reason, state) => {
    const { port, stop } = await carrier(() => [status, reason]);
    const findings = await check('127.0.0.1', port, { username: null, password: null });
    await stop();
    const options = findings.find(({ step }) => step === 'gateway_options');
    expect(options).toMatchObject({ state, subject: `127.0.0.1:${port}` });
    expect(options?.seen).toMatch(new RegExp(`^OPTIONS was answered ${status} ${reason} after \\d+ ms\\.$`));
  });
});

describe('a carrier that is not there', () => {
  test('says nothing over UDP', async () => {
    const { port, stop } = await carrier(() => [0, '']);
    const findings = await check('127.0.0.1', port);
    await stop();
    expect(rows(findings)).toEqual(['gateway_address ok', 'gateway_options failed']);
    expect(last(findings).seen).toMatch(/^No answer to OPTIONS over udp in [12]\.\d s\.$/);
    expect(last(findings).advice).toContain(
      'If using BYOC, confirm your SIP trunk settings are correct (SBC/FQDN, transport, credentials).',
    );
  });

  test('has a closed port, over UDP and over TCP', async () => {
    const port = await closedPort();
    expect(rows(await check('127.0.0.1', port))).toEqual(['gateway_address ok', 'gateway_options failed']);
    const tcp = await check('127.0.0.1', port, { transport: 'tcp' });
    expect(rows(tcp)).toEqual(['gateway_address ok', 'gateway_connect failed']);
    expect(last(tcp).seen).toBe('It refuses connections.');
  });

  test('has a wrong name; SRV records are named where there are some', async () => {
    const findings = await check('sip.typo.example', 5060);
    expect(rows(findings)).toEqual(['gateway_address failed']);
    expect(last(findings)).toMatchObject({
      subject: 'sip.typo.example',
      seen: 'It has no address in the DNS (A, AAAA).',
    });
    expect(last(findings).advice).toContain('typing errors');
    services.set('_sip._udp.sip.typo.example', ['sbc1.typo.example:5080', 'sbc2.typo.example:5080']);
    expect(last(await check('sip.typo.example', 5060)).advice).toContain('sbc1.typo.example:5080, sbc2');
    expect(asked).toEqual([]);
  });
});

test('GC1 nothing is sent to an address inside, whatever name leads there', async () => {
  zone.set('sip.evil.example', ['169.254.169.254']);
  const findings = await check('sip.evil.example', 80, { transport: 'tcp' });
  expect(rows(findings)).toEqual(['gateway_address failed']);
  expect(last(findings).seen).toBe(
    'It leads to 169.254.169.254, a private, local or reserved address. Nothing is sent there.',
  );
  expect(asked).toEqual([]);
});

test('a name is asked at the address it was judged by', async () => {
  const { port, stop } = await carrier(() => [200, 'OK']);
  zone.set('sip.good.example', ['127.0.0.1']);
  const findings = await check('sip.good.example', port, { username: null, password: null });
  await stop();
  expect(findings[0]).toMatchObject({ step: 'gateway_address', state: 'ok', seen: 'It leads to 127.0.0.1.' });
  expect(findings[1]).toMatchObject({ step: 'gateway_options', state: 'ok' });
  expect(asked[0]).toMatchObject({ nextHop: `sip:127.0.0.1:${port};transport=udp`, domain: 'sip.good.example' });
});

const certificate = selfSigned();

describe.skipIf(certificate === undefined)('TLS (needs openssl)', () => {
  const options: Answer = {
    kind: 'answered',
    status: 200,
    reason: 'OK',
    elapsedMs: 4,
    challenged: false,
    authenticated: false,
  };
  let server: tls.Server;
  let port: number;

  beforeAll(async () => {
    server = tls.createServer({ key: certificate?.key ?? '', cert: certificate?.cert ?? '' });
    server.on('tlsClientError', () => undefined);
    port = await listening(server);
  });
  afterAll(() => void server.close());

  const over = (host: string, ca?: string) =>
    check(
      host,
      port,
      { transport: 'tls' as SipTransport, username: null, password: null },
      {
        ask: async () => options,
        ...(ca === undefined ? {} : { ca }),
      },
    );

  test('is proved by a certificate that is trusted and for the name', async () => {
    zone.set('localhost', ['127.0.0.1']);
    const findings = await over('localhost', certificate?.cert);
    expect(rows(findings).slice(0, 4)).toEqual([
      'gateway_address ok',
      'gateway_connect ok',
      'gateway_tls ok',
      'gateway_options ok',
    ]);
    expect(findings[2]?.seen).toMatch(/^TLSv1\.[23] in \d+ ms, certificate good until /);
  });

  test.each([
    ['nobody here trusts', 'localhost', undefined, 'signed by nobody but itself'],
    ['is for another name', 'sip.other.example', certificate?.cert, 'for another name'],
  ])('is refused with a certificate that %s, before a byte of SIP', async (_why, host, ca, seen) => {
    zone.set(host, ['127.0.0.1']);
    const findings = await over(host, ca);
    expect(last(findings)).toMatchObject({ step: 'gateway_tls', state: 'failed' });
    expect(last(findings).seen).toContain(seen);
  });

  test('is not there at all', async () => {
    const plain = net.createServer((socket) => {
      socket.on('error', () => socket.destroy());
      socket.end('SIP/2.0 400 Bad Request\r\n\r\n');
    });
    const plainPort = await listening(plain);
    zone.set('localhost', ['127.0.0.1']);
    const findings = await check('localhost', plainPort, { transport: 'tls' });
    plain.close();
    expect(last(findings)).toMatchObject({ step: 'gateway_tls', state: 'failed' });
    expect(last(findings).advice).toContain('5061');
  });
});

async function listening(server: net.Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as net.AddressInfo).port;
}

async function closedPort(): Promise<number> {
  const server = net.createServer();
  const port = await listening(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}
