import { describe, expect, test } from 'vitest';
import { SRTP_KEY_SIZES, SRTP_SUITES } from '../../src/domain/srtp.ts';
import { answerOffer } from '../../src/sdp/answer.ts';
import type { LocalAudio } from '../../src/sdp/audio.ts';
import { parseCrypto, printCrypto } from '../../src/sdp/crypto.ts';
import { agreedEncryption, type LocalEncryption, newEncryption } from '../../src/sdp/encryption.ts';
import { makeOffer, readAnswer } from '../../src/sdp/offer.ts';
import { parseSdp } from '../../src/sdp/parse.ts';
import { CARRIER_OFFER, SECURE_OFFER, TWO_PROTOCOLS_OFFER } from './fixtures.ts';

const KEY_80 = 'd0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj';
const KEY_GCM_128 = Buffer.alloc(28, 3).toString('base64');
const LOCAL: LocalAudio = { address: '192.0.2.99', port: 40000, codecs: ['PCMU', 'PCMA'], sessionId: 77, version: 1 };

/** Each draw differs from all before it, and says when it was made. */
function counter(): (size: number) => Uint8Array {
  let draws = 0;
  return (size) => Buffer.alloc(size, ++draws);
}

function encryption(change: Partial<Parameters<typeof newEncryption>[0]> = {}) {
  return newEncryption({
    policy: 'required',
    keysAllowed: true,
    keysInClear: false,
    suites: SRTP_SUITES,
    randomBytes: counter(),
    ...change,
  });
}

const offerWith = (protocol: string, ...cryptoLines: string[]) =>
  [
    'v=0',
    'o=- 9 9 IN IP4 192.0.2.40',
    's=-',
    'c=IN IP4 192.0.2.40',
    't=0 0',
    `m=audio 51000 ${protocol} 0`,
    ...cryptoLines.map((line) => `a=crypto:${line}`),
    '',
  ].join('\r\n');

