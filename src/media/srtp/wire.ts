// Hot path: numbers of SRTP on the wire that both kinds of ciphers and both directions know.

import { RTP_HEADER_BYTES } from '../rtp/header.ts';

/** Of RTCP: header and SSRC of the first packet. */
export const RTCP_CLEAR_BYTES = 8;
export const RTCP_INDEX_BYTES = 4;
/** E: the compound is encrypted. The index of 31 bits stands beside it. */
export const ENCRYPTED_BIT = 0x8000_0000;
/** Longest packet taken or made; RTP_PACKET_BYTES_MAX and what SRTP adds. */
export const SRTP_PACKET_BYTES_MAX = 1540;

/** Where the payload begins; -1 = no RTP packet, or a header that ends behind `end`. */
export function rtpPayloadStart(packet: Buffer, end: number): number {
  if (end < RTP_HEADER_BYTES || packet[0]! >> 6 !== 2) return -1;
  let start = RTP_HEADER_BYTES + (packet[0]! & 0x0f) * 4;
  if ((packet[0]! & 0x10) !== 0) {
    if (start + 4 > end) return -1;
    start += 4 + packet.readUInt16BE(start + 2) * 4;
  }
  return start > end ? -1 : start;
}

export function xorUint32(bytes: Buffer, at: number, value: number): void {
  bytes[at]! ^= (value >>> 24) & 0xff;
  bytes[at + 1]! ^= (value >>> 16) & 0xff;
  bytes[at + 2]! ^= (value >>> 8) & 0xff;
  bytes[at + 3]! ^= value & 0xff;
}

export function xorUint16(bytes: Buffer, at: number, value: number): void {
  bytes[at]! ^= value >>> 8;
  bytes[at + 1]! ^= value & 0xff;
}

/** In a time that does not tell where they differ. */
export function sameBytes(a: Buffer, aStart: number, b: Uint8Array, bStart: number, count: number): boolean {
  let difference = 0;
  for (let i = 0; i < count; i++) difference |= a[aStart + i]! ^ b[bStart + i]!;
  return difference === 0;
}
