// Hot path: RTP over a pair of UDP sockets, with the source decided by latching (latch.ts): the legs of carriers. Where offer and answer agreed on
// SRTP, packets are opened on their way in and closed on their way out; the call itself sees them in clear.
//
//   datagram -> may this source speak at all (latch, looked at only) -> authentic? -> the call -> latch -> …
//
// Invariants
//   P1. What is not authentic reaches neither the call nor the latch: a stranger moves nothing, however long he sends.
//   P2. Under SRTP no packet leaves in clear, and none that came in clear is heard.

import { Latch, type LatchOptions } from '../latch.ts';
import { looksLikeRtcp, RTP_HEADER_BYTES } from '../rtp/header.ts';
import type { RtpParameters } from '../session.ts';
import { SdesSrtp } from '../srtp/sdes.ts';
import type { PathCall, RtpPath } from './path.ts';

/** RTP and RTCP sockets; addresses are literals. */
export interface PacketSockets {
  sendRtp(bytes: Buffer, port: number, address: string): void;
  sendRtcp(bytes: Buffer, port: number, address: string): void;
}

export class LatchedPath implements RtpPath {
  readonly #natAllowed: boolean;
  #latch: Latch;
  #sockets: PacketSockets;
  #rtcpMux = false;
  #call: PathCall | null = null;
  #nowMs: () => number = () => 0;
  /** Null = plain. */
  #srtp: SdesSrtp | null = null;

  constructor(options: LatchOptions, sockets: PacketSockets) {
    this.#natAllowed = options.natAllowed;
    this.#latch = new Latch(options);
    this.#sockets = sockets;
  }

  /** Nothing is known of the other side any more. */
  renew(sockets: PacketSockets, signallingAddress: string | null): void {
    this.#latch = new Latch({ natAllowed: this.#natAllowed, signallingAddress });
    this.#sockets = sockets;
    this.#srtp = null;
  }

  join(call: PathCall, nowMs: () => number): void {
    this.#call = call;
    this.#nowMs = nowMs;
  }

  get ready(): boolean {
    return this.#latch.target !== null;
  }

  negotiate(remote: RtpParameters, nowMs: number): void {
    this.#rtcpMux = remote.rtcpMux;
    this.#negotiateSrtp(remote, nowMs);
    this.#latch.negotiate(remote.remoteAddress, remote.remotePort, nowMs);
  }

  start(): void {
    // The sockets are bound since the call was opened.
  }

  accept(
    address: string,
    port: number,
    ssrc: number,
    sequence: number,
    payloadTypeOk: boolean,
    nowMs: number,
  ): boolean {
    return this.#latch.accept(address, port, ssrc, sequence, payloadTypeOk, nowMs);
  }

  acceptsControlFrom(address: string): boolean {
    return this.#latch.acceptsControlFrom(address);
  }

  /** A datagram that came to the RTP socket. */
  rtp(bytes: Buffer, address: string, port: number): void {
    const srtp = this.#srtp;
    const call = this.#call;
    if (call === null) return;
    if (srtp === null) return call.rtp(bytes, address, port);
    if (this.#rtcpMux && looksLikeRtcp(bytes)) return this.rtcp(bytes, address);
    if (bytes.length < RTP_HEADER_BYTES) return call.pathRejected();
    const nowMs = this.#nowMs();
    if (!this.#latch.mayAccept(address, port, bytes.readInt32BE(8), nowMs)) return call.pathStranger();
    const packet = srtp.unprotectRtp(bytes, nowMs);
    if (packet === null) call.pathRejected();
    else call.rtp(packet, address, port);
  }

  /** One that came to the RTCP socket. */
  rtcp(bytes: Buffer, address: string): void {
    const srtp = this.#srtp;
    const call = this.#call;
    if (call === null) return;
    if (srtp === null) return call.rtcp(bytes, address);
    if (!this.#latch.acceptsControlFrom(address)) return call.pathStranger();
    const packet = srtp.unprotectRtcp(bytes, this.#nowMs());
    if (packet === null) call.pathRejected();
    else call.rtcp(packet, address);
  }

  sendRtp(packet: Buffer): void {
    const target = this.#latch.target;
    if (target === null) return;
    const bytes = this.#srtp === null ? packet : this.#srtp.protectRtp(packet);
    this.#sockets.sendRtp(bytes, target.port, target.address);
  }

  sendRtcp(packet: Buffer): void {
    const target = this.#latch.target;
    if (target === null) return;
    const bytes = this.#srtp === null ? packet : this.#srtp.protectRtcp(packet);
    if (this.#rtcpMux) this.#sockets.sendRtp(bytes, target.port, target.address);
    else this.#sockets.sendRtcp(bytes, target.port + 1, target.address);
  }

  /** Silence is the watchdog's to notice. */
  fault(): null {
    return null;
  }

  #negotiateSrtp({ srtp }: RtpParameters, nowMs: number): void {
    if (srtp === undefined) this.#srtp = null;
    else if (this.#srtp === null) this.#srtp = new SdesSrtp(srtp);
    else this.#srtp.negotiate(srtp, nowMs);
  }
}
