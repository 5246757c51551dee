// One audio stream as both descriptions fix it, and the text of our side of it.

import { isIP, isIPv4 } from 'node:net';
import type { AudioCodec } from '../domain/directory.ts';
import type { LocalEncryption } from './encryption.ts';
import type { RtpParameters } from '../domain/rtp-parameters.ts';
import type { MediaDirection, MediaSection, Origin } from './session.ts';

type EventClockHz = NonNullable<RtpParameters['telephoneEventClockHz']>;

/** Our end of the stream. */
export interface LocalAudio {
  readonly address: string;
  readonly port: number;
  /** In order of preference. */
  readonly codecs: readonly AudioCodec[];
  /** o= session id; the same for the whole call. */
  readonly sessionId: number;
  /** o= version of the text to be made; not looked at where `previous` is given. */
  readonly version: number;
  /** The last description we sent in this call: its version is kept where nothing else changes, else raised by one (RFC 3264 section 8). */
  readonly previous?: string;
  /** What we would have, e.g. `inactive` while the agent is away. Default sendrecv. */
  readonly direction?: MediaDirection;
  /** Absent = off: keys are neither offered nor taken. */
  readonly encryption?: LocalEncryption | undefined;
  /** What was agreed on last; absent before the first agreement. */
  readonly agreed?: RtpParameters;
}

export type RefusalReason = 'no_common_codec' | 'bad_offer' | 'encryption_mismatch' | 'keys_in_clear';

export interface Refusal {
  readonly ok: false;
  readonly reason: RefusalReason;
  /** What was wrong, for the timeline. */
  readonly detail: string;
}

export const refusal = (reason: RefusalReason, detail: string): Refusal => ({ ok: false, reason, detail });

/** RFC 3551 table 4. */
const STATIC_PAYLOAD_TYPE: Readonly<Record<AudioCodec, number>> = { PCMU: 0, PCMA: 8 };
const TELEPHONE_EVENT_PAYLOAD_TYPE = 101;
/** Digits 0-9, *, #, A-D (RFC 4733 section 3.2). */
const TELEPHONE_EVENTS = '0-15';
/** What the media threads send and like to get. */
const PTIME_MS = 20;

export interface OwnPayloadTypes {
  readonly codecs: readonly (readonly [AudioCodec, number])[];
  readonly telephoneEvent: number | null;
  /** Default 8000. */
  readonly telephoneEventClockHz?: EventClockHz;
}

/** Payload types of an offer of ours. */
export function offeredPayloadTypes(codecs: readonly AudioCodec[]): OwnPayloadTypes {
  return {
    codecs: codecs.map((codec) => [codec, STATIC_PAYLOAD_TYPE[codec]] as const),
    telephoneEvent: TELEPHONE_EVENT_PAYLOAD_TYPE,
  };
}

/** Payload type under which `media` lists the codec: by rtpmap, or by its static number where no rtpmap says otherwise. */
export function payloadTypeOf(media: MediaSection, codec: AudioCodec): number | null {
  for (const format of media.formats) {
    const payloadType = payloadTypeNumber(format);
    if (payloadType === null) continue;
    const map = media.rtpmaps.get(payloadType);
    if (map === undefined ? payloadType === STATIC_PAYLOAD_TYPE[codec] : isMap(map, codec)) return payloadType;
  }
  return null;
}

/** Payload type of telephone events, whose clock is that of the audio (RFC 4733 section 2.1). */
export function telephoneEventOf(media: MediaSection, clockHz: EventClockHz = 8000): number | null {
  return eventsAt(media, clockHz)?.payloadType ?? null;
}

export interface TelephoneEvents {
  readonly payloadType: number;
  readonly clockHz: EventClockHz;
}

/** The same; where there are none, those of wideband audio: an offer that has no others means them for any codec. */
export function anyTelephoneEventsOf(media: MediaSection): TelephoneEvents | null {
  return eventsAt(media, 8000) ?? eventsAt(media, 16_000) ?? eventsAt(media, 48_000);
}

