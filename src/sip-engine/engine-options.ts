// What the embedded engine is started with, and what it says of itself.

import type { CaptureOptions, CaptureStats } from './capture/capture.ts';
import type { EngineClock } from './clock.ts';
import type { Names } from './dialog/environment.ts';
import type { Protocol } from './dialog/local-addresses.ts';
import type { DropReason, RequestCount, ResponseCount } from './dialog/statistics.ts';
import type { Ban, GuardStats } from './guard/guard.ts';
import type { GuardLimits } from './guard/limits.ts';
import type { BaseTimers } from './transaction/timers.ts';
import type { Certificate } from './transport/certificate.ts';
import type { OriginPolicy } from './transport/origin.ts';

export interface Listen {
  readonly host: string;
  /** 0 picks a free port. */
  readonly port: number;
}

/** One address, or several: of either family, of each network this machine is in. A peer meets the one nearest to it. */
export type Listens = Listen | readonly Listen[];

export interface EngineOptions {
  readonly udp?: Listens | undefined;
  readonly tcp?: Listens | undefined;
  readonly tls?: Listens | undefined;
  readonly ws?: Listens | undefined;
  readonly wss?: Listens | undefined;
  /** PEM, shown by `tls` and `wss`, which need it. */
  readonly certificate?: Certificate | undefined;
  /** PEM of authorities that peers we call over TLS may rely on, beside those of this machine. */
  readonly trusted?: readonly string[] | undefined;
  /** `required`: who calls over `tls` shows a certificate of an authority we believe (mutual TLS). */
  readonly clients?: 'anybody' | 'required' | undefined;
  /** Domains whose hosts a certificate for `*.…` may name. */
  readonly wildcards?: readonly string[] | undefined;
  /** Pages that may connect over `ws` and `wss`: origins, `same-host` (default), `any`. */
  readonly origins?: OriginPolicy | undefined;
  /** Where applications connect: loopback only. */
  readonly wire: Listen & { readonly secret: string };
  /** Address peers reach us at when it is not the one we bind to. */
  readonly externalAddress?: string | undefined;
  readonly transactionsMax?: number | undefined;
  /** Of these, begun by one address. */
  readonly transactionsPerSourceMax?: number | undefined;
  /** With it floods, scanners and guesses are kept out (guard/guard.ts): its limits where they differ from the default ones. */
  readonly guard?: Partial<GuardLimits> | undefined;
  /** A server that gets a copy of every message (HEP). */
  readonly capture?: CaptureOptions | undefined;
  /** See Environment.echoGapMs. */
  readonly echoGapMs?: number | undefined;
  /** See Environment.reasons: where the operator’s words are not those of the wire protocol. */
  readonly reasons?: Readonly<Record<string, string>> | undefined;
}

/** What a test replaces. */
export interface EnginePorts {
  readonly clock?: EngineClock;
  readonly names?: Names;
  readonly timers?: BaseTimers;
  readonly resolve?: (host: string) => Promise<string | undefined>;
  readonly onBan?: (ban: Ban) => void;
  /** Told about our own mistakes: a listener that threw, a socket error that belongs to no message. */
  readonly onFault?: (error: unknown) => void;
}

export interface EngineAddress {
  readonly protocol: Protocol;
  readonly host: string;
  readonly port: number;
}

export interface EngineStats {
  readonly requests: readonly RequestCount[];
  readonly responses: readonly ResponseCount[];
  readonly dropped: Readonly<Record<DropReason, number>>;
  readonly openTransactions: number;
  readonly openDialogs: number;
  /** Of the network, that an application may answer, or whose 2xx waits for its ACK. */
  readonly openRequests: number;
  readonly applications: number;
  /** Messages the parser or the validator refused. */
  readonly malformed: number;
  /** Requests refused for want of room. */
  readonly refusedOverload: number;
  readonly connections: ConnectionStats;
  /** Null: there is no guard. */
  readonly guard: GuardStats | null;
  /** Null: no messages are copied. */
  readonly capture: CaptureStats | null;
}

/** TCP, TLS and WebSocket together. */
export interface ConnectionStats {
  readonly open: number;
  readonly accepted: number;
  readonly opened: number;
  /** Turned away at a limit. */
  readonly refused: number;
  /** Closed for what came over them: ambiguous, oversized, against RFC 6455, too slow. */
  readonly violations: number;
  readonly handshakeFailures: number;
  readonly upgradesRefused: number;
  /** Closed because their peer gave no sign of life. */
  readonly dead: number;
  /** Closed because unfinished messages took too much memory. */
  readonly memoryRefused: number;
}
