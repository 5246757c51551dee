// Hot path: agent -> caller. Queue, pace, packetise: one 20 ms RTP packet at a time, built in one buffer that the call keeps.
//
// O1. The buffer may be used again as soon as `send` returned: the kernel has copied it (UDP sends are tried synchronously; only a
//     full socket buffer defers one, and then a newer frame in its place is the lesser evil).
// O2. On hold the agent's audio is played to nobody: time, queue and marks go on, packets do not (sequence numbers stay gapless).

import { randomUint32, type Random } from '../random.ts';
import type { AudioCodec } from '../../domain/directory.ts';
import { FRAME_BYTES, silenceByte, transcodeTable } from '../codec/g711.ts';
import { Pacer, SEND, type Send } from '../pacer.ts';
import { type BlockPool, Playout } from '../playout.ts';
import { RTP_HEADER_BYTES, stampRtp, writeRtpHeader } from '../rtp/header.ts';

export interface OutboundOptions {
  readonly blocks: BlockPool;
  readonly random: Random;
  readonly send: (packet: Buffer) => void;
  readonly markPlayed: (name: string) => void;
}

export class Outbound {
  packetsSent = 0;
  framesFromAgent = 0;
  readonly ssrc: number;

  readonly #send: (packet: Buffer) => void;
  readonly #playout: Playout;
  readonly #pacer = new Pacer();
  readonly #packet = Buffer.alloc(RTP_HEADER_BYTES + FRAME_BYTES);
  #sequence: number;
  /** Signed 32 bits, see RtpHeader. */
  #timestamp: number;
  #payloadType = 0;
  #callerCodec: AudioCodec = 'PCMU';
  #agentCodec: AudioCodec = 'PCMU';
  #table: Uint8Array | null = null;
  #silence = silenceByte('PCMU');
  #sending = false;

  constructor(options: OutboundOptions) {
    this.#send = options.send;
    this.#playout = new Playout(options.blocks, options.markPlayed);
    this.ssrc = randomUint32(options.random);
    // RFC 3550 section 5.1 wants both random; the lower half leaves SRTP's first roll-over far away (RFC 3711 section 3.3.1).
    this.#sequence = randomUint32(options.random) & 0x7fff;
    this.#timestamp = randomUint32(options.random) | 0;
  }

  /** When `tick` wants to be called, monotonic ms. */
  get dueMs(): number {
    return this.#pacer.dueMs;
  }

  get timestamp(): number {
    return this.#timestamp >>> 0;
  }

  get octetsSent(): number {
    return this.packetsSent * FRAME_BYTES;
  }

  get bytesDropped(): number {
    return this.#playout.bytesDropped;
  }

  get marksDropped(): number {
    return this.#playout.marksDropped;
  }

  negotiate(codec: AudioCodec, payloadType: number, sending: boolean): void {
    this.#callerCodec = codec;
    this.#payloadType = payloadType;
    this.#sending = sending;
    this.#silence = silenceByte(codec);
    this.#table = transcodeTable(this.#agentCodec, codec);
    writeRtpHeader(this.#packet, {
      marker: false,
      payloadType,
      sequence: this.#sequence,
      timestamp: this.#timestamp,
      ssrc: this.ssrc,
    });
  }

  /** A new agent: what the one before left is dropped. */
  attach(codec: AudioCodec): void {
    this.#playout.discard();
    this.#pacer.cleared();
    this.#agentCodec = codec;
    this.#table = transcodeTable(codec, this.#callerCodec);
  }

  start(nowMs: number): void {
    this.#pacer.start(nowMs);
  }

  stop(): void {
    this.#pacer.stop();
    this.#playout.discard();
  }

  audio(bytes: Buffer, start: number, end: number, nowMs: number): void {
    const playout = this.#playout;
    const before = playout.queuedBytes;
    playout.write(bytes, start, end);
    const what = this.#pacer.arrived(before, playout.queuedBytes, nowMs);
    if (what !== SEND.nothing) this.#emit(what);
  }

  mark(name: string): void {
    this.#playout.mark(name);
  }

  clear(): void {
    this.#playout.clear();
    this.#pacer.cleared();
  }

  tick(nowMs: number): void {
    const what = this.#pacer.tick(this.#playout.queuedBytes, nowMs);
    if (what !== SEND.nothing) this.#emit(what);
  }

  #emit(what: Send): void {
    const packet = this.#packet;
    if (what === SEND.silence) {
      packet.fill(this.#silence, RTP_HEADER_BYTES);
    } else {
      const taken = this.#playout.take(this.#table, packet, RTP_HEADER_BYTES, FRAME_BYTES);
      if (taken < FRAME_BYTES) packet.fill(this.#silence, RTP_HEADER_BYTES + taken);
      this.framesFromAgent++;
    }
    if (what !== SEND.audio) this.#timestamp = (this.#timestamp + this.#pacer.skipFrames * FRAME_BYTES) | 0;
    if (this.#sending) {
      stampRtp(packet, this.#payloadType, this.packetsSent === 0, this.#sequence, this.#timestamp);
      this.#sequence = (this.#sequence + 1) & 0xffff;
      this.packetsSent++;
      this.#send(packet);
    }
    this.#timestamp = (this.#timestamp + FRAME_BYTES) | 0;
    if (what !== SEND.silence) this.#playout.played();
  }
}
