import { beforeEach, describe, expect, test } from 'vitest';
import { createCallManager } from '../../src/calls/call-manager.ts';
import type { MediaEncryption, SipTransport, Trunk } from '../../src/domain/directory.ts';
import type { Reoffer } from '../../src/signalling/leg.ts';
import { createWorld, OFFER, settle, type World } from './fakes.ts';

const KEY = 'd0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj';
const OTHER_KEY = 'e0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj';
const crypto = (key: string, tag = 1) => `a=crypto:${tag} AES_CM_128_HMAC_SHA1_80 inline:${key}\r\n`;
const SECURE = OFFER.replace('RTP/AVP', 'RTP/SAVP') + crypto(KEY);
const OPPORTUNISTIC = OFFER + crypto(KEY);
const TLS = { source: { address: '127.0.0.1', port: 5071, protocol: 'tls' } };
const UDP = { source: { address: '127.0.0.1', port: 5070, protocol: 'udp' } };

let world: World;
let manager: ReturnType<typeof createCallManager>;

beforeEach(() => {
  world = createWorld();
  manager = createCallManager(world.deps);
});

/** The operator's trunk from now on. */
function trunk(mediaEncryption: MediaEncryption, transport: SipTransport = 'tls', srtp: Trunk['srtp'] = {}): void {
  const [first, ...others] = world.trunks;
  if (first === undefined) throw new Error('no trunk');
  world.trunks.splice(
    0,
    world.trunks.length,
    {
      ...first,
      inbound: { ...first.inbound, mediaEncryption },
      outbound: { ...first.outbound, mediaEncryption, transport },
      srtp,
    },
    ...others,
  );
}

function onlyRecord() {
  const [record] = [...world.records.values()];
  if (record === undefined) throw new Error('no call record was stored');
  return record;
}

const cryptoOf = (sdp: string | undefined) => [...(sdp ?? '').matchAll(/a=crypto:(\S+) (\S+) inline:(\S+)/g)];
const protocolOf = (sdp: string | undefined) => /m=audio \d+ (\S+)/.exec(sdp ?? '')?.[1];

/** What the re-INVITE was answered: a description, or a status. */
function reoffer(leg: { emit: (event: Reoffer) => void }, offer: string | null): (string | number)[] {
  const answers: (string | number)[] = [];
  leg.emit({
    type: 'reoffer',
    offer,
    accept: (sdp) => void answers.push(sdp),
    refuse: (status) => void answers.push(status),
  });
  return answers;
}

