// What a caller hears while its agent is being connected, where the trunk sends early media: the ringing tone of North America (440 and 480 Hz,
// two seconds of six).

import type { AudioCodec } from '../domain/directory.ts';
import { encodePcma, encodePcmu, FRAME_BYTES } from './codec/g711.ts';
import { PEAK_0_DBM0, SAMPLE_RATE_HZ } from './dtmf/tones.ts';

const FRAMES_ON = 100;
const FRAMES_PERIOD = 300;
/** -19 dBm0 each, as the precise tone plan has it. */
const PEAK = PEAK_0_DBM0 * 10 ** (-19 / 20);
const LOW = (2 * Math.PI * 440) / SAMPLE_RATE_HZ;
const HIGH = (2 * Math.PI * 480) / SAMPLE_RATE_HZ;

/** Frame `index`, counted from 0, into target[at…); false in the pauses, where nothing is written. */
export function writeRingbackFrame(index: number, codec: AudioCodec, target: Buffer, at: number): boolean {
  const frame = index % FRAMES_PERIOD;
  if (frame >= FRAMES_ON) return false;
  const encode = codec === 'PCMU' ? encodePcmu : encodePcma;
  for (let i = 0; i < FRAME_BYTES; i++) {
    const n = frame * FRAME_BYTES + i;
    target[at + i] = encode(Math.round(PEAK * (Math.sin(LOW * n) + Math.sin(HIGH * n))));
  }
  return true;
}
