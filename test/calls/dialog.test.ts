import { beforeEach, describe, expect, test } from 'vitest';
import { createCallManager } from '../../src/calls/call-manager.ts';
import type { Trunk } from '../../src/domain/directory.ts';
import type { AgentConnectOutcome } from '../../src/media/session.ts';
import type { Reoffer } from '../../src/signalling/leg.ts';
import { createWorld, Gate, OFFER, settle, type World } from './fakes.ts';

// What offers and answers, early media and holding do to a call.

let world: World;
let manager: ReturnType<typeof createCallManager>;
beforeEach(() => {
  world = createWorld();
  manager = createCallManager(world.deps);
});

const ANSWER = OFFER.replace('RTP/AVP 0 8 101', 'RTP/AVP 8 101');
const HOLD = `${OFFER.replace('o=- 1 1', 'o=- 1 2')}a=sendonly\r\n`;

function onlyRecord() {
  const [record] = [...world.records.values()];
  if (record === undefined) throw new Error('no call record was stored');
  return record;
}

function changeTrunk(change: { inbound?: Partial<Trunk['inbound']>; outbound?: Partial<Trunk['outbound']> }): void {
  const [trunk] = world.trunks;
  if (trunk === undefined) throw new Error('no trunk');
  world.trunks[0] = {
    ...trunk,
    inbound: { ...trunk.inbound, ...change.inbound },
    outbound: { ...trunk.outbound, ...change.outbound },
  };
}

function reoffer(offer: string | null) {
  const said: { sdp: string | null; status: number | null; answered: ((answer: string | null) => void) | undefined } = {
    sdp: null,
    status: null,
    answered: undefined,
  };
  const event: Reoffer = {
    type: 'reoffer',
    offer,
    accept(sdp, answered) {
      said.sdp = sdp;
      said.answered = answered;
    },
    refuse(status) {
      said.status = status;
    },
  };
  return { event, said };
}

async function talking(offer: string | null = OFFER) {
  const leg = world.invite({ offer });
  await settle();
  const [session] = world.sessions;
  if (session === undefined) throw new Error('the call was not set up');
  return { leg, session };
}

describe('signalling 9: an INVITE without an offer', () => {
  test('is answered with ours: both codecs, and audio flows by the answer in the ACK', async () => {
    const { leg, session } = await talking(null);
    expect(leg.acts).toEqual(['180', '200']);
    expect(leg.answers[0]?.sdp).toContain('m=audio 40000 RTP/AVP 0 8 101');
    expect(leg.ringings[0]?.sdp).toBe(leg.answers[0]?.sdp);
    expect(session.negotiated).toEqual([]);
    leg.emit({ type: 'confirmed', answer: ANSWER });
    expect(session.negotiated).toMatchObject([{ codec: 'PCMA', remotePort: 30_000, direction: 'sendrecv' }]);
    expect(session.starts).toBe(1);
    leg.emit({ type: 'bye', reasonHeader: null });
    await settle();
    expect(onlyRecord()).toMatchObject({ endReason: 'remote_hangup' });
    expect(onlyRecord().timeline.map(({ event }) => event)).toContain('late_offer');
  });

  test.each([
    ['no description', undefined, 'bad_offer'],
    ['one that is none', 'hello', 'bad_offer'],
    ['another codec', OFFER.replace('RTP/AVP 0 8 101', 'RTP/AVP 18').replace(/a=rtpmap.*\r\n/, ''), 'no_common_codec'],
    ['a rejected stream', OFFER.replace('m=audio 30000', 'm=audio 0'), 'no_common_codec'],
  ] as const)('whose ACK has %s is ended with BYE and its reason', async (_, answer, reason) => {
    const { leg, session } = await talking(null);
    leg.emit({ type: 'confirmed', ...(answer === undefined ? {} : { answer }) });
    await settle();
    expect(leg.acts.at(-1)).toBe(`bye ${reason}`);
    expect(session.negotiated).toEqual([]);
    expect(onlyRecord()).toMatchObject({ endReason: reason });
  });

  test('that demands 100rel: the answer comes in the PRACK, the ACK has none and need not', async () => {
    const agent = new Gate<AgentConnectOutcome>();
    world.nextAgentOutcomes = [agent];
    const { leg, session } = await talking(null);
    leg.emit({ type: 'early-answer', sdp: ANSWER });
    expect(session.negotiated).toMatchObject([{ codec: 'PCMA' }]);
    agent.open({ ok: true, attachedAtMs: world.clock.monotonicMs(), connectMs: 5 });
    await settle();
    leg.emit({ type: 'confirmed' });
    await settle();
    expect(leg.acts).toEqual(['180', '200']);
    expect(session.negotiated).toHaveLength(1);
    expect(manager.activeCalls).toBe(1);
  });

  test('whose PRACK has no answer is refused', async () => {
    world.nextAgentOutcomes = [new Gate<AgentConnectOutcome>()];
    const { leg } = await talking(null);
    leg.emit({ type: 'early-answer', sdp: null });
    await settle();
    expect(leg.acts).toEqual(['180', 'reject bad_offer']);
  });
});

