import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { answerOffer, makeOffer } from '../../src/sdp/index.ts';
import type { ModifyOutcome } from '../../src/signalling/leg.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { type RawMessage, type RawSipPeer, responseText } from '../support/raw-sip-peer.ts';
import { exceptReference } from './engine-under-test.ts';
import { answerTo, Harness, LOCAL, OFFER } from './harness.ts';

// Requests of our own inside a call: re-INVITE with its glare, and the question whether the other side is still there.

let harness: Harness;
let clock: FakeClock;
let draw = 0.5;
beforeAll(async () => {
  clock = new FakeClock();
  harness = await Harness.start({ clock, random: () => draw });
});
afterAll(() => harness.close());
afterEach(() => {
  draw = 0.5;
});

const NEW = makeOffer({ ...LOCAL, version: 2 });

function answerOf(offer: string): string {
  const answer = answerOffer(offer, { ...LOCAL, port: 50000 });
  if (!answer.ok) throw new Error(answer.detail);
  return answer.sdp;
}

function reply(
  peer: RawSipPeer,
  request: RawMessage,
  status: number,
  options: Parameters<typeof responseText>[3] = {},
) {
  peer.send(responseText(peer, request, status, options), harness.sipPort);
}

/** What a promise has come to, without waiting for it. */
function watch(promise: Promise<ModifyOutcome>): { outcome: ModifyOutcome | undefined } {
  const seen: { outcome: ModifyOutcome | undefined } = { outcome: undefined };
  void promise.then((outcome) => {
    seen.outcome = outcome;
  });
  return seen;
}

async function next(peer: RawSipPeer, method: string, after = 0): Promise<RawMessage> {
  return await peer.next((message) => message.method === method && message.sequence > after);
}

