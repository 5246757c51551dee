// The node's Prometheus metrics: every name, label and bucket in one table (the names are a promise to dashboards).
//
// Invariants
//   O1. Labels are bounded: closed vocabularies where the type is a union; what comes from the network (SIP method, status) is
//       mapped to a known value or `other`; what grows with configuration (trunk, thread) stops at a limit and becomes `other`.
//       Never a call id, a number or a customer's string.
//   O2. Each call of `createMetrics` has a registry of its own, so that two nodes in one process (tests) do not share figures.
//
// Not here yet, because nothing measures them: callin_mos, callin_agent_response_seconds, callin_bargein_stop_seconds,
// callin_media_transit_seconds.

import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { CallClass, CallDirection } from '../domain/call.ts';
import type { AgentProtocol } from '../domain/directory.ts';
import type { ExceptionKind } from '../domain/exception-kind.ts';
import type { CallResult, Reason } from '../domain/reasons.ts';
import type { DeliveryEvent, DeliveryResult } from '../domain/webhook.ts';

/** `none`: refused before the class of the call was known. */
export type ClassLabel = CallClass | 'none';
export type MeterLabel = 'telephony' | 'compute' | 'topup' | 'fee' | 'adjustment';
export type EngineLabel = 'sip' | 'webrtc' | 'store';
export type VerificationEvent =
  | 'called'
  | 'refused'
  | 'limited'
  | 'unavailable'
  | 'wrong_code'
  | 'failed'
  | 'verified'
  | 'verified_elsewhere';
export type NodeStateLabel = 'active' | 'draining';

export interface CounterOf<L> {
  inc(labels: L, value?: number): void;
}
export interface GaugeOf<L> {
  set(labels: L, value: number): void;
  inc(labels: L, value?: number): void;
  dec(labels: L, value?: number): void;
  /** The thing is gone (a deleted trunk): its line disappears. */
  remove(labels: L): void;
}
export interface HistogramOf<L> {
  observe(labels: L, value: number): void;
}

/** `refused`: the token opens nothing. `limited`: too many from one address. */
export type SignInResult = 'ok' | 'refused' | 'limited';
/** `limit`: too many are open. `slow`: not read. `revoked`: the key or session is gone. */
export type StreamCut = 'limit' | 'slow' | 'revoked';

/** `refused`: the carrier does not take the account. */
export type RegistrationResult = 'registered' | 'refused' | 'failed';

