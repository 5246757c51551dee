// Hot path: G.711 by table. PCMU <-> PCMA maps a byte to a byte (ITU-T G.711 via linear), so a frame is transcoded in place of a copy.
//
// G1. Tables are computed once from the formulas below; test/media/codec compares them with a plain reference.
// G2. PCMU -> PCMA -> PCMU loses at most the quantisation of the coarser segment; silence stays silence.

import type { AudioCodec } from '../../domain/directory.ts';

export const FRAME_MS = 20;
/** 8 kHz, one byte a sample. */
export const BYTES_PER_MS = 8;
export const FRAME_BYTES = FRAME_MS * BYTES_PER_MS;

const PCMU_BIAS = 0x84;
const PCMU_CLIP = 32635;
const PCMA_CLIP = 32767;

/** What silence looks like on the wire. */
export function silenceByte(codec: AudioCodec): number {
  return codec === 'PCMU' ? 0xff : 0xd5;
}

/** RFC 3551 table 4. */
export function staticPayloadType(codec: AudioCodec): number {
  return codec === 'PCMU' ? 0 : 8;
}

export const PCMU_TO_LINEAR = Int16Array.from({ length: 256 }, (_, byte) => decodePcmu(byte));
export const PCMA_TO_LINEAR = Int16Array.from({ length: 256 }, (_, byte) => decodePcma(byte));
const PCMU_TO_PCMA = Uint8Array.from(PCMU_TO_LINEAR, encodePcma);
const PCMA_TO_PCMU = Uint8Array.from(PCMA_TO_LINEAR, encodePcmu);
PCMU_TO_PCMA[silenceByte('PCMU')] = silenceByte('PCMA');
PCMA_TO_PCMU[silenceByte('PCMA')] = silenceByte('PCMU');

/** Byte table from one codec to the other; null = same codec, bytes stay untouched. Chosen once per negotiation. */
export function transcodeTable(from: AudioCodec, to: AudioCodec): Uint8Array | null {
  if (from === to) return null;
  return from === 'PCMU' ? PCMU_TO_PCMA : PCMA_TO_PCMU;
}

/** Copies source[start, end) through `table` (null = as it is) to target[at…). */
export function transcode(
  table: Uint8Array | null,
  source: Buffer,
  start: number,
  end: number,
  target: Buffer,
  at: number,
): void {
  if (table === null) {
    source.copy(target, at, start, end);
  } else {
    for (let i = start, to = at; i < end; i++, to++) target[to] = table[source[i]!]!;
  }
}

/** 16-bit linear sample -> mu-law byte (G.711 table 2a/2b, complemented). */
export function encodePcmu(sample: number): number {
  const sign = sample < 0 ? 0x80 : 0;
  const magnitude = Math.min(Math.abs(sample), PCMU_CLIP) + PCMU_BIAS;
  const exponent = 24 - Math.clz32(magnitude);
  const mantissa = (magnitude >> (exponent + 3)) & 0x0f;
  return ~(sign | (exponent << 4) | mantissa) & 0xff;
}

export function decodePcmu(byte: number): number {
  const code = ~byte & 0xff;
  const exponent = (code >> 4) & 7;
  const magnitude = (((code & 0x0f) << 3) + PCMU_BIAS) << exponent;
  const sample = magnitude - PCMU_BIAS;
  return (code & 0x80) !== 0 ? -sample : sample;
}

/** 16-bit linear sample -> A-law byte (G.711 table 1a/1b, even bits inverted). */
export function encodePcma(sample: number): number {
  const sign = sample < 0 ? 0 : 0x80;
  const magnitude = Math.min(sample < 0 ? -sample - 1 : sample, PCMA_CLIP) >> 4;
  const exponent = magnitude < 16 ? 0 : 28 - Math.clz32(magnitude);
  const mantissa = exponent === 0 ? magnitude : (magnitude >> (exponent - 1)) & 0x0f;
  return (sign | (exponent << 4) | mantissa) ^ 0x55;
}

export function decodePcma(byte: number): number {
  const code = byte ^ 0x55;
  const exponent = (code >> 4) & 7;
  const mantissa = code & 0x0f;
  const magnitude = exponent === 0 ? (mantissa << 4) + 8 : ((mantissa << 4) + 0x108) << (exponent - 1);
  return (code & 0x80) !== 0 ? magnitude : -magnitude;
}
