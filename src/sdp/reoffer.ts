// Our offer inside a call that has descriptions already: a new one, or the last one again.

import { anyTelephoneEventsOf, type LocalAudio, payloadTypeOf, refusal } from './audio.ts';
import { keysStillOffered } from './encryption.ts';
import { type AnswerReading, makeOffer, readAnswerTo } from './offer.ts';
import { parseSdp } from './parse.ts';
import { directionOf } from './session.ts';

/** As `makeOffer`, with the version that RFC 3264 section 8 asks for: that of `local.previous` where the text is the same, else one more. */
export function makeReoffer(local: LocalAudio & { readonly previous: string }): string {
  const parsed = parseSdp(local.previous);
  if (!parsed.ok) throw new TypeError(`our previous description does not parse: ${parsed.code}`);
  const version = Number(parsed.session.origin.sessionVersion);
  const unchanged = makeOffer({ ...local, version });
  return unchanged === local.previous ? unchanged : makeOffer({ ...local, version: version + 1 });
}

/**
 * What the answer to `repeated` means, which is our last description, sent again: it may have been an answer itself, with payload types, key tags
 * and rejected sections of the other side's choice.
 */
export function readRepeatedAnswer(local: LocalAudio, repeated: string, answer: string): AnswerReading {
  const parsed = parseSdp(repeated);
  if (!parsed.ok) throw new TypeError(`our own description does not parse: ${parsed.code}`);
  const { session } = parsed;
  const at = session.media.findIndex(({ kind, port }) => kind === 'audio' && port !== 0);
  const media = session.media[at];
  if (media === undefined) return refusal('bad_offer', 'no audio stream was offered');
  const codecs = local.codecs.flatMap((codec) => {
    const payloadType = payloadTypeOf(media, codec);
    return payloadType === null ? [] : [[codec, payloadType] as const];
  });
  const events = anyTelephoneEventsOf(media);
  const types = {
    codecs,
    telephoneEvent: events?.payloadType ?? null,
    ...(events === null ? {} : { telephoneEventClockHz: events.clockHz }),
  };
  const { rtcpMux } = media;
  const keys = keysStillOffered(media, local.encryption);
  return readAnswerTo(local, answer, { at, types, rtcpMux, direction: directionOf(session, media), keys });
}
