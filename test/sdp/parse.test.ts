import { describe, expect, test } from 'vitest';
import { parseSdp } from '../../src/sdp/parse.ts';
import type { SessionDescription } from '../../src/sdp/session.ts';
import { ALL_OFFERS, CARRIER_OFFER, MOBILE_OFFER, SECURE_OFFER, SLOPPY_OFFER } from './fixtures.ts';

describe('parseSdp', () => {
  test.each(Object.entries(ALL_OFFERS))('reads %s', (_name, text) => {
    expect(parseSdp(text).ok).toBe(true);
  });

  test('reads every part of a carrier offer that a call needs', () => {
    const session = parsed(CARRIER_OFFER);
    expect(session.origin).toEqual({
      username: 'BroadWorks',
      sessionId: '187654321',
      sessionVersion: '1',
      address: '203.0.113.20',
    });
    expect(session.connection).toEqual({ family: 4, address: '203.0.113.21' });
    expect(session.direction).toBe('sendrecv');
    expect(session.media).toHaveLength(1);
    expect(session.media[0]).toMatchObject({
      kind: 'audio',
      port: 23456,
      protocol: 'RTP/AVP',
      formats: ['9', '8', '0', '18', '101'],
      ptimeMs: 20,
      maxptimeMs: 150,
      rtcpMux: false,
      keyed: false,
    });
    expect(session.media[0]?.formatParameters.get(18)).toBe('annexb=no');
  });

  test('keeps clock rates and channels of rtpmaps, and the RTCP port', () => {
    const media = parsed(MOBILE_OFFER).media[0];
    expect(media?.rtpmaps.get(104)).toEqual({ encoding: 'AMR-WB', clockRateHz: 16000, channels: 1 });
    expect(media?.rtcpPort).toBe(30101);
  });

  test('tolerates bare line feeds, missing s= and t=, text ids and blanks', () => {
    const session = parsed(SLOPPY_OFFER);
    expect(session.origin.sessionId).toBe('session-1');
    expect(session.connection?.address).toBe('192.0.2.60');
    expect(session.media[0]?.formats).toEqual(['0', '8']);
  });

  test('notices keys in the section and above all sections', () => {
    expect(parsed(SECURE_OFFER).media[0]?.keyed).toBe(true);
    const above = CARRIER_OFFER.replace('t=0 0', 't=0 0\r\na=fingerprint:sha-256 AA:BB');
    expect(parsed(above).media[0]?.keyed).toBe(true);
  });

  test.each([
    ['', 'not_sdp'],
    ['hello', 'not_sdp'],
    ['v=1\r\n', 'not_sdp'],
    ['v=0\r\ns=-\r\n', 'bad_origin'],
    ['v=0\r\no=- 1 1 IN IP4\r\n', 'bad_origin'],
    ['v=0\r\no=- 1 1 IN IP4 a\r\nthis is no line\r\n', 'bad_line'],
    ['v=0\r\no=- 1 1 IN IP4 a\r\na=x\0y\r\n', 'bad_line'],
    ['v=0\r\no=- 1 1 IN IP4 a\r\nc=IN IP4 \r\n', 'bad_connection'],
    ['v=0\r\no=- 1 1 IN IP4 a\r\nc=IN IP4 2001:db8::1\r\n', 'bad_connection'],
    ['v=0\r\no=- 1 1 IN IP4 a\r\nc=ATM IP4 1.2.3.4\r\n', 'bad_connection'],
    ['v=0\r\no=- 1 1 IN IP4 a\r\nm=audio 70000 RTP/AVP 0\r\n', 'bad_media'],
    ['v=0\r\no=- 1 1 IN IP4 a\r\nm=audio x RTP/AVP 0\r\n', 'bad_media'],
    ['v=0\r\no=- 1 1 IN IP4 a\r\nm=audio 4000 RTP/AVP\r\n', 'bad_media'],
    ['v=0\r\no=- 1 1 IN IP4 a\r\nm=audio 4000 RTP/A\u0001P 0\r\n', 'bad_media'],
    [`v=0\r\no=- 1 1 IN IP4 a\r\n${'m=audio 4000 RTP/AVP 0\r\n'.repeat(17)}`, 'too_many_media'],
    [`v=0\r\no=- 1 1 IN IP4 a\r\n${'a=x\r\n'.repeat(4000)}`, 'too_large'],
  ])('refuses %j as %s', (text, code) => {
    expect(parseSdp(text)).toMatchObject({ ok: false, code });
  });
});

function parsed(text: string): SessionDescription {
  const outcome = parseSdp(text);
  if (!outcome.ok) throw new Error(`${outcome.code}: ${outcome.detail}`);
  return outcome.session;
}
