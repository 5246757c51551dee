import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { selfSigned } from '../agents/certificate.ts';
import { type RunningGateway, startGateway } from '../support/gateway.ts';

// A carrier over TLS, through the whole gateway: what the checks say is what the SIP engine finds.

const certificate = selfSigned();

interface Trunk {
  readonly id: string;
  readonly inbound: { readonly sbc: readonly { readonly transport: string; readonly port: number }[] };
  readonly health: { readonly state: string; readonly lastError: string | null };
  readonly checks: readonly { readonly check: string; readonly state: string; readonly seen: string }[];
}

describe.skipIf(certificate === undefined)('a carrier over TLS (needs openssl)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'callin-trunk-tls-'));
  const carriers: Carrier[] = [];
  const gateways: RunningGateway[] = [];

  afterAll(async () => {
    await Promise.all(gateways.map((gateway) => gateway.stop()));
    for (const { server } of carriers) server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** A carrier, and a gateway that trusts its certificate or does not. */
  async function pair(isTrusted: boolean): Promise<{ carrier: Carrier; gateway: RunningGateway }> {
    const { key = '', cert = '' } = certificate ?? {};
    const files = { key: join(folder, 'key.pem'), cert: join(folder, 'cert.pem') };
    writeFileSync(files.key, key);
    writeFileSync(files.cert, cert);
    const carrier = await startCarrier(key, cert);
    carriers.push(carrier);
    const sip = { tlsPort: 0, wssPort: 'off', tls: { ...files, ca: isTrusted ? files.cert : '' } };
    const gateway = await startGateway({ config: { sip, trunks: { healthIntervalMs: 1_000 } } });
    gateways.push(gateway);
    return { carrier, gateway };
  }

  const connect = ({ carrier, gateway }: { carrier: Carrier; gateway: RunningGateway }) =>
    gateway.api<Trunk>('POST', '/v1/trunks', {
      workspaceId: 'demo',
      label: 'TLS',
      inbound: { transport: 'tls' },
      outbound: {
        enabled: true,
        transport: 'tls',
        gateways: [{ host: 'localhost', port: carrier.port }],
        allowedCountries: ['US'],
      },
    });

  test('is asked when its certificate is trusted and for its name', async () => {
    const trusting = await pair(true);
    const { status, body } = await connect(trusting);
    expect(status).toBe(201);
    expect(body.inbound.sbc).toMatchObject([{ transport: 'tls' }]);
    const outbound = body.checks.filter(({ check }) => check.startsWith('gateway'));
    expect(outbound.map(({ check, state, seen }) => `${check} ${state}: ${seen}`)).toEqual([
      expect.stringMatching(/^gateway_address ok: It leads to 127\.0\.0\.1/),
      expect.stringMatching(/^gateway_connect ok/),
      expect.stringMatching(/^gateway_tls ok: TLSv1\.3/),
      expect.stringMatching(/^gateway_options ok: OPTIONS was answered 200 OK/),
    ]);
    expect(trusting.carrier.asked.at(-1)).toMatch(/^OPTIONS sip:localhost:\d+;transport=tls SIP\/2\.0$/);
  });

  test('is not told a word when it cannot prove its name, by the checks and by the engine', async () => {
    const doubting = await pair(false);
    const { body } = await connect(doubting);
    expect(body.checks.find(({ check }) => check === 'gateway_tls')).toMatchObject({ state: 'failed' });
    await vi.waitFor(
      async () => {
        const { body: now } = await doubting.gateway.api<Trunk>('GET', `/v1/trunks/${body.id}`);
        expect(now.health).toMatchObject({ state: 'down', lastError: expect.stringContaining('no connection') });
      },
      { timeout: 15_000, interval: 200 },
    );
    expect(doubting.carrier.asked).toEqual([]);
  });
});

interface Carrier {
  readonly server: tls.Server;
  readonly port: number;
  /** Start lines of what it was asked. */
  readonly asked: readonly string[];
}

async function startCarrier(key: string, cert: string): Promise<Carrier> {
  const asked: string[] = [];
  const server = tls.createServer({ key, cert }, (socket) => {
    socket.on('error', () => socket.destroy());
    socket.on('data', (bytes) => {
      const lines = bytes.toString().split('\r\n');
      asked.push(lines[0] ?? '');
      const copied = lines.filter((line) => /^(?:Via|From|To|Call-ID|CSeq):/i.test(line));
      socket.write(['SIP/2.0 200 OK', ...copied, 'Content-Length: 0', '', ''].join('\r\n'));
    });
  });
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, asked, port: (server.address() as AddressInfo).port };
}
