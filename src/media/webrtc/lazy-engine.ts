// The engine of a media thread, loaded at its first browser's leg: a node without test calls pays neither memory nor start-up time.
//
// L1. `open` never rejects: an engine that cannot be loaded is told as a leg that cannot be opened, and tried again for the next.

import type {
  OpenedEndpoint,
  WebRtcEndpointHost,
  WebRtcEndpointParams,
  WebRtcEngine,
  WebRtcEngineOptions,
} from './endpoint.ts';
import type { WebRtcEngineChoice } from './choose.ts';

export class LazyEngine implements WebRtcEngine {
  readonly #choice: WebRtcEngineChoice;
  readonly #options: WebRtcEngineOptions;
  #engine: Promise<WebRtcEngine> | null = null;

  constructor(choice: WebRtcEngineChoice, options: WebRtcEngineOptions) {
    this.#choice = choice;
    this.#options = options;
  }

  async open(params: WebRtcEndpointParams, host: WebRtcEndpointHost): Promise<OpenedEndpoint> {
    try {
      this.#engine ??= this.#load();
      const engine = await this.#engine;
      return await engine.open(params, host);
    } catch (error) {
      return { ok: false, code: 'failed', detail: error instanceof Error ? error.message : String(error) };
    }
  }

  async close(): Promise<void> {
    const engine = this.#engine;
    this.#engine = null;
    await engine?.then(
      (loaded) => loaded.close(),
      () => undefined,
    );
  }

  #load(): Promise<WebRtcEngine> {
    const loading = this.#import();
    loading.catch(() => {
      if (this.#engine === loading) this.#engine = null;
    });
    return loading;
  }

  async #import(): Promise<WebRtcEngine> {
    if (this.#choice.engine === 'werift') {
      const { createWeriftEngine } = await import('./werift/engine.ts');
      return createWeriftEngine(this.#options);
    }
    if (this.#choice.engine === 'mediasoup') {
      const { createMediasoupEngine } = await import('./mediasoup/engine.ts');
      return createMediasoupEngine(this.#options, this.#choice.workerBin);
    }
    throw new Error('this node serves no browsers');
  }
}
