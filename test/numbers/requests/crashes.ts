import type { Directory } from '../../../src/directory/directory.ts';
import type { RecordStore, StoredRecord } from '../../../src/directory/records.ts';
import type { Books } from '../../../src/ledger/books.ts';

// A process that ends at its n-th step towards a store: just before the step took effect, or just after, without learning that it did. Nothing of it
// happens after that.

export class Crash extends Error {
  constructor() {
    super('the process has ended');
  }
}

export interface CrashPlan {
  /** From 1. */
  readonly atStep: number;
  readonly when: 'before' | 'after';
}

export class Process {
  readonly #plan: CrashPlan | null;
  readonly #steps: string[] = [];
  #isDead = false;

  constructor(plan: CrashPlan | null) {
    this.#plan = plan;
  }

  get steps(): readonly string[] {
    return this.#steps;
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  /** Every method that answers a promise becomes a step. */
  wrap<T extends object>(name: string, target: T): T {
    return new Proxy(target, {
      get: (inner, key) => {
        const value: unknown = Reflect.get(inner, key);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]) =>
          this.step(`${name}.${String(key)}`, () => Reflect.apply(value, inner, args) as Promise<unknown>);
      },
    });
  }

  async step<R>(name: string, effect: () => Promise<R>): Promise<R> {
    if (this.#isDead) throw new Crash();
    this.#steps.push(name);
    const isIt = this.#steps.length === this.#plan?.atStep;
    if (isIt && this.#plan?.when === 'before') return this.#die();
    const result = await effect();
    return isIt ? this.#die() : result;
  }

  directory(directory: Directory): Directory {
    return {
      ...directory,
      numbers: this.wrap('numbers', directory.numbers),
      workspaces: this.wrap('workspaces', directory.workspaces),
      trunks: this.wrap('trunks', directory.trunks),
      records: <T extends StoredRecord>(kind: Parameters<Directory['records']>[0]) =>
        this.wrap(kind.name, directory.records(kind)) as unknown as RecordStore<T>,
    } as Directory;
  }

  books(books: Books): Books {
    return this.wrap('books', books);
  }

  #die(): never {
    this.#isDead = true;
    throw new Crash();
  }
}
