// What main side and media thread say to one another: plain data over a MessagePort. None of it is per packet.
// `session` is a number that the pool gives out and never uses twice.

import type { CallQuality } from '../../domain/call.ts';
import type { DtmfOutcome, DtmfRequest } from '../../domain/dtmf.ts';
import type { AgentDial, AgentNotice } from '../agent-stream.ts';
import type { CounterMemory } from '../counters.ts';
import type { WebRtcLocal, WebRtcRemote } from '../../domain/webrtc-parameters.ts';
import type {
  AgentConnectOutcome,
  EarlyAudio,
  MediaEvent,
  MediaPolicy,
  MediaTimeouts,
  RtpParameters,
} from '../session.ts';
import type { WebRtcEngineChoice } from '../webrtc/choose.ts';

/** workerData of a media thread. */
export interface MediaThreadConfig {
  /** Its slot in the counters. */
  readonly index: number;
  /** Literal IP address on which RTP sockets are bound. */
  readonly host: string;
  readonly counters: CounterMemory;
  readonly webRtc: WebRtcThreadConfig;
  /** Null = randomness of the operating system. */
  readonly seed: number | null;
  /** For the entry module, which joins the data plane with the agents' dialects; nobody in this room looks at it. */
  readonly entryData: unknown;
}

/** How the legs of browsers are carried. */
export interface WebRtcThreadConfig {
  readonly choice: WebRtcEngineChoice;
  /** Written into candidates instead of `host`. */
  readonly externalAddress: string | null;
  /** From `start`: how long ICE and DTLS may take. */
  readonly connectTimeoutMs: number;
}

export type MediaCommand =
  | {
      readonly type: 'open';
      readonly session: number;
      readonly callId: string;
      readonly row: number;
      readonly port: number;
      readonly natAllowed: boolean;
      readonly signallingAddress: string | null;
      readonly timeouts: MediaTimeouts;
    }
  | {
      readonly type: 'open-browser';
      readonly session: number;
      readonly callId: string;
      readonly row: number;
      readonly port: number;
      readonly remote: WebRtcRemote;
      readonly parameters: RtpParameters;
      readonly timeouts: MediaTimeouts;
    }
  | { readonly type: 'connect-agent'; readonly session: number; readonly request: number; readonly dial: AgentDial }
  | { readonly type: 'negotiate'; readonly session: number; readonly remote: RtpParameters }
  /** Another port pair in place of the one so far. */
  | {
      readonly type: 'renew';
      readonly session: number;
      readonly port: number;
      readonly signallingAddress: string | null;
    }
  | { readonly type: 'start-early'; readonly session: number; readonly early: EarlyAudio }
  | { readonly type: 'start'; readonly session: number }
  | { readonly type: 'notify-agent'; readonly session: number; readonly notice: AgentNotice }
  | { readonly type: 'policy'; readonly session: number; readonly policy: MediaPolicy }
  | { readonly type: 'send-dtmf'; readonly session: number; readonly request: number; readonly keys: DtmfRequest }
  | { readonly type: 'heard-dtmf'; readonly session: number; readonly key: string }
  | { readonly type: 'close'; readonly session: number }
  | { readonly type: 'stop' };

export type MediaReport =
  /** The thread listens. */
  | { readonly type: 'running' }
  | {
      readonly type: 'opened';
      readonly session: number;
      readonly bound: BindResult;
      /** A browser's leg: our side of its transport, or why there is none. */
      readonly local?: WebRtcLocal;
      readonly detail?: string;
    }
  /** `port`: the one that was asked for. Where it is bound, the one before drains. */
  | { readonly type: 'renewed'; readonly session: number; readonly port: number; readonly bound: BindResult }
  | {
      readonly type: 'agent-connected';
      readonly session: number;
      readonly request: number;
      readonly outcome: AgentConnectOutcome;
    }
  | {
      readonly type: 'dtmf-asked';
      readonly session: number;
      readonly request: number;
      readonly outcome: DtmfOutcome;
    }
  | { readonly type: 'event'; readonly session: number; readonly event: MediaEvent }
  | { readonly type: 'closed'; readonly session: number; readonly quality: CallQuality }
  /** Stale packets to this pair have stopped; it may be used again. */
  | { readonly type: 'port-free'; readonly port: number };

/** `in-use`: another program has the port, try the next; `failed`: the address itself cannot be bound. */
export type BindResult = 'ok' | 'in-use' | 'failed';
