// Our answer to a browser (RFC 8829 section 5.3): its audio section taken on one host candidate as the lite side of ICE and the passive
// side of DTLS, every other section rejected in its place. Pure.

import { isIPv4 } from 'node:net';
import type { WebRtcLocal } from '../domain/webrtc-parameters.ts';
import type { BrowserOffer } from './browser-offer.ts';
import { MID_EXTENSION } from './browser-offer.ts';
import type { MediaSection } from './session.ts';

export interface AnswerOrigin {
  /** o= session id; the same for the whole call. */
  readonly sessionId: number;
  /** Raised by one for each answer that differs from the one before. */
  readonly version: number;
}

/** RFC 8445 section 5.1.2.1: host, highest local preference, component 1. */
const HOST_PRIORITY = 2_130_706_431;
const CNAME = 'callin-edge';
const STREAM = 'callin-edge';
/** Digits 0-9, *, #, A-D (RFC 4733 section 3.2). */
const TELEPHONE_EVENTS = '0-15';
const PTIME_MS = 20;

export function printBrowserAnswer(offer: BrowserOffer, local: WebRtcLocal, origin: AnswerOrigin): string {
  const family = isIPv4(local.address) ? 'IP4' : 'IP6';
  const { mid } = offer.media;
  const bundled = mid !== null && offer.session.bundles.some((mids) => mids.includes(mid));
  const lines = [
    'v=0',
    `o=- ${origin.sessionId} ${origin.version} IN ${family} ${local.address}`,
    's=-',
    't=0 0',
    ...(bundled ? [`a=group:BUNDLE ${mid}`] : []),
    'a=ice-lite',
    `a=msid-semantic: WMS ${STREAM}`,
    ...offer.session.media.flatMap((section) =>
      section === offer.media ? accepted(offer, local, family) : rejected(section),
    ),
  ];
  return `${lines.join('\r\n')}\r\n`;
}

function accepted({ media, remote, parameters }: BrowserOffer, local: WebRtcLocal, family: string): string[] {
  const { codec, payloadType, telephoneEventPayloadType: event, direction } = parameters;
  const sends = direction === 'sendrecv' || direction === 'sendonly';
  return [
    `m=audio ${local.port} ${media.protocol} ${event === null ? payloadType : `${payloadType} ${event}`}`,
    `c=IN ${family} ${local.address}`,
    ...(media.mid === null ? [] : [`a=mid:${media.mid}`]),
    `a=ice-ufrag:${local.iceUfrag}`,
    `a=ice-pwd:${local.icePwd}`,
    `a=fingerprint:${local.fingerprint.algorithm} ${local.fingerprint.value}`,
    'a=setup:passive',
    `a=candidate:1 1 udp ${HOST_PRIORITY} ${local.address} ${local.port} typ host`,
    'a=end-of-candidates',
    'a=rtcp-mux',
    `a=${direction}`,
    ...(remote.midExtension === null ? [] : [`a=extmap:${remote.midExtension} ${MID_EXTENSION}`]),
    `a=rtpmap:${payloadType} ${codec}/8000`,
    ...(event === null ? [] : [`a=rtpmap:${event} telephone-event/8000`, `a=fmtp:${event} ${TELEPHONE_EVENTS}`]),
    `a=ptime:${PTIME_MS}`,
    ...(sends ? [`a=msid:${STREAM} audio`, `a=ssrc:${local.ssrc} cname:${CNAME}`] : []),
  ];
}

/** RFC 3264 section 6: port 0, at least one format, which is meaningless. */
function rejected(section: MediaSection): string[] {
  return [
    `m=${section.kind} 0 ${section.protocol} ${section.formats[0] ?? '0'}`,
    'c=IN IP4 0.0.0.0',
    ...(section.mid === null ? [] : [`a=mid:${section.mid}`]),
    'a=inactive',
  ];
}