describe('signalling 14: a re-INVITE without an offer', () => {
  test('is offered all that we can do, in a new version; the answer in the ACK is installed', async () => {
    const { leg, session } = await talking();
    const { event, said } = reoffer(null);
    leg.emit(event);
    expect(said.sdp).toContain('m=audio 40000 RTP/AVP 0 8 101');
    expect(said.sdp).toMatch(/o=- \d+ 2 IN/);
    expect(session.negotiated).toHaveLength(1);
    said.answered?.(ANSWER);
    expect(session.negotiated[1]).toMatchObject({ codec: 'PCMA' });
  });

  test('without an answer, or with a bad one, leaves the session as it was', async () => {
    const { leg, session } = await talking();
    const { event, said } = reoffer(null);
    leg.emit(event);
    said.answered?.(null);
    said.answered?.('hello');
    expect(session.negotiated).toHaveLength(1);
    expect(manager.activeCalls).toBe(1);
  });
});

describe('signalling 15: what a session refresh of ours is answered', () => {
  const MOVED = OFFER.replace('m=audio 30000', 'm=audio 30008');

  test.each(['in', 'out'] as const)('in a call %s: the other side has moved, holds, resumes', async (direction) => {
    const { emit, offer, session, probes } = direction === 'in' ? await inbound() : await outbound();
    emit({ type: 'refreshed', offer, answer: OFFER });
    expect(session.negotiated).toHaveLength(1);
    emit({ type: 'refreshed', offer, answer: MOVED });
    expect(session.negotiated.at(-1)).toMatchObject({ remotePort: 30_008, direction: 'sendrecv' });
    emit({ type: 'refreshed', offer, answer: `${MOVED}a=sendonly\r\n` });
    expect(session.negotiated.at(-1)).toMatchObject({ remotePort: 30_008, direction: 'recvonly' });
    await world.clock.advanceAsync(30_001);
    expect(probes()).toBe(1);
    emit({ type: 'refreshed', offer, answer: MOVED });
    expect(session.negotiated).toHaveLength(4);
    await world.clock.advanceAsync(60_000);
    expect(probes()).toBe(1);
  });

  test('and cannot be used leaves the session as it was', async () => {
    const { emit, offer, session } = await inbound();
    emit({ type: 'refreshed', offer, answer: 'hello' });
    emit({ type: 'refreshed', offer, answer: OFFER.replace('m=audio 30000', 'm=audio 0') });
    expect(session.negotiated).toHaveLength(1);
    expect(manager.activeCalls).toBe(1);
    emit({ type: 'bye', reasonHeader: null });
    await settle();
    const refused = onlyRecord().timeline.filter(({ event }) => event === 'reoffer_refused');
    expect(refused.map(({ detail }) => detail?.['reason'])).toEqual(['bad_offer', 'no_common_codec']);
  });

  async function inbound() {
    const { leg, session } = await talking();
    leg.emit({ type: 'confirmed' });
    const probes = () => leg.acts.filter((act) => act === 'probe').length;
    return { emit: leg.emit, offer: leg.answers[0]?.sdp ?? '', session, probes };
  }

  async function outbound() {
    await manager.originate({ workspaceId: 'demo', idempotencyKey: 'k', from: '+12025550100', to: '+12025550177' });
    const [attempt] = world.originated;
    const [session] = world.sessions;
    if (attempt === undefined || session === undefined) throw new Error('no INVITE left');
    attempt.emit({ type: 'answered', sdp: OFFER });
    await settle();
    const probes = () => attempt.acts.filter((act) => act === 'probe').length;
    return { emit: attempt.emit, offer: attempt.params.offer, session, probes };
  }
});