describe('media 5: calls from a carrier', () => {
  test.each([
    ['required', 'encrypted', SECURE, 'RTP/SAVP'],
    ['required', 'plain with keys', OPPORTUNISTIC, 'RTP/AVP'],
    ['optional', 'encrypted', SECURE, 'RTP/SAVP'],
    ['optional', 'plain with keys', OPPORTUNISTIC, 'RTP/AVP'],
  ] as const)('%s: %s over TLS is answered with a key, and media has both', async (policy, _name, offer, protocol) => {
    trunk(policy);
    const leg = world.invite({ ...TLS, offer });
    await settle();
    const answer = leg.answers[0]?.sdp;
    expect(protocolOf(answer)).toBe(protocol);
    const [line] = cryptoOf(answer);
    const { srtp } = world.sessions[0]?.negotiated[0] ?? {};
    expect(line?.slice(1, 3)).toEqual(['1', 'AES_CM_128_HMAC_SHA1_80']);
    expect(srtp).toMatchObject({ suite: 'AES_CM_128_HMAC_SHA1_80' });
    const ours = Buffer.concat([srtp?.local.key ?? Buffer.alloc(0), srtp?.local.salt ?? Buffer.alloc(0)]);
    expect(line?.[3]).toBe(ours.toString('base64'));
    leg.emit({ type: 'bye', reasonHeader: null });
    await settle();
    expect(onlyRecord().timeline).toContainEqual(
      expect.objectContaining({ event: 'audio_encrypted', detail: { suite: 'AES_CM_128_HMAC_SHA1_80' } }),
    );
  });

  test.each([
    ['required', 'plain', OFFER, TLS, 'encryption_mismatch'],
    ['required', 'plain', OFFER, UDP, 'encryption_mismatch'],
    ['required', 'encrypted, keys in clear', SECURE, UDP, 'keys_in_clear'],
    ['required', 'plain with keys, in clear', OPPORTUNISTIC, UDP, 'keys_in_clear'],
    ['required', 'nothing, so that we would offer, in clear', null, UDP, 'keys_in_clear'],
    ['optional', 'encrypted, keys in clear', SECURE, UDP, 'keys_in_clear'],
    [
      'optional',
      'with parameters that would leave it unencrypted',
      `${SECURE.trimEnd()} UNENCRYPTED_SRTP\r\n`,
      TLS,
      'encryption_mismatch',
    ],
    [
      'required',
      'encrypted, with a Contact on UDP',
      SECURE,
      { ...TLS, headers: { contact: '<sip:a@192.0.2.1;transport=udp>' } },
      'keys_in_clear',
    ],
    ['off', 'encrypted', SECURE, TLS, 'encryption_mismatch'],
  ] as const)('%s: %s is refused with 488 and its reason', async (policy, _name, offer, source, reason) => {
    trunk(policy);
    const leg = world.invite({ ...source, offer });
    await settle();
    expect(leg.acts).toEqual([`reject ${reason}`]);
    expect(onlyRecord()).toMatchObject({ endReason: reason, sipStatus: 488 });
    expect(world.sessions[0]?.negotiated).toEqual([]);
    expect(JSON.stringify(onlyRecord())).not.toContain(KEY.slice(0, 8));
  });

  test.each([
    ['optional', 'plain', OFFER, TLS],
    ['optional', 'plain with keys in clear', OPPORTUNISTIC, UDP],
    ['off', 'plain with keys', OPPORTUNISTIC, TLS],
  ] as const)('%s: %s is answered plain, without a key', async (policy, _name, offer, source) => {
    trunk(policy);
    const leg = world.invite({ ...source, offer });
    await settle();
    expect(leg.answers[0]?.sdp).toContain('RTP/AVP');
    expect(leg.answers[0]?.sdp).not.toContain('crypto');
    expect(world.sessions[0]?.negotiated[0]?.srtp).toBeUndefined();
    leg.emit({ type: 'bye', reasonHeader: null });
    await settle();
    const told = onlyRecord().timeline.filter(({ event }) => event.startsWith('audio_'));
    expect(told.map(({ event }) => event)).toEqual(policy === 'off' ? [] : ['audio_plain']);
  });

  test('a trunk may allow keys in clear', async () => {
    trunk('required', 'udp', { keysInClear: true });
    const leg = world.invite({ ...UDP, offer: SECURE });
    await settle();
    expect(cryptoOf(leg.answers[0]?.sdp)).toHaveLength(1);
  });

  test('the suites are those of the trunk, and no others', async () => {
    trunk('required', 'tls', { suites: ['AEAD_AES_256_GCM'] });
    const leg = world.invite({ ...TLS, offer: SECURE });
    await settle();
    expect(leg.acts).toEqual(['reject encryption_mismatch']);
  });

  test('a late offer: ours has keys, and an answer that drops them ends the call', async () => {
    trunk('required');
    const leg = world.invite({ ...TLS, offer: null });
    await settle();
    const offer = leg.answers[0]?.sdp;
    expect(protocolOf(offer)).toBe('RTP/SAVP');
    expect(cryptoOf(offer)).toHaveLength(4);
    leg.emit({ type: 'confirmed', answer: OFFER });
    await settle();
    expect(onlyRecord()).toMatchObject({ endReason: 'encryption_mismatch' });
    expect(world.sessions[0]?.negotiated).toEqual([]);
  });
});

