// RTP on the wire (RFC 3550 section 5.1), as the phone reads and writes it.

export const RTP_HEADER_BYTES = 12;

export interface RtpPacket {
  readonly sequence: number;
  readonly timestamp: number;
  readonly ssrc: number;
  readonly payloadType: number;
  readonly marker: boolean;
  readonly payload: Buffer;
}

/**
 *  0                   1                   2                   3
 * |V=2|P|X|  CC   |M|     PT      |       sequence number         |
 * |                           timestamp                           |
 * |           synchronization source (SSRC) identifier            |
 */
export function printRtp(packet: RtpPacket): Buffer {
  const out = Buffer.allocUnsafe(RTP_HEADER_BYTES + packet.payload.length);
  out[0] = 0x80;
  out[1] = (packet.marker ? 0x80 : 0) | packet.payloadType;
  out.writeUInt16BE(packet.sequence, 2);
  out.writeUInt32BE(packet.timestamp, 4);
  out.writeUInt32BE(packet.ssrc, 8);
  packet.payload.copy(out, RTP_HEADER_BYTES);
  return out;
}

/** Null for what is not RTP version 2. The payload is a view of `bytes`. */
export function parseRtp(bytes: Buffer): RtpPacket | null {
  if (bytes.length < RTP_HEADER_BYTES) return null;
  const first = bytes.readUInt8(0);
  if (first >> 6 !== 2) return null;
  let start = RTP_HEADER_BYTES + (first & 0x0f) * 4;
  if (first & 0x10) {
    if (bytes.length < start + 4) return null;
    start += 4 + bytes.readUInt16BE(start + 2) * 4;
  }
  const padding = first & 0x20 ? bytes.readUInt8(bytes.length - 1) : 0;
  if (start + padding > bytes.length) return null;
  return {
    sequence: bytes.readUInt16BE(2),
    timestamp: bytes.readUInt32BE(4),
    ssrc: bytes.readUInt32BE(8),
    payloadType: bytes.readUInt8(1) & 0x7f,
    marker: (bytes.readUInt8(1) & 0x80) !== 0,
    payload: bytes.subarray(start, bytes.length - padding),
  };
}
