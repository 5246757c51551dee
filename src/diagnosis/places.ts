// How many checks run at once: they are made of waiting, but each holds sockets and asks somebody else's machine.

export class Places {
  readonly #perWorkspace: number;
  readonly #inAll: number;
  readonly #taken = new Map<string, number>();
  #all = 0;

  constructor(perWorkspace: number, inAll: number) {
    this.#perWorkspace = perWorkspace;
    this.#inAll = inAll;
  }

  /** A function that gives the place back, once; undefined where none is free. `workspaceId` null = the operator's. */
  take(workspaceId: string | null): (() => void) | undefined {
    const key = workspaceId ?? '';
    const mine = this.#taken.get(key) ?? 0;
    if (mine >= this.#perWorkspace || this.#all >= this.#inAll) return undefined;
    this.#taken.set(key, mine + 1);
    this.#all += 1;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#all -= 1;
      const left = (this.#taken.get(key) ?? 1) - 1;
      if (left === 0) this.#taken.delete(key);
      else this.#taken.set(key, left);
    };
  }
}
