import { connect } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { createAuthenticator, newToken } from '../../src/http/auth.ts';
import { addressKey, createRateLimiter } from '../../src/http/rate-limit.ts';
import { createHttp } from '../../src/http/server.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { ADMIN_TOKEN, startWorld, type World } from './world.ts';

let world: World | undefined;
afterEach(async () => {
  await world?.close();
  world = undefined;
});

describe('tokens', () => {
  test.each([
    ['lower case scheme', `bearer ${ADMIN_TOKEN}`, 200],
    ['two blanks', `Bearer  ${ADMIN_TOKEN}`, 200],
    ['another scheme', `Basic ${ADMIN_TOKEN}`, 401],
    ['no scheme', ADMIN_TOKEN, 401],
    ['a prefix of the token', `Bearer ${ADMIN_TOKEN.slice(0, -1)}`, 401],
    ['the token and more', `Bearer ${ADMIN_TOKEN}x`, 401],
    ['two tokens', `Bearer ${ADMIN_TOKEN} ${ADMIN_TOKEN}`, 401],
    ['a very long one', `Bearer ${'x'.repeat(5000)}`, 401],
  ])('%s', async (_what, authorization, status) => {
    world = await startWorld();
    const answer = await world.ask('GET', '/v1/node', { token: null, headers: { authorization } });
    expect(answer.status).toBe(status);
  });

  test('an empty admin token opens nothing', async () => {
    const keys = { byTokenHash: async () => undefined } as unknown as Parameters<typeof createAuthenticator>[1];
    const authenticator = createAuthenticator('', keys);
    for (const header of ['Bearer ', 'Bearer', '', undefined])
      expect(await authenticator.identify(header)).toBeUndefined();
  });

  test('a token is 256 random bits', () => {
    const { token } = newToken((size) => new Uint8Array(size).fill(255));
    expect(Buffer.from(token.replace('callin_sk_', ''), 'base64url')).toEqual(Buffer.alloc(32, 255));
  });

  test('a request without a token has its body left unread', async () => {
    world = await startWorld();
    const huge = await world.ask('POST', '/v1/agents', { token: null, raw: '{' });
    expect(huge.status).toBe(401);
  });

  test('the token in the query or in a cookie is no token', async () => {
    world = await startWorld();
    const inQuery = await world.ask('GET', `/v1/node?token=${ADMIN_TOKEN}`, { token: null });
    const inCookie = await world.ask('GET', '/v1/node', { token: null, headers: { cookie: `token=${ADMIN_TOKEN}` } });
    expect([inQuery.status, inCookie.status]).toEqual([401, 401]);
  });
});

describe('rate limits', () => {
  const LIMIT = { perSecond: 2, burst: 3 };

  test('a bucket gives its burst, then its rate', () => {
    const clock = new FakeClock();
    const limiter = createRateLimiter({ clock, bucketsMax: 10 });
    const take = (count: number) => Array.from({ length: count }, () => limiter.take('k', LIMIT));
    expect(take(4)).toEqual([null, null, null, 1]);
    clock.advance(500);
    expect(take(2)).toEqual([null, 1]);
    clock.advance(3_600_000);
    expect(take(4)).toEqual([null, null, null, 1]);
  });

  test('a step of the wall clock gives nothing', () => {
    const clock = new FakeClock();
    const limiter = createRateLimiter({ clock, bucketsMax: 10 });
    for (let i = 0; i < 3; i += 1) limiter.take('k', LIMIT);
    clock.stepWall(3_600_000);
    expect(limiter.take('k', LIMIT)).toBe(1);
  });

  test('the table is bounded and forgets the one that was used longest ago', () => {
    const limiter = createRateLimiter({ clock: new FakeClock(), bucketsMax: 2 });
    const one = { perSecond: 1, burst: 1 };
    limiter.take('a', one);
    limiter.take('b', one);
    expect(limiter.take('a', one)).not.toBeNull();
    limiter.take('c', one);
    expect(limiter.take('a', one)).not.toBeNull();
    expect(limiter.take('b', one)).toBeNull();
  });

  test.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:db8::1', '2001:db8:0:0'],
    ['::1', '0:0:0:0'],
    ['fe80::', 'fe80:0:0:0'],
  ])('%s counts as %s', (address, key) => {
    expect(addressKey(address)).toBe(key);
  });

  test('a token that asks too often waits; other tokens do not', async () => {
    world = await startWorld({ limits: { requestsPerSecond: 1, requestsBurst: 5 } });
    const a = await world.workspace('A');
    const asked = [];
    for (let i = 0; i < 7; i += 1) asked.push(await world.ask('GET', '/v1/node', { token: a.token }));
    expect(asked.map((answer) => answer.status)).toEqual([200, 200, 200, 200, 200, 429, 429]);
    expect(asked[6]?.headers.get('retry-after')).toBe('1');
    expect((await world.ask('GET', '/v1/node')).status).toBe(200);
    world.clock.advance(1_000);
    expect((await world.ask('GET', '/v1/node', { token: a.token })).status).toBe(200);
  });

  test('guessing tokens is slowed down by address; a valid token from there still works', async () => {
    world = await startWorld({ limits: { anonymousPerSecond: 1, anonymousBurst: 3, requestsBurst: 100 } });
    const statuses = [];
    for (let i = 0; i < 5; i += 1) statuses.push((await world.ask('GET', '/v1/node', { token: `guess${i}` })).status);
    expect(statuses).toEqual([401, 401, 401, 429, 429]);
    expect((await world.ask('GET', '/v1/nope', { token: null })).status).toBe(429);
    expect((await world.ask('GET', '/v1/node')).status).toBe(200);
    expect((await world.ask('GET', '/healthz', { token: null })).status).toBe(200);
  });
});

