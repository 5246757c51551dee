// Our offer, and what the answer to it means (RFC 3264 sections 5 and 7).
//
// Invariant F1. An answer is held against what was offered: a stream, codec or direction we did not offer is refused or narrowed,
//               never taken over.

import type { RtpParameters } from '../domain/rtp-parameters.ts';
import {
  addressFault,
  isUnspecified,
  type LocalAudio,
  offeredPayloadTypes,
  type OwnPayloadTypes,
  payloadTypeOf,
  printAudio,
  printSession,
  type Refusal,
  refusal,
  telephoneEventOf,
} from './audio.ts';
import { type OfferedKey, offeredEncryption, offeredKeys, readEncryption } from './encryption.ts';
import { parseSdp } from './parse.ts';
import { connectionOf, directionOf, intersection, type MediaDirection, mirrored } from './session.ts';

/** One audio stream, codecs in our order, telephone events. `local.previous` is not looked at: `version` is written. */
export function makeOffer(local: LocalAudio): string {
  const types = offeredPayloadTypes(local.codecs);
  const { protocol, lines } = offeredEncryption(local.encryption);
  return printSession(local, null, printAudio(local, protocol, types, local.direction ?? 'sendrecv', false, lines));
}

export type AnswerReading = { readonly ok: true; readonly remote: RtpParameters } | Refusal;

/** What an answer is held against (F1). */
export interface Offered {
  /** Index of the audio stream among the m= lines. */
  readonly at: number;
  readonly types: OwnPayloadTypes;
  readonly rtcpMux: boolean;
  readonly direction: MediaDirection;
  readonly keys: readonly OfferedKey[];
}

/** `answer` is the text from the network; `local` what `makeOffer` was called with. */
export function readAnswer(local: LocalAudio, answer: string): AnswerReading {
  const { codecs, encryption, direction = 'sendrecv' } = local;
  const types = offeredPayloadTypes(codecs);
  return readAnswerTo(local, answer, { at: 0, types, rtcpMux: false, direction, keys: offeredKeys(encryption) });
}

export function readAnswerTo(local: LocalAudio, answer: string, offered: Offered): AnswerReading {
  const parsed = parseSdp(answer);
  if (!parsed.ok) return refusal('bad_offer', `${parsed.code}: ${parsed.detail}`);
  const { session } = parsed;
  const media = session.media[offered.at];
  if (media === undefined || media.kind !== 'audio') return refusal('bad_offer', 'the answer has no audio stream');
  if (media.port === 0) return refusal('no_common_codec', 'the answer rejects the audio stream');
  const encryption = readEncryption(media, local.encryption, offered.keys);
  if (!encryption.ok) return encryption;
  const { crypto } = encryption;
  const address = connectionOf(session, media)?.address;
  if (address === undefined) return refusal('bad_offer', 'no c= line applies to the audio stream');
  const fault = addressFault(address, local.address);
  if (fault !== null) return refusal('bad_offer', fault);

  // The answerer's first choice counts (RFC 3264 section 6.1), and only among ours (F1).
  const answered = offered.types.codecs
    .map(([codec, receivePayloadType]) => ({ codec, receivePayloadType, payloadType: payloadTypeOf(media, codec) }))
    .filter((entry) => entry.payloadType !== null)
    .sort((a, b) => media.formats.indexOf(String(a.payloadType)) - media.formats.indexOf(String(b.payloadType)))[0];
  if (answered === undefined || answered.payloadType === null) {
    return refusal('no_common_codec', `answered: ${media.formats.join(' ').slice(0, 120)}`);
  }
  const { telephoneEvent, telephoneEventClockHz: clockHz = 8000 } = offered.types;
  const event = telephoneEvent === null ? null : telephoneEventOf(media, clockHz);
  const asked = mirrored(directionOf(session, media));
  const allowed = isUnspecified(address) ? intersection(asked, 'recvonly') : asked;
  return {
    ok: true,
    remote: {
      remoteAddress: address,
      remotePort: media.port,
      rtcpMux: offered.rtcpMux && media.rtcpMux,
      codec: answered.codec,
      payloadType: answered.payloadType,
      receivePayloadType: answered.receivePayloadType,
      telephoneEventPayloadType: event,
      receiveTelephoneEventPayloadType: event === null ? null : telephoneEvent,
      ...(event === null || clockHz === 8000 ? {} : { telephoneEventClockHz: clockHz }),
      direction: intersection(allowed, offered.direction),
      ...(crypto === null ? {} : { srtp: crypto.srtp }),
    },
  };
}
