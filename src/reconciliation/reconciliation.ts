// Reconciliation of carriers' call records with ours: what the API and the metrics use.
//
// Invariants
//   A1. An import is known by its content, carrier, trunk, mapping and range: the same again answers with the first report.
//   A2. One import or sweep at a time; few may wait.
//   A3. What is older than a file may bring is forgotten, but for open exceptions.
//   A4. Money moves in two ways only: by the meter's own corrections, and by an adjustment that a person asks for with a resolution.

import { createHash } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import type { Page, PageOf } from '../directory/directory.ts';
import type { Trunk } from '../domain/directory.ts';
import type { Books } from '../ledger/books.ts';
import { openDatabase } from '../storage/sqlite.ts';
import { ReconciliationBusyError, TrunkNotReconcilableError, TrunkUnknownError } from './errors.ts';
import type { Scope, StoredException } from './exception.ts';
import type { ExceptionFilter, OpenCount } from './exception-store.ts';
import { type ImportFile, type ImportReport, importFile } from './import.ts';
import { LIMITS } from './limits.ts';
import { type CarrierMapping, loadMapping } from './mapping.ts';
import { RECONCILIATION_MIGRATIONS } from './migrations.ts';
import type { TimeRange } from './read-file.ts';
import { decodeReport } from './report.ts';
import { finishBegun, type ResolveRequest, resolveException } from './resolve.ts';
import type { RunDeps } from './run.ts';
import { ReconciliationStore, type StoredImport } from './store.ts';
import { type ScopeSweep, sweepScope } from './sweep.ts';

export interface ImportRequest extends Scope {
  readonly fileName: string;
  readonly content: Uint8Array;
  /** Only rows of this time; the file is taken to cover all of it. null: from its first row to its last. */
  readonly range: TimeRange | null;
  /** One bad row, and nothing is imported. */
  readonly strict: boolean;
  /** Tells what it would do, and changes nothing. */
  readonly dryRun: boolean;
}

export interface ImportSummary extends Omit<StoredImport, 'report'> {
  /** null: interrupted; the same file again completes it. */
  readonly report: ImportReport | null;
  readonly state: 'complete' | 'interrupted' | 'tried';
  /** The same was imported before; this is the first report. */
  readonly isRepeated: boolean;
}

export interface Reconciliation {
  /** Rejects with a ReconciliationError (errors.ts); then nothing was changed. */
  import(request: ImportRequest): Promise<ImportSummary>;
  /** Newest first. */
  imports(page: Page): PageOf<ImportSummary>;
  importById(id: string): ImportSummary | undefined;
  /** Newest first, by the instant of the record or call. */
  exceptions(filter: ExceptionFilter & Page): PageOf<StoredException>;
  exceptionById(id: string): StoredException | undefined;
  /** Undefined: no such exception. Rejects with ResolutionConflictError where it was resolved otherwise. */
  resolve(id: string, request: ResolveRequest): Promise<StoredException | undefined>;
  /** Tries unmatched records again and looks for calls that the carrier has no record of, a day after their end. */
  sweep(): Promise<readonly ScopeSweep[]>;
  /** Open exceptions by kind. */
  openCounts(): readonly OpenCount[];
  /** Waits for what is running. Idempotent. */
  close(): Promise<void>;
}

export interface ReconciliationDeps extends Omit<RunDeps, 'store'> {
  /** Path of the SQLite file, or `:memory:`. */
  readonly path: string;
  /** Folder of the mapping files. */
  readonly carriersFolder: string;
  readonly books: Pick<Books, 'settle'>;
  readonly trunk: (id: string) => Promise<Trunk | undefined>;
  /** No call lasts longer, set-up and ringing included. */
  readonly callMaxMs: number;
  /** Wall clock. */
  readonly nowMs: () => number;
}

export function openReconciliation(deps: ReconciliationDeps): Reconciliation {
  return new Reconciler(deps);
}

