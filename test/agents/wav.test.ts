import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

import { readWav, type Wav, writeWav } from '../../src/agents/wav.ts';

const PROMPTS = new URL('../../src/agents/bundled/prompts/', import.meta.url);

describe('WAV files', () => {
  test.each([
    { encoding: 'pcm16', sampleRateHz: 8_000, channels: 2, data: Buffer.from([1, 2, 3, 4, 5, 6, 7, 8]) },
    { encoding: 'PCMU', sampleRateHz: 8_000, channels: 1, data: Buffer.from([1, 2, 3]) },
    { encoding: 'PCMA', sampleRateHz: 16_000, channels: 1, data: Buffer.alloc(0) },
  ] satisfies Wav[])('$encoding survives a round trip', (wav) => {
    expect(readWav(writeWav(wav))).toEqual({ ok: true, wav });
  });

  test('the header of PCM is the well-known one of 44 bytes', () => {
    const file = writeWav({ encoding: 'pcm16', sampleRateHz: 8_000, channels: 1, data: Buffer.from([0, 0]) });
    expect(file.toString('hex')).toBe(
      '524946462600000057415645666d74201000000001000100401f0000803e0000020010006461746102000000' + '0000',
    );
  });

  test('unknown chunks are skipped and a data chunk without a length runs to the end', () => {
    const file = writeWav({ encoding: 'PCMU', sampleRateHz: 8_000, channels: 1, data: Buffer.from([9, 9]) });
    file.writeUInt32LE(0xffff_ffff, file.length - 2 - 4);
    const odd = Buffer.concat([file.subarray(0, 12), Buffer.from('LIST\u0003\0\0\0abc\0'), file.subarray(12)]);
    const outcome = readWav(odd);
    expect(outcome.ok && outcome.wav.data).toEqual(Buffer.from([9, 9]));
  });

  test.each([
    ['empty', Buffer.alloc(0), 'not a WAV'],
    ['something else', Buffer.from('OggS                '), 'not a WAV'],
    ['without data', writeWav(silence()).subarray(0, 36), 'no data'],
    ['float samples', changed(silence(), 20, 3), 'format 3'],
    ['no channels', changed(silence(), 22, 0), 'no channels'],
  ])('a file that is %s is refused', (_name, file, detail) => {
    const outcome = readWav(file);
    expect(outcome.ok ? '' : outcome.detail).toContain(detail);
  });

  test('the speaker’s prompts are mono µ-law at 8 kHz and stay below 100 kB together', () => {
    const names = readdirSync(PROMPTS).filter((name) => name.endsWith('.wav'));
    const files = names.map((name) => readFileSync(new URL(name, PROMPTS)));
    expect(files).toHaveLength(3);
    for (const file of files) {
      expect(readWav(file)).toMatchObject({ ok: true, wav: { encoding: 'PCMU', sampleRateHz: 8_000, channels: 1 } });
    }
    expect(files.reduce((sum, { length }) => sum + length, 0)).toBeLessThan(100_000);
  });
});

function silence(): Wav {
  return { encoding: 'pcm16', sampleRateHz: 8_000, channels: 1, data: Buffer.alloc(4) };
}

function changed(wav: Wav, at: number, value: number): Buffer {
  const file = writeWav(wav);
  file.writeUInt16LE(value, at);
  return file;
}