describe('signalling 14: a re-INVITE of ours', () => {
  test('in a call from outside: offer, answer, ACK', async () => {
    const { caller, call } = await harness.answered();
    const modified = call.leg.modify(NEW);
    const invite = await caller.peer.next('INVITE');
    expect([invite.body, invite.header('Content-Type')]).toEqual([NEW, 'application/sdp']);
    expect(invite.header('Contact')).not.toBe('');
    const answer = answerOf(NEW);
    reply(caller.peer, invite, 200, { body: answer });
    expect((await caller.peer.next('ACK')).sequence).toBe(invite.sequence);
    expect(await modified).toEqual({ ok: true, answer });
    caller.inDialog('BYE');
    await caller.peer.next(200);
    expect(await call.events.take()).toMatchObject({ type: 'bye' });
  });

  exceptReference('6 (1): the 200 behind a 180 is neither shown nor acknowledged')(
    'in a call of ours, after a provisional response of the other side',
    async () => {
      const { callee, call } = await harness.placedAnswered();
      const modified = call.leg.modify(NEW);
      const invite = await callee.peer.next('INVITE');
      reply(callee.peer, invite, 180);
      reply(callee.peer, invite, 200, { body: answerOf(NEW) });
      await callee.peer.next('ACK');
      expect(await modified).toMatchObject({ ok: true });
      callee.inDialog('BYE');
      await callee.peer.next(200);
    },
  );

  test('that is refused leaves the session as it was, and another may follow', async () => {
    const { caller, call, ok } = await harness.answered();
    for (const status of [488, 403]) {
      const modified = call.leg.modify(NEW);
      reply(caller.peer, await caller.peer.next('INVITE'), status);
      await caller.peer.next('ACK');
      expect(await modified).toEqual({ ok: false, status });
    }
    caller.inDialog('INVITE', { body: OFFER });
    expect((await caller.peer.next(200)).body).toBe(ok.body);
    caller.ack();
    expect(call.events.items).toEqual([]);
    caller.inDialog('BYE');
    await caller.peer.next(200);
  });

  test.each([
    ['0 to 2 s in a call from outside', 'theirs', [0, 0.5, 0.999], [0, 1_000, 2_000]],
    ['2.1 to 4 s in a call of ours', 'ours', [0, 0.5, 0.999], [2_100, 3_050, 4_000]],
  ] as const)('that meets one of the other side (491) is tried again after %s', async (_, whose, draws, waits) => {
    const { leg, peer, end } = await anyCall(whose);
    const modified = watch(leg.modify(NEW));
    let invite = await peer.next('INVITE');
    for (const [index, waitMs] of waits.entries()) {
      draw = draws[index] ?? 0;
      reply(peer, invite, 491);
      const { sequence } = invite;
      await peer.next('ACK');
      const again = next(peer, 'INVITE', sequence);
      const before = clock.monotonicMs();
      await expect.poll(() => clock.nextTimerInMs === waitMs || hasInvite(peer, sequence)).toBe(true);
      if (waitMs > 0) {
        clock.advance(waitMs - 1);
        expect(hasInvite(peer, sequence)).toBe(false);
        clock.advance(1);
      } else clock.advance(0);
      invite = await again;
      expect(clock.monotonicMs() - before).toBe(waitMs);
    }
    expect(modified.outcome).toBeUndefined();
    reply(peer, invite, 491);
    await expect.poll(() => modified.outcome).toEqual({ ok: false, status: 491 });
    await end();
  });

  test('waits as long as an overloaded peer asks (500, Retry-After), and no longer than 10 s', async () => {
    const { caller, call } = await harness.answered();
    const modified = watch(call.leg.modify(NEW));
    const invite = await caller.peer.next('INVITE');
    reply(caller.peer, invite, 500, { extra: ['Retry-After: 7'] });
    await caller.peer.next('ACK');
    await expect.poll(() => clock.nextTimerInMs).toBe(7_000);
    clock.advance(7_000);
    const again = await next(caller.peer, 'INVITE', invite.sequence);
    reply(caller.peer, again, 500, { extra: ['Retry-After: 11'] });
    await expect.poll(() => modified.outcome).toEqual({ ok: false, status: 500 });
    expect(call.events.items).toEqual([]);
    caller.inDialog('BYE');
    await caller.peer.next(200);
  });

  test.each([408, 481])('that is answered %d ends the call: BYE, and its reason', async (status) => {
    const { caller, call } = await harness.answered();
    const modified = call.leg.modify(NEW);
    reply(caller.peer, await caller.peer.next('INVITE'), status);
    expect(await modified).toEqual({ ok: false, status: 481 });
    expect((await caller.peer.next('BYE')).header('Reason')).toContain('peer_lost');
    expect(await call.events.take()).toEqual({ type: 'bye', reasonHeader: null, peerLost: { lastProofMs: null } });
  });

  test('crossed by an offer of the other side: that gets 491, ours goes on', async () => {
    const { caller, call } = await harness.answered();
    const modified = call.leg.modify(NEW);
    const invite = await caller.peer.next('INVITE');
    caller.inDialog('INVITE', { body: OFFER.replace('o=- 2 1 ', 'o=- 2 2 ') });
    await caller.peer.next((message) => message.status === 491);
    caller.ack();
    caller.inDialog('UPDATE', { body: OFFER.replace('o=- 2 1 ', 'o=- 2 2 ') });
    await caller.peer.next((message) => message.status === 491 && message.header('CSeq').endsWith('UPDATE'));
    reply(caller.peer, invite, 200, { body: answerOf(NEW) });
    expect(await modified).toMatchObject({ ok: true });
    expect(call.events.items).toEqual([]);
    caller.inDialog('BYE');
    await caller.peer.next(200);
  });

  test('while an offer of the other side is open waits for that', async () => {
    const { caller, call, ok } = await harness.answered();
    caller.inDialog('INVITE', { body: OFFER.replace('o=- 2 1 ', 'o=- 2 2 ') });
    const reoffer = await call.events.take((event) => event.type === 'reoffer');
    const modified = call.leg.modify(NEW);
    expect(hasInvite(caller.peer, 0)).toBe(false);
    if (reoffer.type === 'reoffer') reoffer.accept(ok.body);
    await caller.peer.next(200);
    caller.ack();
    clock.advance(1_000);
    reply(caller.peer, await caller.peer.next('INVITE'), 200, { body: answerOf(NEW) });
    expect(await modified).toMatchObject({ ok: true });
    caller.inDialog('BYE');
    await caller.peer.next(200);
  });

  test('is challenged once and answered with the digest', async () => {
    const credentials = { username: 'edge', password: 'pw' };
    const { callee, call } = await harness.placedAnswered({ credentials });
    const modified = call.leg.modify(NEW);
    const invite = await callee.peer.next('INVITE');
    const asks = { extra: ['Proxy-Authenticate: Digest realm="r", nonce="n"'] };
    reply(callee.peer, invite, 407, asks);
    const again = await next(callee.peer, 'INVITE', invite.sequence);
    expect(again.header('Proxy-Authorization')).toMatch(/^Digest username="edge"/);
    expect(again.body).toBe(NEW);
    reply(callee.peer, again, 407, asks);
    expect(await modified).toEqual({ ok: false, status: 407 });
    callee.inDialog('BYE');
    await callee.peer.next(200);
  });

  test('comes to nothing where the call ends meanwhile, or is not there', async () => {
    const { caller, call } = await harness.answered();
    const modified = call.leg.modify(NEW);
    await caller.peer.next('INVITE');
    expect(await call.leg.modify(NEW)).toEqual({ ok: false, status: 491 });
    caller.inDialog('BYE');
    expect(await modified).toEqual({ ok: false, status: 481 });
    expect(await call.leg.modify(NEW)).toEqual({ ok: false, status: 481 });
    expect(await call.leg.probe()).toBe('lost');
  });
});

