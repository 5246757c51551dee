import { createSocket, type Socket } from 'node:dgram';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { exceptReference } from '../signalling/engine-under-test.ts';
import { DnsServer } from '../support/dns-server.ts';
import { startOnEitherEngine } from '../support/either-engine.ts';
import type { RunningGateway } from '../support/gateway.ts';
import { HAS_SIPP, type RunningSipp, startSipp } from './sipp/run.ts';

// Calls out through the whole gateway to carriers of sipp's, found by a real name server: dead ones, busy ones, and those that answer.

interface Call {
  readonly id: string;
  readonly state: string;
  readonly endReason: string | null;
  readonly timeline: readonly { readonly event: string; readonly detail?: Readonly<Record<string, unknown>> }[];
}

let gateway: RunningGateway;
let dns: DnsServer;
let nextPort = 15_100 + (process.pid % 300);
let nextNumber = 10;
const carriers: RunningSipp[] = [];
const dead: Socket[] = [];

beforeAll(async () => {
  dns = await DnsServer.start();
  // Health questions come too seldom to find anything out before a call does.
  gateway = await startOnEitherEngine({
    config: { trunks: { dnsServers: [dns.address], healthIntervalMs: 3_600_000 } },
  });
});
afterEach(async () => {
  for (const sipp of carriers.splice(0)) {
    sipp.stop();
    sipp.stop();
  }
  for (const socket of dead.splice(0)) await new Promise<void>((resolve) => socket.close(() => resolve()));
});
afterAll(async () => {
  await gateway?.stop();
  await dns?.close();
});

function carrier(scenario: 'carrier.xml' | 'busy-carrier.xml'): number {
  const localPort = nextPort++;
  carriers.push(startSipp({ scenario, localPort, calls: 1000 }));
  return localPort;
}

/** Somebody listens and never says a word. */
async function silent(): Promise<number> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  dead.push(socket);
  return (socket.address() as AddressInfo).port;
}

/** A name whose servers are these ports of loopback, in this order. */
function publish(name: string, ports: readonly number[]): void {
  const at = ports.map((port, index) => ({
    type: 'SRV' as const,
    priority: index + 1,
    weight: 1,
    port,
    target: `a.${name}`,
  }));
  dns.zone.set(`_sip._udp.${name}`, at);
  dns.zone.set(`a.${name}`, [{ type: 'A', address: '127.0.0.1' }]);
}

async function numberOver(host: string, more: object = {}): Promise<string> {
  const e164 = `+120255503${nextNumber++}`;
  const { status, body } = await gateway.api<{ id: string }>('POST', '/v1/trunks?check=none', {
    workspaceId: 'demo',
    label: host,
    numbers: [{ e164, agentId: 'echo' }],
    outbound: { enabled: true, gateways: [{ host }], allowedCountries: ['US'], ...more },
  });
  expect([status, body.id]).toEqual([201, expect.any(String)]);
  return e164;
}

async function place(from: string): Promise<{ status: number; id: string }> {
  const { status, body } = await gateway.api<{ id: string }>('POST', '/v1/calls', {
    workspaceId: 'demo',
    from,
    to: '+12025550155',
  });
  return { status, id: body.id };
}

const callOf = async (id: string) => (await gateway.api<Call>('GET', `/v1/calls/${id}`)).body;
const attempts = ({ timeline }: Call) =>
  timeline
    .filter(({ event }) => ['inviting', 'rejected', 'next_gateway', 'gateway_rests'].includes(event))
    .map(({ event, detail = {} }) => `${event} ${detail['server'] ?? detail['status'] ?? detail['why']}`);

describe.skipIf(!HAS_SIPP)('signalling 4: SRV failover (needs sipp)', () => {
  exceptReference('its own timers')(
    'a dead first target costs seconds, not half a minute, and the call is answered by the second',
    async () => {
      const [first, second] = [await silent(), carrier('carrier.xml')];
      publish('dead.test', [first, second]);
      const from = await numberOver('dead.test', { attemptTimeoutMs: 1_000 });
      const startedMs = performance.now();
      const { id } = await place(from);
      await expect.poll(async () => (await callOf(id)).state, { timeout: 10_000 }).toBe('answered');
      expect(performance.now() - startedMs).toBeLessThan(6_000);
      expect(attempts(await callOf(id))).toEqual([
        `inviting udp 127.0.0.1:${first}`,
        'rejected 408',
        'next_gateway no answer',
        `inviting udp 127.0.0.1:${second}`,
      ]);
      await gateway.api('POST', `/v1/calls/${id}/hangup`);
      await expect.poll(async () => (await callOf(id)).endReason, { timeout: 5_000 }).toBe('api_hangup');

      const again = await place(from);
      await expect.poll(async () => (await callOf(again.id)).state, { timeout: 10_000 }).toBe('answered');
      expect(attempts(await callOf(again.id))).toEqual([`inviting udp 127.0.0.1:${second}`]);
      await gateway.api('POST', `/v1/calls/${again.id}/hangup`);
    },
  );

  test('503 with Retry-After: the next one takes the call, and for so long no call goes there', async () => {
    const [busy, free] = [carrier('busy-carrier.xml'), carrier('carrier.xml')];
    publish('busy.test', [busy, free]);
    const from = await numberOver('busy.test');
    const { id } = await place(from);
    await expect.poll(async () => (await callOf(id)).state, { timeout: 10_000 }).toBe('answered');
    expect(attempts(await callOf(id))).toEqual([
      `inviting udp 127.0.0.1:${busy}`,
      'rejected 503',
      'next_gateway answered 503',
      `inviting udp 127.0.0.1:${free}`,
    ]);
    await gateway.api('POST', `/v1/calls/${id}/hangup`);
    const second = await place(from);
    await expect.poll(async () => (await callOf(second.id)).state, { timeout: 10_000 }).toBe('answered');
    expect(attempts(await callOf(second.id))).toEqual([
      `gateway_rests udp 127.0.0.1:${busy}`,
      `inviting udp 127.0.0.1:${free}`,
    ]);
    await gateway.api('POST', `/v1/calls/${second.id}/hangup`);
  });

  test('the only server wants to be left alone: it is, and the caller is told at once', async () => {
    publish('full.test', [carrier('busy-carrier.xml')]);
    const from = await numberOver('full.test');
    const { id } = await place(from);
    await expect.poll(async () => (await callOf(id)).endReason, { timeout: 10_000 }).toBe('carrier_failed');
    expect((await place(from)).status).toBeGreaterThanOrEqual(400);
  });

  test('NAPTR leads to TCP: the call goes there', async () => {
    const port = nextPort++;
    carriers.push(startSipp({ scenario: 'carrier.xml', localPort: port, calls: 1000, transport: 'tcp' }));
    dns.zone.set('naptr.test', [
      { type: 'NAPTR', order: 1, preference: 1, flags: 's', service: 'SIP+D2T', replacement: '_sip._tcp.edge.test' },
    ]);
    dns.zone.set('_sip._tcp.edge.test', [{ type: 'SRV', priority: 1, weight: 1, port, target: 'a.edge.test' }]);
    dns.zone.set('a.edge.test', [{ type: 'A', address: '127.0.0.1' }]);
    const from = await numberOver('naptr.test', { transport: null });
    const { id } = await place(from);
    await expect.poll(async () => (await callOf(id)).state, { timeout: 10_000 }).toBe('answered');
    expect(attempts(await callOf(id))).toEqual([`inviting tcp 127.0.0.1:${port}`]);
    await gateway.api('POST', `/v1/calls/${id}/hangup`);
  });
});
