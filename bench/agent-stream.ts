// What one 20 ms frame costs between the media thread and an agent's WebSocket: building and masking a media message, parsing and decoding
// one, and the same with sockets; beside it what the usual way (the ws package, JSON, Buffer) costs for the same bytes.
//
// Set-up    the echo peer is a thread of its own, loopback TCP; CPU is that of our thread only (process.threadCpuUsage)
// Flags: --ms (time per round, 200) --rounds (5; the median counts) --calls (50) --turns (300 frames per call and round)
// Alone: node bench/agent-stream.ts

import { getHeapStatistics } from 'node:v8';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { WebSocket, WebSocketServer } from 'ws';

import { Base64Decoder } from '../src/agents/base64.ts';
import { createAgentStreamFactory } from '../src/agents/dialects.ts';
import { MediaReader } from '../src/agents/twilio/media-reader.ts';
import { MediaWriter } from '../src/agents/twilio/media-writer.ts';
import { Frame, OPCODE } from '../src/agents/websocket/frame.ts';
import { type MessageHandler, Receiver } from '../src/agents/websocket/receiver.ts';
import type { AgentStream } from '../src/media/agent-stream.ts';
import { type BenchOptions, type BenchResult, flag, markdownTable, round } from './support/result.ts';

const AUDIO = Buffer.from(Array.from({ length: 160 }, (_, index) => (index * 37) & 0xff));
const STREAM_SID = `MZ${'0'.repeat(32)}`;
const PEER = 'agent-stream-bench-peer';
/** Keeps the compiler from leaving out work whose result nobody uses. */
const sink = { value: 0 };

interface Cost {
  readonly ns: number;
  readonly bytes: number;
}

export async function run(options: BenchOptions): Promise<BenchResult> {
  const ms = flag(options, 'ms', 200);
  const rounds = flag(options, 'rounds', 5);
  const calls = flag(options, 'calls', 50);
  const turns = flag(options, 'turns', 300);
  const row = (name: string, work: () => void): (string | number)[] => {
    options.say(name);
    const { ns, bytes } = cost(work, ms, rounds);
    return [name, round(ns), round(bytes, 2)];
  };
  const rows = [
    row('out: build and mask', buildAndMask()),
    row('out, usual way: JSON.stringify, toString(base64), Buffer, mask', usualWayOut()),
    row('in: frame, parse, decode; compact JSON', readMessages(compact(AUDIO))),
    row('in: the same with blanks, as Python writes it', readMessages(spaced(AUDIO))),
    row('in: 1600 bytes of audio', readMessages(compact(Buffer.concat(Array(10).fill(AUDIO))))),
    row('in, usual way: toString, JSON.parse, Buffer.from(base64)', usualWayIn(compact(AUDIO))),
  ];
  const peer = await startPeer();
  const socketRows: (string | number)[][] = [];
  for (const [name, dial] of [
    ['this client', dialOurs],
    ['the ws package with JSON and Buffer', dialWs],
  ] as const) {
    options.say(name);
    const figures: Cost[] = [];
    for (let index = 0; index < rounds; index++) figures.push(await echoed(dial, peer.url, calls, turns));
    const { ns, bytes } = median(figures);
    socketRows.push([name, round(ns / 1000), round(bytes, 3)]);
  }
  await peer.stop();
  return {
    title: 'one 20 ms frame between the media thread and an agent',
    tables: [
      { caption: 'Without sockets, per message', columns: ['', 'ns', 'heap bytes allocated'], rows },
      {
        caption: `With sockets: ${calls} calls, a frame out and its echo back`,
        columns: ['', 'CPU of our thread, us', 'heap bytes allocated'],
        rows: socketRows,
      },
    ],
    notes: [
      `Median of ${rounds} rounds after one of warm-up; ${ms} ms or ${turns} frames per call a round. The kernel's part of the system calls is in the second table.`,
    ],
  };
}

function buildAndMask(): () => void {
  const writer = new MediaWriter(STREAM_SID);
  const frame = new Frame(2048);
  let sequence = 10_000;
  return () => {
    sequence = sequence === 90_000 ? 10_000 : sequence + 1;
    const length = writer.write(frame, sequence, sequence, sequence * 20, AUDIO, 0, AUDIO.length);
    sink.value += frame.seal(OPCODE.text, length, sequence).length;
  };
}

function usualWayOut(): () => void {
  let sequence = 10_000;
  return () => {
    sequence++;
    const message = Buffer.from(platformMessage(sequence));
    const wire = Buffer.allocUnsafe(8 + message.length);
    for (let index = 0; index < message.length; index++) wire[8 + index] = message[index]! ^ (sequence >> (index & 3));
    sink.value += wire.length;
  };
}

function platformMessage(sequence: number): string {
  const media = {
    track: 'inbound',
    chunk: String(sequence),
    timestamp: String(sequence * 20),
    payload: AUDIO.toString('base64'),
  };
  return JSON.stringify({ event: 'media', sequenceNumber: String(sequence), streamSid: STREAM_SID, media });
}

function compact(audio: Buffer): string {
  return JSON.stringify({ event: 'media', streamSid: STREAM_SID, media: { payload: audio.toString('base64') } });
}

function spaced(audio: Buffer): string {
  return compact(audio).replaceAll('":', '": ').replaceAll(',"', ', "');
}

