// Hot path: SRTP and SRTCP of one session (RFC 3711; AES-GCM: RFC 7714), both directions, whole packets in and out.
//
//  SRTP   | RTP header (clear) | payload (encrypted) | tag |
//  SRTCP  | first 8 bytes (clear) | rest (encrypted) | E + index 31 | tag |      HMAC-SHA1
//         | first 8 bytes (clear) | rest (encrypted) | tag | E + index 31 |      GCM
//
// Invariants
//   V1. A packet that is not authentic, was received before, or is older than the replay window changes nothing: null.
//   V2. An index is used once per key: sequence numbers given to `protectRtp` do not repeat within a cycle, and the roll-over counter
//       follows them (RFC 3711 section 3.3.1).
//   V3. At most SSRC_MAX sources of a peer are followed, so that an authentic peer cannot make us keep state without end.
//   V4. Unencrypted SRTCP (E = 0) is refused, although the RFC allows it.
//   V5. Results are valid until the next call: both directions write into buffers of their own.

import { createCipheriv, createDecipheriv, createHmac, timingSafeEqual } from 'node:crypto';
import { RTP_HEADER_BYTES } from '../rtp/header.ts';
import { packetIndex } from './index-of.ts';
import { deriveKeys, type MasterKey, PROFILE_SIZES, type SessionKeys, type SrtpProfile } from './keys.ts';
import { ReplayWindow } from './replay.ts';

const RTCP_CLEAR_BYTES = 8;
const RTCP_INDEX_BYTES = 4;
const ENCRYPTED_BIT = 0x8000_0000;
const SSRC_MAX = 8;
/** Longest packet taken or made; RTP_PACKET_BYTES_MAX and what SRTP adds. */
const PACKET_BYTES_MAX = 1540;

interface Source {
  readonly window: ReplayWindow;
}

export class SrtpSession {
  readonly #gcm: boolean;
  readonly #tagBytes: number;
  readonly #sendRtp: SessionKeys;
  readonly #sendRtcp: SessionKeys;
  readonly #receiveRtp: SessionKeys;
  readonly #receiveRtcp: SessionKeys;
  readonly #sources = new Map<number, Source>();
  readonly #rtcpWindow = new ReplayWindow();
  readonly #out = Buffer.alloc(PACKET_BYTES_MAX);
  readonly #in = Buffer.alloc(PACKET_BYTES_MAX);
  readonly #iv: Buffer;
  readonly #roc = Buffer.alloc(4);
  #sentIndex = -1;
  #sentRtcpIndex = 0;

  constructor(profile: SrtpProfile, send: MasterKey, receive: MasterKey) {
    this.#gcm = profile === 'AEAD_AES_128_GCM';
    this.#tagBytes = PROFILE_SIZES[profile].tagBytes;
    this.#iv = Buffer.alloc(this.#gcm ? 12 : 16);
    this.#sendRtp = deriveKeys(profile, send, 'rtp');
    this.#sendRtcp = deriveKeys(profile, send, 'rtcp');
    this.#receiveRtp = deriveKeys(profile, receive, 'rtp');
    this.#receiveRtcp = deriveKeys(profile, receive, 'rtcp');
  }

