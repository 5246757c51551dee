// What comes to a media port: RTP, RTCP, SRTP, STUN, DTMF.

import { DtmfReceiver } from '../../../src/media/dtmf/receiver.ts';
import {
  RTP_PACKET_BYTES_MAX,
  createRtpHeader,
  looksLikeRtcp,
  parseRtp,
  writeRtpHeader,
} from '../../../src/media/rtp/header.ts';
import { RTCP_BYTES_MAX, buildRtcp, parseRtcp } from '../../../src/media/rtp/rtcp.ts';
import { PROFILE_SIZES, type SrtpProfile } from '../../../src/media/srtp/keys.ts';
import { SrtpSession } from '../../../src/media/srtp/session.ts';
import { looksLikeStun, readBindingRequest } from '../../../src/media/webrtc/stun.ts';
import { type FuzzTarget, promise } from '../harness.ts';

function rtpPacket(payload: Buffer, sequence = 1): Buffer {
  const bytes = Buffer.alloc(12 + payload.length);
  writeRtpHeader(bytes, { marker: false, payloadType: 0, sequence, timestamp: 160, ssrc: 0x1234 });
  payload.copy(bytes, 12);
  return bytes;
}

const plain = rtpPacket(Buffer.alloc(160, 0xd5));
/** One CSRC, an extension of one word, four bytes of padding. */
const rich = Buffer.from('b1800001000000a000001234000000aabede000110ff0000d5d5d5d500000004', 'hex');

const rtp: FuzzTarget = {
  name: 'rtp',
  tokens: ['\x80', '\x90', '\xb0', '\xbe\xde'],
  seeds: () => [plain, rich],
  check(input) {
    const header = createRtpHeader();
    if (!parseRtp(input, header)) return false;
    promise(header.payloadStart >= 12 && header.payloadStart <= header.payloadEnd, 'the payload is a range');
    promise(header.payloadEnd <= input.length && input.length <= RTP_PACKET_BYTES_MAX, 'inside the packet');
    promise(header.sequence >= 0 && header.sequence <= 0xffff && header.payloadType <= 127, 'fields have their size');
    return true;
  },
};

function compound(): Buffer {
  const bytes = Buffer.alloc(RTCP_BYTES_MAX);
  const block = {
    ssrc: 7,
    fractionLost: 1,
    cumulativeLost: -3,
    highestSequence: 70_000,
    jitter: 9,
    lastSr: 5,
    delaySinceLastSr: 6,
  };
  const sender = { wallMs: 1_700_000_000_000, rtpTimestamp: 1, packets: 2, octets: 3 };
  return bytes.subarray(0, buildRtcp(bytes, { ssrc: 1, sender, block, cname: 'c@example.com', bye: true }));
}

const rtcp: FuzzTarget = {
  name: 'rtcp',
  tokens: ['\x81\xc8', '\x81\xc9', '\x81\xca', '\x81\xcb', '\xa1\xc9'],
  seeds: () => [compound()],
  check(input) {
    looksLikeRtcp(input);
    const summary = parseRtcp(input, 7);
    if (summary?.report)
      promise(Number.isInteger(summary.report.jitter) && summary.report.jitter >= 0, 'a report is numbers');
    return summary !== null;
  },
};

function srtpTarget(profile: SrtpProfile): FuzzTarget {
  const { keyBytes, saltBytes } = PROFILE_SIZES[profile];
  const master = { key: Buffer.alloc(keyBytes, 1), salt: Buffer.alloc(saltBytes, 2) };
  const sender = new SrtpSession(profile, master, master);
  const rtpSealed = Buffer.from(sender.protectRtp(Buffer.from(plain)));
  const rtcpSealed = Buffer.from(sender.protectRtcp(compound()));
  return {
    name: `srtp-${profile.toLowerCase().replaceAll('_', '-')}`,
    tokens: [],
    seeds: () => [rtpSealed, rtcpSealed],
    check(input) {
      // A receiver of its own: a replay is refused, which is not what is looked at here.
      const receiver = new SrtpSession(profile, master, master);
      const isRtcp = looksLikeRtcp(input);
      const opened = isRtcp ? receiver.unprotectRtcp(Buffer.from(input)) : receiver.unprotectRtp(Buffer.from(input));
      if (opened === null) return false;
      promise(input.equals(rtpSealed) || input.equals(rtcpSealed), 'nothing but what was sealed can be opened');
      return true;
    },
  };
}

const CREDENTIALS = { username: 'us:them', password: 'password-of-22-letters' };

const stun: FuzzTarget = {
  name: 'stun',
  tokens: ['\x00\x06', '\x00\x08\x00\x14', '\x80\x28\x00\x04', '\x21\x12\xa4\x42'],
  // Without a right HMAC no input can be accepted: what is looked at is that none is, and none is slow.
  seeds: () => [
    Buffer.from(
      '0001001c2112a442000102030405060708090a0b000600077573 3a7468656d00002500000080280004aabbccdd'.replaceAll(' ', ''),
      'hex',
    ),
  ],
  check(input) {
    const reading = readBindingRequest(input, CREDENTIALS);
    promise(reading.kind === 'ignored', 'nobody is believed without the password');
    return looksLikeStun(input);
  },
};

const dtmf: FuzzTarget = {
  name: 'dtmf',
  tokens: ['\x80', '\xff\xff'],
  seeds: () => [Buffer.from('000000a0050a00a0000000a0050a0140000000a0058a01e0000000a0', 'hex')],
  check(input) {
    const receiver = new DtmfReceiver();
    let keys = 0;
    for (let at = 0; at + 8 <= input.length; at += 8) {
      const key = receiver.packet(input, at, at + 4, input.readUInt32BE(at + 4), (input[at] ?? 0) > 127);
      if (key === null) continue;
      promise(/^[0-9*#A-D]$/.test(key), 'a key is a key');
      keys += 1;
    }
    for (const end of [0, 1, 3, input.length]) receiver.packet(input, 0, Math.min(end, input.length), 0, false);
    return keys > 0;
  },
};

export const MEDIA_TARGETS: readonly FuzzTarget[] = [
  rtp,
  rtcp,
  ...(Object.keys(PROFILE_SIZES) as SrtpProfile[]).map(srtpTarget),
  stun,
  dtmf,
];
