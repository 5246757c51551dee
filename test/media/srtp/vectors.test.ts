// Published vectors, byte for byte.

import { describe, expect, test } from 'vitest';
import { HmacSha1, KeyStream } from '../../../src/media/srtp/counter-mode.ts';
import { GcmKey } from '../../../src/media/srtp/gcm.ts';
import { deriveKeys } from '../../../src/media/srtp/keys.ts';
import { SrtpSession } from '../../../src/media/srtp/session.ts';

const hex = (text: string) => Buffer.from(text.replaceAll(/\s/g, ''), 'hex');
const NOTHING = Buffer.alloc(0);

describe('media 5: RFC 3711', () => {
  test('appendix B.2: key stream of AES in counter mode, over its last blocks too', () => {
    const stream = new KeyStream({
      key: hex('2B7E151628AED2A6ABF7158809CF4F3C'),
      salt: hex('F0F1F2F3F4F5F6F7F8F9FAFBFCFD'),
      authentication: NOTHING,
    });
    stream.rtpBlock(0, 0);
    const bytes = Buffer.alloc(48);
    stream.xor(bytes, 0, 48);
    expect(bytes).toEqual(
      hex('E03EAD0935C95E80E166B16DD92B4EB4 D23513162B02D0F72A43A2FE4A5F97AB 41E95B3BB0A2E8DD477901E4FCA894C0'),
    );
  });

  test('appendix B.3: key derivation', () => {
    const master = { key: hex('E1F97A0D3E018BE0D64FA32C06DE4139'), salt: hex('0EC675AD498AFEEBB6960B3AABE6') };
    const keys = deriveKeys('AES_CM_128_HMAC_SHA1_80', master, 'rtp');
    expect(keys.key).toEqual(hex('C61E7A93744F39EE10734AFE3FF7A087'));
    expect(keys.salt).toEqual(hex('30CBBC08863D8C85D49DB34A9AE1'));
    expect(keys.authentication).toEqual(hex('CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4'));
  });

  test('RFC 6188 section 7.2: key derivation with AES-256', () => {
    const master = {
      key: hex('f0f04914b513f2763a1b1fa130f10e29 98f6f6e43e4309d1e622a0e332b9f1b6'),
      salt: hex('3b04803de51ee7c96423ab5b78d2'),
    };
    const keys = deriveKeys('AEAD_AES_256_GCM', master, 'rtp');
    expect(keys.key).toEqual(hex('5ba1064e30ec51613cad926c5a28ef73 1ec7fb397f70a960653caf06554cd8c4'));
    // GCM takes 12 of the 14 bytes that the RFC lists.
    expect(keys.salt).toEqual(hex('fa31791685ca444a9e07c6c6'));
    expect(keys.authentication).toEqual(hex('fd9c32d39ed5fbb5a9dc96b30818454d1313dc05'));
  });

  test('RFC 2202 case 1: HMAC-SHA1', () => {
    const hmac = new HmacSha1(Buffer.alloc(20, 0x0b));
    expect(hmac.rtcp(Buffer.from('Hi There'), 8)).toEqual(hex('b617318655057264e28bc0b6fb378c8ef146be00'));
  });

  const plain = hex('800f1234 decafbad cafebabe abababab abababab abababab abababab');
  const master = { key: hex('e1f97a0d3e018be0d64fa32c06de4139'), salt: hex('0ec675ad498afeebb6960b3aabe6') };
  const secured = hex('800f1234 decafbad cafebabe 4e55dc4c e79978d8 8ca4d215 949d2402 b78d6acc 99ea179b 8dbb');

  test.each([
    ['AES_CM_128_HMAC_SHA1_80', secured],
    // RFC 4568 section 6.2.2: the same but for the tag, which is its first 32 bits.
    ['AES_CM_128_HMAC_SHA1_32', secured.subarray(0, 28 + 4)],
  ] as const)('a packet of libsrtp, %s', (suite, packet) => {
    const session = new SrtpSession(suite, master, master);
    expect(Buffer.from(session.protectRtp(plain))).toEqual(Buffer.from(packet));
    expect(session.unprotectRtp(Buffer.from(packet))).toEqual(plain);
  });

  test('a compound of libsrtp, AES_CM_128_HMAC_SHA1_80; SHA1_32 has the same tag', () => {
    const report = hex('81c8000b cafebabe abababab abababab abababab abababab');
    const compound = hex('81c8000b cafebabe 7128035b e487b9bd bef89041 f977a5a8 80000001 993e08cd 54d6c123 0798');
    for (const suite of ['AES_CM_128_HMAC_SHA1_80', 'AES_CM_128_HMAC_SHA1_32'] as const) {
      const session = new SrtpSession(suite, master, master);
      expect(Buffer.from(session.protectRtcp(report))).toEqual(compound);
      expect(session.unprotectRtcp(compound)).toEqual(report);
    }
  });
});