  /** A packet of our one source, without CSRCs or extension. */
  protectRtp(packet: Buffer): Buffer {
    const index = packetIndex(this.#sentIndex, packet.readUInt16BE(2));
    if (index > this.#sentIndex) this.#sentIndex = index;
    const out = this.#out;
    packet.copy(out);
    const end = packet.length;
    this.#rtpIv(this.#sendRtp, packet.readUInt32BE(8), index);
    if (this.#gcm) return this.#seal(this.#sendRtp.key, RTP_HEADER_BYTES, end);
    this.#counterMode(this.#sendRtp.key, out, RTP_HEADER_BYTES, end);
    this.#rtpTag(this.#sendRtp, out.subarray(0, end), index).copy(out, end, 0, this.#tagBytes);
    return out.subarray(0, end + this.#tagBytes);
  }

  protectRtcp(packet: Buffer): Buffer {
    this.#sentRtcpIndex = (this.#sentRtcpIndex + 1) % ENCRYPTED_BIT;
    const index = this.#sentRtcpIndex;
    const out = this.#out;
    packet.copy(out);
    const end = packet.length;
    this.#rtcpIv(this.#sendRtcp, packet.readUInt32BE(4), index);
    if (this.#gcm) {
      const sealed = this.#seal(this.#sendRtcp.key, RTCP_CLEAR_BYTES, end, rtcpWord(index));
      out.writeUInt32BE((index | ENCRYPTED_BIT) >>> 0, sealed.length);
      return out.subarray(0, sealed.length + RTCP_INDEX_BYTES);
    }
    this.#counterMode(this.#sendRtcp.key, out, RTCP_CLEAR_BYTES, end);
    out.writeUInt32BE((index | ENCRYPTED_BIT) >>> 0, end);
    const signed = out.subarray(0, end + RTCP_INDEX_BYTES);
    createHmac('sha1', this.#sendRtcp.authentication)
      .update(signed)
      .digest()
      .copy(out, signed.length, 0, this.#tagBytes);
    return out.subarray(0, signed.length + this.#tagBytes);
  }

  /** The RTP packet, or null (V1). */
  unprotectRtp(packet: Buffer): Buffer | null {
    const end = packet.length - this.#tagBytes;
    const start = rtpPayloadStart(packet, end);
    if (start === -1 || packet.length > PACKET_BYTES_MAX) return null;
    const ssrc = packet.readUInt32BE(8);
    const source = this.#sources.get(ssrc) ?? null;
    if (source === null && this.#sources.size === SSRC_MAX) return null;
    const index = packetIndex(source === null ? -1 : source.window.highest, packet.readUInt16BE(2));
    if (source !== null && !source.window.isNew(index)) return null;
    this.#rtpIv(this.#receiveRtp, ssrc, index);
    const opened = this.#gcm
      ? this.#open(this.#receiveRtp.key, packet, start, end, packet.subarray(0, start))
      : this.#checkRtp(packet, start, end, index);
    if (opened === null) return null;
    this.#note(source, ssrc, index);
    return opened;
  }

  /** The RTCP compound, or null (V1). */
  unprotectRtcp(packet: Buffer): Buffer | null {
    const end = packet.length - this.#tagBytes - RTCP_INDEX_BYTES;
    if (end < RTCP_CLEAR_BYTES || packet.length > PACKET_BYTES_MAX) return null;
    const word = packet.readUInt32BE(this.#gcm ? packet.length - RTCP_INDEX_BYTES : end);
    const index = word % ENCRYPTED_BIT;
    if (word < ENCRYPTED_BIT || !this.#rtcpWindow.isNew(index)) return null;
    this.#rtcpIv(this.#receiveRtcp, packet.readUInt32BE(4), index);
    const opened = this.#gcm
      ? this.#open(this.#receiveRtcp.key, packet, RTCP_CLEAR_BYTES, end, rtcpAad(packet, index))
      : this.#checkRtcp(packet, end);
    if (opened !== null) this.#rtcpWindow.note(index);
    return opened;
  }

  #note(source: Source | null, ssrc: number, index: number): void {
    const known = source ?? { window: new ReplayWindow() };
    if (source === null) this.#sources.set(ssrc, known);
    known.window.note(index);
  }

  #checkRtp(packet: Buffer, start: number, end: number, index: number): Buffer | null {
    const tag = this.#rtpTag(this.#receiveRtp, packet.subarray(0, end), index).subarray(0, this.#tagBytes);
    if (!timingSafeEqual(tag, packet.subarray(end))) return null;
    packet.copy(this.#in, 0, 0, end);
    this.#counterMode(this.#receiveRtp.key, this.#in, start, end);
    return this.#in.subarray(0, end);
  }

  #checkRtcp(packet: Buffer, end: number): Buffer | null {
    const signed = packet.subarray(0, end + RTCP_INDEX_BYTES);
    const tag = createHmac('sha1', this.#receiveRtcp.authentication).update(signed).digest();
    if (!timingSafeEqual(tag.subarray(0, this.#tagBytes), packet.subarray(signed.length))) return null;
    packet.copy(this.#in, 0, 0, end);
    this.#counterMode(this.#receiveRtcp.key, this.#in, RTCP_CLEAR_BYTES, end);
    return this.#in.subarray(0, end);
  }

  #rtpTag(keys: SessionKeys, signed: Buffer, index: number): Buffer {
    this.#roc.writeUInt32BE(Math.floor(index / 0x1_0000) >>> 0, 0);
    return createHmac('sha1', keys.authentication).update(signed).update(this.#roc).digest();
  }

  #counterMode(key: Buffer, bytes: Buffer, start: number, end: number): void {
    if (end > start) createCipheriv('aes-128-ctr', key, this.#iv).update(bytes.subarray(start, end)).copy(bytes, start);
  }

  /** GCM over `out[start, end)`, the tag behind it. `extra`: what is authenticated beside the clear bytes in front. */
  #seal(key: Buffer, start: number, end: number, extra: Buffer | null = null): Buffer {
    const out = this.#out;
    const cipher = createCipheriv('aes-128-gcm', key, this.#iv);
    const clear = out.subarray(0, start);
    cipher.setAAD(extra === null ? clear : Buffer.concat([clear, extra]));
    cipher.update(out.subarray(start, end)).copy(out, start);
    cipher.final();
    cipher.getAuthTag().copy(out, end);
    return out.subarray(0, end + this.#tagBytes);
  }

  #open(key: Buffer, packet: Buffer, start: number, end: number, aad: Buffer): Buffer | null {
    const decipher = createDecipheriv('aes-128-gcm', key, this.#iv, { authTagLength: this.#tagBytes });
    decipher.setAAD(aad);
    decipher.setAuthTag(packet.subarray(end, end + this.#tagBytes));
    const plain = decipher.update(packet.subarray(start, end));
    try {
      decipher.final();
    } catch (error) {
      // Not authentic; the error says no more.
      void error;
      return null;
    }
    packet.copy(this.#in, 0, 0, start);
    plain.copy(this.#in, start);
    return this.#in.subarray(0, end);
  }

  /** Counter mode: salt XOR ssrc at byte 4 XOR index at byte 8. GCM: salt XOR ssrc at byte 2 XOR roll-over counter and sequence at byte 6. */
  #rtpIv(keys: SessionKeys, ssrc: number, index: number): void {
    const iv = this.#iv.fill(0);
    keys.salt.copy(iv);
    const at = this.#gcm ? 2 : 4;
    xorUint32(iv, at, ssrc);
    xorUint32(iv, at + 4, Math.floor(index / 0x1_0000));
    xorUint16(iv, at + 8, index % 0x1_0000);
  }

  /** The same with the SRTCP index of 31 bits. */
  #rtcpIv(keys: SessionKeys, ssrc: number, index: number): void {
    const iv = this.#iv.fill(0);
    keys.salt.copy(iv);
    const at = this.#gcm ? 2 : 4;
    xorUint32(iv, at, ssrc);
    xorUint32(iv, at + 6, index);
  }
}

/** Where the payload begins; -1 = no RTP packet, or a header that ends behind `end`. */
function rtpPayloadStart(packet: Buffer, end: number): number {
  if (end < RTP_HEADER_BYTES || packet[0]! >> 6 !== 2) return -1;
  let start = RTP_HEADER_BYTES + (packet[0]! & 0x0f) * 4;
  if ((packet[0]! & 0x10) !== 0) {
    if (start + 4 > end) return -1;
    start += 4 + packet.readUInt16BE(start + 2) * 4;
  }
  return start > end ? -1 : start;
}

function rtcpWord(index: number): Buffer {
  const word = Buffer.alloc(RTCP_INDEX_BYTES);
  word.writeUInt32BE((index | ENCRYPTED_BIT) >>> 0, 0);
  return word;
}

function rtcpAad(packet: Buffer, index: number): Buffer {
  return Buffer.concat([packet.subarray(0, RTCP_CLEAR_BYTES), rtcpWord(index)]);
}

function xorUint32(bytes: Buffer, at: number, value: number): void {
  bytes[at]! ^= (value >>> 24) & 0xff;
  bytes[at + 1]! ^= (value >>> 16) & 0xff;
  bytes[at + 2]! ^= (value >>> 8) & 0xff;
  bytes[at + 3]! ^= value & 0xff;
}

function xorUint16(bytes: Buffer, at: number, value: number): void {
  bytes[at]! ^= value >>> 8;
  bytes[at + 1]! ^= value & 0xff;
}
