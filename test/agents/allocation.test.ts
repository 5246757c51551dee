import { describe, expect, test } from 'vitest';

import { Base64Decoder } from '../../src/agents/base64.ts';
import { MediaReader } from '../../src/agents/twilio/media-reader.ts';
import { MediaWriter } from '../../src/agents/twilio/media-writer.ts';
import { Frame, OPCODE } from '../../src/agents/websocket/frame.ts';
import { Receiver } from '../../src/agents/websocket/receiver.ts';
import { allocatedBytes } from './memory.ts';
import { serverFrame } from './websocket/server-frame.ts';

// After warm-up a media message costs no memory of ours in either direction. The bound leaves room for what the optimiser and the
// measurement themselves allocate.

const MESSAGES = 100_000;
const ROUNDS = 6;
const BYTES_PER_MESSAGE_MAX = 4;
const STREAM_SID = `MZ${'0'.repeat(32)}`;

/** The best of some rounds: the optimiser works in the background and may come late on a busy machine. */
function steadily(work: (count: number) => void): number {
  const rounds = Array.from({ length: ROUNDS }, () => allocatedBytes(() => work(MESSAGES)) / MESSAGES);
  return Math.min(...rounds);
}

describe('a media message allocates nothing', () => {
  test('on its way out: template, base64, mask', () => {
    const writer = new MediaWriter(STREAM_SID);
    const frame = new Frame(2048);
    const audio = Buffer.alloc(160, 0x7f);
    let sequence = 1_000_000;
    const perMessage = steadily((count) => {
      for (let index = 0; index < count; index++) {
        sequence++;
        const length = writer.write(frame, sequence, sequence - 2, sequence, audio, 0, 160);
        frame.seal(OPCODE.text, length, sequence);
      }
    });
    expect(perMessage).toBeLessThan(BYTES_PER_MESSAGE_MAX);
  });

  test('on its way in: frame, JSON, base64', () => {
    const decoder = new Base64Decoder();
    const reader = new MediaReader(decoder);
    let audioBytes = 0;
    const receiver = new Receiver(
      {
        text: (bytes, start, end) => {
          if (reader.read(bytes, start, end)) audioBytes += decoder.length;
        },
        binary: unexpected,
        ping: unexpected,
        pong: unexpected,
        close: unexpected,
        violation: unexpected,
      },
      1 << 20,
    );
    const payload = Buffer.alloc(160, 0x7f).toString('base64');
    const text = JSON.stringify({ event: 'media', streamSid: STREAM_SID, media: { payload } });
    const chunk = serverFrame({ opcode: 1, payload: text });
    const perMessage = steadily((count) => {
      for (let index = 0; index < count; index++) receiver.push(chunk, 0, chunk.length);
    });
    expect(audioBytes).toBe(ROUNDS * MESSAGES * 160);
    expect(perMessage).toBeLessThan(BYTES_PER_MESSAGE_MAX);
  });
});

function unexpected(): void {
  throw new Error('only text was sent');
}
