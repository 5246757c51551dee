import { beforeEach, describe, expect, test } from 'vitest';
import { silenceByte, transcodeTable } from '../../src/media/codec/g711.ts';
import { seededRandom } from '../../src/media/random.ts';
import { CallerAudio } from '../../src/media/reorder.ts';

interface Frame {
  readonly atMs: number;
  readonly first: number;
  readonly bytes: Buffer;
  readonly timestampMs: number;
}

let frames: Frame[];
let nowMs: number;
let audio: CallerAudio;

beforeEach(() => {
  frames = [];
  nowMs = 1000;
  audio = new CallerAudio({
    frame(bytes, start, end, timestampMs) {
      const copy = Buffer.from(bytes.subarray(start, end));
      frames.push({ atMs: nowMs, first: copy[0]!, bytes: copy, timestampMs });
    },
  });
  audio.configure(null, silenceByte('PCMU'));
  audio.start(nowMs);
});

/** Runs the clock in 2 ms ticks, as the thread does. */
function until(timeMs: number): void {
  while (nowMs + 2 <= timeMs) {
    nowMs += 2;
    if (audio.dueMs <= nowMs) audio.tick(nowMs);
  }
  nowMs = timeMs;
}

/** Packet number `index` of a stream: its bytes are index + 1. */
function packet(index: number, size = 160, options: { timestampBase?: number; sequenceBase?: number } = {}): void {
  const timestamp = ((options.timestampBase ?? 0xffffff00) + index * size) >>> 0;
  audio.packet((options.sequenceBase ?? 65530) + index, timestamp, true, Buffer.alloc(size, index + 1), 0, size, nowMs);
}

const firsts = (): number[] => frames.map((frame) => frame.first);
const timestamps = (): number[] => frames.map((frame) => frame.timestampMs);
const contiguous = (): number[] => frames.map((_, index) => index * 20);

