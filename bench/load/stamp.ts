// hot path: read and written once per frame.
//
// What the load writes into a frame of audio, so that a frame that comes back says which one it is and when it left:
//
//   0        4        8                                     16         20
//   | magic  | frame  | sent ms (float64, performance.now)  | sender   | filling up to 160 bytes
//
// `sender` is the call that the frame was sent in: what a port still gets of an earlier call is told apart.
// The gateway passes G.711 through untouched where both sides speak it, so the stamp survives; a frame without the magic is
// silence of the gateway's own, and a stamp that is not at the beginning of its frame has been re-framed on the way.

export const FRAME_BYTES = 160;
const MAGIC = 0xa35c_96e1;
const MAGIC_BYTES = Buffer.from([0xa3, 0x5c, 0x96, 0xe1]);
const STAMP_BYTES = 20;

export function writeStamp(bytes: Buffer, start: number, frame: number, sentMs: number, sender: number): void {
  bytes.writeUInt32BE(MAGIC, start);
  bytes.writeUInt32BE(frame, start + 4);
  bytes.writeDoubleBE(sentMs, start + 8);
  bytes.writeUInt32BE(sender, start + 16);
}

/** Offset of a whole stamp at or after `start`; -1 where there is none. */
export function findStamp(bytes: Buffer, start: number): number {
  if (bytes.length >= start + STAMP_BYTES && bytes.readUInt32BE(start) === MAGIC) return start;
  const found = bytes.indexOf(MAGIC_BYTES, start);
  return found === -1 || found + STAMP_BYTES > bytes.length ? -1 : found;
}

export function stampedFrame(bytes: Buffer, at: number): number {
  return bytes.readUInt32BE(at + 4);
}

export function stampedMs(bytes: Buffer, at: number): number {
  return bytes.readDoubleBE(at + 8);
}

export function stampedSender(bytes: Buffer, at: number): number {
  return bytes.readUInt32BE(at + 16);
}
