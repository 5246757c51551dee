// What the main thread sees of the data plane: a pool of media threads that hands out one MediaSession per call.
// The pool knows RTP, codecs and an agent's stream; it knows nothing of trunks, numbers or money.
//
// Order of a session's life: open -> (connectAgent | negotiate in any order) -> start -> close. `close` is idempotent and the only end.
// Events stop after `close` resolves.

import type { CallQuality } from '../domain/call.ts';
import type { RtpParameters } from '../domain/rtp-parameters.ts';
import type { AgentDial, AgentFailure, AgentNotice } from './agent-stream.ts';

export interface MediaPool {
  /** Binds an RTP/RTCP port pair and a counter row on the least loaded thread. */
  open(params: OpenMedia): Promise<OpenOutcome>;
  /** The counters of every open call, read without a message (for the meter's sweep). */
  readonly counters: CallCounters;
  close(): Promise<void>;
}

export interface OpenMedia {
  readonly callId: string;
  readonly timeouts: MediaTimeouts;
  /** Accept RTP from sources other than the SDP's and the signalling address (media.md item 2). */
  readonly natAllowed: boolean;
  /** Where the SIP messages of this leg come from; RTP from it may be latched on to. */
  readonly signallingAddress: string | null;
  readonly onEvent: (event: MediaEvent) => void;
}

export interface MediaTimeouts {
  /** From `start`: no RTP packet at all. */
  readonly firstPacketMs: number;
  /** Between packets while the stream is active (sleeps on hold). */
  readonly silenceMs: number;
}

export type OpenOutcome =
  | { readonly ok: true; readonly session: MediaSession }
  | { readonly ok: false; readonly code: 'media_ports_exhausted' | 'media_thread_lost' | 'media_bind_failed' };

export interface MediaSession {
  /** Address and even RTP port for our SDP (the external address where one is configured). */
  readonly localAddress: string;
  readonly localPort: number;
  /** Row of this call in `MediaPool.counters`. */
  readonly row: number;
  /** Dials the agent's WebSocket. Resolves once the upgrade is done, or with why not; never rejects. May be called again after an agent was lost. */
  connectAgent(dial: AgentDial): Promise<AgentConnectOutcome>;
  /** Installs what offer and answer agreed on; again for each re-INVITE (opens a new latching window). */
  negotiate(remote: RtpParameters): void;
  /** The call is answered: audio flows and the agent's stream starts (its `start` message). */
  start(): void;
  /** Tells the agent that is attached; before `start` nothing is told. */
  notifyAgent(notice: AgentNotice): void;
  /** Final counters after the socket is closed and the agent was told. */
  close(): Promise<CallQuality>;
}

export type AgentConnectOutcome =
  | { readonly ok: true; readonly attachedAtMs: number; readonly connectMs: number }
  | { readonly ok: false; readonly failure: AgentFailure };

/** `atMs` is on the machine's monotonic clock (domain/clock.ts C1). */
export type MediaEvent =
  | { readonly type: 'first-packet'; readonly atMs: number }
  /** No audio for too long. `lastProofMs` = when the last accepted packet came, null if none ever did. */
  | { readonly type: 'media-timeout'; readonly atMs: number; readonly lastProofMs: number | null }
  /** The agent ended its stream in order: the runtime closed its socket. */
  | { readonly type: 'agent-closed'; readonly atMs: number }
  /** The agent's stream broke. `lastProofMs` = last byte or pong from it. */
  | { readonly type: 'agent-lost'; readonly atMs: number; readonly lastProofMs: number; readonly failure: AgentFailure }
  | { readonly type: 'dtmf'; readonly atMs: number; readonly digit: string }
  | { readonly type: 'thread-lost'; readonly atMs: number };

/** Typed arrays over one SharedArrayBuffer. Rows survive the death of a media thread. */
export interface CallCounters {
  /** Evidence of service of a row, for the meter: monotonic ms of the last accepted RTP packet / last sign of life from the agent, 0 = never. Accuracy: one media tick (<= 20 ms). */
  lastRtpMs(row: number): number;
  lastAgentProofMs(row: number): number;
  /** Sums over all calls since start, for metrics. */
  totals(): MediaTotals;
}

export interface MediaTotals {
  readonly packetsReceived: number;
  readonly packetsSent: number;
  readonly packetsLost: number;
  readonly packetsDropped: number;
  readonly malformed: number;
  readonly agentFramesDropped: number;
}

export type { MediaDirection, RtpParameters } from '../domain/rtp-parameters.ts';