export interface Metrics {
  readonly callsActive: GaugeOf<{ direction: CallDirection }>;
  readonly callsTotal: CounterOf<{ direction: CallDirection; class: ClassLabel; result: CallResult; reason: Reason }>;
  /** INVITE received or sent -> 200 sent or received. */
  readonly callSetupSeconds: HistogramOf<{ direction: CallDirection }>;
  /** Outbound INVITE sent -> first 18x. */
  readonly postDialDelaySeconds: Pick<Histogram, 'observe'>;
  readonly callDurationSeconds: HistogramOf<{ class: ClassLabel }>;
  readonly sipRequestsTotal: CounterOf<{ method: string; direction: CallDirection }>;
  readonly sipResponsesTotal: CounterOf<{ method: string; code: number; direction: CallDirection }>;
  /** Sources of SIP that were banned, by what they did. */
  readonly sipBansTotal: CounterOf<{ reason: string }>;
  readonly sipBanned: Pick<Gauge, 'set'>;
  /** Messages and connections that the guard did not let in. */
  readonly sipTurnedAwayTotal: CounterOf<{ reason: string }>;
  /** Of each bounded table, by its name (docs/security.md). */
  readonly sipTableEntries: GaugeOf<{ table: string }>;
  /** Refused at a limit, or because it could not be read. */
  readonly sipRefusedTotal: CounterOf<{ what: string }>;
  /** 1 = the trunk's health check succeeds; label is the trunk's id. */
  readonly trunkUp: GaugeOf<{ trunk: string }>;
  /** 1 = the trunk is registered with its carrier, by this node; label is the trunk's id. */
  readonly trunkRegistered: GaugeOf<{ trunk: string }>;
  readonly registrationsTotal: CounterOf<{ result: RegistrationResult }>;
  readonly rtpPacketsTotal: CounterOf<{ direction: CallDirection }>;
  readonly rtpLostTotal: Pick<Counter, 'inc'>;
  readonly srtpRejectedTotal: Pick<Counter, 'inc'>;
  /** Calls whose audio goes one way only, by what is missing. */
  readonly oneWayAudioTotal: CounterOf<{ missing: 'from_caller' | 'to_caller' }>;
  /** Interarrival jitter of a call (RFC 3550 6.4.1), observed once at its end. */
  readonly rtpJitterSeconds: Pick<Histogram, 'observe'>;
  readonly agentConnectSeconds: HistogramOf<{ protocol: AgentProtocol }>;
  readonly billedSecondsTotal: CounterOf<{ meter: MeterLabel; class: ClassLabel }>;
  /** Currency units (a float: for graphs, never for books). */
  readonly revenueTotal: CounterOf<{ meter: MeterLabel }>;
  /** What carriers charge us for answered legs, in currency units like the revenue. */
  readonly supplierCostTotal: Pick<Counter, 'inc'>;
  /** Age of the oldest ended call whose bill is not in the ledger; 0 = nothing waits. */
  readonly ledgerLagSeconds: Pick<Gauge, 'set'>;
  /** Answered calls that ended more than a minute ago, or that nobody works on, without a bill in the ledger; must be 0. */
  readonly unbilledAnsweredCalls: Pick<Gauge, 'set'>;
  readonly journalFsyncSeconds: Pick<Histogram, 'observe'>;
  readonly leaseDeniedTotal: CounterOf<{ reason: Reason }>;
  /** Calls that cost more than what was reserved for them. */
  readonly overshootTotal: Pick<Counter, 'inc'>;
  /** Open exceptions of reconciliation with carriers. */
  readonly reconciliationDifferences: GaugeOf<{ kind: ExceptionKind }>;
  /** What they are about, in currency units (a float: for graphs). */
  readonly reconciliationValue: GaugeOf<{ kind: ExceptionKind }>;
  /** Verifications of personal numbers: calls made and refused, codes entered. */
  readonly verificationsTotal: CounterOf<{ event: VerificationEvent }>;
  readonly engineConnected: GaugeOf<{ engine: EngineLabel }>;
  /** Worst delay since the last report of that thread (`main`, `sip`, `media-0`, …). */
  readonly eventLoopLagSeconds: GaugeOf<{ thread: string }>;
  /** Attempts by what they led to. */
  /** Numbers of orders that came to an end. */
  readonly numberOrdersTotal: CounterOf<{ result: 'active' | 'failed' }>;
  /** Numbers whose month is owed, as of this node's last sweep. */
  readonly numberFeesUnpaid: Pick<Gauge, 'set'>;
  /** Requests to providers of phone numbers, each attempt; `code`: ours, or ok. */
  readonly providerRequestsTotal: CounterOf<{ provider: 'twilio' | 'telnyx' | 'demo'; code: string }>;
  readonly signInsTotal: CounterOf<{ result: SignInResult }>;
  /** Open now. */
  readonly eventStreams: Pick<Gauge, 'set'>;
  readonly eventStreamsCutTotal: CounterOf<{ reason: StreamCut }>;
  readonly webhookDeliveriesTotal: CounterOf<{ event: DeliveryEvent; result: DeliveryResult }>;
  /** Deliveries that are not done. */
  readonly webhookPending: Pick<Gauge, 'set'>;
  /** Age of the oldest one that is to be delivered; 0 = nothing waits. */
  readonly webhookOldestSeconds: Pick<Gauge, 'set'>;
  readonly nodeState: { set(state: NodeStateLabel): void };
  /** Runs before every `render`: the place to carry figures over that live elsewhere (media counters). Must not throw. */
  onCollect(collect: () => void): void;
  /** Prometheus text format 0.0.4. */
  render(): Promise<string>;
  readonly contentType: string;
}

export interface MetricsOptions {
  /** Process and Node.js defaults (`process_*`, `nodejs_*`). */
  readonly processDefaults?: boolean;
}

