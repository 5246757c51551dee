// One call in its media thread: both directions of audio, RTCP, the watchdog, and the agent's stream in the middle.
//
//   state      negotiate      connectAgent            agent ready       start               close
//   open       set            dials                   waits for start   runs, agent starts  -> closed
//   early      set again      replaces the agent      starts if heard   runs, agent starts  -> closed
//   running    set again      replaces the agent      agent starts      ignored             -> closed
//   closed     ignored        refused                 ignored           ignored             same figures
//
// M1. Media runs from `start` to `close`, with or without an agent: the caller hears comfort silence while nobody speaks.
// M2. An AgentLink that is no longer the call's does nothing: late callbacks of a replaced or closed stream are void.
// M3. A stream that throws is a broken agent of this call and nothing more.
// M4. How packets travel is the path's business (path.ts). While it is not ready the agent's audio waits in the queue, so that a browser
//     that connects after the answer misses nothing of the greeting.

import type { CallQuality } from '../../domain/call.ts';
import { dtmfKeyCount, type DtmfKind, type DtmfOutcome, type DtmfRequest } from '../../domain/dtmf.ts';
import type { AgentAsk, AgentDial, AgentFailure, AgentNotice, AgentStreamFactory } from '../agent-stream.ts';
import { FIELD, qualityOf } from '../counters.ts';
import { KeysHeard } from '../dtmf/keys-heard.ts';
import type { BlockPool } from '../playout.ts';
import type { Random } from '../random.ts';
import { RtcpSession } from '../rtp/control.ts';
import { looksLikeRtcp } from '../rtp/header.ts';
import type {
  AgentConnectOutcome,
  EarlyAudio,
  MediaDirection,
  MediaEvent,
  MediaPolicy,
  MediaTimeouts,
  RtpParameters,
} from '../session.ts';
import { AgentLink, type AgentLinkOwner } from './agent-link.ts';
import { Inbound, type InboundSink } from './inbound.ts';
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

export class CallMedia implements InboundSink, AgentLinkOwner {
  /** The next moment at which `tick` has something to do, monotonic ms. */
  dueMs = Number.POSITIVE_INFINITY;

  readonly #deps: CallMediaDeps;
  readonly #path: RtpPath;
  readonly #inbound: Inbound;
  readonly #outbound: Outbound;
  readonly #rtcp: RtcpSession;
  readonly #supervision: Supervision;
  readonly #keysHeard = new KeysHeard();
  /** Why the last keys did not go out; null = they did. */
  #keysRefused: DtmfOutcome | null = null;
  #phase: Phase = 'open';
  /** What is heard before the answer (`startEarly`). */
  #early: EarlyAudio | null = null;
  #remote: RtpParameters | null = null;
  #agent: AgentLink | null = null;
  #framesToAgent = 0;
  #agentFramesDropped = 0;
  #agentMalformed = 0;
  #rtcpMalformed = 0;
  #lastAgentProofMs = 0;
  #srtpRejected = 0;

