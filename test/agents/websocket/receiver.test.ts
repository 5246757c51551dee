import { describe, expect, test } from 'vitest';

import { VIOLATIONS } from '../../../src/agents/errors.ts';
import { type MessageHandler, Receiver } from '../../../src/agents/websocket/receiver.ts';
import { closeFrame, seededRandom, serverFrame } from './server-frame.ts';

const LIMIT = 70_000;

class Recorder implements MessageHandler {
  readonly events: string[] = [];
  text(bytes: Buffer, start: number, end: number): void {
    this.events.push(`text ${bytes.toString('utf8', start, end)}`);
  }
  binary(bytes: Buffer, start: number, end: number): void {
    this.events.push(`binary ${bytes.toString('hex', start, end)}`);
  }
  ping(bytes: Buffer, start: number, end: number): void {
    this.events.push(`ping ${bytes.toString('utf8', start, end)}`);
  }
  pong(): void {
    this.events.push('pong');
  }
  close(code: number, reason: string): void {
    this.events.push(`close ${code} ${reason}`);
  }
  violation({ code, closeCode }: { code: string; closeCode: number }): void {
    this.events.push(`violation ${code} ${closeCode}`);
  }
}

/** Pushes the chunks the way the read buffer comes: the same memory each time, overwritten after the call. */
function received(...chunks: readonly Uint8Array[]): string[] {
  const recorder = new Recorder();
  const receiver = new Receiver(recorder, LIMIT);
  const shared = Buffer.alloc(200_000);
  for (const chunk of chunks) {
    shared.fill(0xee);
    shared.set(chunk, 5);
    receiver.push(shared, 5, 5 + chunk.length);
  }
  return recorder.events;
}

describe('messages', () => {
  test('text and binary of every length form', () => {
    for (const size of [0, 1, 125, 126, 127, 65_535, 65_536, LIMIT]) {
      const text = 'x'.repeat(size);
      expect(received(serverFrame({ opcode: 1, payload: text }))).toEqual([`text ${text}`]);
    }
    expect(received(serverFrame({ opcode: 2, payload: Buffer.from([0, 255]) }))).toEqual(['binary 00ff']);
  });

  test('several frames in one chunk come in order', () => {
    const chunk = Buffer.concat([
      serverFrame({ opcode: 1, payload: 'a' }),
      serverFrame({ opcode: 9, payload: 'p' }),
      serverFrame({ opcode: 10 }),
      serverFrame({ opcode: 1, payload: 'b' }),
    ]);
    expect(received(chunk)).toEqual(['text a', 'ping p', 'pong', 'text b']);
  });

  test('control frames between fragments are handed out at once', () => {
    const chunk = Buffer.concat([
      serverFrame({ opcode: 1, payload: 'al', fin: false }),
      serverFrame({ opcode: 9, payload: 'now' }),
      serverFrame({ opcode: 0, payload: '', fin: false }),
      serverFrame({ opcode: 10, payload: 'x' }),
      serverFrame({ opcode: 0, payload: 'pha' }),
      serverFrame({ opcode: 1, payload: 'beta' }),
    ]);
    expect(received(chunk)).toEqual(['ping now', 'pong', 'text alpha', 'text beta']);
  });

  test('a stream of frames means the same wherever it is cut', () => {
    const wire = Buffer.concat([
      serverFrame({ opcode: 1, payload: '{"event":"media"}' }),
      serverFrame({ opcode: 1, payload: 'é', fin: false }),
      serverFrame({ opcode: 9, payload: 'still there?' }),
      serverFrame({ opcode: 0, payload: '€'.repeat(50) }),
      serverFrame({ opcode: 2, payload: Buffer.alloc(130, 7) }),
      closeFrame(1000, 'bye'),
    ]);
    const whole = received(wire);
    expect(whole).toHaveLength(5);
    for (let cut = 1; cut < wire.length; cut++) {
      expect(received(wire.subarray(0, cut), wire.subarray(cut))).toEqual(whole);
    }
    expect(received(...Array.from(wire, (byte) => Uint8Array.of(byte)))).toEqual(whole);
  });

  test('a character of UTF-8 may be split over fragments', () => {
    const euro = Buffer.from('€');
    const chunk = Buffer.concat([
      serverFrame({ opcode: 1, payload: euro.subarray(0, 1), fin: false }),
      serverFrame({ opcode: 0, payload: euro.subarray(1) }),
    ]);
    expect(received(chunk)).toEqual(['text €']);
  });

  test('a close frame without a status is 1005, and nothing counts after it', () => {
    expect(received(serverFrame({ opcode: 8 }), serverFrame({ opcode: 1, payload: 'late' }))).toEqual(['close 1005 ']);
    expect(received(closeFrame(4000, 'mine'))).toEqual(['close 4000 mine']);
  });

  test('stop silences the rest of the chunk', () => {
    const recorder = new Recorder();
    const receiver: Receiver = new Receiver(
      Object.assign(recorder, {
        text: () => {
          recorder.events.push('text');
          receiver.stop();
        },
      }),
      LIMIT,
    );
    const chunk = Buffer.concat([serverFrame({ opcode: 1, payload: 'a' }), serverFrame({ opcode: 1, payload: 'b' })]);
    receiver.push(chunk, 0, chunk.length);
    expect(recorder.events).toEqual(['text']);
  });
});

