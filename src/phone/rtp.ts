// The audio half of the test phone: an RTP peer on a real socket pair, paced by a monotonic schedule.
//
// Invariants
//   R1. Frame n leaves at start + n * ptime, however late the tick before it was: lateness never adds up.
//   R2. Sequence numbers rise by one and timestamps by one frame per tick, whatever impairments do to the packets on their
//       way: loss, delay and copies happen "in the network", after the packet was numbered.
//   R3. What was done to the stream is counted in `injected`, so that a test can compare it with what the peer reports.

import { randomInt } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { performance } from 'node:perf_hooks';
import type { Random } from './random.ts';
import { EVENT_DIGITS, Received } from './received.ts';
import { parseRtp, printRtp } from './rtp-packet.ts';
import { type Codec, EVENT_PAYLOAD_TYPE, PAYLOAD_TYPE } from './sdp.ts';
import { SILENCE } from './tone.ts';

/** Chances in [0, 1] per packet. */
export interface Impairment {
  readonly loss?: number;
  readonly duplicate?: number;
  /** Held back by one and a half frames, so that the next packet overtakes it. */
  readonly reorder?: number;
  /** Extra delay, uniform in [0, jitterMs). */
  readonly jitterMs?: number;
}

export interface RtpOptions {
  readonly codec?: Codec;
  readonly ptimeMs?: number;
  /** What is sent when there is nothing to say: frames of silence as telephones do, or nothing as with DTX. */
  readonly idle?: 'silence' | 'none';
  readonly impairment?: Impairment;
  readonly startSequence?: number;
  readonly startTimestamp?: number;
  readonly ssrc?: number;
}

export interface DtmfOptions {
  readonly durationMs?: number;
  readonly gapMs?: number;
  /** Leave out the first packets of each event, or the three with the end bit. */
  readonly loseStart?: boolean;
  readonly loseEnd?: boolean;
  readonly marker?: boolean;
}

interface Item {
  readonly payload: Buffer;
  readonly event: { readonly first: boolean; readonly marker: boolean; readonly copies: number } | null;
  readonly lost: boolean;
  readonly done?: () => void;
}

/** Below the gateway's default media range. Chosen by real chance: what is already taken must not shift a seeded test. */
const PORT_MIN = 20_000;
const PORT_PAIRS = 10_000;
const BIND_TRIES_MAX = 50;
const END_COPIES = 3;

export class RtpPeer {
  readonly host: string;
  readonly port: number;
  readonly received = new Received();
  /** `overtaken`: packets that left after one with a higher number, copies not counted; what a receiver calls reordered. */
  readonly injected = { sent: 0, lost: 0, duplicated: 0, reordered: 0, overtaken: 0 };
  /** Packets from ports other than the one negotiated with (and not counted in `received`). */
  strangers = 0;
  codec: Codec;
  impairment: Impairment;
  ssrc: number;
  readonly ptimeMs: number;
  readonly #idle: 'silence' | 'none';
  readonly #random: Random;
  readonly #rtp: Socket;
  readonly #rtcp: Socket;
  #remote: { address: string; port: number } | null = null;
  #sequence: number;
  #highestSent: number | null = null;
  #timestamp: number;
  #eventTimestamp = 0;
  #queue: Item[] = [];
  #active = false;
  #isOver = false;
  #timer: NodeJS.Timeout | null = null;
  #dueMs = 0;
  #talking = false;
  readonly #delayed = new Set<NodeJS.Timeout>();

  static async open(host: string, options: RtpOptions, random: Random): Promise<RtpPeer> {
    const [rtp, rtcp, port] = await bindPair(host);
    return new RtpPeer(host, port, rtp, rtcp, options, random);
  }

