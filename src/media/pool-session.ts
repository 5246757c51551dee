// One call as its owner holds it: commands to the media thread, answers and events from it (the session table in pool.ts).
//
// Commands are posted in order and answered in order, so nothing here waits for anything but an answer of its own.

import type { Worker } from 'node:worker_threads';
import type { CallQuality } from '../domain/call.ts';
import type { DtmfOutcome, DtmfRequest } from '../domain/dtmf.ts';
import type { Clock } from '../domain/clock.ts';
import type { AgentDial, AgentNotice } from './agent-stream.ts';
import type { CounterRows } from './counters.ts';
import type {
  AgentConnectOutcome,
  BindFailure,
  EarlyAudio,
  MediaEvent,
  MediaPolicy,
  MediaSession,
  OpenMedia,
  RenewOutcome,
  RtpParameters,
} from './session.ts';
import type { BindResult, MediaCommand, MediaReport } from './thread/messages.ts';

/** A place for one media thread; `worker` is null while there is none. */
export interface ThreadSlot {
  readonly index: number;
  worker: Worker | null;
  readonly sessions: Set<PoolSession>;
}

/** What a session needs of its pool. */
export interface SessionOwner {
  readonly rows: CounterRows;
  readonly clock: Clock;
  /** What the SDP says. */
  readonly localAddress: string;
  /** The session is over. */
  forget(session: PoolSession): void;
  /** Takes port pairs one after the other until `bind` has one that is free. */
  another(bind: (port: number) => Promise<BindOutcome>): Promise<{ readonly ok: true } | BindFailure>;
}

export interface SessionParts {
  readonly id: number;
  readonly slot: ThreadSlot;
  readonly row: number;
  readonly port: number;
  readonly onEvent: (event: MediaEvent) => void;
}

/** `lost`: the thread died before it answered. */
export type BindOutcome = BindResult | 'lost';

type OpenedReport = Extract<MediaReport, { type: 'opened' }>;

/** What both kinds of legs have in common; each says how it is opened in its thread. */
export abstract class PoolSession implements MediaSession {
  readonly id: number;
  readonly slot: ThreadSlot;
  readonly row: number;
  readonly localAddress: string;
  #localPort: number;
  /** Bound, and not yet given up: the pair is ours. */
  isOpen = false;

  readonly #owner: SessionOwner;
  readonly #onEvent: (event: MediaEvent) => void;
  readonly #worker: Worker;
  #lost = false;
  #opened: ((bound: BindOutcome) => void) | null = null;
  #renewed: ((bound: BindOutcome) => void) | null = null;
  #closing: Promise<CallQuality> | null = null;
  #closed: ((quality: CallQuality) => void) | null = null;
  #silent = false;
  readonly #connecting = new Map<number, (outcome: AgentConnectOutcome) => void>();
  readonly #asking = new Map<number, (outcome: DtmfOutcome) => void>();
  #nextRequest = 1;

  constructor(owner: SessionOwner, parts: SessionParts) {
    this.#owner = owner;
    this.id = parts.id;
    this.slot = parts.slot;
    this.row = parts.row;
    this.#onEvent = parts.onEvent;
    this.#localPort = parts.port;
    this.localAddress = owner.localAddress;
    this.#worker = parts.slot.worker!;
  }

  get localPort(): number {
    return this.#localPort;
  }

  open(): Promise<BindOutcome> {
    return new Promise((resolve) => {
      this.#opened = resolve;
      this.#post(this.openCommand());
    });
  }

  protected abstract openCommand(): MediaCommand;

  /** What the thread said of the opening. */
  protected onOpened(_report: OpenedReport): void {
    // A pair of sockets is bound or it is not.
  }

