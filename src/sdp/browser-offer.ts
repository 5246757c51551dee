// What a browser's offer asks for (RFC 8829): one audio stream over DTLS-SRTP on a bundled, multiplexed transport. Pure.
//
// Invariants
//   B1. Nothing unencrypted: an offer without a certificate's fingerprint, or over plain RTP, is refused; there is no fallback.
//   B2. The browser's candidates are not looked at: as the lite side of ICE we send only where its checks come from, so a description
//       cannot aim our packets at anybody.
//   B3. The first audio section that passes every check is taken; where none does, the first one's fault is told.

import type { AudioCodec } from '../domain/directory.ts';
import type { RtpParameters } from '../domain/rtp-parameters.ts';
import type { WebRtcRemote } from '../domain/webrtc-parameters.ts';
import { isPlainRtp, isSecureRtp, type RefusalReason } from './audio.ts';
import { type BrowserCodec, chooseBrowserCodec } from './browser-codec.ts';
import { parseSdp } from './parse.ts';
import { directionOf, type MediaSection, mirrored, type SessionDescription } from './session.ts';

/** Stable names; each has one reason, and with it the SIP status 488. */
const FAULT_REASON = {
  bad_sdp: 'bad_offer',
  no_audio: 'bad_offer',
  unknown_protocol: 'bad_offer',
  plain_rtp: 'encryption_mismatch',
  no_fingerprint: 'encryption_mismatch',
  /** The browser would have to be the client; it insists on being the server. */
  setup_unusable: 'bad_offer',
  no_ice_credentials: 'bad_offer',
  /** Two lite sides never check a path. */
  ice_lite: 'bad_offer',
  no_rtcp_mux: 'bad_offer',
  no_common_codec: 'no_common_codec',
  // Of an offer within a call.
  ice_restart: 'bad_offer',
  dtls_restart: 'bad_offer',
  codec_change: 'bad_offer',
} as const satisfies Record<string, RefusalReason>;

export type BrowserOfferFault = keyof typeof FAULT_REASON;

export interface BrowserOfferRefusal {
  readonly ok: false;
  readonly fault: BrowserOfferFault;
  readonly reason: (typeof FAULT_REASON)[BrowserOfferFault];
  /** For the timeline; never longer than a line. */
  readonly detail: string;
}

export interface BrowserOffer {
  readonly session: SessionDescription;
  /** The section that is answered; all others are rejected. */
  readonly media: MediaSection;
  readonly remote: WebRtcRemote;
  readonly parameters: RtpParameters;
}

export type BrowserOfferReading = { readonly ok: true; readonly offer: BrowserOffer } | BrowserOfferRefusal;

/** The header extension that tells bundled streams apart (RFC 9143 section 15). */
export const MID_EXTENSION = 'urn:ietf:params:rtp-hdrext:sdes:mid';

/** `text` is from the network. */
export function readBrowserOffer(text: string, agentCodec: AudioCodec): BrowserOfferReading {
  const parsed = parseSdp(text);
  if (!parsed.ok) return refused('bad_sdp', `${parsed.code}: ${parsed.detail}`);
  const { session } = parsed;
  let first: BrowserOfferRefusal | null = null;
  for (const media of session.media) {
    if (media.kind !== 'audio' || (media.port === 0 && !media.bundleOnly)) continue;
    const reading = judge(session, media, agentCodec);
    if (reading.ok) return reading;
    first ??= reading;
  }
  return first ?? refused('no_audio', `offered: ${session.media.map((media) => media.kind).join(' ') || 'nothing'}`);
}

/** An offer within the call: the same transport and codec, perhaps another direction. `before` = the offer that was answered. */
export function readBrowserReoffer(text: string, before: BrowserOffer): BrowserOfferReading {
  const reading = readBrowserOffer(text, before.parameters.codec);
  if (!reading.ok) return reading;
  const { remote, parameters, media } = reading.offer;
  if (remote.iceUfrag !== before.remote.iceUfrag || remote.icePwd !== before.remote.icePwd) {
    return refused('ice_restart', 'other ICE credentials');
  }
  const known = before.remote.fingerprints.map(({ algorithm, value }) => `${algorithm} ${value}`);
  if (!remote.fingerprints.some(({ algorithm, value }) => known.includes(`${algorithm} ${value}`))) {
    return refused('dtls_restart', 'another certificate');
  }
  if (media.mid !== before.media.mid || !sameTypes(parameters, before.parameters)) {
    return refused(
      'codec_change',
      `payload type ${parameters.payloadType} instead of ${before.parameters.payloadType}`,
    );
  }
  return reading;
}

function judge(session: SessionDescription, media: MediaSection, agentCodec: AudioCodec): BrowserOfferReading {
  const { transport } = media;
  if (isPlainRtp(media.protocol)) return refused('plain_rtp', `${media.protocol} is offered`);
  if (!isSecureRtp(media.protocol)) return refused('unknown_protocol', media.protocol.slice(0, 40));
  if (transport.fingerprints.length === 0) return refused('no_fingerprint', 'no fingerprint of SHA-256 or better');
  if (transport.setup !== 'actpass' && transport.setup !== 'active') {
    return refused('setup_unusable', `a=setup:${transport.setup ?? ' is missing'}`);
  }
  if (transport.iceUfrag === null || transport.icePwd === null) {
    return refused('no_ice_credentials', 'no usable a=ice-ufrag and a=ice-pwd');
  }
  if (transport.iceLite) return refused('ice_lite', 'both sides are ICE-lite');
  if (!media.rtcpMux) return refused('no_rtcp_mux', 'RTCP on a port of its own');
  const codec = chooseBrowserCodec(media, agentCodec);
  if (codec === null) return refused('no_common_codec', `offered: ${encodings(media)}`);
  const remote: WebRtcRemote = {
    iceUfrag: transport.iceUfrag,
    icePwd: transport.icePwd,
    fingerprints: transport.fingerprints,
    ssrc: media.ssrc,
    mid: media.mid,
    midExtension: midExtensionOf(media),
  };
  return { ok: true, offer: { session, media, remote, parameters: parametersOf(session, media, codec) } };
}

/** Where the browser is, only ICE finds out. */
function parametersOf(session: SessionDescription, media: MediaSection, chosen: BrowserCodec): RtpParameters {
  return {
    remoteAddress: '',
    remotePort: 0,
    rtcpMux: true,
    codec: chosen.codec,
    payloadType: chosen.payloadType,
    receivePayloadType: chosen.payloadType,
    telephoneEventPayloadType: chosen.telephoneEventPayloadType,
    receiveTelephoneEventPayloadType: chosen.telephoneEventPayloadType,
    direction: mirrored(directionOf(session, media)),
  };
}

function sameTypes(a: RtpParameters, b: RtpParameters): boolean {
  return (
    a.codec === b.codec &&
    a.payloadType === b.payloadType &&
    a.telephoneEventPayloadType === b.telephoneEventPayloadType
  );
}

/** Ids of the one-byte form only (RFC 8285 section 4.2): 1-14. */
function midExtensionOf(media: MediaSection): number | null {
  if (media.mid === null) return null;
  for (const [id, uri] of media.extensions) if (uri === MID_EXTENSION && id >= 1 && id <= 14) return id;
  return null;
}

function encodings(media: MediaSection): string {
  const names = media.formats.map((format) => media.rtpmaps.get(Number(format))?.encoding ?? format);
  return [...new Set(names)].join(' ').slice(0, 120);
}

function refused(fault: BrowserOfferFault, detail: string): BrowserOfferRefusal {
  return { ok: false, fault, reason: FAULT_REASON[fault], detail };
}
