// Hot path: RFC 4733 telephone events in. One report per key press, told apart by the RTP timestamp of the press.
//
//  0                   1                   2                   3
//  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
// |     event     |E|R| volume    |          duration             |
//
// D1. The first packet of a press reports it, whether or not it is the start (lost start), carries the marker bit or the end bit, and
//     whatever its volume: the sender has decided that a key was pressed.
// D2. A packet with the timestamp of the press before is its update or repeated end: nothing new, also where its duration has wrapped.
// D3. An older timestamp is a straggler of an earlier press: nothing new.
// D4. A press beyond 65535 units is told in segments, each with a timestamp of its own, 65535 after the one before, without marker and
//     after no end (section 2.5.1.3): nothing new.
// D5. No press begins inside the one before. Where such a timestamp comes without a marker, a sender moves it with each packet against the
//     RFC, as some gateways do, up to the repeated ends: nothing new.

import { DTMF_KEYS } from '../../domain/dtmf.ts';
import { timestampDelta } from '../rtp/serial.ts';

const EVENT_BYTES = 4;
const END_BIT = 0x80;
const SEGMENT_UNITS = 0xffff;
/** A timestamp this far back is a new time base, not a straggler. */
const STRAGGLER_MS = 8000;
/** Three packets: how much of the end of a segment may be lost, and how far repeated ends may have moved. */
const PACKETS_MS = 60;

export class DtmfReceiver {
  #unitsPerMs = 8;
  #known = false;
  /** Of the press that was told last. */
  #timestamp = 0;
  #code = 0;
  #duration = 0;
  #ended = false;

  /** Clock of the events' payload type, which is the one of the audio: 8000, 16000 or 48000. */
  configure(clockRateHz: number): void {
    this.#unitsPerMs = clockRateHz / 1000;
  }

  /** The key if this packet begins a new press, else null. */
  packet(bytes: Buffer, start: number, end: number, timestamp: number, marker: boolean): string | null {
    if (end - start < EVENT_BYTES) return null;
    const code = bytes[start]!;
    // RFC 4733 table 3: events 0-15 are the keys. Higher ones (flash, tones) are no press.
    const key = DTMF_KEYS[code];
    if (key === undefined) return null;
    const isEnd = (bytes[start + 1]! & END_BIT) !== 0;
    const duration = (bytes[start + 2]! << 8) | bytes[start + 3]!;
    if (this.#known && this.#isOld(code, timestamp, duration, isEnd, marker)) return null;
    this.#known = true;
    this.#timestamp = timestamp;
    this.#code = code;
    this.#duration = duration;
    this.#ended = isEnd;
    return key;
  }

  /** A new SSRC has a time base of its own. */
  reset(): void {
    this.#known = false;
  }

  #isOld(code: number, timestamp: number, duration: number, isEnd: boolean, marker: boolean): boolean {
    const delta = timestampDelta(timestamp, this.#timestamp);
    if (delta === 0) {
      this.#update(duration, isEnd);
      return true;
    }
    if (delta < 0) return delta > -STRAGGLER_MS * this.#unitsPerMs;
    if (code !== this.#code || marker) return false;
    const slack = PACKETS_MS * this.#unitsPerMs;
    if (this.#continues(delta, slack)) {
      this.#timestamp = timestamp;
      this.#duration = duration;
      this.#ended = isEnd;
      return true;
    }
    if (delta <= this.#duration + (this.#ended ? 0 : slack) && !this.#ended) {
      this.#update(duration, isEnd);
      return true;
    }
    return this.#ended && isEnd && duration === this.#duration && delta <= this.#duration + slack;
  }

  /** D4; half a segment must have been seen, so that a key that is pressed again after a lost end is a press. */
  #continues(delta: number, slack: number): boolean {
    return !this.#ended && this.#duration > SEGMENT_UNITS / 2 && Math.abs(delta - SEGMENT_UNITS) <= slack;
  }

  #update(duration: number, isEnd: boolean): void {
    if (duration > this.#duration) this.#duration = duration;
    if (isEnd) this.#ended = true;
  }
}