  connectAgent(dial: AgentDial): Promise<AgentConnectOutcome> {
    if (this.#lost || this.#closing !== null) return Promise.resolve(gone('the call has no media thread'));
    const request = this.#nextRequest++;
    this.#endConnecting('replaced by another agent');
    return new Promise((resolve) => {
      this.#connecting.set(request, resolve);
      this.#post({ type: 'connect-agent', session: this.id, request, dial });
    });
  }

  async renew(_signallingAddress: string | null): Promise<RenewOutcome> {
    return { ok: false, code: 'not_renewable' };
  }

  /** For `renew` of those that can be: one port is asked for at a time. */
  protected bindAnother(port: number, signallingAddress: string | null): Promise<BindOutcome> {
    if (this.#lost || this.#closing !== null) return Promise.resolve('lost');
    return new Promise((resolve) => {
      this.#renewed = resolve;
      this.#post({ type: 'renew', session: this.id, port, signallingAddress });
    });
  }

  negotiate(remote: RtpParameters): void {
    this.#post({ type: 'negotiate', session: this.id, remote });
  }

  startEarly(early: EarlyAudio): void {
    this.#post({ type: 'start-early', session: this.id, early });
  }

  start(): void {
    this.#post({ type: 'start', session: this.id });
  }

  notifyAgent(notice: AgentNotice): void {
    this.#post({ type: 'notify-agent', session: this.id, notice });
  }

  setPolicy(policy: MediaPolicy): void {
    this.#post({ type: 'policy', session: this.id, policy });
  }

  sendDtmf(keys: DtmfRequest): Promise<DtmfOutcome> {
    if (this.#lost || this.#closing !== null) return Promise.resolve('gone');
    const request = this.#nextRequest++;
    return new Promise((resolve) => {
      this.#asking.set(request, resolve);
      this.#post({ type: 'send-dtmf', session: this.id, request, keys });
    });
  }

  heardDtmf(key: string): void {
    this.#post({ type: 'heard-dtmf', session: this.id, key });
  }

  close(): Promise<CallQuality> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  onReport(report: Exclude<MediaReport, { type: 'port-free' | 'running' }>): void {
    switch (report.type) {
      case 'opened':
        this.onOpened(report);
        this.isOpen = report.bound === 'ok';
        this.#opened?.(report.bound);
        this.#opened = null;
        break;
      case 'renewed':
        if (report.bound === 'ok') this.#localPort = report.port;
        this.#renewed?.(report.bound);
        this.#renewed = null;
        break;
      case 'agent-connected':
        this.#connecting.get(report.request)?.(report.outcome);
        this.#connecting.delete(report.request);
        break;
      case 'dtmf-asked':
        this.#asking.get(report.request)?.(report.outcome);
        this.#asking.delete(report.request);
        break;
      case 'event':
        if (!this.#silent) this.#onEvent(report.event);
        break;
      case 'closed':
        this.#closed?.(report.quality);
        break;
    }
  }

  threadLost(): void {
    this.#lost = true;
    this.isOpen = false;
    this.#opened?.('lost');
    this.#opened = null;
    this.#renewed?.('lost');
    this.#renewed = null;
    this.#endConnecting('the media thread was lost');
    this.#endAsking();
    this.#closed?.(this.#owner.rows.quality(this.row));
    if (!this.#silent) {
      this.#onEvent({ type: 'thread-lost', atMs: this.#owner.clock.monotonicMs() });
    }
  }

  async #close(): Promise<CallQuality> {
    const quality = this.#lost
      ? this.#owner.rows.quality(this.row)
      : await new Promise<CallQuality>((resolve) => {
          this.#closed = resolve;
          this.#post({ type: 'close', session: this.id });
        });
    this.#silent = true;
    // Its pair is not ours any more; it rests as that of a lost thread does.
    this.#renewed?.('lost');
    this.#renewed = null;
    this.#endConnecting('the call was closed');
    this.#endAsking();
    this.isOpen = false;
    this.#owner.forget(this);
    this.#owner.rows.release(this.row);
    return quality;
  }

  #endConnecting(detail: string): void {
    for (const resolve of this.#connecting.values()) resolve(gone(detail));
    this.#connecting.clear();
  }

  #endAsking(): void {
    for (const resolve of this.#asking.values()) resolve('gone');
    this.#asking.clear();
  }

  #post(command: MediaCommand): void {
    if (!this.#lost) this.#worker.postMessage(command);
  }
}

/** The leg of a carrier: a pair of UDP sockets. */
export class CarrierSession extends PoolSession {
  readonly #params: OpenMedia;
  readonly #pool: SessionOwner;

  constructor(owner: SessionOwner, parts: SessionParts, params: OpenMedia) {
    super(owner, parts);
    this.#params = params;
    this.#pool = owner;
  }

  override renew(signallingAddress: string | null): Promise<RenewOutcome> {
    return this.#pool.another((port) => this.bindAnother(port, signallingAddress));
  }

  protected openCommand(): MediaCommand {
    const { callId, natAllowed, signallingAddress, timeouts } = this.#params;
    const { id: session, row, localPort: port } = this;
    return { type: 'open', session, callId, row, port, natAllowed, signallingAddress, timeouts };
  }
}

function gone(detail: string): AgentConnectOutcome {
  return { ok: false, failure: { code: 'agent_broken', detail } };
}
