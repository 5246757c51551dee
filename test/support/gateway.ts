// The real gateway as a child process, for tests that need all of it: its own data folder, free ports, the demo workspace.
//
//   const gateway = await startGateway();
//   await phone.call(`sip:+12025550100@127.0.0.1:${gateway.sip.udpPort}`);
//   await gateway.api('GET', '/v1/calls');
//   await gateway.stop();          // SIGTERM, and what it exited with
//   await gateway.kill();          // SIGKILL: as a crash; startGateway({ dataDir: gateway.dataDir }) starts it again

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { Waiters } from '../../src/phone/waiters.ts';

export interface GatewayOptions {
  /** An existing folder keeps its books; without one a new folder is made and removed by `stop`. */
  readonly dataDir?: string;
  /** Laid over the test's own configuration, section by section. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Put before the command, such as `taskset -c 0`. */
  readonly prefix?: readonly string[];
  /** Another program than `src/main.ts`, from the project's folder; it takes the same arguments and logs the same `ready`. */
  readonly entry?: string;
  readonly startTimeoutMs?: number;
  /** Every line that it prints. */
  readonly onLine?: (line: string) => void;
}

export interface ApiAnswer<T = unknown> {
  readonly status: number;
  readonly body: T;
}

export interface RunningGateway {
  readonly pid: number;
  readonly dataDir: string;
  readonly sip: { readonly udpPort: number; readonly tcpPort: number; readonly wsPort: number };
  readonly http: { readonly port: number };
  readonly adminToken: string;
  /** Log records so far, the newest last, at most LOG_RECORDS_MAX. */
  readonly log: readonly LogRecord[];
  /** Calls the API as operator. */
  api<T = unknown>(method: string, path: string, body?: unknown): Promise<ApiAnswer<T>>;
  metrics(): Promise<string>;
  waitForLog(match: (record: LogRecord) => boolean, timeoutMs?: number): Promise<LogRecord>;
  /** Resolves with the exit code (null after a signal). */
  stop(): Promise<number | null>;
  kill(): Promise<void>;
  /** Removes the data folder. */
  discard(): void;
  /** `npm run audit` over its data folder, with these arguments. */
  audit(...args: readonly string[]): { readonly ok: boolean; readonly output: string };
}

export interface LogRecord {
  readonly level?: number;
  readonly msg?: string;
  readonly [field: string]: unknown;
}

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const TOKEN = 'test-admin-token-0123456789';
const SHARED_KEY = Buffer.alloc(32, 7).toString('base64');
const LOG_RECORDS_MAX = 5000;
const STOP_TIMEOUT_MS = 15_000;
/** RTP pairs for one gateway; apart from the range of the test phones. */
const RTP_PORTS = 1200;

