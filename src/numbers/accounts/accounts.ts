// Accounts of customers at providers: connected with a key that was checked, looked into, imported from, let go again.
//
// Invariants
//   PA1. A key is stored after the provider has taken it, area by area, and a new one only where it opens the same account.
//   PA2. An account whose trunk or numbers are in use is not forgotten by accident: what was set at the provider could not be put back any more.

import { RecordTaken } from '../../directory/errors.ts';
import type { Directory, Page, PageOf } from '../../directory/directory.ts';
import type { RecordStore } from '../../directory/records.ts';
import type { PhoneNumber } from '../../domain/directory.ts';
import type { RandomBytes } from '../../domain/ids.ts';
import {
  type AccountReport,
  createSipCredentials,
  newTrunkRecord,
  type NumberPage,
  type ProviderAccount,
  type Providers,
  type TrunkRecord,
} from '../../providers/index.ts';
import { refuse, refuseAs } from '../failure.ts';
import {
  type AccountCredentials,
  type AccountRecord,
  credentialsOf,
  identityOf,
  type ImportRecord,
  keyOf,
  NEW_SETUP,
} from './account.ts';
import { type ImportedNumber, Importing, type ImportRequest } from './importing.ts';
import { detachImport, importsOf } from './imports.ts';
import { type RunOptions, type SetupDeps, Setups } from './setup.ts';

export interface AccountsDeps extends Omit<SetupDeps, 'open'> {
  readonly directory: Pick<Directory, 'numbers' | 'trunks'>;
  readonly providers: Providers;
  readonly randomBytes: RandomBytes;
  /** The same imports, whose secrets stay sealed: for those who only look, and often. */
  readonly sealedImports: RecordStore<ImportRecord>;
  /** Where the trunks of new accounts may call. */
  readonly allowedCountries: 'worldwide' | readonly string[];
}

export interface AccountPage extends NumberPage {
  /** Of those that are imported: number at the provider -> number of ours. */
  readonly imported: ReadonlyMap<string, string>;
}

const OPENED_MAX = 1_000;

export class Accounts {
  readonly #deps: AccountsDeps;
  readonly #setups: Setups;
  readonly #importing: Importing;
  /** One client per account, so that its limits hold for all who ask it. */
  readonly #opened = new Map<string, ProviderAccount>();

  constructor(deps: AccountsDeps) {
    this.#deps = deps;
    this.#setups = new Setups({ ...deps, open: (account) => this.#open(credentialsOf(account)) });
    this.#importing = new Importing(deps, this.#setups);
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

  /** With their secrets sealed. */
  importsOf(account: AccountRecord): Promise<readonly ImportRecord[]> {
    return importsOf({ imports: this.#deps.sealedImports }, account.id);
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
    const imported = new Map<string, string>();
    for (const { providerId } of page.value.numbers) {
      const where = { number: `${account.id}|${providerId}` };
      const [known] = (await this.#deps.sealedImports.find({ where, limit: 1 })).items;
      if (known !== undefined) imported.set(providerId, known.id);
    }
    return { ...page.value, imported };
  }

  /** How each stands after a while. */
  import(account: AccountRecord, request: ImportRequest): Promise<readonly ImportedNumber[]> {
    return this.#importing.import(account, this.#open(credentialsOf(account)).numbers, request);
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
}

function withKey({ provider, accountId }: AccountRecord, key: string): AccountCredentials {
  return provider === 'twilio' ? { provider, accountSid: accountId ?? '', authToken: key } : { provider, apiKey: key };
}

/** No secret stands in it. */
function cacheKey(credentials: AccountCredentials): string {
  return identityOf(keyOf(credentials), credentials);
}