describe('signalling 8: early media to the caller', () => {
  test('is off unless the trunk wants it', async () => {
    const { leg, session } = await talking();
    expect(leg.ringings[0]).toMatchObject({ earlyMedia: false, reliable: false });
    expect(session.early).toEqual([]);
  });

  test('183 with our answer and the ringing tone while the agent connects, unbilled; the same answer in the 200', async () => {
    changeTrunk({ inbound: { earlyMedia: 'ringback', reliableProvisionals: true } });
    const agent = new Gate<AgentConnectOutcome>();
    world.nextAgentOutcomes = [agent];
    const { leg, session } = await talking();
    expect(leg.acts).toEqual(['183']);
    expect(leg.ringings[0]).toMatchObject({ reliable: true });
    expect([session.early, session.starts, session.negotiated.length]).toEqual([['ringback'], 0, 1]);
    expect(world.metered[0]?.log).toEqual([]);
    agent.open({ ok: true, attachedAtMs: world.clock.monotonicMs(), connectMs: 5 });
    await settle();
    expect(leg.acts).toEqual(['183', '200']);
    expect(leg.answers[0]?.sdp).toBe(leg.ringings[0]?.sdp);
    expect([session.starts, session.negotiated.length]).toEqual([1, 1]);
  });

  test('has nothing to send to where the INVITE has no offer', async () => {
    changeTrunk({ inbound: { earlyMedia: 'ringback' } });
    const { leg, session } = await talking(null);
    expect(leg.acts).toEqual(['180', '200']);
    expect(session.early).toEqual([]);
  });
});

describe('signalling 10: early media of a callee', () => {
  async function placed() {
    const outcome = await manager.originate({
      workspaceId: 'demo',
      idempotencyKey: 'k1',
      from: '+12025550100',
      to: '+12025550177',
    });
    const [attempt] = world.originated;
    const [session] = world.sessions;
    if (!outcome.ok || attempt === undefined || session === undefined) throw new Error('no INVITE left');
    return { attempt, session };
  }

  test('is noted and not heard unless the trunk wants it', async () => {
    const { attempt, session } = await placed();
    attempt.emit({ type: 'progress', status: 183, sdp: OFFER });
    expect([session.early, session.negotiated]).toEqual([[], []]);
    attempt.emit({ type: 'answered', sdp: OFFER });
    await settle();
    expect(session.negotiated).toHaveLength(1);
  });

  test('is heard by the agent from the 183 on and billed from the 200; each description counts, the last one most', async () => {
    changeTrunk({ outbound: { earlyMedia: 'agent' } });
    const { attempt, session } = await placed();
    attempt.emit({ type: 'progress', status: 183, sdp: OFFER });
    attempt.emit({ type: 'progress', status: 183, sdp: OFFER.replace('30000', '30002') });
    attempt.emit({ type: 'progress', status: 183, sdp: 'hello' });
    expect(session.negotiated.map(({ remotePort }) => remotePort)).toEqual([30_000, 30_002]);
    expect([session.early[0], session.starts]).toEqual(['agent', 0]);
    expect(world.metered[0]?.log).toEqual(['attached echo']);
    attempt.emit({ type: 'answered', sdp: OFFER.replace('30000', '30004') });
    await settle();
    expect(session.negotiated.at(-1)?.remotePort).toBe(30_004);
    expect(session.starts).toBe(1);
    expect(world.metered[0]?.log).toEqual(['attached echo', 'answered managed']);
  });

  test('ends a call that is refused after it, without another gateway', async () => {
    changeTrunk({ outbound: { earlyMedia: 'agent' } });
    const { attempt } = await placed();
    attempt.emit({ type: 'progress', status: 183, sdp: OFFER });
    attempt.emit({ type: 'rejected', status: 503, reason: 'Service Unavailable' });
    await settle();
    expect(world.originated).toHaveLength(1);
    expect(onlyRecord()).toMatchObject({ endReason: 'carrier_failed', sipStatus: 503 });
  });
});

