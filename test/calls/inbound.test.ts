import { beforeEach, describe, expect, test } from 'vitest';
import { createCallManager } from '../../src/calls/call-manager.ts';
import { createWorld, FakeMetered, Gate, OFFER, settle, type World } from './fakes.ts';
import type { Trunk } from '../../src/domain/directory.ts';
import type { AgentConnectOutcome } from '../../src/media/session.ts';

let world: World;
let manager: ReturnType<typeof createCallManager>;

beforeEach(() => {
  world = createWorld();
  manager = createCallManager(world.deps);
});

function onlyRecord() {
  const [record] = [...world.records.values()];
  if (record === undefined) throw new Error('no call record was stored');
  return record;
}

async function talking() {
  const leg = world.invite();
  await settle();
  const [session] = world.sessions;
  const [metered] = world.metered;
  if (session === undefined || metered === undefined) throw new Error('the call was not set up');
  return { leg, session, metered };
}

describe('an inbound call', () => {
  test('rings, is answered only after the agent is up, and streams from the answer on', async () => {
    const agent = new Gate<AgentConnectOutcome>();
    world.nextAgentOutcomes = [agent];
    const leg = world.invite();
    await settle();
    expect(leg.acts).toEqual(['180']);
    expect(world.sessions[0]?.starts).toBe(0);
    agent.open({ ok: true, attachedAtMs: world.clock.monotonicMs(), connectMs: 5 });
    await settle();
    expect(leg.acts).toEqual(['180', '200']);
    expect(world.sessions[0]?.starts).toBe(1);
    expect(world.sessions[0]?.negotiated[0]).toMatchObject({
      remotePort: 30_000,
      codec: 'PCMU',
      payloadType: 0,
      telephoneEventPayloadType: 101,
      direction: 'sendrecv',
    });
    expect(world.metered[0]?.log).toEqual(['attached echo', 'answered managed']);
    expect(manager.activeCalls).toBe(1);
  });

  test('is journaled and reserved before the agent is dialled', async () => {
    const order: string[] = [];
    world.authorise = async (intent) => {
      order.push(`authorise ${intent.class} ${intent.ratedNumber} ${world.sessions[0]?.dialled.length}`);
      return { ok: true, call: new FakeMetered(intent) };
    };
    world.invite();
    await settle();
    expect(order).toEqual(['authorise managed +12025550100 0']);
  });

  test('gives chosen headers and both numbers to the agent', async () => {
    const parameters: Record<string, string>[] = [];
    const { agentDial } = world.deps;
    (world.deps as { agentDial: typeof agentDial }).agentDial = (agent, call) => {
      parameters.push({ ...call.parameters });
      return agentDial(agent, call);
    };
    await talking();
    expect(parameters).toEqual([
      { 'x-order': '42', from_number: '+12025550199', to_number: '+12025550100', direction: 'inbound' },
    ]);
  });

  test('ends once when the caller hangs up, with one bill and everything released', async () => {
    const { leg, session, metered } = await talking();
    world.clock.advance(1_000);
    leg.emit({ type: 'bye', reasonHeader: null });
    leg.emit({ type: 'bye', reasonHeader: null });
    await settle();
    const atMs = world.clock.monotonicMs();
    expect(metered.ends).toEqual([expect.objectContaining({ reason: 'remote_hangup', evidence: 'bye', atMs })]);
    expect(session.closes).toBe(1);
    expect(leg.acts).toEqual(['180', '200']);
    expect(onlyRecord()).toMatchObject({
      state: 'ended',
      endReason: 'remote_hangup',
      sipStatus: 200,
      class: 'managed',
      agentId: 'echo',
      bill: { final: true },
    });
    expect(world.observed).toEqual(['started inbound', 'ringing', 'answered 0', 'ended remote_hangup 1000']);
    expect(manager.activeCalls).toBe(0);
  });

  test('#46 BYE, our own end and a media timeout in the same moment are one end: the earliest', async () => {
    const { leg, session, metered } = await talking();
    leg.emit({ type: 'bye', reasonHeader: null });
    session.emit({ type: 'media-timeout', atMs: world.clock.monotonicMs(), lastProofMs: null });
    await manager.hangup(metered.intent.callId);
    await settle();
    expect(metered.ends.map((end) => end.reason)).toEqual(['remote_hangup']);
    expect(world.records.size).toBe(1);
  });

  test('#9 CANCEL during ring: nothing is answered, the hold is voided, the agent is let go', async () => {
    const agent = new Gate<AgentConnectOutcome>();
    world.nextAgentOutcomes = [agent];
    const leg = world.invite();
    await settle();
    leg.emit({ type: 'cancelled' });
    agent.open({ ok: true, attachedAtMs: world.clock.monotonicMs(), connectMs: 5 });
    await settle();
    expect(leg.acts).toEqual(['180']);
    expect(world.metered[0]?.ends).toEqual([expect.objectContaining({ reason: 'cancelled', evidence: 'cancel' })]);
    expect(world.metered[0]?.log).toEqual([]);
    expect(world.sessions[0]?.closes).toBe(1);
    expect(onlyRecord()).toMatchObject({ endReason: 'cancelled', sipStatus: 487, answeredAt: null });
  });

  test('CANCEL while the hold is being made releases the hold that comes too late', async () => {
    const gate = new Gate<null>();
    world.authorise = async (intent) => {
      await gate.promise;
      const call = new FakeMetered(intent);
      world.metered.push(call);
      return { ok: true, call };
    };
    const leg = world.invite();
    await settle();
    leg.emit({ type: 'cancelled' });
    await settle();
    gate.open(null);
    await settle();
    expect(world.metered[0]?.ends).toHaveLength(1);
    expect(world.sessions[0]?.dialled).toEqual([]);
  });

  test('a 200 that our own end crossed is closed by BYE and never billed as answered', async () => {
    const agent = new Gate<AgentConnectOutcome>();
    world.nextAgentOutcomes = [agent];
    const leg = world.invite();
    (leg as { answerGate: Gate<'sent' | 'gone'> }).answerGate = new Gate();
    await settle();
    agent.open({ ok: true, attachedAtMs: 0, connectMs: 1 });
    await settle();
    world.sessions[0]?.emit({
      type: 'agent-lost',
      atMs: 0,
      lastProofMs: 0,
      failure: { code: 'agent_broken', detail: 'reset' },
    });
    leg.answerGate.open('sent');
    await settle();
    expect(leg.acts).toEqual(['180', '200', 'reject agent_unreachable', 'bye agent_unreachable']);
    expect(world.metered[0]?.log.some((line) => line.startsWith('answered'))).toBe(false);
  });

  test('an ACK that overtakes the word of our 200 is the answer', async () => {
    const leg = world.invite();
    (leg as { answerGate: Gate<'sent' | 'gone'> }).answerGate = new Gate();
    await settle();
    leg.emit({ type: 'confirmed' });
    expect(world.sessions[0]?.starts).toBe(1);
    world.clock.advance(3);
    leg.answerGate.open('sent');
    await settle();
    expect(world.sessions[0]?.starts).toBe(1);
    expect(world.observed).toEqual(['started inbound', 'ringing', 'answered 0']);
  });

  test('a hold is answered with the mirrored direction and leaves the meter alone (#17)', async () => {
    const { leg, session, metered } = await talking();
    const answers: string[] = [];
    const hold = OFFER.replace('o=- 1 1', 'o=- 1 2').replace('a=rtpmap:101', 'a=sendonly\r\na=rtpmap:101');
    leg.emit({
      type: 'reoffer',
      offer: hold,
      accept: (sdp) => void answers.push(sdp),
      refuse: (status) => void answers.push(String(status)),
    });
    expect(answers[0]).toContain('a=recvonly');
    expect(session.negotiated[1]?.direction).toBe('recvonly');
    expect(metered.log).toEqual(['attached echo', 'answered managed']);
    expect(metered.ends).toEqual([]);
  });

  test('a re-INVITE that cannot be met gets 488 and changes nothing (#18)', async () => {
    const { leg, session } = await talking();
    const answers: (string | number)[] = [];
    leg.emit({
      type: 'reoffer',
      offer: OFFER.replace('0 8 101', '9'),
      accept: (sdp) => void answers.push(sdp),
      refuse: (status) => void answers.push(status),
    });
    expect(answers).toEqual([488]);
    expect(session.negotiated).toHaveLength(1);
    expect(manager.activeCalls).toBe(1);
  });
});

