// Runs of set-ups: a trunk is made at a provider, its numbers are connected, or all of it is undone; step by step, to be watched.
//
//   phase          event                          next
//   new, undone    run provision                  provisioning
//   provisioning   all steps done                 ready: there is a trunk of ours
//   provisioning   a step failed                  stopped, with the failure; run provision goes on, run undo takes down
//   ready          run provision, run connect     provisioning
//   any            run undo                       undoing
//   undoing        all gone                       undone: no trunk of ours, no numbers
//   undoing        a step failed                  stopped
//
// Invariants
//   SU1. One run at a time per account: a run is claimed in the record, in one atomic step, by a node.
//   SU2. A run outlives its process: the record says that it is under way, and the next start of the node goes on with it (every step looks
//        before it makes). A node that is closing leaves it so.
//   SU3. Our trunk exists only after the provider's was read back.

import type { Directory } from '../../directory/directory.ts';
import { RecordInUse } from '../../directory/errors.ts';
import type { RecordStore } from '../../directory/records.ts';
import type { Clock } from '../../domain/clock.ts';
import type { Ids } from '../../domain/ids.ts';
import {
  newTrunkRecord,
  type Outcome,
  type ProviderAccount,
  type ProviderFailure,
  type ReadyTrunk,
  type TrunkRecord,
  type TrunkRun,
} from '../../providers/index.ts';
import { failureOfProvider, type NumberFailure, NumbersError, refuse } from '../failure.ts';
import type { NumberLog } from '../log.ts';
import { each } from '../work.ts';
import type { AccountRecord, ImportRecord, RunKind, SetupRecord, SetupStep } from './account.ts';
import { connectImports, detachImports } from './imports.ts';
import { NUMBERS_STEP, Progress } from './progress.ts';
import { type PublicGateway, planOf, trunkOf } from './trunk.ts';

export interface SetupDeps {
  readonly accounts: RecordStore<AccountRecord>;
  readonly imports: RecordStore<ImportRecord>;
  readonly directory: Pick<Directory, 'numbers' | 'trunks'>;
  /** Throws NumbersError where the credentials cannot be any. */
  readonly open: (account: AccountRecord) => ProviderAccount;
  readonly gateway: PublicGateway;
  readonly nodeId: string;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: NumberLog;
}

export type RunOptions = Partial<Pick<SetupRecord, 'allowedCountries' | 'acceptGone'>>;

/** Longer than any step is silent. */
const SILENT_MS = 300_000;

export class Setups {
  readonly #deps: SetupDeps;
  readonly #running = new Map<string, Promise<void>>();
  readonly #stop = new AbortController();

  constructor(deps: SetupDeps) {
    this.#deps = deps;
  }

  /** Claims and begins; resolves with the account as it is then. Throws NumbersError `setup_running`. */
  async start(accountId: string, kind: RunKind, options: RunOptions = {}): Promise<AccountRecord> {
    const { accounts, nodeId, clock } = this.#deps;
    let isClaimed = false;
    const account = await accounts.update(accountId, (known) => {
      isClaimed = !this.#isBusy(known);
      if (!isClaimed) return known;
      const run = { kind, nodeId, aliveAt: clock.wallMs() };
      const phase = kind === 'undo' ? 'undoing' : 'provisioning';
      const { acceptGone = false, ...rest } = options;
      const steps = kind === 'connect' && readyTrunkOf(known) !== null ? known.setup.steps : [];
      return { ...known, setup: { ...known.setup, ...rest, acceptGone, run, phase, steps, failure: null } };
    });
    if (account === undefined) return refuse('not_found');
    if (!isClaimed) return refuse('setup_running');
    this.#begin(account);
    return account;
  }

  /** The run of this process; undefined = there is none. */
  running(accountId: string): Promise<void> | undefined {
    return this.#running.get(accountId);
  }

