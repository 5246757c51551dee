import { describe, expect, test } from 'vitest';
import type { RtpParameters } from '../../src/media/session.ts';
import { answerOffer } from '../../src/sdp/answer.ts';
import type { LocalAudio } from '../../src/sdp/audio.ts';
import { makeOffer, readAnswer } from '../../src/sdp/offer.ts';

const LOCAL: LocalAudio = {
  address: '192.0.2.99',
  port: 40000,
  codecs: ['PCMA', 'PCMU'],
  sessionId: 5,
  version: 3,
};

const ANSWER = [
  'v=0',
  'o=- 1 1 IN IP4 203.0.113.9',
  's=-',
  'c=IN IP4 203.0.113.9',
  't=0 0',
  'm=audio 9000 RTP/AVP 0 96',
  'a=rtpmap:96 telephone-event/8000',
  '',
].join('\r\n');

describe('our offer', () => {
  test('names the codecs of the trunk in order, telephone events and 20 ms', () => {
    expect(makeOffer(LOCAL)).toBe(
      [
        'v=0',
        'o=- 5 3 IN IP4 192.0.2.99',
        's=-',
        'c=IN IP4 192.0.2.99',
        't=0 0',
        'm=audio 40000 RTP/AVP 8 0 101',
        'a=rtpmap:8 PCMA/8000',
        'a=rtpmap:0 PCMU/8000',
        'a=rtpmap:101 telephone-event/8000',
        'a=fmtp:101 0-15',
        'a=ptime:20',
        'a=sendrecv',
        '',
      ].join('\r\n'),
    );
  });

  test('can be answered by ourselves, and both ends then agree', () => {
    const other: LocalAudio = { address: '192.0.2.1', port: 50000, codecs: ['PCMU'], sessionId: 9, version: 1 };
    const answer = answerOffer(makeOffer(LOCAL), other);
    if (!answer.ok) throw new Error(answer.detail);
    expect(answer.remote).toMatchObject({ remoteAddress: LOCAL.address, remotePort: LOCAL.port });
    expect(readAnswer(LOCAL, answer.sdp)).toMatchObject({
      ok: true,
      remote: { remoteAddress: '192.0.2.1', remotePort: 50000, codec: 'PCMU', telephoneEventPayloadType: 101 },
    });
  });
});

describe('an answer to our offer', () => {
  test('fixes address, codec and numbers', () => {
    const reading = readAnswer(LOCAL, ANSWER);
    if (!reading.ok) throw new Error(reading.detail);
    const remote: RtpParameters = reading.remote;
    expect(remote).toMatchObject({
      remoteAddress: '203.0.113.9',
      remotePort: 9000,
      codec: 'PCMU',
      payloadType: 0,
      direction: 'sendrecv',
    });
  });

  test('may use its own numbers: ours are heard, its are sent', () => {
    const own = ANSWER.replace('RTP/AVP 0 96', 'RTP/AVP 118 96').replace('t=0 0', 't=0 0\r\na=sendrecv');
    const reading = readAnswer(LOCAL, `${own}a=rtpmap:118 PCMA/8000\r\n`);
    expect(reading).toMatchObject({
      ok: true,
      remote: {
        codec: 'PCMA',
        payloadType: 118,
        receivePayloadType: 8,
        telephoneEventPayloadType: 96,
        receiveTelephoneEventPayloadType: 101,
      },
    });
  });

  test('chooses by its own order', () => {
    expect(readAnswer(LOCAL, ANSWER.replace('0 96', '0 8'))).toMatchObject({ remote: { codec: 'PCMU' } });
    expect(readAnswer(LOCAL, ANSWER.replace('0 96', '8 0'))).toMatchObject({ remote: { codec: 'PCMA' } });
  });

  test.each([
    ['sendonly', 'recvonly'],
    ['recvonly', 'sendonly'],
    ['inactive', 'inactive'],
  ])('that says %s leaves us %s', (answered, ours) => {
    expect(readAnswer(LOCAL, `${ANSWER}a=${answered}\r\n`)).toMatchObject({ remote: { direction: ours } });
  });

  test.each([
    ['rejects the stream', ANSWER.replace('9000', '0'), 'no_common_codec'],
    ['names a codec we did not offer', ANSWER.replace('0 96', '18 96'), 'no_common_codec'],
    ['turns to SRTP', ANSWER.replace('RTP/AVP', 'RTP/SAVP'), 'encryption_mismatch'],
    ['has no audio', ANSWER.replace('m=audio', 'm=video'), 'bad_offer'],
    ['has no media', ANSWER.replace(/m=.*$/s, ''), 'bad_offer'],
    ['has no c=', ANSWER.replace(/c=.*\r\n/, ''), 'bad_offer'],
    ['is no description', '<html>', 'bad_offer'],
  ])('that %s is refused', (_name, answer, reason) => {
    expect(readAnswer(LOCAL, answer)).toMatchObject({ ok: false, reason });
  });
});
