import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { OriginateParams } from '../../src/signalling/leg.ts';
import { answerTo, Callee, Harness } from './harness.ts';

// What a carrier sees of who calls, and who gets an answer to its challenge.

let harness: Harness;
beforeAll(async () => {
  harness = await Harness.start();
});
afterAll(() => harness.close());

const CREDENTIALS = { username: 'acme', password: 's3cret' };

async function invited(change: Partial<OriginateParams>) {
  const peer = await harness.peer();
  const call = harness.place(peer, change);
  const invite = await peer.next('INVITE');
  return { peer, call, invite, callee: new Callee(peer, harness.sipPort, invite) };
}

async function refused({ peer, call, callee }: Awaited<ReturnType<typeof invited>>) {
  callee.respond(486);
  await peer.next('ACK');
  await call.events.take((event) => event.type === 'rejected');
}

describe('signalling 2: who calls, on the wire', () => {
  const NUMBER = '+12025550100';

  test.each<[string, Partial<OriginateParams>, Readonly<Record<string, RegExp>>]>([
    [
      'a domain, a name and user=phone',
      { fromHost: 'ims.carrier.example', callerDisplay: 'Müller "Söhne"', userPhone: true },
      {
        From: /^"Müller \\"Söhne\\"" <sip:\+12025550100@ims\.carrier\.example;user=phone>;tag=\S+$/,
        'P-Asserted-Identity': /^"Müller \\"Söhne\\"" <sip:\+12025550100@ims\.carrier\.example;user=phone>$/,
        Privacy: /^$/,
      },
    ],
    [
      'an account, and the number preferred',
      { callerUser: 'acme', assertedUser: NUMBER, identityHeader: 'p_preferred_identity' },
      {
        From: /^<sip:acme@127\.0\.0\.1:\d+>;tag=\S+$/,
        'P-Preferred-Identity': /^<sip:\+12025550100@127\.0\.0\.1>$/,
        'P-Asserted-Identity': /^$/,
      },
    ],
    [
      'privacy: From says nothing, the carrier is told',
      { privacy: true, callerDisplay: 'Acme', fromHost: 'carrier.example' },
      {
        From: /^"Anonymous" <sip:anonymous@anonymous\.invalid>;tag=\S+$/,
        'P-Asserted-Identity': /^"Acme" <sip:\+12025550100@carrier\.example>$/,
        Privacy: /^id$/,
      },
    ],
    [
      'the header of older networks',
      { identityHeader: 'remote_party_id', privacy: true },
      {
        'Remote-Party-ID': /^<sip:\+12025550100@127\.0\.0\.1>;party=calling;screen=yes;privacy=full$/,
        Privacy: /^id$/,
      },
    ],
    [
      'a diversion',
      { diversion: '+12025550111', fromHost: 'carrier.example' },
      { Diversion: /^<sip:\+12025550111@carrier\.example>;reason=unconditional;counter=1$/ },
    ],
  ])('%s', async (_what, change, headers) => {
    const call = await invited(change);
    for (const [name, value] of Object.entries(headers))
      expect([name, call.invite.header(name)]).toEqual([name, expect.stringMatching(value)]);
    await refused(call);
  });

  test('IH1 nothing of the number is in From, Contact or anywhere but the identity header', async () => {
    const call = await invited({ privacy: true, callerDisplay: 'Acme' });
    const elsewhere = call.invite.text
      .split('\r\n')
      .filter((line) => line.includes('2025550100') || line.includes('Acme'))
      .filter((line) => !line.startsWith('P-Asserted-Identity:'));
    expect(elsewhere).toEqual([]);
    await refused(call);
  });

  test('what the API’s users may add cannot say otherwise', async () => {
    const headers = {
      Privacy: 'none',
      Diversion: '<sip:1@x>',
      'Remote-Party-ID': '<sip:2@x>',
      'P-Preferred-Identity': '<sip:3@x>',
      'X-Free': 'y',
    };
    const call = await invited({ headers });
    expect(
      ['Privacy', 'Diversion', 'Remote-Party-ID', 'P-Preferred-Identity', 'X-Free'].map((name) =>
        call.invite.header(name),
      ),
    ).toEqual(['', '', '', '', 'y']);
    await refused(call);
  });

  test('IH2 is the same after a digest and in the dialog, BYE and all', async () => {
    const call = await invited({ privacy: true, fromHost: 'carrier.example', credentials: { ...CREDENTIALS } });
    const { peer, callee, invite } = call;
    callee.respond(407, { extra: ['Proxy-Authenticate: Digest realm="carrier", nonce="n", qop="auth"'] });
    await peer.next('ACK');
    const again = await peer.next('INVITE');
    expect(again.header('From')).toBe(invite.header('From'));
    expect(again.header('P-Asserted-Identity')).toBe(invite.header('P-Asserted-Identity'));
    expect(again.header('Privacy')).toBe('id');
    callee.respond(200, { body: answerTo(again.body) }, again);
    await peer.next('ACK');
    await call.call.events.take((event) => event.type === 'answered');
    const closed = call.call.leg.bye('api_hangup');
    const bye = await peer.next('BYE');
    expect(bye.header('From')).toBe(invite.header('From'));
    callee.respond(200, {}, bye);
    await closed;
  });
});

