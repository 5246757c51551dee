// Hot path: SRTP and SRTCP of the other side -> RTP and RTCP, under one key (RFC 3711, RFC 7714).
//
// Invariants
//   V1. A packet that is not authentic, was received before, or is older than the replay window changes nothing: null.
//   V2. At most SSRC_MAX sources of a peer are followed, so that an authentic peer cannot make us keep state without end. They are not
//       forgotten either: what was once received under this key is never taken again.
//   V3. Unencrypted SRTCP (E = 0) is refused, although the RFC allows it.
//   V4. A result is valid until the next call.

import { packetIndex } from './index-of.ts';
import type { MasterKey, SrtpProfile } from './keys.ts';
import { ReplayWindow } from './replay.ts';
import { createTransform, type SrtpTransform } from './transform.ts';
import { ENCRYPTED_BIT, RTCP_CLEAR_BYTES, rtpPayloadStart, sameBytes, SRTP_PACKET_BYTES_MAX } from './wire.ts';

/** A new one comes with each transfer or hold of some carriers; 64 are 15 kB. */
const SSRC_MAX = 64;

export class SrtpReceiver {
  readonly #transform: SrtpTransform;
  readonly #mki: Uint8Array | null;
  readonly #sources = new Map<number, ReplayWindow>();
  readonly #rtcpWindow = new ReplayWindow();
  readonly #out = Buffer.alloc(SRTP_PACKET_BYTES_MAX);
  /** The packet at hand without its MKI. */
  readonly #bare: Buffer;

  /** `mki`: stands in each packet; null = none. */
  constructor(profile: SrtpProfile, master: MasterKey, mki: Uint8Array | null = null) {
    this.#transform = createTransform(profile, master);
    this.#mki = mki;
    this.#bare = Buffer.alloc(mki === null ? 0 : SRTP_PACKET_BYTES_MAX);
  }

  /** The RTP packet, or null (V1). */
  unprotectRtp(given: Buffer): Buffer | null {
    const transform = this.#transform;
    const packet = this.#mki === null ? given : this.#withoutMki(given, this.#mki, transform.bytesBehindMki);
    if (packet === null) return null;
    const start = rtpPayloadStart(packet, packet.length - transform.rtpTrailerBytes);
    if (start === -1 || packet.length > SRTP_PACKET_BYTES_MAX) return null;
    const ssrc = packet.readUInt32BE(8);
    const window = this.#sources.get(ssrc);
    if (window === undefined && this.#sources.size === SSRC_MAX) return null;
    const index = packetIndex(window === undefined ? -1 : window.highest, packet.readUInt16BE(2));
    if (window !== undefined && !window.isNew(index)) return null;
    const length = transform.openRtp(packet, start, ssrc, index, this.#out);
    if (length === -1) return null;
    this.#note(window, ssrc, index);
    return this.#out.subarray(0, length);
  }

  /** The RTCP compound, or null (V1). */
  unprotectRtcp(given: Buffer): Buffer | null {
    const transform = this.#transform;
    const packet = this.#mki === null ? given : this.#withoutMki(given, this.#mki, transform.rtcpBytesBehindMki);
    if (packet === null || packet.length > SRTP_PACKET_BYTES_MAX) return null;
    if (packet.length - transform.rtcpTrailerBytes < RTCP_CLEAR_BYTES) return null;
    const word = transform.rtcpWord(packet);
    const index = word % ENCRYPTED_BIT;
    if (word < ENCRYPTED_BIT || !this.#rtcpWindow.isNew(index)) return null;
    const length = transform.openRtcp(packet, packet.readUInt32BE(4), index, this.#out);
    if (length === -1) return null;
    this.#rtcpWindow.note(index);
    return this.#out.subarray(0, length);
  }

  #note(known: ReplayWindow | undefined, ssrc: number, index: number): void {
    const window = known ?? new ReplayWindow();
    if (known === undefined) this.#sources.set(ssrc, window);
    window.note(index);
  }

  /** Null where another MKI stands in its place, or none. */
  #withoutMki(packet: Buffer, mki: Uint8Array, bytesBehind: number): Buffer | null {
    const end = packet.length - bytesBehind;
    const start = end - mki.length;
    if (start < 0 || packet.length > SRTP_PACKET_BYTES_MAX || !sameBytes(packet, start, mki, 0, mki.length))
      return null;
    packet.copy(this.#bare, 0, 0, start);
    packet.copy(this.#bare, start, end);
    return this.#bare.subarray(0, start + bytesBehind);
  }
}
