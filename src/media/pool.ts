// The main side of the data plane: media threads, and which call is on which.
//
//   thread   input                       effect
//   live     exit or error               lost: its calls get `thread-lost`, waiting answers fail, a new thread takes its slot
//   lost     -                           never used again; its ports rest, its rows stay readable until their sessions are closed
//
//   session  input                       effect
//   opening  opened ok                   open
//   opening  port in use                 another pair, up to BIND_ATTEMPTS_MAX
//   open     close()                     closing: the one promise every further close() returns
//   open     thread lost                 lost: event once; close() answers from the counters
//
// B1. A port pair and a row belong to one session from `open` to the end of `close`; then the pair comes back when its thread
//     says that stale packets stopped (or after a quarantine if the thread is gone), the row at once.
// B2. No event reaches the owner after its close() resolved.

import { Worker } from 'node:worker_threads';
import type { Clock } from '../domain/clock.ts';
import { CounterRows, THREAD_FIELD, THREADS_MAX, threadView } from './counters.ts';
import { readBrowserOffer } from '../sdp/index.ts';
import {
  type BindOutcome,
  CarrierSession,
  type PoolSession,
  type SessionOwner,
  type SessionParts,
  type ThreadSlot,
} from './pool-session.ts';
import { PortPairs, type PortRange } from './ports.ts';
import { type Random, systemRandom } from './random.ts';
import type {
  BindFailure,
  CallCounters,
  MediaEvent,
  MediaPool,
  OpenMedia,
  OpenOutcome,
  OpenWebRtc,
  OpenWebRtcOutcome,
} from './session.ts';
import type { MediaCommand, MediaReport, MediaThreadConfig } from './thread/messages.ts';
import { BrowserSession, offerRefused } from './webrtc/browser-session.ts';
import type { WebRtcEngineChoice } from './webrtc/choose.ts';

export interface MediaPoolOptions {
  /** Module that calls `runMediaThread` (src/media-thread.ts). */
  readonly threadEntry: URL;
  /** Number of media threads; `auto` = one core is left to the main thread. */
  readonly threads: number;
  /** Literal IP address of the RTP sockets. */
  readonly host: string;
  /** What our SDP says instead of `host`, behind NAT. */
  readonly externalAddress: string | null;
  readonly ports: PortRange;
  /** What carries the legs of browsers, and how long one may take to connect after its answer. Default: they are refused. */
  readonly webRtc?: { readonly choice: WebRtcEngineChoice; readonly connectTimeoutMs: number };
  readonly clock: Clock;
  readonly random?: Random;
  /** Handed to the entry module of each thread as it is; must survive structured cloning. */
  readonly entryData?: unknown;
  /** Makes SSRC, sequence numbers and report intervals repeatable; tests only. */
  readonly seed?: number;
}

export interface MediaThreadStatus {
  readonly index: number;
  readonly calls: number;
  /** Largest delay of the thread's event loop within its last second. */
  readonly lagMs: number;
}

/** The pool with what metrics want to know. */
export interface ObservableMediaPool extends MediaPool {
  threads(): readonly MediaThreadStatus[];
  /** Threads that died and were replaced. */
  readonly threadsLost: number;
}

type Opened<T> = { readonly ok: true; readonly session: T } | Extract<OpenOutcome, { ok: false }>;

/** Enough that a random pick in a range half full of other programs' sockets still finds a pair. */
const BIND_ATTEMPTS_MAX = 16;
const LOST_THREAD_QUARANTINE_MS = 10_000;
/** Another program's socket: look again later. */
const IN_USE_QUARANTINE_MS = 30_000;
const STOP_WAIT_MS = 2000;
/** A thread that keeps dying is not restarted in a tight loop. */
const RESTART_DELAY_MS = 100;

/** Media threads for a machine of `cores` cores. */
export function autoThreads(cores: number): number {
  return Math.min(THREADS_MAX, Math.max(1, cores - 1));
}

/** Starts the threads; resolves when they run. */
export async function createMediaPool(options: MediaPoolOptions): Promise<ObservableMediaPool> {
  const pool = new Pool(options);
  await pool.started();
  return pool;
}

