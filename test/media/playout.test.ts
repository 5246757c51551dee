import { beforeEach, describe, expect, test } from 'vitest';
import { transcodeTable } from '../../src/media/codec/g711.ts';
import { BlockPool, Playout } from '../../src/media/playout.ts';
import { seededRandom } from '../../src/media/random.ts';

let played: string[];
let playout: Playout;
const frame = Buffer.alloc(160);

beforeEach(() => {
  played = [];
  playout = new Playout(new BlockPool(), (name) => played.push(name));
});

function write(bytes: Buffer): void {
  playout.write(bytes, 0, bytes.length);
}

/** Takes and sends one frame; returns its bytes. */
function send(): Buffer {
  const taken = playout.take(null, frame, 0, 160);
  playout.played();
  return Buffer.from(frame.subarray(0, taken));
}

describe('the queue toward the caller', () => {
  test('re-frames messages of any size without losing or repeating a byte', () => {
    const random = seededRandom(1);
    const sent: Buffer[] = [];
    const heard: Buffer[] = [];
    for (let round = 0; round < 400; round++) {
      const bytes = Buffer.from(Array.from({ length: Math.floor(random() * 900) }, () => Math.floor(random() * 256)));
      sent.push(bytes);
      write(bytes);
      for (let take = 0; take < 2; take++) heard.push(send());
    }
    while (playout.queuedBytes > 0) heard.push(send());
    expect(Buffer.concat(heard)).toEqual(Buffer.concat(sent));
  });

  test('transcodes as it takes', () => {
    write(Buffer.alloc(160, 0x21));
    playout.take(transcodeTable('PCMU', 'PCMA'), frame, 0, 160);
    expect(frame.every((byte) => byte === transcodeTable('PCMU', 'PCMA')![0x21])).toBe(true);
  });

  test('holds 10 minutes; the rest is dropped, newest first, and counted', () => {
    const minute = Buffer.alloc(60 * 8000, 1);
    for (let i = 0; i < 10; i++) write(minute);
    write(Buffer.alloc(500, 2));
    expect(playout).toMatchObject({ queuedBytes: 10 * 60 * 8000, bytesDropped: 500 });
    send();
    write(Buffer.alloc(500, 2));
    expect(playout).toMatchObject({ queuedBytes: 10 * 60 * 8000, bytesDropped: 500 + 340 });
  });

  test('blocks come back to the pool when audio is played or cleared', () => {
    const pool = new BlockPool();
    const one = new Playout(pool, () => undefined);
    one.write(Buffer.alloc(20_000), 0, 20_000);
    one.clear();
    const first = pool.take();
    pool.give(first);
    one.write(Buffer.alloc(4096), 0, 4096);
    expect(one.queuedBytes).toBe(4096);
    expect(pool.take()).not.toBe(first);
  });
});

describe('marks (media-stream-protocols.md section 1.5)', () => {
  test('rule 1: a mark is answered when the audio queued before it was sent, not when it was queued', () => {
    write(Buffer.alloc(320));
    playout.mark('a');
    send();
    expect(played).toEqual([]);
    playout.take(null, frame, 0, 160);
    expect(played).toEqual([]);
    playout.played();
    expect(played).toEqual(['a']);
  });

  test('rule 2: with nothing queued it is answered at once', () => {
    playout.mark('a');
    expect(played).toEqual(['a']);
  });

  test('rule 3: clear drops the audio and answers every pending mark in order', () => {
    write(Buffer.alloc(1600));
    playout.mark('a');
    write(Buffer.alloc(1600));
    playout.mark('b');
    playout.clear();
    expect(played).toEqual(['a', 'b']);
    expect(playout).toMatchObject({ queuedBytes: 0, pendingMarks: 0 });
  });

  test('rule 4: names repeat, each mark is answered once and in order', () => {
    for (let i = 0; i < 3; i++) {
      write(Buffer.alloc(160));
      playout.mark('same');
    }
    playout.mark('same');
    expect(played).toEqual([]);
    send();
    send();
    expect(played).toEqual(['same', 'same']);
    send();
    expect(played).toEqual(['same', 'same', 'same', 'same']);
  });

  test('rule 5: a mark after a clear waits for the audio after the clear', () => {
    write(Buffer.alloc(1600));
    playout.clear();
    write(Buffer.alloc(160));
    playout.mark('new');
    expect(played).toEqual([]);
    send();
    expect(played).toEqual(['new']);
  });

  test('rule 6: marks echoed by a clear come before anything queued later', () => {
    write(Buffer.alloc(1600));
    playout.mark('old');
    playout.clear();
    playout.mark('at once');
    write(Buffer.alloc(160));
    playout.mark('later');
    send();
    expect(played).toEqual(['old', 'at once', 'later']);
  });

  test('rule 7: thousands of marks, hundreds pending, at uneven places', () => {
    const expected: string[] = [];
    for (let i = 0; i < 5000; i++) {
      write(Buffer.alloc(173));
      playout.mark(`m${i}`);
      expected.push(`m${i}`);
      if (i >= 300) send();
    }
    expect(playout.pendingMarks).toBeGreaterThan(300);
    while (playout.queuedBytes > 0) send();
    expect(played).toEqual(expected);
  });

  test('the marks of an agent that is gone are never answered', () => {
    write(Buffer.alloc(160));
    playout.mark('gone');
    playout.discard();
    expect(send()).toHaveLength(0);
    expect(played).toEqual([]);
  });

  test('more marks than the queue could ever need are dropped and counted', () => {
    write(Buffer.alloc(160));
    for (let i = 0; i < 33_000; i++) playout.mark('x');
    expect(playout).toMatchObject({ pendingMarks: 32_768, marksDropped: 33_000 - 32_768 });
  });
});
