import { describe, expect, test } from 'vitest';
import { RtpHeader, SrtcpSession, SrtpSession as OtherSession } from 'werift';
import { packetIndex } from '../../../src/media/srtp/index-of.ts';
import { deriveKeys, type MasterKey, PROFILE_SIZES, type SrtpProfile } from '../../../src/media/srtp/keys.ts';
import { ReplayWindow } from '../../../src/media/srtp/replay.ts';
import { SrtpSession } from '../../../src/media/srtp/session.ts';
import { rtpPacket } from '../support/rtp-peer.ts';

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');
const PROFILES: readonly SrtpProfile[] = ['AES_CM_128_HMAC_SHA1_80', 'AEAD_AES_128_GCM'];

describe('key derivation', () => {
  test('gives the keys of RFC 3711 appendix B.3', () => {
    const master = { key: hex('E1F97A0D3E018BE0D64FA32C06DE4139'), salt: hex('0EC675AD498AFEEBB6960B3AABE6') };
    const keys = deriveKeys('AES_CM_128_HMAC_SHA1_80', master, 'rtp');
    expect(keys.key).toEqual(hex('C61E7A93744F39EE10734AFE3FF7A087'));
    expect(keys.salt).toEqual(hex('30CBBC08863D8C85D49DB34A9AE1'));
    expect(keys.authentication).toEqual(hex('CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4'));
  });
});

describe('published packets', () => {
  const plain = hex('800f1234 decafbad cafebabe abababab abababab abababab abababab');

  test('AES_CM_128_HMAC_SHA1_80', () => {
    const master = { key: hex('e1f97a0d3e018be0d64fa32c06de4139'), salt: hex('0ec675ad498afeebb6960b3aabe6') };
    const secured = hex('800f1234 decafbad cafebabe 4e55dc4c e79978d8 8ca4d215 949d2402 b78d6acc 99ea179b 8dbb');
    const session = new SrtpSession('AES_CM_128_HMAC_SHA1_80', master, master);
    expect(Buffer.from(session.protectRtp(plain))).toEqual(secured);
    expect(session.unprotectRtp(secured)).toEqual(plain);
  });

  test('AEAD_AES_128_GCM', () => {
    const master = { key: hex('000102030405060708090a0b0c0d0e0f'), salt: hex('a0a1a2a3a4a5a6a7a8a9aaab') };
    const secured = hex(
      '800f1234 decafbad cafebabe c5002ede 04cfdd2e b91159e0 880aa06e d2976826 f796b201 df3131a1 27e8a392',
    );
    const session = new SrtpSession('AEAD_AES_128_GCM', master, master);
    expect(Buffer.from(session.protectRtp(plain))).toEqual(secured);
    expect(session.unprotectRtp(secured)).toEqual(plain);
  });
});

