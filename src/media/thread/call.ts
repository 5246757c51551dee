// One call in its media thread: both directions of audio, RTCP, the watchdog, and the agent's stream in the middle.
//
//   state      negotiate      connectAgent            agent ready       start               close
//   open       set            dials                   waits for start   runs, agent starts  -> closed
//   early      set again      replaces the agent      starts if heard   runs, agent starts  -> closed
//   running    set again      replaces the agent      agent starts      ignored             -> closed
//   closed     ignored        refused                 ignored           ignored             same figures
//
// M1. Media runs from `start` to `close`, with or without an agent: the caller hears comfort silence while nobody speaks.
// M2. One agent at a time (agent-seat.ts): a stream that is no longer the call's does nothing.
// M3. A stream that throws is a broken agent of this call and nothing more.
// M4. How packets travel is the path's business (path.ts). While it is not ready the agent's audio waits in the queue, so that a browser
//     that connects after the answer misses nothing of the greeting.

import type { CallQuality } from '../../domain/call.ts';
import type { DtmfKind, DtmfOutcome, DtmfRequest } from '../../domain/dtmf.ts';
import { canReceive, canSend } from '../../domain/rtp-parameters.ts';
import type { AgentDial, AgentNotice, AgentStreamFactory } from '../agent-stream.ts';
import { FIELD, qualityOf } from '../counters.ts';
import type { BlockPool } from '../playout.ts';
import type { Random } from '../random.ts';
import { looksLikeRtcp } from '../rtp/header.ts';
import type {
  AgentConnectOutcome,
  EarlyAudio,
  MediaEvent,
  MediaPolicy,
  MediaTimeouts,
  RtpParameters,
} from '../session.ts';
import { AgentSeat, type AgentSeatCall } from './agent-seat.ts';
import { Control } from './control.ts';
import { CallFigures } from './figures.ts';
import { Inbound, type InboundSink } from './inbound.ts';
import { Keys } from './keys.ts';
import { Outbound } from './outbound.ts';
import type { RtpPath } from './path.ts';
import { type Line, Supervision } from './supervision.ts';

export interface CallMediaOptions {
  readonly callId: string;
  readonly timeouts: MediaTimeouts;
}

/** What the thread lends to its calls. */
export interface CallMediaDeps {
  readonly nowMs: () => number;
  readonly wallMs: () => number;
  readonly random: Random;
  readonly blocks: BlockPool;
  /** The call's row of counters. */
  readonly row: Float64Array;
  readonly createAgentStream: AgentStreamFactory;
  readonly path: RtpPath;
  readonly emit: (event: MediaEvent) => void;
}

type Phase = 'open' | 'running' | 'closed';

export class CallMedia implements InboundSink, AgentSeatCall {
  /** The next moment at which `tick` has something to do, monotonic ms. */
  dueMs = Number.POSITIVE_INFINITY;

  readonly #deps: CallMediaDeps;
  readonly #path: RtpPath;
  readonly #inbound: Inbound;
  readonly #outbound: Outbound;
  readonly #control: Control;
  readonly #supervision: Supervision;
  readonly #seat: AgentSeat;
  readonly #keys: Keys;
  readonly #figures: CallFigures;
  #phase: Phase = 'open';
  /** What is heard before the answer (`startEarly`). */
  #early: EarlyAudio | null = null;
  #remote: RtpParameters | null = null;

