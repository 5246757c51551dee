// What is watched over in a call that runs: is there audio, does it go both ways, does the agent speak, is the call on hold. It tells; whether
// the call ends is decided by who is told.
//
//   state     both may send       the other side does not want to hear us      told
//   free      -                   -> held                                      `held`, the agent: hold
//   held      -> free             -                                            `resumed`, the agent: resume
//
// Invariants
//   V1. Nothing is told before `start`: an agent that waits for the answer is not silent, and a caller that rings is not on hold.
//   V2. Nothing that we send moves a limit (media.md item 8).

import { canSend } from '../../domain/rtp-parameters.ts';
import type { AgentNotice } from '../agent-stream.ts';
import { OneWayWatch } from '../one-way.ts';
import type { MediaDirection, MediaEvent, MediaTimeouts } from '../session.ts';
import { Watchdog } from '../watchdog.ts';
import { AgentSilence } from './agent-silence.ts';

export interface SupervisionHost {
  readonly emit: (event: MediaEvent) => void;
  readonly tellAgent: (notice: AgentNotice) => void;
}

/** How the call's audio stands. */
export interface Line {
  readonly direction: MediaDirection;
  /** Packets can leave. */
  readonly isReady: boolean;
  readonly packetsSent: number;
}

export interface Figures {
  /** 0 = none yet. */
  readonly lastRtpMs: number;
  readonly packetsSent: number;
  readonly framesFromAgent: number;
  readonly unheardReports: number;
  readonly isAgentAttached: boolean;
}

export class Supervision {
  readonly #host: SupervisionHost;
  readonly #watchdog: Watchdog;
  readonly #oneWay = new OneWayWatch();
  readonly #agentSilence: AgentSilence;
  #started = false;
  #heldSinceMs: number | null = null;

  constructor(timeouts: MediaTimeouts, host: SupervisionHost) {
    this.#host = host;
    this.#watchdog = new Watchdog(timeouts);
    this.#agentSilence = new AgentSilence(timeouts);
  }

  get isHeld(): boolean {
    return this.#heldSinceMs !== null;
  }

  setTimeouts(timeouts: MediaTimeouts): void {
    this.#watchdog.setTimeouts(timeouts);
    this.#agentSilence.setTimeouts(timeouts);
  }

  start(line: Line, nowMs: number): void {
    this.#started = true;
    this.#watchdog.start(nowMs);
    this.#agentSilence.begin(nowMs);
    this.#look(line, nowMs);
  }

  /** After each offer and answer. */
  negotiated(line: Line, nowMs: number): void {
    this.#watchdog.negotiated(line.direction === 'sendrecv', nowMs);
    if (this.#started) this.#look(line, nowMs);
  }

  /** Packets can leave now. */
  ready(line: Line, nowMs: number): void {
    if (this.#started) this.#look(line, nowMs);
  }

  agentStarted(nowMs: number): void {
    if (this.isHeld) this.#host.tellAgent({ type: 'hold' });
    this.#agentSilence.begin(nowMs);
  }

  /** Ten times a second. */
  tick({ lastRtpMs, packetsSent, framesFromAgent, unheardReports, isAgentAttached }: Figures, nowMs: number): void {
    if (!this.#started) return;
    const { emit } = this.#host;
    const agent = { framesFromAgent, isAttached: isAgentAttached, isHeld: this.isHeld };
    const isSilent = this.#agentSilence.look(agent, nowMs);
    const limit = this.#watchdog.expired(lastRtpMs, nowMs) ?? (isSilent ? 'agent_silent' : null);
    const lastProofMs = lastRtpMs === 0 ? null : lastRtpMs;
    if (limit !== null) emit({ type: 'media-timeout', atMs: nowMs, lastProofMs, limit });
    const missing = this.#oneWay.look({ lastPacketMs: lastRtpMs, packetsSent, unheardReports }, nowMs);
    if (missing !== null) emit({ type: 'one-way-audio', atMs: nowMs, missing });
  }

  #look({ direction, isReady, packetsSent }: Line, nowMs: number): void {
    if (direction === 'sendrecv' && isReady) this.#oneWay.begin(nowMs, packetsSent);
    else this.#oneWay.end();
    const wantsUs = canSend(direction);
    const since = this.#heldSinceMs;
    if (!wantsUs && since === null) {
      this.#heldSinceMs = nowMs;
      this.#host.tellAgent({ type: 'hold' });
      this.#host.emit({ type: 'held', atMs: nowMs });
    }
    if (wantsUs && since !== null) {
      this.#heldSinceMs = null;
      this.#agentSilence.begin(nowMs);
      this.#host.tellAgent({ type: 'resume', heldMs: nowMs - since });
      this.#host.emit({ type: 'resumed', atMs: nowMs, heldMs: nowMs - since });
    }
  }
}
