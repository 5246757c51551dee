// SIP legs as the call sees them. `signalling` implements these on drachtio-srf and knows neither money nor media ports.
//
// Invariants
//   L1. Every leg reports exactly one end: `cancelled`, `unconfirmed`, `rejected`, `bye` or `lost`; nothing follows it. An end that we
//       asked for with `reject` or `bye` is told by that act alone: no event comes after it.
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
  /** While draining, OPTIONS from outside is answered 503 with Retry-After; INVITEs still come, to be refused with their reason. */
  setDraining(draining: boolean): void;
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
  /** User part of the Request-URI without its parameters, %-escapes decoded: mostly digits. */
  readonly calledUser: string;
  readonly callerUser: string;
  readonly callerDisplay: string | null;
  /** A browser's: it came over a WebSocket, where nobody is known by an address. */
  readonly fromBrowser: boolean;
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
  /** 401 with these challenges: the INVITE is to come again with credentials. The leg is over, no event comes. */
  challenge(challenges: readonly string[]): void;
  /**
   * BYE with Reason. Resolves when answered or given up, 33 s at most: a caller's BYE waits for the ACK (RFC 3261 section 15). Before the answer it
   * is a refusal.
   */
  bye(reason: Reason): Promise<void>;
}

export type InboundEvent =
  | { readonly type: 'cancelled' }
  | { readonly type: 'confirmed' }
  /** No ACK came for our 200: an end, the engine has sent the BYE. */
  | { readonly type: 'unconfirmed' }
  | Reoffer
  | LegBye
  | { readonly type: 'lost' };

/**
 * re-INVITE or UPDATE with a new SDP. Exactly one of accept/refuse must be called, within 5 s. A refresh without SDP, or with the
 * SDP of the last accepted offer, is answered below with our last description and not told.
 */
export interface Reoffer {
  readonly type: 'reoffer';
  readonly offer: string;
  accept(answerSdp: string): void;
  refuse(status: number): void;
}

/** The answered call is over: a BYE of the other side, or of the engine in its place. */
export interface LegBye {
  readonly type: 'bye';
  readonly reasonHeader: string | null;
  /** No session refresh came in time (RFC 4028), the engine has sent the BYE. */
  readonly sessionExpired?: true;
  /** The connection it lived on is gone and can be made by the other side only: a browser. Nothing could be sent there. */
  readonly connectionLost?: true;
}

export interface OriginateParams {
  /** Request-URI, e.g. `sip:+1…@127.0.0.1:5070;transport=udp`. */
  readonly uri: string;
  /** Where it is sent instead of to the Request-URI; null or absent = there. */
  readonly nextHop?: string | null;
  /** In From. */
  readonly callerUser: string;
  /** In P-Asserted-Identity; absent = as in From, null = there is none. */
  readonly assertedUser?: string | null;
  readonly callerDisplay: string | null;
  readonly offer: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly credentials: { readonly username: string; readonly password: string } | null;
  /** The INVITE is on its way; told again when it is sent with credentials, under the same Call-ID. */
  readonly sent?: (sipCallId: string) => void;
}

export interface OutboundLeg {
  /** CANCEL; if the 200 crosses it, the leg sends ACK and BYE itself and reports `rejected` with 487. After the answer it is a BYE. */
  cancel(reason: Reason): void;
  /** Before the answer it is `cancel`, and resolves at once. */
  bye(reason: Reason): Promise<void>;
}

/**
 * After `answered`: somebody else whom a proxy had rung with the same INVITE answered as well (RFC 3261 section 13.2.2.4) and was hung up on at
 * once. The call itself goes on. Told by the embedded engine only; drachtio-server neither tells nor hangs up (docs/engines.md).
 */
export interface ForkAnswered {
  readonly type: 'fork-answered';
}

export type OutboundEvent =
  | { readonly type: 'progress'; readonly status: number; readonly sdp: string | null }
  | { readonly type: 'answered'; readonly sdp: string }
  /**
   * Final non-2xx; 408 = no answer at all, 503 = transport failure. A 3xx is not followed: `targets` are the user parts of its contacts, the
   * best first.
   */
  | {
      readonly type: 'rejected';
      readonly status: number;
      readonly reason: string;
      readonly targets?: readonly string[];
    }
  | ForkAnswered
  | Reoffer
  | LegBye
  | { readonly type: 'lost' };
