import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SUPPORTED } from '../../src/signalling/abilities.ts';
import type { InboundEvent, OutboundEvent } from '../../src/signalling/leg.ts';
import { type RawMessage, type RawSipPeer, responseText } from '../support/raw-sip-peer.ts';
import { exceptReference } from './engine-under-test.ts';
import { answerTo, Callee, Harness, OFFER, type Record, SkippingClock } from './harness.ts';

// Session timers (RFC 4028) in whole calls: fifteen minutes at the shortest interval there is, whoever refreshes and however.

const CALL_MS = 15 * 60_000;
const INTERVAL_SEC = 90;
const NEEDS_CLOCK = 'its clock cannot be moved';

let harness: Harness;
const engineClock = new SkippingClock();
beforeAll(async () => {
  harness = await Harness.start(process.env['DRACHTIO_BIN'] === undefined ? { engineClock } : {});
});
afterAll(() => harness.close());

/** Enough for what was sent to arrive. */
const settle = () => new Promise((resolve) => setTimeout(resolve, 8));

/**
 * The engine refreshes: `answer` says what to; repetitions of an answered one are passed over. `ask` sends an OPTIONS inside the call: its answer
 * shows that what was sent before has arrived.
 */
async function outlive(peer: RawSipPeer, answer: (refresh: RawMessage) => void, ask: () => void): Promise<number> {
  let refreshes = 0;
  let last = 0;
  for (let passedMs = 0; passedMs < CALL_MS; passedMs += 10_000) {
    engineClock.skip(10_000);
    await settle();
    for (const message of peer.received.splice(0)) {
      expect(message.method, message.startLine).not.toBe('BYE');
      const isNew = ['INVITE', 'UPDATE'].includes(message.method ?? '') && message.sequence > last;
      if (!isNew) continue;
      last = message.sequence;
      refreshes += 1;
      answer(message);
      ask();
      await peer.next((heard) => heard.status === 200 && heard.header('CSeq').endsWith('OPTIONS'));
    }
  }
  return refreshes;
}

/** The other side refreshes, at half the interval. */
async function keepAlive(refresh: () => Promise<void>): Promise<void> {
  for (let passedMs = 0; passedMs < CALL_MS; passedMs += INTERVAL_SEC * 500) {
    engineClock.skip(INTERVAL_SEC * 500);
    await refresh();
  }
}

async function expireUnrefreshed(
  peer: RawSipPeer,
  events: Record<InboundEvent> | Record<OutboundEvent>,
): Promise<void> {
  engineClock.skip(INTERVAL_SEC * 1_000 + 1_000);
  await peer.next('BYE');
  expect(await events.take()).toMatchObject({ type: 'bye', sessionExpired: true });
}

const asUac = `Session-Expires: ${INTERVAL_SEC};refresher=uac`;
const asUas = `Session-Expires: ${INTERVAL_SEC};refresher=uas`;

