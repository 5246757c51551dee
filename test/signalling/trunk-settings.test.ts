import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/domain/clock.ts';
import { answerChallenge } from '../../src/phone/digest.ts';
import { DigestServer } from '../../src/signalling/digest-server.ts';
import { Callee, Harness } from './harness.ts';

// What a trunk's settings look like on the wire.

let harness: Harness;
beforeAll(async () => {
  harness = await Harness.start();
});
afterAll(() => harness.close());

const CREDENTIALS = { username: 'carrier', password: 'p4ssword' };

describe('signalling 1: a call from a carrier that must prove more than its address', () => {
  test('gets 401 with two challenges in headers of their own, answers one of them, and rings', async () => {
    const digest = new DigestServer({ clock: systemClock, key: 'k', realm: 'sip.example', randomBytes });
    const judge = (headers: Readonly<Record<string, string>>) =>
      digest.judge({ method: 'INVITE', authorization: headers['authorization'], credentials: CREDENTIALS });

    const caller = await harness.caller({ fromTag: 'same' });
    caller.invite();
    const first = await harness.calls.take();
    expect(judge(first.invite.headers)).toBe('absent');
    first.leg.challenge(digest.challenges(false));
    const refused = await caller.peer.next(401);
    caller.ack(caller.branch);
    const challenges = refused.headers('WWW-Authenticate');
    expect(challenges.map((challenge) => /algorithm=([\w-]+)/.exec(challenge)?.[1])).toEqual(['SHA-256', 'MD5']);

    const uri = `sip:+12025550100@127.0.0.1:${harness.sipPort}`;
    const proof = answerChallenge(challenges[1] ?? '', CREDENTIALS, 'INVITE', uri);
    const { callId } = caller;
    const again = await harness.caller({
      callId,
      fromTag: 'same',
      sequence: 2,
      extra: [`Authorization: ${proof}`],
    });
    again.invite();
    const second = await harness.calls.take();
    expect(judge(second.invite.headers)).toBe('proved');
    second.leg.ringing();
    await again.peer.next(180);
    second.leg.reject('number_unassigned');
    await again.peer.next(480);
    again.ack(again.branch);
    // The challenged leg is over: nothing more comes of it, and what is done to it does nothing.
    first.leg.ringing();
    await first.leg.bye('api_hangup');
    expect(first.events.items).toEqual([]);
    expect(await caller.peer.rest()).toEqual(['SIP/2.0 100 Trying']);
  });
});

describe('signalling 2, 7: a call to a carrier', () => {
  test.each([
    ['in From and P-Asserted-Identity', {}, /<sip:\+12025550100@/, /<sip:\+12025550100@/],
    ['in From alone', { assertedUser: null }, /<sip:\+12025550100@/, /^$/],
    [
      'in P-Asserted-Identity alone',
      { callerUser: 'acme', assertedUser: '+12025550100' },
      /<sip:acme@/,
      /\+12025550100@/,
    ],
  ])('shows its caller %s', async (_where, change, from, asserted) => {
    const peer = await harness.peer();
    const call = harness.place(peer, change);
    const invite = await peer.next('INVITE');
    expect(invite.header('From')).toMatch(from);
    expect(invite.header('P-Asserted-Identity')).toMatch(asserted);
    new Callee(peer, harness.sipPort, invite).respond(486);
    await peer.next('ACK');
    await call.events.take((event) => event.type === 'rejected');
  });

  test('goes to its next hop and keeps its Request-URI, with the digest as well', async () => {
    const peer = await harness.peer();
    const uri = 'sip:99%2312025550160@carrier.invalid:5060;transport=udp';
    const nextHop = `sip:127.0.0.1:${peer.port};transport=udp`;
    const call = harness.place(peer, { uri, nextHop, credentials: CREDENTIALS });
    const invite = await peer.next('INVITE');
    expect(invite.uri).toBe(uri);
    const callee = new Callee(peer, harness.sipPort, invite);
    callee.respond(401, { extra: ['WWW-Authenticate: Digest realm="c", nonce="n", algorithm=MD5, qop="auth"'] });
    await peer.next('ACK');
    const again = await peer.next('INVITE');
    expect(again.uri).toBe(uri);
    expect(again.header('Authorization')).toContain(`uri="${uri}"`);
    callee.respond(486, {}, again);
    await peer.next('ACK');
    expect(await call.events.take((event) => event.type === 'rejected')).toMatchObject({ status: 486 });
  });
});
