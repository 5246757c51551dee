// Hot path: the 48-bit index of an SRTP packet from its 16-bit sequence number (RFC 3711 section 3.3.1 and appendix A).

const CYCLE = 0x1_0000;
const HALF = 0x8000;

/** The index nearest to `highest` whose low 16 bits are `sequence`, never negative; -1 as `highest` = none yet. */
export function packetIndex(highest: number, sequence: number): number {
  if (highest < 0) return sequence;
  const index = highest - (highest % CYCLE) + sequence;
  if (index - highest > HALF && index >= CYCLE) return index - CYCLE;
  if (highest - index > HALF) return index + CYCLE;
  return index;
}
