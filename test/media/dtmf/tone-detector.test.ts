// ITU-T Q.24 and its national values as a test: what must be heard, what must not, and what sounds like keys and is none.

import { describe, expect, test } from 'vitest';
import { encodePcma, encodePcmu } from '../../../src/media/codec/g711.ts';
import { ToneDetector } from '../../../src/media/dtmf/tone-detector.ts';
import { COLUMN_HZ, KEYPAD_CODES, PEAK_0_DBM0, ROW_HZ, writeToneFrame } from '../../../src/media/dtmf/tones.ts';
import { DTMF_KEYS } from '../../../src/domain/dtmf.ts';
import { seededRandom } from '../../../src/media/random.ts';

const RATE = 8000;
const peak = (dbm0: number): number => PEAK_0_DBM0 * 10 ** (dbm0 / 20);

interface Pair {
  readonly place: number;
  readonly ms: number;
  readonly lowDbm0?: number;
  readonly highDbm0?: number;
  /** Fractions of the nominal frequency. */
  readonly lowOff?: number;
  readonly highOff?: number;
  readonly phase?: number;
}

function pair({ place, ms, lowDbm0 = -10, highDbm0 = -8, lowOff = 0, highOff = 0, phase = 0 }: Pair): Float64Array {
  const low = (2 * Math.PI * ROW_HZ[place >> 2]! * (1 + lowOff)) / RATE;
  const high = (2 * Math.PI * COLUMN_HZ[place & 3]! * (1 + highOff)) / RATE;
  return Float64Array.from(
    { length: (ms * RATE) / 1000 },
    (_, n) => peak(lowDbm0) * Math.sin(low * n + phase) + peak(highDbm0) * Math.sin(high * n + phase * 2),
  );
}

const silence = (ms: number): Float64Array => new Float64Array((ms * RATE) / 1000);