describe('security 5: within a call', () => {
  async function talking() {
    trunk('required');
    const leg = world.invite({ ...TLS, offer: SECURE });
    await settle();
    const session = world.sessions[0];
    if (session === undefined) throw new Error('the call was not set up');
    return { leg, session, answer: leg.answers[0]?.sdp };
  }

  test('hold and resume with the same keys keep ours', async () => {
    const { leg, session, answer } = await talking();
    const [hold] = reoffer(leg, `${SECURE}a=sendonly\r\n`);
    const [resumed] = reoffer(leg, SECURE);
    expect(cryptoOf(String(hold))[0]?.[0]).toBe(cryptoOf(answer)[0]?.[0]);
    expect(cryptoOf(String(resumed))[0]?.[0]).toBe(cryptoOf(answer)[0]?.[0]);
    const [first, second, third] = session.negotiated.map(({ srtp }) => srtp);
    expect(second).toEqual(first);
    expect(third).toEqual(first);
    expect(session.negotiated[1]?.direction).toBe('recvonly');
    leg.emit({ type: 'bye', reasonHeader: null });
    await settle();
    expect(onlyRecord().timeline.filter(({ event }) => event === 'audio_encrypted')).toHaveLength(1);
  });

  test('another key of the other side is taken; ours stays', async () => {
    const { leg, session } = await talking();
    reoffer(leg, SECURE.replace(KEY, OTHER_KEY));
    const [first, second] = session.negotiated.map(({ srtp }) => srtp);
    expect(second?.local).toEqual(first?.local);
    expect(second?.remote).not.toEqual(first?.remote);
  });

  test('another suite comes with a key of ours that was in no description before', async () => {
    const { leg, session, answer } = await talking();
    const gcm = Buffer.alloc(28, 5).toString('base64');
    const [changed] = reoffer(
      leg,
      `${OFFER.replace('RTP/AVP', 'RTP/SAVP')}a=crypto:1 AEAD_AES_128_GCM inline:${gcm}\r\n`,
    );
    const [back] = reoffer(leg, SECURE);
    const keys = [answer, changed, back].map((sdp) => cryptoOf(String(sdp))[0]?.[3]);
    expect(new Set(keys).size).toBe(3);
    expect(session.negotiated.map(({ srtp }) => srtp?.suite)).toEqual([
      'AES_CM_128_HMAC_SHA1_80',
      'AEAD_AES_128_GCM',
      'AES_CM_128_HMAC_SHA1_80',
    ]);
  });

  test.each([
    ['plain audio', OFFER],
    ['plain audio with a key that cannot be used', `${OFFER}a=crypto:1 AES_CM_128_NULL_AUTH inline:${KEY}\r\n`],
    ['unauthenticated audio', `${SECURE.trimEnd()} UNAUTHENTICATED_SRTP\r\n`],
    ['DTLS', SECURE.replace('RTP/SAVP', 'UDP/TLS/RTP/SAVP')],
  ])('a re-INVITE to %s is refused and changes nothing', async (_name, offer) => {
    const { leg, session } = await talking();
    expect(reoffer(leg, offer)).toEqual([488]);
    expect(session.negotiated).toHaveLength(1);
    expect(manager.activeCalls).toBe(1);
  });

  test('keys that went over TLS do not leave it: a re-INVITE over UDP is refused, with and without SDP', async () => {
    const { leg, session } = await talking();
    for (const offer of [SECURE, null]) {
      const answers: (string | number)[] = [];
      leg.emit({
        type: 'reoffer',
        protocol: 'udp',
        offer,
        accept: (sdp) => void answers.push(sdp),
        refuse: (status) => void answers.push(status),
      });
      expect(answers).toEqual([488]);
    }
    expect(session.negotiated).toHaveLength(1);
  });

  test('a re-INVITE without SDP gets our offer with keys; an answer that drops them changes nothing', async () => {
    const { leg, session } = await talking();
    const offers: string[] = [];
    let answered: (answer: string | null) => void = () => undefined;
    leg.emit({
      type: 'reoffer',
      offer: null,
      accept: (sdp, onAnswer) => {
        offers.push(sdp);
        answered = onAnswer ?? answered;
      },
      refuse: (status) => void offers.push(String(status)),
    });
    expect(protocolOf(offers[0])).toBe('RTP/SAVP');
    answered(OFFER);
    expect(session.negotiated).toHaveLength(1);
    answered(SECURE);
    // The agreed suite was offered first, under the tag 1.
    expect(session.negotiated[1]?.srtp?.local).toEqual(session.negotiated[0]?.srtp?.local);
  });
});

