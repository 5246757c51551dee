// Hot path: agent -> caller. Queue, pace, packetise: one 20 ms RTP packet at a time, built in one buffer that the call keeps.
//
// O1. The buffer may be used again as soon as `send` returned: the kernel has copied it (UDP sends are tried synchronously; only a
//     full socket buffer defers one, and then a newer frame in its place is the lesser evil).
// O2. On hold the agent's audio is played to nobody: time, queue and marks go on, packets do not (sequence numbers stay gapless). Keys wait.
// O3. Keys take the place of audio, frame by frame, on the same schedule. The agent's audio is held back meanwhile, not dropped: a sentence
//     goes on where it was, and the delay that a live sender gets from it is taken back by the pacer (P3).

import { randomUint32, type Random } from '../random.ts';
import type { AudioCodec } from '../../domain/directory.ts';
import { DTMF_KEYS, type DtmfKind, type DtmfMode, type DtmfOutcome, type DtmfRequest } from '../../domain/dtmf.ts';
import type { RtpParameters } from '../../domain/rtp-parameters.ts';
import { FRAME_BYTES, FRAME_MS, silenceByte, transcodeTable } from '../codec/g711.ts';
import { EVENT_BYTES, writeEvent } from '../dtmf/event.ts';
import { DtmfSender, STEP } from '../dtmf/sender.ts';
import { writeToneFrame } from '../dtmf/tones.ts';
import { Pacer, SEND, type Send } from '../pacer.ts';
import { type BlockPool, Playout } from '../playout.ts';
import { writeRingbackFrame } from '../ringback.ts';
import { RTP_HEADER_BYTES, stampRtp, writeRtpHeader } from '../rtp/header.ts';

export interface OutboundOptions {
  readonly blocks: BlockPool;
  readonly random: Random;
  readonly send: (packet: Buffer) => void;
  readonly markPlayed: (name: string) => void;
  /** A key that goes by SIP INFO begins now. */
  readonly keyDue: (key: string, toneMs: number) => void;
}

export class Outbound {
  packetsSent = 0;
  framesFromAgent = 0;
  octetsSent = 0;
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
  /** The next frame of the ringing tone; null: none. */
  #ringFrame: number | null = null;

  readonly #keyDue: (key: string, toneMs: number) => void;
  readonly #keys = new DtmfSender();
  #mode: DtmfMode = 'auto';
  #kind: DtmfKind = 'rfc4733';
  /** Made with the first key of the call. */
  #eventPacket: Buffer | null = null;
  #eventPayloadType: number | null = null;
  #eventUnitsPerFrame = FRAME_BYTES;
  /** Where the key on its way began; all its packets have it (RFC 4733 section 2.2.2). */
  #eventTimestamp = 0;