export function createMetrics({ processDefaults = true }: MetricsOptions = {}): Metrics {
  const registry = new Registry();
  const counter = <L extends object>(name: string, help: string, labels: readonly (keyof L & string)[]): CounterOf<L> =>
    boundedCounter(new Counter({ name: `callin_${name}`, help, labelNames: [...labels], registers: [registry] }));
  const gauge = <L extends object>(name: string, help: string, labels: readonly (keyof L & string)[]): GaugeOf<L> =>
    boundedGauge(new Gauge({ name: `callin_${name}`, help, labelNames: [...labels], registers: [registry] }));
  const histogram = <L extends object>(
    name: string,
    help: string,
    labels: readonly (keyof L & string)[],
    buckets: readonly number[],
  ): HistogramOf<L> => {
    const inner = new Histogram<string>({
      name: `callin_${name}`,
      help,
      labelNames: [...labels],
      buckets: [...buckets],
      registers: [registry],
    });
    return { observe: (given, value) => inner.observe(given as Labels, value) };
  };
  const plainCounter = (name: string, help: string): Counter =>
    new Counter({ name: `callin_${name}`, help, registers: [registry] });
  const plainGauge = (name: string, help: string): Gauge =>
    new Gauge({ name: `callin_${name}`, help, registers: [registry] });
  const plainHistogram = (name: string, help: string, buckets: readonly number[]): Histogram =>
    new Histogram({ name: `callin_${name}`, help, buckets: [...buckets], registers: [registry] });

  const nodeState = gauge<{ state: NodeStateLabel }>('node_state', '1 for the state the node is in', ['state']);
  const collectors: (() => void)[] = [];
  if (processDefaults) collectDefaultMetrics({ register: registry });

  return {
    callsActive: gauge('calls_active', 'Calls in progress', ['direction']),
    callsTotal: counter('calls_total', 'Ended calls by result and reason', ['direction', 'class', 'result', 'reason']),
    callSetupSeconds: histogram('call_setup_seconds', 'INVITE to 200', ['direction'], SETUP_BUCKETS),
    postDialDelaySeconds: plainHistogram('post_dial_delay_seconds', 'INVITE to first ringing', POST_DIAL_BUCKETS),
    callDurationSeconds: histogram('call_duration_seconds', 'Answer to end', ['class'], DURATION_BUCKETS),
    sipRequestsTotal: counter('sip_requests_total', 'SIP requests', ['method', 'direction']),
    sipResponsesTotal: counter('sip_responses_total', 'SIP responses', ['method', 'code', 'direction']),
    sipBansTotal: counter('sip_bans_total', 'Sources of SIP that were banned, by reason', ['reason']),
    sipBanned: plainGauge('sip_banned_sources', 'Sources of SIP that are banned now'),
    sipTurnedAwayTotal: counter('sip_turned_away_total', 'Messages and connections the guard did not let in', [
      'reason',
    ]),
    sipTableEntries: gauge('sip_table_entries', 'Entries of the bounded tables of SIP', ['table']),
    sipRefusedTotal: counter('sip_refused_total', 'Refused at a limit or unreadable', ['what']),
    trunkUp: gauge('trunk_up', '1 while the trunk answers its health check', ['trunk']),
    trunkRegistered: gauge('trunk_registered', '1 while the trunk is registered with its carrier', ['trunk']),
    registrationsTotal: counter('registrations_total', 'Registrations with carriers by result', ['result']),
    rtpPacketsTotal: counter('rtp_packets_total', 'RTP packets accepted or sent', ['direction']),
    rtpLostTotal: plainCounter('rtp_lost_total', 'RTP packets that never came'),
    srtpRejectedTotal: plainCounter('srtp_rejected_total', 'Packets of encrypted audio that are not authentic'),
    oneWayAudioTotal: counter('one_way_audio_total', 'Calls whose audio goes one way only', ['missing']),
    rtpJitterSeconds: plainHistogram('rtp_jitter_seconds', 'Interarrival jitter per call', JITTER_BUCKETS),
    agentConnectSeconds: histogram('agent_connect_seconds', 'Dial to upgrade', ['protocol'], AGENT_CONNECT_BUCKETS),
    billedSecondsTotal: counter('billed_seconds_total', 'Seconds billed', ['meter', 'class']),
    revenueTotal: counter('revenue_total', 'Currency units charged', ['meter']),
    supplierCostTotal: plainCounter('supplier_cost_total', 'Currency units that carriers charge us'),
    ledgerLagSeconds: plainGauge('ledger_lag_seconds', 'Age of the oldest ended call that is not in the ledger'),
    unbilledAnsweredCalls: plainGauge('unbilled_answered_calls', 'Answered, ended, and not in the ledger: must be 0'),
    journalFsyncSeconds: plainHistogram('journal_fsync_seconds', 'One durable journal write', FSYNC_BUCKETS),
    leaseDeniedTotal: counter('lease_denied_total', 'Calls that could not reserve', ['reason']),
    overshootTotal: plainCounter('overshoot_total', 'Calls that cost more than was reserved'),
    reconciliationDifferences: gauge('reconciliation_differences', 'Open exceptions', ['kind']),
    reconciliationValue: gauge('reconciliation_value', 'Currency units that open exceptions are about', ['kind']),
    verificationsTotal: counter('verifications_total', 'Verifications of personal numbers', ['event']),
    engineConnected: gauge('engine_connected', '1 while the engine is usable', ['engine']),
    eventLoopLagSeconds: gauge('event_loop_lag_seconds', 'Worst event loop delay since the last report', ['thread']),
    numberOrdersTotal: counter('number_orders_total', 'Ordered numbers by result', ['result']),
    numberFeesUnpaid: plainGauge('number_fees_unpaid', 'Numbers whose monthly fee is owed'),
    providerRequestsTotal: counter('provider_requests_total', 'Requests to providers of numbers', ['provider', 'code']),
    signInsTotal: counter('sign_ins_total', 'Sign-ins to the console by result', ['result']),
    eventStreams: plainGauge('event_streams', 'Open streams of live events'),
    eventStreamsCutTotal: counter('event_streams_cut_total', 'Streams of live events that were refused or cut off', [
      'reason',
    ]),
    webhookDeliveriesTotal: counter('webhook_deliveries_total', 'Webhook attempts by result', ['event', 'result']),
    webhookPending: plainGauge('webhook_pending', 'Webhook deliveries that are not done'),
    webhookOldestSeconds: plainGauge('webhook_oldest_seconds', 'Age of the oldest webhook that is to be delivered'),
    nodeState: {
      set(state) {
        for (const each of ['active', 'draining'] as const) nodeState.set({ state: each }, each === state ? 1 : 0);
      },
    },
    onCollect: (collect) => void collectors.push(collect),
    render() {
      for (const collect of collectors) collect();
      return registry.metrics();
    },
    contentType: registry.contentType,
  };
}

