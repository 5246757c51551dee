// Hot path. Reads the `media` messages that runtimes send, without JSON.parse and without a string, where they have the plain shape that
// every known client produces: one object of plain strings and nulls, with one object `media` of plain strings in it, any order of keys, any
// white space. What is accepted here means the same to JSON.parse; everything else is left to it (`read` = false), so this is never a second
// opinion about what is valid.

import type { Base64Decoder } from '../base64.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const COMMA = 0x2c;
const OPEN = 0x7b;
const CLOSE = 0x7d;
const SPACE = 0x20;
const FAIL = -1;

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');
const EVENT = latin1('event');
const MEDIA = latin1('media');
const PAYLOAD = latin1('payload');
const NULL = latin1('null');

export class MediaReader {
  readonly #decoder: Base64Decoder;
  #sawEvent = false;
  #sawMedia = false;
  #sawPayload = false;

  constructor(decoder: Base64Decoder) {
    this.#decoder = decoder;
  }

  /** True = a media message; its audio stands in the decoder. False = ask JSON.parse. */
  read(bytes: Buffer, start: number, end: number): boolean {
    this.#sawEvent = false;
    this.#sawMedia = false;
    this.#sawPayload = false;
    const after = this.#object(bytes, start, end, false);
    return after !== FAIL && skipBlank(bytes, after, end) === end && this.#sawEvent && this.#sawPayload;
  }

  /** An object from its brace on; returns the position after it, or FAIL. */
  #object(bytes: Buffer, start: number, end: number, inMedia: boolean): number {
    let at = skipBlank(bytes, start, end);
    if (at >= end || bytes[at] !== OPEN) return FAIL;
    do {
      const keyStart = skipBlank(bytes, at + 1, end) + 1;
      if (keyStart > end || bytes[keyStart - 1] !== QUOTE) return FAIL;
      const keyEnd = stringEnd(bytes, keyStart, end);
      if (keyEnd === FAIL) return FAIL;
      at = skipBlank(bytes, keyEnd + 1, end);
      if (at >= end || bytes[at] !== COLON) return FAIL;
      at = this.#value(bytes, keyStart, keyEnd, skipBlank(bytes, at + 1, end), end, inMedia);
      if (at === FAIL) return FAIL;
      at = skipBlank(bytes, at, end);
    } while (at < end && bytes[at] === COMMA);
    return at < end && bytes[at] === CLOSE ? at + 1 : FAIL;
  }

  /**
   * The value of one key; returns the position after it, or FAIL. A repeated `event` or `media` is left to JSON.parse (the last one counts
   * there); of a repeated `payload` the decoder keeps the last one as well.
   */
  #value(bytes: Buffer, keyStart: number, keyEnd: number, at: number, end: number, inMedia: boolean): number {
    if (at >= end) return FAIL;
    if (!inMedia && is(MEDIA, bytes, keyStart, keyEnd)) {
      if (this.#sawMedia) return FAIL;
      this.#sawMedia = true;
      return this.#object(bytes, at, end, true);
    }
    if (bytes[at] !== QUOTE)
      return is(NULL, bytes, at, at + NULL.length) && !isNamed(bytes, keyStart, keyEnd) ? at + 4 : FAIL;
    if (inMedia && is(PAYLOAD, bytes, keyStart, keyEnd)) {
      this.#sawPayload = true;
      const quote = this.#decoder.decode(bytes, at + 1, end);
      return quote !== FAIL && quote < end && bytes[quote] === QUOTE ? quote + 1 : FAIL;
    }
    const quote = stringEnd(bytes, at + 1, end);
    if (quote === FAIL) return FAIL;
    if (!inMedia && is(EVENT, bytes, keyStart, keyEnd)) {
      if (this.#sawEvent || !is(MEDIA, bytes, at + 1, quote)) return FAIL;
      this.#sawEvent = true;
    }
    return quote + 1;
  }
}

/** Keys whose null would mean something. */
function isNamed(bytes: Buffer, start: number, end: number): boolean {
  return is(EVENT, bytes, start, end) || is(PAYLOAD, bytes, start, end);
}

function is(word: Buffer, bytes: Buffer, start: number, end: number): boolean {
  if (end - start !== word.length || end > bytes.length) return false;
  for (let index = 0; index < word.length; index++) if (bytes[start + index] !== word[index]) return false;
  return true;
}

/** Position of the closing quote of a string without escapes. */
function stringEnd(bytes: Buffer, start: number, end: number): number {
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!;
    if (byte === QUOTE) return at;
    if (byte === BACKSLASH || byte < SPACE) return FAIL;
  }
  return FAIL;
}

function skipBlank(bytes: Buffer, start: number, end: number): number {
  let at = start;
  while (at < end) {
    const byte = bytes[at]!;
    if (byte !== SPACE && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) break;
    at++;
  }
  return at;
}
