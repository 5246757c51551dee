// One media thread: its calls, their sockets, and the one timer that paces them all.
//
// E1. One timer for all calls. It looks every 2 ms at the calls' due times; what is due is sent in one go, so that a packet's
//     error against its schedule is about +-1 ms and the cost of waking up is shared. It rests while there is no call.
// E2. The clock is read once per tick and once per datagram or agent message (about 40 ns, needed for jitter and for the anchor
//     of the schedule), never inside a stage.
// E3. Messages with the main side are about calls, never about packets.
// E4. After a stall of the thread, what arrived meanwhile is read first: else audio that waits in the kernel would be taken for
//     missing and silence put in its place.

import { randomBytes } from 'node:crypto';
import type { MessagePort } from 'node:worker_threads';
import type { AgentStreamFactory } from '../agent-stream.ts';
import { rowView, THREAD_FIELD, threadView } from '../counters.ts';
import { BlockPool } from '../playout.ts';
import { type Random, seededRandom, systemRandom } from '../random.ts';
import { BrowserPath } from '../webrtc/browser-path.ts';
import type { WebRtcEndpoint } from '../webrtc/endpoint.ts';
import { LazyEngine } from '../webrtc/lazy-engine.ts';
import { CallMedia } from './call.ts';
import { LatchedPath } from './latched-path.ts';
import type { MediaCommand, MediaReport, MediaThreadConfig } from './messages.ts';
import type { RtpPath } from './path.ts';
import { SocketPair } from './socket-pair.ts';

const TICK_MS = 2;
const LAG_MS_MAX = 6;
const SLOW_TICK_MS = 100;
const SECOND_MS = 1000;

interface OpenCall {
  readonly session: number;
  readonly media: CallMedia;
  /** Gives up what carries its packets; the port is reported free when it is. */
  release: () => void;
  /** Of carriers' legs: other sockets carry its packets from now on. */
  readonly path?: LatchedPath;
}

/** Serves `port` until it says stop. Called once, by the thread's composition root. */
export function runMediaThread(
  port: MessagePort,
  config: MediaThreadConfig,
  createAgentStream: AgentStreamFactory,
): void {
  const thread = new MediaThread(port, config, createAgentStream);
  port.on('message', (command: MediaCommand) => thread.command(command));
  port.postMessage({ type: 'running' } satisfies MediaReport);
}

class MediaThread {
  readonly #port: MessagePort;
  readonly #config: MediaThreadConfig;
  readonly #createAgentStream: AgentStreamFactory;
  readonly #random: Random;
  readonly #nowMs = monotonicClock();
  readonly #blocks = new BlockPool();
  readonly #slot: Float64Array;
  readonly #bySession = new Map<number, OpenCall>();
  /** The same calls, for the tick. */
  readonly #calls: CallMedia[] = [];
  readonly #draining = new Set<SocketPair>();
  readonly #webRtc: LazyEngine;
  /** Transports of browsers that are being given up. */
  readonly #closing = new Set<Promise<void>>();
  /** Sessions closed while their sockets were being bound. */
  readonly #opening = new Set<number>();
  #timer: NodeJS.Timeout | null = null;
  #tickMs = 0;
  #slowTickMs = 0;
  #secondTickMs = 0;
  #lagMs = 0;

  constructor(port: MessagePort, config: MediaThreadConfig, createAgentStream: AgentStreamFactory) {
    this.#port = port;
    this.#config = config;
    this.#createAgentStream = createAgentStream;
    this.#random = config.seed === null ? systemRandom : seededRandom(config.seed);
    this.#slot = threadView(config.counters, config.index);
    const { choice, externalAddress } = config.webRtc;
    this.#webRtc = new LazyEngine(choice, { host: config.host, externalAddress, nowMs: this.#nowMs, randomBytes });
  }

