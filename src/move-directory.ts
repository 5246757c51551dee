// `npm run move-directory`: the directory of a node that had it in a file -> the Redis that nodes share. Once, while no gateway runs.
//
//   --config       the gateway's configuration file, with store.kind redis: dataDir, store.redis and the secret key are read from it
//   --from         the file; default: directory.db in dataDir
//   --calls-only   of further nodes, whose configuration was the same: their call records and idempotency keys alone
//
// Exit code 0 = moved, 2 = not done; what was begun is begun again by the next try.

import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { BOOKS_FILE, lockBooks } from './books.ts';
import { loadConfig } from './config/load.ts';
import { parseRedisUrl } from './config/redis-url.ts';
import { moveDirectory, type Moved } from './directory/moving.ts';
import { directoryRoom } from './directory/redis/scripts.ts';
import { createSealer } from './directory/seal.ts';
import { DIRECTORY_FILE } from './directory-parts.ts';
import { systemClock } from './domain/clock.ts';
import { loadKeys } from './keys.ts';
import { RedisConnection } from './storage/redis/connection.ts';

const USAGE = 'usage: npm run move-directory -- [--config FILE] [--from FILE] [--calls-only]';
const CONNECT_MS = 10_000;
const DAY_MS = 86_400_000;
const OPTIONS = {
  config: { type: 'string' },
  from: { type: 'string' },
  'calls-only': { type: 'boolean', default: false },
} as const;

async function main(args: readonly string[]): Promise<number> {
  try {
    const { values } = parseArgs({ args: [...args], options: OPTIONS });
    console.log(textOf(await run(values)));
    return 0;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const isOfArguments = (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS') ?? false;
    console.error(`move-directory: ${error.message}${isOfArguments ? `\n${USAGE}` : ''}`);
    return 2;
  }
}

interface Values {
  readonly config?: string | undefined;
  readonly from?: string | undefined;
  readonly 'calls-only': boolean;
}

async function run({ config: file, from, 'calls-only': callsOnly }: Values): Promise<Moved> {
  const root = join(import.meta.dirname, '..');
  const config = loadConfig({ root, file: file ?? process.env['CALLIN_CONFIG'] ?? null, env: process.env });
  if (config.store.kind !== 'redis') throw new Error('the configuration has no store.kind redis: nowhere to move to');
  const address = parseRedisUrl(config.store.redis.url);
  if (typeof address === 'string') throw new Error(`store.redis.url ${address}`);
  const dataDir = resolve(root, config.dataDir);
  const path = from === undefined ? join(dataDir, DIRECTORY_FILE) : resolve(from);
  if (!existsSync(path)) throw new Error(`there is no ${path}`);
  const { secretKey, formerSecretKeys } = loadKeys({ ...config, dataDir }, randomBytes);
  const unlock = lockBooks(join(dataDir, BOOKS_FILE));
  const connection = new RedisConnection({ address, clock: systemClock }, directoryRoom());
  try {
    await connection.ready(CONNECT_MS);
    return await moveDirectory({
      path,
      connection,
      sealer: createSealer({ keys: [secretKey, ...formerSecretKeys], randomBytes }),
      callsKeptMs: config.store.redis.callRecordsDays * DAY_MS,
      callsOnly,
      nowMs: systemClock.wallMs(),
    });
  } finally {
    await connection.close();
    unlock();
  }
}

function textOf({ records, calls, callsLeft, claims }: Moved): string {
  const counts = { ...records, 'call records': calls, 'idempotency keys': claims };
  const width = Math.max(...Object.keys(counts).map((name) => name.length));
  const lines = Object.entries(counts).map(([name, count]) => `${name.padEnd(width)}  ${count}`);
  const left =
    callsLeft === 0
      ? []
      : [`${callsLeft} call records are older than store.redis.callRecordsDays and stay in the file`];
  return [...lines, ...left, 'moved; the file was left as it is'].join('\n');
}

process.exitCode = await main(process.argv.slice(2));
