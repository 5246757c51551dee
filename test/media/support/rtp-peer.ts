// A carrier's RTP endpoint for tests: one UDP socket on loopback that sends real RTP and remembers what came.

import { createSocket, type Socket } from 'node:dgram';
import type { AddressInfo } from 'node:net';
import { createRtpHeader, parseRtp, writeRtpHeader } from '../../../src/media/rtp/header.ts';

export interface ReceivedPacket {
  readonly atMs: number;
  readonly sequence: number;
  readonly timestamp: number;
  readonly payloadType: number;
  readonly ssrc: number;
  readonly marker: boolean;
  readonly payload: Buffer;
}

export interface PeerOptions {
  readonly ssrc?: number;
  readonly sequence?: number;
  readonly timestamp?: number;
  readonly payloadType?: number;
}

export class RtpPeer {
  readonly received: ReceivedPacket[] = [];
  readonly port: number;
  ssrc: number;
  sequence: number;
  timestamp: number;
  payloadType: number;
  readonly #socket: Socket;

  private constructor(socket: Socket, options: PeerOptions) {
    this.#socket = socket;
    this.port = (socket.address() as AddressInfo).port;
    this.ssrc = options.ssrc ?? 0x11223344;
    this.sequence = options.sequence ?? 100;
    this.timestamp = options.timestamp ?? 1000;
    this.payloadType = options.payloadType ?? 0;
    const header = createRtpHeader();
    socket.on('message', (bytes) => {
      if (!parseRtp(bytes, header)) return;
      const { sequence, payloadType, marker } = header;
      const [timestamp, ssrc] = [header.timestamp >>> 0, header.ssrc >>> 0];
      const payload = Buffer.from(bytes.subarray(header.payloadStart, header.payloadEnd));
      this.received.push({ atMs: performance.now(), sequence, timestamp, payloadType, ssrc, marker, payload });
    });
  }

  static async bind(options: PeerOptions = {}, address = '127.0.0.1'): Promise<RtpPeer> {
    const socket = createSocket('udp4');
    await new Promise<void>((resolve) => socket.bind(0, address, resolve));
    return new RtpPeer(socket, options);
  }

  /** Sends the next packet in order. */
  send(payload: Buffer, port: number): void {
    this.sendAs(this.sequence, this.timestamp, payload, port);
    this.sequence = (this.sequence + 1) & 0xffff;
    this.timestamp = (this.timestamp + payload.length) >>> 0;
  }

  sendAs(sequence: number, timestamp: number, payload: Buffer, port: number, payloadType = this.payloadType): void {
    this.#socket.send(rtpPacket({ sequence, timestamp, payload, payloadType, ssrc: this.ssrc }), port, '127.0.0.1');
  }

  sendRaw(bytes: Buffer, port: number): void {
    this.#socket.send(bytes, port, '127.0.0.1');
  }

  close(): void {
    this.#socket.close();
  }
}

export function rtpPacket(parts: {
  sequence: number;
  timestamp: number;
  payload: Buffer;
  payloadType?: number;
  ssrc?: number;
  marker?: boolean;
}): Buffer {
  const bytes = Buffer.alloc(12 + parts.payload.length);
  writeRtpHeader(bytes, {
    marker: parts.marker ?? false,
    payloadType: parts.payloadType ?? 0,
    sequence: parts.sequence,
    timestamp: parts.timestamp,
    ssrc: parts.ssrc ?? 0x11223344,
  });
  parts.payload.copy(bytes, 12);
  return bytes;
}
