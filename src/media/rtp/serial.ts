// Hot path: called per packet, allocates nothing.
// Serial-number arithmetic (RFC 1982 in spirit, RFC 3550 A.1): all wrap-around of 16- and 32-bit RTP fields lives here.

/** a - b on the 16-bit circle, in -32768..32767. */
export function seqDelta(a: number, b: number): number {
  return ((a - b) << 16) >> 16;
}

/** (a + n) mod 2^16. */
export function seqAdd(a: number, n: number): number {
  return (a + n) & 0xffff;
}

/** a - b on the 32-bit circle, in -2^31..2^31-1. */
export function timestampDelta(a: number, b: number): number {
  return (a - b) | 0;
}

/** (a + n) mod 2^32. */
export function timestampAdd(a: number, n: number): number {
  return (a + n) >>> 0;
}