  constructor(options: CallMediaOptions, deps: CallMediaDeps) {
    this.#deps = deps;
    this.#path = deps.path;
    this.#inbound = new Inbound(this, deps.path);
    this.#outbound = new Outbound({
      blocks: deps.blocks,
      random: deps.random,
      send: (packet) => this.#path.sendRtp(packet),
      markPlayed: (name) => this.#agent?.markPlayed(name),
      keyDue: (digit, toneMs) => this.#deps.emit({ type: 'dtmf-due', atMs: this.#deps.nowMs(), digit, toneMs }),
    });
    this.#rtcp = new RtcpSession(deps.random, 'callin-edge');
    const tellAgent = (notice: AgentNotice) => this.notifyAgent(notice);
    this.#supervision = new Supervision(options.timeouts, { emit: deps.emit, tellAgent });
  }

  /** Of the packets that the path is given. */
  get ssrc(): number {
    return this.#outbound.ssrc;
  }

  negotiate(remote: RtpParameters): void {
    if (this.#phase === 'closed') return;
    const nowMs = this.#deps.nowMs();
    this.#remote = remote;
    this.#inbound.negotiate(remote, receives(remote.direction), nowMs);
    this.#outbound.negotiate(remote, sends(remote.direction));
    this.#supervision.negotiated(this.#line, nowMs);
    this.#startOutbound(nowMs);
    this.#reschedule();
  }

  /** `done` is called exactly once, unless the call is closed first. */
  connectAgent(dial: AgentDial, done: (outcome: AgentConnectOutcome) => void): void {
    if (this.#phase === 'closed') {
      done({ ok: false, failure: { code: 'agent_broken', detail: 'the call is closed' } });
      return;
    }
    this.#agent?.close();
    this.#outbound.attach(dial.codec);
    this.#keysHeard.setCodec(dial.codec);
    this.#inbound.audio.stop();
    this.#inbound.attach(dial.codec);
    const link = new AgentLink(this, dial, this.#deps.nowMs(), done);
    this.#agent = link;
    link.dial(this.#deps.createAgentStream);
    this.#reschedule();
  }

  /** Early media: audio flows before the answer, no limit of time runs yet. */
  startEarly(early: EarlyAudio): void {
    if (this.#phase !== 'open' || this.#early !== null) return;
    const nowMs = this.#deps.nowMs();
    this.#early = early;
    this.#outbound.ring(early === 'ringback');
    this.#path.start(nowMs);
    this.#startOutbound(nowMs);
    if (early === 'agent' && this.#agent?.wasReady === true) this.#startAgent(this.#agent, nowMs);
    this.#reschedule();
  }

  start(): void {
    if (this.#phase !== 'open') return;
    const nowMs = this.#deps.nowMs();
    this.#phase = 'running';
    this.#outbound.ring(false);
    this.#supervision.start(this.#line, nowMs);
    this.#rtcp.start(nowMs);
    if (this.#early === null) this.#path.start(nowMs);
    this.#startOutbound(nowMs);
    if (this.#early === 'agent') this.#agent?.notify({ type: 'answered' });
    else if (this.#agent?.wasReady === true) this.#startAgent(this.#agent, nowMs);
    this.#reschedule();
  }

  notifyAgent(notice: AgentNotice): void {
    this.#agent?.notify(notice);
  }

  setPolicy({ timeouts, dtmf }: MediaPolicy): void {
    this.#supervision.setTimeouts(timeouts);
    this.#outbound.sendKeysBy(dtmf);
    this.#keysHeard.setMode(dtmf);
  }

  sendKeys(request: DtmfRequest, by: 'agent' | 'api'): DtmfOutcome {
    const outcome = this.#phase === 'closed' ? 'gone' : this.#outbound.sendKeys(request);
    const isRepeated = outcome !== 'queued' && outcome === this.#keysRefused;
    this.#keysRefused = outcome === 'queued' ? null : outcome;
    // An agent that goes on asking against a full queue is told of once.
    if (isRepeated) return outcome;
    const keys = dtmfKeyCount(request.text);
    const kind = this.#outbound.keysGoBy;
    this.#deps.emit({ type: 'dtmf-asked', atMs: this.#deps.nowMs(), by, keys, kind, outcome });
    return outcome;
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
      this.#agent?.close();
      this.#agent = null;
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
    this.#reschedule();
  }

  rtcp(bytes: Buffer, address: string): void {
    if (!this.#path.acceptsControlFrom(address)) {
      this.#inbound.dropped++;
      return;
    }
    const { nowMs, wallMs } = this.#deps;
    const { ssrc } = this.#inbound.reception;
    if (!this.#rtcp.received(bytes, this.#outbound.ssrc, ssrc, wallMs(), nowMs())) this.#rtcpMalformed++;
  }

  /** A path that had to be set up first is up. */
  pathReady(): void {
    if (this.#phase === 'closed') return;
    const nowMs = this.#deps.nowMs();
    this.#deps.emit({ type: 'webrtc-connected', atMs: nowMs });
    this.#supervision.ready(this.#line, nowMs);
    this.#startOutbound(nowMs);
    this.#reschedule();
  }

  /** The path saw a stranger's packet. */
  pathStranger(): void {
    this.#inbound.dropped++;
  }

  /** The path could not authenticate a packet. */
  pathRejected(): void {
    this.#inbound.dropped++;
    if (this.#srtpRejected++ === 0) this.#deps.emit({ type: 'srtp-rejected', atMs: this.#deps.nowMs() });
  }

  // The thread's clock.

  tick(nowMs: number): void {
    if (this.#inbound.audio.dueMs <= nowMs) this.#inbound.audio.tick(nowMs);
    this.#outbound.tick(nowMs);
    this.#reschedule();
  }

  /** Ten times a second. */
  slowTick(nowMs: number): void {
    this.publish();
    if (nowMs >= this.#rtcp.dueMs) this.#report(nowMs, false);
    const { lastRtpMs } = this.#inbound;
    const cause = this.#path.fault(nowMs);
    if (cause !== null) {
      const lastProofMs = lastRtpMs === 0 ? null : lastRtpMs;
      this.#deps.emit({ type: 'media-timeout', atMs: nowMs, lastProofMs, cause });
      return;
    }
    const { packetsSent, framesFromAgent } = this.#outbound;
    const { unheardReports } = this.#rtcp;
    const isAgentAttached = this.#agent !== null;
    this.#supervision.tick({ lastRtpMs, packetsSent, framesFromAgent, unheardReports, isAgentAttached }, nowMs);
  }

  secondTick(nowMs: number): void {
    this.#agent?.tick(nowMs);
  }

  /** Writes the row of counters. `lastRtpMs` and `lastAgentProofMs` are written as they happen. */
  publish(): void {
    const row = this.#deps.row;
    const reception = this.#inbound.reception;
    row[FIELD.packetsReceived] = reception.received;
    row[FIELD.packetsSent] = this.#outbound.packetsSent;
    row[FIELD.packetsLost] = reception.lost;
    row[FIELD.packetsLate] = this.#inbound.audio.packetsLate;
    row[FIELD.packetsDuplicate] = reception.duplicates;
    row[FIELD.packetsReordered] = reception.reordered;
    row[FIELD.packetsDropped] = this.#inbound.dropped;
    row[FIELD.malformed] = this.#inbound.malformed + this.#rtcpMalformed + this.#agentMalformed;
    row[FIELD.jitterMs] = reception.jitter / 8;
    row[FIELD.framesToAgent] = this.#framesToAgent;
    row[FIELD.framesFromAgent] = this.#outbound.framesFromAgent;
    row[FIELD.agentFramesDropped] = this.#agentFramesDropped;
    row[FIELD.roundTripMs] = this.#rtcp.roundTripMs ?? 0;
    row[FIELD.remoteLost] = this.#rtcp.remoteLost;
    row[FIELD.framesConcealed] = this.#inbound.audio.framesConcealed;
    row[FIELD.playoutBytesDropped] = this.#outbound.bytesDropped;
    row[FIELD.marksDropped] = this.#outbound.marksDropped;
    row[FIELD.srtpRejected] = this.#srtpRejected;
  }

  // What the inbound pipeline delivers.

  frame(bytes: Buffer, start: number, end: number, timestampMs: number): void {
    this.#framesToAgent++;
    this.#agent?.hear(bytes, start, end, timestampMs);
    const key = this.#keysHeard.audio(bytes, start, end);
    if (key !== null) this.#pressed(key, 'inband', this.#deps.nowMs());
  }

  firstPacket(nowMs: number): void {
    this.#deps.emit({ type: 'first-packet', atMs: nowMs });
  }

  key(digit: string, nowMs: number): void {
    this.#pressed(digit, 'rfc4733', nowMs);
  }

  // What the agent's link reports.

  agentReady(link: AgentLink): number {
    const nowMs = this.#deps.nowMs();
    this.agentAlive();
    const isHeard = this.#phase === 'running' || this.#early === 'agent';
    if (isHeard && this.#agent === link) this.#startAgent(link, nowMs);
    this.#reschedule();
    return nowMs;
  }

  /** The stream of `link` ended by itself; `failure` null = in order. */
  agentEnded(link: AgentLink, failure: AgentFailure | null): void {
    if (this.#agent !== link) return;
    this.#agent = null;
    this.#inbound.audio.stop();
    this.#reschedule();
    if (!link.wasReady) return;
    const atMs = this.#deps.nowMs();
    if (failure === null) this.#deps.emit({ type: 'agent-closed', atMs });
    else this.#deps.emit({ type: 'agent-lost', atMs, lastProofMs: this.#lastAgentProofMs, failure });
  }

  agentAudio(bytes: Buffer, start: number, end: number): void {
    this.#outbound.audio(bytes, start, end, this.#deps.nowMs());
    this.#reschedule();
  }

  agentMark(name: string): void {
    this.#outbound.mark(name);
  }

  agentClear(): void {
    this.#outbound.clear();
    this.#reschedule();
  }

  agentAsked(ask: AgentAsk): void {
    this.#deps.emit({ type: 'agent-asked', atMs: this.#deps.nowMs(), ask });
  }

  agentKeys(request: DtmfRequest): void {
    if (this.#phase === 'running') this.sendKeys(request, 'agent');
    else this.#agentMalformed++;
  }

  agentAlive(): void {
    this.#lastAgentProofMs = this.#deps.nowMs();
    this.#deps.row[FIELD.lastAgentProofMs] = this.#lastAgentProofMs;
  }

  agentMalformed(): void {
    this.#agentMalformed++;
  }

  agentDropped(): void {
    this.#agentFramesDropped++;
  }

  #startAgent(link: AgentLink, nowMs: number): void {
    link.start();
    this.#supervision.agentStarted(nowMs);
    this.#inbound.audio.restart();
    this.#inbound.audio.start(nowMs);
  }

  /** One event per press (dtmf/presses.ts). */
  #pressed(digit: string, kind: DtmfKind, nowMs: number): void {
    if (this.#phase !== 'running' || !this.#keysHeard.isNew(digit, kind, nowMs)) return;
    this.#agent?.key(digit);
    this.#deps.emit({ type: 'dtmf', atMs: nowMs, digit, kind });
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
    if (!this.#path.ready || this.#remote === null) return;
    const outbound = this.#outbound;
    const sent = {
      ssrc: outbound.ssrc,
      packetsSent: outbound.packetsSent,
      octetsSent: outbound.octetsSent,
      timestampSent: outbound.timestamp,
    };
    this.#path.sendRtcp(this.#rtcp.build(this.#inbound.reception, sent, this.#deps.wallMs(), nowMs, bye));
  }

  #reschedule(): void {
    this.dueMs = Math.min(this.#inbound.audio.dueMs, this.#outbound.dueMs);
  }
}

function receives(direction: MediaDirection): boolean {
  return direction === 'sendrecv' || direction === 'recvonly';
}

function sends(direction: MediaDirection): boolean {
  return direction === 'sendrecv' || direction === 'sendonly';
}
