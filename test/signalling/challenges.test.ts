import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { verifyAnswer } from '../../src/phone/digest.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { type RawMessage, type RawSipPeer, responseText } from '../support/raw-sip-peer.ts';
import { exceptReference } from './engine-under-test.ts';
import { answerTo, Callee, type Caller, Harness, OFFER, SkippingClock } from './harness.ts';

// Carriers that challenge what we send inside a call: refreshes of the session, re-INVITEs, BYE. The trunk's credentials go to its own realm, to
// nobody else; the dialog lives on, its numbers rise.

const CREDENTIALS = { username: 'edge', password: 'p4ss', realm: 'carrier.example' };
const INTERVAL_SEC = 90;
const PARSED = { realm: CREDENTIALS.realm, nonce: 'n1', algorithm: 'SHA-256', qop: true } as const;
const NEEDS_CLOCK = 'its clock cannot be moved';

let harness: Harness;
const clock = new FakeClock();
const engineClock = new SkippingClock();
beforeAll(async () => {
  harness = await Harness.start({ clock, ...(process.env['DRACHTIO_BIN'] === undefined ? { engineClock } : {}) });
});
afterAll(() => harness.close());

/** Of the engine and of us alike. */
function pass(ms: number): void {
  engineClock.skip(ms);
  clock.advance(ms);
}

const asking = (status: 401 | 407, realm = CREDENTIALS.realm) =>
  `${status === 401 ? 'WWW' : 'Proxy'}-Authenticate: Digest realm="${realm}", nonce="n1", algorithm=SHA-256, qop="auth"`;
const proofOf = (message: RawMessage) => message.header('Authorization') || message.header('Proxy-Authorization');

interface Side {
  readonly peer: RawSipPeer;
  readonly events: { take(wanted?: (event: { readonly type: string }) => boolean): Promise<{ readonly type: string }> };
  readonly leg: { bye(reason: 'api_hangup'): Promise<void>; modify(offer: string): Promise<unknown> };
  send(method: string): void;
}

/** Calls whose sessions we are to refresh. `allow`: of the other side. */
const sides = {
  in: async (allow: string): Promise<Side> => {
    const extra = ['Supported: timer', `Session-Expires: ${INTERVAL_SEC};refresher=uas`, `Allow: ${allow}`];
    const caller: Caller = await harness.caller({ extra });
    caller.invite();
    const { invite, leg, events } = await harness.calls.take();
    await leg.answer(answerTo(invite.offer), { credentials: CREDENTIALS });
    caller.learn(await caller.peer.next(200));
    caller.ack();
    await events.take(({ type }) => type === 'confirmed');
    return { peer: caller.peer, events, leg, send: (method) => caller.inDialog(method) };
  },
  out: async (allow: string): Promise<Side> => {
    const peer = await harness.peer();
    const { leg, events } = harness.place(peer, { credentials: CREDENTIALS, sessionExpiresSec: INTERVAL_SEC });
    const callee = new Callee(peer, harness.sipPort, await peer.next('INVITE'));
    const extra = ['Require: timer', `Session-Expires: ${INTERVAL_SEC};refresher=uac`, `Allow: ${allow}`];
    callee.respond(200, { body: answerTo(callee.invite.body), extra });
    await peer.next('ACK');
    await events.take(({ type }) => type === 'answered');
    return { peer, events, leg, send: (method) => callee.inDialog(method) };
  },
} as const;

const UPDATING = 'INVITE, ACK, BYE, CANCEL, UPDATE';
const NOT_UPDATING = 'INVITE, ACK, BYE, CANCEL';

/** A re-INVITE is answered with a description. */
function grant(peer: RawSipPeer, request: RawMessage): void {
  const extra = [`Session-Expires: ${INTERVAL_SEC};refresher=uac`, 'Require: timer'];
  const body = request.method === 'INVITE' ? { body: answerTo(request.body) } : {};
  peer.send(responseText(peer, request, 200, { extra, ...body }), harness.sipPort);
}

function refuse(peer: RawSipPeer, request: RawMessage, status: number, ...extra: string[]): void {
  peer.send(responseText(peer, request, status, { extra }), harness.sipPort);
}

const newer = (method: string, than: RawMessage) => (message: RawMessage) =>
  message.method === method && message.sequence > than.sequence;

const withMovedClock = exceptReference(NEEDS_CLOCK);

