import { describe, expect, test } from 'vitest';
import { answerOffer } from '../../src/sdp/answer.ts';
import type { LocalAudio } from '../../src/sdp/audio.ts';
import { agreedEncryption, newEncryption } from '../../src/sdp/encryption.ts';
import { makeOffer, readAnswer } from '../../src/sdp/offer.ts';
import { readRepeatedAnswer } from '../../src/sdp/reoffer.ts';

const LOCAL: LocalAudio = { address: '192.0.2.99', port: 40000, codecs: ['PCMU', 'PCMA'], sessionId: 77, version: 1 };
const KEY = Buffer.alloc(30, 7).toString('base64');
const OTHER_KEY = Buffer.alloc(30, 8).toString('base64');

const sdp = (...lines: string[]) =>
  ['v=0', 'o=- 9 9 IN IP4 192.0.2.40', 's=-', 'c=IN IP4 192.0.2.40', 't=0 0', ...lines, ''].join('\r\n');

/** Their offer and ours to it, which a refresh of ours then repeats. */
function answered(offer: string, local = LOCAL) {
  const outcome = answerOffer(offer, local);
  if (!outcome.ok) throw new Error(outcome.detail);
  const encryption = local.encryption && agreedEncryption(local.encryption, outcome.remote.srtp);
  return { ...outcome, local: encryption === undefined ? local : { ...local, encryption } };
}

function read(local: LocalAudio, repeated: string, answer: string) {
  const reading = readRepeatedAnswer(local, repeated, answer);
  if (!reading.ok) throw new Error(`${reading.reason}: ${reading.detail}`);
  return reading.remote;
}

/** Each draw differs from all before it. */
function counter(): (size: number) => Uint8Array {
  let draws = 0;
  return (size) => Buffer.alloc(size, ++draws);
}

describe('signalling 15: the answer to a description of ours that is repeated', () => {
  const OFFER = sdp(
    'm=video 51002 RTP/AVP 31',
    'm=audio 51000 RTP/AVP 97 8',
    'a=rtpmap:97 telephone-event/8000',
    'a=rtcp-mux',
  );

  test('which was an answer itself: the same means that nothing changed', () => {
    const { sdp: ours, remote, local } = answered(OFFER);
    expect(read(local, ours, OFFER.replace('m=video 51002', 'm=video 0'))).toEqual(remote);
  });

  test('is read in the place and with the payload types of that one', () => {
    const { sdp: ours, local } = answered(OFFER);
    const moved = sdp('m=video 0 RTP/AVP 31', 'm=audio 52000 RTP/AVP 8 99', 'a=rtpmap:99 telephone-event/8000');
    expect(read(local, ours, moved)).toMatchObject({
      remotePort: 52_000,
      rtcpMux: false,
      codec: 'PCMA',
      telephoneEventPayloadType: 99,
      receiveTelephoneEventPayloadType: 97,
    });
  });

  test('with a codec that it does not have any more is refused', () => {
    const { sdp: ours, local } = answered(OFFER);
    expect(readRepeatedAnswer(local, ours, sdp('m=video 0 RTP/AVP 31', 'm=audio 52000 RTP/AVP 0'))).toMatchObject({
      ok: false,
      reason: 'no_common_codec',
    });
    expect(readRepeatedAnswer(local, ours, sdp('m=video 0 RTP/AVP 31', 'm=audio 0 RTP/AVP 8')).ok).toBe(false);
    expect(readRepeatedAnswer(local, ours, 'hello').ok).toBe(false);
  });

  test.each([
    ['sendonly', 'a=sendonly', 'recvonly'],
    ['inactive', 'a=inactive', 'inactive'],
    ['0.0.0.0', 'c=IN IP4 0.0.0.0', 'recvonly'],
  ])('that holds (%s) is a hold', (_, line, direction) => {
    const repeated = makeOffer(LOCAL);
    expect(read(LOCAL, repeated, sdp('m=audio 51000 RTP/AVP 0', line)).direction).toBe(direction);
  });

  test('does not resume what our description holds', () => {
    const { sdp: ours, local } = answered(sdp('m=audio 51000 RTP/AVP 0', 'a=sendonly'));
    expect(read(local, ours, sdp('m=audio 51000 RTP/AVP 0')).direction).toBe('recvonly');
  });

  const suites = ['AES_CM_128_HMAC_SHA1_80', 'AES_CM_128_HMAC_SHA1_32'] as const;
  const keyed = (tag: number, suite: string, key: string) =>
    sdp('m=audio 51000 RTP/SAVP 0', `a=crypto:${tag} ${suite} inline:${key}`);
  const encryption = () =>
    newEncryption({ policy: 'required', keysAllowed: true, keysInClear: false, suites, randomBytes: counter() });

  test('has keys under the tags of that one; theirs may be new, ours goes on', () => {
    const { sdp: ours, remote, local } = answered(keyed(5, suites[1], KEY), { ...LOCAL, encryption: encryption() });
    expect(read(local, ours, keyed(5, suites[1], KEY)).srtp).toEqual(remote.srtp);
    const { srtp } = read(local, ours, keyed(5, suites[1], OTHER_KEY));
    expect(srtp?.local).toBe(remote.srtp?.local);
    expect(Buffer.from(srtp?.remote.key ?? []).equals(Buffer.alloc(16, 8))).toBe(true);
    expect(readRepeatedAnswer(local, ours, keyed(1, suites[1], KEY))).toMatchObject({ reason: 'encryption_mismatch' });
    expect(readRepeatedAnswer(local, ours, sdp('m=audio 51000 RTP/AVP 0')).ok).toBe(false);
  });

  test('cannot take up a key of ours that was given up', () => {
    const offered = { ...LOCAL, encryption: encryption() };
    const ours = makeOffer(offered);
    const first = readAnswer(offered, keyed(1, suites[0], KEY));
    if (!first.ok) throw new Error(first.detail);
    const local = { ...offered, encryption: agreedEncryption(offered.encryption, first.remote.srtp) };
    expect(read(local, ours, keyed(1, suites[0], OTHER_KEY)).srtp?.suite).toBe(suites[0]);
    expect(readRepeatedAnswer(local, ours, keyed(2, suites[1], KEY))).toMatchObject({ reason: 'encryption_mismatch' });
  });
});
