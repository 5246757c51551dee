// All trunks at once, for matching the source of a call: kept, with the token of the last change to any of them. Each question asks for the
// token alone; where it is another one, all trunks are read again. Nodes without calls look for a change every POLL_MS.

import type { Clock, Timer } from '../../domain/clock.ts';
import type { Trunk } from '../../domain/directory.ts';
import type { FiledStore } from './filed-store.ts';
import { ALL } from './filing.ts';
import type { RedisTable } from './redis-table.ts';

export interface AllTrunksOptions {
  readonly store: FiledStore;
  readonly trunks: Pick<RedisTable<Trunk>, 'page'>;
  readonly clock: Clock;
  /** Some trunk is another one than this node knew, whoever wrote it. */
  readonly onChanged: () => void;
}

const POLL_MS = 500;
const PAGE = 1_000;

export class AllTrunks {
  readonly #options: AllTrunksOptions;
  #known: { readonly token: string | null; readonly trunks: readonly Trunk[] } | null = null;
  /** Calls that come together read them once. */
  #reading: { readonly token: string | null; readonly done: Promise<readonly Trunk[]> } | null = null;
  /** The last change that `onChanged` was told of; undefined: none was looked at yet. */
  #told: string | null | undefined = undefined;
  #timer: Timer | null = null;
  #isClosed = false;

  constructor(options: AllTrunksOptions) {
    this.#options = options;
  }

  /** What changes from here on is told. */
  async start(): Promise<void> {
    await this.look();
    this.#arm();
  }

  async get(): Promise<readonly Trunk[]> {
    const token = await this.#options.store.changeOf('trunks');
    if (this.#known !== null && this.#known.token === token) return this.#known.trunks;
    if (this.#reading === null || this.#reading.token !== token) this.#reading = { token, done: this.#read(token) };
    const reading = this.#reading;
    return await reading.done.finally(() => {
      if (this.#reading === reading) this.#reading = null;
    });
  }

  /** Tells of what this node wrote without waiting for the next look. */
  async look(): Promise<void> {
    const token = await this.#options.store.changeOf('trunks');
    const isNew = this.#told !== undefined && this.#told !== token;
    this.#told = token;
    if (isNew) this.#options.onChanged();
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }

  /** The token comes first: a write after it is seen at the next question. */
  async #read(token: string | null): Promise<readonly Trunk[]> {
    const trunks: Trunk[] = [];
    let cursor: string | undefined;
    do {
      const page = await this.#options.trunks.page({ place: ALL }, { limit: PAGE, ...(cursor && { cursor }) });
      trunks.push(...page.items);
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
    this.#known = { token, trunks };
    return trunks;
  }

  #arm(): void {
    if (this.#isClosed) return;
    this.#timer = this.#options.clock.setTimer(() => {
      // Redis that is away is told of by its connection; what changed meanwhile is found by the first look that succeeds.
      this.look()
        .catch(() => undefined)
        .finally(() => this.#arm());
    }, POLL_MS);
  }
}