function eventsAt(media: MediaSection, clockHz: EventClockHz): TelephoneEvents | null {
  for (const format of media.formats) {
    const payloadType = payloadTypeNumber(format);
    if (payloadType === null) continue;
    const map = media.rtpmaps.get(payloadType);
    if (map !== undefined && isMap(map, 'TELEPHONE-EVENT', clockHz)) return { payloadType, clockHz };
  }
  return null;
}

function isMap(
  map: { encoding: string; clockRateHz: number; channels: number },
  encoding: string,
  clockHz = 8000,
): boolean {
  return map.encoding === encoding && map.clockRateHz === clockHz && map.channels === 1;
}

function payloadTypeNumber(format: string): number | null {
  return /^\d{1,3}$/.test(format) && Number(format) <= 127 ? Number(format) : null;
}

/** Plain RTP profiles; the feedback profile of RFC 4585 carries the same packets. */
export function isPlainRtp(protocol: string): boolean {
  return protocol === 'RTP/AVP' || protocol === 'RTP/AVPF';
}

export function isSecureRtp(protocol: string): boolean {
  return /(?:^|\/)RTP\/SAVPF?$/.test(protocol);
}

/** SRTP whose keys stand in the description itself, if anywhere; not that of DTLS. */
export function isSdesRtp(protocol: string): boolean {
  return protocol === 'RTP/SAVP' || protocol === 'RTP/SAVPF';
}

/** Null for an address that media can be sent to, else why not. 0.0.0.0 and :: are hold (RFC 2543) and fine. */
export function addressFault(address: string, localAddress: string): string | null {
  const family = isIP(address);
  if (family === 0) return `c= has the host name ${address.slice(0, 60)}`;
  if (isIPv4(localAddress) !== (family === 4)) return `c= is IPv${family}, our media address is not`;
  const multicast = family === 4 ? Number(address.split('.', 1)[0]) >= 224 : /^ff/i.test(address);
  return multicast ? `c= is the multicast or broadcast address ${address}` : null;
}

export function isUnspecified(address: string): boolean {
  return address === '0.0.0.0' || address === '::';
}

/** The lines of our audio section. */
export function printAudio(
  local: LocalAudio,
  protocol: string,
  types: OwnPayloadTypes,
  direction: MediaDirection,
  rtcpMux: boolean,
  cryptoLines: readonly string[] = [],
): string[] {
  const { telephoneEvent: event, telephoneEventClockHz: clockHz = 8000 } = types;
  const formats = [...types.codecs.map(([, payloadType]) => payloadType), ...(event === null ? [] : [event])];
  return [
    `m=audio ${local.port} ${protocol} ${formats.join(' ')}`,
    ...types.codecs.map(([codec, payloadType]) => `a=rtpmap:${payloadType} ${codec}/8000`),
    ...(event === null ? [] : [`a=rtpmap:${event} telephone-event/${clockHz}`, `a=fmtp:${event} ${TELEPHONE_EVENTS}`]),
    `a=ptime:${PTIME_MS}`,
    ...(rtcpMux ? ['a=rtcp-mux'] : []),
    ...cryptoLines,
    `a=${direction}`,
  ];
}

/** A whole description with our media lines, its version fixed by `previous` where that is given. */
export function printSession(local: LocalAudio, previousOrigin: Origin | null, mediaLines: readonly string[]): string {
  const text = (version: string) =>
    `${[`v=0`, originLine(local, version), ...sessionLines(local), ...mediaLines].join('\r\n')}\r\n`;
  if (previousOrigin === null) return text(String(local.version));
  const unchanged = text(previousOrigin.sessionVersion);
  return unchanged === local.previous ? unchanged : text(String(Number(previousOrigin.sessionVersion) + 1));
}

function originLine(local: LocalAudio, version: string): string {
  return `o=- ${local.sessionId} ${version} IN IP${addressFamily(local.address)} ${local.address}`;
}

function sessionLines(local: LocalAudio): string[] {
  return ['s=-', `c=IN IP${addressFamily(local.address)} ${local.address}`, 't=0 0'];
}

function addressFamily(address: string): 4 | 6 {
  return isIPv4(address) ? 4 : 6;
}
