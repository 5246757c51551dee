// Recorded prompts: a WAV file per phrase and digit, µ-law at 8 kHz, and for a language the order in which they are said
// (`prompts/<language>/speech.yaml`; made as prompts/README.md tells). Read once, when the thread starts.
//
// Invariant PR1. A language is whole or the thread does not start: every phrase of its order and all ten digits are there.

import { readFileSync } from 'node:fs';
import { parse as parseYaml } from 'yaml';
import { readWav } from '../wav.ts';
import { CODE_LANGUAGES, type CodeLanguage } from './languages.ts';

export interface Prompts {
  /** All that is said of a code, µ-law at 8 kHz. */
  speech(code: string): Buffer;
}

/** One step of an order: a phrase by name, `code`, or a pause in ms. */
type Step = string | number;

interface SpeechFile {
  readonly phrases: Readonly<Record<string, string>>;
  readonly pauses: { readonly digitMs: number; readonly groupMs: number };
  readonly order: readonly Step[];
}

const FOLDER = new URL('./prompts/', import.meta.url);
const BYTES_PER_MS = 8;
const SILENCE = 0xff;
/** People remember three digits at a time. */
const GROUP_DIGITS = 3;
const CODE = 'code';

/** @throws Error that names the file which is missing or not what it must be. */
export function readCodePrompts(): ReadonlyMap<CodeLanguage, Prompts> {
  return new Map(CODE_LANGUAGES.map((language) => [language, promptsOf(language)]));
}

/** The audio of one file of this folder. */
export function readPrompt(name: string): Buffer {
  const outcome = readWav(readFileSync(new URL(`${name}.wav`, FOLDER)));
  if (!outcome.ok || outcome.wav.encoding !== 'PCMU' || outcome.wav.sampleRateHz !== 8000) {
    throw new Error(`prompt ${name}.wav is not µ-law at 8 kHz`);
  }
  return outcome.wav.data;
}

function promptsOf(language: CodeLanguage): Prompts {
  const name = `${language}/speech.yaml`;
  const { phrases, pauses, order } = parseYaml(readFileSync(new URL(name, FOLDER), 'utf8')) as SpeechFile;
  const digits = Array.from({ length: 10 }, (_, digit) => readPrompt(`${language}/${digit}`));
  const spoken = new Map(Object.keys(phrases).map((phrase) => [phrase, readPrompt(`${language}/${phrase}`)]));
  const unknown = order.filter((step) => typeof step === 'string' && step !== CODE && !spoken.has(step));
  if (unknown.length > 0) throw new Error(`${name}: there is no phrase ${unknown.join(', ')}`);

  const codeParts = (code: string): Buffer[] =>
    [...code].flatMap((digit, index) => {
      const pause = index === 0 ? 0 : index % GROUP_DIGITS === 0 ? pauses.groupMs : pauses.digitMs;
      return [silence(pause), digits[Number(digit)] ?? Buffer.alloc(0)];
    });
  return {
    speech: (code) =>
      Buffer.concat(
        order.flatMap((step) => {
          if (typeof step === 'number') return [silence(step)];
          return step === CODE ? codeParts(code) : [spoken.get(step) ?? Buffer.alloc(0)];
        }),
      ),
  };
}

function silence(ms: number): Buffer {
  return Buffer.alloc(ms * BYTES_PER_MS, SILENCE);
}