describe('how an answered call can end', () => {
  test('the agent closes its stream: agent_hangup, BYE', async () => {
    const { leg, session, metered } = await talking();
    session.emit({ type: 'agent-closed', atMs: world.clock.monotonicMs() });
    await settle();
    expect(leg.acts.at(-1)).toBe('bye agent_hangup');
    expect(metered.ends[0]?.reason).toBe('agent_hangup');
  });

  test('the agent breaks: compute stops at its last sign of life, the call at its detection', async () => {
    const { leg, session, metered } = await talking();
    const answeredMs = world.clock.monotonicMs();
    world.clock.advance(46_000);
    session.emit({
      type: 'agent-lost',
      atMs: answeredMs + 46_000,
      lastProofMs: answeredMs + 31_000,
      failure: { code: 'agent_timeout', detail: 'no pong' },
    });
    await settle();
    expect(metered.log.at(-1)).toBe(`detached echo ${answeredMs + 31_000}`);
    expect(metered.ends[0]).toMatchObject({ reason: 'agent_lost', atMs: answeredMs + 46_000 });
    expect(leg.acts.at(-1)).toBe('bye agent_lost');
  });

  test('a session timer that ran out is not taken for a hang-up', async () => {
    const { leg, metered } = await talking();
    leg.emit({ type: 'bye', reasonHeader: null, sessionExpired: true });
    await settle();
    expect(metered.ends[0]?.reason).toBe('session_expired');
  });

  test('an agent that stops reading has its own reason', async () => {
    const { session, metered } = await talking();
    session.emit({
      type: 'agent-lost',
      atMs: world.clock.monotonicMs(),
      lastProofMs: 0,
      failure: { code: 'agent_slow', detail: '' },
    });
    await settle();
    expect(metered.ends[0]?.reason).toBe('agent_slow');
  });

  test('#47 media timeout is billed to the last packet, not to its detection', async () => {
    const { session, metered } = await talking();
    const answeredMs = world.clock.monotonicMs();
    world.clock.advance(110_000);
    session.emit({ type: 'media-timeout', atMs: answeredMs + 110_000, lastProofMs: answeredMs + 80_000 });
    await settle();
    expect(metered.ends[0]).toMatchObject({ reason: 'media_timeout', evidence: 'media', atMs: answeredMs + 80_000 });
  });

  test('#16 no packet ever: billed to the answer instant and flagged', async () => {
    const { leg, session, metered } = await talking();
    leg.emit({ type: 'confirmed' });
    const answeredMs = world.clock.monotonicMs();
    world.clock.advance(30_000);
    session.emit({ type: 'media-timeout', atMs: answeredMs + 30_000, lastProofMs: null });
    await settle();
    expect(metered.flags).toEqual(['no_media']);
    expect(metered.ends[0]?.atMs).toBe(answeredMs);
  });

  test('signalling 18: #11 an answer without ACK is flagged for reconciliation', async () => {
    const { leg, metered } = await talking();
    leg.emit({ type: 'unconfirmed' });
    await settle();
    expect(metered.flags).toEqual(['answer_unconfirmed']);
    expect(metered.ends[0]?.reason).toBe('answer_unconfirmed');
    expect(leg.acts).not.toContain('bye answer_unconfirmed');
  });

  test('signalling 18: neither an ACK nor a packet: unconfirmed, also where the packets are missed first', async () => {
    const { leg, session, metered } = await talking();
    const answeredMs = world.clock.monotonicMs();
    world.clock.advance(30_000);
    session.emit({ type: 'media-timeout', atMs: answeredMs + 30_000, lastProofMs: null });
    await settle();
    expect(metered.flags).toEqual(['no_media', 'answer_unconfirmed']);
    expect(metered.ends[0]).toMatchObject({ reason: 'answer_unconfirmed', atMs: answeredMs + 30_000 });
    expect(leg.acts.at(-1)).toBe('bye answer_unconfirmed');
  });

  const causes: [string, (metered: FakeMetered) => Promise<void>, string][] = [
    [
      'the API hangs up',
      async (metered: FakeMetered) => void (await manager.hangup(metered.intent.callId)),
      'api_hangup',
    ],
    [
      'the money is used up',
      async (metered: FakeMetered) => metered.intent.onExhausted('balance_exhausted'),
      'balance_exhausted',
    ],
    ['the maximum duration is reached', async () => world.clock.advance(14_400_000), 'max_duration'],
    [
      'the node drains',
      async () => {
        void manager.drain(5_000);
        world.clock.advance(5_000);
      },
      'drain_deadline',
    ],
  ];
  test.each(causes)('%s', async (_what, cause, reason) => {
    const { leg, metered } = await talking();
    await cause(metered);
    await settle();
    expect(metered.ends[0]).toMatchObject({ reason, evidence: 'command' });
    expect(leg.acts.at(-1)).toBe(`bye ${reason}`);
    expect(onlyRecord().endReason).toBe(reason);
  });

  test('#48 the agent hears of the end of the money before it comes, and again after a top-up', async () => {
    const { session, metered } = await talking();
    metered.intent.onLowBalance?.(29_999.7);
    metered.intent.onLowBalance?.(12_000);
    expect(session.notices).toEqual([
      { type: 'balance_low', remainingMs: 30_000 },
      { type: 'balance_low', remainingMs: 12_000 },
    ]);
    expect(world.warned.map(({ remainingMs, nth }) => [nth, remainingMs])).toEqual([
      [1, 30_000],
      [2, 12_000],
    ]);
    metered.intent.onExhausted('balance_exhausted');
    metered.intent.onLowBalance?.(1);
    await settle();
    expect(session.notices).toHaveLength(2);
    expect(onlyRecord().timeline.filter(({ event }) => event === 'balance_low')).toMatchObject([
      { detail: { remainingMs: 30_000 } },
      { detail: { remainingMs: 12_000 } },
    ]);
  });

  test('the agent hears of the maximum duration 30 s before it', async () => {
    const { session } = await talking();
    world.clock.advance(14_400_000 - 30_001);
    expect(session.notices).toEqual([]);
    world.clock.advance(1);
    expect(session.notices).toEqual([{ type: 'max_duration', remainingMs: 30_000 }]);
  });

  test('a call that ends before hears of no maximum duration', async () => {
    const { leg, session } = await talking();
    leg.emit({ type: 'bye', reasonHeader: null });
    await settle();
    world.clock.advance(14_400_000);
    expect(session.notices).toEqual([]);
  });

  test('signalling 11: #64 the maximum duration ends the call and bills it to its instant, whether or not our BYE is answered', async () => {
    const { leg, metered } = await talking();
    const answeredMs = world.clock.monotonicMs();
    leg.byeGate = new Gate();
    world.clock.advance(14_400_000);
    await settle();
    expect(leg.acts.at(-1)).toBe('bye max_duration');
    expect(metered.ends[0]).toMatchObject({ atMs: answeredMs + 14_400_000, reason: 'max_duration' });
    expect(onlyRecord()).toMatchObject({ state: 'ended', endReason: 'max_duration', bill: { final: true } });
    expect(manager.activeCalls).toBe(0);
  });

  test('#64 a timer that is late bills no more than the maximum', async () => {
    const { clock } = world;
    const setTimer = clock.setTimer.bind(clock);
    clock.setTimer = (fn, delayMs) => setTimer(fn, delayMs + 40);
    const { metered } = await talking();
    const answeredMs = clock.monotonicMs();
    clock.advance(14_400_100);
    await settle();
    expect(metered.ends[0]).toMatchObject({ atMs: answeredMs + 14_400_000, reason: 'max_duration' });
  });

  test('a journal that cannot take the answer ends the call instead of guessing its charge', async () => {
    world.authorise = async (intent) => {
      const call = new FakeMetered(intent);
      call.failAnswered = true;
      world.metered.push(call);
      return { ok: true, call };
    };
    const { leg } = await talking();
    expect(leg.acts.at(-1)).toBe('bye store_lost');
  });
});