function readMessages(text: string): () => void {
  const decoder = new Base64Decoder();
  const reader = new MediaReader(decoder);
  const handler: MessageHandler = {
    text: (bytes, start, end) => {
      if (!reader.read(bytes, start, end)) throw new Error('the fast path did not take it');
      sink.value += decoder.length;
    },
    binary: () => undefined,
    ping: () => undefined,
    pong: () => undefined,
    close: () => undefined,
    violation: ({ text: problem }) => {
      throw new Error(problem);
    },
  };
  const receiver = new Receiver(handler, 1 << 20);
  const chunk = frameOf(text);
  return () => receiver.push(chunk, 0, chunk.length);
}

function usualWayIn(text: string): () => void {
  const chunk = Buffer.from(text);
  return () => {
    const message = JSON.parse(chunk.toString()) as { media: { payload: string } };
    sink.value += Buffer.from(message.media.payload, 'base64').length;
  };
}

function frameOf(text: string): Buffer {
  const body = Buffer.from(text);
  const head = Buffer.from([0x81, 126, body.length >> 8, body.length & 0xff]);
  return Buffer.concat([head, body]);
}

interface EchoCall {
  say(turn: number): void;
  hangUp(): void;
}
type Dial = (url: string, heard: () => void) => Promise<EchoCall>;

const createStream = createAgentStreamFactory();

async function dialOurs(url: string, heard: () => void): Promise<EchoCall> {
  const stream = await new Promise<AgentStream>((resolve, reject) => {
    const opening: AgentStream = createStream(
      {
        protocol: 'twilio',
        url,
        headers: {},
        codec: 'PCMU',
        readyTimeoutMs: 5_000,
        callId: 'call_bench',
        accountId: 'ws_bench',
        customParameters: {},
        extensionEvents: false,
      },
      {
        ready: () => queueMicrotask(() => resolve(opening)),
        ended: (failure) => reject(new Error(failure?.detail ?? 'closed')),
        audio: (_bytes, start, end) => {
          sink.value += end - start;
          heard();
        },
        mark: () => undefined,
        clear: () => undefined,
        sendDtmf: () => undefined,
        ask: () => undefined,
        alive: () => undefined,
        malformed: () => reject(new Error('malformed')),
        dropped: () => reject(new Error('dropped')),
      },
    );
  });
  stream.start();
  return { say: (turn) => stream.audio(AUDIO, 0, AUDIO.length, turn * 20), hangUp: () => stream.close() };
}

async function dialWs(url: string, heard: () => void): Promise<EchoCall> {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  await new Promise((resolve) => socket.once('open', resolve));
  socket.on('message', (data) => {
    const message = JSON.parse(data.toString()) as { media: { payload: string } };
    sink.value += Buffer.from(message.media.payload, 'base64').length;
    heard();
  });
  return { say: (turn) => socket.send(platformMessage(turn + 1)), hangUp: () => socket.close() };
}

/** Every call says a frame, all echoes come back, next turn: one read and one write per frame, as at 50 frames a second. */
async function echoed(dial: Dial, url: string, calls: number, turns: number): Promise<Cost> {
  let missing = 0;
  let next: () => void = () => undefined;
  const heard = (): void => {
    if (--missing === 0) next();
  };
  const open = await Promise.all(Array.from({ length: calls }, () => dial(url, heard)));
  const allocated = getHeapStatistics().total_allocated_bytes;
  const before = process.threadCpuUsage();
  for (let turn = 0; turn < turns; turn++) {
    missing = calls;
    await new Promise<void>((resolve) => {
      next = resolve;
      for (const call of open) call.say(turn);
    });
  }
  const { user, system } = process.threadCpuUsage(before);
  const bytes = getHeapStatistics().total_allocated_bytes - allocated;
  for (const call of open) call.hangUp();
  return { ns: ((user + system) * 1000) / (calls * turns), bytes: bytes / (calls * turns) };
}

function cost(work: () => void, ms: number, rounds: number): Cost {
  const figures = Array.from({ length: rounds + 1 }, () => {
    const allocated = getHeapStatistics().total_allocated_bytes;
    const startedAt = performance.now();
    let count = 0;
    let now = startedAt;
    while (now - startedAt < ms) {
      for (let index = 0; index < 1_000; index++) work();
      count += 1_000;
      now = performance.now();
    }
    const bytes = (getHeapStatistics().total_allocated_bytes - allocated) / count;
    return { ns: ((now - startedAt) * 1e6) / count, bytes };
  });
  return median(figures.slice(1));
}

function median(figures: readonly Cost[]): Cost {
  return figures.toSorted((a, b) => a.ns - b.ns)[Math.floor(figures.length / 2)]!;
}

async function startPeer(): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const worker = new Worker(new URL(import.meta.url), { workerData: PEER });
  const port = await new Promise<number>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  return { url: `ws://127.0.0.1:${port}/`, stop: () => worker.terminate().then(() => undefined) };
}

/** The agent: echoes payloads, answers nothing else. */
function servePeer(port: NonNullable<typeof parentPort>): void {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false });
  server.on('listening', () => port.postMessage((server.address() as { port: number }).port));
  const answer = compact(AUDIO);
  server.on('connection', (socket) => {
    socket.on('message', (data) => {
      if ((data as Buffer).includes('"media"')) socket.send(answer);
    });
  });
}

if (!isMainThread && workerData === PEER && parentPort) servePeer(parentPort);
else if (import.meta.main) {
  const result = await run({ flags: new Map(), say: (text) => process.stderr.write(`${text}\n`) });
  for (const table of result.tables) process.stdout.write(`\n${markdownTable(table)}\n`);
  for (const note of result.notes) process.stdout.write(`- ${note}\n`);
}
