// The speaker agent: says a greeting, listens for the caller by energy, stops at once when interrupted (barge-in), and speaks again when the
// caller has been silent for a while. Scripted and deterministic: its clock is the caller's audio, 20 ms per message.
//
//   state       caller speaks (VOICE_FRAMES)    caller silent            mark played
//   speaking    clear, -> listening              -                        -> waiting
//   listening   -                                PAUSE_FRAMES: speaking   ignored (the echo of what was cleared)
//   waiting     -> listening                     PATIENCE_FRAMES: speaking, at most REMINDERS_MAX times in a row

import { PCMU_TO_LINEAR } from '../../media/codec/g711.ts';
import type { BundledAgent, BundledCall, Conversation } from './conversation.ts';

/** µ-law, 8 kHz, without a header. */
export interface SpeakerScript {
  readonly welcome: Buffer;
  readonly interrupted: Buffer;
  readonly again: Buffer;
}

const FRAME_MS = 20;
/** Audio is sent in pieces of 200 ms, as fast as it goes: runtimes do not pace either. */
const PIECE_BYTES = 1600;
const VOICE_FRAMES = 60 / FRAME_MS;
const PAUSE_FRAMES = 700 / FRAME_MS;
const PATIENCE_FRAMES = 6_000 / FRAME_MS;
const REMINDERS_MAX = 3;
/** Mean amplitude of 16-bit samples from which a frame counts as voice: about -34 dBFS, above line noise and comfort noise. */
const VOICE_LEVEL = 650;

export function createSpeakerAgent(script: SpeakerScript): BundledAgent {
  return { answer: (call) => new SpeakerConversation(call, script) };
}

class SpeakerConversation implements Conversation {
  readonly #call: BundledCall;
  readonly #script: SpeakerScript;
  #state: 'speaking' | 'listening' | 'waiting' = 'waiting';
  #utterances = 0;
  #reminders = 0;
  #voiceFrames = 0;
  #silentFrames = 0;

  constructor(call: BundledCall, script: SpeakerScript) {
    this.#call = call;
    this.#script = script;
    this.#speak(script.welcome);
  }

  heard(payload: string): void {
    if (isVoice(Buffer.from(payload, 'base64'))) {
      this.#voiceFrames++;
      this.#silentFrames = 0;
      if (this.#voiceFrames === VOICE_FRAMES) this.#callerSpeaks();
      return;
    }
    this.#voiceFrames = 0;
    this.#silentFrames++;
    this.#callerSilent();
  }

  markPlayed(name: string): void {
    if (this.#state !== 'speaking' || name !== this.#markName()) return;
    this.#state = 'waiting';
    this.#silentFrames = 0;
  }

  #callerSpeaks(): void {
    if (this.#state === 'speaking') this.#call.clear();
    this.#state = 'listening';
    this.#reminders = 0;
  }

  #callerSilent(): void {
    if (this.#state === 'listening' && this.#silentFrames >= PAUSE_FRAMES) this.#speak(this.#script.interrupted);
    if (this.#state !== 'waiting' || this.#silentFrames < PATIENCE_FRAMES || this.#reminders >= REMINDERS_MAX) return;
    this.#reminders++;
    this.#speak(this.#script.again);
  }

  #speak(audio: Buffer): void {
    this.#state = 'speaking';
    this.#utterances++;
    for (let at = 0; at < audio.length; at += PIECE_BYTES) {
      this.#call.say(audio.toString('base64', at, Math.min(at + PIECE_BYTES, audio.length)));
    }
    this.#call.mark(this.#markName());
  }

  #markName(): string {
    return `utterance-${this.#utterances}`;
  }
}

function isVoice(audio: Buffer): boolean {
  let sum = 0;
  for (const byte of audio) sum += Math.abs(PCMU_TO_LINEAR[byte]!);
  return audio.length > 0 && sum / audio.length >= VOICE_LEVEL;
}