describe('media 5: RFC 7714', () => {
  const salt = hex('51756964 2070726f 2071756f');
  const key128 = hex('00010203 04050607 08090a0b 0c0d0e0f');
  const key256 = hex('00010203 04050607 08090a0b 0c0d0e0f 10111213 14151617 18191a1b 1c1d1e1f');
  const rtp = hex(`8040f17b 8041f8d3 5501a0b2 47616c6c 69612065 7374206f 6d6e6973
    20646976 69736120 696e2070 61727465 73207472 6573`);
  const rtcp = hex(`81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61
    deadbeef deadbeef deadbeef deadbeef deadbeef`);

  test.each([
    [
      '16.1.1',
      key128,
      `8040f17b 8041f8d3 5501a0b2 f24de3a3 fb34de6c acba861c 9d7e4bca be633bd5 0d294e6f 42a5f47a
       51c7d19b 36de3adf 8833899d 7f27beb1 6a9152cf 765ee439 0cce`,
    ],
    [
      '16.2.1',
      key256,
      `8040f17b 8041f8d3 5501a0b2 32b1de78 a822fe12 ef9f78fa 332e33aa b1801238 9a58e2f3 b50b2a02
       76ffae0f 1ba63799 b87b7aa3 db36dfff d6b0f9bb 7878d7a7 6c13`,
    ],
  ])('section %s: SRTP is sealed so, and opened', (_section, key, expected) => {
    const session = new GcmKey({ key, salt, authentication: NOTHING });
    const out = Buffer.concat([rtp, Buffer.alloc(16)]);
    session.rtpNonce(0x5501a0b2, 0xf17b);
    expect(session.seal(out, 12, rtp.length, out.subarray(0, 12))).toBe(out.length);
    expect(out).toEqual(hex(expected));
    const opened = Buffer.alloc(200);
    session.rtpNonce(0x5501a0b2, 0xf17b);
    expect(session.open(out, 12, rtp.length, out.subarray(0, 12), opened)).toBe(rtp.length);
    expect(opened.subarray(0, rtp.length)).toEqual(rtp);
  });

  test.each([
    [
      '17.1',
      key128,
      `81c8000d 4d617273 63e94885 dcdab67c a727d766 2f6b7e99 7ff5c0f7 6c06f32d c676a5f1 730d6fda
       4ce09b46 86303ded 0bb9275b c84aa458 96cf4d2f c5abf872 45d9eade`,
    ],
    [
      '17.3',
      key256,
      `81c8000d 4d617273 d50ae4d1 f5ce5d30 4ba297e4 7d470c28 2c3ece5d bffe0a50 a2eaa5c1 110555be
       8415f658 c61de047 6f1b6fad 1d1eb30c 4446839f 57ff6f6c b26ac3be`,
    ],
  ])('section %s: SRTCP is sealed so, and opened', (_section, key, expected) => {
    const session = new GcmKey({ key, salt, authentication: NOTHING });
    const aad = hex('81c8000d 4d617273 800005d4');
    const out = Buffer.concat([rtcp, Buffer.alloc(16)]);
    session.rtcpNonce(0x4d617273, 0x5d4);
    session.seal(out, 8, rtcp.length, aad);
    expect(out).toEqual(hex(expected));
    const opened = Buffer.alloc(200);
    session.rtcpNonce(0x4d617273, 0x5d4);
    expect(session.open(out, 8, rtcp.length, aad, opened)).toBe(rtcp.length);
    expect(opened.subarray(0, rtcp.length)).toEqual(rtcp);
  });

  test('a packet of libsrtp, AEAD_AES_128_GCM, from the master key on', () => {
    const plain = hex('800f1234 decafbad cafebabe abababab abababab abababab abababab');
    const master = { key: hex('000102030405060708090a0b0c0d0e0f'), salt: hex('a0a1a2a3a4a5a6a7a8a9aaab') };
    const secured = hex(
      '800f1234 decafbad cafebabe c5002ede 04cfdd2e b91159e0 880aa06e d2976826 f796b201 df3131a1 27e8a392',
    );
    const session = new SrtpSession('AEAD_AES_128_GCM', master, master);
    expect(Buffer.from(session.protectRtp(plain))).toEqual(secured);
    expect(session.unprotectRtp(secured)).toEqual(plain);
  });
});
