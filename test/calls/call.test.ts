import { describe, expect, test } from 'vitest';
import { Call } from '../../src/calls/call.ts';
import type { MediaEvent } from '../../src/media/session.ts';
import { createWorld, FakeMediaSession, FakeMetered, settle } from './fakes.ts';

const INTENT = { callId: 'call_1', counterRow: 0 } as ConstructorParameters<typeof FakeMetered>[0];

/** A call with media, a meter and a leg that records what is asked of it. */
function begun(direction: 'inbound' | 'outbound', arrived?: Promise<boolean>) {
  const world = createWorld();
  const gone: string[] = [];
  const call = new Call(world.deps, 'call_1', { direction, from: 'a', to: 'b' }, ({ id }) => void gone.push(id));
  call.identified();
  const metered = new FakeMetered(INTENT);
  call.metered = metered;
  call.media = new FakeMediaSession({ onEvent: (event) => call.onMedia(event) }, world.clock);
  const acts: string[] = [];
  const leg = {
    refuse: (reason: string) => void acts.push(`refuse ${reason}`),
    hangUp: async (reason: string) => void acts.push(`bye ${reason}`),
    ...(arrived === undefined ? {} : { arrived: () => arrived }),
  };
  call.setLeg(leg);
  return { world, call, metered, leg, acts, gone };
}

const AT = 1_000_500;
const FAILURE = { code: 'agent_broken', detail: 'x' } as const;
const timeout = (more: object) => ({ type: 'media-timeout', atMs: AT, lastProofMs: null, ...more }) as MediaEvent;
const AGENT_CLOSED: MediaEvent = { type: 'agent-closed', atMs: AT };
const THREAD_LOST: MediaEvent = { type: 'thread-lost', atMs: AT };
const lost = (failure: object) =>
  ({ type: 'agent-lost', atMs: AT, lastProofMs: AT - 100, failure }) as unknown as MediaEvent;

describe('how media ends a call', () => {
  test.each<[string, boolean, MediaEvent, string, string, number | null]>([
    ['the agent hangs up before the answer', false, AGENT_CLOSED, 'agent_unreachable', 'agent', AT],
    ['the agent hangs up', true, AGENT_CLOSED, 'agent_hangup', 'agent', AT],
    ['the agent is lost before the answer', false, lost(FAILURE), 'agent_unreachable', 'agent', null],
    ['the agent is lost', true, lost(FAILURE), 'agent_lost', 'agent', AT],
    ['the agent is too slow', true, lost({ ...FAILURE, code: 'agent_slow' }), 'agent_slow', 'agent', AT],
    ['the thread is lost before the answer', false, THREAD_LOST, 'node_limit', 'media', AT],
    ['the thread is lost', true, THREAD_LOST, 'media_timeout', 'media', AT],
    ['held for too long', true, timeout({ limit: 'held' }), 'hold_timeout', 'command', AT],
    ['an agent that says nothing', true, timeout({ limit: 'agent_silent' }), 'agent_silent', 'agent', AT],
    ['no more audio', true, timeout({ lastProofMs: AT - 200 }), 'media_timeout', 'media', AT - 200],
  ])('%s', async (_what, isAnswered, event, reason, evidence, atMs) => {
    const { call, metered, world } = begun('outbound');
    if (isAnswered) call.answered(60_000);
    world.clock.advance(1_000);
    call.onMedia(event);
    await settle();
    expect(metered.ends).toMatchObject([{ reason, evidence, atMs: atMs ?? world.clock.monotonicMs() }]);
  });

  test('no packet at all: up to the answer, and flagged', async () => {
    const { call, metered, world } = begun('outbound');
    world.clock.advance(300);
    const answeredMs = world.clock.monotonicMs();
    call.answered(60_000);
    world.clock.advance(30_000);
    call.onMedia(timeout({}));
    await settle();
    expect(metered.ends).toMatchObject([{ reason: 'media_timeout', evidence: 'media', atMs: answeredMs }]);
    expect(metered.flags).toEqual(['no_media']);
  });
});

describe('whether our answer has arrived', () => {
  const FIRST: MediaEvent = { type: 'first-packet', atMs: AT };
  type Begun = ReturnType<typeof begun>;
  const never = new Promise<boolean>(() => undefined);

  test.each<[string, (call: Call) => void, boolean]>([
    ['nothing has said so', () => undefined, true],
    ['audio since before the answer proves nothing', (call) => call.onMedia(FIRST), true],
  ])('the bill waits for the leg: %s', async (_what, before, waits) => {
    const { call, metered } = begun('inbound', never);
    before(call);
    call.answered(60_000);
    void call.end('api_hangup', 'command');
    await settle();
    expect(metered.ends[0]?.answerArrived === never).toBe(waits);
  });

  test.each<[string, 'inbound' | 'outbound', (begun: Begun) => void, boolean]>([
    ['the ACK', 'inbound', ({ call }) => call.confirmed(), false],
    ['the first packet after it', 'inbound', ({ call }) => call.onMedia(FIRST), false],
    ['outbound it is theirs', 'outbound', () => undefined, false],
    ['the leg is gone', 'inbound', () => undefined, true],
  ])('the bill waits for nothing: %s', async (_what, direction, proof, legGone) => {
    const all = begun(direction, never);
    all.call.answered(60_000);
    proof(all);
    void all.call.end('api_hangup', 'command', undefined, legGone);
    await settle();
    expect(all.metered.ends).toHaveLength(1);
    expect(all.metered.ends[0]).not.toHaveProperty('answerArrived');
  });

  test('a node that stops does not wait', async () => {
    const { call, metered } = begun('inbound', never);
    call.answered(60_000);
    void call.end('drain_deadline', 'command');
    await settle();
    expect(await metered.ends[0]?.answerArrived).toBe(false);
  });

  test('neither ACK nor packet until media gives up: the answer is unconfirmed', async () => {
    const { call, metered } = begun('inbound', never);
    call.answered(60_000);
    call.onMedia(timeout({}));
    await settle();
    expect(metered.ends).toMatchObject([{ reason: 'answer_unconfirmed', evidence: 'signalling' }]);
    expect(metered.ends[0]).not.toHaveProperty('answerArrived');
    expect(metered.flags).toEqual(['no_media', 'answer_unconfirmed']);
  });
});

test('what an end sets off does not end the call again', async () => {
  const { call, metered, leg, acts, gone, world } = begun('outbound');
  call.answered(60_000);
  // A leg that tells its own end while it is being hung up, and a release that thinks it must end the call.
  const hangUp = leg.hangUp;
  leg.hangUp = (reason) => {
    void call.end('remote_hangup', 'bye', undefined, true);
    return hangUp(reason);
  };
  let seenOver = false;
  call.whenOver(() => {
    seenOver = call.over;
    void call.end('node_limit', 'command');
  });
  const ended = call.end('api_hangup', 'command');
  expect(call.end('cancelled', 'cancel')).toBe(ended);
  await ended;
  expect(seenOver).toBe(true);
  expect([metered.ends.map(({ reason }) => reason), acts, gone]).toEqual([
    ['api_hangup'],
    ['bye api_hangup'],
    ['call_1'],
  ]);
  expect(world.records.get('call_1')?.endReason).toBe('api_hangup');
});
