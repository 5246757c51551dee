import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeOffer } from '../../src/sdp/index.ts';
import { ALLOW, SUPPORTED } from '../../src/signalling/abilities.ts';
import { verifyAnswer } from '../../src/phone/digest.ts';
import { responseText } from '../support/raw-sip-peer.ts';
import { exceptReference } from './engine-under-test.ts';
import { answerTo, Callee, Harness, LOCAL } from './harness.ts';

let harness: Harness;
beforeAll(async () => {
  harness = await Harness.start();
});
afterAll(() => harness.close());

async function invited(change: Parameters<Harness['place']>[1] = {}) {
  const peer = await harness.peer();
  const call = harness.place(peer, change);
  const invite = await peer.next('INVITE');
  return { peer, call, callee: new Callee(peer, harness.sipPort, invite), invite };
}

describe('a call that we place', () => {
  test('says who calls, what we can do and what the API added, and nothing that could break a header', async () => {
    const { call, callee, invite, peer } = await invited({
      callerDisplay: 'Ann "A" O\\Hara\r\nX-Evil: 1',
      headers: {
        'X-Order': '42',
        From: '<sip:evil@127.0.0.1>',
        Require: 'evil',
        Via: 'SIP/2.0/UDP evil',
        'X-Bad': 'a\r\nEvil: 1',
        'No Name': 'x',
      },
    });
    expect(invite.uri).toBe(`sip:+442071234567@127.0.0.1:${peer.port};transport=udp`);
    expect(invite.header('From')).toMatch(
      /^"Ann \\"A\\" O\\\\Hara {2}X-Evil: 1" <sip:\+12025550100@127\.0\.0\.1:\d+>;tag=\S+$/,
    );
    expect(invite.header('P-Asserted-Identity')).toMatch(/<sip:\+12025550100@127\.0\.0\.1:\d+>$/);
    expect(invite.header('Allow')).toBe(ALLOW);
    expect(invite.header('Supported')).toBe(SUPPORTED);
    expect(invite.header('X-Order')).toBe('42');
    expect(invite.headers('Via')).toHaveLength(1);
    expect(invite.text).not.toContain('evil');
    expect(invite.header('X-Bad')).toBe('');
    expect(invite.headers('Evil')).toEqual([]);
    expect(invite.body).toBe(makeOffer(LOCAL));
    callee.respond(486);
    await peer.next('ACK');
    await call.events.take((event) => event.type === 'rejected');
  });

  test('rings with early media, is answered, and hung up by us with a Reason', async () => {
    const { call, callee, invite, peer } = await invited();
    const sdp = answerTo(invite.body);
    callee.respond(100);
    callee.respond(180);
    expect(await call.events.take()).toEqual({ type: 'progress', status: 180, sdp: null });
    callee.respond(183, { body: sdp });
    expect(await call.events.take()).toEqual({ type: 'progress', status: 183, sdp });
    callee.respond(200, { body: sdp });
    await peer.next('ACK');
    expect(await call.events.take()).toEqual({ type: 'answered', sdp });
    const done = call.leg.bye('agent_hangup');
    const bye = await peer.next('BYE');
    expect(bye.header('Reason')).toBe('SIP;cause=200;text="agent_hangup"');
    callee.respond(200, {}, bye);
    await done;
    expect(call.events.items).toEqual([]);
    expect(harness.openDialogs()).toBe(0);
  });

  exceptReference('4.5: it takes 200 alone for an answer, and acknowledges no other')(
    'is answered by any 2xx (RFC 3261 8.1.3.2): 202 is one, and the call can be hung up',
    async () => {
      const { peer, call, callee, invite } = await invited();
      const sdp = answerTo(invite.body);
      callee.respond(202, { body: sdp });
      await peer.next('ACK');
      expect(await call.events.take()).toEqual({ type: 'answered', sdp });
      const over = call.leg.bye('agent_hangup');
      callee.respond(200, {}, await peer.next('BYE'));
      await over;
      expect(harness.openDialogs()).toBe(0);
    },
  );

  test.skipIf(process.env['DRACHTIO_BIN'] === undefined)(
    'is refused, and no failure of the gateway, where the engine takes a 202 for none [DRACHTIO_BIN is not set]',
    async () => {
      const { call, callee, invite } = await invited();
      callee.respond(202, { body: answerTo(invite.body) });
      expect(await call.events.take()).toMatchObject({ type: 'rejected', status: 488 });
    },
  );

  test('is hung up by the other side', async () => {
    const { callee, call } = await harness.placedAnswered();
    callee.inDialog('BYE', { extra: ['Reason: SIP;cause=200;text="bye"'] });
    await callee.peer.next(200);
    expect(await call.events.take()).toEqual({ type: 'bye', reasonHeader: 'SIP;cause=200;text="bye"' });
    await call.leg.bye('agent_hangup');
    call.leg.cancel('api_cancelled');
    expect(await callee.peer.rest()).toEqual([]);
  });

  test('takes the description of the 183 when the 200 has none', async () => {
    const { call, callee, invite, peer } = await invited();
    const sdp = answerTo(invite.body);
    callee.respond(183, { body: sdp });
    callee.respond(200);
    await peer.next('ACK');
    expect(await call.events.take((event) => event.type === 'answered')).toEqual({ type: 'answered', sdp });
    callee.inDialog('BYE');
    await call.events.take((event) => event.type === 'bye');
  });

  test('answered without any description is acknowledged, closed and reported 488', async () => {
    const { call, callee, peer } = await invited();
    callee.respond(200);
    await peer.next('ACK');
    const bye = await peer.next('BYE');
    callee.respond(200, {}, bye);
    expect(await call.events.take()).toMatchObject({ type: 'rejected', status: 488 });
  });

  test('acknowledges reliable provisional responses', async () => {
    const { call, callee, invite, peer } = await invited();
    callee.respond(183, { body: answerTo(invite.body), extra: ['Require: 100rel', 'RSeq: 9'] });
    const prack = await peer.next('PRACK');
    expect(prack.header('RAck')).toBe(`9 ${invite.header('CSeq')}`);
    callee.respond(200, {}, prack);
    callee.respond(200, { body: answerTo(invite.body) });
    const ack = await peer.next('ACK');
    expect(ack.sequence).toBe(invite.sequence);
    callee.inDialog('BYE');
    await call.events.take((event) => event.type === 'bye');
  });

  test.each([
    [486, 'Busy Here'],
    [404, 'Not Found'],
    [503, 'Service Unavailable'],
    [603, 'Decline'],
  ])('is rejected with the %i of the other side', async (status, reason) => {
    const { call, callee, peer } = await invited();
    callee.respond(status, { reason });
    await peer.next('ACK');
    expect(await call.events.take()).toEqual({ type: 'rejected', status, reason });
    expect(call.events.items).toEqual([]);
  });

  test.each([
    ['30', 30_000],
    ['5 (in a meeting);duration=3600', 5_000],
    ['soon', undefined],
  ])('signalling 4: Retry-After: %s', async (value, retryAfterMs) => {
    const { call, callee } = await invited();
    callee.respond(503, { extra: [`Retry-After: ${value}`] });
    const event = await call.events.take();
    expect(event.type === 'rejected' && event.retryAfterMs).toBe(retryAfterMs);
  });

  test('that is redirected is rejected with the numbers of the contacts, the best first, and calls none of them', async () => {
    const { call, callee, peer } = await invited();
    const elsewhere = await harness.peer();
    callee.respond(302, {
      reason: 'Moved Temporarily',
      extra: [
        `Contact: "Ann, at home" <sip:+19005550123;npdi@127.0.0.1:${elsewhere.port}>;q=0.5, <tel:+442071234567>;q=0.7`,
        `Contact: <sip:127.0.0.1:${elsewhere.port}>;q=0.1, <mailto:ann@example.com>`,
      ],
    });
    await peer.next('ACK');
    expect(await call.events.take()).toEqual({
      type: 'rejected',
      status: 302,
      reason: 'Moved Temporarily',
      targets: ['+442071234567', '+19005550123', ''],
    });
    expect(call.events.items).toEqual([]);
    expect([await elsewhere.rest(), await peer.rest()]).toEqual([[], []]);
  });

  test('that is redirected without saying where is rejected with no numbers', async () => {
    const { call, callee, peer } = await invited();
    callee.respond(305, { reason: 'Use Proxy' });
    await peer.next('ACK');
    expect(await call.events.take()).toEqual({ type: 'rejected', status: 305, reason: 'Use Proxy', targets: [] });
  });

  test('to a port where nobody listens is rejected 503 at once', async () => {
    const peer = await harness.peer();
    const { events } = harness.place(peer, { uri: 'sip:+442071234567@127.0.0.1:9;transport=udp' });
    expect(await events.take()).toMatchObject({ type: 'rejected', status: 503 });
  });

  test('over a transport the engine does not have is rejected 503', async () => {
    const peer = await harness.peer();
    const { events } = harness.place(peer, { uri: 'sip:+442071234567@127.0.0.1:5061;transport=tls' });
    expect(await events.take()).toMatchObject({ type: 'rejected', status: 503 });
  });

  test('to a URI that would break the protocol is rejected 416', async () => {
    const peer = await harness.peer();
    const { events } = harness.place(peer, { uri: 'sip:a b@127.0.0.1\r\nX: y' });
    expect(await events.take()).toMatchObject({ type: 'rejected', status: 416 });
  });

  test('that nobody answers at all is rejected 408', async () => {
    const quick = await Harness.start({ timers: { t1Ms: 5, t2Ms: 20, t4Ms: 25 } });
    const peer = await quick.peer();
    const { events } = quick.place(peer);
    expect(await events.take()).toMatchObject({ type: 'rejected', status: 408 });
    await quick.close();
  });
});

