import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { openDirectory } from '../../src/directory/sqlite-directory.ts';
import { SESSION_IDLE_MS, SESSION_LIFE_MS } from '../../src/http/sessions.ts';
import { ADMIN_TOKEN, type Answer, startWorld, type World } from './world.ts';

let world: World | undefined;
afterEach(async () => {
  await world?.close();
  world = undefined;
});

const folder = mkdtempSync(join(tmpdir(), 'callin-sessions-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const signIn = (on: World, token: string, headers: Record<string, string> = {}): Promise<Answer> =>
  on.ask('POST', '/v1/sessions', { token: null, body: { token }, headers });
const withCookie = (on: World, cookie: string, method = 'GET', path = '/v1/sessions/current', csrf?: string) =>
  on.ask(method, path, { token: null, headers: { cookie, ...(csrf === undefined ? {} : { 'x-csrf-token': csrf }) } });
const cookieOf = (answer: Answer): string => (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? '';

describe('signing in', () => {
  test('the operator gets a cookie that scripts cannot read, and a token for changes', async () => {
    world = await startWorld();
    const answer = await signIn(world, ADMIN_TOKEN);
    expect(answer.status).toBe(201);
    expect(answer.headers.get('set-cookie')).toMatch(
      /^callin_session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=604800$/,
    );
    expect(answer.body).toEqual({
      csrfToken: expect.stringMatching(/^[\w-]{43}$/),
      principal: { kind: 'operator', workspaceId: null, role: 'admin' },
      expiresAt: '2026-01-01T12:00:00.000Z',
    });
    expect((await withCookie(world, cookieOf(answer))).body).toEqual(answer.body);
    expect((await withCookie(world, cookieOf(answer), 'GET', '/v1/workspaces')).status).toBe(200);
  });

  test('a workspace’s key opens its workspace with its role', async () => {
    world = await startWorld();
    const { id } = await world.workspace('A');
    const key = await world.ask('POST', `/v1/workspaces/${id}/keys`, { body: { label: 'x', role: 'read_only' } });
    const answer = await signIn(world, key.body.token);
    expect(answer.body.principal).toEqual({ kind: 'workspace', workspaceId: id, role: 'read_only' });
    const { csrfToken } = answer.body;
    const tried = await withCookie(world, cookieOf(answer), 'DELETE', '/v1/agents/agent_a', csrfToken);
    expect([tried.status, tried.body.code]).toEqual([403, 'missing_scope']);
    expect((await withCookie(world, cookieOf(answer), 'GET', '/v1/margins')).body.code).toBe('forbidden');
  });

  test.each([
    ['a page over TLS', { origin: 'https://edge.example', host: 'edge.example' }, true],
    ['a proxy that speaks TLS', { 'x-forwarded-proto': 'https' }, true],
    ['the first proxy of several', { 'x-forwarded-proto': 'https, http' }, true],
    ['plain HTTP', { 'x-forwarded-proto': 'http' }, false],
  ])('Secure: %s', async (_what, headers, secure) => {
    world = await startWorld();
    const { host, ...rest } = headers as Record<string, string>;
    // fetch sets Host itself; what counts there is Sec-Fetch-Site.
    const more: Record<string, string> = host === undefined ? rest : { ...rest, 'sec-fetch-site': 'same-origin' };
    const answer = await signIn(world, ADMIN_TOKEN, more);
    expect(answer.headers.get('set-cookie')?.includes('; Secure')).toBe(secure);
  });

  test('Secure wherever the configuration says so', async () => {
    world = await startWorld({ secureCookies: true });
    expect((await signIn(world, ADMIN_TOKEN)).headers.get('set-cookie')).toContain('; Secure');
  });

  test.each(['wrong', `callin_sk_${'A'.repeat(43)}`])('%s is 401 and sets nothing', async (token) => {
    world = await startWorld();
    const answer = await signIn(world, token);
    expect([answer.status, answer.body.code]).toEqual([401, 'unauthorized']);
    expect(answer.headers.get('set-cookie')).toBeNull();
  });

  test('from another site’s page it is refused: nobody is signed in as somebody else', async () => {
    world = await startWorld();
    for (const headers of [{ origin: 'https://evil.example' }, { 'sec-fetch-site': 'cross-site' }]) {
      expect((await signIn(world, ADMIN_TOKEN, headers as Record<string, string>)).body.code).toBe('csrf_failed');
    }
    expect((await signIn(world, ADMIN_TOKEN, { origin: world.url })).status).toBe(201);
  });

  test('an address may try a few times, then it waits; a request with a token does not', async () => {
    world = await startWorld({ limits: { signInsPerSecond: 0.1, signInsBurst: 3 } });
    const answers = [];
    for (let i = 0; i < 5; i += 1) answers.push(await signIn(world, `guess${i}`));
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 401, 429, 429]);
    expect(answers[4]?.headers.get('retry-after')).toBe('10');
    expect((await signIn(world, ADMIN_TOKEN)).status).toBe(429);
    const shown = await world.deps.metrics.render();
    expect(shown).toContain('callin_sign_ins_total{result="refused"} 3');
    expect(shown).toContain('callin_sign_ins_total{result="limited"} 3');
    expect((await world.ask('GET', '/v1/node')).status).toBe(200);
    world.clock.advance(10_000);
    expect((await signIn(world, ADMIN_TOKEN)).status).toBe(201);
  });
});

describe('behind a proxy', () => {
  const guess = (on: World, from: string) => signIn(on, 'guess', { 'x-forwarded-for': from });

  test('that is named, an address is that of the person; one who guesses keeps nobody else out', async () => {
    world = await startWorld({ trustedProxies: ['127.0.0.1/32'], limits: { signInsPerSecond: 0.1, signInsBurst: 2 } });
    for (const status of [401, 401, 429]) expect((await guess(world, '203.0.113.1')).status).toBe(status);
    // The proxy writes the last address; what stands before it the client may have made up.
    expect((await guess(world, '198.51.100.7, 203.0.113.1')).status).toBe(429);
    expect((await signIn(world, ADMIN_TOKEN, { 'x-forwarded-for': '203.0.113.2' })).status).toBe(201);
  });

  test('that is not named, X-Forwarded-For is anybody’s word', async () => {
    world = await startWorld({ limits: { signInsPerSecond: 0.1, signInsBurst: 2 } });
    const statuses = [];
    for (let i = 0; i < 3; i += 1) statuses.push((await guess(world, `203.0.113.${i}`)).status);
    expect(statuses).toEqual([401, 401, 429]);
  });

  test('/metrics are not opened by what a proxy says', async () => {
    world = await startWorld({ trustedProxies: ['127.0.0.1/32'] });
    const answer = await world.ask('GET', '/metrics', { headers: { 'x-forwarded-for': '127.0.0.1' } });
    expect(answer.status).toBe(403);
  });
});

describe('a session', () => {
  test('changes things with its CSRF token', async () => {
    world = await startWorld();
    const { cookie, csrfToken } = await world.signIn(ADMIN_TOKEN);
    for (const more of [
      {},
      { origin: world.url },
      { 'sec-fetch-site': 'same-origin', origin: 'https://edge.example' },
    ]) {
      const made = await world.ask('POST', '/v1/workspaces', {
        token: null,
        body: { name: 'x' },
        headers: { cookie, 'x-csrf-token': csrfToken, ...(more as Record<string, string>) },
      });
      expect(made.status).toBe(201);
    }
  });

  test('is out at once when it signs out, and the answer clears the cookie', async () => {
    world = await startWorld();
    const { cookie, csrfToken } = await world.signIn(ADMIN_TOKEN);
    const out = await withCookie(world, cookie, 'DELETE', '/v1/sessions/current', csrfToken);
    expect(out.status).toBe(204);
    expect(out.headers.get('set-cookie')).toContain('callin_session=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0');
    expect((await withCookie(world, cookie)).status).toBe(401);
  });

  test('ends after 12 hours without a request, and use puts that off', async () => {
    world = await startWorld();
    const { cookie } = await world.signIn(ADMIN_TOKEN);
    world.clock.advance(SESSION_IDLE_MS - 1);
    expect((await withCookie(world, cookie)).body.expiresAt).toBe('2026-01-01T23:59:59.999Z');
    world.clock.advance(SESSION_IDLE_MS - 1);
    expect((await withCookie(world, cookie)).status).toBe(200);
    world.clock.advance(SESSION_IDLE_MS);
    expect((await withCookie(world, cookie)).status).toBe(401);
  });

  test('ends after seven days, however much it is used', async () => {
    world = await startWorld();
    const { cookie } = await world.signIn(ADMIN_TOKEN);
    const step = SESSION_IDLE_MS / 2;
    for (let at = step; at < SESSION_LIFE_MS; at += step) {
      world.clock.advance(step);
      expect((await withCookie(world, cookie)).status).toBe(200);
    }
    world.clock.advance(step);
    expect((await withCookie(world, cookie)).status).toBe(401);
  });

  test('dies with its key, and has the role that the key has now', async () => {
    world = await startWorld();
    const { id, token } = await world.workspace('A');
    const { cookie } = await world.signIn(token);
    const [key] = (await world.ask('GET', `/v1/workspaces/${id}/keys`)).body.items;
    await world.directory.keys.update(key.id, (stored) => ({ ...stored, role: 'read_only' }));
    expect((await withCookie(world, cookie)).body.principal.role).toBe('read_only');
    expect((await world.ask('DELETE', `/v1/workspaces/${id}/keys/${key.id}`)).status).toBe(204);
    expect((await withCookie(world, cookie)).status).toBe(401);
  });

  test('survives a restart, but not another admin token', async () => {
    const path = join(folder, 'restart.db');
    const open = () => openDirectory(path, { sealingKey: new Uint8Array(32).fill(7) });
    world = await startWorld({ directory: open() });
    const { cookie } = await world.signIn(ADMIN_TOKEN);
    await world.close();
    world = await startWorld({ directory: open() });
    expect((await withCookie(world, cookie)).status).toBe(200);
    await world.close();
    world = await startWorld({ directory: open(), auth: { adminToken: 'another-one' } });
    expect((await withCookie(world, cookie)).status).toBe(401);
  });

  test('is stored without its cookie and its CSRF token', async () => {
    const path = join(folder, 'stored.db');
    world = await startWorld({ directory: openDirectory(path, { sealingKey: new Uint8Array(32).fill(7) }) });
    const { cookie, csrfToken } = await world.signIn(ADMIN_TOKEN);
    const bytes = readdirSync(folder).map((name) => readFileSync(join(folder, name)).toString('latin1'));
    const secret = cookie.replace('callin_session=', '');
    expect(bytes.join('')).toContain('console_sessions');
    for (const text of [secret, csrfToken, ADMIN_TOKEN]) expect(bytes.join('').includes(text)).toBe(false);
    expect(world.log.text()).not.toContain(secret);
  });

  test('makes room for others of its key: the oldest of fifty goes', async () => {
    world = await startWorld();
    const { token } = await world.workspace('A');
    const cookies = [];
    for (let i = 0; i < 51; i += 1) {
      cookies.push((await world.signIn(token)).cookie);
      world.clock.advance(1);
    }
    expect((await withCookie(world, cookies[0] ?? '')).status).toBe(401);
    expect((await withCookie(world, cookies[1] ?? '')).status).toBe(200);
    expect((await withCookie(world, cookies[50] ?? '')).status).toBe(200);
  });

  test('has a rate of its own', async () => {
    world = await startWorld({ limits: { requestsPerSecond: 1, requestsBurst: 3 } });
    const [one, two] = [await world.signIn(ADMIN_TOKEN), await world.signIn(ADMIN_TOKEN)];
    const statuses = [];
    for (let i = 0; i < 4; i += 1) statuses.push((await withCookie(world, one.cookie)).status);
    expect(statuses).toEqual([200, 200, 200, 429]);
    expect((await withCookie(world, two.cookie)).status).toBe(200);
  });
});

describe('the cookie', () => {
  test('is not looked at where a token is given, be it a wrong one', async () => {
    world = await startWorld();
    const { cookie } = await world.signIn(ADMIN_TOKEN);
    const wrong = await world.ask('GET', '/v1/node', { token: 'wrong', headers: { cookie } });
    expect(wrong.status).toBe(401);
    const { token } = await world.workspace('A');
    const margins = await world.ask('GET', '/v1/margins', { token, headers: { cookie } });
    expect(margins.status).toBe(403);
    expect((await world.ask('GET', '/v1/sessions/current', { token, headers: { cookie } })).status).toBe(404);
  });

  test('opens nothing where there are two of the name, or it is malformed', async () => {
    world = await startWorld();
    const { cookie } = await world.signIn(ADMIN_TOKEN);
    const other = `callin_session=${'A'.repeat(43)}`;
    expect((await withCookie(world, `theme=dark; ${cookie}; a=b`)).status).toBe(200);
    for (const header of [`${cookie}; ${other}`, `${other}; ${cookie}`, `${cookie}x`, 'callin_session=', other]) {
      expect((await withCookie(world, header)).status).toBe(401);
    }
  });
});

describe('roles of keys', () => {
  test('a key without a role is an admin, as keys of earlier versions are', async () => {
    world = await startWorld();
    const { id, token } = await world.workspace('A');
    const made = await world.ask('POST', `/v1/workspaces/${id}/keys`, { token, body: { label: 'x' } });
    expect([made.status, made.body.role]).toEqual([201, 'admin']);
  });

  test('a member works but gives nobody access, and cannot make itself more', async () => {
    world = await startWorld();
    const { id } = await world.workspace('A');
    const { body } = await world.ask('POST', `/v1/workspaces/${id}/keys`, { body: { label: 'x', role: 'member' } });
    const stream = { url: 'wss://a.example', protocol: 'twilio' };
    const agent = await world.ask('POST', '/v1/agents', { token: body.token, body: { name: 'x', stream } });
    expect(agent.status).toBe(201);
    const key = await world.ask('POST', `/v1/workspaces/${id}/keys`, { token: body.token, body: { label: 'y' } });
    expect([key.status, key.body.code, key.body.detail]).toEqual([
      403,
      'missing_scope',
      'This needs the scope admin, which a key with the role member lacks',
    ]);
    const { status } = await world.ask('DELETE', `/v1/workspaces/${id}/keys/${body.id}`, { token: body.token });
    expect(status).toBe(403);
  });

  test('an unknown role is refused by name', async () => {
    world = await startWorld();
    const { id } = await world.workspace('A');
    const made = await world.ask('POST', `/v1/workspaces/${id}/keys`, { body: { label: 'x', role: 'root' } });
    expect([made.status, made.body.errors[0].field]).toEqual([422, 'role']);
  });
});
