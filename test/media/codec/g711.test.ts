import { describe, expect, test } from 'vitest';
import {
  decodePcma,
  decodePcmu,
  encodePcma,
  encodePcmu,
  silenceByte,
  transcode,
  transcodeTable,
} from '../../../src/media/codec/g711.ts';

// The reference: segment search as G.711 describes it, on 14-bit (mu) and 13-bit (A) values, sharing nothing with the shipped code.
const MU_SEGMENT_ENDS = [0x3f, 0x7f, 0xff, 0x1ff, 0x3ff, 0x7ff, 0xfff, 0x1fff];
const A_SEGMENT_ENDS = [0x1f, 0x3f, 0x7f, 0xff, 0x1ff, 0x3ff, 0x7ff, 0xfff];

function referencePcmu(sample: number): number {
  const magnitude = Math.min(Math.abs(sample) >> 2, 8158) + 33;
  const segment = MU_SEGMENT_ENDS.findIndex((end) => magnitude <= end);
  return ((segment << 4) | ((magnitude >> (segment + 1)) & 15)) ^ (sample < 0 ? 0x7f : 0xff);
}

function referencePcma(sample: number): number {
  const value = sample >> 3;
  const magnitude = value < 0 ? -value - 1 : value;
  const segment = A_SEGMENT_ENDS.findIndex((end) => magnitude <= end);
  const step = segment < 2 ? 1 : segment;
  return ((segment << 4) | ((magnitude >> step) & 15)) ^ (value < 0 ? 0x55 : 0xd5);
}

describe('G.711', () => {
  test('both encoders agree with the reference on every 16-bit sample', () => {
    for (let sample = -32768; sample <= 32767; sample++) {
      if (encodePcmu(sample) !== referencePcmu(sample)) expect([sample, encodePcmu(sample)]).toEqual('reference mu');
      if (encodePcma(sample) !== referencePcma(sample)) expect([sample, encodePcma(sample)]).toEqual('reference A');
    }
    expect(encodePcmu(32767)).toBe(0x80);
    expect(encodePcma(-32768)).toBe(0x2a);
  });

  test('decoding and encoding again gives the same byte', () => {
    for (let byte = 0; byte < 256; byte++) {
      expect(encodePcma(decodePcma(byte))).toBe(byte);
      if (byte !== 0x7f) expect(encodePcmu(decodePcmu(byte))).toBe(byte);
    }
    expect(Math.abs(decodePcmu(0x7f))).toBe(0);
  });

  test('the tables are decode-then-encode for all 256 bytes; silence stays silence', () => {
    const toA = transcodeTable('PCMU', 'PCMA')!;
    const toMu = transcodeTable('PCMA', 'PCMU')!;
    for (let byte = 0; byte < 256; byte++) {
      if (byte !== silenceByte('PCMU')) expect(toA[byte]).toBe(referencePcma(decodePcmu(byte)));
      if (byte !== silenceByte('PCMA')) expect(toMu[byte]).toBe(referencePcmu(decodePcma(byte)));
    }
    expect(toA[0xff]).toBe(0xd5);
    expect(toMu[0xd5]).toBe(0xff);
  });

  test('there and back a tone keeps 33 dB over its own error', () => {
    const toA = transcodeTable('PCMU', 'PCMA')!;
    const toMu = transcodeTable('PCMA', 'PCMU')!;
    let signal = 0;
    let noise = 0;
    for (let i = 0; i < 8000; i++) {
      const byte = encodePcmu(Math.round(9000 * Math.sin((2 * Math.PI * 440 * i) / 8000)));
      const sample = decodePcmu(byte);
      signal += sample ** 2;
      noise += (sample - decodePcmu(toMu[toA[byte]!]!)) ** 2;
    }
    expect(10 * Math.log10(signal / noise)).toBeGreaterThan(33);
  });

  test('between equal codecs bytes are copied as they are', () => {
    expect(transcodeTable('PCMU', 'PCMU')).toBeNull();
    const target = Buffer.alloc(6);
    transcode(null, Buffer.from([1, 2, 3, 4]), 1, 3, target, 2);
    expect([...target]).toEqual([0, 0, 2, 3, 0, 0]);
  });
});