describe('violations', () => {
  const open = serverFrame({ opcode: 1, payload: 'a', fin: false });
  const table: readonly (readonly [string, keyof typeof VIOLATIONS, Buffer])[] = [
    ['RSV1 is set', 'reservedBits', serverFrame({ opcode: 1, rsv: 4 })],
    ['RSV2 is set', 'reservedBits', serverFrame({ opcode: 1, rsv: 2 })],
    ['RSV3 is set', 'reservedBits', serverFrame({ opcode: 9, rsv: 1 })],
    ['opcode 3', 'invalidOpcode', serverFrame({ opcode: 3 })],
    ['opcode 7', 'invalidOpcode', serverFrame({ opcode: 7 })],
    ['opcode 11', 'invalidOpcode', serverFrame({ opcode: 11 })],
    ['opcode 15', 'invalidOpcode', serverFrame({ opcode: 15 })],
    ['a masked frame', 'maskedByServer', serverFrame({ opcode: 1, payload: 'a', masked: true })],
    ['a fragmented ping', 'controlFragmented', serverFrame({ opcode: 9, fin: false })],
    ['a fragmented close', 'controlFragmented', serverFrame({ opcode: 8, fin: false })],
    ['a ping of 126 bytes', 'controlTooLong', serverFrame({ opcode: 9, payload: 'x'.repeat(126) })],
    ['a close of 64 kB', 'controlTooLong', serverFrame({ opcode: 8, length: 65_536 })],
    ['a continuation of nothing', 'continuationUnexpected', serverFrame({ opcode: 0 })],
    ['a text inside a text', 'continuationExpected', Buffer.concat([open, serverFrame({ opcode: 1 })])],
    ['a binary inside a text', 'continuationExpected', Buffer.concat([open, serverFrame({ opcode: 2 })])],
    ['half a close status', 'closePayload', serverFrame({ opcode: 8, payload: 'x' })],
    ['close status 999', 'closeCode', closeFrame(999)],
    ['close status 1004', 'closeCode', closeFrame(1004)],
    ['close status 1005', 'closeCode', closeFrame(1005)],
    ['close status 1006', 'closeCode', closeFrame(1006)],
    ['close status 1015', 'closeCode', closeFrame(1015)],
    ['close status 2999', 'closeCode', closeFrame(2999)],
    ['close status 5000', 'closeCode', closeFrame(5000)],
    ['a close reason that is not UTF-8', 'invalidUtf8', closeFrame(1000, Buffer.from([0xc0, 0x80]))],
    ['a text that is not UTF-8', 'invalidUtf8', serverFrame({ opcode: 1, payload: Buffer.from([0x61, 0xff]) })],
    ['a text with a surrogate', 'invalidUtf8', serverFrame({ opcode: 1, payload: Buffer.from([0xed, 0xa0, 0x80]) })],
    [
      'a text that ends within a character',
      'invalidUtf8',
      serverFrame({ opcode: 1, payload: Buffer.from([0xe2, 0x82]) }),
    ],
    ['a message over the limit', 'messageTooBig', serverFrame({ opcode: 1, length: LIMIT + 1 })],
    ['a length with the highest bit', 'messageTooBig', serverFrame({ opcode: 1, length: 2n ** 63n })],
    [
      'fragments that together exceed the limit',
      'messageTooBig',
      Buffer.concat([open, serverFrame({ opcode: 0, length: LIMIT })]),
    ],
  ];

  test.each(table)('%s is %s', (_name, name, wire) => {
    const { code, closeCode } = VIOLATIONS[name];
    const expected = [`violation ${code} ${closeCode}`];
    expect(received(wire)).toEqual(expected);
    expect(received(...Array.from(wire, (byte) => Uint8Array.of(byte)))).toEqual(expected);
    expect(received(Buffer.concat([wire, serverFrame({ opcode: 1, payload: 'after' })]))).toEqual(expected);
  });

  test('the table has every violation, and codes are unique', () => {
    expect(new Set(table.map(([, name]) => name))).toEqual(new Set(Object.keys(VIOLATIONS)));
    const codes = Object.values(VIOLATIONS).map(({ code }) => code);
    expect(new Set(codes).size).toBe(codes.length);
  });
});