describe.each(PROFILES)('a session of %s', (profile) => {
  test('opens what the other side closed; the header stays readable', () => {
    const [ours, theirs] = pair(profile);
    for (const packet of [packetOf(1), packetOf(2, Buffer.alloc(0)), packetOf(3, Buffer.alloc(480, 7))]) {
      const secured = Buffer.from(theirs.protectRtp(packet));
      expect(secured.subarray(0, 12)).toEqual(packet.subarray(0, 12));
      expect(secured.indexOf(packet.subarray(12))).toBe(packet.length === 12 ? 0 : -1);
      expect(ours.unprotectRtp(secured)).toEqual(packet);
    }
  });

  test('refuses a packet that was changed anywhere, and takes the right one after it', () => {
    const [ours, theirs] = pair(profile);
    const secured = Buffer.from(theirs.protectRtp(packetOf(7)));
    for (const at of [1, 3, 7, 11, 12, 100, secured.length - 1]) {
      const changed = Buffer.from(secured);
      changed[at]! ^= 1;
      expect(ours.unprotectRtp(changed), `byte ${at}`).toBeNull();
    }
    expect(ours.unprotectRtp(secured)).toEqual(packetOf(7));
  });

  test('refuses what is too short, too long or no RTP', () => {
    const [ours] = pair(profile);
    for (const bytes of [
      Buffer.alloc(0),
      Buffer.alloc(11, 0x80),
      Buffer.alloc(24, 0x80),
      Buffer.alloc(1600, 0x80),
      Buffer.alloc(60),
    ]) {
      expect(ours.unprotectRtp(bytes)).toBeNull();
      expect(ours.unprotectRtcp(bytes)).toBeNull();
    }
  });

  test('takes every packet once, in any order within the window', () => {
    const [ours, theirs] = pair(profile);
    const secured = Array.from({ length: 200 }, (_, index) => Buffer.from(theirs.protectRtp(packetOf(index))));
    expect(ours.unprotectRtp(secured[100]!)).not.toBeNull();
    expect(ours.unprotectRtp(secured[100]!)).toBeNull();
    expect(ours.unprotectRtp(secured[50]!)).not.toBeNull();
    expect(ours.unprotectRtp(secured[50]!)).toBeNull();
    expect(ours.unprotectRtp(secured[199]!)).not.toBeNull();
    expect(ours.unprotectRtp(secured[60]!), 'older than the window').toBeNull();
    expect(ours.unprotectRtp(secured[150]!)).not.toBeNull();
  });

  test('follows the sequence over its wrap, past lost packets, for three cycles', () => {
    const [ours, theirs] = pair(profile);
    for (let index = 0; index < 3 * 65_536; index += 1) {
      if (index % 997 > 3 && index % 65_536 > 20) continue;
      const packet = packetOf(index & 0xffff);
      expect(ours.unprotectRtp(Buffer.from(theirs.protectRtp(packet)))).toEqual(packet);
    }
  });

  test('follows few sources only', () => {
    const [ours, theirs] = pair(profile);
    const opened = Array.from({ length: 20 }, (_, index) =>
      ours.unprotectRtp(Buffer.from(theirs.protectRtp(packetOf(index, Buffer.alloc(160), 1000 + index)))),
    );
    expect(opened.filter((packet) => packet !== null)).toHaveLength(8);
  });

  test('carries RTCP, once each, encrypted', () => {
    const [ours, theirs] = pair(profile);
    const report = hex('81c90007 00000055 00000000 00000000 00000000 00000000 00000000 00000000');
    const secured = Buffer.from(theirs.protectRtcp(report));
    expect(secured.subarray(8, report.length)).not.toEqual(report.subarray(8));
    expect(ours.unprotectRtcp(secured)).toEqual(report);
    expect(ours.unprotectRtcp(secured)).toBeNull();
    const changed = Buffer.from(theirs.protectRtcp(report));
    changed[20]! ^= 1;
    expect(ours.unprotectRtcp(changed)).toBeNull();
    expect(ours.unprotectRtcp(Buffer.from(theirs.protectRtcp(report)))).toEqual(report);
  });

  test('refuses RTCP that is not encrypted', () => {
    const [ours] = pair(profile);
    const bytes = Buffer.alloc(60, 0x11);
    bytes.writeUInt32BE(5, profile === 'AEAD_AES_128_GCM' ? 56 : 46);
    expect(ours.unprotectRtcp(bytes)).toBeNull();
  });

  test('speaks with an implementation of others, RTP and RTCP, both ways', () => {
    const { keyBytes, saltBytes } = PROFILE_SIZES[profile];
    const [a, b] = [master(keyBytes, saltBytes, 1), master(keyBytes, saltBytes, 2)];
    const ours = new SrtpSession(profile, a, b);
    const config = {
      profile: profile === 'AEAD_AES_128_GCM' ? (7 as const) : (1 as const),
      keys: { localMasterKey: b.key, localMasterSalt: b.salt, remoteMasterKey: a.key, remoteMasterSalt: a.salt },
    };
    const other = new OtherSession(config);
    const otherControl = new SrtcpSession(config);
    for (const sequence of [65_533, 65_534, 65_535, 0, 1]) {
      const packet = packetOf(sequence);
      expect(other.decrypt(Buffer.from(ours.protectRtp(packet)))).toEqual(packet);
      const header = RtpHeader.deSerialize(packet);
      expect(ours.unprotectRtp(other.encrypt(packet.subarray(12), header))).toEqual(packet);
    }
    const extended = Buffer.concat([packetOf(2).subarray(0, 12), hex('bede0001 10300000'), Buffer.alloc(160, 9)]);
    extended[0]! |= 0x10;
    const secured = other.encrypt(extended.subarray(20), RtpHeader.deSerialize(extended));
    expect(ours.unprotectRtp(secured)?.subarray(-160)).toEqual(Buffer.alloc(160, 9));
    const report = hex('80c80006 00000055 00000001 00000002 00000003 00000004 00000005');
    expect(otherControl.decrypt(Buffer.from(ours.protectRtcp(report)))).toEqual(report);
    expect(ours.unprotectRtcp(otherControl.encrypt(report))).toEqual(report);
  });
});

test('the index of a packet is the nearest to the highest one', () => {
  expect(packetIndex(-1, 65_530)).toBe(65_530);
  expect(packetIndex(65_535, 0)).toBe(65_536);
  expect(packetIndex(65_536, 65_535)).toBe(65_535);
  expect(packetIndex(5, 65_530), 'before the first cycle there is none').toBe(65_530);
  expect(packetIndex(200_000, 200_000 % 65_536)).toBe(200_000);
});

test('a replay window remembers 128 packets', () => {
  const window = new ReplayWindow();
  window.note(1000);
  expect([window.isNew(1000), window.isNew(999), window.isNew(873), window.isNew(872)]).toEqual([
    false,
    true,
    true,
    false,
  ]);
  window.note(873);
  window.note(1001);
  expect([window.isNew(873), window.isNew(874)]).toEqual([false, true]);
});

function pair(profile: SrtpProfile): [SrtpSession, SrtpSession] {
  const { keyBytes, saltBytes } = PROFILE_SIZES[profile];
  const [a, b] = [master(keyBytes, saltBytes, 1), master(keyBytes, saltBytes, 2)];
  return [new SrtpSession(profile, a, b), new SrtpSession(profile, b, a)];
}

function master(keyBytes: number, saltBytes: number, fill: number): MasterKey {
  return { key: Buffer.alloc(keyBytes, fill), salt: Buffer.alloc(saltBytes, fill + 0x40) };
}

function packetOf(sequence: number, payload = Buffer.alloc(160, sequence & 0xff), ssrc = 0x55): Buffer {
  return rtpPacket({ sequence, timestamp: sequence * 160, payload, payloadType: 0, ssrc });
}
