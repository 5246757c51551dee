// What offer and answer agreed on, in mediasoup's words. Pure.

import type { types } from 'mediasoup';
import type { RtpParameters } from '../../../domain/rtp-parameters.ts';
import type { WebRtcRemote } from '../../../domain/webrtc-parameters.ts';

const CNAME = 'callin-edge';
/**
 * Telephone events under the name of a codec that we never offer. The worker hands on what it takes for media and drops
 * `audio/telephone-event`; the name is the router's and ours alone, and the clock is the same.
 */
const EVENTS = { mimeType: 'audio/iLBC', clockRate: 8000 };
const MID_EXTENSION = 'urn:ietf:params:rtp-hdrext:sdes:mid';

/** Of a leg's own router: the payload types are those of the offer. */
export function codecsOf(parameters: RtpParameters): types.RouterRtpCodecCapability[] {
  const event = parameters.telephoneEventPayloadType;
  return [
    {
      kind: 'audio',
      mimeType: `audio/${parameters.codec}`,
      clockRate: 8000,
      preferredPayloadType: parameters.payloadType,
    },
    ...(event === null ? [] : [{ kind: 'audio' as const, ...EVENTS, preferredPayloadType: event }]),
  ];
}

function rtpCodecsOf(parameters: RtpParameters): types.RtpCodecParameters[] {
  const event = parameters.telephoneEventPayloadType;
  return [
    { mimeType: `audio/${parameters.codec}`, clockRate: 8000, payloadType: parameters.payloadType },
    ...(event === null ? [] : [{ ...EVENTS, payloadType: event }]),
  ];
}

/** Known by its SSRC, else by its identification in the header extension, which our answer accepts. */
export function browserSends(parameters: RtpParameters, remote: WebRtcRemote): types.RtpParameters {
  const extension = remote.midExtension;
  return {
    codecs: rtpCodecsOf(parameters),
    encodings: [remote.ssrc === null ? {} : { ssrc: remote.ssrc }],
    ...(remote.mid === null ? {} : { mid: remote.mid }),
    headerExtensions: extension === null ? [] : [{ uri: MID_EXTENSION, id: extension }],
  };
}

export function weSend(parameters: RtpParameters, ssrc: number): types.RtpParameters {
  return { codecs: rtpCodecsOf(parameters), encodings: [{ ssrc }], rtcp: { cname: CNAME } };
}