describe('toward the agent', () => {
  test('in order: each packet is a frame at once, across both wraps, byte for byte', () => {
    for (let i = 0; i < 20; i++) {
      until(1000 + i * 20);
      packet(i);
      expect(frames).toHaveLength(i + 1);
      expect(frames[i]!.bytes).toEqual(Buffer.alloc(160, i + 1));
    }
    expect(timestamps()).toEqual(contiguous());
    expect(audio).toMatchObject({ framesConcealed: 0, packetsLate: 0 });
  });

  test('what came before the start is heard first, in order and byte for byte', () => {
    audio.stop();
    for (let i = 0; i < 3; i++) {
      until(1000 + i * 20);
      packet(i);
    }
    expect(frames).toHaveLength(0);
    audio.restart();
    audio.start(nowMs);
    expect(firsts()).toEqual([1, 2, 3]);
    until(1060);
    packet(3);
    expect(firsts()).toEqual([1, 2, 3, 4]);
    expect(timestamps()).toEqual(contiguous());
    expect(audio).toMatchObject({ framesConcealed: 0, packetsLate: 0 });
  });

  test('of what came long before the start only the last 200 ms are kept, and nothing that is old', () => {
    audio.stop();
    for (let i = 0; i < 30; i++) {
      until(1000 + i * 20);
      packet(i);
    }
    audio.start(nowMs);
    expect(firsts()).toEqual([21, 22, 23, 24, 25, 26, 27, 28, 29, 30]);
    audio.stop();
    packet(30);
    until(nowMs + 401);
    audio.start(nowMs);
    expect(firsts()).not.toContain(31);
  });

  test('a sender that starts anew before the start is heard from there', () => {
    audio.stop();
    packet(0);
    audio.forgetEarly();
    packet(5, 160, { sequenceBase: 100 });
    audio.restart();
    audio.start(nowMs);
    expect(firsts()).toEqual([6]);
  });

  test('a reordered pair comes out in order as soon as the missing one is there', () => {
    packet(0);
    until(1040);
    packet(2);
    expect(firsts()).toEqual([1]);
    until(1050);
    packet(1);
    expect(firsts()).toEqual([1, 2, 3]);
    expect(audio.framesConcealed).toBe(0);
  });

  test('a gap waits 40 ms, then silence takes its place and the rest follows; the straggler is late', () => {
    packet(0);
    until(1040);
    packet(2);
    until(1060);
    packet(3);
    until(1078);
    expect(firsts()).toEqual([1]);
    until(1082);
    expect(firsts()).toEqual([1, 0xff, 3, 4]);
    packet(1);
    expect(audio).toMatchObject({ packetsLate: 1, framesConcealed: 1 });
    expect(timestamps()).toEqual(contiguous());
  });

  test('two gaps at once are each given up in their turn', () => {
    packet(0);
    until(1040);
    packet(2);
    until(1080);
    packet(4);
    until(1140);
    expect(firsts()).toEqual([1, 0xff, 3, 0xff, 5]);
  });

  test('while the caller sends nothing the agent hears silence, 50 frames a second, from 100 ms after the first is late', () => {
    packet(0);
    until(2060);
    expect(frames.slice(1).every((frame) => frame.first === 0xff)).toBe(true);
    expect(frames.length).toBe(1 + 48);
    const gaps = frames.slice(2).map((frame, i) => frame.atMs - frames[i + 1]!.atMs);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(22);
    expect(timestamps()).toEqual(contiguous());
  });

  test('before the first packet the agent hears silence too', () => {
    until(1200);
    expect(frames.length).toBe(5);
  });

  test('a pause of the sender (DTX) keeps the timeline: the timestamp says how long it was', () => {
    packet(0);
    until(1200);
    packet(1, 160, { timestampBase: 0xffffff00 + 9 * 160 });
    expect(firsts().indexOf(2) * 20).toBe(200);
    expect(timestamps()).toEqual(contiguous());
  });

  test('a stall of the network: what was filled with silence meanwhile is dropped as late, the timeline does not stretch', () => {
    packet(0);
    until(1300);
    for (let i = 1; i <= 15; i++) packet(i);
    until(1320);
    packet(16);
    expect(frames).toHaveLength(17);
    expect(audio.packetsLate).toBe(frames.filter((frame) => frame.first === 0xff).length);
    expect(firsts().at(-1)).toBe(17);
  });

  test('a sender that never catches up is heard again after half a second', () => {
    packet(0);
    until(1400);
    for (let i = 1; i < 60; i++) {
      packet(i);
      until(nowMs + 20);
    }
    expect(firsts().filter((first) => first !== 0xff).length).toBeGreaterThan(30);
    expect(audio.packetsLate).toBeLessThanOrEqual(26);
  });

  test('after long silence the first packet is heard whatever its timestamp says', () => {
    packet(0);
    until(10_000);
    packet(1);
    expect(firsts().at(-1)).toBe(2);
  });

  test('a timestamp that jumps by an hour is a new time base, not an hour of silence', () => {
    packet(0);
    until(1020);
    packet(1, 160, { timestampBase: 28_800_000 });
    expect(frames).toHaveLength(2);
  });

  test('a new SSRC goes on where the old one stopped', () => {
    packet(0);
    audio.restart();
    until(1020);
    packet(0, 160, { timestampBase: 77, sequenceBase: 900_000 });
    expect(firsts()).toEqual([1, 1]);
    expect(timestamps()).toEqual([0, 20]);
  });

  test.each([10, 20, 30, 40, 50, 60])(
    'packets of %i ms are cut into frames of 20 ms without losing a byte',
    (ptimeMs) => {
      const random = seededRandom(ptimeMs);
      const total = Buffer.from({ length: 120 * 160 } as ArrayLike<number>).map(() => Math.floor(random() * 255));
      const size = ptimeMs * 8;
      for (let i = 0; i * size < total.length; i++) {
        until(1000 + i * ptimeMs);
        audio.packet(100 + i, i * size, true, Buffer.from(total), i * size, (i + 1) * size, nowMs);
      }
      expect(Buffer.concat(frames.map((frame) => frame.bytes))).toEqual(Buffer.from(total));
      expect(timestamps()).toEqual(contiguous());
    },
  );

  test('transcodes where the agent speaks the other law', () => {
    const table = transcodeTable('PCMA', 'PCMU')!;
    audio.configure(table, silenceByte('PCMU'));
    packet(0);
    expect(firsts()).toEqual([table[1]]);
  });

  test('a telephone event takes its place in the order without making audio', () => {
    packet(0);
    audio.packet(65531, 160, false, Buffer.alloc(4), 0, 4, nowMs);
    audio.packet(65532, 0xffffff00 + 160, true, Buffer.alloc(160, 9), 0, 160, nowMs);
    expect(firsts()).toEqual([1, 9]);
  });

  test('10 % loss, jitter and reordering: one frame per 20 ms, in order, each packet at most once', () => {
    const random = seededRandom(12);
    const arrivals = Array.from({ length: 1000 }, (_, index) => ({ index, atMs: 1000 + index * 20 + random() * 35 }))
      .filter(() => random() > 0.1)
      .toSorted((a, b) => a.atMs - b.atMs);
    for (const arrival of arrivals) {
      until(Math.max(nowMs, Math.floor(arrival.atMs)));
      const bytes = Buffer.alloc(160);
      bytes.writeUInt16BE(arrival.index + 1, 0);
      audio.packet(1000 + arrival.index, arrival.index * 160, true, bytes, 0, 160, nowMs);
    }
    until(nowMs + 100);
    const heard = frames.map((frame) => frame.bytes.readUInt16BE(0)).filter((value) => value !== 0xffff);
    expect(heard).toEqual(heard.toSorted((a, b) => a - b));
    expect(new Set(heard).size).toBe(heard.length);
    expect(heard.length + audio.packetsLate).toBe(arrivals.length);
    expect(audio.packetsLate).toBeLessThan(20);
    expect(Math.abs(frames.length - 1003)).toBeLessThan(6);
    expect(timestamps()).toEqual(contiguous());
  });
});
