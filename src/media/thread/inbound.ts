// Hot path: caller -> agent. One datagram from the socket to the agent's frame, in this order:
//
//   parse -> payload type -> path (whose packet is it?) -> sequence -> telephone event | audio -> reorder -> sink
//
// I1. A packet that fails a stage is counted and changes nothing behind it.
// I2. Only an accepted packet is proof of media (`lastRtpMs`): strangers cannot keep a call alive.

import type { AudioCodec } from '../../domain/directory.ts';
import { silenceByte, transcodeTable } from '../codec/g711.ts';
import { DtmfReceiver } from '../dtmf/receiver.ts';
import { CallerAudio, type FrameSink } from '../reorder.ts';
import { createRtpHeader, parseRtp } from '../rtp/header.ts';
import { Reception, VERDICT } from '../rtp/reception.ts';
import type { RtpParameters } from '../session.ts';
import type { RtpPath } from './path.ts';

export interface InboundSink extends FrameSink {
  firstPacket(nowMs: number): void;
  /** A telephone event begins. */
  key(digit: string, nowMs: number): void;
}

/** RFC 3389 comfort noise at 8 kHz has a static type; it means silence, which we make ourselves. */
const COMFORT_NOISE = 13;
/** Shared by all calls of the thread: valid only inside one `rtp` call. */
const header = createRtpHeader();

export class Inbound {
  readonly reception = new Reception();
  readonly audio: CallerAudio;
  /** Monotonic ms of the last accepted packet, 0 = never. */
  lastRtpMs = 0;
  dropped = 0;
  malformed = 0;

  readonly #sink: InboundSink;
  readonly #path: RtpPath;
  readonly #dtmf = new DtmfReceiver();
  #payloadType = -1;
  #eventPayloadType = -1;
  #receiving = false;
  #callerCodec: AudioCodec = 'PCMU';
  #agentCodec: AudioCodec = 'PCMU';

  constructor(sink: InboundSink, path: RtpPath) {
    this.#sink = sink;
    this.#path = path;
    this.audio = new CallerAudio(sink);
  }

  negotiate(remote: RtpParameters, receiving: boolean, nowMs: number): void {
    this.#payloadType = remote.receivePayloadType;
    this.#eventPayloadType = remote.receiveTelephoneEventPayloadType ?? -1;
    this.#dtmf.configure(remote.telephoneEventClockHz ?? 8000);
    this.#receiving = receiving;
    this.#callerCodec = remote.codec;
    this.#path.negotiate(remote, nowMs);
    this.#configure();
  }

  attach(codec: AudioCodec): void {
    this.#agentCodec = codec;
    this.#configure();
  }

  rtp(bytes: Buffer, address: string, port: number, nowMs: number): void {
    if (!parseRtp(bytes, header)) {
      this.malformed++;
      return;
    }
    const type = header.payloadType;
    const isAudio = type === this.#payloadType;
    const known = isAudio || type === this.#eventPayloadType || type === COMFORT_NOISE;
    if (!this.#path.accept(address, port, header.ssrc, header.sequence, known, nowMs) || !known) {
      this.dropped++;
      return;
    }
    this.#accepted(bytes, isAudio, nowMs);
  }

  #accepted(bytes: Buffer, isAudio: boolean, nowMs: number): void {
    const reception = this.reception;
    const sameSource = reception.ssrc === header.ssrc;
    const verdict = reception.judge(header.ssrc, header.sequence);
    if (verdict === VERDICT.jump) {
      this.dropped++;
      return;
    }
    if (this.lastRtpMs === 0) this.#sink.firstPacket(nowMs);
    this.lastRtpMs = nowMs;
    if (verdict === VERDICT.duplicate) return;
    if (verdict === VERDICT.restart) {
      this.audio.restart();
      this.audio.forgetEarly();
      if (!sameSource) this.#dtmf.reset();
    }
    if (isAudio) reception.arrival(header.timestamp, nowMs);
    if (!this.#receiving) return;
    if (header.payloadType === this.#eventPayloadType) {
      const { payloadStart: start, payloadEnd: end, timestamp, marker } = header;
      const digit = this.#dtmf.packet(bytes, start, end, timestamp, marker);
      if (digit !== null) this.#sink.key(digit, nowMs);
    }
    const { timestamp, payloadStart, payloadEnd } = header;
    this.audio.packet(reception.extended, timestamp, isAudio, bytes, payloadStart, payloadEnd, nowMs);
  }

  #configure(): void {
    this.audio.configure(transcodeTable(this.#callerCodec, this.#agentCodec), silenceByte(this.#agentCodec));
  }
}
