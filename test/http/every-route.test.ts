import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { E164 } from '../../src/domain/e164.ts';
import type { OpenApiDocument, Operation } from '../../src/http/openapi.ts';
import { buildOpenApi } from '../../src/http/openapi.ts';
import { routeTable } from '../../src/http/server.ts';
import { putNumberRecords } from '../numbers/records.ts';
import { agent, apiKey, call, number, trunk } from '../directory/records.ts';
import { ADMIN_TOKEN, startWorld, type World } from './world.ts';

// What every route must do, over the document itself: a route that is added is tested here without anybody remembering to.

interface Listed {
  readonly method: string;
  readonly path: string;
  readonly operation: Operation;
}

const OPERATIONS = listed(buildOpenApi(routeTable({} as Parameters<typeof routeTable>[0]), '0'));
const guarded = OPERATIONS.filter(({ operation }) => ['workspace', 'operator'].includes(operation['x-access']));
const withId = guarded.filter(({ path }) => path.includes('{id}'));
const withBody = guarded.filter(({ operation }) => operation.requestBody && !isUpload(operation));
/** Answers that never end have tests of their own (events.test.ts). */
const withQuery = guarded.filter(({ operation }) => (operation.parameters ?? []).some((each) => each.in === 'query'));

/** The smallest valid body by operation: needed to get past the check to what is tested. */
const BODIES: Readonly<Record<string, object>> = {
  createWorkspace: { name: 'x' },
  changeWorkspace: { name: 'x' },
  topUpWorkspace: { amount: '1.00' },
  transferCall: { to: '+12025550155' },
  sendDtmf: { digits: '1' },
  createKey: { label: 'x' },
  setDefaultTrunk: { trunkId: null },
  createAgent: { name: 'x', stream: { url: 'wss://a.example', protocol: 'twilio' } },
  changeAgent: { name: 'x' },
  createTrunk: { label: 'x' },
  changeTrunk: { label: 'x' },
  createNumber: { e164: '+12025550177', trunkId: 'trunk_a' },
  changeNumber: { agentId: null },
  orderNumbers: { numbers: ['+14155550103'] },
  connectProviderAccount: { provider: 'telnyx', apiKey: 'KEY0123456789ABCDEF' },
  replaceProviderKey: { apiKey: 'KEY0123456789ABCDEF' },
  importProviderNumbers: { numbers: ['+14155550103'] },
  provisionProviderTrunk: {},
  undoProviderTrunk: {},
  createNumberRequest: { country: 'ES', type: 'mobile', requestType: 'new' },
  saveNumberRequestField: { value: 'company' },
  approveNumberRequest: { numbers: ['+34910000001'] },
  rejectNumberRequest: { reason: 'x' },
  startPersonalNumber: { e164: '+1 202 555 0188' },
  verifyPersonalNumber: { code: '123456' },
  createDiagnosis: { numberE164: '+12025550100' },
  placeCall: { from: '+12025550100', to: '+12025550101' },
  prepareTestCall: { agentId: 'agent_a' },
  resolveReconciliationException: { note: 'x' },
  createWebhook: { url: 'http://127.0.0.1:9/hook' },
  changeWebhook: { enabled: true },
  explainRoute: { sourceIp: '192.0.2.1', from: '+12025550100', to: '+12025550101' },
};

/** A record of workspace A for each kind of path. */
const RECORDS: Record<string, string> = {
  agents: 'agent_a',
  trunks: 'trunk_a',
  numbers: 'num_a',
  calls: 'call_a',
  reconciliations: 'imp_a',
  'reconciliation-exceptions': 'exc_a',
};

let world: World;
let a: { id: string; token: string };
let b: { id: string; token: string };
/** Somebody's identity document: not for those who may only look. */
const DOWNLOAD = 'getNumberRequestDocument';
/** Keys of A that may do less. */
const weak = { member: '', read_only: '' };
/** The operator in a browser. */
let signedIn: { cookie: string; csrfToken: string };

