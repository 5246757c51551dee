// The audio of a SIP peer that speaks SRTP: a pair of sockets that keeps every datagram it gets, as it came, and sends frames under the keys that it
// is given (foreign-srtp.ts). Nothing of src is in it.

import { createSocket, type Socket } from 'node:dgram';
import type { ForeignSrtp, ForeignSuite } from './foreign-srtp.ts';

export interface Keyed {
  readonly suite: ForeignSuite;
  readonly key: string;
}

const FRAME_MS = 20;
const FRAME_BYTES = 160;

export class SecureAudio {
  readonly port: number;
  /** As they came. */
  readonly rtp: Buffer[] = [];
  readonly rtcp: Buffer[] = [];
  sequence = 100;
  readonly ssrc = 0x0badcafe;
  readonly #sockets: readonly [Socket, Socket];

  private constructor(port: number, sockets: readonly [Socket, Socket]) {
    this.port = port;
    this.#sockets = sockets;
    sockets[0].on('message', (bytes) => this.rtp.push(Buffer.from(bytes)));
    sockets[1].on('message', (bytes) => this.rtcp.push(Buffer.from(bytes)));
  }

  static async open(): Promise<SecureAudio> {
    for (let tries = 0; tries < 50; tries++) {
      const rtp = await bound(0);
      const port = rtp?.address().port ?? 1;
      const rtcp = port % 2 === 0 ? await bound(port + 1) : null;
      if (rtp !== null && rtcp !== null) return new SecureAudio(port, [rtp, rtcp]);
      rtp?.close();
    }
    throw new Error('no pair of ports');
  }

  /** Sends `count` frames of `fill`, one each 20 ms; `srtp` null = in clear. */
  async say(fill: number, count: number, to: number, srtp: ForeignSrtp | null): Promise<void> {
    for (let frame = 0; frame < count; frame++) {
      const packet = Buffer.alloc(12 + FRAME_BYTES, fill);
      packet.writeUInt16BE(0x8000, 0);
      packet.writeUInt16BE(this.sequence & 0xffff, 2);
      packet.writeUInt32BE((this.sequence * FRAME_BYTES) >>> 0, 4);
      packet.writeUInt32BE(this.ssrc, 8);
      this.sequence++;
      this.#sockets[0].send(srtp === null ? packet : srtp.protect(packet), to, '127.0.0.1');
      await new Promise((resolve) => setTimeout(resolve, FRAME_MS));
    }
  }

  /** The RTP packets in clear; null for each that is not authentic under these keys. */
  opened(ears: ForeignSrtp): (Buffer | null)[] {
    return this.rtp.map((packet) => ears.unprotect(packet));
  }

  /** Frames of this fill that were heard. */
  heard(fill: number, ears: ForeignSrtp): number {
    const frame = Buffer.alloc(FRAME_BYTES, fill);
    return this.opened(ears).filter((packet) => packet?.subarray(12).equals(frame)).length;
  }

  close(): void {
    for (const socket of this.#sockets) socket.close();
  }
}

/** The keys of a description, in its order. */
export function keysIn(sdp: string): (Keyed & { readonly tag: string })[] {
  return [...sdp.matchAll(/a=crypto:(\d+) (\S+) inline:([A-Za-z0-9+/=]+)/g)].map(([, tag = '', suite, key = '']) => ({
    tag,
    suite: suite as ForeignSuite,
    key,
  }));
}

export function portIn(sdp: string): number {
  return Number(/^m=audio (\d+)/m.exec(sdp)?.[1]);
}

async function bound(port: number): Promise<Socket | null> {
  const socket = createSocket('udp4');
  return await new Promise((resolve) => {
    socket.once('error', () => {
      socket.close();
      resolve(null);
    });
    socket.bind(port, '127.0.0.1', () => resolve(socket));
  });
}