describe('signalling 10: a fork', () => {
  exceptReference('6 (13): forks share one dialog id, and it answers with the ACK of the first')(
    'that rings three phones: the first 200 is the call, the second is hung up and told once, the call goes on',
    async () => {
      const { call, callee, invite, peer } = await invited();
      const sdp = answerTo(invite.body);
      const from = (toTag: string, status: number, body = '') =>
        peer.send(
          responseText(peer, invite, status, { toTag, body, contact: `<sip:${toTag}@127.0.0.1:${peer.port}>` }),
          harness.sipPort,
        );
      for (const phone of ['a', 'b', 'c']) {
        from(phone, 180);
        expect(await call.events.take()).toMatchObject({ type: 'progress', status: 180 });
      }
      from('b', 200, sdp);
      expect((await peer.next('ACK')).tag('To')).toBe('b');
      expect(await call.events.take()).toEqual({ type: 'answered', sdp });
      for (let repeat = 0; repeat < 3; repeat += 1) from('c', 200, sdp);
      expect((await peer.next('ACK')).tag('To')).toBe('c');
      const unwanted = await peer.next('BYE');
      expect([unwanted.tag('To'), unwanted.uri]).toEqual(['c', `sip:c@127.0.0.1:${peer.port}`]);
      callee.respond(200, {}, unwanted);
      expect(await call.events.take()).toEqual({ type: 'fork-answered' });
      expect((await peer.rest()).filter((line) => line.startsWith('BYE'))).toEqual([]);
      expect(call.events.items).toEqual([]);
      const done = call.leg.bye('agent_hangup');
      const bye = await peer.next('BYE');
      expect(bye.tag('To')).toBe('b');
      from('a', 200, sdp);
      await peer.next((message) => message.method === 'BYE' && message.tag('To') === 'a');
      callee.respond(200, {}, bye);
      await done;
      expect(call.events.items).toEqual([]);
      expect(harness.openDialogs()).toBe(0);
    },
  );
});

