import { describe, expect, test } from 'vitest';
import { createCallManager } from '../../src/calls/call-manager.ts';
import type { CallPlaces } from '../../src/calls/trunk-limits.ts';
import { createWorld, type FakeLeg, Gate, OFFER, settle, type World } from './fakes.ts';

// A place on a trunk and a number comes back once, whatever ends the call.

/** Places that are counted, and that a test can keep waiting. */
class CountedPlaces implements CallPlaces {
  readonly held: string[] = [];
  readonly released: string[] = [];
  gate: Gate<null> | null = null;
  failure: Error | null = null;

  async take(subject: string, callId: string): Promise<boolean> {
    await this.gate?.promise;
    if (this.failure !== null && subject.startsWith('number:')) throw this.failure;
    this.held.push(`${subject} ${callId}`);
    return true;
  }
  release(subject: string, callId: string): void {
    this.released.push(`${subject} ${callId}`);
  }
  get balanced(): boolean {
    return [...this.held].sort().join() === [...this.released].sort().join();
  }
}

function scene() {
  const world = createWorld();
  const places = new CountedPlaces();
  const manager = createCallManager({ ...world.deps, places });
  return { world, places, manager };
}
const REQUEST = { workspaceId: 'demo', idempotencyKey: 'k', from: '+12025550100', to: '+12025550177' };

type End = (scene: { world: World; leg: FakeLeg; manager: ReturnType<typeof createCallManager> }) => unknown;

describe('signalling 6: places come back on every end of an inbound call', () => {
  test.each<[string, End]>([
    ['BYE', ({ leg }) => leg.emit({ type: 'bye', reasonHeader: null })],
    ['the engine lost', ({ leg }) => leg.emit({ type: 'lost' })],
    ['no ACK', ({ leg }) => leg.emit({ type: 'unconfirmed' })],
    [
      'no audio',
      ({ world }) => world.sessions[0]?.emit({ type: 'media-timeout', lastProofMs: null, atMs: 0 } as never),
    ],
    ['the agent’s end', ({ world }) => world.sessions[0]?.emit({ type: 'agent-closed', atMs: 0 } as never)],
    ['the media thread lost', ({ world }) => world.sessions[0]?.emit({ type: 'thread-lost', atMs: 0 } as never)],
    ['the money', ({ world }) => world.metered[0]?.intent.onExhausted('balance_exhausted')],
    ['the maximum duration', ({ world }) => world.clock.advance(14_400_001)],
    ['a drain', ({ manager }) => void manager.drain(0)],
    ['the API', async ({ manager }) => manager.hangup((await manager.list({ limit: 1 })).items[0]?.id ?? '')],
  ])('%s', async (_what, end) => {
    const { world, places, manager } = scene();
    const leg = world.invite();
    await settle();
    expect(places.held).toHaveLength(2);
    expect(places.released).toEqual([]);
    await end({ world, leg, manager });
    await settle();
    world.clock.advance(1);
    await settle();
    expect(places.balanced).toBe(true);
    // What crosses the end gives nothing back twice.
    leg.emit({ type: 'bye', reasonHeader: null });
    await settle();
    expect(places.released).toHaveLength(2);
  });

  test.each<[string, (world: World) => void]>([
    ['no port', (world) => Object.assign(world, { mediaRefusal: 'media_ports_exhausted' })],
    [
      'no money',
      (world) => Object.assign(world, { authorise: async () => ({ ok: false, reason: 'insufficient_balance' }) }),
    ],
    [
      'the books lost',
      (world) =>
        Object.assign(world, {
          authorise: async () => {
            throw new Error('gone');
          },
        }),
    ],
    ['no agent', (world) => void world.agents.clear()],
  ])('refused before the answer: %s', async (_what, spoil) => {
    const { world, places } = scene();
    spoil(world);
    const leg = world.invite();
    await settle();
    expect(leg.acts.at(-1)).toMatch(/^reject /);
    expect([places.held.length, places.balanced]).toEqual([2, true]);
  });
});

describe('signalling 6: places come back on every end of a call out', () => {
  test.each<[string, (scene: { world: World; manager: ReturnType<typeof createCallManager> }) => unknown]>([
    ['busy', ({ world }) => world.originated[0]?.emit({ type: 'rejected', status: 486, reason: '' })],
    [
      'all gateways failing',
      async ({ world }) => {
        world.originated[0]?.emit({ type: 'rejected', status: 503, reason: '' });
        await settle();
        world.originated[1]?.emit({ type: 'rejected', status: 503, reason: '' });
      },
    ],
    ['nobody answering', ({ world }) => world.clock.advance(45_001)],
    ['an answer that cannot be used', ({ world }) => world.originated[0]?.emit({ type: 'answered', sdp: 'rubbish' })],
    [
      'BYE after the answer',
      ({ world }) => {
        world.originated[0]?.emit({ type: 'answered', sdp: OFFER });
        world.originated[0]?.emit({ type: 'bye', reasonHeader: null });
      },
    ],
    ['the API', async ({ manager }) => manager.hangup((await manager.list({ limit: 1 })).items[0]?.id ?? '')],
  ])('%s', async (_what, end) => {
    const { world, places, manager } = scene();
    expect((await manager.originate(REQUEST)).ok).toBe(true);
    expect(places.held).toHaveLength(2);
    await end({ world, manager });
    await settle();
    expect(places.balanced).toBe(true);
  });
});

describe('signalling 6: places that take their time', () => {
  test('TL2 a caller who is gone when the place comes gives it back at once', async () => {
    const { world, places } = scene();
    places.gate = new Gate();
    const leg = world.invite();
    await settle();
    leg.emit({ type: 'cancelled' });
    await settle();
    places.gate.open(null);
    await settle();
    expect([places.held.length, places.balanced]).toEqual([2, true]);
    expect(leg.acts).toEqual([]);
    expect(world.sessions).toEqual([]);
  });

  test('TL1 a store that is lost between two places refuses the call and keeps none', async () => {
    const { world, places } = scene();
    places.failure = Object.assign(new Error('gone'), { code: 'store_unreachable' });
    const leg = world.invite();
    await settle();
    expect(leg.acts).toEqual(['reject store_unavailable']);
    expect([places.held.length, places.balanced]).toEqual([1, true]);
  });
});