class Reconciler implements Reconciliation {
  readonly #deps: ReconciliationDeps;
  readonly #database: ReturnType<typeof openDatabase>;
  readonly #store: ReconciliationStore;
  #running: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(deps: ReconciliationDeps) {
    this.#deps = deps;
    this.#database = openDatabase(deps.path, RECONCILIATION_MIGRATIONS);
    this.#store = new ReconciliationStore(this.#database);
  }

  import(request: ImportRequest): Promise<ImportSummary> {
    return this.#alone(() => this.#import(request));
  }

  imports(page: Page): PageOf<ImportSummary> {
    const { items, nextCursor } = this.#store.listImports(page);
    return { items: items.map((item) => summaryOf(item)), nextCursor };
  }

  importById(id: string): ImportSummary | undefined {
    const found = this.#store.findImport(id);
    return found === undefined ? undefined : summaryOf(found);
  }

  exceptions(filter: ExceptionFilter & Page): PageOf<StoredException> {
    return this.#store.exceptions.list(filter);
  }

  exceptionById(id: string): StoredException | undefined {
    return this.#store.exceptions.get(id);
  }

  resolve(id: string, request: ResolveRequest): Promise<StoredException | undefined> {
    return resolveException(this.#resolving(), id, request);
  }

  sweep(): Promise<readonly ScopeSweep[]> {
    return this.#alone(async () => {
      await finishBegun(this.#resolving());
      const { nowMs } = this.#deps;
      while (this.#store.forget(nowMs() - LIMITS.ageMsMax, LIMITS.forgottenPerTurn)) await turn();
      const swept: ScopeSweep[] = [];
      for (const scope of this.#store.scopes()) {
        const mapping = (carrier: string) => loadMapping(this.#deps.carriersFolder, carrier);
        swept.push(await sweepScope({ ...this.#deps, store: this.#store, mapping }, scope, nowMs()));
      }
      return swept;
    });
  }

  openCounts(): readonly OpenCount[] {
    return this.#store.exceptions.openCounts();
  }

  async close(): Promise<void> {
    await this.#running;
    if (this.#database.isOpen) this.#database.close();
  }

  async #import(request: ImportRequest): Promise<ImportSummary> {
    const { carrier, trunkId, content, range, dryRun } = request;
    const mapping = loadMapping(this.#deps.carriersFolder, carrier);
    await this.#checkTrunk(trunkId, mapping);
    const sha256 = createHash('sha256').update(content).digest('hex');
    const identity = [carrier, trunkId, sha256, mapping.version, range?.fromMs ?? '', range?.toMs ?? ''].join('\n');
    const id = `imp_${createHash('sha256').update(identity).digest('hex').slice(0, 24)}`;
    const known = this.#store.findImport(id);
    if (known !== undefined && known.report !== null && !dryRun) return { ...summaryOf(known), isRepeated: true };
    const nowMs = this.#deps.nowMs();
    const file: ImportFile = { ...request, id, sha256, mapping };
    const { report, covers } = await importFile({ ...this.#deps, store: this.#store }, file, nowMs);
    const { fileName } = request;
    const item = { id, receivedAt: nowMs, carrier, trunkId, fileName, sha256, mapping: mapping.version, range: covers };
    return { ...item, report, state: dryRun ? 'tried' : 'complete', isRepeated: false };
  }

  /** Managed trunks are ours to reconcile; a customer's own only where the mapping names it. */
  async #checkTrunk(trunkId: string, mapping: CarrierMapping): Promise<void> {
    if (mapping.trunks.includes(trunkId)) return;
    const trunk = await this.#deps.trunk(trunkId);
    if (trunk === undefined) throw new TrunkUnknownError('no such trunk');
    if (trunk.kind !== 'managed')
      throw new TrunkNotReconcilableError('the trunk is a customer’s own, and the mapping does not name it');
  }

  #resolving() {
    return { exceptions: this.#store.exceptions, books: this.#deps.books, nowMs: this.#deps.nowMs };
  }

  /** A2. */
  async #alone<T>(work: () => Promise<T>): Promise<T> {
    if (this.#waiting >= LIMITS.waitingMax) throw new ReconciliationBusyError('too many imports wait already');
    this.#waiting += 1;
    const before = this.#running;
    const done = Promise.withResolvers<void>();
    this.#running = done.promise;
    try {
      await before;
      return await work();
    } finally {
      this.#waiting -= 1;
      done.resolve();
    }
  }
}

function summaryOf({ report, ...item }: StoredImport): ImportSummary {
  return {
    ...item,
    report: report === null ? null : decodeReport<ImportReport>(report),
    state: report === null ? 'interrupted' : 'complete',
    isRepeated: false,
  };
}
