// What the main thread sees of the data plane: a pool of media threads that hands out one MediaSession per call.
// The pool knows RTP, codecs and an agent's stream; it knows nothing of trunks, numbers or money.
//
// Order of a session's life: open -> (connectAgent | negotiate in any order) -> start -> close. `close` is idempotent and the only end.
// Events stop after `close` resolves.

import type { CallQuality } from '../domain/call.ts';
import type { AudioCodec } from '../domain/directory.ts';
import type { DtmfKind, DtmfMode, DtmfOutcome, DtmfRequest } from '../domain/dtmf.ts';
import type { Reason } from '../domain/reasons.ts';
import type { RtpParameters } from '../domain/rtp-parameters.ts';
import type { AgentAsk, AgentDial, AgentFailure, AgentNotice } from './agent-stream.ts';

export interface MediaPool {
  /** Binds an RTP/RTCP port pair and a counter row on the least loaded thread. */
  open(params: OpenMedia): Promise<OpenOutcome>;
  /**
   * The same for the leg of a browser: reads its offer, binds one UDP port for ICE, DTLS and SRTP, and answers. Never rejects; an offer
   * that cannot be used is refused before anything is bound. The browser connects once it has the answer; see `start` for how long it may take.
   */
  openWebRtc(params: OpenWebRtc): Promise<OpenWebRtcOutcome>;
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

export interface OpenWebRtc {
  readonly callId: string;
  readonly timeouts: MediaTimeouts;
  /** The browser's description as it came from the network. */
  readonly offerSdp: string;
  /** What the agent will speak: decides which of the offered codecs is taken. Another agent later is transcoded for. */
  readonly agentCodec: AudioCodec;
  readonly onEvent: (event: MediaEvent) => void;
}

export type OpenWebRtcOutcome =
  | { readonly ok: true; readonly session: WebRtcSession; readonly answerSdp: string }
  | WebRtcOfferRefused
  | {
      readonly ok: false;
      /** `webrtc_off`: this node serves no browsers (`media.webrtc: off`); `webrtc_failed`: the engine could not make a transport. */
      readonly code:
        | 'webrtc_off'
        | 'webrtc_failed'
        | 'media_ports_exhausted'
        | 'media_thread_lost'
        | 'media_bind_failed';
      readonly detail: string;
    };

/** The offer is at fault; `reason` carries the SIP verdict (488), `fault` is the stable name of what is wrong with it. */
export interface WebRtcOfferRefused {
  readonly ok: false;
  readonly code: 'offer_refused';
  readonly reason: Extract<Reason, 'bad_offer' | 'no_common_codec' | 'encryption_mismatch'>;
  readonly fault: string;
  readonly detail: string;
}

export interface MediaTimeouts {
  /** From `start`: no RTP packet at all. */
  readonly firstPacketMs: number;
  /** Between packets while the stream is active (sleeps on hold). */
  readonly silenceMs: number;
  /** How long a call may be on hold in one go; null or absent: without end. */
  readonly heldMs?: number | null;
  /** How long an attached agent may send nothing and have nothing to play, hold left out; null or absent: without end. */
  readonly agentSilentMs?: number | null;
}

/** What the carrier of this leg makes different; may be set again before `start`, when the call is tried at another carrier. */
export interface MediaPolicy {
  readonly timeouts: MediaTimeouts;
  readonly dtmf: DtmfMode;
}

export type OpenOutcome =
  | { readonly ok: true; readonly session: MediaSession }
  | { readonly ok: false; readonly code: 'media_ports_exhausted' | 'media_thread_lost' | 'media_bind_failed' };

/** `localPort` of the session is the new one. */
export type RenewOutcome = { readonly ok: true } | BindFailure | { readonly ok: false; readonly code: 'not_renewable' };

export interface BindFailure {
  readonly ok: false;
  readonly code: 'media_ports_exhausted' | 'media_thread_lost' | 'media_bind_failed';
}

/** What is heard before the answer. */
export type EarlyAudio = 'ringback' | 'agent';

export interface MediaSession {
  /** Address and even RTP port for our SDP (the external address where one is configured). */
  readonly localAddress: string;
  readonly localPort: number;
  /** Row of this call in `MediaPool.counters`. */
  readonly row: number;
  /** Dials the agent's WebSocket. Resolves once the upgrade is done, or with why not; never rejects. May be called again after an agent was lost. */
  connectAgent(dial: AgentDial): Promise<AgentConnectOutcome>;
  /**
   * Another port pair in place of the one so far, whose packets reach nobody from then on: each attempt to place a call has its own. Before `start`
   * only. Not done where it is refused: then the session is as it was. `signallingAddress`: as in OpenMedia.
   */
  renew(signallingAddress: string | null): Promise<RenewOutcome>;
  /** Installs what offer and answer agreed on; again for each re-INVITE (opens a new latching window). */
  negotiate(remote: RtpParameters): void;
  /**
   * Early media, after `negotiate` and before `start`: the other side hears the ringing tone, or hears and is heard by the agent, whose stream
   * starts. No limit of time runs before `start`. Once.
   */
  startEarly(early: EarlyAudio): void;
  /** The call is answered: audio flows and the agent's stream starts (its `start` message). */
  start(): void;
  /** Tells the agent that is attached; before `start` nothing is told. */
  notifyAgent(notice: AgentNotice): void;
  setPolicy(policy: MediaPolicy): void;
  /** Keys to the other side, by the policy's way. They wait for those asked for before, and for the end of a hold. */
  sendDtmf(request: DtmfRequest): Promise<DtmfOutcome>;
  /** A key that came by SIP INFO; told to the agent like any other, once (media.md item 6). */
  heardDtmf(key: string): void;
  /** Final counters after the socket is closed and the agent was told. */
  close(): Promise<CallQuality>;
}

/**
 * A browser's leg. `negotiate` is done by `MediaPool.openWebRtc` and by `reanswer`; nobody else calls it. After `start` ICE and DTLS have
 * a limited time to connect (`media.webrtcConnectTimeoutMs`), else `media-timeout` with the cause says so. Closing tells the browser (DTLS close_notify).
 */
export interface WebRtcSession extends MediaSession {
  /** A re-INVITE of the browser (hold, resume). On the same ICE and DTLS: a restart of either is refused and changes nothing. */
  reanswer(offerSdp: string): { readonly ok: true; readonly answerSdp: string } | WebRtcOfferRefused;
}

export type AgentConnectOutcome =
  | { readonly ok: true; readonly attachedAtMs: number; readonly connectMs: number }
  | { readonly ok: false; readonly failure: AgentFailure };

/** `atMs` is on the machine's monotonic clock (domain/clock.ts C1). */
export type MediaEvent =
  | { readonly type: 'first-packet'; readonly atMs: number }
  /** No audio for too long. `lastProofMs` = when the last accepted packet came, null if none ever did. */
  | {
      readonly type: 'media-timeout';
      readonly atMs: number;
      readonly lastProofMs: number | null;
      /** Why, where the transport of a browser's leg failed; absent = silence. */
      readonly cause?: WebRtcFailure;
      /** Which of the limits; absent where there is a cause. */
      readonly limit?: MediaLimit;
    }
  /** The first packet that is not authentic: another key, plain audio, or a stranger's. Told once. */
  | { readonly type: 'srtp-rejected'; readonly atMs: number }
  /** Browser's leg only: ICE and DTLS are done, audio can flow. */
  | { readonly type: 'webrtc-connected'; readonly atMs: number }
  /** The agent ended its stream in order: the runtime closed its socket. */
  | { readonly type: 'agent-closed'; readonly atMs: number }
  /** The agent's stream broke. `lastProofMs` = last byte or pong from it. */
  | { readonly type: 'agent-lost'; readonly atMs: number; readonly lastProofMs: number; readonly failure: AgentFailure }
  /** A key was pressed at the other side. */
  | { readonly type: 'agent-asked'; readonly atMs: number; readonly ask: AgentAsk }
  | { readonly type: 'dtmf'; readonly atMs: number; readonly digit: string; readonly kind: DtmfKind }
  /** Keys go out, or do not: who asked for them, how many, and by which way. */
  | {
      readonly type: 'dtmf-asked';
      readonly atMs: number;
      readonly by: 'agent' | 'api';
      readonly keys: number;
      readonly kind: DtmfKind;
      readonly outcome: DtmfOutcome;
    }
  /** A key that goes by SIP INFO is due now. */
  | { readonly type: 'dtmf-due'; readonly atMs: number; readonly digit: string; readonly toneMs: number }
  /** The other side put the call on hold: it does not want to hear us. */
  | { readonly type: 'held'; readonly atMs: number }
  | { readonly type: 'resumed'; readonly atMs: number; readonly heldMs: number }
  /** Audio goes one way only; once per offer and answer, and way. `to_caller`: by what its RTCP reports. */
  | { readonly type: 'one-way-audio'; readonly atMs: number; readonly missing: OneWay }
  | { readonly type: 'thread-lost'; readonly atMs: number };

/** media.md item 8. */
export type MediaLimit = 'first_packet' | 'silence' | 'held' | 'agent_silent';
export type OneWay = 'from_caller' | 'to_caller';

/**
 * `ice_timeout`, `dtls_timeout`: not connected in time, and what was awaited. `dtls_failed`: wrong certificate or a failed handshake.
 * `consent_lost`: the browser no longer answers (RFC 7675). `peer_closed`: it closed the transport and no BYE followed. `engine_lost`: the
 * worker process that carried it is gone.
 */
export type WebRtcFailure =
  | 'ice_timeout'
  | 'dtls_timeout'
  | 'dtls_failed'
  | 'consent_lost'
  | 'peer_closed'
  | 'engine_lost';

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
  /** Among packetsDropped. */
  readonly srtpRejected: number;
}

export type { MediaDirection, RtpParameters } from '../domain/rtp-parameters.ts';