describe('signalling 15: a call from outside of fifteen minutes', () => {
  exceptReference(NEEDS_CLOCK)('whose caller refreshes does not drop, by UPDATE and by re-INVITE', async () => {
    const { caller, call, ok } = await harness.answered({ extra: [asUac, 'Supported: timer'] });
    expect([ok.header('Session-Expires'), ok.header('Require')]).toEqual([`${INTERVAL_SEC};refresher=uac`, 'timer']);
    let isUpdate = false;
    await keepAlive(async () => {
      isUpdate = !isUpdate;
      const body = isUpdate ? {} : { body: OFFER };
      caller.inDialog(isUpdate ? 'UPDATE' : 'INVITE', { extra: [asUac, 'Supported: timer'], ...body });
      const answer = await caller.peer.next(200);
      expect(answer.header('Session-Expires')).toBe(`${INTERVAL_SEC};refresher=uac`);
      if (isUpdate) {
        await settle();
        return;
      }
      const acks = harness.count('in ACK');
      caller.ack();
      await expect.poll(() => harness.count('in ACK'), { interval: 2 }).toBeGreaterThan(acks);
    });
    expect(call.events.items).toEqual([]);
    await expireUnrefreshed(caller.peer, call.events);
  });

  exceptReference(NEEDS_CLOCK)(
    'whose caller can and asks for nothing is refreshed by us: UPDATE where it allows that',
    async () => {
      for (const [allow, method] of [
        ['INVITE, ACK, BYE, UPDATE', 'UPDATE'],
        ['INVITE, ACK, BYE', 'INVITE'],
      ] as const) {
        const caller = await harness.caller({ extra: ['Supported: timer', `Allow: ${allow}`] });
        caller.invite();
        const call = await harness.calls.take();
        await call.leg.answer(answerTo(call.invite.offer), { sessionExpiresSec: INTERVAL_SEC });
        const ok = await caller.peer.next(200);
        expect(ok.header('Session-Expires')).toBe(`${INTERVAL_SEC};refresher=uas`);
        caller.learn(ok);
        caller.ack();
        await call.events.take((event) => event.type === 'confirmed');
        const refreshes = await outlive(
          caller.peer,
          (refresh) => {
            expect([refresh.method, refresh.body]).toEqual([method, method === 'UPDATE' ? '' : ok.body]);
            const answer = method === 'UPDATE' ? {} : { body: OFFER };
            caller.peer.send(responseText(caller.peer, refresh, 200, { ...answer, extra: [asUac] }), harness.sipPort);
          },
          () => caller.inDialog('OPTIONS'),
        );
        expect(refreshes).toBeGreaterThanOrEqual(17);
        expect(call.events.items).toEqual([]);
        caller.inDialog('BYE');
        await caller.peer.next(200);
      }
    },
  );

  exceptReference(NEEDS_CLOCK)('whose caller knows no session timers is not timed', async () => {
    const caller = await harness.caller();
    caller.invite();
    const call = await harness.calls.take();
    await call.leg.answer(answerTo(call.invite.offer), { sessionExpiresSec: INTERVAL_SEC });
    const ok = await caller.peer.next(200);
    expect(ok.header('Session-Expires')).toBe('');
    caller.learn(ok);
    caller.ack();
    await call.events.take((event) => event.type === 'confirmed');
    caller.peer.received.length = 0;
    engineClock.skip(CALL_MS);
    expect(await caller.peer.rest()).toEqual([]);
    caller.inDialog('BYE');
    await caller.peer.next(200);
  });

  test('with an interval below 90 s is refused with 422 and Min-SE', async () => {
    const caller = await harness.caller({ extra: ['Session-Expires: 60', 'Supported: timer'] });
    caller.invite();
    expect((await caller.peer.next(422)).header('Min-SE')).toBe('90');
    expect(harness.calls.items).toEqual([]);
  });
});

