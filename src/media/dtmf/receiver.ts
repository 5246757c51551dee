// Hot path: RFC 4733 telephone events in. One report per key press, told apart by the RTP timestamp of the press.
//
//  |     event     |E|R| volume    |          duration             |
//
// D1. The first packet of a press reports it, whether or not it is the start (lost start), carries the marker bit or the end bit.
// D2. A packet with the timestamp of the press before is its update or repeated end: nothing new.
// D3. An older timestamp is a straggler of an earlier press: nothing new.

import { timestampDelta } from '../rtp/serial.ts';

/** RFC 4733 table 3: events 0-15 are the keys. Higher ones (flash, tones) are no press. */
const KEYS = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '#', 'A', 'B', 'C', 'D'] as const;
const EVENT_BYTES = 4;
/** A timestamp this far back is a new time base, not a straggler: 8 s at 8 kHz. */
const STRAGGLER_UNITS = 64_000;

export class DtmfReceiver {
  #known = false;
  #timestamp = 0;

  /** The key if this packet begins a new press, else null. */
  packet(bytes: Buffer, start: number, end: number, timestamp: number): string | null {
    if (end - start < EVENT_BYTES) return null;
    const key = KEYS[bytes[start]!];
    if (key === undefined) return null;
    if (this.#known) {
      const delta = timestampDelta(timestamp, this.#timestamp);
      if (delta <= 0 && delta > -STRAGGLER_UNITS) return null;
    }
    this.#known = true;
    this.#timestamp = timestamp;
    return key;
  }

  /** A new SSRC has a time base of its own. */
  reset(): void {
    this.#known = false;
  }
}
