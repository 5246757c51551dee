// Which of a browser's codecs a call takes, by what its agent speaks. Pure.
//
// The agent's own codec comes first: its bytes pass untouched. Every browser offers PCMU and PCMA (RFC 7874 section 3), so what is
// missing is wideband: an agent codec above 8 kHz would put Opus at the front of its row, and needs an Opus codec in `media/codec` and
// a resampler beside it.

import type { AudioCodec } from '../domain/directory.ts';
import { payloadTypeOf, telephoneEventOf } from './audio.ts';
import type { MediaSection } from './session.ts';

/** By the agent's codec, best first. */
const PREFERENCE: Readonly<Record<AudioCodec, readonly AudioCodec[]>> = {
  PCMU: ['PCMU', 'PCMA'],
  PCMA: ['PCMA', 'PCMU'],
};

export interface BrowserCodec {
  readonly codec: AudioCodec;
  readonly payloadType: number;
  readonly telephoneEventPayloadType: number | null;
}

/** Null = none of the offered codecs can be had. */
export function chooseBrowserCodec(media: MediaSection, agentCodec: AudioCodec): BrowserCodec | null {
  for (const codec of PREFERENCE[agentCodec]) {
    const payloadType = payloadTypeOf(media, codec);
    if (payloadType !== null) return { codec, payloadType, telephoneEventPayloadType: telephoneEventOf(media) };
  }
  return null;
}
