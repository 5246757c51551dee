import { mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startWorld, type World } from './world.ts';

const PAGE =
  '<!doctype html><title>console</title><script type="module" src="/console/assets/main-abc123.js"></script>';
const SCRIPT = `export const text = '${'x'.repeat(5_000)}';`;

let folder: string;
let world: World;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'callin-console-'));
  build(PAGE);
  world = await startWorld({ consoleFolder: join(folder, 'console'), node: () => ({ ...NODE }) });
});
afterEach(async () => {
  await world.close();
  rmSync(folder, { recursive: true, force: true });
});

const NODE = {
  id: 'node-1',
  version: '0.1.0',
  engines: { sip: 'embedded', webrtc: 'off', store: 'embedded' },
  ports: { http: 8080, sipWs: 5062, sipWss: null },
  state: 'active',
  activeCalls: 0,
} as const;

function build(page: string): void {
  const to = join(folder, 'console');
  mkdirSync(join(to, 'assets'), { recursive: true });
  writeFileSync(join(to, 'index.html'), page);
  writeFileSync(join(to, 'theme.js'), 'x');
  writeFileSync(join(to, 'assets', 'main-abc123.js'), SCRIPT);
  writeFileSync(join(to, '.hidden'), 'hidden');
  writeFileSync(join(folder, 'secret.txt'), 'secret');
}

interface Fetched {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly bytes: Buffer;
}

/** The path goes out as it is: fetch would tidy `..` away. */
function get(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Fetched> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(world.url);
    const asked = request({ hostname, port, path, method, headers, agent: false }, async (answer) => {
      const chunks: Buffer[] = [];
      for await (const chunk of answer) chunks.push(chunk as Buffer);
      const bytes = Buffer.concat(chunks);
      resolve({ status: answer.statusCode ?? 0, headers: answer.headers as Fetched['headers'], bytes });
    });
    asked.on('error', reject).end();
  });
}
const textOf = ({ bytes }: Fetched): string => bytes.toString('utf8');

