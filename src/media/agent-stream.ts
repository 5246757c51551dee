// The seam between a call's audio and the protocol its agent speaks. Both sides live in the media thread; the dialects are in
// `src/agents` and are handed in by the thread's composition root (`src/media-thread.ts`), so media knows no dialect.
//
// Hot path: `audio` on either side is called once per 20 ms frame and call; nobody may keep the buffers passed in.

import type { AudioCodec } from '../domain/directory.ts';
import type { DtmfRequest } from '../domain/dtmf.ts';

/** How to reach one agent: prepared on the main thread (signature included), plain data that crosses to the media thread. */
export interface AgentDial {
  readonly protocol: string;
  /** ws: or wss: URL exactly as configured. */
  readonly url: string;
  /** Upgrade headers, authentication already computed. */
  readonly headers: Readonly<Record<string, string>>;
  /** What the agent wants to hear and sends. */
  readonly codec: AudioCodec;
  readonly readyTimeoutMs: number;
  /** Ids and parameters for the dialect's opening message. */
  readonly callId: string;
  readonly accountId: string;
  readonly customParameters: Readonly<Record<string, string>>;
  /** Notices go to the agent in events that its dialect does not know by itself; others would have to ignore them. */
  readonly extensionEvents: boolean;
}

/** What an agent may be told of its call beside the audio. A warning may come again, with another end; the last one counts. */
export type AgentNotice =
  /** The money for the call ends in `remainingMs` unless more comes. */
  | { readonly type: 'balance_low'; readonly remainingMs: number }
  /** The call will have lasted as long as a call may in `remainingMs`. */
  | { readonly type: 'max_duration'; readonly remainingMs: number }
  /** The other side put the call on hold; nothing that the agent says reaches it until `resume`. */
  | { readonly type: 'hold' }
  | { readonly type: 'resume'; readonly heldMs: number }
  /** Only where the stream started with early media: what was heard before came from the network, now somebody has answered. */
  | { readonly type: 'answered' }
  /**
   * What becomes of a transfer. `refused`: it was not tried, `code` says why; `failed`: the carrier did not take it, or did not reach the target
   * (`status` of SIP, null = it did not say); `timed_out`: no result came. After `done` the call ends.
   */
  | {
      readonly type: 'transfer';
      readonly state: 'accepted' | 'done' | 'refused' | 'failed' | 'timed_out';
      readonly status: number | null;
      readonly code?: string;
    };

/** What an agent may ask for beside the audio. */
export type AgentAsk =
  | {
      readonly type: 'transfer';
      /** A number, or `sip:user@host`. */
      readonly to: string;
      /** X- headers for the REFER; unchecked. */
      readonly headers: unknown;
    }
  /** The end of the call, as by closing the stream. */
  | {
      readonly type: 'hangup';
      /** X- headers for the BYE; unchecked. */
      readonly headers: unknown;
    };

/** Why an agent is not there. Codes are stable and appear in the timeline. */
export interface AgentFailure {
  readonly code:
    | 'agent_refused'
    | 'agent_connect_timeout'
    | 'agent_dns_failed'
    | 'agent_tls_failed'
    | 'agent_handshake_rejected'
    | 'agent_url_invalid'
    | 'agent_protocol_unsupported'
    | 'agent_protocol_error'
    | 'agent_broken'
    | 'agent_timeout'
    | 'agent_slow';
  readonly detail: string;
}

export type AgentStreamFactory = (dial: AgentDial, host: AgentStreamHost) => AgentStream;

/** What media offers to a dialect. All calls are synchronous and in the order of the wire. */
export interface AgentStreamHost {
  /** The upgrade is done. Called at most once. */
  ready(): void;
  /** The one end of a stream; null = the runtime closed it in order. Called exactly once unless `close()` came first. */
  ended(failure: AgentFailure | null): void;
  /** Audio to play, in the dial's codec, any length: bytes[start, end) are valid only during the call. */
  audio(bytes: Buffer, start: number, end: number): void;
  /** Answer `markPlayed(name)` when everything queued before has been played (or cleared). */
  mark(name: string): void;
  /** Drops queued audio; pending marks are answered at once, in order. */
  clear(): void;
  /** Keys to the other side. */
  sendDtmf(request: DtmfRequest): void;
  /** Something for the call to decide; bounded by the dialect. */
  ask(ask: AgentAsk): void;
  /** Any byte or pong from the runtime (proof of life). */
  alive(): void;
  /** A message the dialect could not use; counted. */
  malformed(): void;
  /** A frame toward the agent had to be dropped because it reads too slowly; counted. */
  dropped(): void;
}

/** What a dialect offers to media. */
export interface AgentStream {
  /** The call is answered: send the opening messages. Before it no audio is passed. */
  start(): void;
  /** 20 ms of caller audio in the dial's codec: bytes[start, end), `timestampMs` of media time since `start`. */
  audio(bytes: Buffer, start: number, end: number, timestampMs: number): void;
  dtmf(digit: string): void;
  markPlayed(name: string): void;
  notify(notice: AgentNotice): void;
  /** Called every second by the thread's clock: pings, dead-peer check, ready timeout. */
  tick(nowMs: number): void;
  /** Tells the runtime that the call is over and closes the socket; no callback follows. */
  close(): void;
}
