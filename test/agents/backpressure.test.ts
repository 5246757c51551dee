import { afterEach, describe, expect, test } from 'vitest';

import { BACKLOG_FRAMES } from '../../src/agents/backlog.ts';
import { createAgentStreamFactory } from '../../src/agents/dialects.ts';
import type { AgentStream } from '../../src/media/agent-stream.ts';
import { type FakeCall, type FakeMessage, startFakeAgent } from '../support/fake-agent.ts';
import { liveBytes } from './memory.ts';
import { dialTo, RecordingHost } from './recording-host.ts';

const open: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

const createStream = createAgentStreamFactory();
/** 120 ms a message fills the kernel's buffers with fewer messages than 20 ms. */
const FRAME_BYTES = 960;
const FRAME = Buffer.alloc(FRAME_BYTES, 0x55);

interface Talk {
  readonly stream: AgentStream;
  readonly host: RecordingHost;
  readonly call: FakeCall;
}

async function talk(kind: 'listen' | 'echo'): Promise<Talk> {
  const agent = await startFakeAgent({ behaviour: { kind } });
  open.push(() => agent.close());
  const host = new RecordingHost();
  const stream = createStream(dialTo(agent.url), host);
  open.push(() => stream.close());
  await host.readyPromise;
  stream.start();
  const call = await agent.nextCall();
  await call.waitForCount(2);
  return { stream, host, call };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Sends audio until the kernel, the socket's queue and the backlog are full and frames are dropped. Returns the frames sent. */
async function fillUp({ stream, host }: Talk, drops: number): Promise<number> {
  let frames = 0;
  while (host.droppedCount < drops) {
    for (let batch = 0; batch < 100; batch++) {
      FRAME.writeUInt32BE(frames, 0);
      stream.audio(FRAME, 0, FRAME_BYTES, frames * 20);
      frames++;
    }
    if (frames > 200_000) throw new Error('the kernel takes everything');
    await turn();
  }
  return frames;
}

describe('a runtime that stops reading', () => {
  test('costs less than 2 MB of ours, and the oldest audio is dropped', async () => {
    const stuck = await talk('listen');
    stuck.call.stopReading();
    const before = liveBytes();
    const frames = await fillUp(stuck, 5_000);
    expect(liveBytes() - before).toBeLessThan(2_000_000);

    stuck.call.resumeReading();
    const last = await stuck.call.waitFor(({ json }) => json?.media?.timestamp === String((frames - 1) * 20));
    expectWholeStream(stuck.call.of('media'));
    expect(Number(last.json.media.chunk)).toBe(frames - stuck.host.droppedCount);
    // What is left of the time nobody read is the newest part.
    const kept = stuck.call.of('media').slice(-BACKLOG_FRAMES);
    expect(Number(kept[0]?.json.media.timestamp)).toBe((frames - BACKLOG_FRAMES) * 20);
    expect(stuck.host.events).toEqual(['ready']);
  });

  test('does not disturb another stream of the same thread', async () => {
    const stuck = await talk('listen');
    const healthy = await talk('echo');
    stuck.call.stopReading();
    await fillUp(stuck, 100);
    for (let index = 0; index < 200; index++) {
      stuck.stream.audio(FRAME, 0, FRAME_BYTES, index);
      healthy.stream.audio(Buffer.alloc(160, index), 0, 160, index * 20);
    }
    await healthy.host.until(() => healthy.host.heard.length === 200);
    expect(healthy.host.heard.every((audio, index) => audio.equals(Buffer.alloc(160, index)))).toBe(true);
    expect(healthy.host.droppedCount).toBe(0);
    expect(stuck.host.events).toEqual(['ready']);
  });

  test('is given up after 10 s behind, and told why', async () => {
    const stuck = await talk('listen');
    stuck.call.stopReading();
    await fillUp(stuck, 1);
    for (let second = 0; second < 10; second++) stuck.stream.tick(second * 1000);
    expect(stuck.host.events).toEqual(['ready']);
    stuck.stream.tick(10_000);
    expect(stuck.host.events).toEqual(['ready', 'ended agent_slow']);
    stuck.stream.audio(FRAME, 0, FRAME_BYTES, 0);
    stuck.call.resumeReading();
    await expect(stuck.call.closed).resolves.toMatchObject({ code: 1008 });
  });

  test('cannot make us queue marks without end', async () => {
    const stuck = await talk('listen');
    stuck.call.stopReading();
    await fillUp(stuck, 1);
    for (let index = 0; index < 10_000; index++) stuck.stream.markPlayed(`mark-${index}`);
    expect(stuck.host.events).toEqual(['ready', 'ended agent_slow']);
  });

  test('cannot make us queue pongs', async () => {
    const stuck = await talk('listen');
    stuck.call.stopReading();
    await fillUp(stuck, 1);
    const before = liveBytes();
    for (let index = 0; index < 20_000; index++) stuck.call.ping();
    stuck.call.send({ event: 'clear' });
    await stuck.host.until(() => stuck.host.events.includes('clear'));
    expect(stuck.host.events).toEqual(['ready', 'clear']);
    expect(liveBytes() - before).toBeLessThan(2_000_000);
  });

  test('for a moment loses nothing that the backlog can hold, and stays', async () => {
    const stuck = await talk('listen');
    stuck.call.stopReading();
    let frames = await fillUp(stuck, 1);
    const dropped = stuck.host.droppedCount;
    stuck.stream.tick(0);
    const alive = stuck.host.aliveCount;
    stuck.call.resumeReading();
    await stuck.call.waitFor(({ json }) => json?.media?.timestamp === String((frames - 1) * 20));
    stuck.stream.audio(FRAME, 0, FRAME_BYTES, frames * 20);
    frames++;
    const last = await stuck.call.waitFor(({ json }) => json?.media?.timestamp === String((frames - 1) * 20));
    expect(Number(last.json.media.chunk)).toBe(frames - dropped);
    // The ping of the first tick stood behind all that audio; now it is answered.
    await stuck.host.until(() => stuck.host.aliveCount > alive);
    stuck.stream.tick(9_000);
    stuck.stream.tick(12_000);
    expect(stuck.host.droppedCount).toBe(dropped);
    expect(stuck.host.events).toEqual(['ready']);
  });
});

/** Messages are intact JSON, numbers count without a gap, and time only goes forward, although frames were dropped. */
function expectWholeStream(messages: readonly FakeMessage[]): void {
  let before = -1;
  messages.forEach(({ json }, index) => {
    const timestamp = Number(json.media.timestamp);
    const audio = Buffer.from(json.media.payload, 'base64');
    if (Number(json.media.chunk) !== index + 1 || Number(json.sequenceNumber) !== index + 2) {
      throw new Error(`message ${index}: chunk ${json.media.chunk}, sequence ${json.sequenceNumber}`);
    }
    if (timestamp <= before || audio.length !== FRAME_BYTES || audio.readUInt32BE(0) * 20 !== timestamp) {
      throw new Error(`message ${index}: audio of another frame`);
    }
    before = timestamp;
  });
}
