// The directory as the configuration wants it: in a file of this node, or in the Redis that nodes share.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { parseRedisUrl } from './config/redis-url.ts';
import type { Config } from './config/schema.ts';
import { startCallRecordsThread } from './directory/call-records.ts';
import type { Directory } from './directory/directory.ts';
import { openRedisDirectory } from './directory/redis-directory.ts';
import { openDirectory } from './directory/sqlite-directory.ts';
import type { Clock } from './domain/clock.ts';
import type { Logger } from './observability/logger.ts';

export interface DirectoryParts {
  readonly config: Config;
  readonly dataDir: string;
  /** Seals the secrets of records; where nodes share a directory it is the same on all of them. */
  readonly secretKey: Uint8Array;
  readonly formerSecretKeys: readonly Uint8Array[];
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onTrunksChanged: () => void;
  readonly onLost: (error: Error) => void;
}

/** The node's own file has what the shared directory has not: whoever starts so has forgotten to move it. */
export class DirectoryNotMovedError extends Error {
  readonly code = 'directory_not_moved';

  constructor(path: string) {
    super(
      `${path} has workspaces and the directory in Redis has none: npm run move-directory (docs/cluster.md), or put the file elsewhere`,
    );
  }
}

export const DIRECTORY_FILE = 'directory.db';
const CALL_OUTBOX_FILE = 'unsent-calls.db';
const DAY_MS = 86_400_000;

/** Rejects where the file cannot be used, or Redis cannot be reached, was sealed with another key, or is of a later version. */
export async function openNodeDirectory(parts: DirectoryParts): Promise<Directory> {
  const { config, dataDir, secretKey, formerSecretKeys: formerKeys, onTrunksChanged, onLost } = parts;
  if (config.store.kind === 'redis') return await shared(parts);
  const path = join(dataDir, DIRECTORY_FILE);
  const callRows = await startCallRecordsThread(path, onLost);
  return openDirectory(path, { sealingKey: secretKey, formerKeys, callRows, onTrunksChanged });
}

async function shared({
  config,
  dataDir,
  secretKey,
  formerSecretKeys,
  clock,
  logger,
  onTrunksChanged,
}: DirectoryParts): Promise<Directory> {
  const address = parseRedisUrl(config.store.redis.url);
  if (typeof address === 'string') throw new Error(`store.redis.url ${address}`);
  const directory = await openRedisDirectory({
    address,
    clock,
    sealingKey: secretKey,
    formerKeys: formerSecretKeys,
    outboxPath: join(dataDir, CALL_OUTBOX_FILE),
    callsKeptMs: config.store.redis.callRecordsDays * DAY_MS,
    onTrunksChanged,
    onConnected(is) {
      if (!is) logger.error({ engine: 'store' }, 'the connection to the shared directory is lost: no new calls');
    },
    onFailure: (operation, error) => logger.error({ operation, err: error }, 'the shared directory could not be used'),
  });
  const path = join(dataDir, DIRECTORY_FILE);
  if (hasWorkspaces(path) && (await directory.isEmpty())) {
    await directory.close();
    throw new DirectoryNotMovedError(path);
  }
  return directory;
}

function hasWorkspaces(path: string): boolean {
  if (!existsSync(path)) return false;
  const file = new DatabaseSync(path, { readOnly: true });
  try {
    return file.prepare('SELECT 1 FROM workspaces LIMIT 1').get() !== undefined;
  } finally {
    file.close();
  }
}
