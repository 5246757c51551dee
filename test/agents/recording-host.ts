import type { DtmfRequest } from '../../src/domain/dtmf.ts';
import type { AgentAsk, AgentDial, AgentFailure, AgentStreamHost } from '../../src/media/agent-stream.ts';

/** The media side of a stream, as a list of what it was told. */
export class RecordingHost implements AgentStreamHost {
  readonly events: string[] = [];
  readonly heard: Buffer[] = [];
  aliveCount = 0;
  malformedCount = 0;
  droppedCount = 0;
  readonly readyPromise: Promise<void>;
  readonly endedPromise: Promise<AgentFailure | null>;
  readonly #watchers = new Set<() => void>();
  #resolveReady!: () => void;
  #resolveEnded!: (failure: AgentFailure | null) => void;

  constructor() {
    this.readyPromise = new Promise((resolve) => {
      this.#resolveReady = resolve;
    });
    this.endedPromise = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
  }

  ready(): void {
    this.#saw('ready');
    this.#resolveReady();
  }

  ended(failure: AgentFailure | null): void {
    this.#saw(failure ? `ended ${failure.code}` : 'ended');
    this.#resolveEnded(failure);
  }

  audio(bytes: Buffer, start: number, end: number): void {
    this.heard.push(Buffer.from(bytes.subarray(start, end)));
    this.#saw(`audio ${end - start}`);
  }

  mark(name: string): void {
    this.#saw(`mark ${name}`);
  }

  clear(): void {
    this.#saw('clear');
  }

  ask(ask: AgentAsk): void {
    this.#saw(`ask ${JSON.stringify(ask)}`);
  }

  sendDtmf({ text, toneMs, gapMs }: DtmfRequest): void {
    this.#saw(`dtmf ${text} ${toneMs}/${gapMs}`);
  }

  alive(): void {
    this.aliveCount++;
    this.#look();
  }

  malformed(): void {
    this.malformedCount++;
    this.#saw('malformed');
  }

  dropped(): void {
    this.droppedCount++;
  }

  /** Resolves as soon as `fits` holds; looked at after each callback. */
  until(fits: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const watcher = (): void => {
        if (!fits()) return;
        this.#watchers.delete(watcher);
        resolve();
      };
      this.#watchers.add(watcher);
      watcher();
    });
  }

  #saw(event: string): void {
    this.events.push(event);
    this.#look();
  }

  #look(): void {
    for (const watcher of this.#watchers) watcher();
  }
}

export function dialTo(url: string, overrides: Partial<AgentDial> = {}): AgentDial {
  return {
    protocol: 'twilio',
    url,
    headers: { 'User-Agent': 'Callin/1.0' },
    codec: 'PCMU',
    readyTimeoutMs: 5_000,
    callId: 'call_abc',
    accountId: 'ws_demo',
    customParameters: {},
    extensionEvents: false,
    ...overrides,
  };
}
