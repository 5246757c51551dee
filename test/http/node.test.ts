import { createHash } from 'node:crypto';
import { afterEach, describe, expect, test } from 'vitest';
import { REASONS } from '../../src/domain/reasons.ts';
import { GENERAL_PROBLEMS, PROBLEM_CODES, problemKind } from '../../src/http/problems.ts';
import { createTrustedAddresses } from '../../src/http/trusted-address.ts';
import { startWorld, type World } from './world.ts';

let world: World;
afterEach(() => world.close());

describe('node', () => {
  test('tells what it is; how busy it is only to the operator', async () => {
    world = await startWorld();
    const a = await world.workspace('A');
    const operator = (await world.ask('GET', '/v1/node')).body;
    expect(operator).toEqual({
      id: 'node-1',
      version: '0.1.0',
      engines: { sip: 'embedded', webrtc: 'off', store: 'embedded' },
      ports: { http: 8080, sipTls: null },
      state: 'active',
      activeCalls: 3,
    });
    const { activeCalls: _hidden, ...rest } = operator;
    expect((await world.ask('GET', '/v1/node', { token: a.token })).body).toEqual(rest);
  });

  test('route explanations come as they were decided', async () => {
    world = await startWorld();
    const body = { sourceIp: '192.0.2.1', from: '+12025550199', to: '+12025550100' };
    const answer = await world.ask('POST', '/v1/route-explanations', { body });
    expect(answer.body).toMatchObject({ verdict: 'refused', reason: 'unknown_source', sipStatus: 403 });
    const bad = await world.ask('POST', '/v1/route-explanations', { body: { ...body, sourceIp: 'example.com' } });
    expect(bad.body.errors[0].field).toBe('sourceIp');
  });
});

describe('health', () => {
  test('readiness names what fails to trusted addresses only', async () => {
    world = await startWorld({
      ready: async () => ({ sip: true, store: 'database or disk is full', accepting: false }),
    });
    const direct = await world.ask('GET', '/readyz', { token: null });
    expect([direct.status, direct.body.code, direct.body.detail]).toEqual([
      503,
      'not_ready',
      'Failing: store (database or disk is full), accepting',
    ]);
    const relayed = await world.ask('GET', '/readyz', { token: null, headers: { 'x-forwarded-for': '198.51.100.7' } });
    expect([relayed.status, relayed.body.detail]).toEqual([503, undefined]);
    expect((await world.ask('GET', '/healthz', { token: null })).body).toEqual({ status: 'ok' });
  });

  test('a probe of a node that is not ready is no error in the log: it is what was asked for', async () => {
    world = await startWorld({ ready: async () => ({ sip: true, accepting: false }) });
    expect((await world.ask('GET', '/readyz', { token: null })).status).toBe(503);
    expect(world.log.text()).toContain('"route":"/readyz"');
    expect(world.log.text()).not.toContain('"level":"error"');
  });

  test('ready is ready', async () => {
    world = await startWorld();
    expect((await world.ask('GET', '/readyz', { token: null })).body).toEqual({
      ready: true,
      checks: { sip: true, store: true },
    });
    const relayed = await world.ask('GET', '/readyz', { token: null, headers: { forwarded: 'for=198.51.100.7' } });
    expect(relayed.body).toEqual({ ready: true });
  });

  test('metrics are for loopback, not for whoever a proxy on loopback speaks for', async () => {
    world = await startWorld();
    const direct = await world.ask('GET', '/metrics', { token: null });
    expect(direct.status).toBe(200);
    expect(direct.headers.get('content-type')).toContain('text/plain');
    expect(direct.text).toContain('callin_overshoot_total 0');
    const relayed = await world.ask('GET', '/metrics', { headers: { 'x-forwarded-for': '127.0.0.1' } });
    expect([relayed.status, relayed.body.code]).toEqual([403, 'forbidden']);
  });

  test('other addresses read metrics when they are listed', async () => {
    world = await startWorld();
    const trusts = (allowed: string[], remoteAddress: string) =>
      createTrustedAddresses(allowed)({ headers: {}, socket: { remoteAddress } } as unknown as Parameters<
        ReturnType<typeof createTrustedAddresses>
      >[0]);
    expect(trusts([], '192.0.2.9')).toBe(false);
    expect(trusts(['192.0.2.0/28'], '192.0.2.9')).toBe(true);
    expect(trusts(['192.0.2.0/28'], '::ffff:192.0.2.9')).toBe(true);
    expect(trusts(['192.0.2.0/28'], '192.0.2.16')).toBe(false);
    expect(trusts(['2001:db8::/32'], '2001:db8::5')).toBe(true);
    expect(trusts([], '::1')).toBe(true);
    expect(trusts([], '127.8.8.8')).toBe(true);
    expect(() => trusts(['monitoring.example'], '127.0.0.1')).toThrow(TypeError);
  });
});

describe('documentation', () => {
  test('codes are unique, each with a client or server error status', () => {
    expect(Object.keys(GENERAL_PROBLEMS).filter((code) => code in REASONS)).toEqual([]);
    expect(new Set(PROBLEM_CODES).size).toBe(PROBLEM_CODES.length);
    for (const code of PROBLEM_CODES) {
      expect(code).toMatch(/^[a-z][a-z_]*$/);
      expect(problemKind(code).status).toBeGreaterThanOrEqual(400);
      expect(problemKind(code).title.length).toBeGreaterThan(5);
    }
  });

  test('every code stands in the document and on the page, and the type of a problem leads there', async () => {
    world = await startWorld();
    const document = JSON.stringify(world.document);
    const page = (await world.ask('GET', '/docs', { token: null })).text;
    for (const code of PROBLEM_CODES) {
      expect(document).toContain(`\`${code}\` (${problemKind(code).status})`);
      expect(page).toContain(`id="problem-${code}"`);
    }
    expect((await world.ask('GET', '/v1/nope')).body.type).toBe('/docs#problem-route_not_found');
  });

  test('the document is OpenAPI 3.1 whose references all lead somewhere', async () => {
    world = await startWorld();
    const text = JSON.stringify(world.document);
    expect(world.document.openapi).toBe('3.1.0');
    const references = [...text.matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)].map((match) => match[1] ?? '');
    expect(references.length).toBeGreaterThan(20);
    for (const name of references) expect(Object.keys(world.document.components.schemas)).toContain(name);
    for (const [path, operations] of Object.entries(world.document.paths)) {
      for (const operation of Object.values(operations)) {
        const inPath = (operation.parameters ?? []).filter((each) => each.in === 'path').map((each) => each.name);
        expect(inPath).toEqual([...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]));
      }
    }
  });

  test('the page shows every operation, runs no script, loads nothing, and its style is the allowed one', async () => {
    world = await startWorld();
    const answer = await world.ask('GET', '/docs', { token: null });
    expect(answer.headers.get('content-type')).toContain('text/html');
    for (const operations of Object.values(world.document.paths)) {
      for (const operation of Object.values(operations)) expect(answer.text).toContain(`id="${operation.operationId}"`);
    }
    expect(answer.text).not.toMatch(/<script|src=|@import|url\(|http:\/\/|https:\/\//);
    const style = /<style>([\s\S]*?)<\/style>/.exec(answer.text)?.[1] ?? '';
    const hash = createHash('sha256').update(style).digest('base64');
    expect(answer.headers.get('content-security-policy')).toContain(`'sha256-${hash}'`);
  });
});
