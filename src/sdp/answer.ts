// Our answer to an offer (RFC 3264 section 6): the first audio stream that can be had is kept, every other m= line is rejected
// with port 0 in its place.
//
// Invariants
//   A1. The answer has as many m= lines as the offer, of the same kinds, protocols and order.
//   A2. Our direction never sends what the offerer does not receive, nor receives what it does not send (hold: sendonly, inactive, 0.0.0.0).
//   A3. Our payload types are the offer's, so both directions use the same numbers.
//   A4. Of sections that can be had the first encrypted one is kept, where the trunk wants encryption; else the first.

import type { RtpParameters } from '../domain/rtp-parameters.ts';
import type { AudioCodec } from '../domain/directory.ts';
import {
  addressFault,
  anyTelephoneEventsOf,
  isUnspecified,
  type LocalAudio,
  payloadTypeOf,
  printAudio,
  printSession,
  type Refusal,
  refusal,
} from './audio.ts';
import { type AgreedCrypto, chooseEncryption } from './encryption.ts';
import { parseSdp } from './parse.ts';
import {
  connectionOf,
  directionOf,
  intersection,
  type MediaDirection,
  type MediaSection,
  mirrored,
  type Origin,
  type SessionDescription,
} from './session.ts';

export type AnswerOutcome = { readonly ok: true; readonly sdp: string; readonly remote: RtpParameters } | Refusal;

/** `offer` is the text from the network. */
export function answerOffer(offer: string, local: LocalAudio): AnswerOutcome {
  const parsed = parseSdp(offer);
  if (!parsed.ok) return refusal('bad_offer', `${parsed.code}: ${parsed.detail}`);
  const { session } = parsed;
  const chosen = chooseAudio(session, local);
  if (!chosen.ok) return chosen;
  const { media, codec, payloadType, address, crypto } = chosen;

  const events = anyTelephoneEventsOf(media);
  const event = events?.payloadType ?? null;
  const eventClock = events === null || events.clockHz === 8000 ? {} : { telephoneEventClockHz: events.clockHz };
  const direction = ourDirection(session, media, address, local.direction ?? 'sendrecv');
  const remote: RtpParameters = {
    remoteAddress: address,
    remotePort: media.port,
    rtcpMux: media.rtcpMux,
    codec,
    payloadType,
    receivePayloadType: payloadType,
    telephoneEventPayloadType: event,
    receiveTelephoneEventPayloadType: event,
    ...eventClock,
    direction,
    ...(crypto === null ? {} : { srtp: crypto.srtp }),
  };
  const types = { codecs: [[codec, payloadType] as const], telephoneEvent: event, ...eventClock };
  const lines = session.media.flatMap((section) =>
    section === media
      ? printAudio(local, media.protocol, types, direction, media.rtcpMux, crypto === null ? [] : [crypto.line])
      : rejected(section),
  );
  return { ok: true, sdp: printSession(local, previousOrigin(local), lines), remote };
}

type Choice =
  | {
      ok: true;
      media: MediaSection;
      codec: AudioCodec;
      payloadType: number;
      address: string;
      crypto: AgreedCrypto | null;
    }
  | Refusal;

/** A4. The audio section that passes every check; where none does, why the first that was looked at did not. */
function chooseAudio(session: SessionDescription, local: LocalAudio): Choice {
  let firstPlain: Choice | null = null;
  let firstRefusal: Refusal | null = null;
  for (const media of session.media) {
    if (media.kind !== 'audio' || media.port === 0) continue;
    const choice = judge(session, media, local);
    if (!choice.ok) firstRefusal ??= choice;
    else if (choice.crypto !== null) return choice;
    else firstPlain ??= choice;
  }
  return firstPlain ?? firstRefusal ?? refusal('bad_offer', 'no audio stream is offered');
}

function judge(session: SessionDescription, media: MediaSection, local: LocalAudio): Choice {
  const encryption = chooseEncryption(media, local.encryption);
  if (!encryption.ok) return encryption;
  const address = connectionOf(session, media)?.address;
  if (address === undefined) return refusal('bad_offer', 'no c= line applies to the audio stream');
  const fault = addressFault(address, local.address);
  if (fault !== null) return refusal('bad_offer', fault);
  for (const codec of local.codecs) {
    const payloadType = payloadTypeOf(media, codec);
    if (payloadType !== null) return { ok: true, media, codec, payloadType, address, crypto: encryption.crypto };
  }
  return refusal('no_common_codec', `offered: ${offeredNames(media)}`);
}

/** A2. An unspecified address asks for silence from us, whatever the direction says (RFC 2543 appendix B.5). */
function ourDirection(
  session: SessionDescription,
  media: MediaSection,
  address: string,
  wish: MediaDirection,
): MediaDirection {
  const asked = mirrored(directionOf(session, media));
  return intersection(isUnspecified(address) ? intersection(asked, 'recvonly') : asked, wish);
}

/** RFC 3264 section 6: port 0, at least one format, which is meaningless. */
function rejected(section: MediaSection): string[] {
  return [`m=${section.kind} 0 ${section.protocol} ${section.formats[0] ?? '0'}`];
}

function offeredNames(media: MediaSection): string {
  const names = media.formats.map((format) => media.rtpmaps.get(Number(format))?.encoding ?? format);
  return names.join(' ').slice(0, 120);
}

/** Origin of our previous description; a text that does not parse is our own mistake. */
function previousOrigin(local: LocalAudio): Origin | null {
  if (local.previous === undefined) return null;
  const parsed = parseSdp(local.previous);
  if (!parsed.ok) throw new TypeError(`our previous description does not parse: ${parsed.code}`);
  return parsed.session.origin;
}
