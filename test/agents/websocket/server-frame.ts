/** A frame as a server would send it, or would not: every field of RFC 6455 5.2 can be wrong. */
export interface ServerFrame {
  readonly opcode: number;
  readonly payload?: string | Uint8Array;
  readonly fin?: boolean;
  /** RSV1 = 4, RSV2 = 2, RSV3 = 1. */
  readonly rsv?: number;
  readonly masked?: boolean;
  /** Announced length, where it differs from the payload's. */
  readonly length?: number | bigint;
}

export function serverFrame({
  opcode,
  payload = '',
  fin = true,
  rsv = 0,
  masked = false,
  length,
}: ServerFrame): Buffer {
  const body = Buffer.from(payload as Uint8Array);
  const announced = BigInt(length ?? body.length);
  const mask = masked ? 0x80 : 0;
  const first = (fin ? 0x80 : 0) | (rsv << 4) | opcode;
  let head: Buffer;
  if (announced < 126n) head = Buffer.from([first, mask | Number(announced)]);
  else if (announced < 65_536n) {
    head = Buffer.from([first, mask | 126, 0, 0]);
    head.writeUInt16BE(Number(announced), 2);
  } else {
    head = Buffer.from([first, mask | 127, 0, 0, 0, 0, 0, 0, 0, 0]);
    head.writeBigUInt64BE(announced, 2);
  }
  return Buffer.concat([head, masked ? Buffer.alloc(4) : Buffer.alloc(0), body]);
}

export function closeFrame(code: number, reason: string | Uint8Array = ''): Buffer {
  const status = Buffer.alloc(2);
  status.writeUInt16BE(code);
  return serverFrame({ opcode: 8, payload: Buffer.concat([status, Buffer.from(reason as Uint8Array)]) });
}

/** mulberry32: small, seeded, good enough to shuffle bytes. */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
