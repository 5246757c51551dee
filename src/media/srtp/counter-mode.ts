// Hot path: AES in counter mode with HMAC-SHA1 (RFC 3711 sections 4.1.1 and 4.2.1).
//
// The key stream is made by one AES-ECB object per kind of packet, which lives as long as the key: a cipher object per packet, as Node's counter
// mode needs, costs twice as much. SHA-1 is asked for in one call for the same reason, over a block that begins with the key of HMAC.

import { type Cipheriv, createCipheriv, hash } from 'node:crypto';
import { deriveKeys, type MasterKey, type SessionKeys, type SrtpProfile } from './keys.ts';
import type { SrtpTransform } from './transform.ts';
import {
  ENCRYPTED_BIT,
  RTCP_CLEAR_BYTES,
  RTCP_INDEX_BYTES,
  sameBytes,
  SRTP_PACKET_BYTES_MAX,
  xorUint16,
  xorUint32,
} from './wire.ts';

/** Also where RTP has the short one (RFC 3711 section 5.2: SRTCP's is not shortened). */
const RTCP_TAG_BYTES = 10;

export class CounterModeTransform implements SrtpTransform {
  readonly rtpTrailerBytes: number;
  readonly rtcpTrailerBytes = RTCP_INDEX_BYTES + RTCP_TAG_BYTES;
  readonly bytesBehindMki: number;
  readonly rtcpBytesBehindMki = RTCP_TAG_BYTES;

  readonly #rtp: KeyStream;
  readonly #rtcp: KeyStream;
  readonly #rtpHmac: HmacSha1;
  readonly #rtcpHmac: HmacSha1;

  constructor(profile: SrtpProfile, master: MasterKey, rtpTagBytes: number) {
    this.rtpTrailerBytes = rtpTagBytes;
    this.bytesBehindMki = rtpTagBytes;
    const rtp = deriveKeys(profile, master, 'rtp');
    const rtcp = deriveKeys(profile, master, 'rtcp');
    this.#rtp = new KeyStream(rtp);
    this.#rtcp = new KeyStream(rtcp);
    this.#rtpHmac = new HmacSha1(rtp.authentication);
    this.#rtcpHmac = new HmacSha1(rtcp.authentication);
  }

  sealRtp(out: Buffer, start: number, end: number, ssrc: number, index: number): number {
    this.#rtp.rtpBlock(ssrc, index);
    this.#rtp.xor(out, start, end);
    this.#rtpHmac.rtp(out, end, rollOverCounter(index)).copy(out, end, 0, this.rtpTrailerBytes);
    return end + this.rtpTrailerBytes;
  }

  openRtp(packet: Buffer, start: number, ssrc: number, index: number, out: Buffer): number {
    const end = packet.length - this.rtpTrailerBytes;
    const tag = this.#rtpHmac.rtp(packet, end, rollOverCounter(index));
    if (!sameBytes(packet, end, tag, 0, this.rtpTrailerBytes)) return -1;
    packet.copy(out, 0, 0, end);
    this.#rtp.rtpBlock(ssrc, index);
    this.#rtp.xor(out, start, end);
    return end;
  }

  sealRtcp(out: Buffer, end: number, ssrc: number, index: number): number {
    this.#rtcp.rtcpBlock(ssrc, index);
    this.#rtcp.xor(out, RTCP_CLEAR_BYTES, end);
    const signed = out.writeUInt32BE((index | ENCRYPTED_BIT) >>> 0, end);
    this.#rtcpHmac.rtcp(out, signed).copy(out, signed, 0, RTCP_TAG_BYTES);
    return signed + RTCP_TAG_BYTES;
  }

  rtcpWord(packet: Buffer): number {
    return packet.readUInt32BE(packet.length - this.rtcpTrailerBytes);
  }

