import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { selfSigned } from '../agents/certificate.ts';
import { OFFER } from '../signalling/harness.ts';
import { DnsServer } from '../support/dns-server.ts';
import { type RunningGateway, startGateway } from '../support/gateway.ts';
import { Registrar } from '../support/registrar.ts';

// Registration trunks through the whole gateway, with registrars on loopback.

const CREDENTIALS = { username: 'acme', password: 's3cret' };
const NUMBER = '+12025550190';

interface Trunk {
  readonly id: string;
  readonly registration: {
    readonly state: string;
    readonly registrar: string | null;
    readonly expiresAt: string | null;
    readonly lastError: string | null;
  } | null;
}

let gateway: RunningGateway;
const registrars: Registrar[] = [];
const made: string[] = [];

beforeAll(async () => {
  gateway = await startGateway({ config: { trunks: { healthIntervalMs: 1_000 } } });
});
afterEach(async () => {
  for (const path of made.splice(0)) await gateway.api('DELETE', path);
  for (const registrar of registrars.splice(0)) await registrar.close();
});
afterAll(() => gateway?.stop());

async function registrarOn(options: { grantedSec?: number; port?: number } = {}): Promise<Registrar> {
  const registrar = await Registrar.udp({ credentials: CREDENTIALS, ...options });
  registrars.push(registrar);
  return registrar;
}

async function register(ports: readonly number[], more: object = {}, at = gateway): Promise<string> {
  const { body, status } = await at.api<Trunk>('POST', '/v1/trunks?check=none', {
    workspaceId: 'demo',
    label: 'registering',
    inbound: { enabled: true },
    outbound: {
      enabled: true,
      register: true,
      ...CREDENTIALS,
      gateways: ports.map((port, index) => ({ host: '127.0.0.1', port, priority: index + 1 })),
      allowedCountries: ['US'],
      ...more,
    },
  });
  expect(status).toBe(201);
  made.push(`/v1/trunks/${body.id}`);
  return body.id;
}

async function numberOn(trunkId: string, at = gateway): Promise<void> {
  const number = { workspaceId: 'demo', e164: NUMBER, provider: 'byoc', trunkId, agentId: 'echo' };
  const { body, status } = await at.api<{ id: string }>('POST', '/v1/numbers', number);
  expect(status).toBe(201);
  made.unshift(`/v1/numbers/${body.id}`);
}

const stateOf = async (id: string, at = gateway) => (await at.api<Trunk>('GET', `/v1/trunks/${id}`)).body.registration;

async function registered(id: string, at = gateway) {
  await expect.poll(async () => (await stateOf(id, at))?.state, { timeout: 15_000 }).toBe('registered');
}

async function answerTo(registrar: Registrar, callId: string, least = 180) {
  const find = () => registrar.answers.find((each) => each.header('Call-ID') === callId && (each.status ?? 0) >= least);
  await expect.poll(() => find()?.status, { timeout: 5_000 }).toBeDefined();
  const answer = find();
  if (answer === undefined) throw new Error('no answer');
  return answer;
}

async function callCame(registrar: Registrar, to: string, uri?: string): Promise<void> {
  const invite = registrar.invite('acme', to, { body: OFFER, ...(uri === undefined ? {} : { uri }) });
  const ok = await answerTo(registrar, invite.header('Call-ID'), 200);
  expect(ok.status).toBe(200);
  registrar.hangUp(invite, ok);
}

