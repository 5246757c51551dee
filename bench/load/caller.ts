// The callers of the media bench: N calls, one RTP frame per call every 20 ms, each stamped; what comes back is measured.
// Through SIP (against the gateway) or to given RTP ports (against the bare relay).
//
// One timer for all calls: call i sends its frame n at start + n * 20 ms + i * 20 ms / N, so that the load is even and not
// N packets at once. Percentiles are taken from the instant a frame really left; how late it left is reported beside them
// (`lateMs`), because a loader that is late measures itself.
//
// Messages: {type:'open', …OpenCalls} -> {type:'up', answered, failures: [status]}; {type:'measure'} begins the window,
//           {type:'finish'} ends it -> {type:'measured', …Measured} after a grace of 500 ms for frames on their way;
//           the calls are hung up then -> {type:'down'}.

import type { Socket } from 'node:dgram';
import { bindUdp } from '../support/dgram.ts';
import { Samples, type Percentiles } from '../support/stats.ts';
import { type LoadCall, SipCaller, type SipTarget } from './sip-caller.ts';
import { findStamp, FRAME_BYTES, stampedFrame, stampedMs, stampedSender, writeStamp } from './stamp.ts';

export interface OpenCalls {
  readonly calls: number;
  readonly sip?: SipTarget;
  readonly rtpPorts?: readonly number[];
}

export interface Measured {
  readonly sent: number;
  readonly received: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly reframed: number;
  /** Frames that belong to another call. */
  readonly strays: number;
  readonly lostByWorstCall: number;
  readonly roundTripMs: Percentiles;
  readonly lateMs: Percentiles;
}

interface Line {
  /** Known to no other call of this run or of the one before. */
  readonly sender: number;
  readonly socket: Socket;
  readonly packet: Buffer;
  readonly seen: Uint8Array;
  remotePort: number;
  frame: number;
  /** First frame of the measured window. */
  first: number;
  call: LoadCall | null;
}

const FRAME_MS = 20;
const RTP_HEADER_BYTES = 12;
/** 20 minutes of frames. */
const FRAMES_MAX = 60_000;
const GRACE_MS = 500;
const HANG_UP_MS = 10_000;
/** New calls per second while the calls are placed. */
const PLACING_PER_SECOND = 25;
const SOCKET_BUFFER_BYTES = 1 << 20;

const lines: Line[] = [];
let sip: SipCaller | null = null;
let startMs = 0;
let slot = 0;
/** Frames of other calls that came to a port of ours. */
let strays = 0;
let timer: NodeJS.Timeout | null = null;
let window: { roundTrip: Samples; late: Samples; duplicated: number; reframed: number } | null = null;

process.on('message', (message: { type: string } & OpenCalls) => {
  if (message.type === 'open') void open(message);
  else if (message.type === 'measure') beginWindow();
  else if (message.type === 'finish') void finishWindow();
});
process.on('disconnect', () => process.exit(0));

async function open({ calls, sip: target, rtpPorts }: OpenCalls): Promise<void> {
  const failures: number[] = [];
  if (target) sip = await SipCaller.open(target);
  for (let i = 0; i < calls; i++) {
    const line = await createLine(i);
    if (rtpPorts) line.remotePort = rtpPorts[i] ?? 0;
    else await place(line, failures);
    if (line.remotePort !== 0) lines.push(line);
  }
  startMs = performance.now();
  tick();
  process.send?.({ type: 'up', answered: lines.length, failures });
}

async function createLine(index: number): Promise<Line> {
  const socket = await bindUdp(SOCKET_BUFFER_BYTES);
  const packet = Buffer.alloc(RTP_HEADER_BYTES + FRAME_BYTES, 0x7f);
  packet[0] = 0x80;
  packet[1] = 0;
  const sender = ((process.pid << 12) + index + 1) >>> 0;
  packet.writeUInt32BE(sender, 8);
  const line: Line = {
    sender,
    socket,
    packet,
    seen: new Uint8Array(FRAMES_MAX),
    remotePort: 0,
    frame: 0,
    first: 0,
    call: null,
  };
  socket.on('message', (bytes) => receive(line, bytes));
  return line;
}

async function place(line: Line, failures: number[]): Promise<void> {
  const caller = sip as SipCaller;
  const pause = new Promise((resolve) => setTimeout(resolve, 1000 / PLACING_PER_SECOND));
  await new Promise<void>((resolve) => {
    line.call = caller.place(line.socket.address().port, (event) => {
      if (event.type === 'answered') line.remotePort = event.remotePort;
      if (event.type === 'failed') failures.push(event.status);
      resolve();
    });
  });
  await pause;
}

function tick(): void {
  const step = FRAME_MS / Math.max(1, lines.length);
  const now = performance.now();
  while (startMs + slot * step <= now) {
    send(lines[slot % lines.length] as Line, startMs + slot * step);
    slot++;
  }
  timer = setTimeout(tick, 1);
}

function send(line: Line, dueMs: number): void {
  const { packet, frame } = line;
  const sentMs = performance.now();
  packet.writeUInt16BE(frame & 0xffff, 2);
  packet.writeUInt32BE((frame * FRAME_BYTES) >>> 0, 4);
  writeStamp(packet, RTP_HEADER_BYTES, frame, sentMs, line.sender);
  line.socket.send(packet, line.remotePort, '127.0.0.1');
  line.frame++;
  window?.late.add(sentMs - dueMs);
}

function receive(line: Line, bytes: Buffer): void {
  const at = findStamp(bytes, RTP_HEADER_BYTES);
  if (at === -1) return;
  if (stampedSender(bytes, at) !== line.sender) {
    strays++;
    return;
  }
  const frame = stampedFrame(bytes, at);
  const copies = (line.seen[frame] ?? 0) + 1;
  line.seen[frame] = copies;
  if (!window || frame < line.first) return;
  if (copies > 1) window.duplicated++;
  if (at !== RTP_HEADER_BYTES) window.reframed++;
  window.roundTrip.add(performance.now() - stampedMs(bytes, at));
}

function beginWindow(): void {
  for (const line of lines) line.first = line.frame;
  window = { roundTrip: new Samples(1 << 20), late: new Samples(1 << 20), duplicated: 0, reframed: 0 };
}

async function finishWindow(): Promise<void> {
  if (!window) return;
  const last = lines.map((line) => line.frame);
  await new Promise((resolve) => setTimeout(resolve, GRACE_MS));
  if (timer) clearTimeout(timer);
  process.send?.({ type: 'measured', ...measured(window, last) });
  await hangUp();
  process.send?.({ type: 'down' });
}

async function hangUp(): Promise<void> {
  for (const line of lines) line.call?.bye();
  const deadline = performance.now() + HANG_UP_MS;
  while (sip && sip.live > 0 && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20));
}

function measured(of: NonNullable<typeof window>, last: readonly number[]): Measured {
  let sent = 0;
  let received = 0;
  let lostByWorstCall = 0;
  lines.forEach((line, index) => {
    const from = line.first;
    const to = last[index] ?? 0;
    let came = 0;
    for (let frame = from; frame < to; frame++) if (line.seen[frame]) came++;
    sent += to - from;
    received += came;
    lostByWorstCall = Math.max(lostByWorstCall, to - from - came);
  });
  return {
    sent,
    received,
    lost: sent - received,
    duplicated: of.duplicated,
    reframed: of.reframed,
    strays,
    lostByWorstCall,
    roundTripMs: of.roundTrip.summary(),
    lateMs: of.late.summary(),
  };
}
