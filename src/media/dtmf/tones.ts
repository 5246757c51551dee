// The sixteen pairs of tones (ITU-T Q.23), and making them: for carriers that hear keys in the audio only.

import type { AudioCodec } from '../../domain/directory.ts';
import { encodePcma, encodePcmu, FRAME_BYTES } from '../codec/g711.ts';

export const ROW_HZ = [697, 770, 852, 941] as const;
export const COLUMN_HZ = [1209, 1336, 1477, 1633] as const;
/** Event code at row * 4 + column. */
export const KEYPAD_CODES = [1, 2, 3, 12, 4, 5, 6, 13, 7, 8, 9, 14, 10, 0, 11, 15] as const;

export const SAMPLE_RATE_HZ = 8000;
/** A sine of this peak is 0 dBm0: G.711's largest one is +3.17 dBm0 of 16 bits. */
export const PEAK_0_DBM0 = 32_636 / 10 ** (3.17 / 20);
/** The high tone a little above the low one, as lines weaken it more (Q.23 leaves 2 dB between them). */
const ROW_PEAK = PEAK_0_DBM0 * 10 ** (-10 / 20);
const COLUMN_PEAK = PEAK_0_DBM0 * 10 ** (-8 / 20);
/** 3 ms, so that a key begins and ends without a click. */
const RAMP_SAMPLES = 24;

/** Frame `index` of `frames` of a key, into target[at…); both count from 0. */
export function writeToneFrame(
  code: number,
  index: number,
  frames: number,
  codec: AudioCodec,
  target: Buffer,
  at: number,
): void {
  const place = (KEYPAD_CODES as readonly number[]).indexOf(code);
  const row = (2 * Math.PI * ROW_HZ[place >> 2]!) / SAMPLE_RATE_HZ;
  const column = (2 * Math.PI * COLUMN_HZ[place & 3]!) / SAMPLE_RATE_HZ;
  const encode = codec === 'PCMU' ? encodePcmu : encodePcma;
  const last = frames * FRAME_BYTES - 1;
  for (let i = 0; i < FRAME_BYTES; i++) {
    const n = index * FRAME_BYTES + i;
    const gain = Math.min(1, (n + 1) / RAMP_SAMPLES, (last - n) / RAMP_SAMPLES);
    const sample = gain * (ROW_PEAK * Math.sin(row * n) + COLUMN_PEAK * Math.sin(column * n));
    target[at + i] = encode(Math.round(sample));
  }
}
