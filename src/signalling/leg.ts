// SIP legs as the call sees them. `signalling` implements these on drachtio-srf and knows neither money nor media ports.
//
// Invariants
//   L1. Every leg reports exactly one end: `cancelled`, `rejected`, `bye` or `lost`; nothing follows it.
//   L2. Acts on a leg that has ended do nothing (a BYE that crosses ours is normal).

import type { Reason } from '../domain/reasons.ts';

export interface Signalling {
  /** The one receiver of new calls. */
  onInvite(handler: (invite: InboundInvite) => void): void;
  originate(params: OriginateParams, onEvent: (event: OutboundEvent) => void): OutboundLeg;
  /** The SIP engine is connected and listening. */
  readonly connected: boolean;
  /** Where the engine listens: `udp/127.0.0.1:5060`, … */
  readonly addresses: readonly string[];
  close(): Promise<void>;
}

export interface SignallingSource {
  readonly address: string;
  readonly port: number;
  readonly protocol: string;
}

export interface InboundInvite {
  readonly source: SignallingSource;
  readonly sipCallId: string;
  readonly requestUri: string;
  /** User part of the Request-URI, undecoded display digits. */
  readonly calledUser: string;
  readonly callerUser: string;
  readonly callerDisplay: string | null;
  /** SDP offer; null for a late offer. */
  readonly offer: string | null;
  /** All headers, lower-case names, for custom parameters. */
  readonly headers: Readonly<Record<string, string>>;
  /** Takes the call; from here its events arrive. Must be called synchronously, before anything else is done with the leg. */
  accept(onEvent: (event: InboundEvent) => void): InboundLeg;
}

export interface InboundLeg {
  ringing(): void;
  /** Sends 200 with this SDP. Resolves when it is sent (`ok`) or why not (cancelled meanwhile). */
  answer(sdp: string): Promise<'sent' | 'gone'>;
  /** Final refusal: status and Reason header come from the reason's verdict. */
  reject(reason: Reason): void;
  /** BYE with Reason. Resolves when answered or given up (bounded by the transaction timeout). */
  bye(reason: Reason): Promise<void>;
}

export type InboundEvent =
  | { readonly type: 'cancelled' }
  | { readonly type: 'confirmed' }
  | { readonly type: 'unconfirmed' }
  | Reoffer
  | { readonly type: 'bye'; readonly reasonHeader: string | null }
  | { readonly type: 'lost' };

/** re-INVITE or UPDATE with SDP. Exactly one of accept/refuse must be called. A body-less refresh is answered below and only told as `refreshed`. */
export interface Reoffer {
  readonly type: 'reoffer';
  readonly offer: string;
  accept(answerSdp: string): void;
  refuse(status: number): void;
}

export interface OriginateParams {
  /** Request-URI and next hop, e.g. `sip:+1…@127.0.0.1:5070;transport=udp`. */
  readonly uri: string;
  readonly callerUser: string;
  readonly callerDisplay: string | null;
  readonly offer: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly credentials: { readonly username: string; readonly password: string } | null;
}

export interface OutboundLeg {
  /** CANCEL; if the 200 crosses it, the leg sends ACK and BYE itself and reports `rejected` with 487. */
  cancel(reason: Reason): void;
  bye(reason: Reason): Promise<void>;
}

export type OutboundEvent =
  | { readonly type: 'progress'; readonly status: number; readonly sdp: string | null }
  | { readonly type: 'answered'; readonly sdp: string }
  /** Final non-2xx; 408 = no answer at all, 503 = transport failure. */
  | { readonly type: 'rejected'; readonly status: number; readonly reason: string }
  | Reoffer
  | { readonly type: 'bye'; readonly reasonHeader: string | null }
  | { readonly type: 'lost' };
