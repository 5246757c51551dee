// Numbers of an account that somebody asks for: found there, kept here, and connected by a run that is watched for a while.
//
// Invariant IG1. A number is on record before anything is done to it at the provider, and one that is another's is refused before that.

import type { Directory } from '../../directory/directory.ts';
import { NumberTaken, RecordTaken, UnknownReference } from '../../directory/errors.ts';
import type { RecordStore } from '../../directory/records.ts';
import type { Clock } from '../../domain/clock.ts';
import type { E164 } from '../../domain/e164.ts';
import type { Ids } from '../../domain/ids.ts';
import type { AccountNumber, Notice, NumberImport } from '../../providers/index.ts';
import { failureOf, type NumberFailure, refuseAs } from '../failure.ts';
import { within } from '../work.ts';
import type { AccountRecord, ImportRecord } from './account.ts';
import { importedNumber } from './imports.ts';
import type { Setups } from './setup.ts';

export interface ImportRequest {
  readonly numbers: readonly E164[];
  readonly agentId: string | null;
  /** Also those whose calls go to another system now. */
  readonly takeOver: boolean;
}

export interface ImportedNumber {
  readonly e164: E164;
  /** null = it was refused before anything was done. */
  readonly numberId: string | null;
  readonly state: 'pending' | 'active' | 'failed';
  readonly failure: NumberFailure | null;
  readonly notices: readonly Notice[];
}

interface ImportingDeps {
  readonly accounts: RecordStore<AccountRecord>;
  readonly imports: RecordStore<ImportRecord>;
  readonly directory: Pick<Directory, 'numbers'>;
  readonly clock: Clock;
  readonly ids: Ids;
}

/** As long as somebody waits for an import; it goes on after that. */
const ANSWER_MS = 10_000;
/** 25 000 numbers. */
const PAGES_MAX = 100;

export class Importing {
  readonly #deps: ImportingDeps;
  readonly #setups: Pick<Setups, 'start' | 'running'>;

  constructor(deps: ImportingDeps, setups: Pick<Setups, 'start' | 'running'>) {
    this.#deps = deps;
    this.#setups = setups;
  }

  /** Those that can be are connected, by a run that also makes the trunk where there is none. Throws NumbersError. */
  async import(
    account: AccountRecord,
    adapter: NumberImport,
    request: ImportRequest,
  ): Promise<readonly ImportedNumber[]> {
    const found = await this.#find(account, adapter, request.numbers);
    const refused = new Map<E164, NumberFailure>();
    const wanted = new Map<E164, string>();
    for (const e164 of request.numbers) {
      const outcome = await this.#want(account, found.get(e164), request);
      if (typeof outcome === 'string') wanted.set(e164, outcome);
      else refused.set(e164, outcome);
    }
    if (await this.#isAnyOpen([...wanted.values()]))
      await within(this.#deps.clock, ANSWER_MS, this.#connectAll(account.id));
    return Promise.all(request.numbers.map((e164) => this.#stateOf(e164, wanted.get(e164), refused.get(e164))));
  }

  async #find(
    account: AccountRecord,
    adapter: NumberImport,
    wanted: readonly E164[],
  ): Promise<ReadonlyMap<string, AccountNumber>> {
    const found = new Map<string, AccountNumber>();
    let cursor: string | null = null;
    for (let pages = 0; pages < PAGES_MAX; pages += 1) {
      const page = await adapter.list({ cursor, trunkId: account.setup.providerTrunkId });
      if (!page.ok) return refuseAs(page.failure);
      for (const number of page.value.numbers) found.set(number.e164, number);
      cursor = page.value.nextCursor;
      if (cursor === null || wanted.every((e164) => found.has(e164))) break;
    }
    return found;
  }

  /** The number's id, or why not. */
  async #want(
    account: AccountRecord,
    number: AccountNumber | undefined,
    { takeOver, agentId }: ImportRequest,
  ): Promise<string | NumberFailure> {
    if (number === undefined) return failureOf('number_not_in_account');
    const { imports, ids, clock } = this.#deps;
    const { providerId, e164, refusal, use, usedBy } = number;
    const known = (await imports.find({ where: { number: `${account.id}|${providerId}` }, limit: 1 })).items[0];
    if (known?.state === 'connected' && use === 'ours') return known.id;
    if (refusal !== null) return failureOf(refusal.code);
    if (use === 'elsewhere' && !takeOver) return failureOf('number_in_use_elsewhere', usedBy);
    if (known !== undefined) {
      await imports.update(known.id, (item) => ({ ...item, takeOver, state: 'wanted', failure: null }));
      return known.id;
    }
    const item: ImportRecord = {
      id: ids.next('num'),
      createdAt: clock.wallMs(),
      workspaceId: account.workspaceId,
      accountId: account.id,
      providerId,
      e164,
      takeOver,
      state: 'wanted',
      failure: null,
      notices: [],
      record: '',
    };
    return this.#keep(item, account, agentId);
  }

  /** The number first: where it is another's, nothing is left behind. */
  async #keep(item: ImportRecord, account: AccountRecord, agentId: string | null): Promise<string | NumberFailure> {
    const { directory, imports } = this.#deps;
    try {
      await directory.numbers.put(importedNumber(item, account, agentId));
    } catch (error) {
      if (error instanceof NumberTaken) return failureOf('number_taken');
      if (!(error instanceof UnknownReference)) throw error;
      await directory.numbers.put(importedNumber(item, account, null));
    }
    try {
      await imports.put(item);
      return item.id;
    } catch (error) {
      await directory.numbers.delete(item.id);
      if (error instanceof RecordTaken) return failureOf('number_taken');
      throw error;
    }
  }

  /** A run that is under way may have read its numbers already: another one follows it. */
  async #connectAll(accountId: string): Promise<void> {
    await this.#setups.running(accountId);
    const account = await this.#deps.accounts.get(accountId);
    if (account === undefined) return;
    await this.#setups.start(accountId, account.setup.phase === 'ready' ? 'connect' : 'provision');
    await this.#setups.running(accountId);
  }

  async #isAnyOpen(ids: readonly string[]): Promise<boolean> {
    const items = await Promise.all(ids.map((id) => this.#deps.imports.get(id)));
    return items.some((item) => item !== undefined && item.state !== 'connected');
  }

  async #stateOf(
    e164: E164,
    numberId: string | undefined,
    refusal: NumberFailure | undefined,
  ): Promise<ImportedNumber> {
    const item = numberId === undefined ? undefined : await this.#deps.imports.get(numberId);
    if (item === undefined) {
      const failure = refusal ?? failureOf('number_not_in_account');
      return { e164, numberId: null, state: 'failed', failure, notices: [] };
    }
    const { id, state, failure, notices } = item;
    const common = { e164, numberId: id, notices };
    if (state === 'connected') return { ...common, state: 'active', failure: null };
    if (state === 'failed') return { ...common, state: 'failed', failure };
    // Where the whole run has stopped, its reason is the number's.
    const setup = (await this.#deps.accounts.get(item.accountId))?.setup;
    const hasStopped = setup?.phase === 'stopped' && setup.failure !== null;
    return { ...common, state: hasStopped ? 'failed' : 'pending', failure: setup?.failure ?? null };
  }
}
