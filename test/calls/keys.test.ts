import { beforeEach, describe, expect, test } from 'vitest';
import { createCallManager } from '../../src/calls/call-manager.ts';
import { mediaPolicy } from '../../src/calls/media-policy.ts';
import { createWorld, settle, type World } from './fakes.ts';

let world: World;
let manager: ReturnType<typeof createCallManager>;

beforeEach(() => {
  world = createWorld();
  manager = createCallManager(world.deps);
});

const KEYS = { text: '1w2#', toneMs: 100, gapMs: 100 };

async function talking() {
  const leg = world.invite();
  await settle();
  leg.emit({ type: 'confirmed' });
  const [session] = world.sessions;
  if (session === undefined) throw new Error('the call was not set up');
  const { items } = await manager.list({ limit: 1 });
  const id = items[0]!.id;
  const lines = async (event: string) =>
    (await manager.get(id))!.timeline.filter((entry) => entry.event === event).map((entry) => entry.detail);
  return { leg, session, id, lines };
}

describe('media 6: keys that the API asks for', () => {
  test('go to the media of an answered call; the answer says how many there are', async () => {
    const { id, session } = await talking();
    expect(await manager.sendKeys(id, KEYS, null)).toEqual({ ok: true, keys: 3, repeated: false });
    expect(session.keysSent).toEqual([KEYS]);
  });

  test('go nowhere while it rings, after its end, or without a call', async () => {
    const placed = await manager.originate({
      workspaceId: 'demo',
      idempotencyKey: 'k',
      from: '+12025550100',
      to: '+442071234567',
    });
    const id = placed.ok ? placed.call.id : '';
    expect(await manager.sendKeys(id, KEYS, null)).toEqual({ ok: false, code: 'call_not_answered' });
    expect(await manager.sendKeys('call_none', KEYS, null)).toEqual({ ok: false, code: 'call_not_answered' });
    const { id: ended, leg } = await talking();
    leg.emit({ type: 'bye', reasonHeader: null });
    await settle();
    expect(await manager.sendKeys(ended, KEYS, null)).toEqual({ ok: false, code: 'call_not_answered' });
  });

  test.each([
    ['queue_full', 'dtmf_queue_full'],
    ['unavailable', 'dtmf_unavailable'],
    ['gone', 'call_not_answered'],
  ] as const)('what media says: %s', async (outcome, code) => {
    const { id, session } = await talking();
    session.dtmfOutcome = outcome;
    expect(await manager.sendKeys(id, KEYS, null)).toEqual({ ok: false, code });
  });

  test('a repeat with the same Idempotency-Key presses nothing; other keys under it are refused', async () => {
    const { id, session } = await talking();
    const [first, second] = await Promise.all([manager.sendKeys(id, KEYS, 'a'), manager.sendKeys(id, KEYS, 'a')]);
    expect([first, second]).toMatchObject([
      { ok: true, repeated: false },
      { ok: true, repeated: true },
    ]);
    expect(await manager.sendKeys(id, { ...KEYS, text: '9' }, 'a')).toEqual({
      ok: false,
      code: 'idempotency_key_reused',
    });
    expect(await manager.sendKeys(id, KEYS, 'b')).toMatchObject({ ok: true, repeated: false });
    expect(session.keysSent.length).toBe(2);
  });
});

describe('signalling 17: keys by INFO', () => {
  test('of the carrier go to media, which tells the agent', async () => {
    const { leg, session } = await talking();
    leg.emit({ type: 'key', key: '7' });
    expect(session.keysHeard).toEqual(['7']);
  });

  test('that are due leave one after another: the next when the one before is answered', async () => {
    const { leg, session } = await talking();
    const due = (digit: string) => session.emit({ type: 'dtmf-due', atMs: 0, digit, toneMs: 100 });
    const sent = () => leg.acts.filter((act) => act.startsWith('info'));
    const answer = Promise.withResolvers<number>();
    leg.infoStatus = answer.promise;
    due('1');
    due('2');
    await settle();
    expect(sent()).toEqual(['info 1 100']);
    answer.resolve(200);
    await settle();
    expect(sent()).toEqual(['info 1 100', 'info 2 100']);
  });

  test('a carrier that refuses them stands in the timeline, once, without the keys', async () => {
    const { leg, session, lines } = await talking();
    leg.infoStatus = 415;
    for (const digit of ['4', '5', '6']) session.emit({ type: 'dtmf-due', atMs: 0, digit, toneMs: 100 });
    await settle();
    expect(await lines('dtmf_refused')).toEqual([{ askedBy: 'carrier', status: 415, by: 'info' }]);
  });
});