function join(...parts: readonly Float64Array[]): Float64Array {
  const whole = new Float64Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function plusNoise(audio: Float64Array, rmsDbm0: number, random = seededRandom(7)): Float64Array {
  const rms = peak(rmsDbm0) / Math.SQRT2;
  return audio.map((sample) => {
    const gauss = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    return sample + rms * gauss;
  });
}

function heard(audio: Float64Array, codec: 'PCMU' | 'PCMA' = 'PCMU'): string {
  const encode = codec === 'PCMU' ? encodePcmu : encodePcma;
  const bytes = Buffer.from(
    Uint8Array.from(audio, (sample) => encode(Math.round(Math.max(-32_768, Math.min(32_767, sample))))),
  );
  const detector = new ToneDetector(codec);
  let keys = '';
  for (let at = 0; at < bytes.length; at += 160)
    keys += detector.audio(bytes, at, Math.min(at + 160, bytes.length)) ?? '';
  return keys;
}

const keyAt = (place: number): string => DTMF_KEYS[KEYPAD_CODES[place]!]!;
const ALL = Array.from({ length: 16 }, (_, place) => place);
const ALL_KEYS = ALL.map(keyAt).join('');
/** Each key at several alignments with the blocks of the detector. */
const OFFSETS_MS = [0, 1.25, 2.5, 3.75, 5, 6.25, 7.5, 8.75];

function everywhere(change: Omit<Pair, 'place'>, noise: number | null = null): string {
  let misses = '';
  for (const place of ALL) {
    for (const [turn, offset] of OFFSETS_MS.entries()) {
      const tone = pair({ place, phase: turn, ...change });
      const clean = join(silence(60 + offset), tone, silence(80));
      const keys = heard(noise === null ? clean : plusNoise(clean, noise, seededRandom(place * 100 + turn)));
      if (keys !== keyAt(place)) misses += ` ${keyAt(place)}@${offset}:${keys}`;
    }
  }
  return misses;
}

describe('media 6: keys in the audio, ITU-T Q.24', () => {
  test.each(['PCMU', 'PCMA'] as const)('all sixteen keys, 70 ms each with pauses of 70 ms, in %s', (codec) => {
    expect(heard(join(...ALL.flatMap((place) => [pair({ place, ms: 70 }), silence(70)])), codec)).toBe(ALL_KEYS);
  });

  test('our own tones are heard, in both codecs', () => {
    for (const codec of ['PCMU', 'PCMA'] as const) {
      const detector = new ToneDetector(codec);
      const frame = Buffer.alloc(160);
      let keys = '';
      for (const code of KEYPAD_CODES) {
        for (let i = 0; i < 5; i++) {
          writeToneFrame(code, i, 5, codec, frame, 0);
          keys += detector.audio(frame, 0, 160) ?? '';
        }
        frame.fill(codec === 'PCMU' ? 0xff : 0xd5);
        for (let i = 0; i < 5; i++) keys += detector.audio(frame, 0, 160) ?? '';
      }
      expect(keys).toBe(ALL_KEYS);
    }
  });

  test('40 ms of tone are enough, wherever they begin', () => {
    expect(everywhere({ ms: 40 })).toBe('');
  });

  test('23 ms of tone are no key', () => {
    for (const place of ALL) {
      for (const offset of OFFSETS_MS)
        expect(heard(join(silence(60 + offset), pair({ place, ms: 23 }), silence(80)))).toBe('');
    }
  });

  test('1.5 % off, each tone in each direction, is heard', () => {
    for (const lowOff of [-0.015, 0.015]) {
      for (const highOff of [-0.015, 0.015]) expect(everywhere({ ms: 60, lowOff, highOff })).toBe('');
    }
  });

  test('3.5 % off is no key', () => {
    for (const off of [-0.035, 0.035, -0.05, 0.05]) {
      for (const place of ALL) {
        expect(heard(join(silence(60), pair({ place, ms: 100, lowOff: off }), silence(60)))).toBe('');
        expect(heard(join(silence(60), pair({ place, ms: 100, highOff: off }), silence(60)))).toBe('');
      }
    }
  });

  test.each([
    ['0 dBm0 each', 0, 0],
    ['-25 dBm0 each', -25, -25],
    ['-33 dBm0 each', -33, -33],
    ['the high tone 8 dB weaker', -8, -16],
    ['the high tone 4 dB stronger', -16, -12],
  ])('level and twist: %s is heard', (_name, lowDbm0, highDbm0) => {
    expect(everywhere({ ms: 60, lowDbm0, highDbm0 })).toBe('');
  });

  test.each([
    ['-45 dBm0 each', -45, -45],
    ['the high tone 14 dB weaker', -8, -22],
    ['the high tone 10 dB stronger', -20, -10],
    ['one tone only', -8, -90],
  ])('level and twist: %s is no key', (_name, lowDbm0, highDbm0) => {
    for (const place of ALL) expect(heard(join(silence(60), pair({ place, ms: 100, lowDbm0, highDbm0 })))).toBe('');
  });

  test('a third tone of a group beside the pair is no key', () => {
    for (const [third, hz] of [...ROW_HZ, ...COLUMN_HZ].entries()) {
      const place = third === 0 || third === 4 ? 5 : 0;
      const audio = pair({ place, ms: 100, lowDbm0: -10, highDbm0: -10 });
      const three = audio.map((sample, n) => sample + peak(-13) * Math.sin((2 * Math.PI * hz * n) / RATE));
      expect(heard(join(silence(60), three)), `${hz}`).toBe('');
    }
  });

  test('what swells by 8 dB in 10 ms is no key', () => {
    const audio = pair({ place: 5, ms: 50, lowDbm0: 0, highDbm0: 0 });
    const swell = audio.map((sample, n) => sample * 10 ** ((-32 + (8 * n) / 80 - 4) / 20));
    expect(heard(join(silence(60), swell, silence(60)))).toBe('');
  });

  test('white noise 15 dB below the pair hides no key', () => {
    expect(everywhere({ ms: 60, lowDbm0: -10, highDbm0: -10 }, -22)).toBe('');
  });

  test('a gap of 10 ms in a press makes no second one, a pause of 40 ms does', () => {
    for (const place of ALL) {
      for (const offset of OFFSETS_MS) {
        const twice = (gapMs: number): string =>
          heard(
            join(silence(60 + offset), pair({ place, ms: 60 }), silence(gapMs), pair({ place, ms: 60 }), silence(60)),
          );
        expect(twice(10), `gap ${offset}`).toBe(keyAt(place));
        expect(twice(40), `pause ${offset}`).toBe(keyAt(place).repeat(2));
      }
    }
  });

  test('a lost packet in a press, silence in its place, makes no second one', () => {
    const tone = pair({ place: 5, ms: 200 });
    tone.fill(0, 640, 800);
    expect(heard(join(silence(60), tone, silence(60)))).toBe(keyAt(5));
  });

  test('a press of 10 s is one press', () => {
    expect(heard(join(pair({ place: 0, ms: 10_000 }), silence(60)))).toBe('1');
  });

  test('dial tone under the keys does not hide them', () => {
    const audio = join(...ALL.flatMap((place) => [pair({ place, ms: 80 }), silence(80)]));
    const dialTone = audio.map(
      (sample, n) =>
        sample + peak(-26) * (Math.sin((2 * Math.PI * 350 * n) / RATE) + Math.sin((2 * Math.PI * 440 * n) / RATE)),
    );
    expect(heard(dialTone)).toBe(ALL_KEYS);
  });
});

describe('media 6: what is no key (talk-off)', () => {
  const MINUTES = 10;
  const SECONDS = MINUTES * 60;

  test('ten minutes of white noise', () => {
    expect(heard(plusNoise(silence(SECONDS * 1000), -15))).toBe('');
  });

  /** Glottal pulses through three formants that glide from vowel to vowel, pitch that wanders: the spectrum and the movement of speech. */
  test('ten minutes of voices', () => {
    const random = seededRandom(11);
    let keys = '';
    for (let voice = 0; voice < 20; voice++) keys += heard(speech(SECONDS / 20, 80 + voice * 12, random));
    expect(keys).toBe('');
  });

  /** Chords of notes with harmonics, 60 to 500 ms each, over five octaves. */
  test('ten minutes of music', () => {
    const random = seededRandom(5);
    const audio = new Float64Array(SECONDS * RATE);
    for (let at = 0; at < audio.length; ) {
      const length = Math.floor((0.06 + 0.44 * random()) * RATE);
      const notes = Array.from(
        { length: 1 + Math.floor(random() * 4) },
        () => 65.4 * 2 ** (Math.floor(random() * 60) / 12),
      );
      const gains = notes.map(() => peak(-24 + 12 * random()));
      for (let i = 0; i < length && at + i < audio.length; i++) {
        for (let note = 0; note < notes.length; note++) {
          for (let harmonic = 1; harmonic <= 6; harmonic++) {
            const hz = notes[note]! * harmonic;
            if (hz < 3600) audio[at + i]! += (gains[note]! / harmonic) * Math.sin((2 * Math.PI * hz * i) / RATE);
          }
        }
      }
      at += length;
    }
    expect(heard(audio)).toBe('');
  });

  test('modem, fax and ringing tones', () => {
    const tones: readonly (readonly number[])[] = [
      [1100],
      [2100],
      [1300],
      [425],
      [440, 480],
      [480, 620],
      [350, 440],
      [950, 1400],
      [1400, 1800],
      [1633],
      [697],
      [900, 1300],
      [1700, 1100],
    ];
    for (const hz of tones) {
      const audio = Float64Array.from({ length: RATE }, (_, n) =>
        hz.reduce((sum, f) => sum + peak(-13) * Math.sin((2 * Math.PI * f * n) / RATE), 0),
      );
      expect(heard(audio), hz.join('+')).toBe('');
    }
  });
});

function speech(seconds: number, pitchHz: number, random: () => number): Float64Array {
  const VOWELS = [
    [730, 1090, 2440],
    [270, 2290, 3010],
    [300, 870, 2240],
    [530, 1840, 2480],
    [570, 840, 2410],
    [660, 1720, 2410],
    [490, 1350, 1690],
  ];
  const out = new Float64Array(seconds * RATE);
  const state = [0, 0, 0, 0, 0, 0];
  let pulse = 0;
  let from = VOWELS[0]!;
  let to = VOWELS[1]!;
  let stepsLeft = 0;
  let steps = 1;
  let loud = 0;
  let pitch = pitchHz;
  for (let n = 0; n < out.length; n++) {
    if (stepsLeft === 0) {
      from = to;
      to = VOWELS[Math.floor(random() * VOWELS.length)]!;
      steps = stepsLeft = Math.floor((0.08 + 0.25 * random()) * RATE);
      loud = random() < 0.2 ? 0 : 0.3 + 0.7 * random();
      pitch = pitchHz * (0.8 + 0.5 * random());
    }
    const mix = 1 - stepsLeft / steps;
    stepsLeft--;
    pulse += pitch / RATE;
    let sample = 0;
    if (pulse >= 1) {
      pulse -= 1;
      sample = loud * 4000;
    }
    sample += loud * 40 * (random() - 0.5);
    let sum = 0;
    for (let formant = 0; formant < 3; formant++) {
      const hz = from[formant]! * (1 - mix) + to[formant]! * mix;
      const radius = Math.exp((-Math.PI * (60 + 30 * formant)) / RATE);
      const y =
        sample +
        2 * radius * Math.cos((2 * Math.PI * hz) / RATE) * state[formant * 2]! -
        radius * radius * state[formant * 2 + 1]!;
      state[formant * 2 + 1] = state[formant * 2]!;
      state[formant * 2] = y;
      sum += y / (1 + formant);
    }
    out[n] = sum;
  }
  return out;
}
