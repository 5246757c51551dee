import { describe, expect, test } from 'vitest';
import { createRandom } from '../../src/phone/random.ts';
import { type BrowserOffer, parseSdp, readBrowserOffer, readBrowserReoffer } from '../../src/sdp/index.ts';
import { CARRIER_OFFER, SECURE_OFFER } from './fixtures.ts';
import { CHROMIUM_OFFER, FIREFOX_OFFER } from './browser-fixtures.ts';

describe("a browser's offer", () => {
  test('of Chromium is read: credentials, certificate, stream and codec', () => {
    const { remote, parameters, media } = read(CHROMIUM_OFFER);
    expect(media.kind).toBe('audio');
    expect(remote).toEqual({
      iceUfrag: 'EsAw',
      icePwd: 'P2uYro0UCOQ4zxjKXaWCBui1',
      fingerprints: [{ algorithm: 'sha-256', value: expect.stringMatching(/^10:11:.*:2F$/) }],
      ssrc: 3_570_614_608,
      mid: '0',
      midExtension: 4,
    });
    expect(parameters).toEqual({
      remoteAddress: '',
      remotePort: 0,
      rtcpMux: true,
      codec: 'PCMU',
      payloadType: 0,
      receivePayloadType: 0,
      telephoneEventPayloadType: 126,
      receiveTelephoneEventPayloadType: 126,
      direction: 'sendrecv',
    });
  });

  test('of Firefox is read: what stands above the sections applies, hex may be lower case', () => {
    const { remote, parameters } = read(FIREFOX_OFFER);
    expect(remote.fingerprints[0]?.value).toMatch(/^10:11:.*:2F$/);
    expect(remote).toMatchObject({ iceUfrag: 'a9b8c7d6', ssrc: 1_882_493_424, mid: '0', midExtension: 3 });
    expect(parameters.telephoneEventPayloadType).toBe(101);
  });

  test.each([
    ['PCMU', 'PCMU', 0],
    ['PCMA', 'PCMA', 8],
  ] as const)('takes the codec of an agent that speaks %s', (agent, codec, payloadType) => {
    expect(read(CHROMIUM_OFFER, agent).parameters).toMatchObject({ codec, payloadType });
  });

  test('takes the other G.711 where the agent’s is not offered', () => {
    const offer = CHROMIUM_OFFER.replace('9 0 8 13', '9 8 13').replace('a=rtpmap:0 PCMU/8000\r\n', '');
    expect(read(offer, 'PCMU').parameters).toMatchObject({ codec: 'PCMA', payloadType: 8 });
  });

  test.each([
    ['sendonly', 'recvonly'],
    ['recvonly', 'sendonly'],
    ['inactive', 'inactive'],
  ])('that is %s has us %s', (theirs, ours) => {
    expect(read(CHROMIUM_OFFER.replace('a=sendrecv', `a=${theirs}`)).parameters.direction).toBe(ours);
  });

  test('with its audio in a bundle of another section is read', () => {
    const bundleOnly = CHROMIUM_OFFER.replace('m=audio 54321', 'm=audio 0').replace(
      'a=mid:0',
      'a=mid:0\r\na=bundle-only',
    );
    expect(read(bundleOnly).media.mid).toBe('0');
  });

  const without = (line: RegExp) => CHROMIUM_OFFER.replace(line, '');
  test.each([
    ['no text at all', '', 'bad_sdp', 'bad_offer'],
    ['plain RTP', CARRIER_OFFER, 'plain_rtp', 'encryption_mismatch'],
    ['SDES keys', SECURE_OFFER, 'no_fingerprint', 'encryption_mismatch'],
    ['no fingerprint', without(/a=fingerprint.*\r\n/), 'no_fingerprint', 'encryption_mismatch'],
    [
      'a fingerprint of SHA-1',
      CHROMIUM_OFFER.replace(/sha-256 .*/, `sha-1 ${'AA:'.repeat(19)}AA`),
      'no_fingerprint',
      'encryption_mismatch',
    ],
    [
      'a fingerprint that is too short',
      CHROMIUM_OFFER.replace(/sha-256 .*/, 'sha-256 AA:BB'),
      'no_fingerprint',
      'encryption_mismatch',
    ],
    ['another protocol', CHROMIUM_OFFER.replace('UDP/TLS/RTP/SAVPF', 'UDP/DTLS/SCTP'), 'unknown_protocol', 'bad_offer'],
    ['video only', CHROMIUM_OFFER.replace('m=audio', 'm=video'), 'no_audio', 'bad_offer'],
    ['audio switched off', CHROMIUM_OFFER.replace('m=audio 54321', 'm=audio 0'), 'no_audio', 'bad_offer'],
    [
      'a browser that would be the DTLS server',
      CHROMIUM_OFFER.replace('actpass', 'passive'),
      'setup_unusable',
      'bad_offer',
    ],
    ['no DTLS role', without(/a=setup.*\r\n/), 'setup_unusable', 'bad_offer'],
    ['no ICE password', without(/a=ice-pwd.*\r\n/), 'no_ice_credentials', 'bad_offer'],
    [
      'a short ICE password',
      CHROMIUM_OFFER.replace(/a=ice-pwd:.*/, 'a=ice-pwd:short'),
      'no_ice_credentials',
      'bad_offer',
    ],
    ['ICE-lite', CHROMIUM_OFFER.replace('t=0 0', 't=0 0\r\na=ice-lite'), 'ice_lite', 'bad_offer'],
    ['RTCP apart', without(/a=rtcp-mux\r\n/), 'no_rtcp_mux', 'bad_offer'],
    ['Opus alone', CHROMIUM_OFFER.replace('111 63 9 0 8 13 110 126', '111'), 'no_common_codec', 'no_common_codec'],
  ])('with %s is refused by name', (_what, text, fault, reason) => {
    expect(readBrowserOffer(text, 'PCMU')).toMatchObject({ ok: false, fault, reason });
  });

  test('names what was offered where no codec fits', () => {
    const opus = CHROMIUM_OFFER.replace('111 63 9 0 8 13 110 126', '111 63');
    expect(readBrowserOffer(opus, 'PCMU')).toMatchObject({ detail: 'offered: OPUS RED' });
  });

  test('damaged at random is refused or read, and never throws', () => {
    const random = createRandom(20_261_125);
    let read = 0;
    for (let round = 0; round < 2000; round++) {
      const text = random.integer(2) === 0 ? CHROMIUM_OFFER : FIREFOX_OFFER;
      const at = random.integer(text.length);
      const damaged = text.slice(0, at) + '\r\na=:\0m'.slice(random.integer(7)) + text.slice(at + random.integer(9));
      const reading = readBrowserOffer(damaged, 'PCMU');
      if (!reading.ok) continue;
      read++;
      expect(reading.offer.remote.fingerprints.length).toBeGreaterThan(0);
      expect(reading.offer.remote.icePwd.length).toBeGreaterThanOrEqual(22);
    }
    expect(read).toBeGreaterThan(100);
    expect(read).toBeLessThan(2000);
  });
});

