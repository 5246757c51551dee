// Keeps the facts of live dialogs written down, and hangs up on those that nobody lives for any more (orphans.ts).

import type { Clock } from '../domain/clock.ts';
import { type DialogFacts, type DialogLog, hangUpOrphans, type OrphanParts } from './orphans.ts';

export type NewDialog = Omit<DialogFacts, 'id' | 'openedAtMs'> & {
  readonly localTag: string;
  readonly remoteTag: string;
};

export interface DialogKeeperOptions {
  readonly clock: Clock;
  /** null: they are kept in memory only, for the case that the engine is lost. */
  readonly log: DialogLog | null;
  readonly send: OrphanParts['send'];
  readonly report: (dialogs: number, ended: number) => void;
}

export class DialogKeeper {
  readonly #options: DialogKeeperOptions;
  readonly #live = new Map<string, DialogFacts>();
  readonly #orphans = new Map<string, DialogFacts>();

  constructor(options: DialogKeeperOptions) {
    this.#options = options;
    for (const dialog of options.log?.left() ?? []) this.#orphans.set(dialog.id, dialog);
  }

  /** Returns what crosses it out. */
  opened({ localTag, remoteTag: _, ...facts }: NewDialog): () => void {
    const id = `${facts.callId}|${localTag}`;
    const dialog = { id, openedAtMs: this.#options.clock.wallMs(), ...facts };
    this.#live.set(id, dialog);
    this.#options.log?.opened(dialog);
    return () => {
      if (this.#live.delete(id)) this.#options.log?.closed(id);
    };
  }

  /** The engine is gone, and with it the way to hang up: to be told before the legs are. */
  lost(): void {
    for (const [id, dialog] of this.#live) this.#orphans.set(id, dialog);
    this.#live.clear();
  }

  /** There is an engine again. */
  connected(): void {
    const dialogs = [...this.#orphans.values()];
    this.#orphans.clear();
    if (dialogs.length === 0) return;
    const { clock, log, send, report } = this.#options;
    const done = ({ id }: DialogFacts) => log?.closed(id);
    void hangUpOrphans(dialogs, { clock, send, done }).then(({ ended }) => report(dialogs.length, ended));
  }
}
