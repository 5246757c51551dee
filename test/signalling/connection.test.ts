import { afterEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/domain/clock.ts';
import { ALLOW, SUPPORTED } from '../../src/signalling/abilities.ts';
import { ENGINE_REASONS } from '../../src/signalling/engine-words.ts';
import { connectSignalling } from '../../src/signalling/signalling.ts';
import { exceptReference } from './engine-under-test.ts';
import { answerTo, FAST_TIMERS, Harness, OFFER, RecordingLog } from './harness.ts';
import { LenientEngine } from './lenient-engine.ts';

let harness: Harness | null = null;
afterEach(async () => {
  await harness?.close();
  harness = null;
});

describe('the connection to the engine', () => {
  test('tells where the engine listens', async () => {
    harness = await Harness.start();
    expect(harness.signalling.connected).toBe(true);
    expect(harness.signalling.addresses).toEqual(
      expect.arrayContaining([`udp/127.0.0.1:${harness.sipPort}`, `tcp/127.0.0.1:${harness.tcpPort}`]),
    );
  });

  test('lost tells every leg once, and works again when a new engine is there', async () => {
    harness = await Harness.start();
    const { call: answered } = await harness.answered();
    const ringer = await harness.caller();
    ringer.invite();
    const ringing = await harness.calls.take();
    ringing.leg.ringing();
    const { call: placed } = await harness.placedAnswered();
    const calling = harness.place(await harness.peer());

    await harness.restartEngine();
    expect(await answered.events.take()).toEqual({ type: 'lost' });
    expect(await ringing.events.take()).toEqual({ type: 'lost' });
    expect(await placed.events.take()).toEqual({ type: 'lost' });
    expect(await calling.events.take()).toEqual({ type: 'lost' });
    // L2: whatever is done with them now does nothing.
    await answered.leg.bye('signalling_lost');
    await placed.leg.bye('signalling_lost');
    calling.leg.cancel('api_cancelled');
    expect(await ringing.leg.answer(answerTo(OFFER))).toBe('gone');

    await expect.poll(() => harness?.signalling.connected, { timeout: 5_000 }).toBe(true);
    const { caller, call } = await harness.answered();
    caller.inDialog('BYE');
    expect(await call.events.take()).toMatchObject({ type: 'bye' });
    for (const { events } of [answered, ringing, placed, calling]) expect(events.items).toEqual([]);
  });

  test('lost while our BYE is on its way resolves it', async () => {
    harness = await Harness.start();
    const { caller, call } = await harness.answered();
    const done = call.leg.bye('agent_hangup');
    await caller.peer.next('BYE');
    await harness.stopEngine();
    await done;
    expect(call.events.items).toEqual([]);
  });

  test('not there makes an outbound call fail with 503 in a later turn', async () => {
    harness = await Harness.start();
    await harness.stopEngine();
    await expect.poll(() => harness?.signalling.connected, { timeout: 3_000 }).toBe(false);
    const { events } = harness.place(await harness.peer());
    expect(events.items).toEqual([]);
    expect(await events.take()).toMatchObject({ type: 'rejected', status: 503 });
  });

  test('refused for a wrong secret is an error with a code', async () => {
    harness = await Harness.start();
    const connecting = connectSignalling({ ...parts(), port: harness.wirePort, secret: 'wrong' });
    await expect(connecting).rejects.toMatchObject({ code: 'sip_engine_refused' });
  });

  test('that nobody answers is an error with a code, in bounded time', async () => {
    const connecting = connectSignalling({ ...parts(), port: 9, secret: 'any', connectTimeoutMs: 300 });
    await expect(connecting).rejects.toMatchObject({ code: 'sip_engine_unreachable' });
  });

  test('closed stays closed', async () => {
    const engine = await LenientEngine.start();
    const signalling = await connectSignalling({ ...parts(), port: engine.port, secret: 'any' });
    await signalling.close();
    expect(signalling.connected).toBe(false);
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(engine.connections).toBe(1);
    await engine.close();
  });
});

test('closing while the connection is being made again stops that', async () => {
  const engine = await LenientEngine.start();
  const signalling = await connectSignalling({ ...parts(), port: engine.port, secret: 'any' });
  await engine.close();
  await expect.poll(() => signalling.connected, { timeout: 3_000 }).toBe(false);
  await signalling.close();
  const next = await LenientEngine.start(engine.port);
  // Longer than the first two delays of the library together.
  await new Promise((resolve) => setTimeout(resolve, 800));
  expect(next.connections).toBe(0);
  await next.close();
});

describe('an ACK that never comes', () => {
  const withFastTimers = exceptReference('4.5: its 32 s for an ACK are built in');

  withFastTimers('ends the leg unconfirmed, once, and the caller gets a BYE', async () => {
    harness = await Harness.start({ timers: FAST_TIMERS });
    const caller = await harness.caller();
    caller.invite();
    const { invite, leg, events } = await harness.calls.take();
    expect(await leg.answer(answerTo(invite.offer))).toBe('sent');
    expect(await events.take()).toEqual({ type: 'unconfirmed' });
    const bye = await caller.peer.next('BYE');
    expect(bye.header('Reason')).toContain('ACK timeout');
    await leg.bye('answer_unconfirmed');
    expect(events.items).toEqual([]);
    const again = caller.peer.received.filter(({ status }) => status === 200);
    expect(again.length).toBeGreaterThan(3);
  });

  withFastTimers('to our answer to a re-INVITE ends the call as one whose other side is lost', async () => {
    harness = await Harness.start({ timers: FAST_TIMERS, reasons: ENGINE_REASONS });
    const { caller, call } = await harness.answered();
    caller.inDialog('INVITE', { body: OFFER });
    await caller.peer.next('BYE');
    expect(await call.events.take()).toMatchObject({ type: 'bye', peerLost: { lastProofMs: null } });
    const { callee, call: placed } = await harness.placedAnswered();
    callee.inDialog('INVITE', { body: OFFER });
    const reoffer = await placed.events.take((event) => event.type === 'reoffer');
    if (reoffer.type === 'reoffer') reoffer.accept(answerTo(reoffer.offer));
    await callee.peer.next('BYE');
    expect(await placed.events.take()).toMatchObject({ type: 'bye', peerLost: { lastProofMs: null } });
  });

  withFastTimers('ends a hang-up of ours that waits for it, silently', async () => {
    harness = await Harness.start({ timers: FAST_TIMERS });
    const caller = await harness.caller();
    caller.invite();
    const { invite, leg, events } = await harness.calls.take();
    await leg.answer(answerTo(invite.offer));
    await leg.bye('api_hangup');
    expect(events.items).toEqual([]);
    expect(harness.openDialogs()).toBe(0);
  });
});

describe('a BYE that nobody answers', () => {
  test('is given up', async () => {
    harness = await Harness.start({ timers: FAST_TIMERS });
    const { call } = await harness.answered();
    await call.leg.bye('agent_hangup');
    expect(harness.openDialogs()).toBe(0);
  });
});

describe('strangers', () => {
  test('learn from OPTIONS exactly what is implemented', async () => {
    harness = await Harness.start();
    const stranger = await harness.caller();
    stranger.send(stranger.text('OPTIONS'));
    const response = await stranger.peer.next(200);
    expect(response.header('Allow')).toBe(ALLOW);
    expect(response.header('Supported')).toBe(SUPPORTED);
    expect(response.header('Accept')).toBe('application/sdp');
    expect(response.text).not.toMatch(/callin|drachtio|Server:|User-Agent:/i);
  });

  test('learn from OPTIONS that the node is draining', async () => {
    harness = await Harness.start();
    harness.signalling.setDraining(true);
    const stranger = await harness.caller();
    stranger.send(stranger.text('OPTIONS'));
    expect((await stranger.peer.next(503)).header('Retry-After')).toBe('10');
    harness.signalling.setDraining(false);
    const other = await harness.caller();
    other.send(other.text('OPTIONS'));
    await other.peer.next(200);
  });

  async function getMethodNotAllowed(method: string): Promise<void> {
    harness = await Harness.start();
    const stranger = await harness.caller();
    stranger.send(stranger.text(method, { extra: ['Event: presence', 'Refer-To: <sip:x@127.0.0.1>'] }));
    expect((await stranger.peer.next(405)).header('Allow')).toBe(ALLOW);
  }

  test.each(['REGISTER', 'MESSAGE', 'PUBLISH'])('get 405 with Allow for %s', getMethodNotAllowed);

  exceptReference('4.1 (5): it says nothing to a REFER')('get 403 for REFER: they have nobody called', async () => {
    harness = await Harness.start();
    const stranger = await harness.caller();
    stranger.send(stranger.text('REFER', { extra: ['Refer-To: <sip:x@127.0.0.1>'] }));
    await stranger.peer.next(403);
  });
});

test('every message is counted once, by method, status and direction', async () => {
  harness = await Harness.start();
  const { caller, call } = await harness.answered();
  caller.inDialog('BYE');
  await call.events.take();
  await caller.peer.next(200);
  await expect.poll(() => harness?.count('out 200 BYE')).toBe(1);
  const { callee, call: placed } = await harness.placedAnswered();
  callee.inDialog('BYE');
  await placed.events.take();
  expect(harness.count('in INVITE')).toBe(1);
  expect(harness.count('out 200 INVITE')).toBe(1);
  expect(harness.count('in ACK')).toBe(1);
  expect(harness.count('in BYE')).toBe(2);
  expect(harness.count('out INVITE')).toBe(1);
  expect(harness.count('in 200 INVITE')).toBe(1);
  expect(harness.count('out ACK')).toBe(1);
});

function parts() {
  const observer = { request: () => undefined, response: () => undefined };
  return { host: '127.0.0.1', clock: systemClock, logger: new RecordingLog(), observer };
}
