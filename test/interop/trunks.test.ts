import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createPhone, type Phone } from '../../src/phone/phone.ts';
import { header } from '../../src/phone/sip.ts';
import { type RunningGateway, startGateway } from '../support/gateway.ts';
import { RawSipPeer, responseText } from '../support/raw-sip-peer.ts';

// A customer connects a carrier to the whole gateway: checks at saving, health, digest and transport of its calls, and `npm run diagnose` about it.

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const NUMBER = '+12025550180';
const AUTH = { username: 'carrier', password: 'inbound-p4ss' };
/** Of the carrier that calls in; the demo's trunks take all of 127.0.0.0/8. */
const CARRIER_ADDRESS = '127.0.0.5';

interface Trunk {
  readonly id: string;
  readonly health: { readonly state: string; readonly lastError: string | null } | null;
  readonly checks: readonly { readonly check: string; readonly state: string; readonly seen: string }[];
}

let gateway: RunningGateway;
let carrier: Carrier;
let trunk: Trunk;
let phone: Phone;
const folder = mkdtempSync(join(tmpdir(), 'callin-diagnose-'));

beforeAll(async () => {
  gateway = await startGateway({ config: { trunks: { healthIntervalMs: 1_000 } } });
  carrier = await startCarrier(gateway.sip.udpPort);
  phone = await createPhone({ seed: 5, host: CARRIER_ADDRESS });
  writeFileSync(
    join(folder, 'config.yaml'),
    `dataDir: ${gateway.dataDir}\nhttp: { port: ${gateway.http.port} }\ndemo: true\n`,
  );
});
afterAll(async () => {
  await phone?.close();
  await carrier?.close();
  await gateway?.stop();
  rmSync(folder, { recursive: true, force: true });
});

interface Carrier {
  readonly port: number;
  close(): Promise<void>;
}

/** Asks for credentials at OPTIONS, and takes those of `acme`. */
async function startCarrier(gatewayPort: number): Promise<Carrier> {
  const peer = await RawSipPeer.udp();
  const challenge = 'WWW-Authenticate: Digest realm="c", nonce="n", algorithm=MD5, qop="auth"';
  const serve = async (): Promise<void> => {
    for (;;) {
      const request = await peer.next('OPTIONS', 60_000).catch(() => null);
      if (request === null) return;
      const known = request.header('Authorization').includes('username="acme"');
      const answer = known
        ? responseText(peer, request, 200)
        : responseText(peer, request, 401, { extra: [challenge] });
      peer.send(answer, gatewayPort);
    }
  };
  void serve();
  return { port: peer.port, close: () => peer.close() };
}

interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Not spawnSync: the carrier of this process must go on answering. */
function diagnose(...args: readonly string[]): Promise<Ran> {
  const command = ['src/diagnose.ts', '--config', join(folder, 'config.yaml'), ...args];
  const env = { ...process.env, CALLIN_AUTH__ADMIN_TOKEN: gateway.adminToken };
  return new Promise((resolve) => {
    execFile(process.execPath, command, { cwd: ROOT, env }, (error, stdout, stderr) => {
      resolve({ status: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

describe('a customer’s carrier', () => {
  test('is connected with its number: the checks say that it is there and takes the credentials', async () => {
    const { status, body } = await gateway.api<Trunk>('POST', '/v1/trunks', {
      workspaceId: 'demo',
      label: 'HQ SIP Trunk',
      numbers: [{ e164: NUMBER, agentId: 'echo' }],
      inbound: { enabled: true, addresses: [CARRIER_ADDRESS], transport: 'udp', auth: AUTH },
      outbound: {
        enabled: true,
        gateways: [{ host: '127.0.0.1', port: carrier.port }],
        username: 'acme',
        password: 'p',
        allowedCountries: ['US'],
      },
    });
    expect(status).toBe(201);
    trunk = body;
    expect(body.checks.map(({ check, state }) => `${check} ${state}`)).toEqual([
      'overlap warning',
      'gateway_address ok',
      'gateway_options ok',
      'credentials ok',
    ]);
    expect(body.checks[2]?.seen).toMatch(/^OPTIONS was answered 200 Answer after \d+ ms\.$/);
  });

  test.each([
    ['another username', { username: 'nobody' }, {}, 'credentials', /refuses the credentials.*401/],
    ['a wrong name', {}, { host: 'sip.typo.invalid' }, 'gateway_address', /no address in the DNS/],
    ['a port where nobody listens', {}, { port: 9 }, 'gateway_options', /cannot be reached/],
  ] as const)('with %s is found out without being saved', async (_what, over, broken, check, seen) => {
    const gateways = [{ host: '127.0.0.1', port: carrier.port, ...broken }];
    const outbound = { enabled: true, gateways, username: 'acme', password: 'p', ...over };
    const { status, body } = await gateway.api<Trunk>('POST', '/v1/trunks?check=only', {
      workspaceId: 'demo',
      label: 'broken',
      outbound,
    });
    expect(status).toBe(200);
    expect(body.checks.find(({ state }) => state === 'failed')).toMatchObject({
      check,
      seen: expect.stringMatching(seen),
    });
    const { body: all } = await gateway.api<{ items: { label: string }[] }>('GET', '/v1/trunks');
    expect(all.items.map(({ label }) => label)).not.toContain('broken');
  });

  test('is watched: up in the API and in the metrics', async () => {
    await vi.waitFor(
      async () => {
        const { body } = await gateway.api<Trunk>('GET', `/v1/trunks/${trunk.id}`);
        expect(body.health).toMatchObject({ state: 'up', lastError: null });
      },
      { timeout: 5_000, interval: 100 },
    );
    expect(await gateway.metrics()).toContain(`callin_trunk_up{trunk="${trunk.id}"} 1`);
  });

  test('calls in with its digest, reaches the agent, and is refused with a wrong password', async () => {
    const uri = `sip:${NUMBER}@127.0.0.1:${gateway.sip.udpPort}`;
    const good = await phone.call(uri, { from: '+12025550181', auth: AUTH });
    await good.waitFor('answered');
    await good.bye();
    const bad = await phone.call(uri, { from: '+12025550182', auth: { ...AUTH, password: 'x' } });
    await bad.waitFor('ended');
    expect(bad.final?.status).toBe(403);
    expect(bad.final && header(bad.final, 'Reason')).toContain('credentials_refused');
    const none = await phone.call(uri, { from: '+12025550183' });
    await none.waitFor('ended');
    expect(none.final?.status).toBe(401);
    const { body } = await gateway.api<{ items: { from: string; endReason: string }[] }>('GET', '/v1/calls?limit=20');
    // A challenge is no call: two INVITEs of the good call are one record, the one without credentials is none.
    expect(body.items.map(({ from, endReason }) => [from, endReason])).toEqual([
      ['+12025550182', 'credentials_refused'],
      ['+12025550181', 'remote_hangup'],
    ]);
    await vi.waitFor(async () => {
      const lines = (await gateway.metrics()).match(/^callin_calls_(?:active|total)\{.*$/gm);
      expect(lines?.filter((line) => line.includes('active'))).toEqual(['callin_calls_active{direction="inbound"} 0']);
      expect(lines?.filter((line) => line.includes('total'))).toHaveLength(2);
    });
  });

  test('over another transport than the trunk is set to is refused', async () => {
    const tcp = await createPhone({ seed: 6, host: CARRIER_ADDRESS, transport: 'tcp' });
    const uri = `sip:${NUMBER}@127.0.0.1:${gateway.sip.tcpPort};transport=tcp`;
    const call = await tcp.call(uri, { from: '+12025550184', auth: AUTH });
    await call.waitFor('ended');
    await tcp.close();
    expect(call.final?.status).toBe(403);
    expect(call.final && header(call.final, 'Reason')).toContain('transport_mismatch');
  });
});

describe('npm run diagnose', () => {
  test('of a number that works: a line per step, exit code 0, no colours into a file', async () => {
    const { status, stdout, stderr } = await diagnose('--number', NUMBER);
    expect(stderr).toBe('');
    expect(stdout).toMatch(new RegExp(`^Number \\${NUMBER}, workspace demo \\(\\d+ ms\\)\n`));
    expect(stdout).toMatch(/^ok {6}agent_reachable {3}Echo: Its WebSocket was opened in \d+ ms\.$/m);
    expect(stdout).toMatch(/^ok {6}credentials {7}127\.0\.0\.1:\d+: Accepted/m);
    expect(stdout).toMatch(/^look {4}recent_calls .*(?:credentials_refused|transport_mismatch)/m);
    expect(stdout).not.toContain('\u001b');
    expect(status).toBe(0);
  });

  test('of a number without an agent: what to do, exit code 1', async () => {
    const { status, stdout } = await diagnose('--number', '+12025550102');
    expect(stdout).toMatch(/^FAILED {2}number_assigned .*\n +-> Make sure the number is assigned to an agent\.$/m);
    expect(stdout).toMatch(/^\d failed, \d to look at$/m);
    expect(status).toBe(1);
  });

  test('as JSON: what the API says', async () => {
    const { status, stdout } = await diagnose('--trunk', trunk.id, '--json');
    expect(JSON.parse(stdout)).toMatchObject([{ trunkId: trunk.id, workspaceId: 'demo' }]);
    expect(status).toBe(0);
  });

  test('of everything: every workspace of customers', async () => {
    const { stdout } = await diagnose();
    expect(stdout.match(/^Workspace .*/gm)?.map((line) => line.split(' ')[1])).toEqual(['demo']);
  });

  test.each([
    [['--number', NUMBER, '--trunk', 'x'], /do not go together/],
    [['--number', '5551234'], /numberE164/],
    [['--trunk', 'trunk_none'], /unknown_reference/],
    [['--url', 'http://127.0.0.1:9'], /no gateway answers at http:\/\/127\.0\.0\.1:9/],
    [['--nonsense'], /usage: npm run diagnose/],
  ])('%j is not done, in words, exit code 2', async (args, words) => {
    const { status, stderr, stdout } = await diagnose(...args);
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(words);
    expect(stderr).not.toContain('    at ');
  });
});

test('a carrier that goes away is down, and the diagnosis says so', async () => {
  await carrier.close();
  await vi.waitFor(
    async () => {
      const { body } = await gateway.api<Trunk>('GET', `/v1/trunks/${trunk.id}`);
      expect(body.health?.state).toBe('down');
    },
    { timeout: 15_000, interval: 200 },
  );
  expect(await gateway.metrics()).toContain(`callin_trunk_up{trunk="${trunk.id}"} 0`);
  const { status, stdout } = await diagnose('--trunk', trunk.id);
  expect(stdout).toMatch(/^FAILED {2}gateway_options/m);
  expect(stdout).toMatch(/^FAILED {2}trunk_health/m);
  expect(status).toBe(1);
  const again = await gateway.api<{ checks: Trunk['checks'] }>('POST', `/v1/trunks/${trunk.id}/check`);
  expect(again.body.checks.find(({ check }) => check === 'gateway_options')?.state).toBe('failed');
});
