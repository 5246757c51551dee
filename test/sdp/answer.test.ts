import { describe, expect, test } from 'vitest';
import type { RtpParameters } from '../../src/media/session.ts';
import { answerOffer } from '../../src/sdp/answer.ts';
import type { LocalAudio } from '../../src/sdp/audio.ts';
import {
  CARRIER_OFFER,
  DYNAMIC_OFFER,
  FAX_AND_AUDIO_OFFER,
  IPV6_OFFER,
  MOBILE_OFFER,
  OLD_HOLD_OFFER,
  RFC3264_CODEC_OFFER,
  RFC3264_OFFER,
  SECURE_OFFER,
  SLOPPY_OFFER,
  TWO_PROTOCOLS_OFFER,
} from './fixtures.ts';

const LOCAL: LocalAudio = {
  address: '192.0.2.99',
  port: 40000,
  codecs: ['PCMU', 'PCMA'],
  sessionId: 77,
  version: 1,
};

describe('an answer', () => {
  test('keeps the audio of RFC 3264 section 10.1 and rejects both videos in place', () => {
    expect(answered(RFC3264_OFFER).sdp).toBe(
      [
        'v=0',
        'o=- 77 1 IN IP4 192.0.2.99',
        's=-',
        'c=IN IP4 192.0.2.99',
        't=0 0',
        'm=audio 40000 RTP/AVP 0',
        'a=rtpmap:0 PCMU/8000',
        'a=ptime:20',
        'a=sendrecv',
        'm=video 0 RTP/AVP 31',
        'm=video 0 RTP/AVP 32',
        '',
      ].join('\r\n'),
    );
  });

  test('says for the media room where to send and with which numbers', () => {
    const remote: RtpParameters = answered(CARRIER_OFFER).remote;
    expect(remote).toMatchObject({
      remoteAddress: '203.0.113.21',
      remotePort: 23456,
      rtcpMux: false,
      codec: 'PCMU',
      payloadType: 0,
      telephoneEventPayloadType: 101,
      direction: 'sendrecv',
    });
  });

  test('prefers the codec that the trunk names first', () => {
    expect(answered(CARRIER_OFFER, { codecs: ['PCMA', 'PCMU'] }).remote.codec).toBe('PCMA');
  });

  test('uses the number of 8 kHz telephone events, not the wideband one', () => {
    const { remote, sdp } = answered(MOBILE_OFFER);
    expect(remote).toMatchObject({ codec: 'PCMA', payloadType: 8, telephoneEventPayloadType: 100 });
    expect(sdp).toContain('m=audio 40000 RTP/AVP 8 100\r\n');
    expect(sdp).toContain('a=rtpmap:100 telephone-event/8000\r\na=fmtp:100 0-15\r\n');
  });

  test('media 6: takes telephone events of wideband audio where there are no others, under their clock', () => {
    const wideband = MOBILE_OFFER.replace(/a=rtpmap:100 .*\r\n/, 'a=rtpmap:100 telephone-event/48000\r\n').replace(
      /telephone-event\/16000/,
      'telephone-event/32000',
    );
    const { remote, sdp } = answered(wideband);
    expect(remote).toMatchObject({ telephoneEventPayloadType: 100, telephoneEventClockHz: 48_000 });
    expect(sdp).toContain('a=rtpmap:100 telephone-event/48000\r\na=fmtp:100 0-15\r\n');
  });

  test('takes G.711 under dynamic numbers, and c= from the media section', () => {
    const { remote, sdp } = answered(DYNAMIC_OFFER);
    expect(remote).toMatchObject({
      remoteAddress: '192.0.2.5',
      codec: 'PCMU',
      payloadType: 113,
      telephoneEventPayloadType: 96,
    });
    expect(sdp).toContain('m=audio 40000 RTP/AVP 113 96\r\na=rtpmap:113 PCMU/8000\r\n');
  });

  test('does not take a static number for G.711 when its rtpmap says something else', () => {
    const disguised = CARRIER_OFFER.replace('a=ptime:20', 'a=rtpmap:0 G726-32/8000');
    expect(answered(disguised).remote.codec).toBe('PCMA');
  });

  test('answers the plain stream of an offer that has a secure one as well', () => {
    const { remote, sdp } = answered(TWO_PROTOCOLS_OFFER);
    expect(remote.remotePort).toBe(51002);
    expect(sdp).toMatch(/m=audio 0 RTP\/SAVP 0\r\nm=audio 40000 RTP\/AVP 0 101\r\n/);
  });

  test('keeps the order when audio is not the first stream', () => {
    expect(answered(FAX_AND_AUDIO_OFFER).sdp).toMatch(/m=image 0 udptl t38\r\nm=audio 40000 RTP\/AVP 0\r\n/);
  });

  test('speaks IPv6, RTP/AVPF and rtcp-mux where the offer does', () => {
    const { remote, sdp } = answered(IPV6_OFFER, { address: '2001:db8::99' });
    expect(remote).toMatchObject({ remoteAddress: '2001:db8::7', rtcpMux: true, codec: 'PCMA' });
    expect(sdp).toContain('c=IN IP6 2001:db8::99\r\n');
    expect(sdp).toContain('m=audio 40000 RTP/AVPF 8\r\n');
    expect(sdp).toContain('a=rtcp-mux\r\n');
  });

  test('understands a sloppy description', () => {
    expect(answered(SLOPPY_OFFER).remote).toMatchObject({ remoteAddress: '192.0.2.60', remotePort: 7000 });
  });
});

