// Keys of the caller, whichever way they come: tones in the audio where the trunk's keys are tones, and one event per press.

import type { AudioCodec } from '../../domain/directory.ts';
import type { DtmfKind, DtmfMode } from '../../domain/dtmf.ts';
import { Presses } from './presses.ts';
import { ToneDetector } from './tone-detector.ts';

export class KeysHeard {
  readonly #presses = new Presses();
  #mode: DtmfMode = 'auto';
  #codec: AudioCodec = 'PCMU';
  #detector: ToneDetector | null = null;

  /** How the trunk's keys travel. */
  setMode(mode: DtmfMode): void {
    this.#mode = mode;
    this.#listen();
  }

  /** Of the audio that `audio` is given: the agent's, in order and without gaps. */
  setCodec(codec: AudioCodec): void {
    this.#codec = codec;
    this.#listen();
  }

  /** The key that is recognised in this frame, else null. */
  audio(bytes: Buffer, start: number, end: number): string | null {
    return this.#detector === null ? null : this.#detector.audio(bytes, start, end);
  }

  /** False: it was told already, by another way. */
  isNew(key: string, kind: DtmfKind, nowMs: number): boolean {
    return this.#presses.isNew(key, kind, nowMs);
  }

  #listen(): void {
    this.#detector = this.#mode === 'inband' ? new ToneDetector(this.#codec) : null;
  }
}
