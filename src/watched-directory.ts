// A directory whose numbers, trunks, orders, requests and accounts tell watchers when they change, whoever changes them.
//
// Invariant WD1. Of kinds that may hold secrets or personal data nothing is told but which record it is: who may see it reads it.

import type { Directory, Store } from './directory/directory.ts';
import type { StoredRecord } from './directory/records.ts';
import { viewNumber, viewTrunk } from './http/views.ts';
import type { EventHub, EventName } from './observability/event-hub.ts';

const EVENT_OF_KIND: Readonly<Record<string, EventName>> = {
  number_orders: 'number_order',
  number_requests: 'number_request',
  personal_numbers: 'personal_number',
  provider_accounts: 'provisioning',
};

export function watchedDirectory(directory: Directory, hub: EventHub): Directory {
  const tell = (name: EventName, { workspaceId }: Owned, data: object): void =>
    hub.publish({ name, workspaceId, data });
  return {
    workspaces: directory.workspaces,
    agents: directory.agents,
    keys: directory.keys,
    calls: directory.calls,
    idempotency: directory.idempotency,
    trunks: watched(directory.trunks, 'trunk', (trunk) => viewTrunk(trunk, undefined), hub),
    numbers: {
      ...watched(directory.numbers, 'number', viewNumber, hub),
      byE164: (e164) => directory.numbers.byE164(e164),
      find: (filter) => directory.numbers.find(filter),
    },
    records(kind) {
      const store = directory.records(kind);
      const name = EVENT_OF_KIND[kind.name];
      if (name === undefined) return store;
      return { ...watched(store, name, which, hub), find: (filter) => store.find(filter) };
    },
    async addTrunk(trunk, numbers) {
      await directory.addTrunk(trunk, numbers);
      tell('trunk', trunk, viewTrunk(trunk, undefined));
      for (const number of numbers) tell('number', number, viewNumber(number));
    },
    allTrunks: () => directory.allTrunks(),
    isEmpty: () => directory.isEmpty(),
    close: () => directory.close(),
  };
}

interface Owned {
  readonly id: string;
  readonly workspaceId: string | null;
}

function which({ id, workspaceId }: StoredRecord): object {
  return { id, workspaceId };
}

function watched<T extends Owned>(
  store: Store<T>,
  name: EventName,
  view: (item: T) => object,
  hub: EventHub,
): Store<T> {
  const tell = (item: T): void => hub.publish({ name, workspaceId: item.workspaceId, data: view(item) });
  return {
    get: (id, workspaceId) => store.get(id, workspaceId),
    list: (filter) => store.list(filter),
    async put(item) {
      await store.put(item);
      tell(item);
    },
    async update(id, change, workspaceId) {
      const changed = await store.update(id, change, workspaceId);
      if (changed !== undefined) tell(changed);
      return changed;
    },
    async delete(id, workspaceId) {
      const item = await store.get(id, workspaceId);
      const isGone = await store.delete(id, workspaceId);
      if (isGone && item !== undefined) {
        hub.publish({
          name,
          workspaceId: item.workspaceId,
          data: { id, workspaceId: item.workspaceId, deleted: true },
        });
      }
      return isGone;
    },
  };
}
