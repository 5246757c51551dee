// Hot path: the RTP fixed header (RFC 3550 section 5.1), read into an object that the caller owns and uses again.
//
//  0                   1                   2                   3
//  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
// |V=2|P|X|  CC   |M|     PT      |       sequence number         |
// |                           timestamp                           |
// |           synchronization source (SSRC) identifier            |
// |            contributing source (CSRC) identifiers …           |
//
// Invariant H1. After `parseRtp` returned true: payloadStart <= payloadEnd <= bytes.length; after false nothing may be read.
// The length is checked once at the top, so that the reads below cannot be short.

export const RTP_HEADER_BYTES = 12;
/** Nothing a carrier sends us is longer: 60 ms of G.711 is 480 bytes; the rest leaves room for extensions. */
export const RTP_PACKET_BYTES_MAX = 1500;

const VERSION_BITS = 0x80;
const VERSION_MASK = 0xc0;
const PADDING_BIT = 0x20;
const EXTENSION_BIT = 0x10;
const CSRC_COUNT_MASK = 0x0f;
const MARKER_BIT = 0x80;
const PAYLOAD_TYPE_MASK = 0x7f;
/** RFC 5761 section 4: second byte 192..223 is RTCP when both share a port. */
const RTCP_TYPE_FIRST = 192;
const RTCP_TYPE_LAST = 223;

export interface RtpHeader {
  marker: boolean;
  payloadType: number;
  sequence: number;
  /** Timestamp and SSRC as signed 32 bits: V8 keeps those without a heap object, unsigned ones above 2^31 it does not. */
  timestamp: number;
  ssrc: number;
  /** bytes[payloadStart, payloadEnd): extension and padding are outside. */
  payloadStart: number;
  payloadEnd: number;
}

export function createRtpHeader(): RtpHeader {
  return { marker: false, payloadType: 0, sequence: 0, timestamp: 0, ssrc: 0, payloadStart: 0, payloadEnd: 0 };
}

/** True if the datagram is well-formed RTP; fills `header`. */
export function parseRtp(bytes: Buffer, header: RtpHeader): boolean {
  const length = bytes.length;
  if (length < RTP_HEADER_BYTES || length > RTP_PACKET_BYTES_MAX) return false;
  const first = bytes[0]!;
  if ((first & VERSION_MASK) !== VERSION_BITS) return false;

  let start = RTP_HEADER_BYTES + (first & CSRC_COUNT_MASK) * 4;
  if ((first & EXTENSION_BIT) !== 0) {
    // |      defined by profile       |           length (words)      |
    if (start + 4 > length) return false;
    start += 4 + ((bytes[start + 2]! << 8) | bytes[start + 3]!) * 4;
  }
  let end = length;
  if ((first & PADDING_BIT) !== 0) {
    const padding = bytes[length - 1]!;
    if (padding === 0) return false;
    end -= padding;
  }
  if (start > end) return false;

  const second = bytes[1]!;
  header.marker = (second & MARKER_BIT) !== 0;
  header.payloadType = second & PAYLOAD_TYPE_MASK;
  header.sequence = (bytes[2]! << 8) | bytes[3]!;
  header.timestamp = readInt32(bytes, 4);
  header.ssrc = readInt32(bytes, 8);
  header.payloadStart = start;
  header.payloadEnd = end;
  return true;
}

/** Writes the twelve bytes that never change but for sequence, timestamp and marker (see `stampRtp`). */
export function writeRtpHeader(bytes: Buffer, header: Omit<RtpHeader, 'payloadStart' | 'payloadEnd'>): void {
  bytes[0] = VERSION_BITS;
  stampRtp(bytes, header.payloadType, header.marker, header.sequence, header.timestamp);
  writeUint32(bytes, 8, header.ssrc);
}

export function stampRtp(
  bytes: Buffer,
  payloadType: number,
  marker: boolean,
  sequence: number,
  timestamp: number,
): void {
  bytes[1] = marker ? payloadType | MARKER_BIT : payloadType;
  bytes[2] = sequence >>> 8;
  bytes[3] = sequence & 0xff;
  writeUint32(bytes, 4, timestamp);
}

export function looksLikeRtcp(bytes: Buffer): boolean {
  if (bytes.length < 2) return false;
  const type = bytes[1]!;
  return type >= RTCP_TYPE_FIRST && type <= RTCP_TYPE_LAST;
}

function readInt32(bytes: Buffer, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
}

function writeUint32(bytes: Buffer, at: number, value: number): void {
  bytes[at] = (value >>> 24) & 0xff;
  bytes[at + 1] = (value >>> 16) & 0xff;
  bytes[at + 2] = (value >>> 8) & 0xff;
  bytes[at + 3] = value & 0xff;
}