describe('media 5: a=crypto of RFC 4568', () => {
  test('is read as its first example has it, lifetime and MKI included', () => {
    const line = parseCrypto(`1 AES_CM_128_HMAC_SHA1_80 inline:${KEY_80}|2^20|1:32`);
    const bytes = Buffer.from(KEY_80, 'base64');
    expect(line).toEqual({
      usable: true,
      tag: '1',
      suite: 'AES_CM_128_HMAC_SHA1_80',
      key: { key: bytes.subarray(0, 16), salt: bytes.subarray(16) },
      mki: Buffer.concat([Buffer.alloc(31), Buffer.from([1])]),
    });
  });

  test('in the description of RFC 4568 section 4: the audio is taken, video and whiteboard are not', () => {
    const offer = [
      'v=0',
      'o=jdoe 2890844526 2890842807 IN IP4 10.47.16.5',
      's=SDP Seminar',
      'i=A Seminar on the session description protocol',
      'c=IN IP4 161.44.17.12/127',
      't=2873397496 2873404696',
      'm=video 51372 RTP/SAVP 31',
      `a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${KEY_80}|2^20|1:32`,
      'm=audio 49170 RTP/SAVP 0',
      'a=crypto:1 AES_CM_128_HMAC_SHA1_32 inline:NzB4d1BINUAvLEw6UzF3WSJ+PSdFcGdUJShpX1Zj|2^20|1:32',
      'm=application 32416 udp wb',
      'a=orient:portrait',
      '',
    ].join('\r\n');
    const { sdp, remote } = answered(offer, encryption());
    expect(remote.srtp).toMatchObject({ suite: 'AES_CM_128_HMAC_SHA1_32', remoteMki: { length: 32 } });
    expect(linesOf(sdp, 'm=')).toEqual(['m=video 0 RTP/SAVP 31', 'm=audio 40000 RTP/SAVP 0', 'm=application 0 udp wb']);
    const local = remote.srtp!.local;
    const ours = Buffer.concat([local.key, local.salt]).toString('base64');
    expect(linesOf(sdp, 'a=crypto')).toEqual([`a=crypto:1 AES_CM_128_HMAC_SHA1_32 inline:${ours}`]);
  });

  test('in the offer of RFC 4568 with FEC and two keys: no line is usable, and each says why', () => {
    const offer = offerWith(
      'RTP/SAVP',
      '1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|2^20|1:4 FEC_ORDER=FEC_SRTP',
      '2 F8_128_HMAC_SHA1_80 inline:MTIzNDU2Nzg5QUJDREUwMTIzNDU2Nzg5QUJjZGVm|2^20|1:4;inline:QUJjZGVmMTIzNDU2Nzg5QUJDREUwMTIzNDU2Nzg5|2^20|2:4',
    );
    expect(answerOffer(offer, { ...LOCAL, encryption: encryption() })).toEqual({
      ok: false,
      reason: 'encryption_mismatch',
      detail:
        'no key that is offered can be used: 1: session parameter FEC_ORDER; 2: unknown suite F8_128_HMAC_SHA1_80',
    });
  });

  test.each([
    ['no lifetime', ''],
    ['a lifetime as a power', '|2^31'],
    ['a lifetime in packets', '|1048576'],
    ['an MKI without lifetime', '|1:1'],
    ['the longest lifetime', '|2^48|18446744073709551615:8'],
  ])('is taken with %s', (_name, rest) => {
    expect(parseCrypto(`1 AES_CM_128_HMAC_SHA1_80 inline:${KEY_80}${rest}`)).toMatchObject({ usable: true });
  });

  test.each(['WSH=64', '-UNKNOWN=1', '-FEC_ORDER=SRTP_FEC WSH=1024'])(
    'is taken with %s, which obliges us to nothing',
    (p) => {
      expect(parseCrypto(`3 AES_CM_128_HMAC_SHA1_80 inline:${KEY_80} ${p}`)).toMatchObject({ usable: true, tag: '3' });
    },
  );

  test.each([
    ['UNENCRYPTED_SRTP', 'session parameter UNENCRYPTED_SRTP'],
    ['UNENCRYPTED_SRTCP', 'session parameter UNENCRYPTED_SRTCP'],
    ['WSH=64 UNAUTHENTICATED_SRTP', 'session parameter UNAUTHENTICATED_SRTP'],
    ['KDR=1', 'session parameter KDR'],
    ['FEC_KEY=inline:c2VjcmV0', 'session parameter FEC_KEY'],
  ])('with %s is refused', (parameters, why) => {
    const line = parseCrypto(`1 AES_CM_128_HMAC_SHA1_80 inline:${KEY_80} ${parameters}`);
    expect(line).toEqual({ usable: false, tag: '1', why });
  });

  test.each([
    ['a lifetime of nothing', `inline:${KEY_80}|0`, 'wrong lifetime'],
    ['a lifetime that cannot be', `inline:${KEY_80}|2^49`, 'wrong lifetime'],
    ['an MKI without length', `inline:${KEY_80}|2^20|1:0`, 'wrong MKI'],
    ['an MKI that is too long', `inline:${KEY_80}|1:129`, 'wrong MKI'],
    ['an MKI that does not fit its length', `inline:${KEY_80}|256:1`, 'wrong MKI'],
    ['several keys', `inline:${KEY_80}|2^20|1:4;inline:${KEY_80}|2^20|2:4`, 'several master keys'],
    ['a short key', 'inline:d0Rm', 'key and salt of another length'],
    ['the key of another suite', `inline:${KEY_GCM_128}`, 'key and salt of another length'],
    ['a key that is no base64', `inline:${KEY_80.replace('d', '*')}`, 'key and salt of another length'],
    ['another key method', `uri:${KEY_80}`, 'no inline key'],
  ])('with %s is refused, and the key is not quoted', (_name, keys, why) => {
    const line = parseCrypto(`1 AES_CM_128_HMAC_SHA1_80 ${keys}`);
    expect(line).toEqual({ usable: false, tag: '1', why });
    expect(JSON.stringify(line)).not.toContain('d0Rm');
  });

  test('without a tag or a key is no line; one of a session, or with a tag that was there before, is none either', () => {
    expect(parseCrypto(`x AES_CM_128_HMAC_SHA1_80 inline:${KEY_80}`)).toBeNull();
    expect(parseCrypto('1 AES_CM_128_HMAC_SHA1_80')).toBeNull();
    const twice = offerWith(
      'RTP/SAVP',
      `1 AES_CM_128_HMAC_SHA1_80 inline:${KEY_80}`,
      `1 AEAD_AES_128_GCM inline:${KEY_GCM_128}`,
    );
    expect(answered(twice, encryption()).remote.srtp?.suite).toBe('AES_CM_128_HMAC_SHA1_80');
    const above = CARRIER_OFFER.replace('t=0 0', `t=0 0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${KEY_80}`);
    expect(answerOffer(above, { ...LOCAL, encryption: encryption() })).toMatchObject({ reason: 'encryption_mismatch' });
  });

  test.each(SRTP_SUITES)('%s is read as it is written, with and without padding', (suite) => {
    const { keyBytes, saltBytes } = SRTP_KEY_SIZES[suite];
    const key = { key: Buffer.alloc(keyBytes, 0xfb), salt: Buffer.alloc(saltBytes, 0xee) };
    const text = printCrypto('7', suite, key).slice('a=crypto:'.length);
    expect(parseCrypto(text)).toEqual({ usable: true, tag: '7', suite, key, mki: null });
    expect(parseCrypto(text.replaceAll('=', ''))).toMatchObject({ usable: true, suite });
  });

  test('no more than 32 lines of a section are looked at', () => {
    const offer = offerWith(
      'RTP/SAVP',
      ...Array.from({ length: 100 }, (_, index) => `${index} UNKNOWN inline:${KEY_80}`),
    );
    const parsed = parseSdp(offer);
    expect(parsed.ok && parsed.session.media[0]?.crypto).toHaveLength(32);
  });
});

