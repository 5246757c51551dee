// Hot path: RTP over a pair of UDP sockets, with the source decided by latching (latch.ts): the legs of carriers.

import { Latch, type LatchOptions } from '../latch.ts';
import type { RtpParameters } from '../session.ts';
import type { RtpPath } from './path.ts';

/** RTP and RTCP sockets; addresses are literals. */
export interface PacketSockets {
  sendRtp(bytes: Buffer, port: number, address: string): void;
  sendRtcp(bytes: Buffer, port: number, address: string): void;
}

export class LatchedPath implements RtpPath {
  readonly #options: LatchOptions;
  #latch: Latch;
  #sockets: PacketSockets;
  #rtcpMux = false;

  constructor(options: LatchOptions, sockets: PacketSockets) {
    this.#options = options;
    this.#latch = new Latch(options);
    this.#sockets = sockets;
  }

  /** Nothing is known of the other side any more. */
  renew(sockets: PacketSockets): void {
    this.#latch = new Latch(this.#options);
    this.#sockets = sockets;
  }

  get ready(): boolean {
    return this.#latch.target !== null;
  }

  negotiate(remote: RtpParameters, nowMs: number): void {
    this.#rtcpMux = remote.rtcpMux;
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

  sendRtp(packet: Buffer): void {
    const target = this.#latch.target;
    if (target !== null) this.#sockets.sendRtp(packet, target.port, target.address);
  }

  sendRtcp(packet: Buffer): void {
    const target = this.#latch.target;
    if (target === null) return;
    if (this.#rtcpMux) this.#sockets.sendRtp(packet, target.port, target.address);
    else this.#sockets.sendRtcp(packet, target.port + 1, target.address);
  }

  /** Silence is the watchdog's to notice. */
  fault(): null {
    return null;
  }
}
