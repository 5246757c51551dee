import { describe, expect, test } from 'vitest';
import { createCallManager } from '../../src/calls/call-manager.ts';
import { callerIdentity } from '../../src/calls/outbound-identity.ts';
import { trunk } from '../routing/records.ts';
import { createWorld, settle } from './fakes.ts';

const FROM = '+49302345678';
const identity = (
  outbound: Parameters<typeof trunk>[1] extends infer T | undefined ? (T & { outbound?: object })['outbound'] : never,
  hide = false,
) => callerIdentity(trunk('t', { outbound: outbound as object }), FROM, hide);

describe('signalling 2: what a trunk says of the caller', () => {
  test('by default the number in From and asserted, and nothing else', () => {
    expect(identity({})).toEqual({
      callerUser: FROM,
      assertedUser: FROM,
      callerDisplay: null,
      fromHost: null,
      identityHeader: 'p_asserted_identity',
      privacy: false,
      diversion: null,
      userPhone: false,
    });
  });

  test.each([
    ['the account in From', { fromUser: 'acme' }, { callerUser: 'acme', assertedUser: FROM }],
    [
      'the account before the user name',
      { callerIdMode: 'pai', fromUser: 'acme', username: 'u' },
      { callerUser: 'acme' },
    ],
    [
      'the caller’s number in a form of its own',
      { numberFormat: 'e164', callerNumberFormat: 'national', country: 'DE' },
      { callerUser: '0302345678' },
    ],
    ['the caller’s number as the called one', { numberFormat: '00' }, { callerUser: '0049302345678' }],
    [
      'a diversion in the same form',
      { numberFormat: 'digits', diversion: '+49301111111' },
      { diversion: '49301111111' },
    ],
    ['privacy', { privacy: 'id' }, { privacy: true, assertedUser: FROM }],
  ] as const)('%s', (_what, outbound, expected) => {
    expect(identity(outbound)).toMatchObject(expected);
  });

  test('a call that hides its number asserts it even where From alone would have it', () => {
    expect(identity({ callerIdMode: 'from' }, true)).toMatchObject({ privacy: true, assertedUser: FROM });
    expect(identity({ callerIdMode: 'from' })).toMatchObject({ privacy: false, assertedUser: null });
  });
});

const REQUEST = { workspaceId: 'demo', idempotencyKey: 'k', from: '+12025550100', to: '+12025550177' };

test('signalling 2: a call asks for privacy by itself', async () => {
  const world = createWorld();
  await createCallManager(world.deps).originate({ ...REQUEST, hideCallerId: true });
  expect(world.originated[0]?.params).toMatchObject({ privacy: true, assertedUser: '+12025550100' });
});

