// How the RTP of a call travels: whose packets are the call's, and where its own go. There are two: a pair of UDP sockets with latching
// (latched-path.ts, carriers) and a browser's transport (../webrtc/browser-path.ts). All else of a call is the same for both.
//
// Hot path: `accept`, `rtp` and `sendRtp` are called once per packet.

import type { RtpParameters, WebRtcFailure } from '../session.ts';

export interface RtpPath {
  /** Packets can leave. */
  readonly ready: boolean;
  /** After each offer and answer. */
  negotiate(remote: RtpParameters, nowMs: number): void;
  /** The call is answered. */
  start(nowMs: number): void;
  /** True if a packet of this source belongs to the call. `payloadTypeOk`: one of the negotiated types. */
  accept(address: string, port: number, ssrc: number, sequence: number, payloadTypeOk: boolean, nowMs: number): boolean;
  /** RTCP is believed only from the host of the media. */
  acceptsControlFrom(address: string): boolean;
  /** The packet may be used again as soon as this returned. */
  sendRtp(packet: Buffer): void;
  sendRtcp(packet: Buffer): void;
  /** Ten times a second: told once, why nothing can come any more. */
  fault(nowMs: number): WebRtcFailure | null;
}

/** What a path tells its call: packets in clear, and what became of others. */
export interface PathCall {
  rtp(packet: Buffer, address: string, port: number): void;
  rtcp(packet: Buffer, address: string): void;
  pathReady(): void;
  pathStranger(): void;
  pathRejected(): void;
}
