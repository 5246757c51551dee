import { afterEach, describe, expect, test } from 'vitest';
import { FakeClock } from '../support/fake-clock.ts';
import { exceptReference } from './engine-under-test.ts';
import { answerTo, Callee, FAST_TIMERS, Harness, OFFER, SkippingClock } from './harness.ts';

// What happens when the other side, the engine or the call says nothing: every wait ends.

const withMovedClock = exceptReference('its clock cannot be moved');

let harness: Harness;
afterEach(() => harness.close());

test('an offer that the call does not answer within 5 s gets 500, and the next one is told again', async () => {
  const clock = new FakeClock();
  harness = await Harness.start({ clock });
  const { caller, call } = await harness.answered();
  const hold = OFFER.replace('a=sendrecv', 'a=sendonly');
  caller.inDialog('UPDATE', { body: hold });
  const first = await call.events.take();
  clock.advance(4_999);
  caller.inDialog('UPDATE', { body: hold.replace('o=- 2 1', 'o=- 2 3') });
  expect((await caller.peer.next(500)).header('Retry-After')).not.toBe('');
  clock.advance(1);
  await caller.peer.next(500);
  if (first.type === 'reoffer') first.accept(answerTo(hold));
  caller.inDialog('UPDATE', { body: hold });
  const second = await call.events.take();
  if (second.type !== 'reoffer') throw new Error(`an offer was expected, not ${second.type}`);
  second.refuse(488);
  await caller.peer.next(488);
});

test('a CANCEL that leads to nothing is reported 487 after 34 s, and a 200 that comes even later is closed', async () => {
  const clock = new FakeClock();
  harness = await Harness.start({ clock });
  const peer = await harness.peer();
  const call = harness.place(peer);
  const invite = await peer.next('INVITE');
  const callee = new Callee(peer, harness.sipPort, invite);
  callee.respond(180);
  await call.events.take();
  call.leg.cancel('api_cancelled');
  await peer.next('CANCEL');
  clock.advance(33_999);
  expect(call.events.items).toEqual([]);
  clock.advance(1);
  expect(await call.events.take()).toMatchObject({ type: 'rejected', status: 487 });
  callee.respond(200, { body: answerTo(invite.body) });
  await peer.next('ACK');
  const bye = await peer.next('BYE');
  callee.respond(200, {}, bye);
  expect(await peer.rest()).toEqual(expect.not.arrayContaining([expect.stringMatching(/^BYE/)]));
  expect(call.events.items).toEqual([]);
});

test('a BYE whose answer the engine never tells is given up after 33 s', async () => {
  const clock = new FakeClock();
  harness = await Harness.start({ clock });
  const { caller, call } = await harness.answered();
  let done = false;
  const bye = call.leg.bye('agent_hangup').then(() => {
    done = true;
  });
  await caller.peer.next('BYE');
  await clock.advanceAsync(32_999);
  expect(done).toBe(false);
  await clock.advanceAsync(1);
  await bye;
  expect(call.events.items).toEqual([]);
});

describe('signalling 15: a session timer', () => {
  withMovedClock('is agreed to where the carrier leaves the refresher open, and its end is told as such', async () => {
    const engineClock = new SkippingClock();
    harness = await Harness.start({ engineClock });
    const { caller, call, ok } = await harness.answered({ extra: ['Session-Expires: 1800', 'Supported: timer'] });
    expect(ok.header('Session-Expires')).toBe('1800;refresher=uac');
    engineClock.skip(1_000_000);
    caller.inDialog('INVITE', { body: OFFER, extra: ['Session-Expires: 1800;refresher=uac', 'Supported: timer'] });
    const refreshed = await caller.peer.next(200);
    expect(refreshed.header('Session-Expires')).toBe('1800;refresher=uac');
    caller.ack();
    await expect.poll(() => harness.count('in ACK')).toBe(2);
    engineClock.skip(1_799_000);
    expect(call.events.items).toEqual([]);
    engineClock.skip(1_001);
    await caller.peer.next('BYE');
    expect(await call.events.take()).toEqual({
      type: 'bye',
      reasonHeader: 'SIP;cause=200;text="Session timer expired"',
      sessionExpired: true,
    });
  });

  withMovedClock(
    'of a carrier that cannot refresh is kept by us: after half of it our description goes out again',
    async () => {
      const engineClock = new SkippingClock();
      harness = await Harness.start({ engineClock });
      const { caller, call, ok } = await harness.answered({ extra: ['Session-Expires: 600'] });
      expect(ok.header('Session-Expires')).toBe('600;refresher=uas');
      engineClock.skip(306_000);
      const refresh = await caller.peer.next('INVITE');
      expect(refresh.body).toBe(ok.body);
      expect(call.events.items).toEqual([]);
    },
  );
});

withMovedClock('a lost ACK with the timers of the RFC: 200 again and again, then BYE after 32 s', async () => {
  const engineClock = new SkippingClock();
  harness = await Harness.start({ engineClock });
  const caller = await harness.caller();
  caller.invite();
  const { invite, leg, events } = await harness.calls.take();
  await leg.answer(answerTo(invite.offer));
  engineClock.skip(31_000);
  expect(events.items).toEqual([]);
  engineClock.skip(1_500);
  await caller.peer.next('BYE');
  expect(await events.take()).toEqual({ type: 'unconfirmed' });
});

test('over TCP a call is the same call', async () => {
  harness = await Harness.start({ timers: FAST_TIMERS });
  const caller = await harness.callerOverTcp();
  caller.invite();
  const { invite, leg, events } = await harness.calls.take();
  expect(invite.source.protocol).toBe('tcp');
  await leg.answer(answerTo(invite.offer));
  const ok = await caller.peer.next(200);
  caller.learn(ok);
  caller.ack();
  expect(await events.take()).toEqual({ type: 'confirmed' });
  caller.inDialog('BYE');
  expect(await events.take()).toMatchObject({ type: 'bye' });
});