describe('media 5: SRTP required, optional and off in what is offered to us', () => {
  const key = `1 AES_CM_128_HMAC_SHA1_80 inline:${KEY_80}`;
  const plain = offerWith('RTP/AVP');
  const opportunistic = offerWith('RTP/AVP', key);
  const secure = offerWith('RTP/SAVP', key);
  const unusable = '1 AES_256_CM_HMAC_SHA1_80 inline:AAAA';

  test.each([
    ['off', 'plain', plain, 'plain'],
    ['off', 'plain with keys', opportunistic, 'plain'],
    ['off', 'encrypted', secure, 'encryption_mismatch'],
    ['optional', 'plain', plain, 'plain'],
    ['optional', 'plain with keys', opportunistic, 'encrypted'],
    ['optional', 'plain with keys that cannot be used', offerWith('RTP/AVP', unusable), 'plain'],
    ['optional', 'encrypted', secure, 'encrypted'],
    ['optional', 'encrypted with keys that cannot be used', offerWith('RTP/SAVP', unusable), 'encryption_mismatch'],
    ['required', 'plain', plain, 'encryption_mismatch'],
    ['required', 'plain with keys', opportunistic, 'encrypted'],
    ['required', 'plain with keys that cannot be used', offerWith('RTP/AVP', unusable), 'encryption_mismatch'],
    ['required', 'encrypted', secure, 'encrypted'],
    ['required', 'encrypted with feedback', offerWith('RTP/SAVPF', key), 'encrypted'],
    ['required', 'encrypted without keys', offerWith('RTP/SAVP'), 'encryption_mismatch'],
    ['required', 'DTLS', offerWith('UDP/TLS/RTP/SAVP', key), 'encryption_mismatch'],
    ['optional', 'DTLS', offerWith('UDP/TLS/RTP/SAVPF', key), 'encryption_mismatch'],
  ] as const)('%s: %s', (policy, _name, offer, expected) => {
    const local = policy === 'off' ? LOCAL : { ...LOCAL, encryption: encryption({ policy }) };
    const outcome = answerOffer(offer, local);
    if (!outcome.ok) return expect(outcome.reason).toBe(expected);
    expect(outcome.remote.srtp === undefined ? 'plain' : 'encrypted').toBe(expected);
    // The profile is the offerer's, and the answer has one key or none.
    expect(linesOf(outcome.sdp, 'm=')[0]?.split(' ')[2]).toBe(/m=\S+ \S+ (\S+)/.exec(offer)?.[1]);
    expect(linesOf(outcome.sdp, 'a=crypto')).toHaveLength(expected === 'encrypted' ? 1 : 0);
  });

  test('of two sections the encrypted one is taken, wherever it stands, and the plain one where it has to be', () => {
    for (const offer of [TWO_PROTOCOLS_OFFER, swapped(TWO_PROTOCOLS_OFFER)]) {
      for (const policy of ['optional', 'required'] as const) {
        expect(answered(offer, encryption({ policy })).remote).toMatchObject({ remotePort: 51000, srtp: {} });
      }
      expect(answered(offer).remote).toMatchObject({ remotePort: 51002 });
    }
  });

  test('the suite is the one that the trunk prefers, under the tag of the offer', () => {
    const offer = offerWith('RTP/SAVP', key, `20 AEAD_AES_128_GCM inline:${KEY_GCM_128}`);
    const { sdp, remote } = answered(offer, encryption());
    expect(remote.srtp?.suite).toBe('AEAD_AES_128_GCM');
    expect(linesOf(sdp, 'a=crypto')[0]).toMatch(/^a=crypto:20 AEAD_AES_128_GCM inline:/);
    const other = encryption({ suites: ['AES_CM_128_HMAC_SHA1_80', 'AEAD_AES_128_GCM'] });
    expect(answered(offer, other).remote.srtp?.suite).toBe('AES_CM_128_HMAC_SHA1_80');
    expect(answerOffer(offer, { ...LOCAL, encryption: encryption({ suites: ['AEAD_AES_256_GCM'] }) })).toMatchObject({
      reason: 'encryption_mismatch',
      detail: expect.stringContaining('1: AES_CM_128_HMAC_SHA1_80 was not asked for'),
    });
  });

  test('keys that came in clear are not used: refused where encryption has to be, plain where it may', () => {
    const inClear = (policy: 'optional' | 'required') => ({
      ...LOCAL,
      encryption: encryption({ policy, keysAllowed: false }),
    });
    expect(answerOffer(secure, inClear('required'))).toMatchObject({ reason: 'keys_in_clear' });
    expect(answerOffer(secure, inClear('optional'))).toMatchObject({ reason: 'keys_in_clear' });
    expect(answerOffer(opportunistic, inClear('required'))).toMatchObject({ reason: 'keys_in_clear' });
    expect(answerOffer(plain, inClear('required'))).toMatchObject({ reason: 'encryption_mismatch' });
    const outcome = answerOffer(opportunistic, inClear('optional'));
    expect(outcome.ok && outcome.sdp).not.toContain('crypto');
    expect(outcome.ok && outcome.remote.srtp).toBeUndefined();
  });
});

