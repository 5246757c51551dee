// RTCP compound packets (RFC 3550 section 6): sender and receiver reports, SDES with the CNAME, BYE. Parse and build.
//
// |V=2|P|  count  |      type     |        length (words - 1)     |   then per type:
//   SR  200: ssrc, NTP 64 bit, RTP timestamp, packets, octets, blocks
//   RR  201: ssrc, blocks
//   block:   ssrc, fraction lost (8) cumulative lost (24, signed), highest sequence, jitter, LSR, DLSR
//   SDES 202, BYE 203
//
// T1. Input is validated as a compound before anything is read (RFC 3550 A.2); a bad one changes nothing.

export const RTCP_BYTES_MAX = 1500;
const SR = 200;
const RR = 201;
const SDES = 202;
const BYE = 203;
const CNAME_ITEM = 1;
const BLOCK_BYTES = 24;
const LOST_MAX = 0x7fffff;

export interface ReportBlock {
  ssrc: number;
  fractionLost: number;
  cumulativeLost: number;
  highestSequence: number;
  jitter: number;
  lastSr: number;
  delaySinceLastSr: number;
}

/** What a peer's compound told us. */
export interface RtcpSummary {
  readonly ssrc: number;
  /** Middle 32 bits of the NTP time of its SR; null if it sent none. */
  readonly senderNtpMiddle: number | null;
  /** Its report about us; null if there was none. */
  readonly report: ReportBlock | null;
  readonly bye: boolean;
}

/** Null = not a valid compound. `aboutSsrc`: the report block that interests us. */
export function parseRtcp(bytes: Buffer, aboutSsrc: number): RtcpSummary | null {
  if (!isCompound(bytes)) return null;
  let ssrc = 0;
  let senderNtpMiddle: number | null = null;
  let report: ReportBlock | null = null;
  let bye = false;
  for (let at = 0; at < bytes.length; ) {
    const count = bytes.readUInt8(at) & 0x1f;
    const type = bytes.readUInt8(at + 1);
    const size = (bytes.readUInt16BE(at + 2) + 1) * 4;
    const end = at + size;
    if (type === SR || type === RR) {
      const blocksAt = at + (type === SR ? 28 : 8);
      if (blocksAt + count * BLOCK_BYTES > end) return null;
      ssrc = bytes.readUInt32BE(at + 4);
      if (type === SR) senderNtpMiddle = bytes.readUInt32BE(at + 10);
      report = findBlock(bytes, blocksAt, count, aboutSsrc) ?? report;
    } else if (type === BYE) {
      bye = true;
    }
    at = end;
  }
  return { ssrc, senderNtpMiddle, report, bye };
}

/** RFC 3550 A.2: version 2, SR or RR first, lengths add up exactly. */
function isCompound(bytes: Buffer): boolean {
  if (bytes.length < 8 || bytes.length > RTCP_BYTES_MAX) return false;
  const first = bytes.readUInt8(1);
  if (first !== SR && first !== RR) return false;
  let at = 0;
  while (at + 4 <= bytes.length) {
    if (bytes.readUInt8(at) >> 6 !== 2) return false;
    const size = (bytes.readUInt16BE(at + 2) + 1) * 4;
    const type = bytes.readUInt8(at + 1);
    const least = type === SR ? 28 : type === RR ? 8 : 4;
    if (size < least) return false;
    at += size;
  }
  return at === bytes.length;
}

function findBlock(bytes: Buffer, blocksAt: number, count: number, aboutSsrc: number): ReportBlock | null {
  for (let i = 0; i < count; i++) {
    const at = blocksAt + i * BLOCK_BYTES;
    if (bytes.readUInt32BE(at) !== aboutSsrc) continue;
    return {
      ssrc: aboutSsrc,
      fractionLost: bytes.readUInt8(at + 4),
      cumulativeLost: bytes.readIntBE(at + 5, 3),
      highestSequence: bytes.readUInt32BE(at + 8),
      jitter: bytes.readUInt32BE(at + 12),
      lastSr: bytes.readUInt32BE(at + 16),
      delaySinceLastSr: bytes.readUInt32BE(at + 20),
    };
  }
  return null;
}

