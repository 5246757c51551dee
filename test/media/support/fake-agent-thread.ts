// A media thread whose agents are fakes in the thread itself, chosen by the URL of the dial:
//   echo:     sends back what it hears, at once
//   burst:    answers the first frame with 10 s of audio in one message
//   greet:    says a second of audio at once when it starts, each frame with its number in every byte
//   mute:     hears, says nothing
//   refuse:   is never ready
//   throw:    is ready, then throws at the first frame
//   crash:    takes the thread down when it hears 0xee
// Each says a notice to the caller: a frame whose bytes are the remaining milliseconds.

import { parentPort, workerData } from 'node:worker_threads';
import type { AgentDial, AgentStream, AgentStreamHost } from '../../../src/media/agent-stream.ts';
import type { MediaThreadConfig } from '../../../src/media/thread/messages.ts';
import { runMediaThread } from '../../../src/media/thread/thread.ts';

const FRAME_BYTES = 160;
const TEN_SECONDS = Buffer.alloc(80_000, 0x2a);
const GREETING = Buffer.concat(Array.from({ length: 50 }, (_, index) => Buffer.alloc(FRAME_BYTES, index + 1)));

function createFakeAgent(dial: AgentDial, host: AgentStreamHost): AgentStream {
  const kind = dial.url.split(':')[0] ?? '';
  queueMicrotask(() => {
    if (kind === 'refuse') host.ended({ code: 'agent_refused', detail: 'fake' });
    else host.ready();
  });
  return {
    start() {
      host.alive();
      if (kind === 'greet') host.audio(GREETING, 0, GREETING.length);
    },
    audio(bytes, start, end, timestampMs) {
      host.alive();
      if (kind === 'echo') host.audio(bytes, start, end);
      if (kind === 'burst' && timestampMs === 0) host.audio(TEN_SECONDS, 0, TEN_SECONDS.length);
      if (kind === 'throw') throw new Error('broken dialect');
      if (kind === 'crash' && bytes[start] === 0xee) process.exit(1);
    },
    dtmf: () => host.alive(),
    markPlayed: () => host.alive(),
    notify: (notice) =>
      host.audio(Buffer.alloc(FRAME_BYTES, 'remainingMs' in notice ? notice.remainingMs : 0), 0, FRAME_BYTES),
    tick: () => undefined,
    close: () => undefined,
  };
}

runMediaThread(parentPort!, workerData as MediaThreadConfig, createFakeAgent);
