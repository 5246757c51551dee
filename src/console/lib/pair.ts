// A name with its value while it is edited: the key keeps the line what it is while the name changes.

export interface Pair {
  readonly key: number;
  readonly name: string;
  readonly value: string;
}

let lastKey = 0;

export function newPair(name = '', value = ''): Pair {
  lastKey += 1;
  return { key: lastKey, name, value };
}