describe('signalling 3: a trunk that registers', () => {
  test('proves its credentials, is registered, and says so everywhere', async () => {
    const registrar = await registrarOn();
    const id = await register([registrar.port]);
    await registered(id);
    expect(await stateOf(id)).toMatchObject({
      registrar: `udp 127.0.0.1:${registrar.port}`,
      expiresAt: expect.stringMatching(/^20/),
      lastError: null,
    });
    expect(registrar.bindings.get('acme')?.header).toMatch(/\+sip\.instance="<urn:uuid:/);
    expect(registrar.bindings.get('acme')?.contact).toMatch(
      new RegExp(`^sip:[0-9a-f]{32}@127\\.0\\.0\\.1:${gateway.sip.udpPort}$`),
    );
    expect(await gateway.metrics()).toContain(`callin_trunk_registered{trunk="${id}"} 1`);
    expect(await gateway.metrics()).toMatch(/callin_registrations_total\{result="registered"\} [1-9]/);
  });

  test('inbound on the registered flow: the number is that of To, and no address had to be named', async () => {
    const registrar = await registrarOn();
    const id = await register([registrar.port]);
    await numberOn(id);
    await registered(id);
    await callCame(registrar, NUMBER);
    const { body } = await gateway.api<{ items: { to: string; trunkId: string; state: string }[] }>(
      'GET',
      '/v1/calls?limit=1',
    );
    expect(body.items[0]).toMatchObject({ to: NUMBER, trunkId: id });
  });

  test('inbound with the number in the Request-URI, as some carriers do', async () => {
    const registrar = await registrarOn();
    const id = await register([registrar.port]);
    await numberOn(id);
    await registered(id);
    await callCame(registrar, 'acme', `sip:${NUMBER}@127.0.0.1:${gateway.sip.udpPort}`);
  });

  test('inbound to the number that is configured for the registration', async () => {
    const registrar = await registrarOn();
    const id = await register([registrar.port], { registration: { calledNumber: NUMBER } });
    await numberOn(id);
    await registered(id);
    await callCame(registrar, 'acme');
  });

  test('inbound that names no number anywhere is refused, and its record says what would help', async () => {
    const registrar = await registrarOn();
    const id = await register([registrar.port]);
    await numberOn(id);
    await registered(id);
    const invite = registrar.invite('acme', 'acme', { body: OFFER });
    expect((await answerTo(registrar, invite.header('Call-ID'), 400)).status).toBe(404);
    const { body } = await gateway.api<{ items: { id: string; endReason: string }[] }>('GET', '/v1/calls?limit=1');
    expect(body.items[0]).toMatchObject({ trunkId: id, endReason: 'unknown_number' });
    const call = await gateway.api<{ timeline: object[] }>('GET', `/v1/calls/${body.items[0]?.id}`);
    expect(call.body.timeline).toContainEqual(
      expect.objectContaining({
        event: 'route',
        detail: expect.objectContaining({ result: 'failed', seen: expect.stringContaining('calledNumber') }),
      }),
    );
  });

  test('lost registration: it is refreshed at half of the granted time, so a registrar that forgot has it again', async () => {
    const registrar = await registrarOn({ grantedSec: 4 });
    const id = await register([registrar.port]);
    await registered(id);
    registrar.forget();
    await expect.poll(() => registrar.bindings.has('acme'), { timeout: 5_000 }).toBe(true);
    expect((await stateOf(id))?.state).toBe('registered');
  });

  test('registrar restart: away, then back without its bindings: registered again as soon as it answers', async () => {
    const registrar = await registrarOn();
    const id = await register([registrar.port]);
    await registered(id);
    await expect
      .poll(
        async () => (await gateway.api<{ health: { state: string } }>('GET', `/v1/trunks/${id}`)).body.health.state,
        { timeout: 10_000 },
      )
      .toBe('up');
    await registrar.close();
    registrars.splice(registrars.indexOf(registrar), 1);
    const health = async () =>
      (await gateway.api<{ health: { state: string } }>('GET', `/v1/trunks/${id}`)).body.health.state;
    await expect.poll(health, { timeout: 40_000 }).toBe('down');
    const again = await registrarOn({ port: registrar.port });
    await expect.poll(() => again.bindings.has('acme'), { timeout: 20_000 }).toBe(true);
    expect((await stateOf(id))?.state).toBe('registered');
  }, 80_000);

  test('failover: the second registrar takes it while the first one refuses to work', async () => {
    const [first, second] = [await registrarOn(), await registrarOn()];
    first.refusal = { status: 503 };
    const id = await register([first.port, second.port]);
    await registered(id);
    expect((await stateOf(id))?.registrar).toBe(`udp 127.0.0.1:${second.port}`);
    expect(first.registers()).toHaveLength(1);
  });

  test('wrong credentials are said, and are not tried on and on', async () => {
    const registrar = await registrarOn();
    const id = await register([registrar.port], { password: 'wrong' });
    await expect.poll(async () => (await stateOf(id))?.lastError, { timeout: 5_000 }).toContain('credentials refused');
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(registrar.registers()).toHaveLength(2);
  });

  test('423 is obeyed', async () => {
    const registrar = await registrarOn();
    registrar.refusal = { status: 423, headers: ['Min-Expires: 1800'] };
    await register([registrar.port]);
    await expect.poll(() => registrar.registers().at(-1)?.header('Expires'), { timeout: 5_000 }).toBe('1800');
  });

  test('switched off and deleted, the binding is taken back', async () => {
    const registrar = await registrarOn();
    const id = await register([registrar.port]);
    await registered(id);
    const { status } = await gateway.api('PATCH', `/v1/trunks/${id}?check=none`, {
      inbound: { enabled: false },
      outbound: { register: false },
    });
    expect(status).toBe(200);
    await expect.poll(() => registrar.bindings.size, { timeout: 5_000 }).toBe(0);
    expect(await stateOf(id)).toBeNull();
  });

  test('calls from a registrar that is not ours any more are nobody’s', async () => {
    const registrar = await registrarOn();
    const id = await register([registrar.port]);
    await numberOn(id);
    await registered(id);
    const binding = registrar.bindings.get('acme');
    await gateway.api('PATCH', `/v1/trunks/${id}?check=none`, {
      inbound: { enabled: false },
      outbound: { register: false },
    });
    await expect.poll(() => registrar.bindings.size, { timeout: 5_000 }).toBe(0);
    if (binding !== undefined) registrar.bindings.set('acme', binding);
    const invite = registrar.invite('acme', NUMBER, { body: OFFER });
    expect((await answerTo(registrar, invite.header('Call-ID'), 200)).status).toBeGreaterThanOrEqual(400);
  });
});

describe('signalling 3: a gateway that ends, and one that comes back', () => {
  test('stopped it unregisters; killed and started again it registers under the same Contact', async () => {
    const registrar = await registrarOn();
    const first = await startGateway();
    const id = await register([registrar.port], {}, first);
    made.length = 0;
    await registered(id, first);
    const before = registrar.registers()[0]?.header('Contact') ?? '';
    await first.kill();
    registrar.forget();
    const second = await startGateway({ dataDir: first.dataDir });
    await registered(id, second);
    const after = registrar.bindings.get('acme')?.header ?? '';
    expect(/<sip:([0-9a-f]+)@/.exec(after)?.[1]).toBe(/<sip:([0-9a-f]+)@/.exec(before)?.[1]);
    await second.stop();
    expect(registrar.bindings.size).toBe(0);
    second.discard();
  });
});

const certificate = selfSigned();

describe.skipIf(certificate === undefined)('signalling 3: a registrar over TLS (needs openssl)', () => {
  test('proves its name before it is told anything; calls come over the connection of the registration', async () => {
    const { key = '', cert = '' } = certificate ?? {};
    const folder = mkdtempSync(join(tmpdir(), 'callin-registrar-tls-'));
    const files = { key: join(folder, 'key.pem'), cert: join(folder, 'cert.pem') };
    writeFileSync(files.key, key);
    writeFileSync(files.cert, cert);
    const registrar = await Registrar.tls({ credentials: CREDENTIALS, tls: { key, cert } });
    registrars.push(registrar);
    // SRV leads to another name: what must be proved is the one that the trunk has (RFC 5922).
    const dns = await DnsServer.start();
    for (const name of ['localhost', 'impostor.test']) {
      const target = { priority: 1, weight: 1, port: registrar.port, target: 'sbc.elsewhere.test' };
      dns.zone.set(`_sips._tcp.${name}`, [{ type: 'SRV', ...target }]);
    }
    dns.zone.set('sbc.elsewhere.test', [{ type: 'A', address: '127.0.0.1' }]);
    const sip = { tlsPort: 0, wssPort: 'off', tls: { ...files, ca: files.cert } };
    const secure = await startGateway({ config: { sip, trunks: { dnsServers: [dns.address] } } });
    try {
      const impostor = { transport: 'tls', gateways: [{ host: 'impostor.test' }] };
      const refused = await register([], impostor, secure);
      await expect
        .poll(async () => (await stateOf(refused, secure))?.lastError, { timeout: 10_000 })
        .toContain('no connection');
      expect(registrar.seen).toEqual([]);
      const gateways = [{ host: 'localhost' }];
      const id = await register([], { transport: 'tls', gateways }, secure);
      made.length = 0;
      await numberOn(id, secure);
      made.length = 0;
      await registered(id, secure);
      expect(registrar.bindings.get('acme')?.contact).toMatch(/;transport=tls$/);
      await callCame(registrar, NUMBER);
    } finally {
      await secure.stop();
      secure.discard();
      await dns.close();
      rmSync(folder, { recursive: true, force: true });
    }
    expect(registrar.bindings.size).toBe(0);
  });
});
