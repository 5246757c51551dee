// What our own code costs per RTP packet, sockets and WebSocket left out: the stages of src/media alone and joined, in ns and in
// bytes of heap per packet. The rest of a call's cost is the kernel's and Node's (see the bench `media`).
//
// Set-up      one call, one datagram buffer whose sequence and timestamp are stamped anew, a clock that moves 20 ms a packet. The
//             agent is a stub in the same call: it echoes or swallows the frame.
// Warm-up     20 000 packets, so that every function is optimised. Then --rounds (5) rounds of --packets (100 000); the median counts.
// Heap        growth of `heapUsed` over a round without garbage collection in between, divided by its packets. Of SRTP, which makes garbage, over
//             the first 1 000 packets: more would be collected on the way.
//
// Flags: --packets 100000 --rounds 5
// Alone: node bench/media-path.ts

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { AgentStream, AgentStreamHost } from '../src/media/agent-stream.ts';
import { newSrtpKey, type SrtpSuite } from '../src/domain/srtp.ts';
import { FRAME_BYTES, transcode, transcodeTable } from '../src/media/codec/g711.ts';
import { FIELD_COUNT } from '../src/media/counters.ts';
import { BlockPool } from '../src/media/playout.ts';
import { seededRandom } from '../src/media/random.ts';
import { ToneDetector } from '../src/media/dtmf/tone-detector.ts';
import { writeToneFrame } from '../src/media/dtmf/tones.ts';
import { createRtpHeader, parseRtp, RTP_HEADER_BYTES, stampRtp, writeRtpHeader } from '../src/media/rtp/header.ts';
import { Reception } from '../src/media/rtp/reception.ts';
import type { RtpParameters } from '../src/media/session.ts';
import { SrtpReceiver } from '../src/media/srtp/receiver.ts';
import { SrtpSender } from '../src/media/srtp/sender.ts';
import { CallMedia } from '../src/media/thread/call.ts';
import { LatchedPath } from '../src/media/thread/latched-path.ts';
import { type BenchOptions, type BenchResult, flag, markdownTable, round } from './support/result.ts';

const WARM_UP_PACKETS = 20_000;
const GARBAGE_PACKETS = 1000;
const PEER = '192.0.2.1';
const PORT = 4000;

/** One packet of a case; called with 0, 1, 2, … */
type Step = (index: number) => void;

export interface PathFigures {
  readonly name: string;
  readonly nsPerPacket: number;
  readonly heapBytesPerPacket: number;
}

export const PATHS: Readonly<Record<string, () => Step>> = {
  'RTP header': headerStep,
  'reception statistics': receptionStep,
  'G.711 transcoding': transcodeStep,
  'tones of keys, silence on the line': () => detectorStep('silence'),
  'tones of keys, speech on the line': () => detectorStep('speech'),
  'tones of keys, a key pressed': () => detectorStep('key'),
  'caller to agent': () => callStep({ echo: false }),
  'caller to agent and back, paced': () => callStep({ echo: true }),
  'the same, A-law caller': () => callStep({ echo: true, codec: 'PCMA' }),
  'the same, 1 % reordered': () => callStep({ echo: true, reorder: true }),
};

/** What encryption adds: one packet sealed and one opened, which is a frame to the caller and one from it. Node's ciphers allocate. */
export const SRTP_PATHS: Readonly<Record<string, () => Step>> = {
  'SRTP, a packet out and one in, AES_CM_128_HMAC_SHA1_80': () => srtpStep('AES_CM_128_HMAC_SHA1_80'),
  'SRTP, a packet out and one in, AEAD_AES_256_GCM': () => srtpStep('AEAD_AES_256_GCM'),
};

const ALL_PATHS = { ...PATHS, ...SRTP_PATHS };

export async function run(options: BenchOptions): Promise<BenchResult> {
  const packets = flag(options, 'packets', 100_000);
  const rounds = flag(options, 'rounds', 5);
  const figures = Object.keys(ALL_PATHS).map((name) => measurePath(name, { packets, rounds }));
  return {
    title: 'CPU and heap of the media stages per RTP packet',
    tables: [
      {
        caption: 'Per packet, without sockets',
        columns: ['path', 'ns', 'heap bytes'],
        rows: figures.map((row) => [row.name, round(row.nsPerPacket), round(row.heapBytesPerPacket, 2)]),
      },
    ],
    notes: ['A frame of a call comes every 20 ms: 1 000 ns per packet are 0.05 ms of CPU per call-second.'],
  };
}

export function measurePath(name: string, { packets, rounds }: { packets: number; rounds: number }): PathFigures {
  const step = ALL_PATHS[name]!();
  let index = 0;
  for (; index < WARM_UP_PACKETS; index++) step(index);
  const heapPackets = name in SRTP_PATHS ? GARBAGE_PACKETS : 0;
  const results: PathFigures[] = [];
  for (let turn = 0; turn < rounds; turn++) {
    collectGarbage();
    const heapBefore = process.memoryUsage().heapUsed;
    for (const end = index + heapPackets; index < end; index++) step(index);
    const heapEarly = process.memoryUsage().heapUsed - heapBefore;
    const startMs = performance.now();
    for (const end = index + packets; index < end; index++) step(index);
    const elapsedMs = performance.now() - startMs;
    const heap = process.memoryUsage().heapUsed - heapBefore;
    const heapBytesPerPacket = heapPackets > 0 ? heapEarly / heapPackets : heap / packets;
    results.push({ name, nsPerPacket: (elapsedMs * 1e6) / packets, heapBytesPerPacket });
  }
  const ns = results.map((result) => result.nsPerPacket).toSorted((a, b) => a - b);
  const heap = results.map((result) => result.heapBytesPerPacket).toSorted((a, b) => a - b);
  const middle = Math.floor(rounds / 2);
  return { name, nsPerPacket: ns[middle]!, heapBytesPerPacket: heap[middle]! };
}

