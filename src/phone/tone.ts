// Sound as evidence: make tones in G.711, find which tone is in a recording and how loud, and lay one recording over another.
// Written from ITU-T G.711 apart from src/media, so that a companding mistake there is heard here.

import type { Codec } from './sdp.ts';

export const SAMPLE_RATE = 8000;
/** Digital silence as each law writes it. */
export const SILENCE: Readonly<Record<Codec, number>> = { PCMU: 0xff, PCMA: 0xd5 };

const FULL_SCALE = 32768;
const MU_BIAS = 0x84;
const MU_CLIP = 32635;

export interface ToneParams {
  readonly frequencyHz: number;
  readonly durationMs: number;
  readonly codec?: Codec;
  /** Of full scale: 0.5 by default (about -6 dBFS peak). */
  readonly amplitude?: number;
  readonly phase?: number;
}

/** A sine in G.711, one byte per sample. */
export function tone({ frequencyHz, durationMs, codec = 'PCMU', amplitude = 0.5, phase = 0 }: ToneParams): Buffer {
  const out = Buffer.alloc(Math.round((durationMs * SAMPLE_RATE) / 1000));
  for (let i = 0; i < out.length; i++) {
    const sample = Math.sin(phase + (2 * Math.PI * frequencyHz * i) / SAMPLE_RATE) * amplitude * (FULL_SCALE - 1);
    out[i] = codec === 'PCMU' ? encodeMu(Math.round(sample)) : encodeA(Math.round(sample));
  }
  return out;
}

export function decode(audio: Uint8Array, codec: Codec = 'PCMU'): Float64Array {
  const out = new Float64Array(audio.length);
  for (let i = 0; i < audio.length; i++) {
    const byte = audio[i] ?? 0;
    out[i] = (codec === 'PCMU' ? decodeMu(byte) : decodeA(byte)) / FULL_SCALE;
  }
  return out;
}

/** Peak amplitude (of full scale) of one frequency: Goertzel's recursion over the whole recording. */
export function level(samples: Float64Array, frequencyHz: number): number {
  const turn = (2 * Math.PI * frequencyHz) / SAMPLE_RATE;
  const coefficient = 2 * Math.cos(turn);
  let last = 0;
  let beforeLast = 0;
  for (const sample of samples) {
    const now = sample + coefficient * last - beforeLast;
    beforeLast = last;
    last = now;
  }
  const power = last * last + beforeLast * beforeLast - coefficient * last * beforeLast;
  return samples.length === 0 ? 0 : (2 * Math.sqrt(Math.max(0, power))) / samples.length;
}

export interface Heard {
  readonly frequencyHz: number;
  /** Peak amplitude of that tone, of full scale. */
  readonly amplitude: number;
  /** Energy of the tone over all energy, 0 to 1: near 1 = a clean tone without clicks or gaps. */
  readonly purity: number;
}

/** The strongest tone between `fromHz` and `toHz`, to `stepHz`. */
export function strongestTone(samples: Float64Array, { fromHz = 200, toHz = 3400, stepHz = 5 } = {}): Heard {
  let best = { frequencyHz: 0, amplitude: 0 };
  for (let frequencyHz = fromHz; frequencyHz <= toHz; frequencyHz += stepHz) {
    const amplitude = level(samples, frequencyHz);
    if (amplitude > best.amplitude) best = { frequencyHz, amplitude };
  }
  let energy = 0;
  for (const sample of samples) energy += sample * sample;
  const toneEnergy = (best.amplitude * best.amplitude * samples.length) / 2;
  return { ...best, purity: energy === 0 ? 0 : Math.min(1, toneEnergy / energy) };
}

export interface Alignment {
  /** Bytes of `heard` before the first byte of `sent`. */
  readonly offset: number;
  /** Bytes that agree from there on, and how many could be compared. */
  readonly equal: number;
  readonly compared: number;
}

/** Finds where `sent` begins in `heard`, judging by its first `probeBytes`, and counts equal bytes from there. Null: not there at all. */
export function align(sent: Buffer, heard: Buffer, probeBytes = 320): Alignment | null {
  const probe = sent.subarray(0, Math.min(probeBytes, sent.length));
  const offset = heard.indexOf(probe);
  if (offset === -1 || probe.length === 0) return null;
  const compared = Math.min(sent.length, heard.length - offset);
  let equal = 0;
  for (let i = 0; i < compared; i++) if (sent[i] === heard[offset + i]) equal++;
  return { offset, equal, compared };
}

/** Bytes in which each `frameBytes` frame is unlike every other: for byte-exact checks, where a tone would match itself anywhere. */
export function numberedAudio(frames: number, frameBytes = 160): Buffer {
  const out = Buffer.alloc(frames * frameBytes);
  let state = 0x2545f491;
  for (let i = 0; i < out.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    out[i] = state >>> 24;
  }
  return out;
}

export function encodeMu(sample: number): number {
  const sign = sample < 0 ? 0x80 : 0;
  const magnitude = Math.min(Math.abs(sample), MU_CLIP) + MU_BIAS;
  const exponent = 31 - Math.clz32(magnitude) - 7;
  const mantissa = (magnitude >> (exponent + 3)) & 0x0f;
  return ~(sign | (exponent << 4) | mantissa) & 0xff;
}

export function decodeMu(byte: number): number {
  const value = ~byte & 0xff;
  const magnitude = ((((value & 0x0f) << 3) + MU_BIAS) << ((value >> 4) & 7)) - MU_BIAS;
  return value & 0x80 ? -magnitude : magnitude;
}

export function encodeA(sample: number): number {
  const magnitude = Math.min(sample >= 0 ? sample : -sample - 1, FULL_SCALE - 1) >> 4;
  const exponent = magnitude < 32 ? (magnitude >> 4) & 1 : 31 - Math.clz32(magnitude) - 3;
  const mantissa = (exponent < 2 ? magnitude : magnitude >> (exponent - 1)) & 0x0f;
  return ((exponent << 4) | mantissa | (sample >= 0 ? 0x80 : 0)) ^ 0x55;
}

export function decodeA(byte: number): number {
  const value = byte ^ 0x55;
  const exponent = (value >> 4) & 7;
  const step = ((value & 0x0f) << 4) + 8;
  const magnitude = exponent === 0 ? step : (step + 0x100) << (exponent - 1);
  return value & 0x80 ? magnitude : -magnitude;
}
