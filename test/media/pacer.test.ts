import { describe, expect, test } from 'vitest';
import { Pacer, SEND } from '../../src/media/pacer.ts';
import { seededRandom } from '../../src/media/random.ts';

/** A pacer with a queue of bytes and a thread's 2 ms tick, on an injected clock. */
class Line {
  readonly pacer = new Pacer();
  readonly sent: { readonly atMs: number; readonly what: number; readonly timestamp: number }[] = [];
  nowMs = 50_000;
  queued = 0;
  timestamp = 0;

  constructor() {
    this.pacer.start(this.nowMs);
  }

  agent(bytes: number): void {
    const before = this.queued;
    this.queued += bytes;
    this.#emit(this.pacer.arrived(before, this.queued, this.nowMs));
  }

  until(timeMs: number): void {
    for (;;) {
      const next = Math.ceil((this.nowMs + 1e-6) / 2) * 2;
      if (next > timeMs) break;
      this.nowMs = next;
      if (this.pacer.dueMs <= next + 1) this.#emit(this.pacer.tick(this.queued, next));
    }
    this.nowMs = timeMs;
  }

  #emit(what: number): void {
    if (what === SEND.nothing) return;
    if (what !== SEND.audio) this.timestamp += this.pacer.skipFrames * 160;
    this.sent.push({ atMs: this.nowMs, what, timestamp: this.timestamp });
    this.timestamp += 160;
    if (what !== SEND.silence) this.queued = Math.max(0, this.queued - 160);
  }

  audio(): number[] {
    return this.sent.filter((packet) => packet.what !== SEND.silence).map((packet) => packet.atMs);
  }
}

const gaps = (times: readonly number[]): number[] => times.slice(1).map((time, index) => time - times[index]!);

