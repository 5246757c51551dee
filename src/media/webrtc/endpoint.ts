// One browser's transport in a media thread: ICE, DTLS and SRTP of an engine, seen as "RTP packets in, RTP packets out".
//
//   state      input                                                    host is told
//   opening    the engine bound the port                                -  (`open` resolves)
//   ice        an authentic check of the browser                        -
//   dtls       handshake done, certificate matches a fingerprint        connected()
//   dtls       handshake fails, or another certificate                  failed('dtls_failed')
//   connected  authentic RTP, RTCP                                      rtp(), rtcp()
//   connected  close_notify of the browser                              failed('peer_closed')
//   connected  no check for CONSENT_MS                                  failed('consent_lost')
//   any        close()                                                  nothing any more
//
// Invariants, which the contract suite holds against every engine
//   E1. Nothing leaves or enters unencrypted: before `connected` packets given to `sendRtp` are dropped.
//   E2. After `close` the host hears nothing, and once it resolved port, timers and descriptors are free.
//   E3. `failed` comes at most once; the endpoint still has to be closed.
//   E4. Bytes are valid only during the call, in both directions.

import type { RtpParameters } from '../../domain/rtp-parameters.ts';
import type { WebRtcLocal, WebRtcRemote } from '../../domain/webrtc-parameters.ts';
import type { WebRtcFailure } from '../session.ts';

export interface WebRtcEndpoint {
  /** What our answer says. */
  readonly local: WebRtcLocal;
  readonly stage: 'ice' | 'dtls' | 'connected';
  /** A whole RTP packet, unencrypted. */
  sendRtp(packet: Buffer): void;
  /** A whole RTCP compound, unencrypted. */
  sendRtcp(packet: Buffer): void;
  /** Ten times a second. */
  tick(nowMs: number): void;
  /** Tells the browser (close_notify). Idempotent. */
  close(): Promise<void>;
}

export interface WebRtcEndpointHost {
  connected(): void;
  rtp(packet: Buffer): void;
  rtcp(packet: Buffer): void;
  /** A packet that failed authentication, or came a second time, where the engine tells. */
  rejected(): void;
  /** A packet of a stranger. */
  stranger(): void;
  failed(cause: WebRtcFailure): void;
}

export interface WebRtcEndpointParams {
  readonly port: number;
  readonly remote: WebRtcRemote;
  readonly parameters: RtpParameters;
  /** SSRC of the packets that will be given to `sendRtp`. */
  readonly ssrc: number;
}

/** `in-use`: another program has the port. `failed`: with `detail`. */
export type OpenedEndpoint =
  | { readonly ok: true; readonly endpoint: WebRtcEndpoint }
  | { readonly ok: false; readonly code: 'in-use' | 'failed'; readonly detail: string };

/** One per media thread, made at its first browser's leg. */
export interface WebRtcEngine {
  open(params: WebRtcEndpointParams, host: WebRtcEndpointHost): Promise<OpenedEndpoint>;
  /** All endpoints are closed before. */
  close(): Promise<void>;
}

/** What an engine gets from its thread. */
export interface WebRtcEngineOptions {
  /** Literal IP address to bind; nothing is bound anywhere else. */
  readonly host: string;
  /** Written into candidates instead of `host`, behind NAT. */
  readonly externalAddress: string | null;
  readonly nowMs: () => number;
  /** Of the operating system: credentials must not be guessable. */
  readonly randomBytes: (count: number) => Buffer;
}

/** RFC 7675 section 5.1: consent expires 30 s after the last authentic check. */
export const CONSENT_MS = 30_000;
