import { describe, expect, test } from 'vitest';
import { answerOffer } from '../../src/sdp/answer.ts';
import { SRTP_SUITES } from '../../src/domain/srtp.ts';
import type { LocalAudio } from '../../src/sdp/audio.ts';
import { newEncryption } from '../../src/sdp/encryption.ts';
import { makeOffer, readAnswer } from '../../src/sdp/offer.ts';
import { parseSdp } from '../../src/sdp/parse.ts';
import { createRandom, type Random } from '../../src/phone/random.ts';
import { ALL_OFFERS } from './fixtures.ts';

const ROUNDS = 4000;
const SEED = 20_261_123;
const LOCAL: LocalAudio = { address: '192.0.2.99', port: 40000, codecs: ['PCMU', 'PCMA'], sessionId: 1, version: 1 };
const ENCRYPTED: LocalAudio = {
  ...LOCAL,
  encryption: newEncryption({
    policy: 'required',
    keysAllowed: true,
    keysInClear: false,
    suites: SRTP_SUITES,
    randomBytes: (size) => Buffer.alloc(size, 1),
  }),
};
const SPLINTERS = [
  'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj|2^20|1:4',
  ' UNENCRYPTED_SRTP',
  'RTP/SAVP',
  '|',
  ';',
  '\r\n',
  '\n',
  'm=audio 1 RTP/AVP 0',
  'c=IN IP4 ',
  'a=',
  '=',
  ' ',
  '0',
  '\0',
  '€',
  '65536',
  'a=inactive',
];

describe('descriptions damaged at random', () => {
  test('are refused or answered with a description of the same shape, and never throw', () => {
    const random = createRandom(SEED);
    const fixtures = Object.values(ALL_OFFERS);
    let answered = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const text = damaged(fixtures[random.integer(fixtures.length)] ?? '', random);
      const outcome = answerOffer(text, LOCAL);
      readAnswer(LOCAL, text);
      // Whatever is damaged, what is agreed on as encrypted has a key and is said to be so.
      const secure = answerOffer(text, ENCRYPTED);
      if (secure.ok) expect(secure.remote.srtp !== undefined && secure.sdp.includes('a=crypto:')).toBe(true);
      const reading = readAnswer(ENCRYPTED, text);
      if (reading.ok) expect(reading.remote.srtp).toBeDefined();
      if (!outcome.ok) continue;
      answered += 1;
      const ours = parseSdp(outcome.sdp);
      const theirs = parseSdp(text);
      if (!ours.ok || !theirs.ok) throw new Error(`round ${round}: our answer does not parse`);
      expect(ours.session.media.map((media) => [media.kind, media.protocol])).toEqual(
        theirs.session.media.map((media) => [media.kind, media.protocol]),
      );
      expect(ours.session.media.filter((media) => media.port !== 0)).toHaveLength(1);
      expect(outcome.remote.remotePort).toBeGreaterThan(0);
    }
    // The damage must leave enough that is answered, or nothing was tested.
    expect(answered).toBeGreaterThan(ROUNDS / 10);
    expect(answered).toBeLessThan(ROUNDS);
  });

  test('a long description is refused in a moment', () => {
    const text = makeOffer(LOCAL) + 'a=x'.repeat(10_000_000);
    expect(parseSdp(text)).toMatchObject({ ok: false, code: 'too_large' });
  });
});

function damaged(text: string, random: Random): string {
  let out = text;
  for (let i = random.integer(4); i >= 0; i--) {
    const at = random.integer(out.length + 1);
    const kind = random.integer(4);
    if (kind === 0) out = out.slice(0, at) + out.slice(at + 1 + random.integer(12));
    else if (kind === 1) out = out.slice(0, at) + SPLINTERS[random.integer(SPLINTERS.length)] + out.slice(at);
    else if (kind === 2) out = out.slice(0, at) + String.fromCharCode(random.integer(256)) + out.slice(at + 1);
    else out = out.slice(0, at) + out.slice(0, random.integer(200)) + out.slice(at);
  }
  return out;
}
