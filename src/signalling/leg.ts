// SIP legs as the call sees them. `signalling` implements these on drachtio-srf and knows neither money nor media ports.
//
// Invariants
//   L1. Every leg reports exactly one end: `cancelled`, `unconfirmed`, `rejected`, `bye` or `lost`; nothing follows it. An end that we
//       asked for with `reject` or `bye` is told by that act alone: no event comes after it.
//   L2. Acts on a leg that has ended do nothing (a BYE that crosses ours is normal).

import type { IdentityHeader } from '../domain/directory.ts';
import type { CustomHeaders } from '../domain/custom-headers.ts';
import type { Reason } from '../domain/reasons.ts';
import type { ReferEvent, ReferRequest } from './own-refer.ts';
import type { Referred } from './referral.ts';
import type { Credentials } from './digest.ts';

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

export interface InboundLeg extends AnsweredLeg {
  /** 180, or 183 where early media is to be heard; only the first call does anything. */
  ringing(how?: Ringing): void;
  /**
   * Sends 200 with this SDP: our answer, or our offer where the INVITE had none (the answer comes with `confirmed`, or came with
   * `early-answer`). Resolves when it is sent (`ok`) or why not (cancelled meanwhile).
   */
  answer(sdp: string, terms?: AnswerTerms): Promise<'sent' | 'gone'>;
  /**
   * Whether our 200 has arrived: true with its ACK, or a BYE of the caller; false when none came in time (64*T1), or the engine was lost before.
   * It is known when `bye` resolves.
   */
  readonly arrived: Promise<boolean>;
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

export interface Ringing {
  /** Our description, the same that `answer` will be given. It leaves with early media, and as our offer in a reliable response. */
  readonly sdp?: string;
  /** The caller is to hear us before the answer. */
  readonly earlyMedia?: boolean;
  /** Sent reliably (RFC 3262) where the caller can do it; without this only where it demands it. */
  readonly reliable?: boolean;
}

export interface SessionTimer {
  /** Asked for where the other side supports session timers and asks for none itself; null or absent: none. */
  readonly sessionExpiresSec?: number | null;
}

export interface AnswerTerms extends SessionTimer {
  /** For a caller that challenges requests of ours in the call; null or absent: there are none. */
  readonly credentials?: Credentials | null;
}

/** What either side's leg does once it is answered. */
export interface AnsweredLeg {
  /**
   * Offers this description in a re-INVITE. Glare and overload are waited for and tried again, 4 times at most. A side that no longer knows the
   * call ends it (`bye` with `peerLost`); any other refusal leaves the session as it was.
   */
  modify(offer: string): Promise<ModifyOutcome>;
  /**
   * Asks whether the other side still has this call (OPTIONS). Where it does not, or cannot be reached for the second time in a row, the leg ends as
   * with `modify`.
   */
  probe(): Promise<'alive' | 'lost'>;
  /** A key in an INFO. Resolves with the final status: 408 where no answer came, 481 where the call is not answered or over. */
  sendKey(key: string, toneMs: number): Promise<number>;
  /** Asks the other side to call somebody else in our place. False: not answered, over, or another transfer is under way. */
  refer(request: ReferRequest, onEvent: (event: ReferEvent) => void): boolean;
  /** Headers for our BYE, of names that begin with X-. */
  setByeHeaders(headers: CustomHeaders): void;
  /** null: there is no dialog, or none any more. */
  readonly dialog: LegDialog | null;
  /** The same, also once it is over. */
  readonly lastDialog: LegDialog | null;
}

/** The dialog of an answered leg, for Replaces and Refer-To. */
export interface LegDialog {
  readonly callId: string;
  readonly localTag: string;
  readonly remoteTag: string;
  /** The other side's Contact. */
  readonly remoteTarget: string;
  /** Host of our own Contact, with its port. */
  readonly localHost: string;
}

export type ModifyOutcome =
  /** null: the 200 had no description. */
  | { readonly ok: true; readonly answer: string | null }
  /** 481: the call is over, or not answered yet. */
  | { readonly ok: false; readonly status: number };

export type InboundEvent =
  | { readonly type: 'cancelled'; readonly reasonHeader?: string | null }
  /** The ACK. `answer`: the description in it, to our offer in the 200. */
  | { readonly type: 'confirmed'; readonly answer?: string }
  /** The PRACK of a reliable response that had our offer; null: without the answer that belongs there. */
  | { readonly type: 'early-answer'; readonly sdp: string | null }
  /** No ACK came for our 200: an end, the engine has sent the BYE. */
  | { readonly type: 'unconfirmed' }
  | KeyPressed
  | Referred
  | Reoffer
  | Refreshed
  | LegBye
  | { readonly type: 'lost' };

/** A key in an INFO of the other side (info.ts), answered already. */
export interface KeyPressed {
  readonly type: 'key';
  readonly key: string;
}

/**
 * re-INVITE or UPDATE with a new SDP. Exactly one of accept/refuse must be called, within 5 s. A refresh without SDP (UPDATE), or with the
 * SDP of the last accepted offer, is answered below with our last description and not told.
 */
export interface Reoffer {
  readonly type: 'reoffer';
  /** What it came over, and our answer goes back over: `udp`, `tcp`, `tls`; absent = not known. */
  readonly protocol?: string;
  /** null: a re-INVITE that asks for our offer (RFC 3261 section 14.2); `accept` gets that, and then the answer, null where the ACK had none. */
  readonly offer: string | null;
  accept(sdp: string, answered?: (answer: string | null) => void): void;
  refuse(status: number): void;
}

/** A session refresh of ours repeated our last description, and this is the answer: mostly the one of before, but it need not be (RFC 3264 section 8). */
export interface Refreshed {
  readonly type: 'refreshed';
  readonly offer: string;
  readonly answer: string;
}

/** The answered call is over: a BYE of the other side, or of the engine in its place. */
export interface LegBye {
  readonly type: 'bye';
  readonly reasonHeader: string | null;
  /** No session refresh came in time (RFC 4028), the engine has sent the BYE. */
  readonly sessionExpired?: true;
  /** The connection it lived on is gone and can be made by the other side only: a browser. Nothing could be sent there. */
  readonly connectionLost?: true;
  /** It did not answer a request of ours, or no longer knew the call; we have sent the BYE. `lastProofMs`: it was heard of then; null: now. */
  readonly peerLost?: { readonly lastProofMs: number | null };
}

export interface OriginateParams extends SessionTimer {
  /** Request-URI, e.g. `sip:+1…@127.0.0.1:5070;transport=udp`. */
  readonly uri: string;
  /** Where it is sent instead of to the Request-URI; null or absent = there. */
  readonly nextHop?: string | null;
  /** In From. */
  readonly callerUser: string;
  /** In the identity header; absent = as in From, null = there is none. */
  readonly assertedUser?: string | null;
  /** In From and in the identity header; null or absent = our address. */
  readonly fromHost?: string | null;
  /** Absent: P-Asserted-Identity. */
  readonly identityHeader?: IdentityHeader;
  /** From is anonymous, and the carrier is asked to show the number to nobody. */
  readonly privacy?: boolean;
  /** User part of a Diversion header; null or absent = none. */
  readonly diversion?: string | null;
  /** `;user=phone` where the user is a number. */
  readonly userPhone?: boolean;
  readonly callerDisplay: string | null;
  readonly offer: string;
  readonly headers: Readonly<Record<string, string>>;
  /** With a `realm`: they are given to no other one. */
  readonly credentials: Credentials | null;
  /** The INVITE is on its way; told again when it is sent with credentials, under the same Call-ID. */
  readonly sent?: (sipCallId: string) => void;
}

export interface OutboundLeg extends AnsweredLeg {
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
      /** The peer wants to be left alone for so long; null or absent: it does not say. */
      readonly retryAfterMs?: number | null;
      readonly targets?: readonly string[];
      readonly reasonHeader?: string | null;
    }
  | ForkAnswered
  | KeyPressed
  | Referred
  | Reoffer
  | Refreshed
  | LegBye
  | { readonly type: 'lost' };