describe('signalling 15: session timers', () => {
  test.each([
    ['1800 s where the trunk says nothing', undefined, 1800],
    ['what the trunk says', 600, 600],
    ['nothing where the trunk wants none', null, null],
  ] as const)('%s, in both directions', async (_, sessionExpiresSec, expected) => {
    if (sessionExpiresSec !== undefined)
      changeTrunk({ inbound: { sessionExpiresSec }, outbound: { sessionExpiresSec } });
    const { leg } = await talking();
    expect(leg.answers[0]?.session).toEqual({ sessionExpiresSec: expected });
    await manager.originate({ workspaceId: 'demo', idempotencyKey: 'k', from: '+12025550100', to: '+12025550177' });
    expect(world.originated[0]?.params.sessionExpiresSec).toBe(expected);
  });
});

describe('signalling 14: a caller that holds the call', () => {
  const probes = (acts: readonly string[]) => acts.filter((act) => act === 'probe').length;

  test('is asked whether it is there, at intervals, until it resumes; nobody else is', async () => {
    const { leg } = await talking();
    await world.clock.advanceAsync(120_000);
    expect(probes(leg.acts)).toBe(0);
    leg.emit(reoffer(HOLD).event);
    await world.clock.advanceAsync(29_999);
    expect(probes(leg.acts)).toBe(0);
    await world.clock.advanceAsync(60_002);
    expect(probes(leg.acts)).toBe(3);
    leg.emit(reoffer(OFFER.replace('o=- 1 1', 'o=- 1 3')).event);
    await world.clock.advanceAsync(120_000);
    expect(probes(leg.acts)).toBe(3);
  });

  test.each([
    ['sendonly', 'a=sendonly'],
    ['inactive', 'a=inactive'],
    ['0.0.0.0', 'c=IN IP4 0.0.0.0'],
  ])('from the start (%s), in either direction and with a late offer, is asked as well', async (_, line) => {
    const held = `${OFFER}${line}\r\n`;
    const leg = world.invite({ offer: held });
    await settle();
    leg.emit({ type: 'confirmed' });
    const late = world.invite({ offer: null });
    await settle();
    late.emit({ type: 'confirmed', answer: held });
    await manager.originate({ workspaceId: 'demo', idempotencyKey: 'k', from: '+12025550100', to: '+12025550177' });
    const [attempt] = world.originated;
    attempt?.emit({ type: 'answered', sdp: held });
    await settle();
    await world.clock.advanceAsync(30_001);
    expect([probes(leg.acts), probes(late.acts), probes(attempt?.acts ?? [])]).toEqual([1, 1, 1]);
  });

  test('and is gone ends the call, billed until it was last heard of', async () => {
    const { leg } = await talking();
    leg.emit(reoffer(HOLD).event);
    const lastProofMs = world.clock.monotonicMs();
    await world.clock.advanceAsync(63_000);
    leg.emit({ type: 'bye', reasonHeader: null, peerLost: { lastProofMs } });
    await settle();
    expect(onlyRecord()).toMatchObject({ endReason: 'peer_lost' });
    expect(world.metered[0]?.ends[0]).toMatchObject({ atMs: lastProofMs, reason: 'peer_lost' });
    const before = probes(leg.acts);
    await world.clock.advanceAsync(120_000);
    expect(probes(leg.acts)).toBe(before);
  });
});
