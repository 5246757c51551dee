import { beforeEach, describe, expect, test } from 'vitest';
import { createCallManager } from '../../src/calls/call-manager.ts';
import type { OriginateRequest } from '../../src/calls/manager.ts';
import type { PhoneNumber } from '../../src/domain/directory.ts';
import type { E164 } from '../../src/domain/e164.ts';
import { createWorld, OFFER, settle, type World } from './fakes.ts';

let world: World;
let manager: ReturnType<typeof createCallManager>;

beforeEach(() => {
  world = createWorld();
  manager = createCallManager(world.deps);
});

const REQUEST: OriginateRequest = {
  workspaceId: 'demo',
  idempotencyKey: 'k1',
  from: '+12025550100',
  to: '+12025550177',
};

async function place(overrides: Partial<OriginateRequest> = {}) {
  const outcome = await manager.originate({ ...REQUEST, ...overrides });
  if (!outcome.ok) throw new Error(`refused: ${outcome.reason}`);
  const attempt = world.originated.at(-1);
  if (attempt === undefined) throw new Error('no INVITE left');
  return { callId: outcome.call.id, attempt };
}

function attemptOf(index: number) {
  const attempt = world.originated[index];
  if (attempt === undefined) throw new Error(`no attempt ${index}`);
  return attempt;
}

async function recordOf(callId: string) {
  const record = await manager.get(callId);
  if (record === undefined) throw new Error('no record');
  return record;
}

