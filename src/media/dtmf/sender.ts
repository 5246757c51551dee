// Keys on their way to the caller, one step per 20 ms of the call's pacing: it has no clock of its own.
//
//   state    step                                           next
//   idle     a key is queued                                tone (its first frame)
//            a pause is queued                              pause
//   tone     the next frame of the key, the last one ends it  gap after the last
//   gap      two repeated ends, then silence                idle after the last
//   pause    silence                                        idle after the last
//
// K1. A key lasts whole frames, at least three; its gap at least three, so that both repeated ends (RFC 4733 section 2.5.1.4) fit in it.
// K2. At most DTMF_QUEUE_CHARACTERS_MAX characters wait; a request that does not fit is refused whole.

import {
  DTMF_QUEUE_CHARACTERS_MAX,
  dtmfCode,
  type DtmfOutcome,
  dtmfPauseMs,
  type DtmfRequest,
} from '../../domain/dtmf.ts';
import { FRAME_MS } from '../codec/g711.ts';

export const STEP = { none: 0, key: 1, repeatedEnd: 2, silence: 3 } as const;
export type Step = (typeof STEP)[keyof typeof STEP];

const REPEATED_ENDS = 2;
const FRAMES_MIN = REPEATED_ENDS + 1;

interface Queued {
  readonly character: string;
  readonly toneFrames: number;
  readonly gapFrames: number;
}

type State = 'idle' | 'tone' | 'gap' | 'pause';

export class DtmfSender {
  /** Of the key of this step: its event code, and how many of its frames there are with this one. */
  code = 0;
  frame = 0;
  frames = 0;

  #state: State = 'idle';
  readonly #queue: Queued[] = [];
  #left = 0;
  #gapFrames = 0;
  #repeated = 0;

  /** There is something to do at the next step. */
  get active(): boolean {
    return this.#state !== 'idle' || this.#queue.length > 0;
  }

  queue({ text, toneMs, gapMs }: DtmfRequest): Extract<DtmfOutcome, 'queued' | 'queue_full'> {
    if (this.#queue.length + text.length > DTMF_QUEUE_CHARACTERS_MAX) return 'queue_full';
    const toneFrames = framesOf(toneMs);
    const gapFrames = framesOf(gapMs);
    for (const character of text) this.#queue.push({ character, toneFrames, gapFrames });
    return 'queued';
  }

  step(): Step {
    switch (this.#state) {
      case 'idle':
        return this.#next();
      case 'tone':
        return this.#tone();
      case 'gap':
        return this.#gap();
      case 'pause':
        if (--this.#left === 0) this.#state = 'idle';
        return STEP.silence;
    }
  }

  /** The key on its way cannot go on (hold, another payload type): what is queued behind it waits. */
  interrupt(): void {
    this.#state = 'idle';
  }

  clear(): void {
    this.#queue.length = 0;
    this.#state = 'idle';
  }

  #next(): Step {
    const next = this.#queue.shift();
    if (next === undefined) return STEP.none;
    const code = dtmfCode(next.character);
    if (code === -1) {
      this.#left = framesOf(dtmfPauseMs(next.character)) - 1;
      this.#state = 'pause';
      return STEP.silence;
    }
    this.code = code;
    this.frame = 0;
    this.frames = next.toneFrames;
    this.#gapFrames = next.gapFrames;
    this.#state = 'tone';
    return this.#tone();
  }

  #tone(): Step {
    this.frame++;
    if (this.frame === this.frames) {
      this.#state = 'gap';
      this.#left = this.#gapFrames;
      this.#repeated = 0;
    }
    return STEP.key;
  }

  #gap(): Step {
    if (--this.#left === 0) this.#state = 'idle';
    if (this.#repeated === REPEATED_ENDS) return STEP.silence;
    this.#repeated++;
    return STEP.repeatedEnd;
  }
}

function framesOf(ms: number): number {
  return Math.max(FRAMES_MIN, Math.ceil(ms / FRAME_MS));
}
