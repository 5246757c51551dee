// WAV files of 16 bit, mono, as foreign phones play and record them.

import { readFileSync, writeFileSync } from 'node:fs';

const HEADER_BYTES = 44;
const FULL_SCALE = 32_768;

export function writeTone(path: string, frequencyHz: number, seconds: number, rate = 8000): void {
  const data = Buffer.alloc(seconds * rate * 2);
  for (let i = 0; i < seconds * rate; i++)
    data.writeInt16LE(Math.round(Math.sin((2 * Math.PI * frequencyHz * i) / rate) * 0.4 * (FULL_SCALE - 1)), i * 2);
  const header = Buffer.alloc(HEADER_BYTES);
  header.write('RIFF', 0, 'latin1');
  header.writeUInt32LE(HEADER_BYTES - 8 + data.length, 4);
  header.write('WAVEfmt ', 8, 'latin1');
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(rate, 24);
  header.writeUInt32LE(rate * 2, 28);
  header.writeUInt16LE(2, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36, 'latin1');
  header.writeUInt32LE(data.length, 40);
  writeFileSync(path, Buffer.concat([header, data]));
}

/** Samples in [-1, 1); a file that is still being written may say less of itself than it holds, so all that is there is read. */
export function readSamples(path: string): Float64Array {
  const bytes = readFileSync(path);
  const data = bytes.indexOf('data', 12, 'latin1');
  const start = data === -1 ? HEADER_BYTES : data + 8;
  const samples = new Float64Array(Math.max(0, Math.floor((bytes.length - start) / 2)));
  for (let i = 0; i < samples.length; i++) samples[i] = bytes.readInt16LE(start + i * 2) / FULL_SCALE;
  return samples;
}