describe('signalling 14: the question whether the other side still has the call', () => {
  test.each([200, 405, 501, 403, 503])('is answered by anything like %d: it lives', async (status) => {
    const { caller, call } = await harness.answered();
    const probed = call.leg.probe();
    reply(caller.peer, await caller.peer.next('OPTIONS'), status);
    expect(await probed).toBe('alive');
    expect(call.events.items).toEqual([]);
    caller.inDialog('BYE');
    await caller.peer.next(200);
  });

  test.each([408, 481])('is answered by %d: BYE, and the call lasted until it was last heard of', async (status) => {
    const { callee, call } = await harness.placedAnswered();
    clock.advance(5_000);
    const first = call.leg.probe();
    reply(callee.peer, await callee.peer.next('OPTIONS'), 200);
    expect(await first).toBe('alive');
    const heardMs = clock.monotonicMs();
    clock.advance(30_000);
    const second = call.leg.probe();
    reply(callee.peer, await callee.peer.next('OPTIONS'), status);
    expect(await second).toBe('lost');
    expect((await callee.peer.next('BYE')).header('Reason')).toContain('peer_lost');
    expect(await call.events.take()).toEqual({ type: 'bye', reasonHeader: null, peerLost: { lastProofMs: heardMs } });
  });

  test('that cannot even be sent there says nothing once; a second time in a row the call is over', async () => {
    const { caller, call } = await harness.answered();
    const heardMs = clock.monotonicMs();
    await caller.peer.close();
    clock.advance(30_000);
    expect(await call.leg.probe()).toBe('alive');
    expect(call.events.items).toEqual([]);
    clock.advance(30_000);
    expect(await call.leg.probe()).toBe('lost');
    expect(await call.events.take()).toEqual({ type: 'bye', reasonHeader: null, peerLost: { lastProofMs: heardMs } });
  });

  exceptReference('the engine answers first')('that nobody answers is given up after 33 s', async () => {
    const { caller, call } = await harness.answered();
    const probed = call.leg.probe();
    await caller.peer.next('OPTIONS');
    clock.advance(33_000);
    expect(await probed).toBe('lost');
    expect(await call.events.take()).toMatchObject({ type: 'bye', peerLost: {} });
  });
});

function hasInvite(peer: RawSipPeer, after: number): boolean {
  return peer.received.some((message) => message.method === 'INVITE' && message.sequence > after);
}

async function anyCall(whose: 'theirs' | 'ours') {
  if (whose === 'theirs') {
    const { caller, call } = await harness.answered();
    const end = async () => {
      caller.inDialog('BYE');
      await caller.peer.next(200);
    };
    return { leg: call.leg, peer: caller.peer, end };
  }
  const { callee, call } = await harness.placedAnswered({ offer: makeOffer(LOCAL) });
  const end = async () => {
    callee.inDialog('BYE');
    await callee.peer.next(200);
  };
  expect(answerTo(OFFER)).not.toBe('');
  return { leg: call.leg, peer: callee.peer, end };
}