describe('signalling 2: a refresh of ours that is challenged', () => {
  for (const direction of ['in', 'out'] as const) {
    for (const status of [401, 407] as const) {
      for (const [method, allow] of [
        ['UPDATE', UPDATING],
        ['INVITE', NOT_UPDATING],
      ] as const) {
        withMovedClock(`${method}, ${status}, in a call ${direction}: answered, and the call lives on`, async () => {
          const { peer, send } = await sides[direction](allow);
          const granted = harness.count(`in 200 ${method}`);
          // Four half intervals and more: without a refresh the engine would have ended it.
          for (let round = 0; round < 5; round += 1) {
            pass(35_000);
            const asked = await peer.next(method);
            expect([proofOf(asked), asked.header('Session-Expires')]).toEqual(['', `${INTERVAL_SEC};refresher=uac`]);
            refuse(peer, asked, status, asking(status));
            const proved = await peer.next(newer(method, asked));
            const answer = proved.header(status === 401 ? 'Authorization' : 'Proxy-Authorization');
            expect(verifyAnswer(answer, PARSED, CREDENTIALS, method)).toBe(true);
            expect(/uri="([^"]*)"/.exec(answer)?.[1]).toBe(proved.uri);
            expect(proved.sequence).toBe(asked.sequence + 1);
            grant(peer, proved);
            // The next round begins when it has arrived.
            await expect.poll(() => harness.count(`in 200 ${method}`)).toBe(granted + round + 1);
          }
          expect((await peer.rest()).filter((line) => line.startsWith(method) || line.startsWith('BYE'))).toEqual([]);
          send('BYE');
          await peer.next(200);
        });
      }
    }

    withMovedClock(
      `by another realm, in a call ${direction}: no credentials, and without a refresh the session ends with its reason`,
      async () => {
        const { peer, events } = await sides[direction](UPDATING);
        const seen: RawMessage[] = [];
        let bye: RawMessage | undefined;
        for (let passedMs = 0; bye === undefined && passedMs < 2 * INTERVAL_SEC * 1_000; passedMs += 5_000) {
          pass(5_000);
          await new Promise((resolve) => setTimeout(resolve, 15));
          for (const request of peer.received.splice(0)) {
            seen.push(request);
            if (request.method === 'BYE') bye = request;
            if (request.method === 'UPDATE' || request.method === 'INVITE') {
              refuse(peer, request, 401, asking(401, 'elsewhere.example'));
            }
          }
        }
        expect(bye?.header('Reason')).toContain('Session timer expired');
        expect(seen.map(proofOf).filter((proof) => proof !== '')).toEqual([]);
        if (bye !== undefined) refuse(peer, bye, 200);
        expect(await events.take(({ type }) => type === 'bye')).toMatchObject({ sessionExpired: true });
      },
    );
  }

  withMovedClock('with a nonce that was too old meanwhile, is answered once more', async () => {
    const { peer, send } = await sides.out(UPDATING);
    pass(35_000);
    const first = await peer.next('UPDATE');
    refuse(peer, first, 401, asking(401));
    const second = await peer.next(newer('UPDATE', first));
    refuse(peer, second, 401, `${asking(401).replace('n1', 'n2')}, stale=true`);
    const third = await peer.next(newer('UPDATE', second));
    expect(proofOf(third)).toContain('nonce="n2"');
    refuse(peer, third, 401, `${asking(401).replace('n1', 'n3')}, stale=true`);
    expect(await peer.rest()).toEqual([]);
    send('BYE');
    await peer.next(200);
  });

  withMovedClock('is a re-INVITE where the UPDATE is refused, in spite of Allow', async () => {
    const { peer, send } = await sides.out(UPDATING);
    pass(35_000);
    const update = await peer.next('UPDATE');
    refuse(peer, update, 405);
    const reinvite = await peer.next('INVITE');
    expect(reinvite.sequence).toBe(update.sequence + 1);
    grant(peer, reinvite);
    await peer.next('ACK');
    send('BYE');
    await peer.next(200);
  });
});

describe('signalling 2: a re-INVITE of ours that is challenged', () => {
  test.each(['in', 'out'] as const)(
    'in a call %s: answered; whoever else asks in that call gets nothing, whatever the trunk says',
    async (direction) => {
      const { peer, leg } = await sides[direction](UPDATING);
      const offer = answerTo(OFFER);
      const modified = leg.modify(offer);
      const asked = await peer.next('INVITE');
      refuse(peer, asked, 407, asking(407));
      const proved = await peer.next(newer('INVITE', asked));
      expect(verifyAnswer(proved.header('Proxy-Authorization'), PARSED, CREDENTIALS, 'INVITE')).toBe(true);
      grant(peer, proved);
      expect(await modified).toMatchObject({ ok: true });
      const closed = leg.bye('api_hangup');
      refuse(peer, await peer.next('BYE'), 401, asking(401, 'elsewhere.example'));
      await closed;
      expect((await peer.rest()).filter((line) => line.startsWith('BYE'))).toEqual([]);
    },
  );

  test('of a trunk that names no realm: the first that is answered is the only one', async () => {
    const { callee, call } = await harness.placedAnswered({ credentials: { username: 'edge', password: 'p4ss' } });
    const { peer } = callee;
    const modified = call.leg.modify(answerTo(OFFER));
    const asked = await peer.next('INVITE');
    refuse(peer, asked, 401, asking(401));
    grant(peer, await peer.next(newer('INVITE', asked)));
    expect(await modified).toMatchObject({ ok: true });
    const closed = call.leg.bye('api_hangup');
    refuse(peer, await peer.next('BYE'), 401, asking(401, 'elsewhere.example'));
    await closed;
    expect((await peer.rest()).filter((line) => line.startsWith('BYE'))).toEqual([]);
  });
});