describe('the direction of an answer', () => {
  test.each([
    ['sendrecv', 'sendrecv'],
    ['sendonly', 'recvonly'],
    ['recvonly', 'sendonly'],
    ['inactive', 'inactive'],
  ])('to %s is %s', (offered, ours) => {
    const { remote, sdp } = answered(CARRIER_OFFER.replace('a=sendrecv', `a=${offered}`));
    expect(remote.direction).toBe(ours);
    expect(sdp).toContain(`a=${ours}\r\n`);
  });

  test('of the media section outweighs that of the session', () => {
    expect(answered(`${CARRIER_OFFER}a=sendonly\r\n`).remote.direction).toBe('recvonly');
  });

  test('to hold by 0.0.0.0 is recvonly', () => {
    expect(answered(OLD_HOLD_OFFER).remote).toMatchObject({ direction: 'recvonly', remoteAddress: '0.0.0.0' });
  });

  test('signalling 14: to hold by :: is recvonly', () => {
    const held = IPV6_OFFER.replace('c=IN IP6 2001:db8::7', 'c=IN IP6 ::');
    expect(answered(held, { address: '2001:db8::99' }).remote).toMatchObject({
      direction: 'recvonly',
      remoteAddress: '::',
    });
  });

  test('to an inactive offer by 0.0.0.0 stays inactive', () => {
    expect(answered(`${OLD_HOLD_OFFER}a=inactive\r\n`).remote.direction).toBe('inactive');
  });

  test.each([
    ['sendrecv', 'recvonly', 'recvonly'],
    ['sendonly', 'sendonly', 'inactive'],
    ['recvonly', 'inactive', 'inactive'],
  ] as const)('to %s with our wish %s is %s', (offered, wish, ours) => {
    const offer = CARRIER_OFFER.replace('a=sendrecv', `a=${offered}`);
    expect(answered(offer, { direction: wish }).remote.direction).toBe(ours);
  });
});

describe('the version of our description', () => {
  test('stays when the same offer comes again, and rises by one when the answer changes', () => {
    const first = answered(CARRIER_OFFER).sdp;
    const refreshed = answered(CARRIER_OFFER, { previous: first }).sdp;
    expect(refreshed).toBe(first);
    const held = answered(CARRIER_OFFER.replace('a=sendrecv', 'a=sendonly'), { previous: refreshed }).sdp;
    expect(held).toContain('o=- 77 2 IN IP4');
    const resumed = answered(CARRIER_OFFER, { previous: held }).sdp;
    expect(resumed).toContain('o=- 77 3 IN IP4');
  });
});

describe('an offer is refused', () => {
  test.each([
    ['of nothing we speak', RFC3264_CODEC_OFFER, { codecs: ['PCMA'] }, 'no_common_codec'],
    ['of SRTP while encryption is off', SECURE_OFFER, {}, 'encryption_mismatch'],
    ['of DTLS-SRTP', SECURE_OFFER.replace('RTP/SAVP', 'UDP/TLS/RTP/SAVPF'), {}, 'encryption_mismatch'],
    ['of another protocol', CARRIER_OFFER.replace('RTP/AVP', 'TCP/MSRP'), {}, 'bad_offer'],
    ['that is no description', 'hello', {}, 'bad_offer'],
    ['without audio', RFC3264_OFFER.replace('m=audio', 'm=video'), {}, 'bad_offer'],
    ['whose audio is switched off', CARRIER_OFFER.replace('23456', '0'), {}, 'bad_offer'],
    ['without c= for the audio', DYNAMIC_OFFER.replace('c=IN IP4 192.0.2.5\r\n', ''), {}, 'bad_offer'],
    ['whose c= is a host name', CARRIER_OFFER.replace('203.0.113.21', 'media.example.com'), {}, 'bad_offer'],
    ['whose c= is multicast', CARRIER_OFFER.replace('203.0.113.21', '224.2.1.1/127'), {}, 'bad_offer'],
    ['whose c= is broadcast', CARRIER_OFFER.replace('203.0.113.21', '255.255.255.255'), {}, 'bad_offer'],
    ['over another IP version than ours', IPV6_OFFER, {}, 'bad_offer'],
  ] as const)('%s', (_name, offer, change, reason) => {
    const outcome = answerOffer(offer, { ...LOCAL, ...change });
    expect(outcome).toMatchObject({ ok: false, reason });
  });
});

function answered(offer: string, change: Partial<LocalAudio> = {}) {
  const outcome = answerOffer(offer, { ...LOCAL, ...change });
  if (!outcome.ok) throw new Error(`${outcome.reason}: ${outcome.detail}`);
  return outcome;
}
