import { describe, expect, test } from 'vitest';
import type { WebRtcLocal } from '../../src/domain/webrtc-parameters.ts';
import { parseSdp, printBrowserAnswer, readBrowserOffer } from '../../src/sdp/index.ts';
import { CHROMIUM_OFFER, FIREFOX_OFFER } from './browser-fixtures.ts';

const LOCAL: WebRtcLocal = {
  iceUfrag: 'ours',
  icePwd: 'ourPasswordIsLongEnough',
  address: '192.0.2.99',
  port: 40_002,
  fingerprint: { algorithm: 'sha-256', value: 'AA:BB' },
  ssrc: 77,
};

describe('the answer to a browser', () => {
  test('takes the audio on one host candidate, passive, multiplexed and bundled', () => {
    expect(answer(CHROMIUM_OFFER)).toBe(
      [
        'v=0',
        'o=- 5 1 IN IP4 192.0.2.99',
        's=-',
        't=0 0',
        'a=group:BUNDLE 0',
        'a=ice-lite',
        'a=msid-semantic: WMS callin-edge',
        'm=audio 40002 UDP/TLS/RTP/SAVPF 0 126',
        'c=IN IP4 192.0.2.99',
        'a=mid:0',
        'a=ice-ufrag:ours',
        'a=ice-pwd:ourPasswordIsLongEnough',
        'a=fingerprint:sha-256 AA:BB',
        'a=setup:passive',
        'a=candidate:1 1 udp 2130706431 192.0.2.99 40002 typ host',
        'a=end-of-candidates',
        'a=rtcp-mux',
        'a=sendrecv',
        'a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid',
        'a=rtpmap:0 PCMU/8000',
        'a=rtpmap:126 telephone-event/8000',
        'a=fmtp:126 0-15',
        'a=ptime:20',
        'a=msid:callin-edge audio',
        'a=ssrc:77 cname:callin-edge',
        '',
      ].join('\r\n'),
    );
  });

  test('rejects video and the data channel in their places', () => {
    const parsed = parseSdp(answer(FIREFOX_OFFER));
    if (!parsed.ok) throw new Error(parsed.code);
    expect(parsed.session.media.map(({ kind, port, mid }) => [kind, port, mid])).toEqual([
      ['audio', 40_002, '0'],
      ['video', 0, '1'],
      ['application', 0, '2'],
    ]);
    expect(parsed.session.bundles).toEqual([['0']]);
  });

  test('to a browser that holds the call sends nothing and names no stream', () => {
    const held = answer(CHROMIUM_OFFER.replace('a=sendrecv', 'a=sendonly'));
    expect(held).toContain('a=recvonly\r\n');
    expect(held).not.toContain('a=ssrc:');
  });

  test('has no group where none was offered, and the family of its address', () => {
    const text = answer(CHROMIUM_OFFER.replace('a=group:BUNDLE 0\r\n', ''), { ...LOCAL, address: '2001:db8::9' });
    expect(text).not.toContain('BUNDLE');
    expect(text).toContain('c=IN IP6 2001:db8::9\r\n');
  });
});

function answer(offer: string, local = LOCAL): string {
  const reading = readBrowserOffer(offer, 'PCMU');
  if (!reading.ok) throw new Error(`${reading.fault}: ${reading.detail}`);
  return printBrowserAnswer(reading.offer, local, { sessionId: 5, version: 1 });
}