describe('hostile input', () => {
  test('20 000 seeded frames, damaged and cut at random, never throw and report at most one end', () => {
    const random = seededRandom(20_260_101);
    const below = (bound: number): number => Math.trunc(random() * bound);
    let violations = 0;
    let messages = 0;
    for (let round = 0; round < 2_000; round++) {
      const frames = Array.from({ length: 10 }, () => randomFrame(below));
      const wire = Buffer.concat(frames);
      if (below(4) === 0) wire[below(wire.length)]! ^= 1 << below(8);
      const chunks: Buffer[] = [];
      for (let at = 0; at < wire.length; ) {
        const next = at + 1 + below(400);
        chunks.push(wire.subarray(at, next));
        at = next;
      }
      const events = received1(chunks);
      const ends = events.filter((event) => event.startsWith('violation') || event.startsWith('close'));
      expect(ends.length).toBeLessThanOrEqual(1);
      if (ends.length === 1) expect(events.at(-1)).toBe(ends[0]);
      violations += ends.length;
      messages += events.length - ends.length;
    }
    expect(violations).toBeGreaterThan(500);
    expect(messages).toBeGreaterThan(2_000);
  }, 3_000);

  test('an announced length reserves no memory', () => {
    const receiver = new Receiver(new Recorder(), 64 * 1024 * 1024);
    const head = serverFrame({ opcode: 1, length: 60 * 1024 * 1024 });
    const before = process.memoryUsage().arrayBuffers;
    for (let index = 0; index < 5; index++) {
      const one = new Receiver(new Recorder(), 64 * 1024 * 1024);
      one.push(head, 0, head.length);
      one.push(Buffer.from('x'), 0, 1);
    }
    receiver.push(head, 0, head.length);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1_000_000);
  });
});

function received1(chunks: readonly Buffer[]): string[] {
  const recorder = new Recorder();
  const receiver = new Receiver(recorder, LIMIT);
  for (const chunk of chunks) receiver.push(chunk, 0, chunk.length);
  return recorder.events;
}

function randomFrame(below: (bound: number) => number): Buffer {
  const opcode = [1, 1, 1, 2, 9, 10, 0, 8][below(8)]!;
  const payload =
    opcode === 8 ? closeFrame(1000).subarray(2) : Buffer.alloc(below(opcode > 8 ? 126 : 300), 0x20 + below(90));
  return serverFrame({ opcode, payload, fin: below(10) > 0, ...(below(40) === 0 && { rsv: 1 + below(7) }) });
}
