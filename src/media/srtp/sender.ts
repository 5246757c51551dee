// Hot path: RTP and RTCP of ours -> SRTP and SRTCP, under one key (RFC 3711, RFC 7714).
//
// Invariants
//   S1. An index is used once per key: sequence numbers given to `protectRtp` do not repeat within a cycle, and the roll-over counter follows
//       them (RFC 3711 section 3.3.1).
//   S2. A result is valid until the next call.

import { RTP_HEADER_BYTES } from '../rtp/header.ts';
import { packetIndex } from './index-of.ts';
import type { MasterKey, SrtpProfile } from './keys.ts';
import { createTransform, type SrtpTransform } from './transform.ts';
import { ENCRYPTED_BIT, SRTP_PACKET_BYTES_MAX } from './wire.ts';

export class SrtpSender {
  readonly #transform: SrtpTransform;
  readonly #out = Buffer.alloc(SRTP_PACKET_BYTES_MAX);
  #sentIndex = -1;
  #sentRtcpIndex = 0;

  constructor(profile: SrtpProfile, master: MasterKey) {
    this.#transform = createTransform(profile, master);
  }

  /** A packet of our one source, without CSRCs or extension. */
  protectRtp(packet: Buffer): Buffer {
    const index = packetIndex(this.#sentIndex, packet.readUInt16BE(2));
    if (index > this.#sentIndex) this.#sentIndex = index;
    packet.copy(this.#out);
    const ssrc = packet.readUInt32BE(8);
    return this.#out.subarray(0, this.#transform.sealRtp(this.#out, RTP_HEADER_BYTES, packet.length, ssrc, index));
  }

  protectRtcp(packet: Buffer): Buffer {
    this.#sentRtcpIndex = (this.#sentRtcpIndex + 1) % ENCRYPTED_BIT;
    packet.copy(this.#out);
    const ssrc = packet.readUInt32BE(4);
    return this.#out.subarray(0, this.#transform.sealRtcp(this.#out, packet.length, ssrc, this.#sentRtcpIndex));
  }
}
