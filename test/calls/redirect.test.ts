import { beforeEach, describe, expect, test } from 'vitest';
import { createCallManager } from '../../src/calls/call-manager.ts';
import { createWorld, OFFER, settle, type World } from './fakes.ts';

let world: World;
let manager: ReturnType<typeof createCallManager>;

beforeEach(() => {
  world = createWorld();
  // A call to Great Britain costs more than one to America.
  const deps = { ...world.deps, costsNoMore: (_class: string, to: string, than: string) => to[1] === than[1] };
  manager = createCallManager(deps);
  const [managed] = world.trunks;
  if (managed === undefined) throw new Error('no trunk');
  const [gateway] = managed.outbound.gateways;
  if (gateway === undefined) throw new Error('no gateway');
  world.trunks[0] = { ...managed, redirects: 'follow', outbound: { ...managed.outbound, gateways: [gateway] } };
});

const REQUEST = { workspaceId: 'demo', idempotencyKey: 'k', from: '+12025550100', to: '+12025550177' };

async function place(): Promise<string> {
  const outcome = await manager.originate(REQUEST);
  if (!outcome.ok) throw new Error(outcome.reason);
  return outcome.call.id;
}
async function redirect(index: number, ...targets: string[]): Promise<void> {
  world.originated[index]?.emit({ type: 'rejected', status: 302, reason: 'Moved', targets });
  await settle();
}
async function reject(index: number, status: number): Promise<void> {
  world.originated[index]?.emit({ type: 'rejected', status, reason: '' });
  await settle();
}
async function recordOf(callId: string) {
  const record = await manager.get(callId);
  if (record === undefined) throw new Error('no record');
  return record;
}
const called = () => world.originated.map(({ params }) => /^sip:([^@]*)@/.exec(params.uri)?.[1]);
const eventsOf = async (callId: string, event: string) =>
  (await recordOf(callId)).timeline.filter((entry) => entry.event === event).map(({ detail }) => detail);

describe('signalling 10: a 3xx on a trunk whose redirects are followed', () => {
  test('is called over the same trunk; the answer is the call’s, charged as dialled', async () => {
    const callId = await place();
    await redirect(0, '+12025550178');
    expect(called()).toEqual(['+12025550177', '+12025550178']);
    world.originated[1]?.emit({ type: 'answered', sdp: OFFER });
    await settle();
    expect(await recordOf(callId)).toMatchObject({ state: 'answered', to: '+12025550177', trunkId: 'trunk_loop' });
    expect(world.metered).toHaveLength(1);
    expect(world.metered[0]?.intent.ratedNumber).toBe('+12025550177');
    // What it costs us is another matter.
    expect(world.metered[0]?.numbers).toEqual(['+12025550178']);
    expect((await eventsOf(callId, 'inviting')).map((detail) => detail?.['to'])).toEqual([undefined, '+12025550178']);
    expect(await eventsOf(callId, 'redirected')).toEqual([
      { to: '+12025550178', country: 'US', rate: true, status: 302 },
    ]);
    // What the one before still says is nobody's business.
    world.originated[0]?.emit({ type: 'bye', reasonHeader: null });
    expect((await recordOf(callId)).state).toBe('answered');
  });

  test.each([
    ['+19005550123', 'destination_not_allowed'],
    ['+881612345678', 'destination_not_allowed'],
    ['+15555550123', 'no_rate'],
    ['+442071234567', 'rejected'],
    ['voicemail', 'destination_not_allowed'],
    ['+12025550177', 'rejected'],
  ])('to %s: not called (%s), nothing charged', async (target, reason) => {
    const callId = await place();
    await redirect(0, target);
    expect(called()).toEqual(['+12025550177']);
    expect(await recordOf(callId)).toMatchObject({ state: 'ended', endReason: reason, sipStatus: 302 });
    expect(await eventsOf(callId, 'redirect_not_followed')).toHaveLength(1);
  });

  test('with several contacts: those that may be called, in their order, until one is answered', async () => {
    const callId = await place();
    await redirect(0, '+19005550123', '+12025550178', '+12025550179');
    expect(called()).toEqual(['+12025550177', '+12025550178']);
    await reject(1, 486);
    expect(called()).toEqual(['+12025550177', '+12025550178', '+12025550179']);
    await reject(2, 486);
    expect(await recordOf(callId)).toMatchObject({ endReason: 'busy', sipStatus: 486 });
    expect(await eventsOf(callId, 'redirect_not_followed')).toMatchObject([{ reason: 'destination_not_allowed' }]);
  });

  test('a 6xx of one contact is said for all', async () => {
    const callId = await place();
    await redirect(0, '+12025550178', '+12025550179');
    await reject(1, 603);
    expect(called()).toHaveLength(2);
    expect((await recordOf(callId)).endReason).toBe('rejected');
  });

  test('in a circle, or on and on, ends', async () => {
    const callId = await place();
    await redirect(0, '+12025550178');
    await redirect(1, '+12025550177', '+12025550178', '+12025550179');
    expect(called()).toEqual(['+12025550177', '+12025550178', '+12025550179']);
    await redirect(2, '+12025550180');
    expect(called()).toHaveLength(4);
    await redirect(3, '+12025550181');
    expect(called()).toHaveLength(4);
    expect((await recordOf(callId)).endReason).toBe('rejected');
  });

  test('with more contacts than are read is bounded', async () => {
    await place();
    await redirect(0, ...Array.from({ length: 8 }, (_, index) => `+1202555018${index}`));
    for (let index = 1; index < 10; index += 1) await reject(index, 480);
    expect(called()).toHaveLength(6);
  });

  test('after our CANCEL changes nothing', async () => {
    const callId = await place();
    await manager.hangup(callId);
    await redirect(0, '+12025550178');
    expect(called()).toHaveLength(1);
  });
});
