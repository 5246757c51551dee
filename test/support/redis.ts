import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';

// Real Redis servers for tests, on loopback, each with a folder of its own. Nothing is kept on disk unless a test asks for it.

export const HAS_REDIS = hasRedis();

export interface RedisOptions {
  readonly password?: string;
  /** `always`: what was acknowledged survives a kill. Default: nothing is kept. */
  readonly appendFsync?: 'always' | 'everysec';
  /** As redis.conf says it, e.g. `4mb`. */
  readonly maxMemory?: string;
  readonly maxMemoryPolicy?: string;
  /** Port of the master on loopback. */
  readonly replicaOf?: number;
  readonly port?: number;
  /** Files of a certificate: TLS on `port`, nothing else. */
  readonly tls?: { readonly cert: string; readonly key: string };
  readonly extra?: readonly string[];
}

export interface RedisServer {
  readonly port: number;
  readonly url: string;
  /** For what a test does behind the ledger's back. */
  readonly admin: Redis;
  /** SIGSTOP: connections stay open and nothing answers. */
  pause(): void;
  resume(): void;
  /** SIGKILL, then the same port and folder again: without `appendFsync` everything is lost. */
  restart(): Promise<void>;
  kill(): Promise<void>;
  stop(): Promise<void>;
}

export async function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  const folder = mkdtempSync(join(tmpdir(), 'callin-redis-'));
  const port = options.port ?? (await freePort());
  let running = await spawnRedis(serverArguments(folder, port, options));
  const tls = options.tls === undefined ? {} : { tls: { rejectUnauthorized: false } };
  const password = options.password === undefined ? {} : { password: options.password };
  const admin = new Redis({ port, host: '127.0.0.1', ...password, ...tls, retryStrategy: () => 20 });
  admin.on('error', () => undefined);
  return {
    port,
    url: `redis${options.tls === undefined ? '' : 's'}://127.0.0.1:${port}`,
    admin,
    pause: () => void running.child.kill('SIGSTOP'),
    resume: () => void running.child.kill('SIGCONT'),
    async restart() {
      await running.kill();
      running = await spawnRedis(serverArguments(folder, port, options));
    },
    kill: () => running.kill(),
    async stop() {
      admin.disconnect();
      await running.kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export interface RedisCluster {
  readonly nodes: readonly RedisServer[];
  readonly url: string;
  flush(): Promise<void>;
  stop(): Promise<void>;
}

const SLOTS = 16_384;

/** Three masters that share the slots; no replicas. */
export async function startRedisCluster(): Promise<RedisCluster> {
  const nodes = await Promise.all([1, 2, 3].map(() => startClusterNode()));
  const [first] = nodes as [RedisServer];
  for (const [index, { admin }] of nodes.entries()) {
    const from = Math.floor((index * SLOTS) / nodes.length);
    const to = Math.floor(((index + 1) * SLOTS) / nodes.length) - 1;
    await admin.call('CLUSTER', 'SET-CONFIG-EPOCH', String(index + 1));
    await admin.call('CLUSTER', 'ADDSLOTSRANGE', String(from), String(to));
  }
  for (const { admin } of nodes.slice(1)) {
    const bus = Number(String(await first.admin.call('CONFIG', 'GET', 'cluster-port')).split(',')[1]);
    await admin.call('CLUSTER', 'MEET', '127.0.0.1', String(first.port), String(bus));
  }
  for (const { admin } of nodes)
    await until('the Cluster', async () => String(await admin.cluster('INFO')).includes('cluster_state:ok'));
  return {
    nodes,
    url: `redis+cluster://${nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}`,
    flush: async () => void (await Promise.all(nodes.map(({ admin }) => admin.flushall()))),
    stop: async () => void (await Promise.all(nodes.map((node) => node.stop()))),
  };
}

async function startClusterNode(): Promise<RedisServer> {
  const bus = await freePort();
  return startRedis({
    extra: ['--cluster-enabled', 'yes', '--cluster-port', String(bus), '--cluster-node-timeout', '2000'],
  });
}

export interface RedisSentinel {
  readonly master: RedisServer;
  readonly replica: RedisServer;
  readonly url: string;
  stop(): Promise<void>;
}

/** A master, its replica, and one Sentinel that fails over by itself after half a second. */
export async function startRedisSentinel(): Promise<RedisSentinel> {
  const master = await startRedis();
  const replica = await startRedis({ replicaOf: master.port });
  await until('the replica', async () => (await replica.admin.info('replication')).includes('master_link_status:up'));
  const folder = mkdtempSync(join(tmpdir(), 'callin-sentinel-'));
  const port = await freePort();
  const file = join(folder, 'sentinel.conf');
  writeFileSync(
    file,
    [
      `port ${port}`,
      'bind 127.0.0.1',
      `dir ${folder}`,
      `sentinel monitor edge 127.0.0.1 ${master.port} 1`,
      'sentinel down-after-milliseconds edge 500',
      'sentinel failover-timeout edge 2000',
      '',
    ].join('\n'),
  );
  const running = await spawnRedis([file, '--sentinel']);
  return {
    master,
    replica,
    url: `redis+sentinel://127.0.0.1:${port}/edge/0`,
    async stop() {
      await running.kill();
      await Promise.all([master.stop(), replica.stop()]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function serverArguments(folder: string, port: number, options: RedisOptions): string[] {
  const { password, appendFsync, maxMemory, maxMemoryPolicy, replicaOf, tls, extra = [] } = options;
  const setting = (name: string, value: string | number | undefined) =>
    value === undefined ? [] : [`--${name}`, String(value)];
  return [
    ...(tls === undefined ? ['--port', String(port)] : ['--port', '0', '--tls-port', String(port)]),
    ...(tls === undefined ? [] : ['--tls-cert-file', tls.cert, '--tls-key-file', tls.key, '--tls-auth-clients', 'no']),
    ...['--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', appendFsync === undefined ? 'no' : 'yes'],
    ...setting('appendfsync', appendFsync),
    ...setting('requirepass', password),
    ...setting('maxmemory', maxMemory),
    ...setting('maxmemory-policy', maxMemoryPolicy),
    ...setting('replicaof', replicaOf === undefined ? undefined : `127.0.0.1 ${replicaOf}`),
    ...['--repl-diskless-sync-delay', '0'],
    ...extra,
  ];
}

interface Running {
  readonly child: ChildProcess;
  kill(): Promise<void>;
}

/** Resolves when it takes connections. */
async function spawnRedis(args: readonly string[]): Promise<Running> {
  const child = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const reap = () => void child.kill('SIGKILL');
  process.once('exit', reap);
  let said = '';
  await new Promise<void>((resolve, reject) => {
    const hear = (chunk: Buffer) => {
      said += chunk.toString();
      if (/Ready to accept connections|Sentinel ID is/.test(said)) resolve();
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.once('error', reject);
    child.once('exit', () => reject(new Error(`redis-server ended: ${said}`)));
  });
  return {
    child,
    async kill() {
      process.removeListener('exit', reap);
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      await exited;
    },
  };
}

/**
 * Below the ports that systems give to outgoing connections (from 32 768 on): while a server that is to come back is away, one of those could
 * take its port, even a client's that tries to reach it.
 */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const port = randomInt(24_000, 32_000);
    if (await isFree(port)) return port;
  }
  throw new Error('no free port between 24000 and 32000');
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/** Real processes have no fake clock: asks every 20 ms, for at most `withinMs`. */
export async function until(what: string, isSo: () => Promise<boolean>, withinMs = 15_000): Promise<void> {
  const deadlineMs = performance.now() + withinMs;
  while (performance.now() < deadlineMs) {
    if (await isSo().catch(() => false)) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`${what} did not come about`);
}

function hasRedis(): boolean {
  try {
    execFileSync('redis-server', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