  constructor(options: OutboundOptions) {
    this.#send = options.send;
    this.#keyDue = options.keyDue;
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

  get bytesDropped(): number {
    return this.#playout.bytesDropped;
  }

  get marksDropped(): number {
    return this.#playout.marksDropped;
  }

  /** How this call's carrier takes keys. */
  sendKeysBy(mode: DtmfMode): void {
    this.#mode = mode;
  }

  negotiate(remote: RtpParameters, sending: boolean): void {
    const { codec, payloadType, telephoneEventPayloadType: event, telephoneEventClockHz = 8000 } = remote;
    if (!sending || event !== this.#eventPayloadType || codec !== this.#callerCodec) this.#keys.interrupt();
    this.#eventPayloadType = event;
    this.#eventUnitsPerFrame = (telephoneEventClockHz / 1000) * FRAME_MS;
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

  /** Whether the ringing tone is heard where there is nothing else. */
  ring(rings: boolean): void {
    this.#ringFrame = rings ? 0 : null;
  }

  start(nowMs: number): void {
    this.#pacer.start(nowMs);
  }

  stop(): void {
    this.#pacer.stop();
    this.#playout.discard();
    this.#keys.clear();
  }

  /** Keys to the caller, in the order in which they are asked for, from the next frame on. */
  sendKeys(request: DtmfRequest): Exclude<DtmfOutcome, 'gone'> {
    if (this.#mode === 'rfc4733' && this.#eventPayloadType === null) return 'unavailable';
    return this.#keys.queue(request);
  }

  /** The kind that the next key goes by. */
  get keysGoBy(): DtmfKind {
    if (this.#mode === 'info') return 'info';
    return this.#mode === 'inband' || this.#eventPayloadType === null ? 'inband' : 'rfc4733';
  }

  audio(bytes: Buffer, start: number, end: number, nowMs: number): void {
    const playout = this.#playout;
    const before = playout.queuedBytes;
    playout.write(bytes, start, end);
    const what = this.#pacer.arrived(before, playout.queuedBytes, nowMs);
    if (what !== SEND.nothing) this.#emit(what);
  }

  get #keysDue(): boolean {
    return this.#sending && this.#keys.active;
  }

  mark(name: string): void {
    this.#playout.mark(name);
  }

  clear(): void {
    this.#playout.clear();
    this.#pacer.cleared();
  }

  tick(nowMs: number): void {
    const queued = this.#keysDue ? FRAME_BYTES : this.#playout.queuedBytes;
    const what = this.#pacer.tick(queued, nowMs);
    if (what !== SEND.nothing) this.#emit(what);
  }

  #emit(what: Send): void {
    if (this.#keysDue) this.#emitKey();
    else this.#emitAudio(what);
  }

  #emitAudio(what: Send): void {
    const packet = this.#packet;
    if (what === SEND.silence) {
      const rings =
        this.#ringFrame !== null && writeRingbackFrame(this.#ringFrame++, this.#callerCodec, packet, RTP_HEADER_BYTES);
      if (!rings) packet.fill(this.#silence, RTP_HEADER_BYTES);
    } else {
      const taken = this.#playout.take(this.#table, packet, RTP_HEADER_BYTES, FRAME_BYTES);
      if (taken < FRAME_BYTES) packet.fill(this.#silence, RTP_HEADER_BYTES + taken);
      this.framesFromAgent++;
    }
    if (what !== SEND.audio) this.#timestamp = (this.#timestamp + this.#pacer.skipFrames * FRAME_BYTES) | 0;
    if (this.#sending) this.#sendPacket(packet, this.#payloadType, this.packetsSent === 0, this.#timestamp);
    this.#timestamp = (this.#timestamp + FRAME_BYTES) | 0;
    if (what !== SEND.silence) this.#playout.played();
  }

  /** O3 */
  #emitKey(): void {
    const keys = this.#keys;
    const step = keys.step();
    if (step === STEP.key && keys.frame === 1) this.#beginKey();
    if (step !== STEP.silence && this.#kind === 'rfc4733') this.#sendEvent();
    else this.#sendToneOrSilence(step === STEP.key);
    this.#timestamp = (this.#timestamp + FRAME_BYTES) | 0;
    // Nothing to go on with: the next silence is on time, not late.
    if (!keys.active && this.#playout.queuedBytes < FRAME_BYTES) this.#pacer.cleared();
  }

  #beginKey(): void {
    const { code, frames } = this.#keys;
    this.#kind = this.keysGoBy;
    this.#eventTimestamp = this.#timestamp;
    if (this.#kind === 'info') this.#keyDue(DTMF_KEYS[code]!, frames * FRAME_MS);
  }

  #sendEvent(): void {
    const { code, frame, frames } = this.#keys;
    const { ssrc } = this;
    const payloadType = this.#eventPayloadType;
    if (payloadType === null) return;
    let packet = this.#eventPacket;
    if (packet === null) {
      packet = Buffer.alloc(RTP_HEADER_BYTES + EVENT_BYTES);
      writeRtpHeader(packet, { marker: false, payloadType, sequence: 0, timestamp: 0, ssrc });
      this.#eventPacket = packet;
    }
    writeEvent(packet, RTP_HEADER_BYTES, code, frame === frames, frame * this.#eventUnitsPerFrame);
    // The marker says where the key begins; repeated ends have frame === frames > 1.
    this.#sendPacket(packet, payloadType, frame === 1, this.#eventTimestamp);
  }

  #sendToneOrSilence(isKey: boolean): void {
    const { code, frame, frames } = this.#keys;
    const packet = this.#packet;
    if (isKey && this.#kind === 'inband') {
      writeToneFrame(code, frame - 1, frames, this.#callerCodec, packet, RTP_HEADER_BYTES);
    } else packet.fill(this.#silence, RTP_HEADER_BYTES);
    this.#sendPacket(packet, this.#payloadType, this.packetsSent === 0, this.#timestamp);
  }

  #sendPacket(packet: Buffer, payloadType: number, marker: boolean, timestamp: number): void {
    stampRtp(packet, payloadType, marker, this.#sequence, timestamp);
    this.#sequence = (this.#sequence + 1) & 0xffff;
    this.packetsSent++;
    this.octetsSent += packet.length - RTP_HEADER_BYTES;
    this.#send(packet);
  }
}