describe('headers of every answer', () => {
  test.each([
    ['GET', '/v1/node', 200],
    ['GET', '/v1/agents?limit=0', 422],
    ['GET', '/v1/nope', 404],
    ['PUT', '/v1/node', 405],
    ['GET', '/healthz', 200],
    ['GET', '/docs', 200],
    ['GET', '/v1/openapi.json', 200],
    ['GET', '/%', 400],
  ])('%s %s (%d)', async (method, path, status) => {
    world = await startWorld();
    const answer = await world.ask(method, path, { headers: { origin: 'https://evil.example' } });
    expect(answer.status).toBe(status);
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(answer.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('x-request-id')).toMatch(/^req_/);
    expect([...answer.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
    expect(answer.headers.get('server')).toBeNull();
    expect(answer.headers.get('x-powered-by')).toBeNull();
  });

  test('a browser’s preflight is not granted', async () => {
    world = await startWorld();
    const headers = { origin: 'https://evil.example', 'access-control-request-method': 'POST' };
    const answer = await world.ask('OPTIONS', '/v1/agents', { token: null, headers });
    expect(answer.status).toBe(405);
    expect([...answer.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
  });
});

describe('bytes that are no HTTP', () => {
  const speak = (port: number, bytes: string): Promise<string> =>
    new Promise((resolve, reject) => {
      let text = '';
      const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
      socket.on('data', (chunk) => {
        text += chunk.toString('latin1');
      });
      socket.on('close', () => resolve(text));
      socket.on('error', reject);
      socket.setTimeout(5_000, () => socket.destroy(new Error('no answer')));
    });

  test.each([
    ['noise', '\u0001\u0002\r\n\r\n', 400],
    ['another protocol', 'INVITE sip:x@y SIP/2.0\r\n\r\n', 400],
    ['two lengths', 'POST /v1/agents HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}', 400],
    [
      'length and chunks',
      'POST /v1/agents HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
    ],
    ['endless headers', `GET / HTTP/1.1\r\nHost: a\r\n${'X-A: b\r\n'.repeat(2_200)}\r\n`, 431],
  ])('%s is refused and the server lives on', async (_what, bytes, status) => {
    world = await startWorld();
    const answer = await speak(Number(new URL(world.url).port), bytes);
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(answer).toContain('content-type: application/problem+json');
    expect(JSON.parse(answer.split('\r\n\r\n')[1] ?? '')).toMatchObject({ status });
    expect((await world.ask('GET', '/healthz')).status).toBe(200);
  });

  test('connections beyond the limit are refused at once', async () => {
    world = await startWorld({ limits: { connectionsMax: 3 } });
    const port = Number(new URL(world.url).port);
    // The connection that started this world may still be open: at least seven of ten find no room.
    const sockets = Array.from({ length: 10 }, () => connect(port, '127.0.0.1').on('error', () => undefined));
    let refused = 0;
    await new Promise<void>((resolve) => {
      for (const socket of sockets) socket.once('close', () => ++refused === 7 && resolve());
    });
    expect(refused).toBe(7);
    for (const socket of sockets) socket.destroy();
  });

  test('an address that is taken is said so', async () => {
    world = await startWorld();
    const other = await createHttp(world.deps);
    await expect(other.listen({ host: '127.0.0.1', port: Number(new URL(world.url).port) })).rejects.toMatchObject({
      code: 'EADDRINUSE',
    });
    await other.close();
  });

  test('closing while a connection idles does not wait for it, and closing twice is harmless', async () => {
    const other = await startWorld();
    await other.ask('GET', '/healthz');
    const begin = process.hrtime.bigint();
    await other.close();
    await other.close();
    expect(Number(process.hrtime.bigint() - begin) / 1e6).toBeLessThan(2_000);
  });
});