  private constructor(host: string, port: number, rtp: Socket, rtcp: Socket, options: RtpOptions, random: Random) {
    this.host = host;
    this.port = port;
    this.codec = options.codec ?? 'PCMU';
    this.ptimeMs = options.ptimeMs ?? 20;
    this.impairment = options.impairment ?? {};
    this.ssrc = options.ssrc ?? random.integer(0xffff_ffff);
    this.#idle = options.idle ?? 'silence';
    this.#sequence = options.startSequence ?? random.integer(0x1_0000);
    this.#timestamp = options.startTimestamp ?? random.integer(0xffff_ffff);
    this.#random = random;
    this.#rtp = rtp;
    this.#rtcp = rtcp;
    rtp.on('message', (bytes, from) => this.#receive(bytes, from.port));
    rtcp.on('message', (bytes) => this.received.rtcp.push(bytes));
  }

  /** Where to send; from here on packets from other ports are strangers. */
  setRemote(address: string, port: number): void {
    this.#remote = { address, port };
  }

  /** Runs the schedule: queued audio and events, and silence between them. */
  start(): void {
    if (this.#active || !this.#remote) return;
    this.#active = true;
    this.#dueMs = performance.now();
    this.#schedule();
  }

  /** Stops sending (on hold); receiving goes on. Queued audio waits. */
  pause(): void {
    this.#active = false;
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    this.#talking = false;
  }

  /** Nothing leaves any more. Whoever waits for queued audio waits no longer. */
  end(): void {
    this.#isOver = true;
    this.pause();
    for (const item of this.#queue.splice(0)) item.done?.();
  }

  /** Queues audio; resolves when its last frame has left, or when the call is over. The last frame is filled up with silence. */
  async sendAudio(audio: Buffer): Promise<void> {
    const size = this.#frameSamples;
    await new Promise<void>((resolve) => {
      for (let start = 0; start < audio.length; start += size) {
        const payload = Buffer.alloc(size, SILENCE[this.codec]);
        audio.copy(payload, 0, start, start + size);
        const last = start + size >= audio.length;
        this.#push({ payload, event: null, lost: false, ...(last ? { done: resolve } : {}) });
      }
      if (audio.length === 0) resolve();
    });
  }

  /** RFC 4733 events; resolves when the last has been sent, or when the call is over. */
  async sendDtmf(digits: string, options: DtmfOptions = {}): Promise<void> {
    const { durationMs = 100, gapMs = 60, loseStart = false, loseEnd = false, marker = true } = options;
    const ticks = Math.max(1, Math.round(durationMs / this.ptimeMs));
    await new Promise<void>((resolve) => {
      if (digits === '') resolve();
      [...digits].forEach((digit, index) => {
        const code = EVENT_DIGITS.indexOf(digit);
        if (code === -1) throw new Error(`no RFC 4733 event for "${digit}"`);
        for (let tick = 1; tick <= ticks; tick++) {
          const end = tick === ticks;
          const event = { first: tick === 1, marker: marker && tick === 1, copies: end ? END_COPIES : 1 };
          const payload = eventPayload(code, end, tick * this.#frameSamples);
          this.#push({ payload, event, lost: (loseStart && tick < ticks) || (loseEnd && end) });
        }
        const gap = Buffer.alloc(this.#frameSamples, SILENCE[this.codec]);
        const gaps = Math.max(1, Math.round(gapMs / this.ptimeMs));
        for (let i = 1; i <= gaps; i++) {
          const last = index === digits.length - 1 && i === gaps;
          this.#push({ payload: gap, event: null, lost: false, ...(last ? { done: resolve } : {}) });
        }
      });
    });
  }

  sendRtcp(bytes: Buffer): void {
    if (this.#remote) this.#rtcp.send(bytes, this.#remote.port + 1, this.#remote.address);
  }

  /** A new source within the same stream of packets (as after a transfer inside the carrier's network). */
  changeSource(ssrc: number, sequence: number, timestamp: number): void {
    this.ssrc = ssrc;
    this.#sequence = sequence;
    this.#timestamp = timestamp;
    this.#highestSent = null;
  }

  async close(): Promise<void> {
    this.end();
    for (const timer of this.#delayed) clearTimeout(timer);
    await Promise.all([this.#rtp, this.#rtcp].map(closeSocket));
  }

  get #frameSamples(): number {
    return this.ptimeMs * 8;
  }

  #push(item: Item): void {
    if (this.#isOver) return item.done?.();
    this.#queue.push(item);
    if (!this.#active || this.#timer) return;
    const idleFrames = Math.max(0, Math.floor((performance.now() - this.#dueMs) / this.ptimeMs) + 1);
    this.#timestamp = (this.#timestamp + idleFrames * this.#frameSamples) >>> 0;
    this.#dueMs += idleFrames * this.ptimeMs;
    this.#talking = false;
    this.#schedule();
  }

  #schedule(): void {
    this.#timer = setTimeout(() => this.#tick(), Math.max(0, this.#dueMs - performance.now()));
  }

  #tick(): void {
    this.#timer = null;
    while (this.#active && this.#dueMs <= performance.now()) {
      const item = this.#queue.shift();
      if (!item && this.#idle === 'none') return;
      if (item?.event) this.#sendEvent(item, item.event);
      else this.#sendFrame(item?.payload ?? Buffer.alloc(this.#frameSamples, SILENCE[this.codec]));
      this.#timestamp = (this.#timestamp + this.#frameSamples) >>> 0;
      this.#dueMs += this.ptimeMs;
      item?.done?.();
    }
    if (this.#active) this.#schedule();
  }

  #sendFrame(payload: Buffer): void {
    const marker = !this.#talking;
    this.#talking = true;
    this.#number({ payload, payloadType: PAYLOAD_TYPE[this.codec], marker, timestamp: this.#timestamp }, false);
  }

  /** All packets of one event carry the timestamp of its beginning (RFC 4733 section 2.2). */
  #sendEvent(item: Item, event: NonNullable<Item['event']>): void {
    if (event.first) this.#eventTimestamp = this.#timestamp;
    const packet = { payload: item.payload, payloadType: EVENT_PAYLOAD_TYPE, timestamp: this.#eventTimestamp };
    for (let copy = 0; copy < event.copies; copy++) this.#number({ ...packet, marker: event.marker }, item.lost);
  }

  #number(
    packet: { payload: Buffer; payloadType: number; marker: boolean; timestamp: number },
    lostOnPurpose: boolean,
  ): void {
    const bytes = printRtp({ ...packet, ssrc: this.ssrc, sequence: this.#sequence });
    this.#sequence = (this.#sequence + 1) & 0xffff;
    this.#intoTheNetwork(bytes, lostOnPurpose);
  }

  #intoTheNetwork(bytes: Buffer, lostOnPurpose: boolean): void {
    const { loss = 0, duplicate = 0, reorder = 0, jitterMs = 0 } = this.impairment;
    const chance = (probability: number) => probability > 0 && this.#random.next() < probability;
    if (lostOnPurpose || chance(loss)) {
      this.injected.lost++;
      return;
    }
    let delayMs = jitterMs > 0 ? this.#random.next() * jitterMs : 0;
    if (chance(reorder)) {
      this.injected.reordered++;
      delayMs += this.ptimeMs * 1.5;
    }
    this.#sendAfter(bytes, delayMs, false);
    if (!chance(duplicate)) return;
    this.injected.duplicated++;
    this.#sendAfter(bytes, delayMs + 1, true);
  }

  #sendAfter(bytes: Buffer, delayMs: number, copy: boolean): void {
    const remote = this.#remote;
    if (!remote) return;
    if (delayMs === 0) {
      this.#noteOrder(bytes.readUInt16BE(2), copy);
      this.#rtp.send(bytes, remote.port, remote.address);
      return;
    }
    const timer = setTimeout(() => {
      this.#delayed.delete(timer);
      this.#sendAfter(bytes, 0, copy);
    }, delayMs);
    this.#delayed.add(timer);
  }

  #noteOrder(sequence: number, copy: boolean): void {
    this.injected.sent++;
    const ahead = this.#highestSent === null ? 1 : ((sequence - this.#highestSent) << 16) >> 16;
    if (ahead > 0) this.#highestSent = sequence;
    else if (!copy) this.injected.overtaken++;
  }

  #receive(bytes: Buffer, fromPort: number): void {
    if (this.#remote && fromPort !== this.#remote.port) {
      this.strangers++;
      return;
    }
    const packet = parseRtp(bytes);
    if (packet) this.received.add(packet);
    else this.received.malformed++;
  }
}

/** An even RTP port with the odd one above it for RTCP (RFC 3550 section 11). */
async function bindPair(host: string): Promise<[Socket, Socket, number]> {
  for (let tries = 0; tries < BIND_TRIES_MAX; tries++) {
    const port = PORT_MIN + randomInt(PORT_PAIRS) * 2;
    const rtp = createSocket({ type: 'udp4', recvBufferSize: 1 << 20 });
    const rtcp = createSocket('udp4');
    try {
      await bind(rtp, port, host);
      await bind(rtcp, port + 1, host);
      return [rtp, rtcp, port];
    } catch (error) {
      await Promise.all([rtp, rtcp].map(closeSocket));
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    }
  }
  throw new Error(`no free RTP port pair on ${host}`);
}

async function bind(socket: Socket, port: number, host: string): Promise<void> {
  socket.bind(port, host);
  await once(socket, 'listening');
}

async function closeSocket(socket: Socket): Promise<void> {
  await new Promise<void>((resolve) => socket.close(() => resolve()));
}

/** RFC 4733 section 2.3: event, end bit and volume (-10 dBm0), duration in timestamp units. */
function eventPayload(code: number, end: boolean, durationSamples: number): Buffer {
  const payload = Buffer.from([code, (end ? 0x80 : 0) | 10, 0, 0]);
  payload.writeUInt16BE(Math.min(durationSamples, 0xffff), 2);
  return payload;
}