describe('signalling 6: limits of a number', () => {
  const limited = (limits: { concurrentCalls: number | null; callsPerSecond: number | null }) => {
    const world = createWorld();
    const [first, ...rest] = world.numbers;
    if (first === undefined) throw new Error('the world has a number');
    world.numbers.splice(0, world.numbers.length, { ...first, limits }, ...rest);
    return { world, manager: createCallManager(world.deps) };
  };

  test('count calls in both directions, and the place is back the moment a call is over, however it ended', async () => {
    const { world, manager } = limited({ concurrentCalls: 1, callsPerSecond: null });
    const first = world.invite();
    await settle();
    expect(first.acts).toEqual(['180', '200']);
    const second = world.invite();
    await settle();
    expect(second.acts).toEqual(['reject number_limit']);
    expect(await manager.originate(REQUEST)).toEqual({ ok: false, reason: 'number_limit', callId: expect.any(String) });
    first.emit({ type: 'bye', reasonHeader: null });
    await settle();
    expect((await manager.originate({ ...REQUEST, idempotencyKey: 'k2' })).ok).toBe(true);
    world.originated[0]?.emit({ type: 'rejected', status: 486, reason: '' });
    await settle();
    const third = world.invite();
    third.emit({ type: 'cancelled' });
    await settle();
    const fourth = world.invite();
    await settle();
    expect(fourth.acts).toEqual(['180', '200']);
  });

  test('TL1 a call that the number refuses keeps no place on the trunk', async () => {
    const { world } = limited({ concurrentCalls: 1, callsPerSecond: null });
    const [trunkOfAll, ...rest] = world.trunks;
    if (trunkOfAll === undefined) throw new Error('the world has a trunk');
    world.trunks.splice(
      0,
      world.trunks.length,
      { ...trunkOfAll, limits: { concurrentCalls: 2, callsPerSecond: null } },
      ...rest,
    );
    const other = world.numbers[2];
    if (other === undefined) throw new Error('the world has three numbers');
    world.numbers[2] = { ...other, agentId: 'echo' };
    world.invite();
    await settle();
    for (let i = 0; i < 3; i++) {
      const refused = world.invite();
      await settle();
      expect(refused.acts).toEqual(['reject number_limit']);
    }
    const elsewhere = world.invite({ calledUser: other.e164 });
    await settle();
    expect(elsewhere.acts).toEqual(['180', '200']);
  });

  test('so many new calls a second', async () => {
    const { world } = limited({ concurrentCalls: null, callsPerSecond: 2 });
    const acts: (string | undefined)[] = [];
    const call = async () => {
      const leg = world.invite();
      await settle();
      acts.push(leg.acts[0]);
      leg.emit({ type: 'bye', reasonHeader: null });
      await settle();
    };
    await call();
    await call();
    await call();
    world.clock.advance(1_001);
    await call();
    expect(acts).toEqual(['180', '180', 'reject number_limit', '180']);
  });
});

describe('signalling 6: why a call took its way stands in its timeline', () => {
  const routeOf = async (manager: ReturnType<typeof createCallManager>) => {
    const [record] = (await manager.list({ limit: 1 })).items;
    return record?.timeline.filter(({ event }) => event === 'route').map(({ detail }) => detail);
  };

  test('each choice, and what it was not; the operator’s carriers have no names in it', async () => {
    const world = createWorld();
    world.gatewayStates.set(5080, 'down');
    const manager = createCallManager(world.deps);
    await manager.originate(REQUEST);
    expect(await routeOf(manager)).toEqual([
      { check: 'caller_id', result: 'ok', seen: '+12025550100 is a number of the workspace' },
      { check: 'trunk', result: 'ok', seen: 'the operator’s trunk of the caller id' },
      { check: 'destination', result: 'ok', seen: '+12025550177 is in US' },
      { check: 'gateways', result: 'note', gateway: '127.0.0.1:5080 does not answer' },
      { check: 'gateways', result: 'ok', gateway: '127.0.0.1:5081 (priority 2, weight 1, unknown)' },
    ]);
  });

  test('the workspace’s default trunk, where the number has none', async () => {
    const world = createWorld();
    const [, byoc] = world.trunks;
    const [first, ...rest] = world.numbers;
    if (byoc === undefined || first === undefined) throw new Error('the world has trunks and numbers');
    world.trunks.push({ ...byoc, id: 'trunk_new', label: 'new', createdAt: 9 });
    world.numbers.splice(0, world.numbers.length, { ...first, trunkId: null, provider: 'personal' }, ...rest);
    const limits = { concurrentCalls: null, callsPerSecond: null, spendPerHour: null, spendPerDay: null };
    world.workspace = {
      id: 'demo',
      createdAt: 0,
      name: 'demo',
      billingMode: 'prepaid',
      limits,
      defaultTrunkId: 'trunk_new',
    };
    const manager = createCallManager(world.deps);
    await manager.originate(REQUEST);
    expect((await routeOf(manager))?.slice(1, 3)).toEqual([
      { check: 'trunk', result: 'note', seen: 'there is no trunk of the caller id' },
      { check: 'trunk', result: 'ok', seen: 'trunk "new" by default of the workspace' },
    ]);
    expect((await manager.list({ limit: 1 })).items[0]).toMatchObject({ trunkId: 'trunk_new' });
  });

  test('a refusal as well', async () => {
    const world = createWorld();
    const manager = createCallManager(world.deps);
    await manager.originate({ ...REQUEST, to: '+8816123456789' });
    expect((await routeOf(manager))?.at(-1)).toMatchObject({ check: 'destination', result: 'failed' });
  });
});