  constructor(options: CallMediaOptions, deps: CallMediaDeps) {
    this.#deps = deps;
    this.#path = deps.path;
    this.#inbound = new Inbound(this, deps.path);
    this.#outbound = new Outbound({
      blocks: deps.blocks,
      random: deps.random,
      send: (packet) => this.#path.sendRtp(packet),
      markPlayed: (name) => this.#seat.markPlayed(name),
      keyDue: (digit, toneMs) => this.#deps.emit({ type: 'dtmf-due', atMs: this.#deps.nowMs(), digit, toneMs }),
    });
    this.#supervision = new Supervision(options.timeouts, {
      emit: deps.emit,
      tellAgent: (notice) => this.notifyAgent(notice),
    });
    const parts = { inbound: this.#inbound, outbound: this.#outbound };
    this.#control = new Control({ ...deps, ...parts });
    this.#seat = new AgentSeat(this, { ...deps, ...parts });
    this.#keys = new Keys({ ...deps, ...parts, tellAgent: (digit) => this.#seat.key(digit) });
    this.#figures = new CallFigures(deps.row, { ...parts, control: this.#control, seat: this.#seat });
  }

  /** Of the packets that the path is given. */
  get ssrc(): number {
    return this.#outbound.ssrc;
  }

  negotiate(remote: RtpParameters): void {
    if (this.#phase === 'closed') return;
    const nowMs = this.#deps.nowMs();
    this.#remote = remote;
    this.#inbound.negotiate(remote, canReceive(remote.direction), nowMs);
    this.#outbound.negotiate(remote, canSend(remote.direction));
    this.#supervision.negotiated(this.#line, nowMs);
    this.#startOutbound(nowMs);
    this.reschedule();
  }

  /** `done` is called exactly once, unless the call is closed first. */
  connectAgent(dial: AgentDial, done: (outcome: AgentConnectOutcome) => void): void {
    if (this.#phase === 'closed') {
      done({ ok: false, failure: { code: 'agent_broken', detail: 'the call is closed' } });
      return;
    }
    this.#keys.setCodec(dial.codec);
    this.#seat.take(dial, done);
    this.reschedule();
  }

  /** Early media: audio flows before the answer, no limit of time runs yet. */
  startEarly(early: EarlyAudio): void {
    if (this.#phase !== 'open' || this.#early !== null) return;
    const nowMs = this.#deps.nowMs();
    this.#early = early;
    this.#outbound.ring(early === 'ringback');
    this.#path.start(nowMs);
    this.#startOutbound(nowMs);
    if (early === 'agent') this.#seat.start(nowMs);
    this.reschedule();
  }

  start(): void {
    if (this.#phase !== 'open') return;
    const nowMs = this.#deps.nowMs();
    this.#phase = 'running';
    this.#outbound.ring(false);
    this.#supervision.start(this.#line, nowMs);
    this.#control.start(nowMs);
    if (this.#early === null) this.#path.start(nowMs);
    this.#startOutbound(nowMs);
    if (this.#early === 'agent') this.#seat.notify({ type: 'answered' });
    else this.#seat.start(nowMs);
    this.reschedule();
  }

  notifyAgent(notice: AgentNotice): void {
    this.#seat.notify(notice);
  }

  setPolicy({ timeouts, dtmf }: MediaPolicy): void {
    this.#supervision.setTimeouts(timeouts);
    this.#keys.setMode(dtmf);
  }

  sendKeys(request: DtmfRequest, by: 'agent' | 'api'): DtmfOutcome {
    return this.#keys.send(request, by, this.#phase === 'closed');
  }

  heardByInfo(key: string): void {
    this.#pressed(key, 'info', this.#deps.nowMs());
  }

  /** Tells the agent and the peer; the sockets are the thread's. */
  close(): CallQuality {
    if (this.#phase !== 'closed') {
      if (this.#phase === 'running') this.#report(this.#deps.nowMs(), true);
      this.#phase = 'closed';
      this.dueMs = Number.POSITIVE_INFINITY;
      this.#seat.leave();
      this.#inbound.audio.stop();
      this.#outbound.stop();
      this.publish();
    }
    return qualityOf(this.#deps.row);
  }

  // Packets of this call's path.

  rtp(bytes: Buffer, address: string, port: number): void {
    const remote = this.#remote;
    if (remote === null || this.#phase === 'closed') return;
    if (remote.rtcpMux && looksLikeRtcp(bytes)) {
      this.rtcp(bytes, address);
      return;
    }
    const inbound = this.#inbound;
    const nowMs = this.#deps.nowMs();
    inbound.rtp(bytes, address, port, nowMs);
    if (inbound.lastRtpMs === nowMs) this.#deps.row[FIELD.lastRtpMs] = nowMs;
    this.reschedule();
  }

  rtcp(bytes: Buffer, address: string): void {
    this.#control.received(bytes, address);
  }

  /** A path that had to be set up first is up. */
  pathReady(): void {
    if (this.#phase === 'closed') return;
    const nowMs = this.#deps.nowMs();
    this.#deps.emit({ type: 'webrtc-connected', atMs: nowMs });
    this.#supervision.ready(this.#line, nowMs);
    this.#startOutbound(nowMs);
    this.reschedule();
  }

  /** The path saw a stranger's packet. */
  pathStranger(): void {
    this.#inbound.dropped++;
  }

  /** The path could not authenticate a packet. */
  pathRejected(): void {
    this.#inbound.dropped++;
    if (this.#figures.srtpRejected++ === 0) this.#deps.emit({ type: 'srtp-rejected', atMs: this.#deps.nowMs() });
  }

  // The thread's clock.

  tick(nowMs: number): void {
    if (this.#inbound.audio.dueMs <= nowMs) this.#inbound.audio.tick(nowMs);
    this.#outbound.tick(nowMs);
    this.reschedule();
  }

  /** Ten times a second. */
  slowTick(nowMs: number): void {
    this.publish();
    if (nowMs >= this.#control.dueMs) this.#report(nowMs, false);
    const { lastRtpMs } = this.#inbound;
    const cause = this.#path.fault(nowMs);
    if (cause !== null) {
      const lastProofMs = lastRtpMs === 0 ? null : lastRtpMs;
      this.#deps.emit({ type: 'media-timeout', atMs: nowMs, lastProofMs, cause });
      return;
    }
    const { packetsSent, framesFromAgent } = this.#outbound;
    const { unheardReports } = this.#control;
    const isAgentAttached = this.#seat.isTaken;
    this.#supervision.tick({ lastRtpMs, packetsSent, framesFromAgent, unheardReports, isAgentAttached }, nowMs);
  }

  secondTick(nowMs: number): void {
    this.#seat.tick(nowMs);
  }

  publish(): void {
    this.#figures.publish();
  }

  // What the inbound pipeline delivers.

  frame(bytes: Buffer, start: number, end: number, timestampMs: number): void {
    this.#seat.hear(bytes, start, end, timestampMs);
    const key = this.#keys.audio(bytes, start, end);
    if (key !== null) this.#pressed(key, 'inband', this.#deps.nowMs());
  }

  firstPacket(nowMs: number): void {
    this.#deps.emit({ type: 'first-packet', atMs: nowMs });
  }

  key(digit: string, nowMs: number): void {
    this.#pressed(digit, 'rfc4733', nowMs);
  }

  // What the agent's seat asks and tells.

  get isAgentHeard(): boolean {
    return this.#phase === 'running' || this.#early === 'agent';
  }

  agentStarted(nowMs: number): void {
    this.#supervision.agentStarted(nowMs);
  }

  agentKeys(request: DtmfRequest): boolean {
    if (this.#phase !== 'running') return false;
    this.sendKeys(request, 'agent');
    return true;
  }

  reschedule(): void {
    this.dueMs = Math.min(this.#inbound.audio.dueMs, this.#outbound.dueMs);
  }

  #pressed(digit: string, kind: DtmfKind, nowMs: number): void {
    if (this.#phase === 'running') this.#keys.pressed(digit, kind, nowMs);
  }

  get #line(): Line {
    const direction = this.#remote?.direction ?? 'sendrecv';
    return { direction, isReady: this.#path.ready, packetsSent: this.#outbound.packetsSent };
  }

  #startOutbound(nowMs: number): void {
    const runs = this.#phase === 'running' || this.#early !== null;
    if (runs && this.#remote !== null && this.#path.ready) this.#outbound.start(nowMs);
  }

  #report(nowMs: number, bye: boolean): void {
    if (this.#remote !== null) this.#control.report(nowMs, bye);
  }
}
