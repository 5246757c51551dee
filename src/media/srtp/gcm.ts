// Hot path: AES-GCM (RFC 7714). One cipher object per packet: Node's cannot be given another nonce.

import { createCipheriv, createDecipheriv, createSecretKey, type CipherGCMTypes, type KeyObject } from 'node:crypto';
import { deriveKeys, type MasterKey, type SessionKeys, type SrtpProfile } from './keys.ts';
import type { SrtpTransform } from './transform.ts';
import { ENCRYPTED_BIT, RTCP_CLEAR_BYTES, RTCP_INDEX_BYTES, xorUint16, xorUint32 } from './wire.ts';

const TAG_BYTES = 16;
const NONCE_BYTES = 12;
const TAG_LENGTH = { authTagLength: TAG_BYTES } as const;

export class GcmTransform implements SrtpTransform {
  readonly rtpTrailerBytes = TAG_BYTES;
  readonly rtcpTrailerBytes = TAG_BYTES + RTCP_INDEX_BYTES;
  readonly bytesBehindMki = 0;
  readonly rtcpBytesBehindMki = 0;

  readonly #rtp: GcmKey;
  readonly #rtcp: GcmKey;
  readonly #rtcpAad = Buffer.alloc(RTCP_CLEAR_BYTES + RTCP_INDEX_BYTES);

  constructor(profile: SrtpProfile, master: MasterKey) {
    this.#rtp = new GcmKey(deriveKeys(profile, master, 'rtp'));
    this.#rtcp = new GcmKey(deriveKeys(profile, master, 'rtcp'));
  }

  sealRtp(out: Buffer, start: number, end: number, ssrc: number, index: number): number {
    this.#rtp.rtpNonce(ssrc, index);
    return this.#rtp.seal(out, start, end, out.subarray(0, start));
  }

  openRtp(packet: Buffer, start: number, ssrc: number, index: number, out: Buffer): number {
    this.#rtp.rtpNonce(ssrc, index);
    return this.#rtp.open(packet, start, packet.length - TAG_BYTES, packet.subarray(0, start), out);
  }

  sealRtcp(out: Buffer, end: number, ssrc: number, index: number): number {
    const word = (index | ENCRYPTED_BIT) >>> 0;
    this.#rtcp.rtcpNonce(ssrc, index);
    const sealed = this.#rtcp.seal(out, RTCP_CLEAR_BYTES, end, this.#aadOf(out, word));
    return out.writeUInt32BE(word, sealed);
  }

  rtcpWord(packet: Buffer): number {
    return packet.readUInt32BE(packet.length - RTCP_INDEX_BYTES);
  }

  openRtcp(packet: Buffer, ssrc: number, index: number, out: Buffer): number {
    this.#rtcp.rtcpNonce(ssrc, index);
    const aad = this.#aadOf(packet, this.rtcpWord(packet));
    return this.#rtcp.open(packet, RTCP_CLEAR_BYTES, packet.length - this.rtcpTrailerBytes, aad, out);
  }

  /** RFC 7714 section 9.1: the clear bytes, then E and the index. */
  #aadOf(packet: Buffer, word: number): Buffer {
    packet.copy(this.#rtcpAad, 0, 0, RTCP_CLEAR_BYTES);
    this.#rtcpAad.writeUInt32BE(word, RTCP_CLEAR_BYTES);
    return this.#rtcpAad;
  }
}

/** Session key of one kind of packets, with the nonce of the packet at hand. */
export class GcmKey {
  readonly #key: KeyObject;
  readonly #cipher: CipherGCMTypes;
  readonly #salt: Buffer;
  readonly #nonce = Buffer.alloc(NONCE_BYTES);

  constructor({ key, salt }: SessionKeys) {
    this.#key = createSecretKey(key);
    this.#cipher = key.length === 32 ? 'aes-256-gcm' : 'aes-128-gcm';
    this.#salt = salt;
  }

  /** Salt XOR ssrc at byte 2 XOR roll-over counter and sequence at byte 6. */
  rtpNonce(ssrc: number, index: number): void {
    this.#startNonce(ssrc);
    xorUint32(this.#nonce, 6, Math.floor(index / 0x1_0000));
    xorUint16(this.#nonce, 10, index % 0x1_0000);
  }

  /** Salt XOR ssrc at byte 2 XOR the SRTCP index at byte 8. */
  rtcpNonce(ssrc: number, index: number): void {
    this.#startNonce(ssrc);
    xorUint32(this.#nonce, 8, index);
  }

  /** `out[start, end)` in place, the tag behind it; returns where that ends. */
  seal(out: Buffer, start: number, end: number, aad: Buffer): number {
    const cipher = createCipheriv(this.#cipher, this.#key, this.#nonce, TAG_LENGTH);
    cipher.setAAD(aad);
    cipher.update(out.subarray(start, end)).copy(out, start);
    cipher.final();
    cipher.getAuthTag().copy(out, end);
    return end + TAG_BYTES;
  }

  open(packet: Buffer, start: number, end: number, aad: Buffer, out: Buffer): number {
    const decipher = createDecipheriv(this.#cipher, this.#key, this.#nonce, TAG_LENGTH);
    decipher.setAAD(aad);
    decipher.setAuthTag(packet.subarray(end, end + TAG_BYTES));
    const plain = decipher.update(packet.subarray(start, end));
    try {
      decipher.final();
    } catch (error) {
      // Not authentic; the error says no more.
      void error;
      return -1;
    }
    packet.copy(out, 0, 0, start);
    plain.copy(out, start);
    return end;
  }

  #startNonce(ssrc: number): void {
    this.#salt.copy(this.#nonce);
    xorUint32(this.#nonce, 2, ssrc);
  }
}