function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

function datagram(payloadType: number): Buffer {
  const bytes = Buffer.alloc(RTP_HEADER_BYTES + FRAME_BYTES, 0x33);
  writeRtpHeader(bytes, { marker: false, payloadType, sequence: 0, timestamp: 0, ssrc: 1 });
  return bytes;
}

function stamp(bytes: Buffer, payloadType: number, index: number): void {
  stampRtp(bytes, payloadType, false, index & 0xffff, (index * FRAME_BYTES) >>> 0);
}

function headerStep(): Step {
  const bytes = datagram(0);
  const header = createRtpHeader();
  return (index) => {
    stamp(bytes, 0, index);
    if (!parseRtp(bytes, header)) throw new Error('not RTP');
  };
}

function receptionStep(): Step {
  const reception = new Reception();
  return (index) => {
    reception.judge(1, index & 0xffff);
    reception.arrival((index * FRAME_BYTES) >>> 0, index * 20);
  };
}

function transcodeStep(): Step {
  const bytes = datagram(0);
  const target = Buffer.alloc(FRAME_BYTES);
  const table = transcodeTable('PCMU', 'PCMA');
  return () => transcode(table, bytes, RTP_HEADER_BYTES, bytes.length, target, 0);
}

function srtpStep(suite: SrtpSuite): Step {
  const master = newSrtpKey(suite, (size) => Buffer.alloc(size, 7));
  const sender = new SrtpSender(suite, master);
  const receiver = new SrtpReceiver(suite, master);
  const bytes = datagram(0);
  return (index) => {
    stamp(bytes, 0, index);
    if (receiver.unprotectRtp(sender.protectRtp(bytes)) === null) throw new Error('not authentic');
  };
}

/** What trunks with `dtmf: inband` pay for each frame of the caller, whatever is on the line. */
function detectorStep(line: 'silence' | 'speech' | 'key'): Step {
  const detector = new ToneDetector('PCMU');
  const frame = Buffer.alloc(FRAME_BYTES, 0xff);
  const random = seededRandom(3);
  if (line === 'speech') for (let i = 0; i < FRAME_BYTES; i++) frame[i] = Math.floor(random() * 256);
  if (line === 'key') writeToneFrame(5, 1, 3, 'PCMU', frame, 0);
  return () => {
    detector.audio(frame, 0, FRAME_BYTES);
  };
}

/** A whole call between two stubs: `rtp` in, the agent, the paced packet out. */
function callStep(path: { echo: boolean; codec?: 'PCMU' | 'PCMA'; reorder?: boolean }): Step {
  const clock = { nowMs: 1_000_000 };
  let host: AgentStreamHost | null = null;
  let heard = 0;
  let sent = 0;
  const agent: AgentStream = {
    start: () => undefined,
    audio(bytes, start, end) {
      heard++;
      host!.alive();
      if (path.echo) host!.audio(bytes, start, end);
    },
    dtmf: () => undefined,
    markPlayed: () => undefined,
    notify: () => undefined,
    tick: () => undefined,
    close: () => undefined,
  };
  const call = new CallMedia(
    {
      callId: 'bench',
      timeouts: { firstPacketMs: 1e9, silenceMs: 1e9 },
    },
    {
      nowMs: () => clock.nowMs,
      wallMs: () => 0,
      random: seededRandom(1),
      blocks: new BlockPool(),
      row: new Float64Array(FIELD_COUNT),
      createAgentStream: (_, given) => {
        host = given;
        return agent;
      },
      path: new LatchedPath(
        { natAllowed: false, signallingAddress: null },
        {
          sendRtp: () => {
            sent++;
          },
          sendRtcp: () => undefined,
        },
      ),
      emit: () => undefined,
    },
  );
  const codec = path.codec ?? 'PCMU';
  const payloadType = codec === 'PCMU' ? 0 : 8;
  call.negotiate(remote(codec, payloadType));
  call.connectAgent(
    {
      protocol: 'bench',
      url: '',
      headers: {},
      codec: 'PCMU',
      readyTimeoutMs: 1000,
      callId: 'bench',
      accountId: 'bench',
      customParameters: {},
      extensionEvents: false,
    },
    () => undefined,
  );
  host!.ready();
  call.start();
  const bytes = datagram(payloadType);
  return (index) => {
    // Of each hundred packets the first two change places.
    const place = index % 100;
    const swapped = path.reorder === true && place < 2 ? index + 1 - 2 * place : index;
    stamp(bytes, payloadType, swapped);
    call.rtp(bytes, PEER, PORT);
    clock.nowMs += 20;
    if (call.dueMs <= clock.nowMs + 1) call.tick(clock.nowMs);
    if (index > 1000 && heard < index - 100) throw new Error('the agent does not hear the call');
    if (index > 1000 && path.echo && sent < index - 100) throw new Error('the caller does not hear the agent');
  };
}

function remote(codec: 'PCMU' | 'PCMA', payloadType: number): RtpParameters {
  return {
    remoteAddress: PEER,
    remotePort: PORT,
    rtcpMux: false,
    codec,
    payloadType,
    receivePayloadType: payloadType,
    telephoneEventPayloadType: null,
    receiveTelephoneEventPayloadType: null,
    direction: 'sendrecv',
  };
}

if (import.meta.main) {
  const result = await run({ flags: new Map(), say: () => undefined });
  for (const table of result.tables) process.stdout.write(`${markdownTable(table)}\n`);
}