beforeAll(async () => {
  world = await startWorld();
  a = await world.workspace('A');
  b = await world.workspace('B');
  await world.directory.agents.put(agent({ workspaceId: a.id }));
  await world.directory.trunks.put(trunk({ workspaceId: a.id }));
  await world.directory.numbers.put(number({ workspaceId: a.id, e164: '+12025550100' as E164 }));
  await world.directory.keys.put(apiKey({ workspaceId: a.id }));
  await world.directory.trunks.put(trunk({ id: 'trunk_managed', workspaceId: null, kind: 'managed' }));
  Object.assign(RECORDS, await putNumberRecords(world.directory, a.id));
  const personal = { workspaceId: a.id, e164: '+12025550187' as E164, requestKey: 'every' };
  RECORDS['personal-numbers'] = (await world.deps.personalNumbers.start(personal)).view.item.id;
  const asked = { country: 'ES', type: 'local', requestType: 'new', quantity: 1, numbers: [], by: 'customer' } as const;
  RECORDS['number-requests'] = (await world.deps.numberRequests.create({ ...asked, workspaceId: a.id })).request.id;
  RECORDS['webhooks'] = (await world.webhooks.make({ workspaceId: a.id })).id;
  for (const role of ['member', 'read_only'] as const) {
    weak[role] = (await world.ask('POST', `/v1/workspaces/${a.id}/keys`, { body: { label: role, role } })).body.token;
  }
  signedIn = await world.signIn(ADMIN_TOKEN);
  RECORDS['diagnoses'] = (await world.deps.diagnoses.run({ workspaceId: a.id })).id;
  world.calls.records.set('call_a', call({ workspaceId: a.id, state: 'answered' }));
});
afterAll(() => world.close());

