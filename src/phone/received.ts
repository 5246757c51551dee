// What an RTP peer has heard: every packet with its arrival, and what can be read from them all.

import { performance } from 'node:perf_hooks';
import type { RtpPacket } from './rtp-packet.ts';
import { EVENT_PAYLOAD_TYPE } from './sdp.ts';
import { Waiters } from './waiters.ts';

export interface ReceivedPacket extends RtpPacket {
  /** performance.now() of this process. */
  readonly arrivalMs: number;
}

/** Half an hour at 50 packets a second: a test that goes on longer keeps the first half hour. */
const PACKETS_MAX = 90_000;

export class Received {
  readonly packets: ReceivedPacket[] = [];
  /** RTCP as it came. */
  readonly rtcp: Buffer[] = [];
  malformed = 0;
  readonly #waiters = new Waiters();

  add(packet: RtpPacket): void {
    if (this.packets.length < PACKETS_MAX) this.packets.push({ ...packet, arrivalMs: performance.now() });
    this.#waiters.notify();
  }

  /** Audio payloads in the order of their timestamps, telephone events left out. */
  get audio(): Buffer {
    const first = this.packets[0];
    if (!first) return Buffer.alloc(0);
    const audio = this.packets.filter((packet) => packet.payloadType !== EVENT_PAYLOAD_TYPE);
    const position = (packet: ReceivedPacket) => (packet.timestamp - first.timestamp) | 0;
    return Buffer.concat(audio.toSorted((a, b) => position(a) - position(b)).map((packet) => packet.payload));
  }

  /** Digits of RFC 4733 events, one per timestamp. */
  get digits(): string {
    const events = this.packets.filter((packet) => packet.payloadType === EVENT_PAYLOAD_TYPE);
    const seen = new Map(events.map((packet) => [packet.timestamp, packet.payload[0] ?? 0]));
    return [...seen.values()].map((code) => EVENT_DIGITS[code] ?? '?').join('');
  }

  /** Sequence numbers that never came, between the first and the last that did (wrap-safe, duplicates counted once). */
  get lost(): number {
    const first = this.packets[0];
    if (!first) return 0;
    let highest = 0;
    let lowest = 0;
    const seen = new Set<number>();
    for (const packet of this.packets) {
      const step = ((packet.sequence - first.sequence - highest) << 16) >> 16;
      const extended = highest + step;
      highest = Math.max(highest, extended);
      lowest = Math.min(lowest, extended);
      seen.add(extended);
    }
    return highest - lowest + 1 - seen.size;
  }

  /** Resolves once that many packets have come in all. */
  async waitFor(count: number, timeoutMs = 5000): Promise<void> {
    const missing = () => `only ${this.packets.length} of ${count} RTP packets came`;
    await this.#waiters.until(() => this.packets.length >= count, timeoutMs, missing);
  }
}

/** RFC 4733 section 3.2: event code = index. */
export const EVENT_DIGITS = '0123456789*#ABCD';