export async function startGateway(options: GatewayOptions = {}): Promise<RunningGateway> {
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'callin-gateway-'));
  const configFile = join(dataDir, 'test-config.yaml');
  writeFileSync(configFile, stringify(configuration(dataDir, options.config ?? {})));
  const command = [...(options.prefix ?? []), process.execPath, options.entry ?? 'src/main.ts', '--config', configFile];
  const child = spawn(command[0] as string, command.slice(1), {
    cwd: ROOT,
    env: { ...process.env, CALLIN_AUTH__ADMIN_TOKEN: TOKEN },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const gateway = new ChildGateway(child, dataDir, options);
  await gateway.ready(options.startTimeoutMs ?? 15_000);
  return gateway;
}

function configuration(dataDir: string, over: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const rtpPortMin = 40_000 + randomInt(15) * RTP_PORTS;
  const own: Record<string, unknown> = {
    dataDir,
    http: { host: '127.0.0.1', port: 0 },
    sip: { host: '127.0.0.1', udpPort: 0, tcpPort: 0, wsPort: 0 },
    media: { host: '127.0.0.1', rtpPortMin, rtpPortMax: rtpPortMin + RTP_PORTS - 2 },
    demo: true,
    // Nodes that share a store share its key.
    ...(isShared(over) ? { auth: { secretKey: SHARED_KEY } } : {}),
  };
  for (const [key, value] of Object.entries(over)) {
    const before = own[key];
    own[key] = isRecord(before) && isRecord(value) ? { ...before, ...value } : value;
  }
  return own;
}

function isShared({ store }: Readonly<Record<string, unknown>>): boolean {
  return isRecord(store) && store['kind'] === 'redis';
}

class ChildGateway implements RunningGateway {
  readonly dataDir: string;
  readonly adminToken = TOKEN;
  readonly log: LogRecord[] = [];
  sip = { udpPort: 0, tcpPort: 0, wsPort: 0 };
  http = { port: 0 };
  readonly #child: ChildProcess;
  readonly #ownsDataDir: boolean;
  readonly #onLine: (line: string) => void;
  readonly #exited: Promise<number | null>;
  readonly #waiters = new Waiters();
  #text = '';
  #over = false;

  constructor(child: ChildProcess, dataDir: string, { dataDir: given, onLine = () => undefined }: GatewayOptions) {
    this.#child = child;
    this.dataDir = dataDir;
    this.#ownsDataDir = given === undefined;
    this.#onLine = onLine;
    this.#exited = new Promise((resolve) => {
      child.once('exit', (code) => {
        this.#over = true;
        this.#waiters.notify();
        resolve(code);
      });
    });
    for (const stream of [child.stdout, child.stderr]) readLines(stream, (line) => this.#line(line));
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  async ready(timeoutMs: number): Promise<void> {
    const isReady = (record: LogRecord) => record.msg === 'ready';
    try {
      const record = await this.waitForLog(isReady, timeoutMs);
      this.sip = record['sip'] as typeof this.sip;
      this.http = record['http'] as typeof this.http;
    } catch (error) {
      await this.kill();
      throw new Error(`the gateway did not get ready: ${(error as Error).message}\n${this.#text}`, { cause: error });
    }
  }

  async api<T>(method: string, path: string, body?: unknown): Promise<ApiAnswer<T>> {
    const response = await fetch(`http://127.0.0.1:${this.http.port}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${TOKEN}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(method === 'POST' ? { 'idempotency-key': crypto.randomUUID() } : {}),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json') ?? false;
    return { status: response.status, body: (isJson ? JSON.parse(text) : text) as T };
  }

  async metrics(): Promise<string> {
    const response = await fetch(`http://127.0.0.1:${this.http.port}/metrics`);
    return await response.text();
  }

  async waitForLog(match: (record: LogRecord) => boolean, timeoutMs = 5000): Promise<LogRecord> {
    const find = () => this.log.find(match);
    await this.#waiters.until(
      () => this.#over || find() !== undefined,
      timeoutMs,
      () => 'no such log record',
    );
    const record = find();
    if (!record) throw new Error('the gateway ended');
    return record;
  }

  async stop(): Promise<number | null> {
    if (!this.#over) this.#child.kill('SIGTERM');
    const force = setTimeout(() => this.#child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    const code = await this.#exited;
    clearTimeout(force);
    if (this.#ownsDataDir) this.discard();
    return code;
  }

  discard(): void {
    rmSync(this.dataDir, { recursive: true, force: true });
  }

  async kill(): Promise<void> {
    if (!this.#over) this.#child.kill('SIGKILL');
    await this.#exited;
  }

  audit(...args: readonly string[]): { ok: boolean; output: string } {
    const config = ['--config', join(this.dataDir, 'test-config.yaml')];
    const result = spawnSync(process.execPath, ['src/audit.ts', ...config, ...args], {
      cwd: ROOT,
      encoding: 'utf8',
      timeout: 60_000,
    });
    return { ok: result.status === 0, output: `${result.stdout}${result.stderr}` };
  }

  #line(line: string): void {
    this.#onLine(line);
    this.#text = `${this.#text}${line}\n`.slice(-20_000);
    if (line.startsWith('{')) this.log.push(JSON.parse(line) as LogRecord);
    if (this.log.length > LOG_RECORDS_MAX) this.log.shift();
    this.#waiters.notify();
  }
}

function readLines(stream: NodeJS.ReadableStream | null, each: (line: string) => void): void {
  let rest = '';
  stream?.setEncoding('utf8');
  stream?.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) each(line);
  });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
