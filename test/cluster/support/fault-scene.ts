// A real gateway whose books are in a real Redis, a phone with live calls, and the independent auditor beside them: what every fault is
// played on. The phone is the witness of what each call must cost; the prices are those of the demo workspace and config/rates.yaml.

import { createPhone, type Phone } from '../../../src/phone/phone.ts';
import type { OutgoingCall } from '../../../src/phone/outgoing.ts';
import { header } from '../../../src/phone/sip.ts';
import { type Auditor, startAuditor } from '../../support/auditor.ts';
import { type RunningGateway, startGateway } from '../../support/gateway.ts';
import { type RedisServer, until } from '../../support/redis.ts';

export const NUMBER = '+12025550100';
/** Nano-units per ms of compute, and the first minute of telephony: what calls under a minute cost. */
export const COMPUTE_PER_MS = 1_000n;
export const FIRST_MINUTE = 12_000_000n;
export const DEMO_BALANCE = 10_000_000_000n;
/** Between the phone's clock readings and the gateway's. */
export const SLACK_MS = 400;
/** A machine that does other things as well. */
export const START_TIMEOUT_MS = 60_000;

export interface BookedCall {
  readonly id: string;
  readonly from: string;
  readonly state: string;
  readonly endReason: string | null;
  readonly bill: {
    readonly final: boolean;
    readonly flags: readonly string[];
    readonly total: string;
    readonly telephony: { readonly billedMs: number };
    readonly compute: { readonly billedMs: number };
  } | null;
}

interface Page {
  readonly items: readonly BookedCall[];
  readonly nextCursor: string | null;
}

export interface Witnessed {
  readonly from: string;
  readonly call: OutgoingCall;
}

export interface Account {
  readonly balance: bigint;
  readonly reserved: bigint;
}

export class FaultScene {
  readonly gateway: RunningGateway;
  readonly phone: Phone;
  readonly auditor: Auditor;
  /** Calls of this scene that were answered. */
  readonly witnessed: Witnessed[] = [];
  /** Nano-units that were added to the demo's own balance. */
  toppedUp = 0n;
  #callers = 0;

  static async open(
    url: string,
    servers: readonly RedisServer[],
    config: Record<string, unknown> = {},
  ): Promise<FaultScene> {
    const gateway = await startGateway({
      config: { node: { id: 'node-a' }, store: { kind: 'redis', redis: { url } }, ...config },
      startTimeoutMs: START_TIMEOUT_MS,
    });
    const auditor = startAuditor(servers.map(({ port }) => port));
    return new FaultScene(gateway, await createPhone(), auditor);
  }

  private constructor(gateway: RunningGateway, phone: Phone, auditor: Auditor) {
    this.gateway = gateway;
    this.phone = phone;
    this.auditor = auditor;
  }

  /** Places calls and waits until they are answered. */
  async live(count: number): Promise<Witnessed[]> {
    const calls = await Promise.all(Array.from({ length: count }, () => this.dial()));
    for (const { call } of calls) await call.waitFor('answered', 10_000);
    this.witnessed.push(...calls);
    return calls;
  }

  async dial(): Promise<Witnessed> {
    this.#callers += 1;
    const from = `+1202556${String(this.#callers).padStart(4, '0')}`;
    const uri = `sip:${NUMBER}@127.0.0.1:${this.gateway.sip.udpPort}`;
    return { from, call: await this.phone.call(uri, { from }) };
  }

  async hangUp(calls: readonly Witnessed[]): Promise<void> {
    await Promise.all(calls.map(({ call }) => call.bye()));
  }

  /** Places a call now; what it was refused with, or `answered`. */
  async attempt(): Promise<string> {
    const { from, call } = await this.dial();
    await call.waitFor('answered', 10_000).catch(() => undefined);
    if (call.state === 'answered') {
      this.witnessed.push({ from, call });
      await call.bye();
      return 'answered';
    }
    return `${call.final?.status} ${(call.final && header(call.final, 'reason')) ?? ''}`;
  }

  /** New calls are taken again. */
  async takesCalls(): Promise<void> {
    await until('a new call', async () => {
      if ((await this.attempt()) === 'answered') return true;
      await pause(100);
      return false;
    });
  }

  async topUp(amount: string, key: string = crypto.randomUUID()): Promise<number> {
    const { http, adminToken } = this.gateway;
    const response = await fetch(`http://127.0.0.1:${http.port}/v1/workspaces/demo/topups`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${adminToken}`,
        'content-type': 'application/json',
        'idempotency-key': key,
      },
      body: JSON.stringify({ amount }),
    });
    await response.text();
    return response.status;
  }

  async booked(): Promise<Map<string, BookedCall[]>> {
    const calls: BookedCall[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const query: string = `limit=100${cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`}`;
      const page: Page = (await this.gateway.api<Page>('GET', `/v1/calls?${query}`)).body;
      calls.push(...page.items);
      cursor = page.nextCursor;
    }
    return Map.groupBy(calls, (call) => call.from);
  }

  /** Every call that ended has its final bill. */
  async billed(calls: readonly Witnessed[] = this.witnessed): Promise<void> {
    const ended = calls.filter(({ call }) => call.state === 'ended');
    await until('the bills', async () => {
      const booked = await this.booked();
      return ended.every(({ from }) => booked.get(from)?.[0]?.bill?.final === true);
    });
  }

  /** What is wrong with the money; empty where every call costs what the phone saw, once, and everything adds up. All calls have ended. */
  async faults(server: RedisServer, sizes: { readonly reservedWithinMs?: number } = {}): Promise<string[]> {
    await this.billed();
    const faults: string[] = [];
    const booked = await this.booked();
    let charged = 0n;
    for (const { call, from } of this.witnessed) {
      const records = booked.get(from) ?? [];
      const bill = records[0]?.bill;
      const talkMs = (call.at.ended ?? 0) - (call.at.answered ?? 0);
      const computeMs = bill?.compute.billedMs ?? -1;
      charged += FIRST_MINUTE + COMPUTE_PER_MS * BigInt(computeMs);
      if (records.length !== 1) faults.push(`${from}: ${records.length} records`);
      else if (bill?.telephony.billedMs !== 60_000 || Math.abs(computeMs - talkMs) > SLACK_MS)
        faults.push(`${from}: talked ${talkMs} ms, billed ${computeMs} ms (${records[0]?.endReason})`);
    }
    const { body } = await this.gateway.api<{ balance: string }>('GET', '/v1/workspaces/demo');
    const account = await accountOf(server);
    const expected = DEMO_BALANCE + this.toppedUp - charged;
    if (account.balance !== expected) faults.push(`balance ${account.balance}, expected ${expected} (${body.balance})`);
    await until(
      'the holds back',
      async () => {
        await this.gateway.api('GET', '/v1/workspaces/demo');
        return (await accountOf(server)).reserved === 0n;
      },
      sizes.reservedWithinMs,
    ).catch(async () => faults.push(`reserved is ${(await accountOf(server)).reserved}`));
    const audit = this.gateway.audit('--whole');
    if (!audit.ok) faults.push(audit.output);
    await this.auditor.settled();
    return [...faults, ...this.auditor.violations];
  }

  async close(): Promise<void> {
    await this.auditor.finish();
    await this.phone.close();
    await this.gateway.stop();
  }
}

export async function accountOf({ admin }: RedisServer): Promise<Account> {
  const { balance = '0', reserved = '0' } = await admin.hgetall('callin:{ws:demo}:account');
  return { balance: BigInt(balance), reserved: BigInt(reserved) };
}

export const pause = (ms: number) => new Promise<void>((resolve) => void setTimeout(resolve, ms));
