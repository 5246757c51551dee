import { beforeEach, describe, expect, test } from 'vitest';
import { createCallManager } from '../../src/calls/call-manager.ts';
import { createWorld, FakeMetered, settle, type World } from './fakes.ts';

// What others are told of calls, and when: before the journal closes the call, once, and with its bill.

let world: World;
let manager: ReturnType<typeof createCallManager>;

beforeEach(() => {
  world = createWorld();
  manager = createCallManager(world.deps);
});

async function talking() {
  const leg = world.invite();
  await settle();
  const [metered] = world.metered;
  if (metered === undefined) throw new Error('the call was not set up');
  return { leg, metered };
}

describe('the end of a call', () => {
  test('is told once, with record and bill, before the meter goes on to close the call', async () => {
    const { leg, metered } = await talking();
    const ended = metered.ended.bind(metered);
    const order: string[] = [];
    metered.ended = async (end) => {
      // The ledger is never done in the same turn.
      await Promise.resolve();
      const bill = await ended(end);
      order.push(`closed after ${world.told.length}`);
      return bill;
    };
    leg.emit({ type: 'bye', reasonHeader: null });
    leg.emit({ type: 'bye', reasonHeader: null });
    await settle();
    expect(order).toEqual(['closed after 1']);
    expect(world.told).toHaveLength(1);
    expect(world.told[0]).toMatchObject({
      workspaceId: 'demo',
      state: 'ended',
      endReason: 'remote_hangup',
      bill: { final: true, telephony: { billedMs: 60_000 } },
      quality: { packetsReceived: 10 },
    });
    expect(manager.activeCalls).toBe(0);
  });

  test('that was refused before the meter is told without a bill', async () => {
    world.invite({ calledUser: '+12025550102' });
    await settle();
    expect(world.told).toHaveLength(1);
    expect(world.told[0]).toMatchObject({ workspaceId: 'demo', endReason: 'number_unassigned', bill: null });
  });

  test('that the meter refused is told with that reason', async () => {
    world.authorise = async () => ({ ok: false, reason: 'insufficient_balance' });
    world.invite();
    await settle();
    expect(world.told).toMatchObject([{ endReason: 'insufficient_balance', bill: null }]);
  });

  test('of a stranger’s INVITE is not told', async () => {
    world.invite({ source: { address: '198.51.100.7', port: 5060, protocol: 'udp' } });
    await settle();
    expect([world.told, world.records.size]).toEqual([[], 0]);
  });

  test('whose bill is left to recovery is told by recovery, not now', async () => {
    world.authorise = async (intent) => {
      const call = new FakeMetered(intent);
      call.ended = async () => Promise.reject(new Error('the meter is closed'));
      return { ok: true, call };
    };
    const leg = world.invite();
    await settle();
    leg.emit({ type: 'bye', reasonHeader: null });
    await settle();
    expect(world.told).toEqual([]);
    // The record shows the call meanwhile, with what it cost so far.
    expect([...world.records.values()]).toMatchObject([{ state: 'ended', bill: { final: false } }]);
  });

  test('that cannot be told is said in the log, and the record is stored all the same', async () => {
    const { leg } = await talking();
    world.eventsFailure = new Error('disk full');
    leg.emit({ type: 'bye', reasonHeader: null });
    await settle();
    expect(world.records.size).toBe(1);
    expect(world.errors).toContain('the events of the call could not be stored');
    expect(manager.activeCalls).toBe(0);
  });

  test('is told where the record could not be stored', async () => {
    const { leg } = await talking();
    world.deps.directory.calls.save = async () => Promise.reject(new Error('disk full'));
    leg.emit({ type: 'bye', reasonHeader: null });
    await settle();
    expect(world.told).toHaveLength(1);
    expect(world.errors).toContain('the call record could not be stored');
  });
});

describe('low balance', () => {
  test('is told with the call, its workspace and which warning it is, and stands in the timeline', async () => {
    const { leg, metered } = await talking();
    metered.intent.onLowBalance?.(30_000);
    metered.intent.onLowBalance?.(12_000);
    expect(world.warned).toEqual([
      { callId: metered.intent.callId, workspaceId: 'demo', remainingMs: 30_000, nth: 1 },
      { callId: metered.intent.callId, workspaceId: 'demo', remainingMs: 12_000, nth: 2 },
    ]);
    leg.emit({ type: 'bye', reasonHeader: null });
    await settle();
    const events = [...world.records.values()][0]?.timeline.map(({ event }) => event);
    expect(events?.filter((event) => event === 'balance_low')).toHaveLength(2);
    metered.intent.onLowBalance?.(5_000);
    expect(world.warned).toHaveLength(2);
  });
});
