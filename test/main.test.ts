import { spawn, spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'callin-main-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const FREE_PORTS = {
  CALLIN_SIP__UDP_PORT: '0',
  CALLIN_SIP__TCP_PORT: '0',
  CALLIN_SIP__WS_PORT: '0',
  CALLIN_HTTP__PORT: '0',
};
const SECRET_KEY = Buffer.alloc(32, 9).toString('base64');

function run(args: readonly string[], env: Record<string, string> = {}) {
  return spawnSync(process.execPath, args, {
    cwd: ROOT,
    env: { ...process.env, ...env },
    encoding: 'utf8',
    timeout: 30_000,
  });
}

function start(name: string, env: Record<string, string> = {}) {
  const dataDir = join(folder, name);
  const child = spawn(process.execPath, ['src/main.ts', '--config', 'config/demo-start.yaml'], {
    cwd: ROOT,
    env: { ...process.env, ...FREE_PORTS, CALLIN_DATA_DIR: dataDir, ...env },
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const ready = new Promise<void>((resolve, reject) => {
    child.stdout.on('data', () => output.includes('"msg":"ready"') && resolve());
    child.once('exit', (code) => reject(new Error(`exited with ${code} before it was ready`)));
  });
  return { child, dataDir, ready, output: () => output };
}

describe('the program', () => {
  test('--check says that the configuration is valid, and starts nothing', () => {
    const dataDir = join(folder, 'unused');
    const result = run(['src/main.ts', '--check'], { CALLIN_AUTH__SECRET_KEY: SECRET_KEY, CALLIN_DATA_DIR: dataDir });
    expect([result.status, result.stdout]).toEqual([0, 'configuration is valid\n']);
    expect(existsSync(dataDir)).toBe(false);
  });

  test('a configuration that cannot be used ends it with 2 and names key, variable and reason', () => {
    const result = run(['src/main.ts'], { CALLIN_AUTH__SECRET_KEY: SECRET_KEY, CALLIN_HTTP__PORT: 'eighty' });
    expect(result.status).toBe(2);
    expect(result.stderr).toContain('http.port (CALLIN_HTTP__PORT): must be integer');
  });

  test('--check reads the price lists too, customers’ and suppliers’', () => {
    const result = run(['src/main.ts', '--check'], {
      CALLIN_AUTH__SECRET_KEY: SECRET_KEY,
      CALLIN_BILLING__RATES: 'config/missing.yaml',
      CALLIN_BILLING__SUPPLIER_RATES: 'config/rates.yaml',
    });
    expect(result.status).toBe(2);
    expect(result.stderr).toMatch(/billing\.rates \(CALLIN_BILLING__RATES\): ENOENT/);
    expect(result.stderr).toMatch(
      /billing\.supplierRates \(CALLIN_BILLING__SUPPLIER_RATES\): \S+rates\.yaml:\d+: compute: unknown key/,
    );
  });

  test('an unknown argument ends it with 2 and the usage', () => {
    const result = run(['src/main.ts', '--confg', 'x']);
    expect(result.status).toBe(2);
    expect(result.stderr).toContain('usage: node src/main.ts');
  });

  test('a SIP port in use ends it with 1 and one line', async () => {
    const taken = createSocket('udp4');
    taken.bind(0, '127.0.0.1');
    await once(taken, 'listening');
    const result = run(['src/main.ts', '--config', 'config/demo-start.yaml'], {
      ...FREE_PORTS,
      CALLIN_SIP__UDP_PORT: String(taken.address().port),
      CALLIN_DATA_DIR: join(folder, 'in-use'),
    });
    taken.close();
    expect(result.status).toBe(1);
    expect(result.stderr).toMatch(
      /^callin: could not start: EADDRINUSE: [^\n]+ is taken by another program: free it, or change sip\.udpPort \(CALLIN_SIP__UDP_PORT\)\n$/,
    );
  });

  test('so does an address that this machine does not have', () => {
    const result = run(['src/main.ts', '--config', 'config/demo-start.yaml'], {
      ...FREE_PORTS,
      CALLIN_SIP__HOST: '203.0.113.10',
      CALLIN_DATA_DIR: join(folder, 'not-here'),
    });
    expect(result.status).toBe(1);
    expect(result.stderr).toMatch(
      /^callin: could not start: EADDRNOTAVAIL: [^\n]+ is no address of this machine: change sip\.host \(CALLIN_SIP__HOST\)\n$/,
    );
  });

  test('so does the API’s port in use', async () => {
    const taken = createServer();
    taken.listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    const result = run(['src/main.ts', '--config', 'config/demo-start.yaml'], {
      ...FREE_PORTS,
      CALLIN_HTTP__PORT: String(port),
      CALLIN_DATA_DIR: join(folder, 'http-in-use'),
    });
    taken.close();
    expect(result.status).toBe(1);
    expect(result.stderr).toContain('is taken by another program: free it, or change http.port (CALLIN_HTTP__PORT)\n');
  });

  test('starts ready, keeps what it makes to itself, tells a newcomer where to call, and stops in order on SIGTERM', async () => {
    const { child, dataDir, ready, output } = start('whole');
    await ready;
    const second = run(['src/main.ts', '--config', 'config/demo-start.yaml'], {
      ...FREE_PORTS,
      CALLIN_DATA_DIR: dataDir,
    });
    expect([second.status, second.stderr]).toEqual([1, expect.stringContaining('books_locked')]);
    for (const file of ['admin-token', 'secret-key', 'books.db', 'directory.db']) {
      expect(statSync(join(dataDir, file)).mode & 0o077, file).toBe(0);
    }
    expect(output()).toMatch(/sip:\+12025550100@127\.0\.0\.1:\d+/);
    expect(output()).toContain(readFileSync(join(dataDir, 'admin-token'), 'utf8').trim());
    child.removeAllListeners('exit');
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    expect((await exited)[0]).toBe(0);
    const lastLine = output().trim().split('\n').at(-1) ?? '';
    expect(JSON.parse(lastLine)).toMatchObject({
      level: 'info',
      msg: 'stopped',
      callsLeft: 0,
      tookMs: expect.any(Number),
    });
  });
});

describe('the demo', () => {
  test('places a call, hears itself byte for byte, prints a bill and leaves clean books', () => {
    const result = run(['src/demo/demo.ts']);
    expect(result.stdout).toMatch(/all \d+ bytes came back exactly/);
    expect(result.stdout).toMatch(/telephony\s+60000 ms at 0\.012 USD\/min = 0\.012 USD/);
    expect(result.stdout).toMatch(/compute\s+[67]\d{3} ms at 0\.06 USD\/min/);
    expect(result.stdout).toMatch(/differences\s+0\n/);
    expect(result.status).toBe(0);
  });
});

describe('the set-up script', () => {
  test('does nothing, and quickly, where nothing is missing', () => {
    const started = performance.now();
    const result = run(['src/setup/setup.mjs']);
    const tookMs = performance.now() - started;
    expect([result.status, result.stderr]).toEqual([0, '']);
    // Its promise is 0.3 s; a machine that runs other tests at the same time gets some room.
    expect(tookMs).toBeLessThan(1_000);
  });
});
