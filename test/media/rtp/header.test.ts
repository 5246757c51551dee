import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../../src/media/random.ts';
import { createRtpHeader, looksLikeRtcp, parseRtp, stampRtp } from '../../../src/media/rtp/header.ts';
import { rtpPacket } from '../support/rtp-peer.ts';

describe('RFC 3550 section 5.1: the RTP header', () => {
  const header = createRtpHeader();

  test('what is written is read', () => {
    const parts = { sequence: 65535, timestamp: 0xfffffff0, payloadType: 101, ssrc: 0xdeadbeef, marker: true };
    const bytes = rtpPacket({ ...parts, payload: Buffer.alloc(160, 7) });
    expect(parseRtp(bytes, header)).toBe(true);
    const signed = { timestamp: 0xfffffff0 | 0, ssrc: 0xdeadbeef | 0 };
    expect(header).toEqual({ ...parts, ...signed, payloadStart: 12, payloadEnd: 172 });
    stampRtp(bytes, 0, false, 0, 144);
    parseRtp(bytes, header);
    expect(header).toMatchObject({ sequence: 0, timestamp: 144, payloadType: 0, marker: false, ssrc: 0xdeadbeef | 0 });
  });

  test('the payload lies behind CSRCs and extension and before the padding', () => {
    const body = Buffer.from('0102030405060708bede00010a0b0c0dAABBCC000003', 'hex');
    const bytes = rtpPacket({ sequence: 1, timestamp: 2, payload: body });
    bytes[0] = 0x80 | 0x20 | 0x10 | 2;
    expect(parseRtp(bytes, header)).toBe(true);
    expect(bytes.subarray(header.payloadStart, header.payloadEnd).toString('hex')).toBe('aabbcc');
  });

  test.each([
    ['eleven bytes', 'hex:8000000100000002000000'],
    ['version 1', 'hex:400000010000000200000003'],
    ['more CSRCs than bytes', 'hex:8f0000010000000200000003'],
    ['an extension header that is cut', 'hex:900000010000000200000003bede'],
    ['an extension longer than the packet', 'hex:900000010000000200000003bede0002aaaaaaaa'],
    ['padding of zero', 'hex:a0000001000000020000000300'],
    ['padding into the header', 'hex:a0000001000000020000000305'],
  ])('refuses %s', (_, hex) => {
    expect(parseRtp(Buffer.from(hex.slice(4), 'hex'), header)).toBe(false);
  });

  test('20 000 random or damaged datagrams never throw and never point outside themselves', () => {
    const random = seededRandom(4711);
    const good = rtpPacket({ sequence: 1, timestamp: 1, payload: Buffer.alloc(160) });
    let accepted = 0;
    for (let round = 0; round < 20_000; round++) {
      const bytes = round % 2 === 0 ? Buffer.alloc(Math.floor(random() * 64)) : Buffer.from(good);
      const changes = round % 2 === 0 ? bytes.length : 3;
      for (let i = 0; i < changes; i++) bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
      if (!parseRtp(bytes, header)) continue;
      accepted++;
      expect(header.payloadStart >= 12 && header.payloadStart <= header.payloadEnd).toBe(true);
      expect(header.payloadEnd <= bytes.length).toBe(true);
    }
    expect(accepted).toBeGreaterThan(1000);
  });

  test('RFC 5761: the second byte tells RTCP from RTP on one port', () => {
    expect(looksLikeRtcp(Buffer.from([0x80, 200]))).toBe(true);
    expect(looksLikeRtcp(Buffer.from([0x80, 0x80 | 101]))).toBe(false);
    expect(looksLikeRtcp(Buffer.from([0x80]))).toBe(false);
  });
});