describe('signalling 10: cancelling', () => {
  test('while it rings sends CANCEL with a Reason and reports 487', async () => {
    const { call, callee, peer } = await invited();
    callee.respond(180);
    await call.events.take();
    call.leg.cancel('api_cancelled');
    call.leg.cancel('api_cancelled');
    const cancel = await peer.next('CANCEL');
    expect(cancel.header('Reason')).toBe('SIP;cause=487;text="api_cancelled"');
    callee.respond(200, {}, cancel);
    callee.respond(487);
    await peer.next('ACK');
    expect(await call.events.take()).toMatchObject({ type: 'rejected', status: 487 });
    expect(call.events.items).toEqual([]);
  });

  test('before anything was heard waits for the first provisional response', async () => {
    const peer = await harness.peer();
    const call = harness.place(peer);
    call.leg.cancel('api_cancelled');
    const invite = await peer.next('INVITE');
    const callee = new Callee(peer, harness.sipPort, invite);
    expect((await peer.rest(30)).filter((line) => line.startsWith('CANCEL'))).toEqual([]);
    callee.respond(180);
    const cancel = await peer.next('CANCEL');
    callee.respond(200, {}, cancel);
    callee.respond(487);
    await peer.next('ACK');
    expect(await call.events.take()).toMatchObject({ type: 'rejected', status: 487 });
  });

  test('that crosses the 200 ends in ACK, BYE and one report of 487', async () => {
    const { call, callee, invite, peer } = await invited();
    callee.respond(180);
    await call.events.take();
    call.leg.cancel('api_cancelled');
    const cancel = await peer.next('CANCEL');
    callee.respond(200, { body: answerTo(invite.body) });
    await peer.next('ACK');
    callee.respond(481, {}, cancel);
    const bye = await peer.next('BYE');
    callee.respond(200, {}, bye);
    expect(await call.events.take()).toMatchObject({ type: 'rejected', status: 487 });
    expect((await peer.rest()).filter((line) => line.startsWith('BYE'))).toEqual([]);
    expect(call.events.items).toEqual([]);
    expect(harness.openDialogs()).toBe(0);
  });

  test('in the turn of the answer hangs up', async () => {
    const { call, callee, invite, peer } = await invited();
    callee.respond(200, { body: answerTo(invite.body) });
    await call.events.take((event) => event.type === 'answered');
    call.leg.cancel('api_cancelled');
    const bye = await peer.next('BYE');
    callee.respond(200, {}, bye);
  });
});

