// RTP and RTCP sockets of one call, and their afterlife.
//
// U1. Addresses given to `send…` are IP literals; a packet leaves inside the call that sends it (udp.ts).
// U2. After `drain` nothing is delivered; the pair stays bound until stale packets stop, so that they never reach the next call.

import type { Socket } from 'node:dgram';
import { bindUdp } from '../udp.ts';
import type { BindResult } from './messages.ts';

const DRAIN_QUIET_MS = 2000;
const DRAIN_MS_MAX = 30_000;

export interface DatagramHandlers {
  rtp(bytes: Buffer, address: string, port: number): void;
  rtcp(bytes: Buffer, address: string): void;
}

export class SocketPair {
  readonly port: number;
  readonly #rtp: Socket;
  readonly #rtcp: Socket;
  #handlers: DatagramHandlers | null;
  #drainingSinceMs = 0;
  #sawStale = false;
  #lastStaleMs = 0;

  private constructor(port: number, rtp: Socket, rtcp: Socket, handlers: DatagramHandlers) {
    this.port = port;
    this.#rtp = rtp;
    this.#rtcp = rtcp;
    this.#handlers = handlers;
    rtp.on('message', (bytes, from) => this.#onRtp(bytes, from.address, from.port));
    rtcp.on('message', (bytes, from) => this.#handlers?.rtcp(bytes, from.address));
    // A send may be refused by the kernel (no route, port unreachable): the packet is lost, as it would be on the wire.
    rtp.on('error', ignoreSendError);
    rtcp.on('error', ignoreSendError);
  }

  /** Binds `port` and `port + 1` on `host`. */
  static async bind(
    host: string,
    port: number,
    handlers: DatagramHandlers,
  ): Promise<SocketPair | Exclude<BindResult, 'ok'>> {
    const rtp = await bindUdp(host, port);
    if (typeof rtp === 'string') return rtp;
    const rtcp = await bindUdp(host, port + 1);
    if (typeof rtcp === 'string') {
      rtp.close();
      return rtcp;
    }
    return new SocketPair(port, rtp, rtcp, handlers);
  }

  sendRtp(bytes: Buffer, port: number, address: string): void {
    this.#rtp.send(bytes, port, address);
  }

  sendRtcp(bytes: Buffer, port: number, address: string): void {
    this.#rtcp.send(bytes, port, address);
  }

  drain(nowMs: number): void {
    this.#handlers = null;
    this.#drainingSinceMs = nowMs;
    this.#lastStaleMs = nowMs;
    this.#sawStale = false;
  }

  /** True once stale packets have stopped, or were awaited long enough. Called a few times a second. */
  drained(nowMs: number): boolean {
    if (this.#sawStale) this.#lastStaleMs = nowMs;
    this.#sawStale = false;
    return nowMs - this.#lastStaleMs >= DRAIN_QUIET_MS || nowMs - this.#drainingSinceMs >= DRAIN_MS_MAX;
  }

  close(): void {
    this.#handlers = null;
    this.#rtp.close();
    this.#rtcp.close();
  }

  #onRtp(bytes: Buffer, address: string, port: number): void {
    if (this.#handlers === null) this.#sawStale = true;
    else this.#handlers.rtp(bytes, address, port);
  }
}

function ignoreSendError(): void {
  // Nothing to do and nobody to tell: see U1's constructor note.
}
