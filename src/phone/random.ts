// Seeded randomness for impairments: the same seed gives the same losses, so a failure can be run again.

export interface Random {
  /** In [0, 1). */
  next(): number;
  integer(belowExclusive: number): number;
}

/** mulberry32: 32 bits of state, good enough to decide which packet is lost. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
  const integer = (below: number) => Math.floor(next() * below);
  return {
    next,
    integer,
  };
}