describe("a browser's offer within a call", () => {
  test('may change the direction', () => {
    const before = read(CHROMIUM_OFFER);
    const held = readBrowserReoffer(CHROMIUM_OFFER.replace('a=sendrecv', 'a=sendonly'), before);
    expect(held).toMatchObject({ ok: true, offer: { parameters: { direction: 'recvonly' } } });
  });

  test.each([
    ['restarts ICE', CHROMIUM_OFFER.replace('EsAw', 'NewU'), 'ice_restart'],
    ['has another certificate', CHROMIUM_OFFER.replace('10:11:', '11:10:'), 'dtls_restart'],
    [
      'drops the codec',
      CHROMIUM_OFFER.replace('9 0 8 13', '9 8 13').replace('a=rtpmap:0 PCMU/8000\r\n', ''),
      'codec_change',
    ],
    ['drops the certificate', CHROMIUM_OFFER.replace(/a=fingerprint.*\r\n/, ''), 'no_fingerprint'],
  ])('is refused where it %s', (_what, text, fault) => {
    expect(readBrowserReoffer(text, read(CHROMIUM_OFFER))).toMatchObject({ ok: false, fault });
  });
});

test('the extension and the groups of a description are bounded and typed', () => {
  const parsed = parseSdp(FIREFOX_OFFER);
  if (!parsed.ok) throw new Error(parsed.code);
  expect(parsed.session.bundles).toEqual([['0', '1', '2']]);
  expect(parsed.session.media[0]?.extensions.get(3)).toBe('urn:ietf:params:rtp-hdrext:sdes:mid');
  expect(parsed.session.media[1]?.transport).toMatchObject({ iceUfrag: null, setup: null });
});

function read(text: string, agentCodec: 'PCMU' | 'PCMA' = 'PCMU'): BrowserOffer {
  const reading = readBrowserOffer(text, agentCodec);
  if (!reading.ok) throw new Error(`${reading.fault}: ${reading.detail}`);
  return reading.offer;
}
