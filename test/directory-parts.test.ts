import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { loadConfig } from '../src/config/load.ts';
import type { Directory } from '../src/directory/directory.ts';
import { openDirectory } from '../src/directory/sqlite-directory.ts';
import { DIRECTORY_FILE, openNodeDirectory } from '../src/directory-parts.ts';
import { systemClock } from '../src/domain/clock.ts';
import { createLogger } from '../src/observability/logger.ts';
import { trunk, workspace } from './directory/records.ts';
import { HAS_REDIS, type RedisServer, startRedis } from './support/redis.ts';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const SECRET_KEY = new Uint8Array(32).fill(7);

describe.skipIf(!HAS_REDIS)('the directory that the configuration wants (needs redis-server)', () => {
  let server: RedisServer;
  let dataDir: string;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server?.stop());
  beforeEach(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'callin-parts-'));
    await server.admin.flushall();
  });
  afterEach(() => rmSync(dataDir, { recursive: true }));

  const open = (kind: 'embedded' | 'redis', secretKey = SECRET_KEY, formerSecretKeys: readonly Uint8Array[] = []) =>
    openNodeDirectory({
      config: loadConfig({
        root: ROOT,
        file: null,
        env: {
          CALLIN_AUTH__SECRET_KEY: Buffer.from(SECRET_KEY).toString('base64'),
          CALLIN_STORE__KIND: kind,
          CALLIN_STORE__REDIS__URL: server.url,
        },
      }),
      dataDir,
      secretKey,
      formerSecretKeys,
      clock: systemClock,
      logger: createLogger({ level: 'fatal', numbers: 'last4' }),
      onTrunksChanged: () => undefined,
      onLost: () => undefined,
    });

  test.each(['embedded', 'redis'] as const)('%s: what was written is there when it is opened again', async (kind) => {
    const directory = await open(kind);
    await directory.workspaces.put(workspace());
    await directory.close();
    expect(await server.admin.exists('callin:{dir}:documents')).toBe(kind === 'redis' ? 1 : 0);
    const again = await open(kind);
    expect(await again.workspaces.get('ws_a')).toEqual(workspace());
    await again.close();
  });

  test.each(['embedded', 'redis'] as const)('%s: the secret key is changed, and the former one goes', async (kind) => {
    const password = async (directory: Directory) => (await directory.trunks.get('trunk_a'))?.outbound.password;
    const first = await open(kind);
    await first.workspaces.put(workspace());
    await first.trunks.put(trunk());
    await first.close();
    const next = new Uint8Array(32).fill(8);
    // Without the former key nothing opens.
    await expect(open(kind, next).then(password)).rejects.toMatchObject({
      code: kind === 'redis' ? 'store_key_mismatch' : 'unseal_failed',
    });
    const both = await open(kind, next, [SECRET_KEY]);
    expect(await password(both)).toBe(trunk().outbound.password);
    await both.trunks.update('trunk_a', (item) => item);
    await both.close();
    const alone = await open(kind, next);
    expect(await password(alone)).toBe(trunk().outbound.password);
    await alone.close();
  });

  test('a node whose own file has workspaces does not start on an empty one in Redis; on one that has them it does', async () => {
    const own = openDirectory(join(dataDir, DIRECTORY_FILE), { sealingKey: SECRET_KEY });
    await own.workspaces.put(workspace());
    await own.close();
    await expect(open('redis')).rejects.toMatchObject({ code: 'directory_not_moved' });
    rmSync(join(dataDir, DIRECTORY_FILE));
    const shared = await open('redis');
    await shared.workspaces.put(workspace());
    await shared.close();
    const left = openDirectory(join(dataDir, DIRECTORY_FILE), { sealingKey: SECRET_KEY });
    await left.workspaces.put(workspace());
    await left.close();
    await (await open('redis')).close();
  });
});