  /** SU2: those of this node, and those that were not heard of. */
  async resume(): Promise<void> {
    const { accounts, nodeId, clock } = this.#deps;
    for await (const { id, setup } of each(accounts, { running: 'yes' })) {
      const isLeft = setup.run !== null && (setup.run.nodeId === nodeId || this.#isSilent(setup));
      if (!isLeft || this.#running.has(id)) continue;
      const claimed = await accounts.update(id, (known) =>
        known.setup.run === null
          ? known
          : { ...known, setup: { ...known.setup, run: { ...known.setup.run, nodeId, aliveAt: clock.wallMs() } } },
      );
      if (claimed !== undefined && claimed.setup.run !== null) this.#begin(claimed);
    }
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await Promise.allSettled(this.#running.values());
  }

  /** Is something done to it now, here or elsewhere? */
  #isBusy({ id, setup }: AccountRecord): boolean {
    return this.#running.has(id) || (setup.run !== null && !this.#isSilent(setup));
  }

  #isSilent({ run }: SetupRecord): boolean {
    return run !== null && this.#deps.clock.wallMs() - run.aliveAt > SILENT_MS;
  }

  #begin(account: AccountRecord): void {
    const run = new SetupRun(this.#deps, account, this.#stop.signal);
    const done = run.perform().finally(() => this.#running.delete(account.id));
    this.#running.set(account.id, done);
  }
}

/** The provider's and ours. */
interface BothTrunks {
  readonly providerTrunkId: string;
  readonly trunkId: string;
}

function readyTrunkOf({ setup, trunkId }: AccountRecord): BothTrunks | null {
  const { providerTrunkId } = setup;
  return providerTrunkId === null || trunkId === null ? null : { providerTrunkId, trunkId };
}

class SetupRun {
  readonly #deps: SetupDeps;
  readonly #account: AccountRecord;
  readonly #signal: AbortSignal;
  /** Writes of steps, in their order. */
  #saved: Promise<void> = Promise.resolve();

  constructor(deps: SetupDeps, account: AccountRecord, signal: AbortSignal) {
    this.#deps = deps;
    this.#account = account;
    this.#signal = signal;
  }

  /** Never rejects. */
  async perform(): Promise<void> {
    const { log } = this.#deps;
    const { id, provider, setup } = this.#account;
    const kind = setup.run?.kind ?? 'provision';
    try {
      const failure = await this.#failureOf(kind);
      await this.#saved;
      // SU2: the process is ending, and the run goes on with the next one.
      if (this.#signal.aborted && failure !== null) return;
      await this.#end(kind, failure);
      const code = failure?.code ?? null;
      log[code === null ? 'info' : 'warn'](
        { accountId: id, provider, kind, code },
        'the set-up of a provider’s trunk ended',
      );
    } catch (error) {
      log.error({ err: error, accountId: id }, 'the set-up of a provider’s trunk broke off; it is gone on with');
    }
  }

  async #failureOf(kind: RunKind): Promise<NumberFailure | null> {
    try {
      const account = this.#deps.open(this.#account);
      return kind === 'undo' ? await this.#undo(account) : await this.#provision(account, kind);
    } catch (error) {
      if (error instanceof NumbersError) return error.failure;
      throw error;
    }
  }

  async #provision(provider: ProviderAccount, kind: RunKind): Promise<NumberFailure | null> {
    const plan = planOf(this.#account, this.#deps.gateway);
    const known = kind === 'connect' ? readyTrunkOf(this.#account) : null;
    // How the trunk came about stays in sight while numbers are put on it.
    const names = known === null ? provider.trunk.steps(plan) : [NUMBERS_STEP];
    const progress = this.#progress(names, this.#account.setup.steps);
    const ready = known ?? (await this.#makeTrunk(await provider.trunk.provision(plan, this.#run(progress))));
    if ('code' in ready) return failureOfProvider(ready);
    progress.numbers('started');
    const failure = await connectImports(this.#deps, this.#account, provider.numbers, ready, this.#signal);
    progress.numbers(failure === null ? 'done' : 'failed', failure === null ? null : failureOfProvider(failure));
    return failure === null ? null : failureOfProvider(failure);
  }

  async #makeTrunk(outcome: Outcome<ReadyTrunk>): Promise<BothTrunks | ProviderFailure> {
    if (!outcome.ok) return outcome.failure;
    const { directory, ids, clock, accounts } = this.#deps;
    const trunkId = this.#account.trunkId ?? ids.next('trunk');
    const known = await directory.trunks.get(trunkId);
    // Kept first: a trunk that nobody knew of would be made a second time.
    await accounts.update(this.#account.id, (account) => ({
      ...account,
      trunkId,
      setup: { ...account.setup, providerTrunkId: outcome.value.trunkId },
    }));
    await directory.trunks.put(trunkOf(this.#account, outcome.value, trunkId, known, clock.wallMs()));
    return { providerTrunkId: outcome.value.trunkId, trunkId };
  }

  async #undo(provider: ProviderAccount): Promise<NumberFailure | null> {
    const progress = this.#progress([NUMBERS_STEP]);
    progress.numbers('started');
    const failure = await detachImports(this.#deps, this.#account.id, provider.numbers, this.#signal);
    progress.numbers(failure === null ? 'done' : 'failed', failure === null ? null : failureOfProvider(failure));
    if (failure !== null) return failureOfProvider(failure);
    await this.#closeTrunk();
    const outcome = await provider.trunk.undo(this.#run(progress));
    return outcome.ok ? null : failureOfProvider(outcome.failure);
  }

  /** Where somebody has put other numbers on it, it stays with them, and takes and makes no calls. */
  async #closeTrunk(): Promise<void> {
    const { directory, accounts } = this.#deps;
    const { trunkId, id } = this.#account;
    if (trunkId !== null) {
      try {
        await directory.trunks.delete(trunkId);
      } catch (error) {
        if (!(error instanceof RecordInUse)) throw error;
        await directory.trunks.update(trunkId, (trunk) => ({
          ...trunk,
          inbound: { ...trunk.inbound, enabled: false },
          outbound: { ...trunk.outbound, enabled: false },
        }));
      }
    }
    await accounts.update(id, (account) => ({ ...account, trunkId: null }));
  }

  #run(progress: Progress): TrunkRun {
    const { record, acceptGone } = this.#account.setup;
    const known =
      record === '' ? newTrunkRecord(this.#account.provider, this.#account.id) : (JSON.parse(record) as TrunkRecord);
    return {
      record: known,
      save: (next) => this.#change(() => ({ record: JSON.stringify(next), steps: progress.steps })),
      progress: (event) => progress.take(event),
      acceptGone,
      signal: this.#signal,
    };
  }

  #progress(names: readonly string[], before: readonly SetupStep[] = []): Progress {
    const progress = new Progress(names, before, (steps) => {
      void this.#change(() => ({ steps })).catch((error: unknown) => {
        this.#deps.log.error({ err: error, accountId: this.#account.id }, 'a step of a set-up could not be stored');
      });
    });
    return progress;
  }

  /** In the order of the calls; each also says that the run is alive. */
  #change(change: () => Partial<SetupRecord>): Promise<void> {
    const { accounts, clock } = this.#deps;
    const saved = this.#saved.then(async () => {
      await accounts.update(this.#account.id, (account) => {
        const run = account.setup.run === null ? null : { ...account.setup.run, aliveAt: clock.wallMs() };
        return { ...account, setup: { ...account.setup, ...change(), run } };
      });
    });
    // A failure is the caller's; the next one is stored all the same.
    this.#saved = saved.catch(() => undefined);
    return saved;
  }

  async #end(kind: RunKind, failure: NumberFailure | null): Promise<void> {
    const done = kind === 'undo' ? 'undone' : 'ready';
    await this.#deps.accounts.update(this.#account.id, ({ setup, ...account }) => ({
      ...account,
      setup: {
        ...setup,
        run: null,
        phase: failure === null ? done : 'stopped',
        failure,
        providerTrunkId: failure === null && kind === 'undo' ? null : setup.providerTrunkId,
      },
    }));
  }
}
