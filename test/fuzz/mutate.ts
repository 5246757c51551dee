// Damage that knows what the input looks like: lines, words of its language, numbers and their edges, pieces of other inputs.

import type { Random } from './random.ts';

export const INPUT_BYTES_MAX = 16 * 1024;

const SEPARATORS = [
  '\r\n',
  '\n',
  '\r',
  '"',
  '\\',
  '<',
  '>',
  ',',
  ';',
  ':',
  '=',
  '@',
  '|',
  '%',
  '%0',
  '\0',
  '\xff',
  ' ',
  '\t',
  '[',
  ']',
  '?',
  '#',
  '{',
  '}',
  '/',
];
const NUMBERS = [
  '0',
  '-1',
  '1',
  '255',
  '256',
  '65535',
  '65536',
  '2147483647',
  '2147483648',
  '4294967295',
  '4294967296',
  '9007199254740993',
  '1e308',
  '00',
  '007',
  '١',
  '0x10',
  '+1',
  '1.5',
];
const BYTES = [0x00, 0x01, 0x7f, 0x80, 0xff];

export interface Language {
  readonly seeds: readonly Buffer[];
  readonly tokens: readonly string[];
}

export function mutate({ seeds, tokens }: Language, random: Random): Buffer {
  let bytes = random.pick(seeds);
  for (let times = 1 + random.below(4); times > 0; times--) bytes = damage(bytes, { seeds, tokens }, random);
  return bytes.length > INPUT_BYTES_MAX ? bytes.subarray(0, INPUT_BYTES_MAX) : bytes;
}

function damage(bytes: Buffer, { seeds, tokens }: Language, random: Random): Buffer {
  const at = random.below(bytes.length + 1);
  const to = Math.min(bytes.length, at + random.below(24));
  const cut = (insert: Buffer | string, from = at): Buffer =>
    Buffer.concat([
      bytes.subarray(0, at),
      typeof insert === 'string' ? Buffer.from(insert, 'latin1') : insert,
      bytes.subarray(from),
    ]);
  switch (random.below(11)) {
    case 0:
      return cut(Buffer.from([random.below(256)]), at + 1);
    case 1:
      return cut(Buffer.from([random.pick(BYTES)]), at + 1);
    case 2:
      return cut(random.pick(SEPARATORS));
    case 3:
      return tokens.length === 0 ? cut('A') : cut(Buffer.from(random.pick(tokens)));
    case 4:
      return cut('', to);
    case 5:
      return bytes.subarray(0, at);
    case 6:
      return repeated(bytes, at, to, random);
    case 7:
      return lines(bytes, random);
    case 8:
      return numbers(bytes, random);
    case 9: {
      const other = random.pick(seeds);
      return Buffer.concat([bytes.subarray(0, at), other.subarray(random.below(other.length + 1))]);
    }
    default:
      return flipped(bytes, random);
  }
}

/** Long runs of the same are what a parser that looks back goes slow on. */
function repeated(bytes: Buffer, at: number, to: number, random: Random): Buffer {
  const piece = bytes.subarray(at, to);
  const times = random.pick([1, 2, 3, 50, 500]);
  const many = Buffer.concat(Array.from({ length: times }, () => piece));
  return Buffer.concat([bytes.subarray(0, to), many, bytes.subarray(to)]);
}

/** One line twice, gone, or somewhere else. */
function lines(bytes: Buffer, random: Random): Buffer {
  const all = bytes.toString('latin1').split('\n');
  const line = all[random.below(all.length)] ?? '';
  const [from, to, how] = [random.below(all.length), random.below(all.length + 1), random.below(3)];
  if (how > 0) all.splice(from, 1);
  if (how < 2) all.splice(to, 0, line);
  return Buffer.from(all.join('\n'), 'latin1');
}

function numbers(bytes: Buffer, random: Random): Buffer {
  const text = bytes.toString('latin1');
  const found = [...text.matchAll(/\d+/g)];
  const one = found[random.below(found.length)];
  if (one === undefined) return bytes;
  return Buffer.from(text.slice(0, one.index) + random.pick(NUMBERS) + text.slice(one.index + one[0].length), 'latin1');
}

function flipped(bytes: Buffer, random: Random): Buffer {
  if (bytes.length === 0) return Buffer.from([random.below(256)]);
  const copy = Buffer.from(bytes);
  const at = random.below(copy.length);
  copy[at] = (copy[at] ?? 0) ^ (1 << random.below(8));
  return copy;
}
