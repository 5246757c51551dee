// Hot path. Base64 (RFC 4648 section 4) between byte ranges, without a string and without allocation. Measured on Node 26 for 160 bytes of
// audio: encode 134 ns against 163 ns for `base64Slice` + `latin1Write` (and no string), decode 200 ns against 230 ns.

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const PAD = 0x3d;

/** Two characters (little endian) for every 12 bits. */
const PAIRS = new Uint16Array(4096);
/** The 6 bits of a character at each of the four places of a group; -1 = not in the alphabet, which survives the OR. */
const PLACE_0 = new Int32Array(256).fill(-1);
const PLACE_1 = new Int32Array(256).fill(-1);
const PLACE_2 = new Int32Array(256).fill(-1);
const PLACE_3 = new Int32Array(256).fill(-1);

for (let bits = 0; bits < 4096; bits++) {
  PAIRS[bits] = ALPHABET.charCodeAt(bits >> 6) | (ALPHABET.charCodeAt(bits & 63) << 8);
}
for (let bits = 0; bits < 64; bits++) {
  // The URL-safe alphabet (section 5) is understood as well: some runtimes use it by mistake, and it cannot mean anything else.
  const urlSafe = bits === 62 ? '-' : bits === 63 ? '_' : ALPHABET[bits]!;
  for (const character of [ALPHABET.charCodeAt(bits), urlSafe.charCodeAt(0)]) {
    PLACE_0[character] = bits << 18;
    PLACE_1[character] = bits << 12;
    PLACE_2[character] = bits << 6;
    PLACE_3[character] = bits;
  }
}

/** Characters that `bytes` of audio become, padding included. */
export function base64Length(bytes: number): number {
  return Math.trunc((bytes + 2) / 3) * 4;
}

/** Writes source[start, end) as padded base64 at `at`; returns where it ends. `view` and `target` are the same memory. */
export function encodeBase64(
  source: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  view: DataView,
  at: number,
): number {
  const whole = end - ((end - start) % 3);
  let from = start;
  let to = at;
  for (; from < whole; from += 3, to += 4) {
    const bits = (source[from]! << 16) | (source[from + 1]! << 8) | source[from + 2]!;
    view.setInt32(to, PAIRS[bits >> 12]! | (PAIRS[bits & 0xfff]! << 16), true);
  }
  if (from === end) return to;
  const two = end - from === 2;
  const bits = (source[from]! << 16) | (two ? source[from + 1]! << 8 : 0);
  view.setUint16(to, PAIRS[bits >> 12]!, true);
  target[to + 2] = two ? PAIRS[bits & 0xfff]! : PAD;
  target[to + 3] = PAD;
  return to + 4;
}

const SMALLEST = 4096;

/** Decodes into its own buffer, shared by the streams of a thread: `bytes[0, length)` is valid until the next call. */
export class Base64Decoder {
  bytes: Buffer = Buffer.allocUnsafeSlow(SMALLEST);
  length = 0;

  /**
   * Decodes from `start` to the first byte that is neither base64 nor padding, at most to `end`; returns its position, or -1 where the
   * characters before it are not a base64 text (a single one left over, or padding in the wrong place). Missing padding is forgiven.
   */
  decode(source: Uint8Array, start: number, end: number): number {
    this.#reserve(end - start);
    const target = this.bytes;
    let from = start;
    let to = 0;
    for (; from + 4 <= end; from += 4, to += 3) {
      const bits =
        PLACE_0[source[from]!]! |
        PLACE_1[source[from + 1]!]! |
        PLACE_2[source[from + 2]!]! |
        PLACE_3[source[from + 3]!]!;
      if (bits < 0) break;
      target[to] = bits >> 16;
      target[to + 1] = bits >> 8;
      target[to + 2] = bits;
    }
    return this.#tail(source, from, end, to);
  }

  /** Up to three characters and the padding that completes them. */
  #tail(source: Uint8Array, start: number, end: number, to: number): number {
    let from = start;
    let bits = 0;
    while (from < end && PLACE_3[source[from]!]! >= 0) bits = (bits << 6) | PLACE_3[source[from++]!]!;
    const characters = from - start;
    let padding = 0;
    while (from < end && source[from] === PAD) {
      from++;
      padding++;
    }
    this.length = to;
    if (characters === 0) return padding === 0 ? from : -1;
    if (characters === 1 || (padding !== 0 && characters + padding !== 4)) return -1;
    const bytes = this.bytes;
    if (characters === 2) bytes[to] = bits >> 4;
    else {
      bytes[to] = bits >> 10;
      bytes[to + 1] = bits >> 2;
    }
    this.length = to + characters - 1;
    return from;
  }

  #reserve(characters: number): void {
    const needed = Math.ceil(characters / 4) * 3;
    if (needed > this.bytes.length) this.bytes = Buffer.allocUnsafeSlow(needed);
  }
}
