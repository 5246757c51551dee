// Hot path: the call's side of one agent stream. One dial, one life:
//
//   state     ready            ended(failure)                      audio, mark, clear…     close (from the call)
//   dialling  -> ready, ok     -> over, outcome = the failure      ignored                 -> over
//   ready     ignored          -> over, closed or lost             passed to the call      -> over
//   over      ignored          ignored                             ignored                 ignored
//
// K1. `done` is called exactly once, unless the call closes the link while it dials.
// K2. A stream that throws is broken: it is closed and reported like one that broke on the wire.

import type { DtmfRequest } from '../../domain/dtmf.ts';
import type {
  AgentAsk,
  AgentDial,
  AgentFailure,
  AgentNotice,
  AgentStream,
  AgentStreamFactory,
  AgentStreamHost,
} from '../agent-stream.ts';
import type { AgentConnectOutcome } from '../session.ts';

export interface AgentLinkOwner {
  /** Returns the instant of attachment, monotonic ms. */
  agentReady(link: AgentLink): number;
  agentEnded(link: AgentLink, failure: AgentFailure | null): void;
  agentAudio(bytes: Buffer, start: number, end: number): void;
  agentMark(name: string): void;
  agentClear(): void;
  agentAsked(ask: AgentAsk): void;
  agentKeys(request: DtmfRequest): void;
  agentAlive(): void;
  agentMalformed(): void;
  agentDropped(): void;
}

type State = 'dialling' | 'ready' | 'over';

export class AgentLink implements AgentStreamHost {
  /** True from the upgrade on, also after the end. */
  wasReady = false;

  readonly #owner: AgentLinkOwner;
  readonly #dial: AgentDial;
  readonly #dialledMs: number;
  readonly #done: (outcome: AgentConnectOutcome) => void;
  #stream: AgentStream | null = null;
  #state: State = 'dialling';
  #started = false;

  constructor(owner: AgentLinkOwner, dial: AgentDial, dialledMs: number, done: (outcome: AgentConnectOutcome) => void) {
    this.#owner = owner;
    this.#dial = dial;
    this.#dialledMs = dialledMs;
    this.#done = done;
  }

  dial(create: AgentStreamFactory): void {
    try {
      this.#stream = create(this.#dial, this);
    } catch (error) {
      this.ended(broken(error));
    }
  }

  // From the call to the stream.

  start(): void {
    if (this.#state !== 'ready' || this.#started) return;
    this.#started = true;
    try {
      this.#stream?.start();
    } catch (error) {
      this.#broke(error);
    }
  }

  hear(bytes: Buffer, start: number, end: number, timestampMs: number): void {
    if (!this.#started || this.#state !== 'ready') return;
    try {
      this.#stream?.audio(bytes, start, end, timestampMs);
    } catch (error) {
      this.#broke(error);
    }
  }

  key(digit: string): void {
    if (!this.#started || this.#state !== 'ready') return;
    try {
      this.#stream?.dtmf(digit);
    } catch (error) {
      this.#broke(error);
    }
  }

  notify(notice: AgentNotice): void {
    if (!this.#started || this.#state !== 'ready') return;
    try {
      this.#stream?.notify(notice);
    } catch (error) {
      this.#broke(error);
    }
  }

  markPlayed(name: string): void {
    if (this.#state !== 'ready') return;
    try {
      this.#stream?.markPlayed(name);
    } catch (error) {
      this.#broke(error);
    }
  }

  tick(nowMs: number): void {
    if (this.#state === 'over') return;
    try {
      this.#stream?.tick(nowMs);
    } catch (error) {
      this.#broke(error);
    }
  }

  close(): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    this.#closeStream();
  }

  // From the stream to the call (AgentStreamHost).

  ready(): void {
    if (this.#state !== 'dialling') return;
    this.#state = 'ready';
    this.wasReady = true;
    const attachedAtMs = this.#owner.agentReady(this);
    this.#done({ ok: true, attachedAtMs, connectMs: attachedAtMs - this.#dialledMs });
  }

  ended(failure: AgentFailure | null): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    this.#owner.agentEnded(this, failure);
    if (this.wasReady) return;
    this.#done({ ok: false, failure: failure ?? { code: 'agent_broken', detail: 'closed before it was ready' } });
  }

  audio(bytes: Buffer, start: number, end: number): void {
    if (this.#state === 'ready') this.#owner.agentAudio(bytes, start, end);
  }

  mark(name: string): void {
    if (this.#state === 'ready') this.#owner.agentMark(name);
  }

  clear(): void {
    if (this.#state === 'ready') this.#owner.agentClear();
  }

  ask(ask: AgentAsk): void {
    if (this.#started && this.#state === 'ready') this.#owner.agentAsked(ask);
  }

  sendDtmf(request: DtmfRequest): void {
    if (this.#state === 'ready') this.#owner.agentKeys(request);
  }

  alive(): void {
    if (this.#state !== 'over') this.#owner.agentAlive();
  }

  malformed(): void {
    if (this.#state !== 'over') this.#owner.agentMalformed();
  }

  dropped(): void {
    if (this.#state !== 'over') this.#owner.agentDropped();
  }

  #broke(error: unknown): void {
    if (this.#state === 'over') return;
    this.ended(broken(error));
    this.#closeStream();
  }

  #closeStream(): void {
    try {
      this.#stream?.close();
    } catch (error) {
      // Already over: the failure that matters was reported, and the socket's owner is the one that failed to let go.
      void error;
    }
  }
}

function broken(error: unknown): AgentFailure {
  return { code: 'agent_broken', detail: error instanceof Error ? error.message : String(error) };
}
