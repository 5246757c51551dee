import { describe, expect, test } from 'vitest';
import { RtpHeader, SrtcpSession, SrtpSession as OtherSession } from 'werift';
import { SRTP_SUITES } from '../../../src/domain/srtp.ts';
import { packetIndex } from '../../../src/media/srtp/index-of.ts';
import { type MasterKey, PROFILE_SIZES, type SrtpProfile } from '../../../src/media/srtp/keys.ts';
import { ReplayWindow } from '../../../src/media/srtp/replay.ts';
import { SrtpReceiver } from '../../../src/media/srtp/receiver.ts';
import { SrtpSender } from '../../../src/media/srtp/sender.ts';
import { SrtpSession } from '../../../src/media/srtp/session.ts';
import { rtpPacket } from '../support/rtp-peer.ts';

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');
/** What werift calls those that it has. */
const WERIFT = { AES_CM_128_HMAC_SHA1_80: 1, AEAD_AES_128_GCM: 7 } as const;

describe.each(SRTP_SUITES)('a session of %s', (profile) => {
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
    const opened = Array.from({ length: 100 }, (_, index) =>
      ours.unprotectRtp(Buffer.from(theirs.protectRtp(packetOf(index, Buffer.alloc(160), 1000 + index)))),
    );
    expect(opened.filter((packet) => packet !== null)).toHaveLength(64);
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
    bytes.writeUInt32BE(5, profile.startsWith('AEAD') ? 56 : 46);
    expect(ours.unprotectRtcp(bytes)).toBeNull();
  });

  test.each([1, 4, 32])('a master key identifier of %i bytes stands in each packet, or it is not taken', (bytes) => {
    const key = keyOf(profile, 1);
    const mki = Buffer.alloc(bytes, 0xa7);
    const sender = new SrtpSender(profile, key);
    const receiver = new SrtpReceiver(profile, key, mki);
    const isGcm = profile.startsWith('AEAD');
    const tagBytes = profile.endsWith('_32') ? 4 : 10;
    const packet = Buffer.from(sender.protectRtp(packetOf(1)));
    const report = hex('80c80006 00000055 00000001 00000002 00000003 00000004 00000005');
    const compound = Buffer.from(sender.protectRtcp(report));
    expect(receiver.unprotectRtp(packet)).toBeNull();
    expect(receiver.unprotectRtcp(compound)).toBeNull();
    expect(receiver.unprotectRtp(inserted(packet, Buffer.alloc(bytes, 0xa8), isGcm ? 0 : tagBytes))).toBeNull();
    expect(receiver.unprotectRtp(inserted(packet, mki, isGcm ? 0 : tagBytes))).toEqual(packetOf(1));
    expect(receiver.unprotectRtcp(inserted(compound, mki, isGcm ? 0 : 10))).toEqual(report);
    for (const short of [Buffer.alloc(0), Buffer.alloc(bytes), Buffer.alloc(bytes + 12, 0x80)]) {
      expect([receiver.unprotectRtp(short), receiver.unprotectRtcp(short)]).toEqual([null, null]);
    }
  });
});

describe.each(['AES_CM_128_HMAC_SHA1_80', 'AEAD_AES_128_GCM'] as const)('%s', (profile) => {
  test('speaks with an implementation of others, RTP and RTCP, both ways', () => {
    const { keyBytes, saltBytes } = PROFILE_SIZES[profile];
    const [a, b] = [master(keyBytes, saltBytes, 1), master(keyBytes, saltBytes, 2)];
    const ours = new SrtpSession(profile, a, b);
    const config = {
      profile: WERIFT[profile],
      keys: {
        localMasterKey: Buffer.from(b.key),
        localMasterSalt: Buffer.from(b.salt),
        remoteMasterKey: Buffer.from(a.key),
        remoteMasterSalt: Buffer.from(a.salt),
      },
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

/** `bytesBehind`: how much of the packet stands behind what is put in. */
function inserted(packet: Buffer, mki: Buffer, bytesBehind: number): Buffer {
  const at = packet.length - bytesBehind;
  return Buffer.concat([packet.subarray(0, at), mki, packet.subarray(at)]);
}

function keyOf(profile: SrtpProfile, fill: number): MasterKey {
  const { keyBytes, saltBytes } = PROFILE_SIZES[profile];
  return master(keyBytes, saltBytes, fill);
}

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