export interface SenderInfo {
  /** Wall clock of this report, ms since 1970. */
  readonly wallMs: number;
  readonly rtpTimestamp: number;
  readonly packets: number;
  readonly octets: number;
}

export interface CompoundParts {
  readonly ssrc: number;
  /** null = RR: we have sent nothing. */
  readonly sender: SenderInfo | null;
  /** null = we have received nothing. */
  readonly block: ReportBlock | null;
  readonly cname: string;
  readonly bye: boolean;
}

/** Builds SR or RR + SDES (+ BYE) into `target`; returns its length. */
export function buildRtcp(target: Buffer, parts: CompoundParts): number {
  let at = writeReport(target, parts);
  at = writeSdes(target, at, parts.ssrc, parts.cname);
  if (parts.bye) {
    at = writeHead(target, at, 1, BYE, 8);
    at = target.writeUInt32BE(parts.ssrc, at);
  }
  return at;
}

function writeReport(target: Buffer, parts: CompoundParts): number {
  const blocks = parts.block === null ? 0 : 1;
  const base = parts.sender === null ? 8 : 28;
  let at = writeHead(target, 0, blocks, parts.sender === null ? RR : SR, base + blocks * BLOCK_BYTES);
  at = target.writeUInt32BE(parts.ssrc, at);
  if (parts.sender !== null) {
    const ntp = ntpTime(parts.sender.wallMs);
    at = target.writeUInt32BE(ntp.seconds, at);
    at = target.writeUInt32BE(ntp.fraction, at);
    at = target.writeUInt32BE(parts.sender.rtpTimestamp >>> 0, at);
    at = target.writeUInt32BE(parts.sender.packets >>> 0, at);
    at = target.writeUInt32BE(parts.sender.octets >>> 0, at);
  }
  if (parts.block === null) return at;
  const block = parts.block;
  at = target.writeUInt32BE(block.ssrc, at);
  at = target.writeUInt8(block.fractionLost, at);
  at = target.writeIntBE(Math.max(-LOST_MAX, Math.min(LOST_MAX, block.cumulativeLost)), at, 3);
  at = target.writeUInt32BE(block.highestSequence >>> 0, at);
  at = target.writeUInt32BE(Math.round(block.jitter) >>> 0, at);
  at = target.writeUInt32BE(block.lastSr >>> 0, at);
  return target.writeUInt32BE(block.delaySinceLastSr >>> 0, at);
}

function writeSdes(target: Buffer, start: number, ssrc: number, cname: string): number {
  const text = Buffer.from(cname, 'ascii').subarray(0, 255);
  // Item, then at least one zero byte up to the next word (RFC 3550 section 6.5).
  const chunkBytes = Math.ceil((4 + 2 + text.length + 1) / 4) * 4;
  let at = writeHead(target, start, 1, SDES, 4 + chunkBytes);
  const end = at + chunkBytes;
  at = target.writeUInt32BE(ssrc, at);
  at = target.writeUInt8(CNAME_ITEM, at);
  at = target.writeUInt8(text.length, at);
  at += text.copy(target, at);
  target.fill(0, at, end);
  return end;
}

function writeHead(target: Buffer, at: number, count: number, type: number, size: number): number {
  target.writeUInt8(0x80 | count, at);
  target.writeUInt8(type, at + 1);
  return target.writeUInt16BE(size / 4 - 1, at + 2);
}

/** Seconds between 1900 (NTP) and 1970. */
const NTP_EPOCH_OFFSET_SEC = 2_208_988_800;

export function ntpTime(wallMs: number): { seconds: number; fraction: number } {
  const seconds = Math.floor(wallMs / 1000);
  const fraction = Math.floor(((wallMs - seconds * 1000) / 1000) * 2 ** 32);
  return { seconds: (seconds + NTP_EPOCH_OFFSET_SEC) >>> 0, fraction: fraction >>> 0 };
}

/** Middle 32 bits of the NTP time: 16.16 seconds, as in LSR. */
export function ntpMiddle(wallMs: number): number {
  const ntp = ntpTime(wallMs);
  return (((ntp.seconds & 0xffff) << 16) | (ntp.fraction >>> 16)) >>> 0;
}