describe('media 6: the timeline', () => {
  test('says that there were keys, how many went out and by which way, and never which', async () => {
    const { id, session, lines } = await talking();
    session.emit({ type: 'dtmf', atMs: 0, digit: '4', kind: 'inband' });
    session.emit({ type: 'dtmf-asked', atMs: 0, by: 'agent', keys: 4, kind: 'rfc4733', outcome: 'queued' });
    session.emit({ type: 'dtmf-asked', atMs: 0, by: 'api', keys: 64, kind: 'info', outcome: 'queue_full' });
    expect(await lines('dtmf')).toEqual([{ by: 'inband' }]);
    expect(await lines('dtmf_sent')).toEqual([{ askedBy: 'agent', keys: 4, by: 'rfc4733' }]);
    expect(await lines('dtmf_refused')).toEqual([{ askedBy: 'api', keys: 64, reason: 'queue_full' }]);
    await manager.sendKeys(id, { ...KEYS, text: '974163' }, null);
    session.emit({ type: 'dtmf', atMs: 0, digit: '9', kind: 'info' });
    const record = (await manager.get(id))!;
    expect(JSON.stringify(record.timeline)).not.toMatch(/974163|"9"|digit/);
  });
});

describe('media 8: hold, limits and one-way audio', () => {
  test('hold and resume stand in the timeline', async () => {
    const { session, lines } = await talking();
    session.emit({ type: 'held', atMs: 0 });
    session.emit({ type: 'resumed', atMs: 0, heldMs: 1234.5 });
    expect(await lines('held')).toHaveLength(1);
    expect(await lines('resumed')).toEqual([{ heldMs: 1235 }]);
  });

  test.each([
    ['held', 'hold_timeout'],
    ['agent_silent', 'agent_silent'],
    ['silence', 'media_timeout'],
  ] as const)('the limit %s ends the call with %s', async (limit, reason) => {
    const { id, leg, session } = await talking();
    session.emit({ type: 'media-timeout', atMs: world.clock.monotonicMs(), lastProofMs: 1, limit });
    await settle();
    expect((await manager.get(id))!.endReason).toBe(reason);
    expect(leg.acts.at(-1)).toBe(`bye ${reason}`);
  });

  test('one-way audio is told to the metrics and stands in the timeline; the call goes on', async () => {
    const told: string[] = [];
    world.deps.observer.oneWayAudio = (missing) => void told.push(missing);
    const { id, session, lines } = await talking();
    session.emit({ type: 'one-way-audio', atMs: 0, missing: 'from_caller' });
    expect(told).toEqual(['from_caller']);
    expect(await lines('one_way_audio')).toEqual([{ missing: 'from_caller' }]);
    expect((await manager.get(id))!.state).toBe('answered');
  });
});

describe('what a trunk says of its calls’ audio', () => {
  const node = { firstPacketMs: 30_000, silenceMs: 30_000, heldMs: 3_600_000 };

  test('reaches media before the call is answered, in both directions', async () => {
    world.trunks[0] = { ...world.trunks[0]!, dtmf: 'info', mediaTimeouts: { silenceMs: 5000 } };
    const { session } = await talking();
    expect(session.policies).toMatchObject([{ dtmf: 'info', timeouts: { firstPacketMs: 30_000, silenceMs: 5000 } }]);
    await manager.originate({
      workspaceId: 'demo',
      idempotencyKey: 'k',
      from: '+12025550100',
      to: '+442071234567',
    });
    expect(world.sessions[1]!.policies).toMatchObject([{ dtmf: 'info' }]);
  });

  test('is the node’s where it says nothing', () => {
    const [trunk] = world.trunks;
    expect(mediaPolicy(trunk!, node)).toEqual({ dtmf: 'auto', timeouts: { ...node, agentSilentMs: null } });
    const own = { firstPacketMs: null, heldMs: 60_000, agentSilentMs: 20_000 };
    expect(mediaPolicy({ ...trunk!, mediaTimeouts: own }, node).timeouts).toEqual({
      ...node,
      heldMs: 60_000,
      agentSilentMs: 20_000,
    });
  });
});
