import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { answerOffer, makeOffer } from '../../src/sdp/index.ts';
import { ALLOW, SUPPORTED } from '../../src/signalling/abilities.ts';
import type { InboundEvent, OutboundEvent, Reoffer } from '../../src/signalling/leg.ts';
import { responseText } from '../support/raw-sip-peer.ts';
import { answerTo, Harness, LOCAL, OFFER } from './harness.ts';

let harness: Harness;
beforeAll(async () => {
  harness = await Harness.start();
});
afterAll(() => harness.close());

const HOLD = OFFER.replace('a=sendrecv', 'a=sendonly').replace('o=- 2 1 ', 'o=- 2 2 ');
const OURS = makeOffer({ ...LOCAL, version: 7 });
const RESUME = OFFER.replace('o=- 2 1 ', 'o=- 2 3 ');

describe('a re-INVITE', () => {
  test('holds and resumes with the right directions', async () => {
    const { caller, call, ok } = await harness.answered();
    caller.inDialog('INVITE', { body: HOLD });
    const held = await takeReoffer(call.events);
    expect(held.offer).toBe(HOLD);
    held.accept(answerAfter(ok.body, HOLD));
    const holdAnswer = await caller.peer.next(200);
    expect(holdAnswer.body).toContain('a=recvonly\r\n');
    expect(holdAnswer.header('Contact')).not.toBe('');
    caller.ack();

    caller.inDialog('INVITE', { body: RESUME });
    const resumed = await takeReoffer(call.events);
    resumed.accept(answerAfter(holdAnswer.body, RESUME));
    expect((await caller.peer.next(200)).body).toContain('a=sendrecv\r\n');
    caller.ack();
    await hangUp(caller, call.events);
  });

  test('that is refused gets 488, and the session goes on as it was', async () => {
    const { caller, call, ok } = await harness.answered();
    caller.inDialog('INVITE', { body: HOLD });
    const reoffer = await takeReoffer(call.events);
    reoffer.refuse(488);
    await caller.peer.next(488);
    caller.ack();
    // Too late, and without effect.
    reoffer.accept('v=0');
    caller.inDialog('INVITE', { body: OFFER });
    expect((await caller.peer.next(200)).body).toBe(ok.body);
    caller.ack();
    await hangUp(caller, call.events);
  });

  test('with the offer of before is a refresh: answered with our description, and not told', async () => {
    const { caller, call, ok } = await harness.answered();
    for (let i = 0; i < 2; i++) {
      caller.inDialog('INVITE', { body: OFFER });
      expect((await caller.peer.next(200)).body).toBe(ok.body);
      caller.ack();
    }
    expect(call.events.items).toEqual([]);
    await hangUp(caller, call.events);
  });

  test('that repeats a hold is answered recvonly again', async () => {
    const { caller, call, ok } = await harness.answered();
    caller.inDialog('INVITE', { body: HOLD });
    (await takeReoffer(call.events)).accept(answerAfter(ok.body, HOLD));
    const first = await caller.peer.next(200);
    caller.ack();
    caller.inDialog('INVITE', { body: HOLD });
    expect((await caller.peer.next(200)).body).toBe(first.body);
    caller.ack();
    await hangUp(caller, call.events);
  });

  test('signalling 14: without an offer gets ours in the 200, and the answer is taken from the ACK', async () => {
    const { caller, call } = await harness.answered();
    for (const inAck of [OFFER, undefined]) {
      caller.inDialog('INVITE');
      const wanted = await takeReoffer(call.events);
      expect(wanted.offer).toBeNull();
      const answers: (string | null)[] = [];
      wanted.accept(OURS, (answer) => answers.push(answer));
      expect((await caller.peer.next(200)).body).toBe(OURS);
      caller.ack(undefined, undefined, inAck);
      await expect.poll(() => answers).toEqual([inAck ?? null]);
    }
    expect(call.events.items).toEqual([]);
    await hangUp(caller, call.events);
  });

  test('signalling 14: an offer that comes before the answer to ours is glare', async () => {
    const { caller, call } = await harness.answered();
    caller.inDialog('INVITE');
    (await takeReoffer(call.events)).accept(OURS);
    await caller.peer.next(200);
    caller.inDialog('UPDATE', { body: HOLD });
    await caller.peer.next(ofMethod(491, 'UPDATE'));
    await hangUp(caller, call.events);
  });

  test('with a body of another kind gets 415', async () => {
    const { caller, call } = await harness.answered();
    caller.inDialog('INVITE', { body: 'hello', extra: ['Content-Type: text/plain'] });
    expect((await caller.peer.next(415)).header('Accept')).toBe('application/sdp');
    caller.ack();
    await hangUp(caller, call.events);
  });

  test('still open when the caller hangs up leads nowhere', async () => {
    const { caller, call } = await harness.answered();
    caller.inDialog('INVITE', { body: HOLD });
    const reoffer = await takeReoffer(call.events);
    await hangUp(caller, call.events);
    reoffer.accept(answerTo(HOLD));
    reoffer.refuse(488);
    expect(call.events.items).toEqual([]);
  });
});

