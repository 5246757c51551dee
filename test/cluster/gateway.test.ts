import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createPhone } from '../../src/phone/phone.ts';
import { Registrar } from '../support/registrar.ts';
import { type RunningGateway, startGateway } from '../support/gateway.ts';
import { HAS_REDIS, type RedisServer, startRedis, until } from '../support/redis.ts';

// The real gateway, its books in a real Redis.

interface Call {
  readonly id: string;
  readonly state: string;
  readonly endReason: string | null;
  readonly bill: {
    readonly final: boolean;
    readonly total: string;
    readonly telephony: { readonly billedMs: number };
  } | null;
}

const NUMBER = '+12025550100';

async function callsOf(gateway: RunningGateway): Promise<Call[]> {
  return (await gateway.api<{ items: Call[] }>('GET', '/v1/calls?limit=100')).body.items;
}

describe.skipIf(!HAS_REDIS)('a gateway whose books are in Redis (needs redis-server)', () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis?.stop());
  const start = (id: string, dataDir?: string) =>
    startGateway({
      config: { node: { id }, store: { kind: 'redis', redis: { url: redis.url } } },
      ...(dataDir === undefined ? {} : { dataDir }),
    });

  test('a call is billed there, and the audit of its journal against it is clean', async () => {
    const gateway = await start('node-a');
    const phone = await createPhone();
    try {
      const call = await phone.call(`sip:${NUMBER}@127.0.0.1:${gateway.sip.udpPort}`, { from: '+12025550199' });
      await call.waitFor('answered');
      await call.bye();
      await until('the bill', async () => (await callsOf(gateway))[0]?.bill?.final === true);
      const [billed] = await callsOf(gateway);
      expect(billed).toMatchObject({ state: 'ended', bill: { telephony: { billedMs: 60_000 } } });
      const account = await redis.admin.hgetall('callin:{ws:demo}:account');
      expect(BigInt(account['balance'] ?? 0)).toBe(
        10_000_000_000n - BigInt(Math.round(Number(billed?.bill?.total) * 1e9)),
      );
      expect(account['reserved']).toBe('0');
      const audit = gateway.audit();
      expect(audit.output).toMatch(/calls recomputed +1\n/);
      expect(audit.ok).toBe(true);
    } finally {
      await phone.close();
      await gateway.stop();
    }
  });

  test('signalling 3: one of two gateways registers a trunk, and the other when the first stops', async () => {
    const registrar = await Registrar.udp({ credentials: { username: 'acme', password: 's3cret' } });
    const [one, two] = [await start('reg-a'), await start('reg-b')];
    try {
      const { status, body } = await one.api<{ id: string }>('POST', '/v1/trunks?check=none', {
        workspaceId: 'demo',
        label: 'registering',
        inbound: { enabled: true },
        outbound: {
          register: true,
          username: 'acme',
          password: 's3cret',
          gateways: [{ host: '127.0.0.1', port: registrar.port }],
        },
      });
      expect(status).toBe(201);
      const stateAt = async (gateway: RunningGateway) =>
        (await gateway.api<{ registration: { state: string } }>('GET', `/v1/trunks/${body.id}`)).body.registration
          ?.state;
      await until('the trunk is registered', async () => (await stateAt(one)) === 'registered');
      // The other node reads trunks of others every half a minute.
      await until('the other node knows', async () => (await stateAt(two)) === 'elsewhere', 45_000);
      const [binding] = registrar.bindings.values();
      expect(binding?.contact).toContain(`:${one.sip.udpPort}`);
      await one.stop();
      await until('the other node registers', async () => (await stateAt(two)) === 'registered', 20_000);
      expect(registrar.bindings.get('acme')?.contact).toContain(`:${two.sip.udpPort}`);
    } finally {
      await one.stop();
      await two.stop();
      await registrar.close();
    }
  }, 120_000);
});
