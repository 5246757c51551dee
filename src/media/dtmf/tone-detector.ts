// Hot path: keys in the caller's audio, for trunks that say so (ITU-T Q.23, Q.24). The same work for every frame, no allocation.
//
// Stages: decode -> blocks of 10 ms -> eight Goertzel filters with phase -> is this block a pair of tones? -> press and release.
//
// T1. A block is a pair where both tones are the strongest of their groups by 4 dB, loud enough, within the twist, and together carry 78 %
//     of the block's energy. Speech and music spread theirs; the noise of a line does not reach the rest.
// T2. Of two blocks in a row the phases tell the frequencies: what is off by more than 2.5 % is no pair. Q.24 wants 1.5 % accepted and 3.5 % refused.
// T3. A press is three blocks of the same pair in a row, steady in level: whatever its alignment, 40 ms of tone hold three whole blocks, and
//     less than 30 ms never do.
// T4. A release is three blocks without that pair: a gap of 10 ms, or one lost packet, makes no second press; a pause of 40 ms does.

import type { AudioCodec } from '../../domain/directory.ts';
import { DTMF_KEYS } from '../../domain/dtmf.ts';
import { PCMA_TO_LINEAR, PCMU_TO_LINEAR } from '../codec/g711.ts';
import { COLUMN_HZ, KEYPAD_CODES, PEAK_0_DBM0, ROW_HZ, SAMPLE_RATE_HZ } from './tones.ts';

const BLOCK = 80;
const TONES_HZ = [...ROW_HZ, ...COLUMN_HZ];
const ROWS = 4;
const NO_PAIR = -1;

const decibels = (db: number): number => 10 ** (db / 10);
/** Energy of a block of a sine of 0 dBm0, and |X|² of its Goertzel filter; the two are in the same proportion for every level. */
const ENERGY_0_DBM0 = (BLOCK * PEAK_0_DBM0 ** 2) / 2;
const POWER_PER_ENERGY = BLOCK / 2;
/** Q.24 wants -25 dBm0 of each tone heard, equipment mostly hears -36. */
const TONE_POWER_MIN = ENERGY_0_DBM0 * POWER_PER_ENERGY * decibels(-36);
/**
 * The high tone may be weaker by 8 dB or stronger by 4 (Q.24). In its filter it loses another dB where it is off by 1.5 %, and the strong
 * low tone, which leaks into it, up to 2.
 */
const TWIST_WEAKER = decibels(-11);
const TWIST_STRONGER = decibels(5);
const PEAK_OVER_GROUP = decibels(4);
const SHARE_MIN = 0.78;
/** Between blocks of one press. */
const LEVEL_STEP = decibels(6);
const FREQUENCY_TOLERANCE = 0.025;
const BLOCKS_TO_PRESS = 3;
const BLOCKS_TO_RELEASE = 3;

const COEFFICIENT = Float64Array.from(TONES_HZ, (hz) => 2 * Math.cos(omega(hz)));
const COS = Float64Array.from(TONES_HZ, (hz) => Math.cos(omega(hz)));
const SIN = Float64Array.from(TONES_HZ, (hz) => Math.sin(omega(hz)));
/** What an exact tone turns by from block to block. */
const TURN_COS = Float64Array.from(TONES_HZ, (hz) => Math.cos(omega(hz) * BLOCK));
const TURN_SIN = Float64Array.from(TONES_HZ, (hz) => Math.sin(omega(hz) * BLOCK));
/** And what it may turn too far or too little; below half a turn for all eight. */
const TURN_MAX = Float64Array.from(TONES_HZ, (hz) => omega(hz) * FREQUENCY_TOLERANCE * BLOCK);

export class ToneDetector {
  readonly #toLinear: Int16Array;
  readonly #samples = new Float64Array(BLOCK);
  #filled = 0;
  readonly #real = new Float64Array(TONES_HZ.length);
  readonly #imaginary = new Float64Array(TONES_HZ.length);
  readonly #power = new Float64Array(TONES_HZ.length);
  readonly #realBefore = new Float64Array(TONES_HZ.length);
  readonly #imaginaryBefore = new Float64Array(TONES_HZ.length);
  readonly #powerBefore = new Float64Array(TONES_HZ.length);
  #pairBefore = NO_PAIR;
  /** Blocks in a row of `#pairBefore`. */
  #run = 0;
  #pressed = NO_PAIR;
  /** Blocks in a row without the pressed pair. */
  #missing = 0;

  constructor(codec: AudioCodec) {
    this.#toLinear = codec === 'PCMU' ? PCMU_TO_LINEAR : PCMA_TO_LINEAR;
  }