describe('media 5: our offers of SRTP', () => {
  test('required: RTP/SAVP with a key of its own for each suite, in the order of the trunk', () => {
    const offer = makeOffer({ ...LOCAL, encryption: encryption() });
    expect(linesOf(offer, 'm=')).toEqual(['m=audio 40000 RTP/SAVP 0 8 101']);
    const lines = linesOf(offer, 'a=crypto').map((line) => line.split(/[: ]/));
    expect(lines.map(([, tag, suite]) => `${tag} ${suite}`)).toEqual(
      SRTP_SUITES.map((suite, index) => `${index + 1} ${suite}`),
    );
    expect(new Set(lines.map(([, , , , key]) => key?.slice(0, 16))).size).toBe(SRTP_SUITES.length);
  });

  test('optional: RTP/AVP with keys (RFC 8643)', () => {
    const offer = makeOffer({ ...LOCAL, encryption: encryption({ policy: 'optional' }) });
    expect(linesOf(offer, 'm=')).toEqual(['m=audio 40000 RTP/AVP 0 8 101']);
    expect(linesOf(offer, 'a=crypto')).toHaveLength(4);
  });

  test('without a safe way for keys: none are offered, and where they must be there is no offer', () => {
    const optional = makeOffer({ ...LOCAL, encryption: encryption({ policy: 'optional', keysAllowed: false }) });
    expect(optional).toBe(makeOffer(LOCAL));
    expect(() => makeOffer({ ...LOCAL, encryption: encryption({ keysAllowed: false }) })).toThrow(TypeError);
  });

  const answer80 = offerWith('RTP/SAVP', `3 AES_CM_128_HMAC_SHA1_80 inline:${KEY_80}`);

  test('an answer takes one of them: its key is what we hear with, ours of that suite what we send with', () => {
    const own = encryption();
    const reading = readAnswer({ ...LOCAL, encryption: own }, answer80);
    expect(reading).toMatchObject({
      ok: true,
      remote: { srtp: { suite: 'AES_CM_128_HMAC_SHA1_80', remoteMki: null } },
    });
    if (!reading.ok || reading.remote.srtp === undefined) throw new Error('no keys');
    expect(reading.remote.srtp.local).toBe(own.suites[2]?.key);
    expect(Buffer.from(reading.remote.srtp.remote.key)).toEqual(Buffer.from(KEY_80, 'base64').subarray(0, 16));
  });

  test('optional: an answer without keys is plain; one in the other profile is taken', () => {
    const local = { ...LOCAL, encryption: encryption({ policy: 'optional' }) };
    const plain = readAnswer(local, offerWith('RTP/AVP'));
    expect(plain.ok && plain.remote.srtp).toBeUndefined();
    expect(readAnswer(local, answer80)).toMatchObject({ remote: { srtp: { suite: 'AES_CM_128_HMAC_SHA1_80' } } });
  });

  test.each([
    ['required', 'drops encryption', offerWith('RTP/AVP')],
    ['required', 'keeps the profile and drops the keys', offerWith('RTP/SAVP')],
    [
      'required',
      'has a tag that we did not offer',
      offerWith('RTP/SAVP', `9 AES_CM_128_HMAC_SHA1_80 inline:${KEY_80}`),
    ],
    [
      'required',
      'has another suite under our tag',
      offerWith('RTP/SAVP', `1 AES_CM_128_HMAC_SHA1_80 inline:${KEY_80}`),
    ],
    [
      'required',
      'would send unencrypted',
      offerWith('RTP/SAVP', `3 AES_CM_128_HMAC_SHA1_80 inline:${KEY_80} UNENCRYPTED_SRTP`),
    ],
    ['required', 'turns to DTLS', offerWith('UDP/TLS/RTP/SAVP', `3 AES_CM_128_HMAC_SHA1_80 inline:${KEY_80}`)],
    [
      'optional',
      'says encrypted and has no key that fits',
      offerWith('RTP/AVP', `9 AEAD_AES_128_GCM inline:${KEY_GCM_128}`),
    ],
    ['optional', 'turns to RTP/SAVP without a key', offerWith('RTP/SAVP')],
    ['off', 'turns to RTP/SAVP', answer80],
  ] as const)('%s: an answer that %s is refused', (policy, _name, answer) => {
    const local = policy === 'off' ? LOCAL : { ...LOCAL, encryption: encryption({ policy }) };
    expect(readAnswer(local, answer)).toMatchObject({ ok: false, reason: 'encryption_mismatch' });
  });

  test('off: keys that nobody asked for are not looked at', () => {
    const reading = readAnswer(LOCAL, offerWith('RTP/AVP', `1 AES_CM_128_HMAC_SHA1_80 inline:${KEY_80}`));
    expect(reading.ok && reading.remote.srtp).toBeUndefined();
  });
});

