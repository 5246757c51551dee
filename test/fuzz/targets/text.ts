// A target whose input is text. Bytes that are no UTF-8 become replacement characters, as they do on the way from the network.

import type { FuzzTarget } from '../harness.ts';

export function textTarget(
  name: string,
  seeds: readonly string[],
  tokens: readonly string[],
  check: (text: string) => boolean,
): FuzzTarget {
  return {
    name,
    tokens,
    seeds: () => seeds.map((seed) => Buffer.from(seed)),
    check: (input) => check(input.toString('utf8')),
  };
}
