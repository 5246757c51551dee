import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { OutgoingCall } from '../../src/phone/outgoing.ts';
import { createPhone, type Phone } from '../../src/phone/phone.ts';
import { decode, strongestTone, tone } from '../../src/phone/tone.ts';
import { selfSigned } from '../agents/certificate.ts';
import { REFERENCE, ReferenceServer, type ReferenceServerOptions } from '../sip-engine/support/reference-server.ts';
import { type RunningGateway, startGateway } from '../support/gateway.ts';

// Whole gateways on a real drachtio-server: what an operator who chooses that engine relies on.

const ECHO = '+12025550100';
const SECRET = 'a secret of this test';
const certificate = selfSigned();

interface Call {
  readonly id: string;
  readonly from: string;
  readonly state: string;
  readonly endReason: string | null;
  readonly bill: { readonly final: boolean } | null;
}

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function server(options: Partial<ReferenceServerOptions> = {}): Promise<ReferenceServer> {
  const started = await ReferenceServer.start(REFERENCE ?? '', { secret: SECRET, ...options });
  closers.push(() => started.close());
  return started;
}

async function gatewayOn(
  link: { port: number; tls?: boolean; ca?: string },
  dataDir?: string,
): Promise<RunningGateway> {
  const gateway = await startGateway({
    ...(dataDir === undefined ? {} : { dataDir }),
    config: { sip: { engine: 'drachtio', drachtio: { host: '127.0.0.1', secret: SECRET, ...link } } },
  });
  closers.push(() => gateway.stop());
  return gateway;
}

let callers = 0;
async function phone(): Promise<Phone> {
  const made = await createPhone({ seed: 7 });
  closers.push(() => made.close());
  return made;
}

async function answered(sipPort: number): Promise<OutgoingCall & { caller: string }> {
  const caller = `+1202555${String(++callers).padStart(4, '0')}`;
  const call = await (await phone()).call(`sip:${ECHO}@127.0.0.1:${sipPort}`, { from: caller });
  await call.waitFor('answered');
  return Object.assign(call, { caller });
}

async function recordOf(gateway: RunningGateway, caller: string): Promise<Call | undefined> {
  const { body } = await gateway.api<{ items: Call[] }>('GET', '/v1/calls?limit=50');
  return body.items.find(({ from }) => from === caller);
}

async function billed(gateway: RunningGateway, caller: string): Promise<Call> {
  await expect.poll(async () => (await recordOf(gateway, caller))?.bill?.final, { timeout: 8_000 }).toBe(true);
  return (await recordOf(gateway, caller)) as Call;
}

async function isConnected(gateway: RunningGateway): Promise<boolean> {
  return (await gateway.metrics()).includes('callin_engine_connected{engine="sip"} 1');
}