describe('media 5: SRTP across offers within a call', () => {
  test('the agreed key stays, the suite comes first, and what was not taken gets new keys', () => {
    const before = encryption();
    const first = answered(SECURE_OFFER, before);
    const after = agreedEncryption(before, first.remote.srtp);
    expect(after.suites.map(({ suite }) => suite)).toEqual([
      'AES_CM_128_HMAC_SHA1_80',
      'AEAD_AES_256_GCM',
      'AEAD_AES_128_GCM',
      'AES_CM_128_HMAC_SHA1_32',
    ]);
    const refreshed = answerOffer(SECURE_OFFER, { ...LOCAL, encryption: after, previous: first.sdp });
    expect(refreshed.ok && refreshed.sdp).toBe(first.sdp);
    const old = new Set(before.suites.map(({ key }) => Buffer.from(key.key).toString('hex')));
    const kept = after.suites.filter(({ key }) => old.has(Buffer.from(key.key).toString('hex')));
    expect(kept.map(({ suite }) => suite)).toEqual(['AES_CM_128_HMAC_SHA1_80']);
  });

  test('another key of the other side changes nothing of ours; the version stays', () => {
    const own = encryption();
    const first = answered(SECURE_OFFER, own);
    const rekeyed = answerOffer(SECURE_OFFER.replace('inline:d0Rm', 'inline:e0Rm'), {
      ...LOCAL,
      encryption: agreedEncryption(own, first.remote.srtp),
      previous: first.sdp,
    });
    if (!rekeyed.ok || rekeyed.remote.srtp === undefined) throw new Error('refused');
    expect(rekeyed.sdp).toBe(first.sdp);
    expect(rekeyed.remote.srtp.local).toBe(first.remote.srtp?.local);
    expect(rekeyed.remote.srtp.remote).not.toEqual(first.remote.srtp?.remote);
  });
});

function answered(offer: string, own?: LocalEncryption) {
  const outcome = answerOffer(offer, own === undefined ? LOCAL : { ...LOCAL, encryption: own });
  if (!outcome.ok) throw new Error(`${outcome.reason}: ${outcome.detail}`);
  return outcome;
}

function linesOf(sdp: string, prefix: string): string[] {
  return sdp.split('\r\n').filter((line) => line.startsWith(prefix));
}

/** The two sections in the other order. */
function swapped(offer: string): string {
  const [head = '', first = '', second = ''] = offer.split(/(?=m=)/);
  return `${head}${second}${first}`;
}
