import { spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { createPhone, type Phone } from '../../src/phone/phone.ts';
import type { OutgoingCall } from '../../src/phone/outgoing.ts';
import { type Auditor, startAuditor } from '../support/auditor.ts';
import { type RunningGateway, startGateway } from '../support/gateway.ts';
import { HAS_REDIS, type RedisServer, startRedis, until } from '../support/redis.ts';
import {
  accountOf,
  type BookedCall,
  COMPUTE_PER_MS,
  DEMO_BALANCE,
  FIRST_MINUTE,
  NUMBER,
  pause,
  SLACK_MS,
  START_TIMEOUT_MS,
} from './support/fault-scene.ts';

// Two real gateways on one Redis; one dies, or is taken for dead, under live calls. The phone and the independent auditor are the witnesses.

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const DEAD_AFTER_MS = 3_000;
const HEARTBEAT_MS = 1_000;
/** A busy machine's heartbeats come late; the exact figure is in test/metering/edge-cases-shared.test.ts. */
const LATE_MS = 1_000;
const FINISHED = 'the calls of a dead node were finished';

interface Live {
  readonly from: string;
  readonly call: OutgoingCall;
}

interface Line {
  readonly id: string;
  readonly callId: string | null;
  readonly amount: string;
}

/** The two gateways, their Redis, the phone and the auditor. */
class Pair {
  readonly redis: RedisServer;
  readonly phone: Phone;
  readonly auditor: Auditor;
  readonly #gateways: RunningGateway[] = [];
  #callers = 0;

  /** Plays a test and clears up after it. */
  static async with(play: (pair: Pair, a: RunningGateway, b: RunningGateway) => Promise<void>): Promise<void> {
    const redis = await startRedis();
    const pair = new Pair(redis, await createPhone());
    try {
      const [a, b] = await Promise.all([pair.start('node-a'), pair.start('node-b')]);
      await play(pair, a, b);
      expect((await pair.auditor.finish()).violations, pair.auditor.violations.join('\n')).toBe(0);
    } finally {
      await pair.#close();
    }
  }

  private constructor(redis: RedisServer, phone: Phone) {
    this.redis = redis;
    this.phone = phone;
    this.auditor = startAuditor([redis.port]);
  }

  /** Each in a folder that outlives it. */
  async start(id: string, dataDir = mkdtempSync(join(tmpdir(), 'callin-dead-node-'))): Promise<RunningGateway> {
    const store = { kind: 'redis', redis: { url: this.redis.url }, deadAfterMs: DEAD_AFTER_MS };
    const gateway = await startGateway({ config: { node: { id }, store }, dataDir, startTimeoutMs: START_TIMEOUT_MS });
    this.#gateways.push(gateway);
    return gateway;
  }

  async live(gateway: RunningGateway, count: number): Promise<Live[]> {
    const calls = await Promise.all(
      Array.from({ length: count }, async () => {
        this.#callers += 1;
        const from = `+1202557${String(this.#callers).padStart(4, '0')}`;
        return { from, call: await this.phone.call(`sip:${NUMBER}@127.0.0.1:${gateway.sip.udpPort}`, { from }) };
      }),
    );
    for (const { call } of calls) await call.waitFor('answered', 10_000);
    return calls;
  }

  /** Final bills of these calls, by caller. */
  async billed(gateway: RunningGateway, calls: readonly Live[]): Promise<BookedCall[]> {
    await until('the bills', async () => {
      const booked = await bookedOf(gateway, calls);
      return booked.length === calls.length && booked.every(({ bill }) => bill?.final === true);
    });
    return bookedOf(gateway, calls);
  }

  /** Lines of the ledger, as the server has them, in the order in which they were written. */
  async lines(): Promise<Line[]> {
    const numbered = Object.entries(await this.redis.admin.hgetall('callin:{ws:demo}:postings'));
    return numbered.toSorted(([a], [b]) => Number(a) - Number(b)).map(([, text]) => JSON.parse(text) as Line);
  }

  /** `npm run audit` over both journals. */
  audit(a: RunningGateway, b: RunningGateway): string {
    const books = [a, b].flatMap(({ dataDir }) => ['--books', join(dataDir, 'books.db')]);
    const args = ['src/audit.ts', '--redis', this.redis.url, ...books, '--whole'];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8' });
    return status === 0 ? 'clean' : `${stdout}${stderr}`;
  }

  /** Nobody owes anything any more: what was charged is what the bills say, and nothing is held. */
  async expectBooks(bills: readonly BookedCall[]): Promise<void> {
    const posted = await this.lines();
    for (const { bill, id } of bills) {
      const own = posted.filter(({ callId }) => callId === id);
      expect(own.map((line) => line.id).toSorted()).toEqual([`${id}:compute:1`, `${id}:telephony:1`]);
      expect(own.reduce((sum, { amount }) => sum - BigInt(amount), 0n)).toBe(costOf(bill));
    }
    const charged = bills.reduce((sum, { bill }) => sum + costOf(bill), 0n);
    expect(await accountOf(this.redis)).toEqual({ balance: DEMO_BALANCE - charged, reserved: 0n });
  }

  async #close(): Promise<void> {
    this.auditor.stop();
    await this.phone.close();
    await Promise.all(this.#gateways.map((gateway) => gateway.kill()));
    for (const gateway of this.#gateways) gateway.discard();
    await this.redis.stop();
  }
}

async function bookedOf(gateway: RunningGateway, calls: readonly Live[]): Promise<BookedCall[]> {
  const { body } = await gateway.api<{ items: BookedCall[] }>('GET', '/v1/calls?limit=100');
  const callers = new Set(calls.map(({ from }) => from));
  return body.items.filter(({ from }) => callers.has(from)).toSorted((a, b) => a.from.localeCompare(b.from));
}

function costOf(bill: BookedCall['bill']): bigint {
  return FIRST_MINUTE + COMPUTE_PER_MS * BigInt(bill?.compute.billedMs ?? -1);
}

// Side by side: most of both is waiting.
describe.skipIf(!HAS_REDIS).concurrent('a node whose calls another one finishes (needs redis-server)', () => {
  test(
    'killed: another node finishes its calls from its last heartbeat; when it is back, nothing is charged twice, however often',
    () =>
      Pair.with(async (pair, a, b) => {
        const [own, others, over] = [await pair.live(a, 3), await pair.live(b, 1), await pair.live(a, 1)];
        await pause(2_400);
        await Promise.all(over.map(({ call }) => call.bye()));
        await pair.billed(a, over);
        const killedAtMs = performance.now();
        await a.kill();
        await b.waitForLog(({ msg, nodeId }) => msg === FINISHED && nodeId === 'node-a', 15_000);
        expect(performance.now() - killedAtMs).toBeGreaterThan(DEAD_AFTER_MS - HEARTBEAT_MS);
        const finished = await pair.billed(b, own);
        for (const [index, booked] of finished.entries()) {
          const talkMs = killedAtMs - (own[index]?.call.at.answered ?? 0);
          const computeMs = booked.bill?.compute.billedMs ?? -1;
          expect(booked).toMatchObject({ endReason: 'node_crash', bill: { telephony: { billedMs: 60_000 } } });
          expect(computeMs).toBeLessThanOrEqual(talkMs + SLACK_MS);
          expect(computeMs).toBeGreaterThanOrEqual(talkMs - HEARTBEAT_MS - LATE_MS);
        }
        expect(others[0]?.call.state).toBe('answered');
        const before = await pair.lines();

        const again = await pair.start('node-a', a.dataDir);
        const recovered = await pair.billed(again, [...own, ...over]);
        expect(await pair.lines()).toEqual(before);
        for (const [index, booked] of recovered.slice(0, own.length).entries()) {
          expect(booked.id).toBe(finished[index]?.id);
          expect(booked.bill?.total).toBe(finished[index]?.bill?.total);
        }
        await Promise.all(others.map(({ call }) => call.bye()));
        await pair.expectBooks([...recovered, ...(await pair.billed(b, others))]);
        expect(pair.audit(again, b)).toBe('clean');

        const settled = await pair.lines();
        await Promise.all([again.stop(), b.stop()]);
        const once = await Promise.all([pair.start('node-a', a.dataDir), pair.start('node-b', b.dataDir)]);
        await pause(DEAD_AFTER_MS);
        expect(await pair.lines()).toEqual(settled);
        expect(await pair.billed(once[0], [...own, ...over])).toEqual(recovered);
        expect(pair.audit(...once)).toBe('clean');
      }),
    60_000,
  );

  test(
    'stopped for longer than its lease, then goes on: its calls end at once, and what the other charged stands',
    () =>
      Pair.with(async (pair, a, b) => {
        const own = await pair.live(a, 2);
        await pause(1_500);
        process.kill(a.pid, 'SIGSTOP');
        const stoppedAtMs = performance.now();
        await b.waitForLog(({ msg, nodeId }) => msg === FINISHED && nodeId === 'node-a', 15_000);
        const finished = await pair.billed(b, own);
        const before = await pair.lines();
        process.kill(a.pid, 'SIGCONT');
        // Nobody pays for what it serves from now on.
        for (const { call } of own) await call.waitFor('ended', 5_000);
        // The record that the other saved has a final bill as well; what this node says of its calls comes after it.
        await until('its own records', async () =>
          (await bookedOf(a, own)).every(({ endReason }) => endReason === 'store_lost'),
        );
        const zombie = await pair.billed(a, own);
        expect(await pair.lines()).toEqual(before);
        for (const [index, booked] of zombie.entries()) {
          const talkMs = stoppedAtMs - (own[index]?.call.at.answered ?? 0);
          expect(booked).toMatchObject({ endReason: 'store_lost', bill: { total: finished[index]?.bill?.total } });
          expect(booked.bill?.flags).toContain('finished_elsewhere');
          expect(booked.bill?.compute.billedMs).toBeGreaterThanOrEqual(talkMs - HEARTBEAT_MS - LATE_MS);
        }
        // It lives again: its new calls are its own.
        const later = await pair.live(a, 1);
        await pause(DEAD_AFTER_MS);
        await Promise.all(later.map(({ call }) => call.bye()));
        await pair.expectBooks([...zombie, ...(await pair.billed(a, later))]);
        expect(pair.audit(a, b)).toBe('clean');
      }),
    60_000,
  );
});