class Pool implements ObservableMediaPool, SessionOwner {
  readonly rows = new CounterRows();
  readonly options: MediaPoolOptions;
  threadsLost = 0;
  readonly #slots: ThreadSlot[] = [];
  readonly #sessions = new Map<number, PoolSession>();
  readonly #ports: PortPairs;
  #nextSession = 1;
  #closed = false;

  constructor(options: MediaPoolOptions) {
    this.options = options;
    this.#ports = new PortPairs(options.ports, options.random ?? systemRandom);
    for (let index = 0; index < options.threads; index++) {
      this.#slots.push({ index, worker: null, sessions: new Set() });
    }
  }

  get #webRtc(): NonNullable<MediaPoolOptions['webRtc']> {
    return this.options.webRtc ?? { choice: { engine: 'off' }, connectTimeoutMs: 0 };
  }

  get clock(): Clock {
    return this.options.clock;
  }

  get localAddress(): string {
    return this.options.externalAddress ?? this.options.host;
  }

  get counters(): CallCounters {
    return this.rows;
  }

  async started(): Promise<void> {
    await Promise.all(this.#slots.map((slot) => this.#spawn(slot)));
  }

  threads(): readonly MediaThreadStatus[] {
    return this.#slots.map(({ index, sessions }) => {
      const view = threadView(this.rows.memory, index);
      return { index, calls: sessions.size, lagMs: view[THREAD_FIELD.lagMs]! };
    });
  }

  open(params: OpenMedia): Promise<OpenOutcome> {
    return this.#open(params.onEvent, (parts) => new CarrierSession(this, parts, params));
  }

  async openWebRtc(params: OpenWebRtc): Promise<OpenWebRtcOutcome> {
    if (this.#webRtc.choice.engine === 'off') {
      return { ok: false, code: 'webrtc_off', detail: 'this node serves no browsers' };
    }
    const reading = readBrowserOffer(params.offerSdp, params.agentCodec);
    if (!reading.ok) return offerRefused(reading);
    let detail = '';
    const opened = await this.#open(params.onEvent, (parts) => {
      const session = new BrowserSession(this, parts, params, reading.offer);
      session.onRefused = (why) => {
        detail = why;
      };
      return session;
    });
    if (!opened.ok) {
      // An address that cannot be bound is told by carriers' legs too; what else fails is the engine.
      const code = opened.code === 'media_bind_failed' && detail !== '' ? 'webrtc_failed' : opened.code;
      return { ok: false, code, detail: detail === '' ? opened.code : detail };
    }
    return { ok: true, session: opened.session, answerSdp: opened.session.answer() };
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await Promise.all([...this.#sessions.values()].map((session) => session.close()));
    await Promise.all(this.#slots.map((slot) => this.#stop(slot)));
  }

  async #open<T extends PoolSession>(
    onEvent: (event: MediaEvent) => void,
    create: (parts: SessionParts) => T,
  ): Promise<Opened<T>> {
    const slot = this.#leastLoaded();
    if (slot === null) return { ok: false, code: 'media_thread_lost' };
    const row = this.rows.take();
    if (row === null) return { ok: false, code: 'media_ports_exhausted' };
    const outcome = await this.#bind((id, port) => create({ id, slot, row, port, onEvent }));
    if (!outcome.ok) this.rows.release(row);
    return outcome;
  }

  async #bind<T extends PoolSession>(create: (id: number, port: number) => T): Promise<Opened<T>> {
    let session: T | null = null;
    const outcome = await this.another(async (port) => {
      const opening = create(this.#nextSession++, port);
      this.#sessions.set(opening.id, opening);
      opening.slot.sessions.add(opening);
      const bound = await opening.open();
      if (bound === 'ok') session = opening;
      else this.forget(opening);
      return bound;
    });
    if (!outcome.ok) return outcome;
    if (session === null) throw new Error('what was opened is there');
    return { ok: true, session };
  }

  async another(bind: (port: number) => Promise<BindOutcome>): Promise<{ readonly ok: true } | BindFailure> {
    for (let attempt = 0; attempt < BIND_ATTEMPTS_MAX; attempt++) {
      const port = this.#ports.take(this.options.clock.monotonicMs());
      if (port === null) return { ok: false, code: 'media_ports_exhausted' };
      const bound = await bind(port);
      if (bound === 'ok') return { ok: true };
      if (bound === 'lost') this.#rest(port, LOST_THREAD_QUARANTINE_MS);
      if (bound === 'lost') return { ok: false, code: 'media_thread_lost' };
      if (bound === 'failed') {
        // The port is not to blame.
        this.#ports.give(port);
        return { ok: false, code: 'media_bind_failed' };
      }
      this.#rest(port, IN_USE_QUARANTINE_MS);
    }
    return { ok: false, code: 'media_bind_failed' };
  }

  /** The session is over; its port comes back by `port-free` or by quarantine. */
  forget(session: PoolSession): void {
    this.#sessions.delete(session.id);
    session.slot.sessions.delete(session);
  }

  #rest(port: number, forMs: number): void {
    this.#ports.quarantine(port, this.options.clock.monotonicMs() + forMs);
  }

  #leastLoaded(): ThreadSlot | null {
    let best: ThreadSlot | null = null;
    if (this.#closed) return null;
    for (const slot of this.#slots) {
      if (slot.worker !== null && (best === null || slot.sessions.size < best.sessions.size)) best = slot;
    }
    return best;
  }

  #spawn(slot: ThreadSlot): Promise<void> {
    const config: MediaThreadConfig = {
      index: slot.index,
      host: this.options.host,
      counters: this.rows.memory,
      webRtc: { ...this.#webRtc, externalAddress: this.options.externalAddress },
      seed: this.options.seed ?? null,
      entryData: this.options.entryData ?? null,
    };
    const worker = new Worker(this.options.threadEntry, { workerData: config, name: `media-${slot.index}` });
    /** Ports whose sessions closed on this thread but which still drain there. */
    const draining = new Set<number>();
    return new Promise((resolve, reject) => {
      let failure: Error = new Error('the media thread ended before it ran');
      worker.on('message', (report: MediaReport) => {
        if (report.type !== 'running') {
          this.#onReport(report, draining);
          return;
        }
        slot.worker = worker;
        resolve();
      });
      worker.on('error', (error) => {
        failure = error instanceof Error ? error : new Error(String(error));
      });
      worker.once('exit', () => {
        reject(failure);
        if (slot.worker === worker) this.#lost(slot, draining);
      });
    });
  }

  #onReport(report: Exclude<MediaReport, { type: 'running' }>, draining: Set<number>): void {
    if (report.type === 'port-free') {
      draining.delete(report.port);
      this.#ports.give(report.port);
      return;
    }
    const session = this.#sessions.get(report.session);
    if (report.type === 'closed' && session !== undefined) draining.add(session.localPort);
    // The pair so far: the session still names it.
    if (report.type === 'renewed' && report.bound === 'ok' && session !== undefined) draining.add(session.localPort);
    session?.onReport(report);
  }

  #lost(slot: ThreadSlot, draining: ReadonlySet<number>): void {
    slot.worker = null;
    for (const port of draining) this.#rest(port, LOST_THREAD_QUARANTINE_MS);
    if (this.#closed) return;
    this.threadsLost++;
    for (const session of [...slot.sessions]) {
      slot.sessions.delete(session);
      if (session.isOpen) this.#rest(session.localPort, LOST_THREAD_QUARANTINE_MS);
      session.threadLost();
    }
    this.#restart(slot);
  }

  #restart(slot: ThreadSlot): void {
    this.options.clock.setTimer(() => {
      if (this.#closed) return;
      this.#spawn(slot).catch(() => this.#restart(slot));
    }, RESTART_DELAY_MS);
  }

  async #stop(slot: ThreadSlot): Promise<void> {
    const worker = slot.worker;
    if (worker === null) return;
    const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
    worker.postMessage({ type: 'stop' } satisfies MediaCommand);
    const timer = this.options.clock.setTimer(() => void worker.terminate(), STOP_WAIT_MS);
    await ended;
    timer.cancel();
  }
}