describe('signalling 12: one key is one call', () => {
  /** A manager on what an earlier process left. */
  const nextProcess = (world: ReturnType<typeof createWorld>, intents: readonly string[] = [], nodeId = 'node_a') =>
    createCallManager({ ...world.deps, earlier: { nodeId, hasIntent: async (callId) => intents.includes(callId) } });

  /** An originate that gets no farther than the key. */
  async function diesAfterKey() {
    const world = createWorld();
    const claimed: string[] = [];
    const { idempotency } = world.deps.directory;
    const dying = createCallManager({
      ...world.deps,
      earlier: { nodeId: 'node_a', hasIntent: async () => false },
      directory: {
        ...world.deps.directory,
        idempotency: {
          async claim(...args) {
            const { value } = await idempotency.claim(...args);
            claimed.push(value);
            return new Promise<never>(() => undefined);
          },
        },
      },
    });
    void dying.originate(REQUEST);
    await settle();
    expect(world.originated).toEqual([]);
    return { world, callId: claimed[0]?.split(' ')[0] ?? '' };
  }

  test('N4 a repeat after a crash between key and INVITE places the call, as the same one; once, however many repeats come', async () => {
    const { world, callId } = await diesAfterKey();
    const manager = nextProcess(world);
    const outcomes = await Promise.all([manager.originate(REQUEST), manager.originate(REQUEST)]);
    expect(outcomes.map((outcome) => outcome.ok && outcome.call.id)).toEqual([callId, callId]);
    expect(world.originated).toHaveLength(1);
    const later = await manager.originate(REQUEST);
    expect(later).toMatchObject({ ok: true, repeated: true, call: { id: callId } });
    expect(world.originated).toHaveLength(1);
  });

  test('N4 not where its intent is in the journal: it may have been dialled', async () => {
    const { world, callId } = await diesAfterKey();
    expect(await nextProcess(world, [callId]).originate(REQUEST)).toEqual({
      ok: false,
      reason: 'crashed_before_answer',
    });
    expect(world.originated).toEqual([]);
  });

  test('N4 nor by another node, which knows nothing of it', async () => {
    const { world } = await diesAfterKey();
    expect((await nextProcess(world, [], 'node_b').originate(REQUEST)).ok).toBe(false);
    expect(world.originated).toEqual([]);
  });

  test('the record that recovery made of it is the call that a repeat gets', async () => {
    const { world, callId } = await diesAfterKey();
    const manager = nextProcess(world);
    await manager.originate(REQUEST);
    const [record] = (await manager.list({ limit: 1 })).items;
    if (record === undefined) throw new Error('there is a call');
    world.records.set(callId, { ...record, state: 'ended', endReason: 'crashed_before_answer', timeline: [] });
    const next = nextProcess(world, [callId]);
    expect(await next.originate(REQUEST)).toMatchObject({
      ok: true,
      repeated: true,
      call: { id: callId, state: 'ended' },
    });
  });

  test('signalling 21: a node that drains claims no key, so that the same request may be sent again', async () => {
    const world = createWorld();
    const draining = createCallManager(world.deps);
    await draining.drain(0);
    expect(await draining.originate(REQUEST)).toEqual({ ok: false, reason: 'draining' });
    expect((await createCallManager(world.deps).originate(REQUEST)).ok).toBe(true);
  });
});
