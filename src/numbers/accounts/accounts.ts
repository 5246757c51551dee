// Accounts of customers at providers: connected with a key that was checked, looked into, imported from, let go again.
//
// Invariants
//   PA1. A key is stored after the provider has taken it, area by area, and a new one only where it opens the same account.
//   PA2. An account whose trunk or numbers are in use is not forgotten by accident: what was set at the provider could not be put back any more.

import { NumberTaken, RecordTaken, UnknownReference } from '../../directory/errors.ts';
import type { Directory, Page, PageOf } from '../../directory/directory.ts';
import type { E164 } from '../../domain/e164.ts';
import type { PhoneNumber } from '../../domain/directory.ts';
import type { RandomBytes } from '../../domain/ids.ts';
import {
  type AccountNumber,
  type AccountReport,
  createSipCredentials,
  newTrunkRecord,
  type Notice,
  type NumberPage,
  type ProviderAccount,
  type Providers,
  type TrunkRecord,
} from '../../providers/index.ts';
import { failureOf, type NumberFailure, refuse, refuseAs } from '../failure.ts';
import { within } from '../work.ts';
import {
  type AccountCredentials,
  type AccountRecord,
  credentialsOf,
  identityOf,
  type ImportRecord,
  keyOf,
  NEW_SETUP,
} from './account.ts';
import { detachImport, importedNumber, importsOf } from './imports.ts';
import { type RunOptions, type SetupDeps, Setups } from './setup.ts';

export interface AccountsDeps extends Omit<SetupDeps, 'open'> {
  readonly directory: Pick<Directory, 'numbers' | 'trunks'>;
  readonly providers: Providers;
  readonly randomBytes: RandomBytes;
  /** Where the trunks of new accounts may call. */
  readonly allowedCountries: 'worldwide' | readonly string[];
}

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

export interface AccountPage extends NumberPage {
  /** Of those that are imported: number at the provider -> number of ours. */
  readonly imported: ReadonlyMap<string, string>;
}

/** As long as somebody waits for an import; it goes on after that. */
const ANSWER_MS = 10_000;
const OPENED_MAX = 1_000;
/** 25 000 numbers. */
const PAGES_MAX = 100;

export class Accounts {
  readonly #deps: AccountsDeps;
  readonly #setups: Setups;
  /** One client per account, so that its limits hold for all who ask it. */
  readonly #opened = new Map<string, ProviderAccount>();

  constructor(deps: AccountsDeps) {
    this.#deps = deps;
    this.#setups = new Setups({ ...deps, open: (account) => this.#open(credentialsOf(account)) });
  }

  /** PA1. Throws NumbersError. */
  async connect(workspaceId: string, credentials: AccountCredentials, label: string | null): Promise<AccountRecord> {
    const { accounts, ids, clock, randomBytes, allowedCountries } = this.#deps;
    const report = await this.#check(credentials);
    const now = clock.wallMs();
    const account: AccountRecord = {
      id: ids.next('pacc'),
      createdAt: now,
      workspaceId,
      provider: credentials.provider,
      accountId: report.accountId,
      label: label ?? report.label,
      identity: identityOf(workspaceId, credentials),
      key: keyOf(credentials),
      checkedAt: now,
      notices: report.notices,
      sip: createSipCredentials(randomBytes),
      trunkId: null,
      setup: { ...NEW_SETUP, allowedCountries },
    };
    try {
      await accounts.put(account);
    } catch (error) {
      if (error instanceof RecordTaken) return refuse('provider_account_exists');
      throw error;
    }
    return account;
  }

  get(id: string, workspaceId?: string): Promise<AccountRecord | undefined> {
    return this.#deps.accounts.get(id, workspaceId);
  }

  list(filter: { readonly workspaceId?: string } & Page): Promise<PageOf<AccountRecord>> {
    return this.#deps.accounts.list(filter);
  }