describe('refusals', () => {
  test.each([
    ['a stranger', { source: { address: '192.0.2.1', port: 5060, protocol: 'udp' } }, 'unknown_source', false],
    ['a wrong number', { calledUser: '+12025550999' }, 'unknown_number', true],
    ['a number without an agent', { calledUser: '+12025550102' }, 'number_unassigned', true],
    ['no common codec', { offer: OFFER.replace('0 8 101', '9') }, 'no_common_codec', true],
    ['an offer that is no SDP', { offer: 'hello' }, 'bad_offer', true],
  ])('%s', async (_what, overrides, reason, recorded) => {
    const leg = world.invite(overrides);
    await settle();
    expect(leg.acts).toEqual([`reject ${reason}`]);
    expect(world.records.size).toBe(recorded ? 1 : 0);
    expect(world.observed.at(-1)).toBe(`ended ${reason} null`);
    expect(world.sessions.every((session) => session.closes === 1)).toBe(true);
    expect(manager.activeCalls).toBe(0);
  });

  test('no money: refused before the agent hears of it', async () => {
    world.authorise = async () => ({ ok: false, reason: 'insufficient_balance' });
    const leg = world.invite();
    await settle();
    expect(leg.acts).toEqual(['reject insufficient_balance']);
    expect(world.sessions[0]?.dialled).toEqual([]);
    expect(onlyRecord()).toMatchObject({ endReason: 'insufficient_balance', sipStatus: 402 });
  });

  test('no RTP port left', async () => {
    world.mediaRefusal = 'media_ports_exhausted';
    const leg = world.invite();
    await settle();
    expect(leg.acts).toEqual(['reject node_limit']);
    expect(onlyRecord().timeline.map((entry) => entry.event)).toContain('media_refused');
  });

  test('the agent is down: its own reason, after the fallback was tried', async () => {
    const failure = { code: 'agent_refused', detail: 'ECONNREFUSED' } as const;
    const echo = world.agents.get('echo');
    if (echo !== undefined) world.agents.set('echo', { ...echo, fallbackAgentId: 'spare' });
    world.nextAgentOutcomes = [
      { ok: false, failure },
      { ok: false, failure },
    ];
    const leg = world.invite();
    await settle();
    expect(leg.acts).toEqual(['180', 'reject agent_unreachable']);
    expect(world.sessions[0]?.dialled).toEqual(['ws://127.0.0.1:9/echo', 'ws://127.0.0.1:9/spare']);
    expect(world.metered[0]?.ends[0]?.reason).toBe('agent_unreachable');
  });

  test('the fallback takes over and is the agent of record', async () => {
    const echo = world.agents.get('echo');
    if (echo !== undefined) world.agents.set('echo', { ...echo, fallbackAgentId: 'spare' });
    world.nextAgentOutcomes = [{ ok: false, failure: { code: 'agent_refused', detail: '' } }];
    const leg = world.invite();
    await settle();
    expect(leg.acts).toEqual(['180', '200']);
    expect(world.metered[0]?.log).toEqual(['attached spare', 'answered managed']);
  });

  test('agents that fall back on one another are tried once each', async () => {
    const failure = { code: 'agent_refused', detail: '' } as const;
    for (const [id, other] of [
      ['echo', 'spare'],
      ['spare', 'echo'],
    ] as const) {
      const agent = world.agents.get(id);
      if (agent !== undefined) world.agents.set(id, { ...agent, fallbackAgentId: other });
    }
    world.nextAgentOutcomes = Array.from({ length: 5 }, () => ({ ok: false as const, failure }));
    world.invite();
    await settle();
    expect(world.sessions[0]?.dialled).toHaveLength(2);
  });

  test('a trunk at its limit refuses, and takes calls again the moment one ends', async () => {
    world.trunks.splice(0, 1, { ...(world.trunks[0] as Trunk), limits: { concurrentCalls: 1, callsPerSecond: null } });
    const first = world.invite();
    await settle();
    const second = world.invite();
    await settle();
    expect(second.acts).toEqual(['reject trunk_limit']);
    first.emit({ type: 'bye', reasonHeader: null });
    const third = world.invite();
    await settle();
    expect(third.acts).toEqual(['180', '200']);
  });

  test('a trunk takes so many new calls a second, however short they are', async () => {
    world.trunks.splice(0, 1, { ...(world.trunks[0] as Trunk), limits: { concurrentCalls: null, callsPerSecond: 1 } });
    world.invite().emit({ type: 'cancelled' });
    await settle();
    world.invite();
    await settle();
    const second = world.invite();
    await settle();
    expect(second.acts).toEqual(['reject trunk_limit']);
    world.clock.advance(1_000);
    const later = world.invite();
    await settle();
    expect(later.acts).toEqual(['180', '200']);
  });

  test('a fault of ours refuses this call and says so in the log', async () => {
    (world.deps as { agentDial: unknown }).agentDial = () => {
      throw new Error('boom');
    };
    const leg = world.invite();
    await settle();
    expect(leg.acts).toEqual(['180', 'reject node_fault']);
    expect(world.errors).toEqual(['setting up the call failed']);
  });

  test('a draining node and a full node say so', async () => {
    for (let call = 0; call < 3; call++) world.invite();
    await settle();
    const full = world.invite();
    await settle();
    expect(full.acts).toEqual(['reject node_limit']);
    void manager.drain(60_000);
    const late = world.invite();
    await settle();
    expect(late.acts).toEqual(['reject draining']);
    expect(manager.activeCalls).toBe(3);
  });
});
