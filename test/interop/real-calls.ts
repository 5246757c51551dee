// Calls whose SIP, meter, journal and books are real and whose clocks a test moves; only audio and agents are fakes. What a carrier does on the
// wire, frame by frame, against the record and the bill that are left of it.

import { expect } from 'vitest';
import { createCallManager } from '../../src/calls/call-manager.ts';
import type { CallRecord } from '../../src/domain/call.ts';
import type { Trunk } from '../../src/domain/directory.ts';
import type { SupplierTable } from '../../src/metering/supplier-rates.ts';
import { ENGINE_REASONS } from '../../src/signalling/index.ts';
import { createWorld, type World } from '../calls/fakes.ts';
import { Stage, UNITS } from '../metering/support/stage.ts';
import { answerTo, Callee, type Caller, type CallerOptions, Harness, SkippingClock } from '../signalling/harness.ts';
import { REFERENCE } from '../sip-engine/support/reference-server.ts';
import type { RawMessage, RawSipPeer } from '../support/raw-sip-peer.ts';

export const BALANCE = 100n * UNITS;
const NUMBER = '+12025550100';
const CALLEE = '+12025550177';

export interface CallIn {
  readonly callId: string;
  readonly caller: Caller;
}

export interface CallOut {
  readonly callId: string;
  readonly peer: RawSipPeer;
  readonly callee: Callee;
}

export interface RealCallsOptions {
  readonly suppliers?: SupplierTable;
  /** Of the workspace. */
  readonly balance?: bigint;
}

export class RealCalls {
  readonly world: World;
  readonly stage: Stage;
  readonly harness: Harness;
  /** Of the SIP engine; the others have `world.clock`. */
  readonly engineClock: SkippingClock;
  readonly manager: ReturnType<typeof createCallManager>;

  private constructor(world: World, stage: Stage, harness: Harness, engineClock: SkippingClock) {
    this.world = world;
    this.stage = stage;
    this.harness = harness;
    this.engineClock = engineClock;
    this.manager = createCallManager({
      ...world.deps,
      meter: stage.meter,
      signalling: harness.signalling,
      hasRate: (callClass, to) => typeof stage.rates.snapshot(callClass, to, world.clock.wallMs()) !== 'string',
    });
  }

  static async open({ suppliers, balance = BALANCE }: RealCallsOptions = {}): Promise<RealCalls> {
    const world = createWorld();
    const engineClock = new SkippingClock();
    const stage = await Stage.open({ clock: world.clock });
    if (suppliers !== undefined) stage.suppliers = suppliers;
    await stage.topUp(balance, 'demo', 'demo');
    const harness = await Harness.start({
      clock: world.clock,
      reasons: ENGINE_REASONS,
      ...(REFERENCE === undefined ? { engineClock } : {}),
    });
    return new RealCalls(world, stage, harness, engineClock);
  }

  async close(): Promise<void> {
    await this.harness.close();
    await this.stage[Symbol.asyncDispose]();
  }

  /** Of the managed trunk, which calls come in over and go out over. */
  changeOutbound(change: Partial<Trunk['outbound']>): void {
    const [managed] = this.world.trunks;
    if (managed === undefined) throw new Error('no trunk');
    this.world.trunks[0] = { ...managed, outbound: { ...managed.outbound, ...change } };
  }

  /** A call in, as far as our 200: the moratorium. */
  async moratorium(options: CallerOptions = {}): Promise<CallIn & { readonly ok: RawMessage }> {
    const caller = await this.harness.caller(options);
    caller.invite();
    const ok = await caller.peer.next(200);
    caller.learn(ok);
    const [live] = (await this.manager.list({ limit: 1 })).items;
    if (live === undefined) throw new Error('no call');
    return { callId: live.id, caller, ok };
  }

  async talkingIn(options: CallerOptions = {}): Promise<CallIn> {
    const { callId, caller } = await this.moratorium(options);
    caller.ack();
    await expect.poll(async () => this.#events(callId)).toContain('confirmed');
    return { callId, caller };
  }

  /** An INVITE of ours at a gateway of the managed trunk. */
  async invited(): Promise<CallOut> {
    const peer = await this.harness.peer();
    this.changeOutbound({ gateways: [{ host: '127.0.0.1', port: peer.port, priority: 1, weight: 1 }] });
    const request = { workspaceId: 'demo', idempotencyKey: `k${peer.port}`, from: NUMBER, to: CALLEE };
    const outcome = await this.manager.originate(request);
    if (!outcome.ok) throw new Error(outcome.reason);
    const callee = new Callee(peer, this.harness.sipPort, await peer.next('INVITE'));
    return { callId: outcome.call.id, peer, callee };
  }

  async talkingOut(extra: readonly string[] = []): Promise<CallOut> {
    const call = await this.invited();
    call.callee.respond(200, { body: answerTo(call.callee.invite.body), extra });
    await call.peer.next('ACK');
    await this.inState(call.callId, 'answered');
    return call;
  }

  async inState(callId: string, state: CallRecord['state']): Promise<CallRecord> {
    await expect.poll(async () => (await this.manager.get(callId))?.state).toBe(state);
    return await this.#record(callId);
  }

  /** Ended, and its bill in the ledger. */
  async billed(callId: string): Promise<CallRecord> {
    await this.inState(callId, 'ended');
    await expect.poll(() => this.world.records.get(callId)?.bill?.final).toBeDefined();
    return await this.#record(callId);
  }

  /** One record, ended so, once, and billed; nothing of the call lives on in the engine, and nothing is held for it. */
  async isOver(endReason: string): Promise<CallRecord> {
    const all = async () => (await this.manager.list({ limit: 10 })).items;
    await expect.poll(async () => (await all()).map((call) => call.endReason)).toEqual([endReason]);
    const [only] = await all();
    const record = await this.billed(only?.id ?? '');
    expect(record.bill?.final).toBe(true);
    await this.isSilent();
    expect(record.timeline.filter(({ event }) => event === 'ended')).toHaveLength(1);
    return record;
  }

  /** No dialog is left in the engine, no money held. */
  async isSilent(): Promise<void> {
    await expect.poll(() => this.harness.openDialogs()).toBe(0);
    await expect.poll(async () => (await this.stage.balance('demo')).reserved).toBe(0n);
  }

  async #events(callId: string): Promise<readonly string[]> {
    return ((await this.manager.get(callId))?.timeline ?? []).map(({ event }) => event);
  }

  async #record(callId: string): Promise<CallRecord> {
    const record = await this.manager.get(callId);
    if (record === undefined) throw new Error('no such call');
    return record;
  }
}
