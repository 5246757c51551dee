// A session description as data (RFC 8866, RFC 3264). Only what a telephone call needs is given a meaning; other lines are skipped.

import { canReceive, canSend, type MediaDirection } from '../domain/rtp-parameters.ts';
import type { DtlsFingerprint } from '../domain/webrtc-parameters.ts';
import type { CryptoLine } from './crypto.ts';

export type { MediaDirection } from '../domain/rtp-parameters.ts';

export interface SessionDescription {
  readonly origin: Origin;
  readonly connection: Connection | null;
  /** Session-level direction: the default of its media sections. */
  readonly direction: MediaDirection | null;
  readonly media: readonly MediaSection[];
  /** Identifications of the sections that share one transport (RFC 9143), a list per a=group:BUNDLE. */
  readonly bundles: readonly (readonly string[])[];
}

/** o= line. `sessionId` and `sessionVersion` are numbers in the RFC and text in some carriers' equipment. */
export interface Origin {
  readonly username: string;
  readonly sessionId: string;
  readonly sessionVersion: string;
  readonly address: string;
}

export interface Connection {
  readonly family: 4 | 6;
  /** IP address, or a host name where the sender wrote one. */
  readonly address: string;
}

export interface MediaSection {
  /** `audio`, `video`, `image`, `application`, … */
  readonly kind: string;
  /** 0 = rejected or switched off. */
  readonly port: number;
  /** `RTP/AVP`, `RTP/SAVP`, `udptl`, … as written. */
  readonly protocol: string;
  /** Payload types for RTP, other tokens otherwise; as written and in order of preference. */
  readonly formats: readonly string[];
  readonly connection: Connection | null;
  readonly direction: MediaDirection | null;
  readonly rtpmaps: ReadonlyMap<number, RtpMap>;
  readonly formatParameters: ReadonlyMap<number, string>;
  readonly ptimeMs: number | null;
  readonly maxptimeMs: number | null;
  readonly rtcpMux: boolean;
  /** Port of a=rtcp (RFC 3605). */
  readonly rtcpPort: number | null;
  /** a=crypto (SDES, RFC 4568) or a=fingerprint (DTLS) stands in this section or above it. */
  readonly keyed: boolean;
  /** a=crypto of this section, in its order, each tag once. */
  readonly crypto: readonly CryptoLine[];
  /** RFC 5888. */
  readonly mid: string | null;
  /** Port 0 stands for the transport of the bundle (RFC 9143 section 6). */
  readonly bundleOnly: boolean;
  /** Header extensions offered: URI by id (RFC 8285). */
  readonly extensions: ReadonlyMap<number, string>;
  /** The first SSRC that the section names (RFC 5576). */
  readonly ssrc: number | null;
  readonly transport: SecureTransport;
}

/** ICE and DTLS of a section, its own or else those above all sections (RFC 8839 section 5, RFC 8842 section 5). */
export interface SecureTransport {
  readonly iceUfrag: string | null;
  readonly icePwd: string | null;
  readonly iceLite: boolean;
  /** Those with a hash that is fit for it; others are skipped. */
  readonly fingerprints: readonly DtlsFingerprint[];
  readonly setup: 'active' | 'passive' | 'actpass' | 'holdconn' | null;
}

export interface RtpMap {
  /** Upper case: encoding names are case-insensitive. */
  readonly encoding: string;
  readonly clockRateHz: number;
  readonly channels: number;
}

/** The direction that applies to a media section; RFC 3264 section 5.1: sendrecv where nothing is said. */
export function directionOf(session: SessionDescription, media: MediaSection): MediaDirection {
  return media.direction ?? session.direction ?? 'sendrecv';
}

export function connectionOf(session: SessionDescription, media: MediaSection): Connection | null {
  return media.connection ?? session.connection;
}

/** The same stream seen from the other end. */
export function mirrored(direction: MediaDirection): MediaDirection {
  if (direction === 'sendonly') return 'recvonly';
  if (direction === 'recvonly') return 'sendonly';
  return direction;
}

/** What is left of `direction` when only `wish` is wanted as well: both must allow sending, both must allow receiving. */
export function intersection(direction: MediaDirection, wish: MediaDirection): MediaDirection {
  const sends = canSend(direction) && canSend(wish);
  const receives = canReceive(direction) && canReceive(wish);
  if (sends) return receives ? 'sendrecv' : 'sendonly';
  return receives ? 'recvonly' : 'inactive';
}