  /** The key whose press was recognised in bytes[start, end), else null. At most one: a press needs more than a frame. */
  audio(bytes: Buffer, start: number, end: number): string | null {
    let key: string | null = null;
    for (let i = start; i < end; i++) {
      this.#samples[this.#filled++] = this.#toLinear[bytes[i]!]!;
      if (this.#filled < BLOCK) continue;
      this.#filled = 0;
      key = this.#block() ?? key;
    }
    return key;
  }

  #block(): string | null {
    this.#filter();
    const pair = this.#pair();
    const isSame = pair !== NO_PAIR && pair === this.#pairBefore && this.#steady(pair);
    this.#run = pair === NO_PAIR ? 0 : isSame ? this.#run + 1 : 1;
    this.#pairBefore = pair;
    this.#realBefore.set(this.#real);
    this.#imaginaryBefore.set(this.#imaginary);
    this.#powerBefore.set(this.#power);

    if (this.#pressed !== NO_PAIR) {
      this.#missing = pair === this.#pressed ? 0 : this.#missing + 1;
      if (this.#missing >= BLOCKS_TO_RELEASE) this.#pressed = NO_PAIR;
    }
    if (this.#run < BLOCKS_TO_PRESS || pair === this.#pressed) return null;
    this.#pressed = pair;
    this.#missing = 0;
    return DTMF_KEYS[KEYPAD_CODES[pair]!]!;
  }

  /** T1's material: the spectrum at the eight tones, as complex amplitudes at the end of the block. */
  #filter(): void {
    this.#filterGroup(0);
    this.#filterGroup(ROWS);
  }

  /** Four recursions side by side: each waits for its own last step, so one alone would leave the processor idle. */
  #filterGroup(from: number): void {
    const samples = this.#samples;
    const ca = COEFFICIENT[from]!;
    const cb = COEFFICIENT[from + 1]!;
    const cc = COEFFICIENT[from + 2]!;
    const cd = COEFFICIENT[from + 3]!;
    let a1 = 0;
    let a2 = 0;
    let b1 = 0;
    let b2 = 0;
    let c1 = 0;
    let c2 = 0;
    let d1 = 0;
    let d2 = 0;
    // Two steps a turn: what was the last step becomes the one before without being moved.
    for (let i = 0; i < BLOCK; i += 2) {
      const first = samples[i]!;
      const second = samples[i + 1]!;
      a2 = first + ca * a1 - a2;
      b2 = first + cb * b1 - b2;
      c2 = first + cc * c1 - c2;
      d2 = first + cd * d1 - d2;
      a1 = second + ca * a2 - a1;
      b1 = second + cb * b2 - b1;
      c1 = second + cc * c2 - c1;
      d1 = second + cd * d2 - d1;
    }
    this.#put(from, a1, a2);
    this.#put(from + 1, b1, b2);
    this.#put(from + 2, c1, c2);
    this.#put(from + 3, d1, d2);
  }

  #put(tone: number, s1: number, s2: number): void {
    const real = s1 - s2 * COS[tone]!;
    const imaginary = s2 * SIN[tone]!;
    this.#real[tone] = real;
    this.#imaginary[tone] = imaginary;
    this.#power[tone] = real * real + imaginary * imaginary;
  }

  /** T1: row * 4 + column, or NO_PAIR. */
  #pair(): number {
    const power = this.#power;
    const row = strongest(power, 0);
    const column = strongest(power, ROWS);
    const low = power[row]!;
    const high = power[column]!;
    if (low < TONE_POWER_MIN || high < TONE_POWER_MIN) return NO_PAIR;
    if (high < low * TWIST_WEAKER || high > low * TWIST_STRONGER) return NO_PAIR;
    for (let tone = 0; tone < power.length; tone++) {
      if (tone !== row && tone !== column && power[tone]! * PEAK_OVER_GROUP > (tone < ROWS ? low : high))
        return NO_PAIR;
    }
    let energy = 0;
    for (let i = 0; i < BLOCK; i++) energy += this.#samples[i]! * this.#samples[i]!;
    if (low + high < SHARE_MIN * energy * POWER_PER_ENERGY) return NO_PAIR;
    return row * ROWS + (column - ROWS);
  }

  /** T2 and T3, against the block before. */
  #steady(pair: number): boolean {
    const row = pair >> 2;
    const column = ROWS + (pair & 3);
    return this.#follows(row) && this.#follows(column);
  }

  #follows(tone: number): boolean {
    const power = this.#power[tone]!;
    const before = this.#powerBefore[tone]!;
    if (power > before * LEVEL_STEP || before > power * LEVEL_STEP) return false;
    // X * conj(X before) * e^(-j turn): its angle is what the tone turned too far.
    const real = this.#real[tone]! * this.#realBefore[tone]! + this.#imaginary[tone]! * this.#imaginaryBefore[tone]!;
    const imaginary =
      this.#imaginary[tone]! * this.#realBefore[tone]! - this.#real[tone]! * this.#imaginaryBefore[tone]!;
    const turnedReal = real * TURN_COS[tone]! + imaginary * TURN_SIN[tone]!;
    const turnedImaginary = imaginary * TURN_COS[tone]! - real * TURN_SIN[tone]!;
    return Math.abs(Math.atan2(turnedImaginary, turnedReal)) <= TURN_MAX[tone]!;
  }
}

function omega(hz: number): number {
  return (2 * Math.PI * hz) / SAMPLE_RATE_HZ;
}

function strongest(power: Float64Array, from: number): number {
  let best = from;
  for (let tone = from + 1; tone < from + ROWS; tone++) if (power[tone]! > power[best]!) best = tone;
  return best;
}
