// Hears a code: finds the recorded prompts in received audio, byte for byte and in order. It knows the recordings and nothing of the program
// that puts them together.

import { readdirSync, readFileSync } from 'node:fs';
import { readWav } from '../../src/agents/wav.ts';

export interface Heard {
  /** Digits without a phrase between them. */
  readonly codes: readonly string[];
  readonly phrases: readonly string[];
}

const PROMPTS = new URL('../../src/agents/bundled/prompts/', import.meta.url);
const SILENCE = 0xff;

/** For audio of a transparent path (µ-law end to end). Throws where something was heard that is no prompt; one that is still being said does not count. */
export function earFor(language: string): (audio: Buffer) => Heard {
  const folder = new URL(`${language}/`, PROMPTS);
  const known = readdirSync(folder)
    .filter((name) => name.endsWith('.wav'))
    .map((name) => ({ name: name.slice(0, -4), audio: dataOf(new URL(name, folder)) }));

  return (audio) => {
    const names: string[] = [];
    for (let at = skipSilence(audio, 0); at < audio.length; at = skipSilence(audio, at)) {
      const start = at;
      const found = known.find((prompt) => audio.subarray(start, start + prompt.audio.length).equals(prompt.audio));
      if (
        found === undefined &&
        known.some((prompt) => prompt.audio.subarray(0, audio.length - start).equals(audio.subarray(start)))
      )
        break;
      if (found === undefined) throw new Error(`no prompt at ${(start / 8000).toFixed(3)} s, after ${names.join(' ')}`);
      names.push(found.name);
      at += found.audio.length;
    }
    const codes = names
      .map((name) => (/^\d$/.test(name) ? name : ' '))
      .join('')
      .split(/ +/)
      .filter((code) => code !== '');
    return { codes, phrases: names.filter((name) => !/^\d$/.test(name)) };
  };
}

function dataOf(file: URL): Buffer {
  const outcome = readWav(readFileSync(file));
  if (!outcome.ok) throw new Error(`${file.pathname}: ${outcome.detail}`);
  return outcome.wav.data.subarray(skipSilence(outcome.wav.data, 0));
}

function skipSilence(audio: Buffer, from: number): number {
  let at = from;
  while (at < audio.length && audio[at] === SILENCE) at++;
  return at;
}