describe('the console', () => {
  test.each([
    ['/', 302],
    ['/console', 308],
  ])('%s leads to it', async (path, status) => {
    const answer = await get(path);
    expect([answer.status, answer.headers['location']]).toEqual([status, '/console/']);
  });

  test.each(['/console/', '/console/index.html', '/console/calls', '/console/calls/call_a', '/console/numbers?q=1'])(
    '%s is the page, which is never kept',
    async (path) => {
      const answer = await get(path);
      expect([answer.status, textOf(answer)]).toEqual([200, PAGE]);
      expect(answer.headers['content-type']).toBe('text/html; charset=utf-8');
      expect(answer.headers['cache-control']).toBe('no-store');
    },
  );

  test('lets in what is ours and nothing inline; the SIP engine’s WebSocket is the only other place', async () => {
    const { headers } = await get('/console/', { host: 'edge.example:8080' });
    const policy = String(headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:");
    expect(policy).toContain("connect-src 'self' ws://edge.example:5062; ");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/unsafe|https:|\*/);
    expect(headers['permissions-policy']).toContain('microphone=(self)');
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(headers['x-frame-options']).toBe('DENY');
  });

  test('lets in where test calls go, when that is elsewhere: a proxy, or another name of this machine', async () => {
    await world.close();
    const testCalls = { ...world.deps.testCalls, wsUrl: 'wss://sip.example/ws' };
    world = await startWorld({ consoleFolder: join(folder, 'console'), node: () => ({ ...NODE }), testCalls });
    const { headers } = await get('/console/', { host: 'edge.example' });
    const policy = String(headers['content-security-policy']);
    expect(policy).toContain("connect-src 'self' ws://edge.example:5062 wss://sip.example; ");
  });

  test.each(['edge.example; script-src *', 'a b', '[::1]:8080', "x'", 'ä.example'])(
    'a Host of %j writes nothing into the policy',
    async (host) => {
      const { status, headers } = await get('/console/', { host: Buffer.from(host).toString('latin1') });
      if (status === 400) return;
      expect(headers['content-security-policy']).toContain("connect-src 'self' ws://*:5062; ");
    },
  );

  test('files with a hash in their name are kept for ever, others are asked for again', async () => {
    const script = await get('/console/assets/main-abc123.js');
    expect(textOf(script)).toBe(SCRIPT);
    expect(script.headers['content-type']).toBe('text/javascript; charset=utf-8');
    expect(script.headers['cache-control']).toBe('public, max-age=31536000, immutable');
    expect((await get('/console/theme.js')).headers['cache-control']).toBe('no-cache');
  });

  test.each([
    ['br, gzip', 'br', (bytes: Buffer) => brotliDecompressSync(bytes)],
    ['gzip;q=1.0, br;q=0', 'gzip', (bytes: Buffer) => gunzipSync(bytes)],
  ] as const)('Accept-Encoding %s gets %s', async (accepted, encoding, decode) => {
    const answer = await get('/console/assets/main-abc123.js', { 'accept-encoding': accepted });
    expect([answer.headers['content-encoding'], answer.headers['vary']]).toEqual([encoding, 'accept-encoding']);
    expect(answer.bytes.length).toBeLessThan(200);
    expect(decode(answer.bytes).toString()).toBe(SCRIPT);
  });

  test('what is small, or not asked for, is sent as it is', async () => {
    expect((await get('/console/theme.js', { 'accept-encoding': 'br' })).headers['content-encoding']).toBeUndefined();
    const plain = await get('/console/assets/main-abc123.js', { 'accept-encoding': 'identity' });
    expect(plain.headers['content-encoding']).toBeUndefined();
  });

  test('a known ETag is 304, HEAD has no body', async () => {
    const { headers } = await get('/console/theme.js');
    const again = await get('/console/theme.js', { 'if-none-match': `W/"other", ${headers['etag']}` });
    expect([again.status, again.bytes.length]).toEqual([304, 0]);
    expect((await get('/console/theme.js', { 'if-none-match': '"other"' })).status).toBe(200);
    const head = await get('/console/assets/main-abc123.js', {}, 'HEAD');
    expect([head.status, head.bytes.length, head.headers['content-length']]).toEqual([200, 0, String(SCRIPT.length)]);
  });

  test.each([
    '/console/assets/gone.js',
    '/console/missing.png',
    '/console/../secret.txt',
    '/console/%2e%2e/secret.txt',
    '/console/..%2fsecret.txt',
    '/console/assets/..%2f..%2f..%2fsecret.txt',
    '/console/..%5csecret.txt',
    '/console//etc/passwd.txt',
    '/console/.hidden',
    '/console/link.txt',
    '/console/index.html%00.js',
  ])('%s is not there', async (path) => {
    symlinkSync(join(folder, 'secret.txt'), join(folder, 'console', 'link.txt'));
    const answer = await get(path);
    expect(textOf(answer)).not.toMatch(/^secret|^hidden/);
    if (!path.endsWith('.hidden')) expect([400, 404]).toContain(answer.status);
  });

  test('other methods are 405, the API stays where it is', async () => {
    const answer = await get('/console/calls', {}, 'POST');
    expect([answer.status, answer.headers['allow']]).toEqual([405, 'GET, HEAD']);
    expect((await get('/v1/nope')).status).toBe(404);
    expect((await get('/docs')).status).toBe(200);
  });

  test('a page that was built anew is served from then on', async () => {
    await get('/console/');
    build('<!doctype html>new');
    const later = new Date(Date.now() + 5_000);
    utimesSync(join(folder, 'console', 'index.html'), later, later);
    expect(textOf(await get('/console/'))).toBe('<!doctype html>new');
  });

  test('without a build it says how to make one', async () => {
    rmSync(join(folder, 'console'), { recursive: true });
    const answer = await get('/console/');
    expect([answer.status, textOf(answer)]).toEqual([503, expect.stringContaining('npm run console')]);
    build(PAGE);
    expect((await get('/console/')).status).toBe(200);
  });
});
