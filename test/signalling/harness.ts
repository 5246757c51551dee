// One SIP engine, our signalling connected to it, and raw peers around it: real sockets all the way.

import type { Clock } from '../../src/domain/clock.ts';
import { systemClock } from '../../src/domain/clock.ts';
import type { AudioCodec } from '../../src/domain/directory.ts';
import { answerOffer, makeOffer } from '../../src/sdp/index.ts';
import type {
  InboundEvent,
  InboundInvite,
  InboundLeg,
  OriginateParams,
  OutboundEvent,
  OutboundLeg,
  Signalling,
} from '../../src/signalling/leg.ts';
import { type CarrierQuestions, connectSignalling, type SignallingLog } from '../../src/signalling/signalling.ts';
import type { EngineClock, TimerHandle } from '../../src/sip-engine/clock.ts';
import type { BaseTimers } from '../../src/sip-engine/transaction/timers.ts';
import { type RawMessage, RawSipPeer, requestText, responseText } from '../support/raw-sip-peer.ts';
import {
  type EngineUnderTest,
  type EngineUnderTestOptions,
  SECRET,
  startEngineUnderTest,
} from './engine-under-test.ts';

export { SECRET };
export const LOCAL = {
  address: '127.0.0.1',
  port: 40000,
  codecs: ['PCMU'] satisfies AudioCodec[],
  sessionId: 1,
  version: 1,
};
export const OFFER = makeOffer({ ...LOCAL, port: 50000, sessionId: 2 });

/** Timers of a SIP engine twenty-five times as fast as the RFC's: 64*T1 is 1.3 s. */
export const FAST_TIMERS: BaseTimers = { t1Ms: 20, t2Ms: 80, t4Ms: 100 };

export function answerTo(offer: string | null): string {
  const answer = answerOffer(offer ?? '', LOCAL);
  if (!answer.ok) throw new Error(answer.detail);
  return answer.sdp;
}

export class RecordingLog implements SignallingLog {
  readonly lines: { level: string; fields: object; message: string }[] = [];
  info(fields: object, message: string): void {
    this.lines.push({ level: 'info', fields, message });
  }
  warn(fields: object, message: string): void {
    this.lines.push({ level: 'warn', fields, message });
  }
  error(fields: object, message: string): void {
    this.lines.push({ level: 'error', fields, message });
  }
}

/** A list that can be waited on. */
export class Record<T> {
  readonly items: T[] = [];
  readonly #wake = new Set<() => void>();

  add(item: T): void {
    this.items.push(item);
    for (const wake of [...this.#wake]) wake();
  }

  /** The first item that `wanted` accepts, taken out; waits for it. */
  async take(wanted: (item: T) => boolean = () => true, timeoutMs = 3_000): Promise<T> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const index = this.items.findIndex(wanted);
      if (index !== -1) return this.items.splice(index, 1)[0]!;
      const leftMs = deadline - performance.now();
      if (leftMs <= 0) throw new Error(`nothing in ${timeoutMs} ms; there is ${JSON.stringify(this.items)}`);
      await new Promise<void>((resolve) => {
        const done = () => {
          clearTimeout(timer);
          this.#wake.delete(done);
          resolve();
        };
        const timer = setTimeout(done, leftMs);
        this.#wake.add(done);
      });
    }
  }
}

export interface HarnessOptions {
  readonly timers?: BaseTimers;
  /** Clock of the signalling room. */
  readonly clock?: Clock;
  readonly engineClock?: EngineClock;
  /** Of the embedded engine, as the gateway has them. */
  readonly reasons?: EngineUnderTestOptions['reasons'];
  /** Uniform in [0, 1). */
  readonly random?: () => number;
  /** Default: as the gateway has it. */
  readonly refreshesByUpdate?: boolean;
}

/** The real clock of a SIP engine, which a test can put forward: what falls due meanwhile happens at once. */
export class SkippingClock implements EngineClock {
  #skippedMs = 0;
  readonly #timers = new Set<{ dueMs: number; fire: () => void }>();

  now(): number {
    return performance.now() + this.#skippedMs;
  }

  wallTime(): Date {
    return new Date();
  }