describe('signalling 2: a challenge is answered for the trunk’s realm alone', () => {
  const challenge = (realm: string, more = '') => [
    `WWW-Authenticate: Digest realm="${realm}", nonce="n", qop="auth"${more}`,
  ];

  test('a realm that is not the trunk’s gets no answer, and the call says why', async () => {
    const call = await invited({ credentials: { ...CREDENTIALS, realm: 'carrier.example' } });
    call.callee.respond(401, { extra: challenge('stranger.example') });
    await call.peer.next('ACK');
    expect(await call.call.events.take((event) => event.type === 'rejected')).toMatchObject({
      status: 401,
      reason: expect.stringContaining('no challenge that the trunk’s credentials are for'),
    });
    expect(await call.peer.rest()).toEqual([]);
  });

  test('SHA-256 before MD5, with the nonce counted on when BYE is challenged with it', async () => {
    const call = await invited({ credentials: { ...CREDENTIALS, realm: 'carrier.example' } });
    const { peer, callee } = call;
    const both = [
      ...challenge('carrier.example', ', algorithm=MD5'),
      ...challenge('carrier.example', ', algorithm=SHA-256'),
    ];
    callee.respond(401, { extra: both });
    await peer.next('ACK');
    const again = await peer.next('INVITE');
    expect(again.header('Authorization')).toContain('algorithm=SHA-256');
    expect(again.header('Authorization')).toContain('nc=00000001');
    callee.respond(200, { body: answerTo(again.body) }, again);
    await peer.next('ACK');
    await call.call.events.take((event) => event.type === 'answered');
    const closed = call.call.leg.bye('api_hangup');
    const bye = await peer.next('BYE');
    callee.respond(401, { extra: challenge('carrier.example', ', algorithm=SHA-256') }, bye);
    const authorised = await peer.next('BYE');
    expect(authorised.header('Authorization')).toContain('nc=00000002');
    callee.respond(200, {}, authorised);
    await closed;
  });

  test('whoever answers behind the carrier and asks in the dialog gets none', async () => {
    const call = await invited({ credentials: { ...CREDENTIALS } });
    const { peer, callee } = call;
    callee.respond(401, { extra: challenge('carrier.example') });
    await peer.next('ACK');
    const again = await peer.next('INVITE');
    callee.respond(200, { body: answerTo(again.body) }, again);
    await peer.next('ACK');
    await call.call.events.take((event) => event.type === 'answered');
    const closed = call.call.leg.bye('api_hangup');
    const bye = await peer.next('BYE');
    callee.respond(401, { extra: challenge('callee.example') }, bye);
    await closed;
    expect(await peer.rest()).toEqual([]);
  });
});

describe('signalling 13: what was refused and comes again gets the same answer and creates nothing', () => {
  test.each(['udp', 'tcp'] as const)(
    'over %s, with another branch and CSeq, with and without a digest',
    async (transport) => {
      const start = (options: object) =>
        transport === 'udp' ? harness.caller(options) : harness.callerOverTcp(options);
      const identity = { callId: `again-${transport}`, fromTag: 'same' };
      const first = await start(identity);
      first.invite();
      const { leg } = await harness.calls.take();
      leg.reject('unknown_number');
      const answer = await first.peer.next(404);
      first.ack(first.branch);
      const digest = ['Authorization: Digest username="u", realm="r", nonce="n", uri="sip:x", response="0"'];
      for (const options of [{ sequence: 2 }, { sequence: 3, extra: digest }, { sequence: 4, body: '' }]) {
        const again = await start({ ...identity, ...options });
        again.invite();
        const same = await again.peer.next(404);
        expect(same.header('Reason')).toBe(answer.header('Reason'));
        again.ack(again.branch, options.sequence);
      }
      expect(harness.calls.items).toEqual([]);
      const other = await start({ ...identity, fromTag: 'another' });
      other.invite();
      const fresh = await harness.calls.take();
      fresh.leg.reject('busy');
      await other.peer.next(486);
      other.ack(other.branch);
    },
  );

  test('what was asked for credentials is not refused: with them it is a call', async () => {
    const identity = { callId: 'asked-for-credentials', fromTag: 'same' };
    const first = await harness.caller(identity);
    first.invite();
    (await harness.calls.take()).leg.challenge(['Digest realm="r", nonce="n"']);
    await first.peer.next(401);
    first.ack(first.branch);
    const again = await harness.caller({ ...identity, sequence: 2 });
    again.invite();
    const call = await harness.calls.take();
    call.leg.reject('busy');
    await again.peer.next(486);
    again.ack(again.branch);
  });
});