test('a re-INVITE after a BYE of ours that was challenged in vain is no new call', async () => {
  const { caller, call } = await harness.answered();
  const over = call.leg.bye('api_hangup');
  const bye = await caller.peer.next('BYE');
  const challenge = 'WWW-Authenticate: Digest realm="elsewhere", nonce="n"';
  caller.peer.send(responseText(caller.peer, bye, 401, { extra: [challenge] }), harness.sipPort);
  await over;
  caller.inDialog('INVITE', { body: OFFER });
  await caller.peer.next(481);
  expect(harness.calls.items).toEqual([]);
});

describe('an UPDATE', () => {
  test('with a new description is an offer as well', async () => {
    const { caller, call, ok } = await harness.answered();
    caller.inDialog('UPDATE', { body: HOLD });
    (await takeReoffer(call.events)).accept(answerAfter(ok.body, HOLD));
    const answer = await caller.peer.next(ofMethod(200, 'UPDATE'));
    expect(answer.body).toContain('a=recvonly\r\n');
    await hangUp(caller, call.events);
  });

  test('without a description is answered without one', async () => {
    const { caller, call } = await harness.answered();
    caller.inDialog('UPDATE');
    expect((await caller.peer.next(ofMethod(200, 'UPDATE'))).body).toBe('');
    expect(call.events.items).toEqual([]);
    await hangUp(caller, call.events);
  });
});

describe('other requests in a dialog', () => {
  test.each([
    ['OPTIONS', {}, 200],
    ['INFO', {}, 200],
    ['INFO', { body: 'x', extra: ['Content-Type: application/x-other'] }, 415],
    ['MESSAGE', { body: 'hi', extra: ['Content-Type: text/plain'] }, 405],
    ['REFER', {}, 400],
  ] as const)('%s %j is answered %i', async (method, options, status) => {
    const { caller, call } = await harness.answered();
    caller.inDialog(method, options);
    const response = await caller.peer.next(ofMethod(status, method));
    if (method === 'OPTIONS') expect(response.header('Supported')).toBe(SUPPORTED);
    if (status === 405 || method === 'OPTIONS') expect(response.header('Allow')).toBe(ALLOW);
    await hangUp(caller, call.events);
  });
});

describe('in a call that we placed', () => {
  test('the first offer of the other side is told, and answered', async () => {
    const { callee, call } = await harness.placedAnswered();
    callee.inDialog('INVITE', { body: HOLD });
    (await takeReoffer(call.events)).accept(answerTo(HOLD));
    const answer = await callee.peer.next(200);
    expect(answer.body).toContain('a=recvonly\r\n');
    callee.inDialog('BYE');
    expect(await call.events.take()).toEqual({ type: 'bye', reasonHeader: null });
  });
});

type Events = {
  take(wanted?: (event: InboundEvent | OutboundEvent) => boolean): Promise<InboundEvent | OutboundEvent>;
};

async function takeReoffer(events: unknown): Promise<Reoffer> {
  const event = await (events as Events).take();
  if (event.type !== 'reoffer') throw new Error(`an offer was expected, not ${event.type}`);
  return event;
}

/** Our answer to `offer`, following our description `previous`. */
function answerAfter(previous: string, offer: string): string {
  const answer = answerOffer(offer, { ...LOCAL, previous });
  if (!answer.ok) throw new Error(answer.detail);
  return answer.sdp;
}

function ofMethod(status: number, method: string) {
  return (message: { status: number | undefined; header(name: string): string }) =>
    message.status === status && message.header('CSeq').endsWith(method);
}

async function hangUp(caller: { inDialog(method: string): void }, events: unknown): Promise<void> {
  caller.inDialog('BYE');
  const event = await (events as Events).take();
  expect(event.type).toBe('bye');
}