  setTimer(fn: () => void, ms: number): TimerHandle {
    const fire = () => {
      clearTimeout(handle);
      if (this.#timers.delete(timer)) fn();
    };
    const handle = setTimeout(fire, ms);
    const timer = { dueMs: this.now() + ms, fire };
    this.#timers.add(timer);
    return {
      cancel: () => {
        clearTimeout(handle);
        this.#timers.delete(timer);
      },
    };
  }

  skip(ms: number): void {
    const dueBefore = this.now() + ms;
    const due = [...this.#timers].filter(({ dueMs }) => dueMs <= dueBefore).sort((a, b) => a.dueMs - b.dueMs);
    this.#skippedMs += ms;
    for (const { fire } of due) fire();
  }
}

export interface TakenCall {
  readonly invite: InboundInvite;
  readonly leg: InboundLeg;
  readonly events: Record<InboundEvent>;
}

export interface PlacedCall {
  readonly leg: OutboundLeg;
  readonly events: Record<OutboundEvent>;
}

export class Harness {
  readonly signalling: Signalling & CarrierQuestions;
  readonly log: RecordingLog;
  readonly calls = new Record<TakenCall>();
  readonly counts = new Map<string, number>();
  #engine: EngineUnderTest;
  readonly #peers: RawSipPeer[] = [];

  private constructor(engine: EngineUnderTest, signalling: Signalling & CarrierQuestions, log: RecordingLog) {
    this.#engine = engine;
    this.signalling = signalling;
    this.log = log;
    signalling.onInvite((invite) => {
      const events = new Record<InboundEvent>();
      const leg = invite.accept((event) => events.add(event));
      this.calls.add({ invite, leg, events });
    });
  }

  static async start({
    timers,
    clock = systemClock,
    engineClock,
    reasons,
    random,
    refreshesByUpdate = process.env['DRACHTIO_BIN'] === undefined,
  }: HarnessOptions = {}): Promise<Harness> {
    const engine = await startEngineUnderTest({
      ...(timers === undefined ? {} : { timers }),
      ...(engineClock === undefined ? {} : { engineClock }),
      ...(reasons === undefined ? {} : { reasons }),
    });
    const log = new RecordingLog();
    const counts = new Map<string, number>();
    const count = (key: string) => void counts.set(key, (counts.get(key) ?? 0) + 1);
    const signalling = await connectSignalling({
      host: '127.0.0.1',
      port: engine.wirePort,
      secret: SECRET,
      clock,
      refreshesByUpdate,
      ...(random === undefined ? {} : { random }),
      logger: log,
      observer: {
        request: (method, direction) => count(`${direction} ${method}`),
        response: (method, status, direction) => count(`${direction} ${status} ${method}`),
      },
    });
    const harness = new Harness(engine, signalling, log);
    for (const [key, value] of counts) harness.counts.set(key, value);
    harness.#counts = counts;
    await harness.#untilRouted();
    return harness;
  }

  /** Our routes are on their way when the link says connected: an engine in another process may see a first request before them. */
  async #untilRouted(): Promise<void> {
    for (let attempt = 0; attempt < 50; attempt += 1) {
      const probe = await this.caller();
      // Of the verbs we ask for, the last that is answered differently before and after.
      probe.send(probe.text('SUBSCRIBE', { extra: ['Event: presence'] }));
      const answer = await probe.peer.next((message) => message.status !== 100);
      if (answer.status !== 503) return;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    throw new Error('the engine does not take our routes');
  }

  #counts = new Map<string, number>();

  count(key: string): number {
    return this.#counts.get(key) ?? 0;
  }

  get sipPort(): number {
    return this.#engine.sipPort;
  }

  get tcpPort(): number {
    return this.#engine.tcpPort;
  }

  get wirePort(): number {
    return this.#engine.wirePort;
  }

  openDialogs(): number {
    return this.#engine.openDialogs();
  }

  /** The engine dies and a new one takes its place on the same wire port. */
  async restartEngine(): Promise<void> {
    const port = this.#engine.wirePort;
    await this.#engine.close();
    this.#engine = await startEngineUnderTest({ wirePort: port });
  }

  async stopEngine(): Promise<void> {
    await this.#engine.close();
  }

  async caller(options: CallerOptions = {}): Promise<Caller> {
    return new Caller(await this.peer(), this.sipPort, options);
  }

  async callerOverTcp(options: CallerOptions = {}): Promise<Caller> {
    const peer = await RawSipPeer.tcp(this.tcpPort);
    this.#peers.push(peer);
    return new Caller(peer, this.tcpPort, options);
  }

  async peer(): Promise<RawSipPeer> {
    const peer = await RawSipPeer.udp();
    this.#peers.push(peer);
    return peer;
  }

  /** A call from outside, up to and including the ACK. */
  async answered(options: CallerOptions = {}): Promise<{ caller: Caller; call: TakenCall; ok: RawMessage }> {
    const caller = await this.caller(options);
    caller.invite();
    const call = await this.calls.take();
    expectSent(await call.leg.answer(answerTo(call.invite.offer)));
    const ok = await caller.peer.next(200);
    caller.learn(ok);
    caller.ack();
    await call.events.take((event) => event.type === 'confirmed');
    return { caller, call, ok };
  }

  place(peer: RawSipPeer, change: Partial<OriginateParams> = {}): PlacedCall {
    const events = new Record<OutboundEvent>();
    const leg = this.signalling.originate(
      {
        uri: `sip:+442071234567@127.0.0.1:${peer.port};transport=udp`,
        callerUser: '+12025550100',
        callerDisplay: null,
        offer: makeOffer(LOCAL),
        headers: {},
        credentials: null,
        ...change,
      },
      (event) => events.add(event),
    );
    return { leg, events };
  }

  /** A call of ours that the peer has answered. */
  async placedAnswered(change: Partial<OriginateParams> = {}): Promise<{ callee: Callee; call: PlacedCall }> {
    const peer = await this.peer();
    const call = this.place(peer, change);
    const invite = await peer.next('INVITE');
    const callee = new Callee(peer, this.sipPort, invite);
    callee.respond(200, { body: answerTo(invite.body) });
    await peer.next('ACK');
    await call.events.take((event) => event.type === 'answered');
    return { callee, call };
  }

  async close(): Promise<void> {
    await this.signalling.close();
    await this.#engine.close();
    await Promise.all(this.#peers.map((peer) => peer.close()));
  }
}

function expectSent(outcome: 'sent' | 'gone'): void {
  if (outcome !== 'sent') throw new Error('the 200 was not sent');
}

export interface CallerOptions {
  readonly user?: string;
  readonly callId?: string;
  readonly fromTag?: string;
  readonly body?: string;
  readonly extra?: readonly string[];
  readonly from?: string;
  readonly contact?: string;
  readonly sequence?: number;
}

let counter = 0;
const unique = (prefix: string) => `${prefix}${process.pid}x${++counter}`;

/** A carrier that calls us: every request of one dialog. */
export class Caller {
  readonly peer: RawSipPeer;
  readonly callId: string;
  readonly branch = unique('z9hG4bK');
  readonly #port: number;
  readonly #options: CallerOptions;
  readonly #from: string;
  #to: string;
  #target: string;
  #sequence: number;

  constructor(peer: RawSipPeer, port: number, options: CallerOptions = {}) {
    this.#sequence = options.sequence ?? 1;
    this.peer = peer;
    this.#port = port;
    this.#options = options;
    this.callId = options.callId ?? unique('call-');
    const tag = options.fromTag ?? unique('ft');
    this.#from = options.from ?? `"Ann Caller" <sip:+12025550199@127.0.0.1:${peer.port}>;tag=${tag}`;
    this.#target = `sip:${options.user ?? '+12025550100'}@127.0.0.1:${port}`;
    this.#to = `<${this.#target}>`;
  }

  invite(): void {
    const { extra = [], body = OFFER } = this.#options;
    this.send(this.text('INVITE', { branch: this.branch, extra, body }));
  }

  cancel(extra: readonly string[] = []): void {
    this.send(this.text('CANCEL', { branch: this.branch, extra }));
  }

  /** To the request with that CSeq; without one, to the last request. */
  ack(branch = unique('z9hG4bK'), sequence = this.#sequence, body?: string): void {
    this.send(
      this.text('ACK', { branch, ...(body === undefined ? {} : { body }) }).replace(/^CSeq: \d+/m, `CSeq: ${sequence}`),
    );
  }

  /** A request inside the dialog, next CSeq. */
  inDialog(method: string, options: { body?: string; extra?: readonly string[] } = {}): void {
    this.#sequence += 1;
    this.send(this.text(method, options));
  }

  learn(response: RawMessage): void {
    this.#to = response.header('To');
    this.#target = /<([^>]+)>/.exec(response.header('Contact'))?.[1] ?? this.#target;
  }

  text(method: string, options: { branch?: string; body?: string; extra?: readonly string[] } = {}): string {
    return requestText(this.peer, {
      method,
      uri: this.#target,
      callId: this.callId,
      from: this.#from,
      to: this.#to,
      sequence: this.#sequence,
      branch: options.branch ?? unique('z9hG4bK'),
      contact: this.#options.contact ?? `<sip:ann@127.0.0.1:${this.peer.port}>`,
      ...(options.extra === undefined ? {} : { extra: options.extra }),
      ...(options.body === undefined ? {} : { body: options.body }),
    });
  }

  send(text: string): void {
    this.peer.send(text, this.#port);
  }
}

/** A gateway that we call. */
export class Callee {
  readonly peer: RawSipPeer;
  readonly invite: RawMessage;
  readonly #port: number;
  #sequence = 100;

  constructor(peer: RawSipPeer, port: number, invite: RawMessage) {
    this.peer = peer;
    this.#port = port;
    this.invite = invite;
  }

  respond(
    status: number,
    options: { body?: string; extra?: readonly string[]; reason?: string; contact?: string; toTag?: string } = {},
    request = this.invite,
  ): void {
    const tag = status === 100 ? {} : { toTag: 'callee-tag' };
    this.peer.send(responseText(this.peer, request, status, { ...tag, ...options }), this.#port);
  }

  inDialog(method: string, options: { body?: string; extra?: readonly string[] } = {}): void {
    this.#sequence += 1;
    const contact = /<([^>]+)>/.exec(this.invite.header('Contact'))?.[1] ?? '';
    this.peer.send(
      requestText(this.peer, {
        method,
        uri: contact,
        callId: this.invite.header('Call-ID'),
        from: `${this.invite.header('To')};tag=callee-tag`,
        to: this.invite.header('From'),
        sequence: this.#sequence,
        branch: unique('z9hG4bK'),
        contact: `<sip:callee@127.0.0.1:${this.peer.port}>`,
        ...options,
      }),
      this.#port,
    );
  }
}
