// The client of Redis (ioredis) as the rooms above want it: it never queues while there is no connection, sends nothing twice by itself, gives
// each command two seconds, and goes on connecting for ever with a capped pause.

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

/** A script of ours: how many of its arguments are keys, all others are text. */
export interface RedisScript {
  readonly lua: string;
  readonly numberOfKeys: number;
}

/** Called as a command of the client: keys first. */
export type ScriptCall<T> = (...keysAndArgs: readonly string[]) => Promise<T>;

/** A client with the scripts of a room as commands. */
export type RedisClient<Scripts> = (Redis | Cluster) & Scripts;

/** What a room brings along. */
export interface RedisRoom<Scripts> {
  /** Shown by `CLIENT LIST`. */
  readonly connectionName: string;
  readonly scripts: Readonly<Record<keyof Scripts & string, RedisScript>>;
}

/** Replies keep the shapes of RESP2. */
type Options = Omit<RedisOptions, 'replyMapping'>;

/** Not connected yet: `connect()` does that. */
export function createClient<Scripts>(address: RedisAddress, room: RedisRoom<Scripts>): RedisClient<Scripts> {
  const { connectionName } = room;
  const client =
    address.kind === 'cluster'
      ? createCluster(address, connectionName)
      : new Redis(singleOptions(address, connectionName));
  for (const [name, script] of Object.entries<RedisScript>(room.scripts)) client.defineCommand(name, script);
  return client as RedisClient<Scripts>;
}

function singleOptions(address: RedisAddress, connectionName: string): Options {
  const options: Options = {
    ...commonOptions(address, connectionName),
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

function createCluster(address: RedisAddress, connectionName: string): Cluster {
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
    redisOptions: commonOptions(address, connectionName),
  });
}

function commonOptions(address: RedisAddress, connectionName: string): Options {
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
    connectionName,
    disableClientInfo: true,
    ...(address.username === null ? {} : { username: address.username }),
    ...(address.password === null ? {} : { password: address.password }),
    ...(address.tls ? { tls: {} } : {}),
  };
}

function pauseMs(attempt: number): number {
  return Math.min(RECONNECT_MAX_MS, RECONNECT_MIN_MS * 2 ** Math.min(attempt - 1, 10));
}
