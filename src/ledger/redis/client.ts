// The client of Redis (ioredis) as the ledger wants it: it never queues while there is no connection, sends nothing twice by itself, gives
// each command two seconds, and goes on connecting for ever with a capped pause.

import { readFileSync } from 'node:fs';
import { Cluster, Redis, type RedisOptions } from 'ioredis';
import type { RedisAddress } from '../../config/redis-url.ts';

const COMMAND_TIMEOUT_MS = 2_000;
const CONNECT_TIMEOUT_MS = 2_000;
/** A connection that owes an answer for so long is dead: a paused host, a network that swallows packets. */
const SOCKET_TIMEOUT_MS = 3_000;
const RECONNECT_MIN_MS = 50;
const RECONNECT_MAX_MS = 2_000;
/** A server that loads its data is asked again after this. */
const LOADING_PAUSE_MS = 500;
/** Times that a Cluster may send a command elsewhere, 100 ms apart where a node is missing. */
const REDIRECTIONS_MAX = 10;
const REDIRECTION_PAUSE_MS = 100;
const SLOTS_REFRESH_MS = 10_000;

/** The scripts, as commands of the client. Keys first; everything is text. */
export interface LedgerScripts {
  ledgerBalance(
    ...keysAndArgs: readonly string[]
  ): Promise<[balance: string, reserved: string, hour: string, day: string]>;
  ledgerReserve(...keysAndArgs: readonly string[]): Promise<readonly string[]>;
  ledgerRelease(...keysAndArgs: readonly string[]): Promise<readonly string[]>;
  ledgerSettle(...keysAndArgs: readonly string[]): Promise<readonly string[]>;
  ledgerSnapshot(...keys: readonly string[]): Promise<readonly (readonly string[])[]>;
}

export type LedgerClient = (Redis | Cluster) & LedgerScripts;

/** Replies keep the shapes of RESP2. */
type Options = Omit<RedisOptions, 'replyMapping'>;

/** Not connected yet: `connect()` does that. */
export function createClient(address: RedisAddress): LedgerClient {
  const client = address.kind === 'cluster' ? createCluster(address) : new Redis(singleOptions(address));
  for (const [name, script] of Object.entries(readScripts())) client.defineCommand(name, script);
  return client as LedgerClient;
}

function singleOptions(address: RedisAddress): Options {
  const options: Options = {
    ...commonOptions(address),
    db: address.db,
    retryStrategy: pauseMs,
    // A master that became a replica: the name may lead elsewhere by now.
    reconnectOnError: (error) => /(?:^|-)READONLY /.test(error.message),
  };
  const [first] = address.nodes;
  if (address.kind === 'single') return { ...options, host: first?.host ?? '', port: first?.port ?? 0 };
  return {
    ...options,
    sentinels: [...address.nodes],
    name: address.masterName,
    sentinelRetryStrategy: pauseMs,
    sentinelReconnectStrategy: pauseMs,
    sentinelCommandTimeout: COMMAND_TIMEOUT_MS,
    failoverDetector: true,
    ...(address.tls ? { enableTLSForSentinelMode: true, sentinelTLS: {} } : {}),
  };
}

function createCluster(address: RedisAddress): Cluster {
  return new Cluster([...address.nodes], {
    lazyConnect: true,
    enableOfflineQueue: false,
    clusterRetryStrategy: pauseMs,
    maxRedirections: REDIRECTIONS_MAX,
    retryDelayOnFailover: REDIRECTION_PAUSE_MS,
    retryDelayOnClusterDown: REDIRECTION_PAUSE_MS,
    retryDelayOnTryAgain: REDIRECTION_PAUSE_MS,
    slotsRefreshTimeout: CONNECT_TIMEOUT_MS,
    slotsRefreshInterval: SLOTS_REFRESH_MS,
    redisOptions: commonOptions(address),
  });
}

function commonOptions(address: RedisAddress): Options {
  return {
    lazyConnect: true,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    commandTimeout: COMMAND_TIMEOUT_MS,
    connectTimeout: CONNECT_TIMEOUT_MS,
    socketTimeout: SOCKET_TIMEOUT_MS,
    maxLoadingRetryTime: LOADING_PAUSE_MS,
    protocol: 2,
    connectionName: 'callin-ledger',
    disableClientInfo: true,
    ...(address.username === null ? {} : { username: address.username }),
    ...(address.password === null ? {} : { password: address.password }),
    ...(address.tls ? { tls: {} } : {}),
  };
}

function pauseMs(attempt: number): number {
  return Math.min(RECONNECT_MAX_MS, RECONNECT_MIN_MS * 2 ** Math.min(attempt - 1, 10));
}

/** Each script is made of the parts that it shares with others and its own file; how many keys it takes stands in its first lines. */
function readScripts(): Record<string, { readonly lua: string; readonly numberOfKeys: number }> {
  const read = (name: string) => readFileSync(new URL(`./scripts/${name}.lua`, import.meta.url), 'utf8');
  const shared = `${read('money')}\n${read('account')}\n`;
  return {
    ledgerBalance: { lua: shared + read('balance'), numberOfKeys: 5 },
    ledgerReserve: { lua: shared + read('reserve'), numberOfKeys: 6 },
    ledgerRelease: { lua: shared + read('release'), numberOfKeys: 4 },
    ledgerSettle: { lua: shared + read('settle'), numberOfKeys: 13 },
    ledgerSnapshot: { lua: shared + read('snapshot'), numberOfKeys: 5 },
  };
}