describe('signalling 15: a call of ours of fifteen minutes', () => {
  const asked = { sessionExpiresSec: 1800 };

  exceptReference(NEEDS_CLOCK)('that we are to refresh does not drop', async () => {
    const { peer, callee, call } = await placed();
    callee.respond(200, { body: answerTo(callee.invite.body), extra: [asUac, 'Require: timer'] });
    await peer.next('ACK');
    await call.events.take((event) => event.type === 'answered');
    const refreshes = await outlive(
      peer,
      (refresh) => {
        expect(refresh.body).toBe(callee.invite.body);
        peer.send(responseText(peer, refresh, 200, { body: answerTo(refresh.body), extra: [asUac] }), harness.sipPort);
      },
      () => callee.inDialog('OPTIONS'),
    );
    expect(refreshes).toBeGreaterThanOrEqual(17);
    expect(call.events.items).toEqual([]);
    callee.inDialog('BYE');
    await peer.next(200);
  });

  exceptReference(NEEDS_CLOCK)('that the callee is to refresh does not drop while it does', async () => {
    const { peer, callee, call } = await placed();
    callee.respond(200, { body: answerTo(callee.invite.body), extra: [asUas, 'Require: timer'] });
    await peer.next('ACK');
    await call.events.take((event) => event.type === 'answered');
    await keepAlive(async () => {
      callee.inDialog('UPDATE', { extra: [asUac, 'Supported: timer'] });
      expect((await peer.next(200)).header('Session-Expires')).toBe(`${INTERVAL_SEC};refresher=uac`);
    });
    expect(call.events.items).toEqual([]);
    await expireUnrefreshed(peer, call.events);
  });

  exceptReference(NEEDS_CLOCK)('whose callee knows no session timers is not timed', async () => {
    const { peer, callee, call } = await placed();
    callee.respond(200, { body: answerTo(callee.invite.body) });
    await peer.next('ACK');
    await call.events.take((event) => event.type === 'answered');
    peer.received.length = 0;
    engineClock.skip(CALL_MS);
    expect(await peer.rest()).toEqual([]);
    callee.inDialog('BYE');
    await peer.next(200);
  });

  test('asks for its interval, and again with the one that a 422 asks for: same Call-ID and From tag, next CSeq', async () => {
    const { peer, callee, call } = await placed();
    const first = callee.invite;
    expect([first.header('Session-Expires'), first.header('Min-SE'), first.header('Supported')]).toEqual([
      '1800',
      '90',
      SUPPORTED,
    ]);
    callee.respond(422, { extra: ['Min-SE: 3600'] });
    await peer.next('ACK');
    const second = await peer.next('INVITE');
    expect([second.header('Session-Expires'), second.header('Min-SE')]).toEqual(['3600', '3600']);
    expect(second.header('Call-ID')).toBe(first.header('Call-ID'));
    expect(second.header('From')).toBe(first.header('From'));
    expect(second.sequence).toBe(first.sequence + 1);
    const again = new Callee(peer, harness.sipPort, second);
    again.respond(200, { body: answerTo(second.body) });
    await peer.next('ACK');
    await call.events.take((event) => event.type === 'answered');
    again.inDialog('BYE');
    await peer.next(200);
  });

  test('asks a carrier that challenges to refresh: it would challenge our refreshes, too', async () => {
    const peer = await harness.peer();
    const call = harness.place(peer, { ...asked, credentials: { username: 'edge', password: 'pw' } });
    const first = new Callee(peer, harness.sipPort, await peer.next('INVITE'));
    first.respond(407, { extra: ['Proxy-Authenticate: Digest realm="timers", nonce="n"'] });
    await peer.next('ACK');
    const second = await peer.next('INVITE');
    expect(second.header('Session-Expires')).toBe('1800;refresher=uas');
    const again = new Callee(peer, harness.sipPort, second);
    again.respond(422, { extra: ['Min-SE: 3600'] });
    await peer.next('ACK');
    const third = await peer.next('INVITE');
    expect([third.header('Session-Expires'), third.header('Min-SE')]).toEqual(['3600;refresher=uas', '3600']);
    new Callee(peer, harness.sipPort, third).respond(486);
    expect(await call.events.take()).toMatchObject({ type: 'rejected', status: 486 });
  });

  test('is given up after three intervals, and at once where a 422 asks for none', async () => {
    const { peer, callee, call } = await placed();
    let current = callee;
    for (const minSec of [2000, 3000]) {
      current.respond(422, { extra: [`Min-SE: ${minSec}`] });
      await peer.next('ACK');
      current = new Callee(peer, harness.sipPort, await peer.next('INVITE'));
    }
    current.respond(422, { extra: ['Min-SE: 4000'] });
    expect(await call.events.take()).toMatchObject({ type: 'rejected', status: 422 });

    const other = await placed();
    other.callee.respond(422);
    expect(await other.call.events.take()).toMatchObject({ type: 'rejected', status: 422 });
  });

  test('asks for none where the trunk wants none, unless a 422 does', async () => {
    const peer = await harness.peer();
    harness.place(peer, { sessionExpiresSec: null });
    const invite = await peer.next('INVITE');
    expect([invite.header('Session-Expires'), invite.header('Min-SE')]).toEqual(['', '']);
    new Callee(peer, harness.sipPort, invite).respond(486);
  });

  async function placed() {
    const peer = await harness.peer();
    const call = harness.place(peer, asked);
    return { peer, call, callee: new Callee(peer, harness.sipPort, await peer.next('INVITE')) };
  }
});