// Buckets, in seconds.

/** Inbound is our agent connect (tens of ms to the ready timeout); outbound waits for a person (up to a minute of ringing). */
const SETUP_BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 20, 30, 60] as const;
/** ITU-T E.721 aims at 5 s (local), 8 s (toll) and 11 s (international) at the 95th percentile: those are edges. */
const POST_DIAL_BUCKETS = [0.1, 0.25, 0.5, 1, 2, 3, 5, 8, 11, 15, 30] as const;
/** Around the billing units (6 s, 60 s) and the usual lengths of a conversation; the default maximum is hours. */
const DURATION_BUCKETS = [1, 6, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200] as const;
/** A packet is 20 ms: below 20 ms inaudible, above 50 ms a jitter buffer overflows. */
const JITTER_BUCKETS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2] as const;
/** Loopback to another continent with TLS, up to the usual ready timeout. */
const AGENT_CONNECT_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 10] as const;
/** An fdatasync is 0.3 to 1 ms on a healthy disk; 100 ms is a disk in trouble. */
const FSYNC_BUCKETS = [0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1] as const;

// Bounds (O1).

type Labels = Record<string, string | number>;

/** RFC 3261 and the extensions we know; strangers may send any token as a method. */
const METHODS = new Set(
  'INVITE ACK BYE CANCEL OPTIONS REGISTER PRACK UPDATE INFO REFER NOTIFY SUBSCRIBE MESSAGE PUBLISH'.split(' '),
);
/** Configured, hence trusted to some degree, but a workspace may create many. */
const GROWING_LABEL_VALUES_MAX: Readonly<Record<string, number>> = { trunk: 1000, thread: 64 };

function boundedCounter<L extends object>(inner: Counter): CounterOf<L> {
  const bound = createBound();
  return { inc: (labels, value = 1) => inner.inc(bound(labels as Labels), value) };
}

function boundedGauge<L extends object>(inner: Gauge): GaugeOf<L> {
  const bound = createBound();
  return {
    set: (labels, value) => inner.set(bound(labels as Labels), value),
    inc: (labels, value = 1) => inner.inc(bound(labels as Labels), value),
    dec: (labels, value = 1) => inner.dec(bound(labels as Labels), value),
    remove(labels) {
      inner.remove(bound(labels as Labels));
      bound.forget(labels as Labels);
    },
  };
}

/** Maps labels onto their bounded values; remembers which values of growing labels have a line of their own. */
function createBound(): ((labels: Labels) => Labels) & { forget(labels: Labels): void } {
  const known = new Map<string, Set<string>>();

  const grow = (label: string, value: string, max: number): string => {
    const values = known.get(label) ?? new Set();
    known.set(label, values);
    if (values.has(value)) return value;
    if (values.size >= max) return 'other';
    values.add(value);
    return value;
  };
  const bound = (labels: Labels): Labels => {
    const result: Labels = {};
    for (const [label, value] of Object.entries(labels)) {
      const max = GROWING_LABEL_VALUES_MAX[label];
      if (label === 'method') result[label] = METHODS.has(String(value)) ? value : 'other';
      else if (label === 'code') result[label] = isStatus(Number(value)) ? value : 'other';
      else result[label] = max === undefined ? value : grow(label, String(value), max);
    }
    return result;
  };
  return Object.assign(bound, {
    forget(labels: Labels) {
      for (const [label, value] of Object.entries(labels)) known.get(label)?.delete(String(value));
    },
  });
}

function isStatus(code: number): boolean {
  return Number.isInteger(code) && code >= 100 && code <= 699;
}