describe('media 5: calls to a carrier', () => {
  const place = () =>
    manager.originate({ workspaceId: 'demo', idempotencyKey: 'k', from: '+12025550100', to: '+12025550177' });
  const answerTo = (offer: string | undefined, change = '') => {
    const [, tag, suite] = cryptoOf(offer).find(([, , each]) => each === 'AES_CM_128_HMAC_SHA1_80') ?? [];
    return `${OFFER.replace('RTP/AVP', protocolOf(offer) ?? '')}a=crypto:${tag} ${suite} inline:${KEY}${change}\r\n`;
  };

  test.each([
    ['required', 'RTP/SAVP'],
    ['optional', 'RTP/AVP'],
  ] as const)('%s over TLS: %s with keys; the answer is taken', async (policy, protocol) => {
    trunk(policy);
    await place();
    const [attempt] = world.originated;
    expect(protocolOf(attempt?.params.offer)).toBe(protocol);
    expect(cryptoOf(attempt?.params.offer)).toHaveLength(4);
    attempt?.emit({ type: 'answered', sdp: answerTo(attempt.params.offer) });
    await settle();
    expect(world.sessions[0]?.negotiated[0]?.srtp?.suite).toBe('AES_CM_128_HMAC_SHA1_80');
    attempt?.emit({ type: 'bye', reasonHeader: null });
    await settle();
    expect(onlyRecord().timeline).toContainEqual(
      expect.objectContaining({ event: 'audio_encrypted', detail: { suite: 'AES_CM_128_HMAC_SHA1_80' } }),
    );
  });

  test.each([
    ['drops encryption', () => OFFER],
    ['keeps the profile and drops the key', () => OFFER.replace('RTP/AVP', 'RTP/SAVP')],
    ['would send unencrypted', (offer: string | undefined) => answerTo(offer, ' UNENCRYPTED_SRTP')],
    ['answers what was not offered', () => SECURE.replace('crypto:1', 'crypto:9')],
  ])('required: an answer that %s ends the call, and nobody is billed', async (_name, answer) => {
    trunk('required');
    await place();
    const [attempt] = world.originated;
    attempt?.emit({ type: 'answered', sdp: answer(attempt.params.offer) });
    await settle();
    expect(attempt?.acts.filter((act) => act.startsWith('bye'))).toEqual(['bye encryption_mismatch']);
    expect(onlyRecord()).toMatchObject({ endReason: 'encryption_mismatch', answeredAt: null });
    expect(world.sessions[0]).toMatchObject({ negotiated: [], starts: 0 });
  });

  test('optional: an answer without a key is plain', async () => {
    trunk('optional');
    await place();
    world.originated[0]?.emit({ type: 'answered', sdp: OFFER });
    await settle();
    expect(world.sessions[0]).toMatchObject({ starts: 1 });
    expect(world.sessions[0]?.negotiated[0]?.srtp).toBeUndefined();
  });

  test('security 5: no key leaves over UDP or TCP, but where the trunk allows it', async () => {
    for (const transport of ['udp', 'tcp'] as const) {
      trunk('required', transport);
      expect(await place()).toMatchObject({ ok: false, reason: 'keys_in_clear' });
      expect(world.originated).toHaveLength(0);
      world = createWorld();
      manager = createCallManager(world.deps);
    }
    trunk('optional', 'udp');
    await place();
    expect(protocolOf(world.originated[0]?.params.offer)).toBe('RTP/AVP');
    expect(world.originated[0]?.params.offer).not.toContain('crypto');
    world = createWorld();
    manager = createCallManager(world.deps);
    trunk('required', 'udp', { keysInClear: true });
    await place();
    expect(cryptoOf(world.originated[0]?.params.offer)).toHaveLength(4);
  });

  test.each([
    ['<sip:a@192.0.2.1;transport=udp>', 'keys_in_clear'],
    ['sip:a@192.0.2.1;transport=TCP', 'keys_in_clear'],
    ['sip:a@192.0.2.1:5061;transport=tls', null],
    ['sip:a@192.0.2.1:5061', null],
    ['sips:a@192.0.2.1', null],
  ])('security 5: an answer whose Contact is %s: %s', async (remoteTarget, endReason) => {
    trunk('required');
    world.dialog = { ...world.dialog, remoteTarget };
    await place();
    const [attempt] = world.originated;
    attempt?.emit({ type: 'answered', sdp: answerTo(attempt.params.offer) });
    await settle();
    if (endReason === null) expect(world.sessions[0]?.starts).toBe(1);
    else expect(onlyRecord()).toMatchObject({ endReason, answeredAt: null });
  });

  test('each attempt has keys of its own', async () => {
    trunk('required');
    await place();
    world.originated[0]?.emit({ type: 'rejected', status: 503, reason: 'no' });
    await settle();
    const [first, second] = world.originated.map(({ params }) => cryptoOf(params.offer).map(([, , , key]) => key));
    expect(first).toHaveLength(4);
    expect(second).toHaveLength(4);
    expect(first?.filter((key) => second?.includes(key))).toEqual([]);
  });

  test('no key is in the record, in what others are told of the call, or in its timeline', async () => {
    trunk('required');
    await place();
    const [attempt] = world.originated;
    const offer = attempt?.params.offer;
    attempt?.emit({ type: 'answered', sdp: answerTo(offer) });
    await settle();
    reoffer(attempt as never, OFFER);
    attempt?.emit({ type: 'bye', reasonHeader: null });
    await settle();
    const secrets = [KEY, ...cryptoOf(offer).map(([, , , key]) => String(key))];
    const told = JSON.stringify([onlyRecord(), world.told, world.observed, world.errors], (_name, value: unknown) =>
      typeof value === 'bigint' ? String(value) : value,
    );
    for (const secret of secrets) expect(told).not.toContain(secret.slice(0, 12));
  });
});
