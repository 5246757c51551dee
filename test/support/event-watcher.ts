// Reads a stream of server-sent events as a browser does, to the end of it.

export async function openWatcher(url: string, headers: Readonly<Record<string, string>>): Promise<Watcher> {
  const leave = new AbortController();
  return new Watcher(await fetch(url, { headers, signal: leave.signal }), leave);
}

export interface Seen {
  readonly id: string | undefined;
  readonly name: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into events of every shape.
  readonly data: any;
}

export class Watcher {
  readonly status: number;
  readonly headers: Headers;
  readonly seen: Seen[] = [];
  text = '';
  ended = false;
  readonly #leave: AbortController;
  #wake: (() => void) | null = null;

  constructor(response: Response, leave: AbortController) {
    this.status = response.status;
    this.headers = response.headers;
    this.#leave = leave;
    void this.#read(response);
  }

  /** Resolves when this holds; the test's own time limit is the only one. */
  async until(holds: (watcher: Watcher) => boolean): Promise<void> {
    while (!holds(this)) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  leave(): void {
    this.#leave.abort();
  }

  get names(): string[] {
    return this.seen.map(({ name }) => name);
  }

  async #read(response: Response): Promise<void> {
    const decoder = new TextDecoder();
    try {
      for await (const chunk of response.body ?? []) {
        this.text += decoder.decode(chunk, { stream: true });
        this.#parse();
        this.#wake?.();
      }
    } catch (error) {
      if (!this.#leave.signal.aborted && !(error instanceof TypeError)) throw error;
    }
    this.ended = true;
    this.#wake?.();
  }

  #parse(): void {
    const blocks = this.text.split('\n\n').slice(0, -1);
    const events = blocks.filter((block) => !block.startsWith(':'));
    for (const block of events.slice(this.seen.length)) {
      const fields = Object.fromEntries(
        block.split('\n').map((line) => [line.split(': ', 1)[0], line.slice(line.indexOf(': ') + 2)]),
      );
      this.seen.push({ id: fields['id'], name: fields['event'] ?? '', data: JSON.parse(fields['data'] ?? 'null') });
    }
  }
}