describe('every route', () => {
  test('the table and the served document are the same', () => {
    expect(listed(world.document).map(nameOf)).toEqual(OPERATIONS.map(nameOf));
    expect(OPERATIONS.length).toBeGreaterThan(25);
    expect(new Set(OPERATIONS.map(({ operation }) => operation.operationId)).size).toBe(OPERATIONS.length);
  });

  test.each(guarded.map(named))('%s: no token and a wrong token get the same 401', async (_name, route) => {
    const target = pathOf(route, a.id);
    const answers = [];
    for (const token of [null, 'wrong', `callin_sk_${'A'.repeat(43)}`, '']) {
      answers.push(await world.ask(route.method, target, { token, ...content(route) }));
    }
    for (const answer of answers) {
      expect(answer.status).toBe(401);
      expect(answer.headers.get('www-authenticate')).toBe('Bearer');
      expect(answer.text).toBe(answers[0]?.text);
    }
  });

  test.each(guarded.filter(({ operation }) => operation['x-access'] === 'operator').map(named))(
    '%s: a workspace’s key gets 403',
    async (_name, route) => {
      const answer = await world.ask(route.method, pathOf(route, b.id), { token: b.token, ...content(route) });
      expect([answer.status, answer.body.code]).toEqual([403, 'forbidden']);
    },
  );

  test.each(guarded.filter(({ operation }) => (operation['x-scope'] ?? 'read') !== 'read').map(named))(
    '%s: a key whose role does not reach so far gets 403 that names what is missing, and changes nothing',
    async (_name, route) => {
      const { 'x-scope': scope, operationId } = route.operation;
      if (operationId !== DOWNLOAD) expect(route.method, operationId).not.toBe('GET');
      const before = await snapshot();
      for (const role of scope === 'admin' ? (['read_only', 'member'] as const) : (['read_only'] as const)) {
        const answer = await world.ask(route.method, pathOf(route, a.id), { token: weak[role], ...content(route) });
        expect([answer.status, answer.body.code]).toEqual([403, 'missing_scope']);
        expect(answer.body.detail).toContain(`the scope ${scope}`);
      }
      expect(await snapshot()).toEqual(before);
    },
  );

  test.each(guarded.map(named))('%s: looking needs no more than to be allowed to look', async (_name, route) => {
    if (route.method !== 'GET') return expect(route.operation.responses).toHaveProperty('403');
    expect(route.operation['x-scope'] ?? 'read').toBe(route.operation.operationId === DOWNLOAD ? 'write' : 'read');
  });

  test.each(guarded.filter(({ method }) => method !== 'GET').map(named))(
    '%s: a cookie without the CSRF token, with another one, or from another page is 403 and changes nothing',
    async (_name, route) => {
      const before = await snapshot();
      const target = pathOf(route, a.id);
      const { headers = {}, ...rest } = content(route);
      const csrf = { 'x-csrf-token': signedIn.csrfToken };
      for (const more of [
        {},
        { 'x-csrf-token': '' },
        { 'x-csrf-token': `${signedIn.csrfToken.slice(0, -1)}~` },
        { ...csrf, origin: 'https://evil.example' },
        { ...csrf, origin: 'null' },
        { ...csrf, 'sec-fetch-site': 'cross-site' },
        { ...csrf, 'sec-fetch-site': 'same-site' },
      ]) {
        const asking = { ...rest, token: null, headers: { ...headers, cookie: signedIn.cookie, ...more } };
        const answer = await world.ask(route.method, target, asking);
        expect([answer.status, answer.body.code]).toEqual([403, 'csrf_failed']);
      }
      expect(await snapshot()).toEqual(before);
    },
  );

  test.each(withId.filter(({ operation }) => operation['x-access'] === 'workspace').map(named))(
    '%s: what belongs to another workspace is 404, as if it did not exist',
    async (_name, route) => {
      const before = await snapshot();
      const foreign = await world.ask(route.method, pathOf(route, a.id), { token: b.token, ...content(route) });
      const missing = await world.ask(route.method, pathOf(route, 'ws_none', 'none'), {
        token: b.token,
        ...content(route),
      });
      expect([foreign.status, foreign.body.code]).toEqual([404, 'not_found']);
      expect(foreign.text).toBe(missing.text);
      expect(await snapshot()).toEqual(before);
    },
  );

  test.each(withId.map(named))('%s: an unknown id is 404 for the operator too', async (_name, route) => {
    const answer = await world.ask(route.method, pathOf(route, 'ws_none', 'none'), content(route));
    expect([answer.status, answer.body.code]).toEqual([404, 'not_found']);
  });

  test.each(withQuery.filter((route) => hasWorkspaceFilter(route) && !isStream(route)).map(named))(
    '%s: a filter for another workspace is 404, an own one is fine',
    async (_name, route) => {
      const foreign = await world.ask(route.method, `${route.path}?workspaceId=${a.id}`, { token: b.token });
      expect([foreign.status, foreign.body.code]).toEqual([404, 'not_found']);
      const own = await world.ask(route.method, `${route.path}?workspaceId=${b.id}`, { token: b.token });
      expect(own.status).toBe(200);
      const all = await world.ask(route.method, route.path, { token: b.token });
      expect(all.text).toBe(own.text);
      expect(all.text).not.toContain(a.id);
    },
  );

  test.each(withBody.filter(namesWorkspace).map(named))(
    '%s: a body that names another workspace is 404 and makes nothing',
    async (_name, route) => {
      const before = await snapshot();
      const body = { ...BODIES[route.operation.operationId], workspaceId: a.id };
      const answer = await world.ask(route.method, route.path, { ...content(route), token: b.token, body });
      expect([answer.status, answer.body.code]).toEqual([404, 'not_found']);
      expect(await snapshot()).toEqual(before);
    },
  );

  test.each(withBody.map(named))(
    '%s: an unknown field, a wrong type and no body are 422 by name',
    async (_name, route) => {
      const target = pathOf(route, a.id);
      const valid = BODIES[route.operation.operationId] ?? {};
      const before = await snapshot();
      const send = (asking: object) => world.ask(route.method, target, { ...content(route), ...asking });

      const unknown = await send({ body: { ...valid, zzUnknown: 1 } });
      expect([unknown.status, unknown.body.code]).toEqual([422, 'invalid_fields']);
      expect(unknown.body.errors).toEqual([{ field: 'zzUnknown', message: 'is not a known field' }]);

      for (const [field] of Object.entries(valid)) {
        const wrong = await send({ body: { ...valid, [field]: { wrong: true } } });
        expect(wrong.status).toBe(422);
        expect(wrong.body.errors.some((each: { field: string }) => each.field.split('.')[0] === field)).toBe(true);
      }
      for (const body of [[], 'text', 7, null, true]) expect((await send({ body })).status).toBe(422);
      expect((await send({ body: undefined, raw: '' })).status).toBe(422);
      expect(await snapshot()).toEqual(before);
    },
  );

  test.each(withBody.map(named))('%s: broken JSON, another type and a huge body are refused', async (_name, route) => {
    const target = pathOf(route, a.id);
    const before = await snapshot();
    const send = (asking: object) => world.ask(route.method, target, { ...content(route), body: undefined, ...asking });
    for (const raw of ['{', '{"name":', 'name=x', '{"a":1}}', '\u0000']) {
      const broken = await send({ raw });
      expect([broken.status, broken.body.code]).toEqual([400, 'malformed_json']);
    }
    for (const raw of ['{"__proto__":{"admin":true}}', '{"constructor":{"prototype":{"admin":true}}}']) {
      expect((await send({ raw })).body.code).toBe('malformed_json');
    }
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
    const typed = await send({
      raw: 'a: 1',
      headers: { ...content(route).headers, 'content-type': 'application/yaml' },
    });
    expect([typed.status, typed.body.code]).toEqual([415, 'unsupported_media_type']);
    const huge = await send({ raw: JSON.stringify({ name: 'x'.repeat(70_000) }) });
    expect([huge.status, huge.body.code]).toEqual([413, 'body_too_large']);
    expect(await snapshot()).toEqual(before);
  });

  test.each(withQuery.map(named))('%s: query parameters are checked', async (_name, route) => {
    const target = pathOf(route, a.id);
    for (const query of [
      'limit=0',
      'limit=-1',
      'limit=1e3',
      'limit=100000',
      'limit=',
      'limit=1&limit=2',
      'cursor=',
      'zz=1',
      '__proto__=1',
    ]) {
      const answer = await world.ask(route.method, `${target}?${query}`);
      expect([query, answer.status, answer.body?.code]).toEqual([query, 422, 'invalid_fields']);
    }
  });

  test.each(guarded.filter(isIdempotent).map(named))('%s: needs an Idempotency-Key', async (_name, route) => {
    const body = { workspaceId: a.id, ...BODIES[route.operation.operationId] };
    for (const key of [undefined, '', 'x'.repeat(129), 'with blank']) {
      const headers: Record<string, string> = key === undefined ? {} : { 'idempotency-key': key };
      const usable = namesWorkspace(route) ? body : BODIES[route.operation.operationId];
      const answer = await world.ask(route.method, pathOf(route, a.id), { body: usable, headers });
      expect([answer.status, answer.body.code]).toEqual([400, 'idempotency_key_required']);
    }
  });

  test.each([...new Set(OPERATIONS.map(({ path }) => path))])(
    '%s: other methods are 405 and say what is allowed',
    async (path) => {
      const concrete = path.replaceAll(/\{\w+\}/g, 'x');
      const known = OPERATIONS.filter((route) => covers(route.path, concrete)).map((route) => route.method);
      for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'].filter(
        (each) => !known.includes(each),
      )) {
        const answer = await world.ask(method, concrete);
        expect([method, answer.status, answer.body.code]).toEqual([method, 405, 'method_not_allowed']);
        expect(answer.headers.get('allow')?.split(', ').sort()).toEqual([...known].sort());
      }
    },
  );

  test('nothing of this was an error of ours', () => {
    expect(world.log.text()).not.toContain('"level":"error"');
  });
});

