import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createPhone } from '../src/phone/phone.ts';
import { type RunningGateway, startGateway } from './support/gateway.ts';
import { HAS_REDIS, type RedisServer, startRedis, until } from './support/redis.ts';

// What whoever asks an idle node is told while its books take no writes. No call is made: each would be refused.

const HAS_PRLIMIT = spawnSync('prlimit', ['--version']).status === 0;

const readiness = async (gateway: RunningGateway) => {
  const { status, body } = await gateway.api<{ detail?: string }>('GET', '/readyz');
  return { status, detail: body.detail };
};
const becomes = (gateway: RunningGateway, status: number) =>
  until(`readiness ${status}`, async () => (await readiness(gateway)).status === status, 20_000);
const storeMetric = async (gateway: RunningGateway) =>
  /callin_engine_connected\{engine="store"\} (\d)/.exec(await gateway.metrics())?.[1];

describe.skipIf(!HAS_PRLIMIT)('an idle gateway whose disk is full (needs prlimit of util-linux)', () => {
  let gateway: RunningGateway;
  beforeAll(async () => {
    gateway = await startGateway({ config: { calls: { drainDeadlineMs: 500 } } });
  });
  afterAll(() => gateway?.stop());
  /** Nothing may be written behind the first byte of a file: as a full disk, for this process alone. */
  const limitFiles = (bytes: string) => spawnSync('prlimit', ['--pid', String(gateway.pid), `--fsize=${bytes}:`]);

  test('is not ready, says why in the answer, the log and the metrics, and is ready again by itself', async () => {
    expect(await readiness(gateway)).toEqual({ status: 200, detail: undefined });
    expect(await storeMetric(gateway)).toBe('1');
    limitFiles('1');
    await becomes(gateway, 503);
    expect((await readiness(gateway)).detail).toMatch(
      /^Failing: store \((disk I\/O error|database or disk is full)\)$/,
    );
    expect(await storeMetric(gateway)).toBe('0');
    await gateway.waitForLog(({ msg }) => msg === 'the books take no writes: no new calls');
    const diagnosis = await gateway.api('POST', '/v1/diagnoses', { numberE164: '+12025550100' });
    expect(JSON.stringify(diagnosis.body)).toContain('take no writes');
    limitFiles('unlimited');
    await becomes(gateway, 200);
    expect(await storeMetric(gateway)).toBe('1');
    await gateway.waitForLog(({ msg }) => msg === 'the books take writes again');
  }, 60_000);

  test('that is stopped says how many calls it leaves to the next start', async () => {
    const phone = await createPhone();
    const call = await phone.call(`sip:+12025550100@127.0.0.1:${gateway.sip.udpPort}`, { from: '+12025550199' });
    await call.waitFor('answered');
    limitFiles('1');
    expect(await gateway.stop()).toBe(0);
    await phone.close();
    expect(gateway.log.at(-1)).toMatchObject({ msg: 'stopped', callsLeft: 1 });
  }, 60_000);
});

describe.skipIf(!HAS_REDIS)('an idle gateway whose shared books take no writes (needs redis-server)', () => {
  let redis: RedisServer;
  let gateway: RunningGateway;
  beforeAll(async () => {
    redis = await startRedis();
    gateway = await startGateway({
      config: { node: { id: 'only' }, store: { kind: 'redis', redis: { url: redis.url } } },
    });
  });
  afterAll(async () => {
    await gateway?.stop();
    await redis?.stop();
  });

  test('is not ready and says with the words of Redis why, and is ready again by itself', async () => {
    await becomes(gateway, 200);
    await redis.admin.config('SET', 'maxmemory', '1');
    await becomes(gateway, 503);
    expect((await readiness(gateway)).detail).toMatch(/^Failing: store \(Redis: OOM /);
    expect(await storeMetric(gateway)).toBe('0');
    await redis.admin.config('SET', 'maxmemory', '0');
    await becomes(gateway, 200);
    expect(await redis.admin.pttl('callin:{probe}')).toBeGreaterThan(0);
  }, 60_000);

  test('is not ready either while they are told again what a restart has lost', async () => {
    await redis.restart();
    await until(
      'that it is told',
      async () =>
        /^Failing: store \(The shared books may have lost writes/.test((await readiness(gateway)).detail ?? ''),
      20_000,
    );
    await becomes(gateway, 200);
  }, 60_000);

  test('that cannot go on says in its log why, stops, and says so', async () => {
    const other = setInterval(() => void redis.admin.set('callin:{node:only}:beat', 'another 7'), 100);
    const why = await gateway.waitForLog(({ level }) => String(level) === 'fatal', 15_000);
    clearInterval(other);
    expect(why).toMatchObject({ err: { code: 'node_id_taken' } });
    expect(await gateway.stop()).toBe(1);
    expect(gateway.log.findLast(({ msg }) => msg !== undefined)).toMatchObject({ msg: 'stopped' });
  }, 30_000);
});
