import type { Directory } from '../../src/directory/directory.ts';
import type { E164 } from '../../src/domain/e164.ts';
import { type AccountRecord, ACCOUNTS_KIND, NEW_SETUP } from '../../src/numbers/accounts/account.ts';
import { type NumberOrder, ORDERS_KIND } from '../../src/numbers/shop/order.ts';

// Complete records of the room of numbers, for tests of others.

export function account(over: Partial<AccountRecord> = {}): AccountRecord {
  return {
    id: 'pacc_a',
    createdAt: 1_000,
    workspaceId: 'ws_a',
    provider: 'telnyx',
    accountId: null,
    label: null,
    identity: 'identity-a',
    key: 'KEY0123456789ABCDEF_secret',
    checkedAt: 1_000,
    notices: [],
    sip: { username: 'callinabc', password: 'Correct4HorseBattery' },
    trunkId: null,
    setup: NEW_SETUP,
    ...over,
  };
}

export function order(over: Partial<NumberOrder> = {}): NumberOrder {
  return {
    id: 'nord_a',
    createdAt: 1_000,
    workspaceId: 'ws_a',
    key: 'key-a',
    fingerprint: 'f',
    agentId: null,
    inventory: 'demo',
    nodeId: 'node-1',
    aliveAt: 1_000,
    numbers: [
      {
        e164: '+14155550103' as E164,
        numberId: 'num_ordered',
        reference: 'nord_a.0',
        offer: null,
        step: 'active',
        askedAt: 1_000,
        nextAt: null,
        providerId: 'demo-14155550103',
        failure: null,
      },
    ],
    ...over,
  };
}

/** One of each; answers their ids by the name of their path. */
export async function putNumberRecords(directory: Directory, workspaceId: string): Promise<Record<string, string>> {
  await directory.records(ACCOUNTS_KIND).put(account({ workspaceId }));
  await directory.records(ORDERS_KIND).put(order({ workspaceId }));
  return { 'provider-accounts': 'pacc_a', 'number-orders': 'nord_a' };
}