describe('signalling 2: a challenge', () => {
  const credentials = { username: 'edge', password: 'p4ss' };

  test.each([
    [401, 'WWW-Authenticate', 'Authorization', 'MD5'],
    [407, 'Proxy-Authenticate', 'Proxy-Authorization', 'MD5'],
    [401, 'WWW-Authenticate', 'Authorization', 'SHA-256'],
  ] as const)('%i in %s is answered in %s (%s)', async (status, asks, answers, algorithm) => {
    const { call, callee, invite, peer } = await invited({ credentials });
    const challenge = { realm: 'carrier, inc', nonce: 'n0nce', algorithm, qop: true };
    callee.respond(status, {
      extra: [
        `${asks}: Digest realm="carrier, inc", nonce="n0nce", algorithm=${algorithm}, qop="auth,auth-int", opaque="o"`,
      ],
    });
    await peer.next('ACK');
    const second = await peer.next('INVITE');
    expect(second.header('Call-ID')).toBe(invite.header('Call-ID'));
    expect(second.header('From')).toBe(invite.header('From'));
    expect(second.sequence).toBe(invite.sequence + 1);
    expect(second.body).toBe(invite.body);
    expect(verifyAnswer(second.header(answers), challenge, credentials, 'INVITE')).toBe(true);
    const calleeAgain = new Callee(peer, harness.sipPort, second);
    calleeAgain.respond(486);
    await peer.next('ACK');
    expect(await call.events.take()).toMatchObject({ type: 'rejected', status: 486 });
  });

  test('of BYE is answered as well', async () => {
    const { callee, call } = await harness.placedAnswered({ credentials });
    const done = call.leg.bye('agent_hangup');
    const bye = await callee.peer.next('BYE');
    callee.respond(407, { extra: ['Proxy-Authenticate: Digest realm="r", nonce="n"'] }, bye);
    const again = await callee.peer.next('BYE');
    expect(again.header('Proxy-Authorization')).toMatch(/^Digest username="edge"/);
    expect(again.header('Reason')).toContain('agent_hangup');
    callee.respond(200, {}, again);
    await done;
  });

  test('that comes again is the end', async () => {
    const { call, callee, peer } = await invited({ credentials });
    const challenge = (nonce: string) => ({ extra: [`WWW-Authenticate: Digest realm="r", nonce="${nonce}"`] });
    callee.respond(401, challenge('n1'));
    const second = await peer.next((message) => message.header('Authorization').includes('n1'));
    new Callee(peer, harness.sipPort, second).respond(401, challenge('n2'));
    expect(await call.events.take()).toMatchObject({ type: 'rejected', status: 401 });
    expect((await peer.rest()).filter((line) => line.startsWith('INVITE'))).toEqual([]);
  });

  test('that comes again and says that the nonce was stale is answered once more', async () => {
    const { call, callee, peer } = await invited({ credentials });
    const challenge = (stale: boolean, nonce: string) => ({
      extra: [`WWW-Authenticate: Digest realm="r", nonce="${nonce}"${stale ? ', stale=TRUE' : ''}`],
    });
    callee.respond(401, challenge(false, 'n1'));
    const second = await peer.next((message) => message.header('Authorization').includes('n1'));
    new Callee(peer, harness.sipPort, second).respond(401, challenge(true, 'n2'));
    const third = await peer.next((message) => message.header('Authorization').includes('n2'));
    new Callee(peer, harness.sipPort, third).respond(401, challenge(true, 'n3'));
    expect(await call.events.take()).toMatchObject({ type: 'rejected', status: 401 });
  });

  test('without credentials is a refusal', async () => {
    const { call, callee } = await invited();
    callee.respond(401, { extra: ['WWW-Authenticate: Digest realm="r", nonce="n"'] });
    expect(await call.events.take()).toMatchObject({ type: 'rejected', status: 401 });
  });

  test('that crosses our CANCEL is not answered', async () => {
    const { call, callee, peer } = await invited({ credentials });
    callee.respond(180);
    await call.events.take();
    call.leg.cancel('api_cancelled');
    await peer.next('CANCEL');
    callee.respond(401, { extra: ['WWW-Authenticate: Digest realm="r", nonce="n"'] });
    expect(await call.events.take()).toMatchObject({ type: 'rejected', status: 487 });
    expect((await peer.rest()).filter((line) => line.startsWith('INVITE'))).toEqual([]);
  });
});