describe('an outbound call', () => {
  test('connects the agent, dials, rings, is answered and billed', async () => {
    const { callId, attempt } = await place();
    expect(world.sessions[0]?.dialled).toHaveLength(1);
    expect(attempt.params.uri).toBe('sip:+12025550177@127.0.0.1:5080;transport=udp');
    expect(attempt.params.offer).toContain('m=audio 40000 RTP/AVP');
    expect((await recordOf(callId)).state).toBe('queued');
    attempt.emit({ type: 'progress', status: 180, sdp: null });
    expect((await recordOf(callId)).state).toBe('ringing');
    attempt.emit({ type: 'answered', sdp: OFFER });
    await settle();
    expect(world.sessions[0]).toMatchObject({ starts: 1 });
    expect(world.metered[0]?.log).toEqual(['attached echo', 'answered managed']);
    attempt.emit({ type: 'bye', reasonHeader: null });
    await settle();
    expect(await recordOf(callId)).toMatchObject({ state: 'ended', endReason: 'remote_hangup', bill: { final: true } });
  });

  test('one key is one call', async () => {
    const { callId } = await place();
    const again = await manager.originate(REQUEST);
    expect(again).toMatchObject({ ok: true, repeated: true, call: { id: callId } });
    expect(world.originated).toHaveLength(1);
  });

  test('a refusal is repeated under its key, not tried again', async () => {
    world.authorise = async () => ({ ok: false, reason: 'insufficient_balance' });
    expect(await manager.originate(REQUEST)).toEqual({ ok: false, reason: 'insufficient_balance', callId: 'call_1' });
    world.authorise = null;
    expect(await manager.originate(REQUEST)).toEqual({ ok: false, reason: 'insufficient_balance', callId: 'call_1' });
    expect(world.originated).toHaveLength(0);
  });

  test.each(['numbers', 'agents'] as const)(
    'while the directory cannot be asked for %s it is refused, and nothing of it stays live',
    async (kind) => {
      const away = async () => {
        throw Object.assign(new Error('no answer in time'), { code: 'store_unreachable' });
      };
      const directory = { ...world.deps.directory, [kind]: { get: away, byE164: away } };
      manager = createCallManager({ ...world.deps, directory: directory as typeof world.deps.directory });
      expect(await manager.originate(REQUEST)).toEqual({ ok: false, reason: 'store_unavailable', callId: 'call_1' });
      await settle();
      expect(manager.activeCalls).toBe(0);
      expect(world.originated).toHaveLength(0);
    },
  );

  test.each([
    [{ from: '+12025550999' }, 'caller_id_not_owned'],
    [{ from: '+12025550102' }, 'number_unassigned'],
    [{ to: 'sip:evil@example.com' }, 'destination_not_allowed'],
  ])('%o is refused as %s and never dialled', async (overrides, reason) => {
    expect(await manager.originate({ ...REQUEST, ...overrides })).toEqual({ ok: false, reason, callId: 'call_1' });
    await settle();
    expect(world.originated).toHaveLength(0);
    expect([...world.records.values()][0]?.endReason).toBe(reason);
  });

  test('a number that is in no directory can be lent for one call, to its own workspace only', async () => {
    const caller = {
      ...world.numbers[0],
      id: 'lent',
      e164: '+12025550998' as E164,
      workspaceId: 'demo',
    } as PhoneNumber;
    const request = { ...REQUEST, from: caller.e164, caller, agentId: 'echo' };
    expect(await manager.originate({ ...request, caller: { ...caller, workspaceId: 'other' } })).toMatchObject({
      ok: false,
      reason: 'caller_id_not_owned',
    });
    expect(await manager.originate({ ...request, idempotencyKey: 'lent' })).toMatchObject({ ok: true });
    expect(world.originated[0]?.params.callerUser).toBe('+12025550998');
    expect(await manager.originate({ ...REQUEST, from: caller.e164, idempotencyKey: 'after' })).toMatchObject({
      reason: 'caller_id_not_owned',
    });
  });

  test('an agent that is down means that nobody is rung', async () => {
    world.agentFailure = { code: 'agent_url_invalid', detail: '' };
    expect(await manager.originate(REQUEST)).toEqual({ ok: false, reason: 'agent_unreachable', callId: 'call_1' });
    expect(world.originated).toHaveLength(0);
    expect(world.metered[0]?.ends).toHaveLength(1);
  });

  test.each([
    [486, 'busy'],
    [600, 'busy'],
    [480, 'no_answer'],
    [404, 'rejected'],
    [603, 'rejected'],
  ])('#8 %i ends it as %s without a second try', async (status, reason) => {
    const { callId, attempt } = await place();
    attempt.emit({ type: 'rejected', status, reason: '' });
    await settle();
    expect(await recordOf(callId)).toMatchObject({ endReason: reason, sipStatus: status, answeredAt: null });
    expect(world.originated).toHaveLength(1);
  });

  test.each([
    ['to a premium number (RO4)', ['+19005550123'], 'destination_not_allowed', { to: '+19005550123', country: null }],
    ['to a satellite network', ['+881612345678'], 'destination_not_allowed', { to: '+881612345678', country: null }],
    ['to a number without a price', ['+15555550123'], 'no_rate', { to: '+15555550123', country: 'US', rate: false }],
    ['to a number that could be called', ['+442071234567'], 'rejected', { country: 'GB', rate: true }],
    ['to two numbers, the first of which counts', ['+19005550123', '+442071234567'], 'destination_not_allowed', {}],
    ['to a name', ['voicemail'], 'destination_not_allowed', { to: null, country: null, rate: null }],
    ['to a host', [''], 'destination_not_allowed', { to: null }],
    ['to nowhere', [], 'rejected', { to: null, country: null, rate: null }],
  ] as const)('#60 a redirect %s is not followed: its own reason, no INVITE, nothing charged', async (...row) => {
    const [, targets, reason, where] = row;
    const { callId, attempt } = await place();
    attempt.emit({ type: 'rejected', status: 302, reason: 'Moved Temporarily', targets });
    await settle();
    expect(world.originated).toHaveLength(1);
    expect(world.metered[0]?.ends).toMatchObject([{ reason, evidence: 'signalling' }]);
    expect(world.metered[0]?.log).not.toContain('answered managed');
    const record = await recordOf(callId);
    expect(record).toMatchObject({ endReason: reason, sipStatus: 302, answeredAt: null });
    expect(record.timeline.find(({ event }) => event === 'redirect_not_followed')?.detail).toMatchObject({
      ...where,
      reason,
    });
  });

  test("#60 a redirect is judged by the trunk's countries", async () => {
    const [managed] = world.trunks;
    if (managed === undefined) throw new Error('no trunk');
    world.trunks[0] = { ...managed, outbound: { ...managed.outbound, allowedCountries: ['US'] } };
    const { callId, attempt } = await place();
    attempt.emit({ type: 'rejected', status: 301, reason: 'Moved Permanently', targets: ['+442071234567'] });
    await settle();
    expect((await recordOf(callId)).endReason).toBe('destination_not_allowed');
  });

  test('#60 a redirect that comes after our CANCEL changes nothing', async () => {
    const { callId, attempt } = await place();
    await manager.hangup(callId);
    attempt.emit({ type: 'rejected', status: 302, reason: '', targets: ['+442071234567'] });
    await settle();
    const record = await recordOf(callId);
    expect(record.endReason).toBe('api_cancelled');
    expect(record.timeline.some(({ event }) => event === 'redirect_not_followed')).toBe(false);
  });

  test('#15 the next gateway is tried after 503, in order of priority, and the call is charged once', async () => {
    const { callId } = await place();
    attemptOf(0).emit({ type: 'rejected', status: 503, reason: 'Service Unavailable' });
    await settle();
    expect(attemptOf(1).params.uri).toContain('127.0.0.1:5081');
    attemptOf(1).emit({ type: 'answered', sdp: OFFER });
    attemptOf(1).emit({ type: 'bye', reasonHeader: null });
    await settle();
    expect(world.metered).toHaveLength(1);
    expect((await recordOf(callId)).endReason).toBe('remote_hangup');
  });

  test('after the last gateway failed, the carrier has failed', async () => {
    const { callId } = await place();
    attemptOf(0).emit({ type: 'rejected', status: 408, reason: '' });
    await settle();
    attemptOf(1).emit({ type: 'rejected', status: 503, reason: '' });
    await settle();
    expect(await recordOf(callId)).toMatchObject({ endReason: 'carrier_failed', sipStatus: 503 });
  });

  test('no other gateway is tried once it rang', async () => {
    await place();
    attemptOf(0).emit({ type: 'progress', status: 180, sdp: null });
    attemptOf(0).emit({ type: 'rejected', status: 503, reason: '' });
    await settle();
    expect(world.originated).toHaveLength(1);
  });

  test('signalling 11: #7 nobody answers: CANCEL at the ring timeout, nothing charged', async () => {
    const { callId, attempt } = await place({ ringTimeoutMs: 20_000 });
    attempt.emit({ type: 'progress', status: 180, sdp: null });
    world.clock.advance(20_000);
    await settle();
    expect(attempt.acts).toEqual(['cancel no_answer']);
    expect(await recordOf(callId)).toMatchObject({ endReason: 'no_answer', answeredAt: null });
    expect(world.metered[0]?.log).not.toContain('answered managed');
  });

  test('the ring timeout does not outlive the answer', async () => {
    const { attempt } = await place({ ringTimeoutMs: 20_000, maxDurationMs: 60_000 });
    attempt.emit({ type: 'answered', sdp: OFFER });
    world.clock.advance(20_000);
    await settle();
    expect(manager.activeCalls).toBe(1);
    world.clock.advance(40_000);
    await settle();
    expect(attempt.acts).toEqual(['bye max_duration']);
  });

  test('#14 a second answer of a fork is told to the meter with its trunk, once while the call lasts, and the call goes on', async () => {
    const { callId, attempt } = await place();
    attempt.emit({ type: 'answered', sdp: OFFER });
    world.clock.advance(700);
    attempt.emit({ type: 'fork-answered' });
    const nowMs = world.clock.monotonicMs();
    expect(world.metered[0]?.extraAnswers).toEqual([
      {
        monotonicMs: nowMs,
        wallMs: world.clock.wallMs(),
        class: 'managed',
        trunkId: 'trunk_loop',
        endedMonotonicMs: nowMs,
      },
    ]);
    expect(attempt.acts).toEqual([]);
    attempt.emit({ type: 'bye', reasonHeader: null });
    attempt.emit({ type: 'fork-answered' });
    await settle();
    expect(world.metered[0]?.extraAnswers).toHaveLength(1);
    const { endReason, timeline } = await recordOf(callId);
    expect(endReason).toBe('remote_hangup');
    expect(timeline.filter(({ event }) => event === 'forked_answer')).toMatchObject([
      { offsetMs: 700, detail: { trunkId: 'trunk_loop' } },
    ]);
  });

  test('hanging up while it rings cancels; a 200 that crosses is closed and not billed', async () => {
    const { callId, attempt } = await place();
    expect(await manager.hangup(callId)).toBe('ending');
    attempt.emit({ type: 'answered', sdp: OFFER });
    await settle();
    expect(attempt.acts).toEqual(['cancel api_cancelled', 'bye api_cancelled']);
    expect((await recordOf(callId)).answeredAt).toBeNull();
    expect(await manager.hangup(callId)).toBe('already_ended');
    expect(await manager.hangup('call_none')).toBe('unknown');
  });

  test('an answer that cannot be used is closed by BYE and not billed', async () => {
    const { callId, attempt } = await place();
    attempt.emit({ type: 'answered', sdp: OFFER.replace('0 8 101', '9') });
    await settle();
    expect(attempt.acts[0]).toMatch(/^bye/);
    expect((await recordOf(callId)).answeredAt).toBeNull();
    expect(world.metered[0]?.log).not.toContain('answered');
    // The carrier charges us for it.
    const nowMs = world.clock.monotonicMs();
    expect(world.metered[0]?.extraAnswers).toEqual([
      {
        monotonicMs: nowMs,
        wallMs: world.clock.wallMs(),
        class: 'managed',
        trunkId: 'trunk_loop',
        endedMonotonicMs: nowMs,
      },
    ]);
  });

  test('#33 the class is that of the trunk that answered', async () => {
    const { attempt } = await place({ from: '+12025550101' });
    attempt.emit({ type: 'answered', sdp: OFFER });
    await settle();
    expect(world.metered[0]?.log.at(-1)).toBe('answered byoc');
  });
});