  command(command: MediaCommand): void {
    switch (command.type) {
      case 'open':
        void this.#open(command);
        break;
      case 'open-browser':
        void this.#openBrowser(command);
        break;
      case 'connect-agent':
        this.#connectAgent(command);
        break;
      case 'negotiate':
        this.#bySession.get(command.session)?.media.negotiate(command.remote);
        break;
      case 'renew':
        void this.#renew(command);
        break;
      case 'start-early':
        this.#bySession.get(command.session)?.media.startEarly(command.early);
        break;
      case 'start':
        this.#bySession.get(command.session)?.media.start();
        break;
      case 'notify-agent':
        this.#bySession.get(command.session)?.media.notifyAgent(command.notice);
        break;
      case 'policy':
        this.#bySession.get(command.session)?.media.setPolicy(command.policy);
        break;
      case 'send-dtmf':
        this.#sendDtmf(command);
        break;
      case 'heard-dtmf':
        this.#bySession.get(command.session)?.media.heardByInfo(command.key);
        break;
      case 'close':
        this.#close(command.session);
        break;
      case 'stop':
        void this.#stop();
        break;
    }
  }

  async #open(command: Extract<MediaCommand, { type: 'open' }>): Promise<void> {
    const { session } = command;
    this.#opening.add(session);
    const handlers = {
      rtp: (bytes: Buffer, address: string, from: number) => path.rtp(bytes, address, from),
      rtcp: (bytes: Buffer, address: string) => path.rtcp(bytes, address),
    };
    const sockets = await SocketPair.bind(this.#config.host, command.port, handlers);
    if (typeof sockets === 'string') {
      this.#opening.delete(session);
      this.#report({ type: 'opened', session, bound: sockets });
      return;
    }
    const path = new LatchedPath(command, sockets);
    const media = this.#createCall(command, path);
    path.join(media, this.#nowMs);
    this.#report({ type: 'opened', session, bound: 'ok' });
    this.#admit({
      session,
      media,
      release: () => this.#drain(sockets),
      path,
    });
  }

  async #renew({ session, port, signallingAddress }: Extract<MediaCommand, { type: 'renew' }>): Promise<void> {
    const path = this.#bySession.get(session)?.path;
    const sockets = await SocketPair.bind(this.#config.host, port, {
      rtp: (bytes: Buffer, address: string, from: number) => path?.rtp(bytes, address, from),
      rtcp: (bytes: Buffer, address: string) => path?.rtcp(bytes, address),
    });
    if (typeof sockets === 'string') return this.#report({ type: 'renewed', session, port, bound: sockets });
    const call = this.#bySession.get(session);
    if (call?.path === undefined) {
      sockets.close();
      return this.#report({ type: 'renewed', session, port, bound: 'in-use' });
    }
    call.path.renew(sockets, signallingAddress);
    call.release();
    call.release = () => this.#drain(sockets);
    this.#report({ type: 'renewed', session, port, bound: 'ok' });
  }

  #drain(sockets: SocketPair): void {
    sockets.drain(this.#nowMs());
    this.#draining.add(sockets);
  }

  async #openBrowser(command: Extract<MediaCommand, { type: 'open-browser' }>): Promise<void> {
    const { session, port, remote, parameters } = command;
    this.#opening.add(session);
    const path = new BrowserPath(this.#config.webRtc.connectTimeoutMs, this.#nowMs);
    const media = this.#createCall(command, path);
    const opened = await this.#webRtc.open({ port, remote, parameters, ssrc: media.ssrc }, path);
    if (!opened.ok) {
      this.#opening.delete(session);
      this.#report({ type: 'opened', session, bound: opened.code, detail: opened.detail });
      return;
    }
    path.join(media, opened.endpoint);
    media.negotiate(parameters);
    this.#report({ type: 'opened', session, bound: 'ok', local: opened.endpoint.local });
    this.#admit({ session, media, release: () => this.#closeEndpoint(opened.endpoint, port) });
  }

  /** No stale packet of a browser can enter the next call: its keys are its own. So the port is free as soon as it is closed. */
  #closeEndpoint(endpoint: WebRtcEndpoint, port: number): void {
    const closing = endpoint.close().then(() => {
      this.#closing.delete(closing);
      this.#report({ type: 'port-free', port });
    });
    this.#closing.add(closing);
  }

  #createCall(command: Extract<MediaCommand, { type: 'open' | 'open-browser' }>, path: RtpPath): CallMedia {
    const { session } = command;
    return new CallMedia(command, {
      nowMs: this.#nowMs,
      wallMs: () => Date.now(),
      random: this.#random,
      blocks: this.#blocks,
      row: rowView(this.#config.counters, command.row),
      createAgentStream: this.#createAgentStream,
      path,
      emit: (event) => this.#report({ type: 'event', session, event }),
    });
  }

  #admit(call: OpenCall): void {
    this.#bySession.set(call.session, call);
    this.#calls.push(call.media);
    if (!this.#opening.delete(call.session)) this.#close(call.session);
    this.#slot[THREAD_FIELD.calls] = this.#calls.length;
    this.#runTimer();
  }

  #connectAgent(command: Extract<MediaCommand, { type: 'connect-agent' }>): void {
    const { session, request } = command;
    const call = this.#bySession.get(session);
    call?.media.connectAgent(command.dial, (outcome) =>
      this.#report({ type: 'agent-connected', session, request, outcome }),
    );
  }

  #sendDtmf({ session, request, keys }: Extract<MediaCommand, { type: 'send-dtmf' }>): void {
    const outcome = this.#bySession.get(session)?.media.sendKeys(keys, 'api') ?? 'gone';
    this.#report({ type: 'dtmf-asked', session, request, outcome });
  }

  #close(session: number): void {
    const call = this.#bySession.get(session);
    if (call === undefined) {
      this.#opening.delete(session);
      return;
    }
    this.#bySession.delete(session);
    const last = this.#calls.pop()!;
    if (last !== call.media) this.#calls[this.#calls.indexOf(call.media)] = last;
    const quality = call.media.close();
    call.release();
    this.#slot[THREAD_FIELD.calls] = this.#calls.length;
    this.#report({ type: 'closed', session, quality });
  }

  async #stop(): Promise<void> {
    for (const session of [...this.#bySession.keys()]) this.#close(session);
    for (const sockets of this.#draining) sockets.close();
    this.#draining.clear();
    this.#stopTimer();
    await Promise.all(this.#closing);
    await this.#webRtc.close();
    this.#port.close();
  }

  #report(report: MediaReport): void {
    this.#port.postMessage(report);
  }

  #runTimer(): void {
    if (this.#timer !== null) return;
    this.#tickMs = this.#nowMs();
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  #stopTimer(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  #tick(): void {
    const nowMs = this.#nowMs();
    const lagMs = nowMs - this.#tickMs - TICK_MS;
    this.#lagMs = Math.max(this.#lagMs, lagMs);
    this.#tickMs = nowMs;
    // Timers run before sockets are read (E4).
    if (lagMs > LAG_MS_MAX) setImmediate(() => this.#runCalls(this.#nowMs()));
    else this.#runCalls(nowMs);
  }

  #runCalls(nowMs: number): void {
    const calls = this.#calls;
    // Half a tick: what is due before the middle of the next interval is sent now.
    const untilMs = nowMs + TICK_MS / 2;
    for (let i = 0; i < calls.length; i++) {
      const call = calls[i]!;
      if (call.dueMs <= untilMs) call.tick(nowMs);
    }
    if (nowMs - this.#slowTickMs >= SLOW_TICK_MS) this.#slowTick(nowMs);
  }

  #slowTick(nowMs: number): void {
    this.#slowTickMs = nowMs;
    // A call may close itself out of the list; from the back every other one is still seen once.
    for (let i = this.#calls.length - 1; i >= 0; i--) this.#calls[i]?.slowTick(nowMs);
    for (const sockets of this.#draining) {
      if (!sockets.drained(nowMs)) continue;
      this.#draining.delete(sockets);
      sockets.close();
      this.#report({ type: 'port-free', port: sockets.port });
    }
    if (nowMs - this.#secondTickMs >= SECOND_MS) {
      this.#secondTickMs = nowMs;
      for (let i = this.#calls.length - 1; i >= 0; i--) this.#calls[i]?.secondTick(nowMs);
      this.#slot[THREAD_FIELD.lagMs] = Math.max(0, this.#lagMs);
      this.#lagMs = 0;
    }
    if (this.#calls.length === 0 && this.#draining.size === 0) this.#stopTimer();
  }
}

/** domain/clock.ts C1 without its allocation: `performance.now()` runs at the same rate from another zero. */
function monotonicClock(): () => number {
  const [seconds, nanos] = process.hrtime();
  const offset = seconds * 1000 + nanos / 1e6 - performance.now();
  return () => performance.now() + offset;
}