describe('pacing toward the caller', () => {
  test('silence runs at 50 packets a second for ever', () => {
    const line = new Line();
    line.until(60_000);
    expect(line.sent).toHaveLength(501);
    expect(Math.max(...gaps(line.sent.map((packet) => packet.atMs)))).toBeLessThanOrEqual(22);
  });

  test('a burst of 10 s goes out on the schedule: every gap within 3 ms of 20, none dropped', () => {
    const line = new Line();
    line.until(51_007);
    line.agent(500 * 160);
    line.until(63_000);
    const times = line.audio();
    expect(times).toHaveLength(500);
    for (const gap of gaps(times)) expect(Math.abs(gap - 20)).toBeLessThanOrEqual(3);
    expect(times.at(-1)! - times[0]!).toBeCloseTo(499 * 20, -1);
  });

  test('audio after silence leaves at once, yet never within 10 ms of the packet before', () => {
    for (let phase = 0; phase < 20; phase++) {
      const line = new Line();
      line.until(50_100 + phase);
      const before = line.sent.at(-1)!.atMs;
      line.agent(160);
      line.until(line.nowMs + 22);
      const first = line.audio()[0]!;
      expect(first - (50_100 + phase)).toBeLessThanOrEqual(12);
      expect(first - before).toBeGreaterThanOrEqual(9);
    }
  });

  test('an agent that echoes at once is sent at once, for as long as it talks', () => {
    const line = new Line();
    let worst = 0;
    for (let i = 0; i < 500; i++) {
      line.until(51_000 + i * 20);
      line.agent(160);
      line.until(51_000 + i * 20 + 18);
      if (i > 100) worst = Math.max(worst, line.audio().at(-1)! - (51_000 + i * 20));
    }
    expect(line.audio()).toHaveLength(500);
    expect(worst).toBeLessThanOrEqual(5);
  });

  test('a sender with 40 ms of jitter is smoothed: no silence between its frames once the delay has found its size', () => {
    const line = new Line();
    const random = seededRandom(6);
    const arrivals = Array.from({ length: 1000 }, (_, i) => 51_000 + i * 20 + random() * 40).toSorted((a, b) => a - b);
    for (const arrival of arrivals) {
      line.until(arrival);
      line.agent(160);
    }
    line.until(line.nowMs + 200);
    const talk = line.sent.filter((packet) => packet.atMs > 52_000 && packet.atMs <= line.audio().at(-1)!);
    expect(talk.filter((packet) => packet.what === SEND.silence).length).toBeLessThanOrEqual(2);
    expect(Math.min(...gaps(line.sent.map((packet) => packet.atMs)))).toBeGreaterThanOrEqual(9);
    expect(line.audio()).toHaveLength(1000);
  });

  test.each([19, 90, 300])('the delay that one stall of %i ms left behind is gone some seconds later', (stallMs) => {
    const line = new Line();
    const frames = 1500;
    for (let i = 0; i < frames; i++) {
      const dueMs = 51_000 + i * 20;
      line.until(Math.max(line.nowMs, i >= 100 ? Math.max(dueMs, 53_000 + stallMs) : dueMs));
      line.agent(160);
    }
    line.until(line.nowMs + 400);
    const sentLate = line
      .audio()
      .slice(-50)
      .map((time, index) => time - (51_000 + (frames - 50 + index) * 20));
    expect(Math.max(...sentLate)).toBeLessThanOrEqual(6);
  });

  test('a stall of our own thread leaves no delay behind: what came meanwhile leaves 10 ms apart until the schedule is met', () => {
    const line = new Line();
    const stall = { fromMs: 55_001, toMs: 55_112 };
    const delays: number[] = [];
    let sent = 0;
    for (let i = 0; i < 300; i++) {
      const atMs = 51_003 + i * 20;
      if (atMs < stall.fromMs) line.until(atMs);
      else if (line.nowMs < stall.toMs) line.nowMs = stall.toMs;
      // Timers first, then sockets: the order in which a thread wakes up.
      if (atMs >= stall.toMs) line.until(atMs);
      else if (atMs >= stall.fromMs && sent === 0) sent = line.sent.length;
      line.agent(160);
      if (i > 230) delays.push(line.queued / 8);
    }
    expect(Math.max(...delays)).toBeLessThanOrEqual(20);
    expect(line.sent.filter((packet) => packet.what === SEND.silence && packet.atMs > 51_003)).toEqual([]);
    expect(Math.min(...gaps(line.audio()))).toBeGreaterThanOrEqual(9);
  });

  test('a reply that is sent faster than it plays is not hurried', () => {
    const line = new Line();
    for (let i = 0; i < 300; i++) {
      line.until(51_000 + i * 10);
      line.agent(160);
    }
    line.until(60_000);
    for (const gap of gaps(line.audio())) expect(Math.abs(gap - 20)).toBeLessThanOrEqual(2);
  });

  test.each([200, -200])('an agent clock off by %i ppm for an hour: no growth, no silence in between', (ppm) => {
    const line = new Line();
    const frames = 3600 * 50;
    const stepMs = 20 / (1 + ppm / 1e6);
    let queuedMax = 0;
    for (let i = 0; i < frames; i++) {
      line.until(51_000 + i * stepMs);
      line.agent(160);
      if (line.queued > queuedMax) queuedMax = line.queued;
    }
    expect(queuedMax).toBeLessThanOrEqual(3 * 160);
    expect(line.sent.filter((packet) => packet.what === SEND.silence && packet.atMs > 51_000)).toHaveLength(0);
  });

  test('a rest that is no whole frame waits 20 ms for more, then goes out padded', () => {
    const line = new Line();
    line.until(51_005);
    line.agent(160 + 80);
    line.until(51_100);
    const padded = line.sent.find((packet) => packet.what === SEND.padded);
    const whole = line.audio()[0]!;
    expect(padded!.atMs - whole).toBeGreaterThanOrEqual(38);
    expect(padded!.atMs - whole).toBeLessThanOrEqual(44);
  });

  test('two halves of a frame that come apart are one frame', () => {
    const line = new Line();
    line.until(51_005);
    line.agent(80);
    line.until(51_015);
    line.agent(80);
    line.until(51_200);
    expect(line.audio()).toHaveLength(1);
    expect(line.sent.filter((packet) => packet.what === SEND.padded)).toEqual([]);
  });

  test('after a stall of the thread the missed packets do not leave in a row', () => {
    const line = new Line();
    line.agent(100 * 160);
    line.until(50_200);
    line.nowMs = 50_350;
    line.until(51_000);
    expect(Math.min(...gaps(line.sent.map((packet) => packet.atMs)))).toBeGreaterThanOrEqual(9);
  });

  test('RTP time keeps up with the clock through an hour of short replies', () => {
    const line = new Line();
    const random = seededRandom(44);
    for (let reply = 0; reply < 1000; reply++) {
      line.until(line.nowMs + 200 + random() * 2000);
      line.agent(Math.floor(random() * 8000));
    }
    line.until(line.nowMs + 3000);
    const last = line.sent.at(-1)!;
    expect(Math.abs(last.timestamp / 8 - (last.atMs - 50_000))).toBeLessThan(60);
  });

  test('a clear ends the talk: the next packet is silence, on time', () => {
    const line = new Line();
    line.agent(100 * 160);
    line.until(50_500);
    line.queued = 0;
    line.pacer.cleared();
    line.until(50_530);
    expect(line.sent.at(-1)!.what).toBe(SEND.silence);
    expect(line.sent.at(-1)!.atMs - line.sent.at(-2)!.atMs).toBeLessThanOrEqual(22);
  });

  test('nothing leaves before the start or after the stop', () => {
    const pacer = new Pacer();
    expect(pacer.arrived(0, 160, 1)).toBe(SEND.nothing);
    expect(pacer.dueMs).toBe(Number.POSITIVE_INFINITY);
    pacer.start(1);
    pacer.stop();
    expect(pacer.tick(160, 1_000_000)).toBe(SEND.nothing);
  });
});