describe.skipIf(REFERENCE === undefined)('signalling 22, 25: a drachtio-server as engine (needs DRACHTIO_BIN)', () => {
  test('carries a call with its audio, and bills it', async () => {
    const { sipPort, wirePort } = await server();
    const gateway = await gatewayOn({ port: wirePort });
    const call = await answered(sipPort);
    await call.sendAudio(tone({ frequencyHz: 440, durationMs: 1_500 }));
    expect(strongestTone(decode(call.received.audio.subarray(-6_400)), { stepHz: 10 }).frequencyHz).toBe(440);
    await call.bye();
    expect(await billed(gateway, call.caller)).toMatchObject({ endReason: 'remote_hangup' });
  });

  test('places a call, and tries the next gateway where the first one is dead', { timeout: 60_000 }, async () => {
    const { wirePort } = await server();
    const gateway = await gatewayOn({ port: wirePort });
    const callee = await phone();
    callee.onCall((call) => call.answer());
    const deaf = createSocket('udp4').bind(0, '127.0.0.1');
    closers.push(async () => void deaf.close());
    await once(deaf, 'listening');
    const gateways = [deaf.address().port, callee.port].map((port, index) => ({
      host: '127.0.0.1',
      port,
      priority: index + 1,
    }));
    const outbound = { enabled: true, transport: 'udp', allowedCountries: ['US'], gateways };
    expect(await gateway.api('PATCH', '/v1/trunks/loopback-byoc', { outbound })).toMatchObject({ status: 200 });
    const order = { workspaceId: 'demo', from: '+12025550101', to: '+12025550177', agentId: 'echo' };
    expect(await gateway.api('POST', '/v1/calls', order)).toMatchObject({ status: 201 });
    // Not the few seconds of `attemptTimeoutMs`: this engine does not tell whether a 100 came, and who is only slow must not be called twice.
    const call = await callee.waitForCall(1, 40_000);
    await call.waitFor('answered');
    await call.sendAudio(tone({ frequencyHz: 440, durationMs: 1_500 }));
    expect(strongestTone(decode(call.received.audio.subarray(-6_400)), { stepHz: 10 }).frequencyHz).toBe(440);
    await call.bye();
    expect(await billed(gateway, '+12025550101')).toMatchObject({ endReason: 'remote_hangup' });
  });

  test.skipIf(certificate === undefined)('is reached over TLS, and after its restart again over TLS', async () => {
    const found = certificate ?? { cert: '', key: '' };
    const folder = mkdtempSync(join(tmpdir(), 'engine-tls-'));
    closers.push(async () => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, 'ca.pem'), found.cert);
    const first = await server({ certificate: found });
    const gateway = await gatewayOn({ port: first.tlsWirePort, tls: true, ca: join(folder, 'ca.pem') });
    const before = await answered(first.sipPort);
    await before.bye();
    await billed(gateway, before.caller);
    await first.close();
    const { wirePort, tlsWirePort, sipPort } = first;
    const again = await server({ certificate: found, wirePort, tlsWirePort, sipPort });
    await expect.poll(() => isConnected(gateway), { timeout: 5_000 }).toBe(true);
    const after = await answered(again.sipPort);
    await after.bye();
    await billed(gateway, after.caller);
  });

  test('that dies ends its calls, billed, and serves again within 5 s of its return', async () => {
    const first = await server();
    const gateway = await gatewayOn({ port: first.wirePort });
    const call = await answered(first.sipPort);
    await expect.poll(async () => (await recordOf(gateway, call.caller))?.state).toBe('answered');
    await first.close();
    expect(await billed(gateway, call.caller)).toMatchObject({ endReason: 'signalling_lost' });
    const again = await server({ wirePort: first.wirePort, sipPort: first.sipPort });
    const startedMs = performance.now();
    await expect
      .poll(async () => (await gateway.metrics()).includes('callin_engine_connected{engine="sip"} 1'), {
        timeout: 5_000,
      })
      .toBe(true);
    expect(performance.now() - startedMs).toBeLessThan(5_000);
    const next = await answered(again.sipPort);
    await next.bye();
    await billed(gateway, next.caller);
  });

  test('whose gateway dies: the next start bills what was live, and new calls come', async () => {
    const { sipPort, wirePort } = await server();
    const first = await gatewayOn({ port: wirePort });
    const call = await answered(sipPort);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    await first.kill();
    const again = await gatewayOn({ port: wirePort }, first.dataDir);
    expect(await billed(again, call.caller)).toMatchObject({ endReason: 'node_crash' });
    const next = await answered(sipPort);
    await next.bye();
    await billed(again, next.caller);
  });

  test('serves two gateways: each gets its share, and each call stays with its own', async () => {
    const { sipPort, wirePort } = await server();
    const gateways = [await gatewayOn({ port: wirePort }), await gatewayOn({ port: wirePort })];
    const calls = await Promise.all(Array.from({ length: 6 }, () => answered(sipPort)));
    await Promise.all(calls.map((call) => call.bye()));
    const shares = await Promise.all(
      gateways.map(async (gateway) => {
        await expect
          .poll(async () => {
            const { body } = await gateway.api<{ items: Call[] }>('GET', '/v1/calls?limit=50');
            return body.items.every(({ bill }) => bill?.final === true);
          })
          .toBe(true);
        return (await gateway.api<{ items: Call[] }>('GET', '/v1/calls?limit=50')).body.items;
      }),
    );
    expect(
      shares
        .flat()
        .map(({ from }) => from)
        .toSorted(),
    ).toEqual(calls.map(({ caller }) => caller).toSorted());
    expect(shares.flat().every(({ endReason }) => endReason === 'remote_hangup')).toBe(true);
    for (const share of shares) expect(share.length).toBeGreaterThan(0);
  });
});
