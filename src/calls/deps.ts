// What a call needs from the rooms below, handed in by the composition root (or by a test, with fakes and a fake clock).

import type { CallClass, CallDirection, CallRecord } from '../domain/call.ts';
import type { AgentDialOutcome, DialParams } from '../agents/dial.ts';
import type { Clock } from '../domain/clock.ts';
import type { Agent, Gateway, SipTransport, Trunk } from '../domain/directory.ts';
import type { E164 } from '../domain/e164.ts';
import type { Ids, RandomBytes } from '../domain/ids.ts';
import type { Reason } from '../domain/reasons.ts';
import type { Directory } from '../directory/directory.ts';
import type { MediaPool, MediaTimeouts, OneWay } from '../media/session.ts';
import type { Meter } from '../metering/meter.ts';
import type { GatewayState } from '../routing/index.ts';
import type { DigestGuard, DigestServer } from '../signalling/index.ts';
import type { Signalling } from '../signalling/leg.ts';
import type { InboundRouter } from './inbound-router.ts';
import type { TestCalls } from './test-calls.ts';
import type { CallPlaces } from './trunk-limits.ts';

export interface CallDeps {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly directory: Directory;
  readonly media: MediaPool;
  readonly meter: Meter;
  readonly signalling: Signalling;
  readonly routeInbound: InboundRouter;
  /** For trunks whose carrier gives credentials. */
  readonly digest: Pick<DigestServer, 'judge' | 'challenges'>;
  readonly digestGuard: Pick<DigestGuard, 'isBlocked' | 'failed' | 'proved'>;
  /** Test calls that browsers may make. */
  readonly testCalls: Pick<TestCalls, 'judge'>;
  readonly gateways: CarrierGateways;
  /** What an earlier process of this node did; absent: nothing is known of it. */
  readonly earlier?: { readonly nodeId: string; hasIntent(callId: string): Promise<boolean> };
  /** Of trunks and numbers with limits; default: kept in this process. */
  readonly places?: CallPlaces;
  /** Whether a call of this class to this number has a price now. */
  readonly hasRate: (callClass: CallClass, to: E164) => boolean;
  /** Whether a call of this class to `to` has no higher price than one to `than`; absent: that is not known of any. */
  readonly costsNoMore?: (callClass: CallClass, to: E164, than: E164) => boolean;
  /** Prepares the agent's dial (URL checked, upgrade signed). */
  readonly agentDial: (agent: Agent, call: DialParams) => AgentDialOutcome;
  /** Uniform in [0, 1): weights among gateways. */
  readonly random: () => number;
  /** For the keys of encrypted audio. */
  readonly randomBytes: RandomBytes;
  readonly limits: CallLimits;
  readonly observer: CallObserver;
  readonly events: CallEvents;
  readonly log: CallLog;
}

/** What is known of the gateways that calls leave through (signalling's TrunkHealth and GatewayHosts). */
export interface CarrierGateways {
  stateOf(trunk: Trunk, gateway: Gateway): GatewayState;
  /** Of the gateway, in the order in which they are tried; none where its host leads nowhere, or where calls must not go. */
  servers(trunk: Trunk, gateway: Gateway): Promise<readonly CarrierServer[]>;
  /**
   * Whether a server that has said nothing for as long as the trunk bears it is dead, by asking it. Absent: the SIP engine gives such servers up by
   * itself (it hears the 100 that it tells nobody of).
   */
  isDead?(trunk: Trunk, gateway: Gateway, server: CarrierServer): Promise<boolean>;
  /** What an INVITE was answered first, or last. `retryAfterMs`: how long the server wants to be left alone. */
  report(
    trunk: Trunk,
    gateway: Gateway,
    server: CarrierServer,
    answer: { readonly status: number | null; readonly retryAfterMs: number | null },
  ): void;
}

/** One place that an INVITE can be sent to. */
export interface CarrierServer {
  /** null = where the Request-URI leads. */
  readonly nextHop: string | null;
  /** As it is shown: `udp 192.0.2.1:5060`. */
  readonly shown: string;
  readonly transport: SipTransport;
  /** IP literal: whoever answers from there may send media from there. */
  readonly address: string;
  /** How long it still wants to be left alone; 0 = it takes calls. */
  readonly restMs: number;
}

export interface CallLimits {
  readonly ringTimeoutMs: number;
  readonly maxDurationMs: number;
  readonly concurrentMax: number;
  /** Prefixes of special ranges that may be called (routing/special-ranges.ts); default: none. */
  readonly openRanges?: readonly string[];
  readonly media: MediaTimeouts;
  /** How often a side that holds the call is asked whether it is still there; default 30 s. */
  readonly holdProbeMs?: number;
}

/** Told once per fact, for metrics and live views; must not throw. */
export interface CallObserver {
  started(direction: CallDirection): void;
  /** What was started was no call yet: an INVITE that is to come again with credentials. */
  withdrawn(direction: CallDirection): void;
  /** Outbound: first ringing, `delayMs` after the INVITE was asked for. Inbound: when we start to ring. */
  ringing(direction: CallDirection, delayMs: number): void;
  answered(callId: string, direction: CallDirection, setupMs: number): void;
  agentConnected(protocol: string, connectMs: number): void;
  /** Audio of a call goes one way only; `missing` is the other. */
  oneWayAudio?(missing: OneWay): void;
  /** Something of the call is other than before: told often, so only the call is handed over and not what it is now. */
  changed?(call: LiveCall): void;
  /** SIP messages with this Call-ID are of this call. Not told of strangers' calls. `startedMs` on the monotonic clock. */
  leg?(call: { readonly id: string; readonly startedMs: number }, sipCallId: string): void;
  /** `talkMs` = answer to end, null if never answered. */
  ended(call: CallRecord, reason: Reason, talkMs: number | null): void;
}

/** What a call is, without how it came to be so. */
export type CallSnapshot = Omit<CallRecord, 'timeline' | 'quality'>;

export interface LiveCall {
  readonly id: string;
  /** As it is now, the bill up to now included. */
  snapshot(): CallSnapshot;
}

/** Facts that others outside the node rely on (customers, through webhooks). */
export interface CallEvents {
  /**
   * The call is over and its record final; where it was metered, its bill is in the ledger and the journal closes the call after this.
   * Durable when it resolves. Told again by recovery when the process dies in between: a second time changes nothing.
   */
  ended(call: CallRecord): Promise<void>;
  /** Must not throw. */
  lowBalance(warning: LowBalance): void;
}

/** The money of the workspace will end this call in `remainingMs` unless it is topped up; the `nth` warning of the call. */
export interface LowBalance {
  readonly callId: string;
  readonly workspaceId: string;
  readonly remainingMs: number;
  readonly nth: number;
}

export interface CallLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