  openRtcp(packet: Buffer, ssrc: number, index: number, out: Buffer): number {
    const signed = packet.length - RTCP_TAG_BYTES;
    if (!sameBytes(packet, signed, this.#rtcpHmac.rtcp(packet, signed), 0, RTCP_TAG_BYTES)) return -1;
    const end = signed - RTCP_INDEX_BYTES;
    packet.copy(out, 0, 0, end);
    this.#rtcp.rtcpBlock(ssrc, index);
    this.#rtcp.xor(out, RTCP_CLEAR_BYTES, end);
    return end;
  }
}

const BLOCK_BYTES = 16;
const BLOCKS_MAX = Math.ceil(SRTP_PACKET_BYTES_MAX / BLOCK_BYTES);

/** What packets of one kind are XORed with. */
export class KeyStream {
  readonly #salt: Buffer;
  readonly #aes: Cipheriv;
  readonly #block = Buffer.alloc(BLOCK_BYTES);
  readonly #blocks = Buffer.alloc(BLOCKS_MAX * BLOCK_BYTES);
  /** Views on the first blocks, so that none is made per packet. */
  readonly #firstBlocks = Array.from({ length: BLOCKS_MAX + 1 }, (_, count) =>
    this.#blocks.subarray(0, count * BLOCK_BYTES),
  );

  constructor({ key, salt }: SessionKeys) {
    this.#salt = salt;
    this.#aes = createCipheriv(`aes-${key.length * 8}-ecb`, key, null).setAutoPadding(false);
  }

  /** Salt XOR ssrc at byte 4 XOR index at byte 8; the last two bytes count blocks. */
  rtpBlock(ssrc: number, index: number): void {
    this.#startBlock(ssrc);
    xorUint32(this.#block, 8, rollOverCounter(index));
    xorUint16(this.#block, 12, index % 0x1_0000);
  }

  /** The same with the SRTCP index of 31 bits. */
  rtcpBlock(ssrc: number, index: number): void {
    this.#startBlock(ssrc);
    xorUint32(this.#block, 10, index);
  }

  xor(bytes: Buffer, start: number, end: number): void {
    if (end <= start) return;
    const count = Math.ceil((end - start) / BLOCK_BYTES);
    const [block, blocks] = [this.#block, this.#blocks];
    for (let number = 0, at = 0; number < count; number++) {
      for (let i = 0; i < BLOCK_BYTES - 1; i++) blocks[at++] = block[i]!;
      // Packets have fewer than 256 blocks.
      blocks[at++] = number;
    }
    const stream = this.#aes.update(this.#firstBlocks[count]!);
    for (let at = start, i = 0; at < end; at++, i++) bytes[at]! ^= stream[i]!;
  }

  #startBlock(ssrc: number): void {
    this.#block.fill(0);
    this.#salt.copy(this.#block);
    xorUint32(this.#block, 4, ssrc);
  }
}

const SHA1_BLOCK_BYTES = 64;
const SHA1_BYTES = 20;
const ROLL_OVER_BYTES = 4;

/** RFC 2104. */
export class HmacSha1 {
  readonly #inner = Buffer.alloc(SHA1_BLOCK_BYTES + SRTP_PACKET_BYTES_MAX + ROLL_OVER_BYTES);
  readonly #outer = Buffer.alloc(SHA1_BLOCK_BYTES + SHA1_BYTES);

  constructor(key: Buffer) {
    for (let i = 0; i < SHA1_BLOCK_BYTES; i++) {
      this.#inner[i] = (key[i] ?? 0) ^ 0x36;
      this.#outer[i] = (key[i] ?? 0) ^ 0x5c;
    }
  }

  rtp(bytes: Buffer, end: number, counter: number): Buffer {
    bytes.copy(this.#inner, SHA1_BLOCK_BYTES, 0, end);
    return this.#digest(this.#inner.writeUInt32BE(counter, SHA1_BLOCK_BYTES + end));
  }

  rtcp(bytes: Buffer, end: number): Buffer {
    bytes.copy(this.#inner, SHA1_BLOCK_BYTES, 0, end);
    return this.#digest(SHA1_BLOCK_BYTES + end);
  }

  #digest(end: number): Buffer {
    hash('sha1', this.#inner.subarray(0, end), 'buffer').copy(this.#outer, SHA1_BLOCK_BYTES);
    return hash('sha1', this.#outer, 'buffer');
  }
}

function rollOverCounter(index: number): number {
  return Math.floor(index / 0x1_0000) >>> 0;
}