/** Everything that a request could have changed. */
async function snapshot(): Promise<unknown> {
  const { directory } = world;
  const page = { limit: 100 };
  return {
    workspaces: await directory.workspaces.list(page),
    agents: await directory.agents.list(page),
    trunks: await directory.trunks.list(page),
    numbers: await directory.numbers.list(page),
    keys: await directory.keys.list(page),
    orders: await world.deps.numbers.shop.list(page),
    accounts: await world.deps.numbers.accounts.list(page),
    calls: [...world.calls.records.keys()],
    asked: world.calls.asked.length,
    hungUp: world.calls.hungUp.length,
    postings: world.books.lines.length,
    personal: (await world.deps.personalNumbers.list(page)).items.map(({ item }) => item),
    numberRequests: await world.deps.numberRequests.find(page),
    webhooks: await world.webhooks.webhooks.list(page),
    sent: world.webhooks.sender.sent.length,
  };
}

/** A path that is one of a template: `/v1/agents/x` of `/v1/agents/{id}`. */
function covers(template: string, path: string): boolean {
  return new RegExp(`^${template.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(path);
}

function pathOf({ path }: Listed, workspaceId: string, missing?: string): string {
  const kind = path.split('/')[2] ?? '';
  const id = kind === 'workspaces' ? workspaceId : (missing ?? RECORDS[kind]);
  if (path.includes('{id}') && id === undefined) throw new Error(`no record for ${path}: add one to RECORDS`);
  return path
    .replace('{id}', id ?? '')
    .replace('{keyId}', missing ?? 'key_a')
    .replace('{deliveryId}', missing ?? 'dlv_a')
    .replace('{name}', 'holder')
    .replace('{documentId}', missing ?? 'doc_a')
    .replace('{month}', '2026-01');
}

function content({ operation }: Listed): { body?: object; headers?: Record<string, string> } {
  const body = BODIES[operation.operationId];
  if (operation.requestBody && !isUpload(operation) && body === undefined)
    throw new Error(`no body for ${operation.operationId}: add one to BODIES`);
  const headers = (operation.parameters ?? []).some((each) => each.in === 'header')
    ? { 'idempotency-key': 'k-every' }
    : {};
  return { headers, ...(operation.requestBody && body ? { body } : {}) };
}

/** Takes bytes, not JSON: has tests of its own. */
function isUpload(operation: Operation): boolean {
  return operation.requestBody !== undefined && !('application/json' in operation.requestBody.content);
}

function isStream({ operation }: Listed): boolean {
  return Object.keys(operation.responses['200']?.content ?? {}).includes('text/event-stream');
}

function isIdempotent({ operation }: Listed): boolean {
  return (operation.parameters ?? []).some((each) => each.name === 'Idempotency-Key');
}

function hasWorkspaceFilter({ operation }: Listed): boolean {
  return (operation.parameters ?? []).some((each) => each.name === 'workspaceId');
}

function namesWorkspace({ operation }: Listed): boolean {
  if (operation['x-access'] !== 'workspace') return false;
  return JSON.stringify(operation.requestBody ?? null).includes('"workspaceId"');
}

function listed(document: OpenApiDocument): Listed[] {
  return Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  );
}

function nameOf({ method, path }: Listed): string {
  return `${method} ${path}`;
}

function named(route: Listed): [string, Listed] {
  return [nameOf(route), route];
}
