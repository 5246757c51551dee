import { afterEach, describe, expect, test } from 'vitest';
import { createPhone, type Phone } from '../../src/phone/phone.ts';
import { type RunningGateway, startGateway } from '../support/gateway.ts';
import { HAS_REDIS, type RedisServer, startRedis, until } from '../support/redis.ts';

// Two real gateways, one directory in a real Redis: what is changed at one is what the next call on the other meets.

interface NumberView {
  readonly id: string;
}

const NUMBER = '+12025550100';
const CALLER = '+12025550199';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function pair(): Promise<{ redis: RedisServer; a: RunningGateway; b: RunningGateway; phone: Phone }> {
  const redis = await startRedis({ appendFsync: 'always' });
  closers.push(() => redis.stop());
  const start = async (id: string) => {
    const store = { kind: 'redis', redis: { url: redis.url } };
    const gateway = await startGateway({ config: { node: { id }, store }, startTimeoutMs: 30_000 });
    closers.push(() => gateway.stop());
    return gateway;
  };
  const [a, b] = [await start('node-a'), await start('node-b')];
  const phone = await createPhone();
  closers.push(() => phone.close());
  return { redis, a, b, phone };
}

describe.skipIf(!HAS_REDIS)('two gateways with one directory (needs redis-server)', () => {
  test('a number that is made, re-assigned, taken away on one is so for the next call on the other', async () => {
    const { a, b, phone } = await pair();
    const dial = (gateway: RunningGateway, e164: string) =>
      phone.call(`sip:${e164}@127.0.0.1:${gateway.sip.udpPort}`, { from: CALLER });
    const e164 = '+12025550188';
    const refused = await dial(b, e164);
    await refused.waitFor('ended');
    expect(refused.final?.status).toBe(404);

    const made = await a.api<NumberView>('POST', '/v1/numbers', {
      e164,
      workspaceId: 'demo',
      provider: 'byoc',
      trunkId: 'loopback-byoc',
      agentId: 'echo',
    });
    expect(made.status).toBe(201);
    const answered = await dial(b, e164);
    await answered.waitFor('answered');
    await answered.bye();

    await a.api('PATCH', `/v1/numbers/${made.body.id}`, { agentId: null });
    const unassigned = await dial(b, e164);
    await unassigned.waitFor('ended');
    expect(unassigned.final?.status).toBe(480);

    // The record of a call on one is seen at the other, with its bill.
    await until('the record', async () => {
      const { body } = await a.api<{ items: { to: string; bill: { final: boolean } | null }[] }>('GET', '/v1/calls');
      return body.items.some((call) => call.to === e164 && call.bill?.final === true);
    });
  }, 60_000);

  test('Redis hangs, then is gone: new calls are refused as the books refuse them, live ones go on, and all goes on with it', async () => {
    const { redis, a, phone } = await pair();
    const dial = () => phone.call(`sip:${NUMBER}@127.0.0.1:${a.sip.udpPort}`, { from: CALLER });
    const live = await dial();
    await live.waitFor('answered');
    redis.pause();
    const begin = performance.now();
    const hanging = await dial();
    await hanging.waitFor('ended', 10_000);
    expect(hanging.final?.status).toBe(503);
    expect(performance.now() - begin).toBeLessThan(5_000);
    redis.resume();
    await redis.kill();
    const gone = await dial();
    await gone.waitFor('ended', 10_000);
    expect(gone.final?.status).toBe(503);
    expect((await a.api('GET', '/v1/numbers')).status).toBe(503);
    expect(live.state).toBe('answered');
    await redis.restart();
    await until('a call', async () => {
      const again = await dial();
      const state = await again.waitFor('answered', 2_000).then(
        () => 'answered',
        () => 'refused',
      );
      if (state === 'answered') await again.bye();
      return state === 'answered';
    });
    expect(live.state).toBe('answered');
    await live.bye();
  }, 90_000);
});