  importsOf(account: AccountRecord): Promise<readonly ImportRecord[]> {
    return importsOf(this.#deps, account.id);
  }

  /** PA1. `acceptGone`: a person says that what is missing there was deleted by hand. */
  async replaceKey(account: AccountRecord, key: string, acceptGone: boolean): Promise<AccountRecord> {
    const credentials = withKey(account, key);
    const report = await this.#check(credentials);
    await this.#checkSame(account, this.#open(credentials), acceptGone);
    const change = (known: AccountRecord): AccountRecord => ({
      ...known,
      key,
      identity: identityOf(known.workspaceId, credentials),
      checkedAt: this.#deps.clock.wallMs(),
      notices: report.notices,
    });
    try {
      return (await this.#deps.accounts.update(account.id, change)) ?? refuse('not_found');
    } catch (error) {
      if (error instanceof RecordTaken) return refuse('provider_account_exists');
      throw error;
    }
  }

  /** Forgets key and account. With `keepTrunk` trunk and numbers stay as they are and go on working (PA2). */
  async remove(account: AccountRecord, keepTrunk: boolean): Promise<void> {
    const { accounts, imports } = this.#deps;
    if (account.setup.run !== null) refuse('setup_running');
    const imported = await this.importsOf(account);
    const isUsed = imported.length > 0 || !['new', 'undone'].includes(account.setup.phase);
    if (isUsed && !keepTrunk) refuse('provider_account_in_use');
    for (const { id } of imported) await imports.delete(id);
    await accounts.delete(account.id);
    this.#opened.delete(cacheKey(credentialsOf(account)));
  }

  async numbers(account: AccountRecord, cursor: string | null): Promise<AccountPage> {
    const adapter = this.#open(credentialsOf(account)).numbers;
    const page = await adapter.list({ cursor, trunkId: account.setup.providerTrunkId });
    if (!page.ok) return refuseAs(page.failure);
    const imports = await this.importsOf(account);
    return { ...page.value, imported: new Map(imports.map(({ providerId, id }) => [providerId, id])) };
  }

  /** Those that can be are connected, by a run that also makes the trunk where there is none; answers how they stand after a while. */
  async import(account: AccountRecord, request: ImportRequest): Promise<readonly ImportedNumber[]> {
    const found = await this.#find(account, request.numbers);
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

  /** Begins, or goes on from where it stopped. */
  provision(account: AccountRecord, options: RunOptions): Promise<AccountRecord> {
    return this.#setups.start(account.id, 'provision', options);
  }

  undo(account: AccountRecord, options: RunOptions): Promise<AccountRecord> {
    return this.#setups.start(account.id, 'undo', options);
  }

  /** Puts an imported number back; false where it is not of a connected account. Throws NumbersError. */
  async detach({ id }: PhoneNumber): Promise<boolean> {
    const { imports, accounts } = this.#deps;
    const item = await imports.get(id);
    const account = item === undefined ? undefined : await accounts.get(item.accountId);
    if (item === undefined || account === undefined) return false;
    if (account.setup.run !== null) refuse('setup_running');
    const failure = await detachImport(this.#deps, item, this.#open(credentialsOf(account)).numbers);
    return failure === null ? true : refuseAs(failure);
  }

  resume(): Promise<void> {
    return this.#setups.resume();
  }

  close(): Promise<void> {
    return this.#setups.close();
  }

  #open(credentials: AccountCredentials): ProviderAccount {
    const known = this.#opened.get(cacheKey(credentials));
    if (known !== undefined) return known;
    const { providers } = this.#deps;
    const opened =
      credentials.provider === 'twilio' ? providers.openTwilio(credentials) : providers.openTelnyx(credentials.apiKey);
    if (!opened.ok) return refuseAs(opened.failure);
    if (this.#opened.size >= OPENED_MAX) this.#opened.clear();
    this.#opened.set(cacheKey(credentials), opened.value);
    return opened.value;
  }

  async #check(credentials: AccountCredentials): Promise<AccountReport> {
    const report = await this.#open(credentials).numbers.check();
    return report.ok ? report.value : refuseAs(report.failure);
  }

  /** What was set up or imported is in the account that the key opens. */
  async #checkSame(account: AccountRecord, opened: ProviderAccount, acceptGone: boolean): Promise<void> {
    if (acceptGone) return;
    const { record } = account.setup;
    const known = record === '' ? newTrunkRecord(account.provider, account.id) : (JSON.parse(record) as TrunkRecord);
    const same = await opened.trunk.recognise(known);
    if (!same.ok) refuseAs(same.failure);
  }

  async #find(account: AccountRecord, wanted: readonly E164[]): Promise<ReadonlyMap<string, AccountNumber>> {
    const adapter = this.#open(credentialsOf(account)).numbers;
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
    const state = item.state === 'connected' ? 'active' : item.state === 'failed' ? 'failed' : 'pending';
    return { e164, numberId: item.id, state, failure: item.failure, notices: item.notices };
  }
}

function withKey({ provider, accountId }: AccountRecord, key: string): AccountCredentials {
  return provider === 'twilio' ? { provider, accountSid: accountId ?? '', authToken: key } : { provider, apiKey: key };
}

/** No secret stands in it. */
function cacheKey(credentials: AccountCredentials): string {
  return identityOf(keyOf(credentials), credentials);
}
