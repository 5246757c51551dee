// Numbers of an account on their way to us and back: each is connected to the trunk on its own, and what was before is on record first.
//
// Invariants
//   IM1. A number takes calls here (`active`) when the provider says that it is on our trunk.
//   IM2. A failure that is the number's own (`fault: request`) stays with the number; any other one stops the run, for all would fail alike.
//   IM3. A number is forgotten here when it is put back there, and not before.

import type { Directory } from '../../directory/directory.ts';
import type { RecordStore } from '../../directory/records.ts';
import type { PhoneNumber } from '../../domain/directory.ts';
import type { NumberImport, NumberRecord, ProviderFailure } from '../../providers/index.ts';
import { failureOfProvider } from '../failure.ts';
import { each, inParallel } from '../work.ts';
import type { AccountRecord, ImportRecord } from './account.ts';

export interface ImportsDeps {
  readonly imports: RecordStore<ImportRecord>;
  readonly directory: Pick<Directory, 'numbers'>;
}

const AT_ONCE = 3;
/** As many as an account is listed of (importing.ts). */
const IMPORTS_MAX = 25_000;

/** All that are not connected yet. The answer is what stopped it; null = nothing. */
export async function connectImports(
  deps: ImportsDeps,
  account: AccountRecord,
  adapter: NumberImport,
  target: { readonly providerTrunkId: string; readonly trunkId: string },
  signal: AbortSignal,
): Promise<ProviderFailure | null> {
  const open = (await importsOf(deps, account.id)).filter(({ state }) => state !== 'connected');
  let stopped: ProviderFailure | null = null;
  await inParallel(AT_ONCE, open, async (item) => {
    if (stopped !== null) return;
    const failure = await connectOne(deps, adapter, item, target, signal);
    if (failure !== null && failure.fault !== 'request') stopped ??= failure;
  });
  return stopped;
}

async function connectOne(
  { imports, directory }: ImportsDeps,
  adapter: NumberImport,
  { id, providerId, takeOver, record }: ImportRecord,
  { providerTrunkId, trunkId }: { readonly providerTrunkId: string; readonly trunkId: string },
  signal: AbortSignal,
): Promise<ProviderFailure | null> {
  const set = async (change: Partial<ImportRecord>): Promise<void> => {
    await imports.update(id, (known) => ({ ...known, ...change }));
  };
  const save = (made: NumberRecord): Promise<void> => set({ record: JSON.stringify(made) });
  const known = record === '' ? null : (JSON.parse(record) as NumberRecord);
  const outcome = await adapter.connect(
    { providerId, trunkId: providerTrunkId, takeOver, record: known, save },
    signal,
  );
  if (!outcome.ok) {
    await set({ state: 'failed', failure: failureOfProvider(outcome.failure) });
    return outcome.failure;
  }
  const { record: made, notices } = outcome.value;
  await directory.numbers.update(id, (number) => ({ ...number, trunkId, status: 'active' }));
  await set({ state: 'connected', failure: null, notices, record: JSON.stringify(made) });
  return null;
}

/** Puts all back. All are tried; the answer is the first failure, null = none. */
export async function detachImports(
  deps: ImportsDeps,
  accountId: string,
  adapter: NumberImport,
  signal: AbortSignal,
): Promise<ProviderFailure | null> {
  let first: ProviderFailure | null = null;
  await inParallel(AT_ONCE, await importsOf(deps, accountId), async (item) => {
    const failure = await detachImport(deps, item, adapter, signal);
    first ??= failure;
  });
  return first;
}

/** IM3. null = it is put back, and forgotten. */
export async function detachImport(
  { imports, directory }: ImportsDeps,
  { id, record, state }: ImportRecord,
  adapter: NumberImport,
  signal?: AbortSignal,
): Promise<ProviderFailure | null> {
  if (record !== '') {
    const made = JSON.parse(record) as NumberRecord;
    const outcome = await adapter.detach({ record: made, isUnsure: state !== 'connected' }, signal);
    if (!outcome.ok) return outcome.failure;
  }
  await directory.numbers.delete(id);
  await imports.delete(id);
  return null;
}

export async function importsOf(
  { imports }: Pick<ImportsDeps, 'imports'>,
  accountId: string,
): Promise<readonly ImportRecord[]> {
  const all: ImportRecord[] = [];
  for await (const item of each(imports, { account: accountId })) {
    all.push(item);
    if (all.length >= IMPORTS_MAX) break;
  }
  return all;
}

/** Not there yet: it takes no calls before it is connected. */
export function importedNumber(item: ImportRecord, account: AccountRecord, agentId: string | null): PhoneNumber {
  return {
    id: item.id,
    createdAt: item.createdAt,
    e164: item.e164,
    workspaceId: account.workspaceId,
    provider: account.provider,
    trunkId: account.trunkId,
    agentId,
    supportsInbound: true,
    supportsOutbound: true,
    status: 'pending',
  };
}
