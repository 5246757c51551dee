// The scripts of the books, as commands of their connection.

import { readFileSync } from 'node:fs';
import type { RedisRoom, ScriptCall } from '../../storage/redis/client.ts';
import type { RedisConnection } from '../../storage/redis/connection.ts';

/** Keys first; everything is text. */
export interface LedgerScripts {
  readonly ledgerBalance: ScriptCall<[balance: string, reserved: string, hour: string, day: string]>;
  readonly ledgerReserve: ScriptCall<readonly string[]>;
  readonly ledgerRelease: ScriptCall<readonly string[]>;
  readonly ledgerSettle: ScriptCall<readonly string[]>;
  readonly ledgerSnapshot: ScriptCall<readonly (readonly string[])[]>;
}

export type LedgerConnection = RedisConnection<LedgerScripts>;

/** Each script is made of the parts that it shares with others and its own file; how many keys it takes stands in its first lines. */
export function ledgerRoom(): RedisRoom<LedgerScripts> {
  const read = (name: string) => readFileSync(new URL(`./scripts/${name}.lua`, import.meta.url), 'utf8');
  const shared = `${read('money')}\n${read('account')}\n`;
  return {
    connectionName: 'callin-ledger',
    scripts: {
      ledgerBalance: { lua: shared + read('balance'), numberOfKeys: 5 },
      ledgerReserve: { lua: shared + read('reserve'), numberOfKeys: 6 },
      ledgerRelease: { lua: shared + read('release'), numberOfKeys: 4 },
      ledgerSettle: { lua: shared + read('settle'), numberOfKeys: 13 },
      ledgerSnapshot: { lua: shared + read('snapshot'), numberOfKeys: 5 },
    },
  };
}
