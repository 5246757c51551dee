import { describe, expect, test } from 'vitest';
import { callClass } from '../../src/routing/index.ts';
import { telnyxError } from '../support/fake-telnyx/answers.ts';
import { API_KEY } from '../support/fake-telnyx.ts';
import { ACCOUNT_SID, AUTH_TOKEN, TEST_CREDENTIALS } from '../support/fake-twilio.ts';
import { accountWorld, closeAccounts, CREDENTIALS } from './account-world.ts';

// Accounts of customers, through the API and against providers that are servers: connected, looked into, imported from, let go.

closeAccounts();

const A = '+12025550101';
const B = '+12025550102';

describe('connecting', () => {
  test.each(['twilio', 'telnyx'] as const)('%s: the key is checked, and never shown', async (provider) => {
    const it = await accountWorld();
    it[provider].addNumber(A);
    const { token } = await it.workspace();
    const { status, body, text, headers } = await it.connect(token, provider);
    expect([status, headers.get('location')]).toEqual([201, `/v1/provider-accounts/${body.id}`]);
    expect(body).toMatchObject({
      provider,
      accountSid: provider === 'twilio' ? ACCOUNT_SID : null,
      keySet: true,
      notices: [],
      trunkId: null,
      provisioning: { phase: 'new', running: false, steps: [], failure: null },
      imports: { connected: 0, open: [] },
    });
    const list = await it.world.ask('GET', '/v1/provider-accounts', { token });
    expect(list.body.items).toEqual([body]);
    for (const secret of [AUTH_TOKEN, API_KEY])
      expect(text + list.text + it.world.log.text() + it.numbers.said).not.toContain(secret);
    expect(it[provider].changes).toEqual([]);
  });

  test('the same account twice in a workspace is refused, in another one it is not', async () => {
    const it = await accountWorld();
    const [a, b] = [await it.workspace(), await it.workspace()];
    for (const provider of ['twilio', 'telnyx'] as const) {
      expect((await it.connect(a.token, provider)).status).toBe(201);
      const again = await it.connect(a.token, provider);
      expect([again.status, again.body.code]).toEqual([409, 'provider_account_exists']);
      expect((await it.connect(b.token, provider)).status).toBe(201);
    }
  });

  test.each([
    ['no Account SID', { ...CREDENTIALS.twilio, accountSid: 'SK0123' }, 422, 'account_sid_invalid'],
    ['a short token', { ...CREDENTIALS.twilio, authToken: 'short' }, 422, 'auth_token_invalid'],
    ['a wrong token', { ...CREDENTIALS.twilio, authToken: '0'.repeat(32) }, 422, 'provider_credentials_refused'],
    ['test credentials', { provider: 'twilio', ...TEST_CREDENTIALS }, 422, 'test_credentials'],
    ['no API key', { provider: 'telnyx', apiKey: 'KEY' }, 422, 'api_key_invalid'],
    [
      'a wrong API key',
      { provider: 'telnyx', apiKey: 'KEY0123456789ABCDEF_wrong' },
      422,
      'provider_credentials_refused',
    ],
  ])('%s: its own code, text and advice', async (_name, body, status, code) => {
    const it = await accountWorld();
    const { token } = await it.workspace();
    const answer = await it.world.ask('POST', '/v1/provider-accounts', { token, body });
    expect([answer.status, answer.body.code]).toEqual([status, code]);
    expect(answer.body.title).toBeTruthy();
    expect(answer.body.advice).toBeTruthy();
    expect((await it.world.ask('GET', '/v1/provider-accounts', { token })).body.items).toEqual([]);
  });

  test('a missing permission has the name of its area, and an empty account is a notice', async () => {
    const it = await accountWorld();
    const { token } = await it.workspace();
    it.telnyx.deny.add('numbers');
    expect((await it.connect(token, 'telnyx')).body.code).toBe('permission_numbers');
    it.twilio.deny.add('trunks');
    expect((await it.connect(token, 'twilio')).body.code).toBe('permission_trunks');
    it.telnyx.deny.clear();
    expect((await it.connect(token, 'telnyx')).body.notices).toMatchObject([{ code: 'account_empty' }]);
  });

  test('a provider that is away, slow or at its limit is a fault of theirs, and says when to come back', async () => {
    const it = await accountWorld({}, { attemptsMax: 1 });
    const { token } = await it.workspace();
    const limited = { ...telnyxError(429, '10011', 'Too many requests'), headers: { 'retry-after': '120' } };
    it.telnyx.fail('GetUserBalance', { kind: 'refuse', answer: limited });
    const slow = await it.connect(token, 'telnyx');
    expect([slow.status, slow.body.code, slow.headers.get('retry-after')]).toEqual([
      502,
      'provider_rate_limited',
      '120',
    ]);
    // Nobody asks them before.
    it.stage.clock.advance(120_000);
    it.telnyx.fail('GetUserBalance', { kind: 'reset', processed: false });
    expect((await it.connect(token, 'telnyx')).body.code).toBe('provider_unreachable');
    it.telnyx.fail('GetUserBalance', { kind: 'hang', processed: false });
    const hung = await it.connect(token, 'telnyx');
    expect([hung.status, hung.body.code]).toEqual([504, 'provider_timeout']);
    it.telnyx.fail('GetUserBalance', { kind: 'truncate' });
    expect((await it.connect(token, 'telnyx')).body.code).toBe('provider_answer_invalid');
  });

  test('fields of the other provider, and missing ones, are told by name', async () => {
    const it = await accountWorld();
    const { token } = await it.workspace();
    const say = async (body: object) =>
      (await it.world.ask('POST', '/v1/provider-accounts', { token, body })).body.errors;
    expect(await say({ provider: 'twilio', accountSid: ACCOUNT_SID })).toEqual([
      { field: 'authToken', message: 'is required for this provider' },
    ]);
    expect(await say({ ...CREDENTIALS.telnyx, authToken: AUTH_TOKEN })).toEqual([
      { field: 'authToken', message: 'is of another provider' },
    ]);
  });
});

describe('looking into it', () => {
  test('numbers, with what they are used for and why they cannot be imported', async () => {
    const it = await accountWorld();
    it.twilio.addNumber(A);
    it.twilio.addNumber(B, { voice_url: 'https://pbx.example/in' });
    it.twilio.addNumber('+12025550103', { capabilities: { voice: false, sms: true, mms: false, fax: false } });
    const { token } = await it.workspace();
    const { body: account } = await it.connect(token, 'twilio');
    const { body } = await it.world.ask('GET', `/v1/provider-accounts/${account.id}/numbers`, { token });
    const short = body.items.map(
      ({ e164, use, refusal }: { e164: string; use: string; refusal: { code: string } | null }) => [
        e164,
        use,
        refusal?.code ?? null,
      ],
    );
    expect(short).toEqual([
      [A, 'free', null],
      [B, 'elsewhere', null],
      ['+12025550103', 'free', 'number_no_voice'],
    ]);
    expect([body.nextCursor, body.notices]).toEqual([null, []]);
  });

  test('page by page', async () => {
    const it = await accountWorld({}, { pageSize: 2 });
    for (let n = 0; n < 5; n += 1) it.telnyx.addNumber(`+1202555011${n}`);
    const { token } = await it.workspace();
    const { body: account } = await it.connect(token, 'telnyx');
    const seen: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const path: string = `/v1/provider-accounts/${account.id}/numbers${cursor === '' ? '' : `?cursor=${encodeURIComponent(cursor)}`}`;
      const { body } = await it.world.ask('GET', path, { token });
      seen.push(...body.items.map(({ e164 }: { e164: string }) => e164));
      cursor = body.nextCursor;
    }
    expect(new Set(seen).size).toBe(5);
    const wrong = await it.world.ask('GET', `/v1/provider-accounts/${account.id}/numbers?cursor=x`, { token });
    expect(wrong.body.code).toBe('request_refused');
  });
});

describe('importing', () => {
  test.each(['twilio', 'telnyx'] as const)(
    '%s: the trunk is made, numbers are on it, take calls and may call',
    async (provider) => {
      const it = await accountWorld();
      it[provider].addNumber(A);
      it[provider].addNumber(B);
      const { token, agentId } = await it.workspace();
      const { body: account } = await it.connect(token, provider);
      const { status, body } = await it.act(token, account.id, 'import', { numbers: [A, B, '+12025550199'], agentId });
      expect(status).toBe(200);
      expect(body.items.map(({ e164, state }: { e164: string; state: string }) => [e164, state])).toEqual([
        [A, 'active'],
        [B, 'active'],
        ['+12025550199', 'failed'],
      ]);
      expect(body.items[2].failure.code).toBe('number_not_in_account');
      const ready = await it.account(account.id);
      expect(ready).toMatchObject({ provisioning: { phase: 'ready' }, imports: { connected: 2, open: [] } });
      const number = (await it.world.ask('GET', `/v1/numbers/${body.items[0].numberId}`, { token })).body;
      expect(number).toMatchObject({ provider, status: 'active', trunkId: ready.trunkId, agentId, warnings: [] });
      const trunk = await it.directory.trunks.get(ready.trunkId);
      const record = await it.directory.numbers.get(number.id);
      expect(trunk).toMatchObject({
        kind: provider === 'telnyx' ? 'telnyx' : 'byoc',
        inbound: { enabled: true, mediaEncryption: 'off' },
        outbound: { enabled: true, transport: 'udp', allowedCountries: ['US', 'CA'] },
      });
      expect(trunk?.inbound.addresses.length).toBeGreaterThan(3);
      const [gateway] = trunk?.outbound.gateways ?? [];
      expect(gateway?.host).toMatch(
        provider === 'telnyx' ? /^sip\.telnyx\.com$/ : /^callin-pacc-.*\.pstn\.twilio\.com$/,
      );
      expect(trunk?.outbound.password?.length).toBeGreaterThan(20);
      expect(trunk && record ? callClass(trunk, record) : null).toBe('imported');
      const there = await it.world.ask('GET', `/v1/provider-accounts/${account.id}/numbers`, { token });
      expect(there.body.items.map(({ use }: { use: string }) => use)).toEqual(['ours', 'ours']);
      expect(there.body.items[0].numberId).toBe(number.id);
      expect(`${JSON.stringify(ready)}${there.text}${it.world.log.text()}`).not.toContain(trunk?.outbound.password);
    },
  );

  test('again is the same; a further number does not make the trunk again', async () => {
    const it = await accountWorld();
    it.telnyx.addNumber(A);
    it.telnyx.addNumber(B);
    const { token } = await it.workspace();
    const { body: account } = await it.connect(token, 'telnyx');
    const first = await it.act(token, account.id, 'import', { numbers: [A] });
    const before = it.telnyx.changes.length;
    expect((await it.act(token, account.id, 'import', { numbers: [A] })).body).toEqual(first.body);
    expect(it.telnyx.changes.length).toBe(before);
    await it.act(token, account.id, 'import', { numbers: [B] });
    expect(it.telnyx.changes.slice(before)).toEqual(['UpdatePhoneNumber']);
  });

  test('a number of another system only on purpose, and what was set is put back when it is detached', async () => {
    const it = await accountWorld();
    it.twilio.addNumber(A, { voice_url: 'https://user:pa55word@pbx.example/in' });
    const { token } = await it.workspace();
    const { body: account } = await it.connect(token, 'twilio');
    const refused = await it.act(token, account.id, 'import', { numbers: [A] });
    expect(refused.body.items[0]).toMatchObject({
      state: 'failed',
      numberId: null,
      failure: { code: 'number_in_use_elsewhere' },
    });
    expect(it.twilio.changes).toEqual([]);
    expect((await it.world.ask('GET', '/v1/numbers', { token })).body.items).toEqual([]);
    const { body } = await it.act(token, account.id, 'import', { numbers: [A], takeOver: true });
    expect(body.items[0].state).toBe('active');
    const [number] = it.twilio.state.numbers.values();
    expect(number?.trunk_sid).toBeTruthy();
    expect((await it.world.ask('DELETE', `/v1/numbers/${body.items[0].numberId}`, { token })).status).toBe(204);
    const [back] = it.twilio.state.numbers.values();
    expect([back?.trunk_sid, back?.voice_url]).toEqual([null, 'https://user:pa55word@pbx.example/in']);
    expect((await it.world.ask('GET', `/v1/numbers/${body.items[0].numberId}`, { token })).status).toBe(404);
    expect(it.world.log.text()).not.toContain('pa55word');
  });

  test('a number that another workspace has is refused, and nothing is changed at the provider', async () => {
    const it = await accountWorld();
    it.telnyx.addNumber(A);
    const [a, b] = [await it.workspace(), await it.workspace()];
    const { body: first } = await it.connect(a.token, 'telnyx');
    const { body: second } = await it.connect(b.token, 'telnyx');
    await it.act(a.token, first.id, 'import', { numbers: [A] });
    const before = it.telnyx.snapshot();
    const { body } = await it.act(b.token, second.id, 'import', { numbers: [A], takeOver: true });
    expect(body.items[0]).toMatchObject({ state: 'failed', failure: { code: 'number_taken' } });
    expect(it.telnyx.snapshot()).toEqual(before);
  });

  test('one number that fails does not keep the others from it, and is tried again', async () => {
    const it = await accountWorld();
    it.telnyx.addNumber(A);
    it.telnyx.addNumber(B);
    const { token } = await it.workspace();
    const { body: account } = await it.connect(token, 'telnyx');
    // It is gone between the list and the connecting, so it seems.
    it.telnyx.fail('RetrievePhoneNumber', { kind: 'refuse', answer: telnyxError(404, '10005', 'Not found') });
    const { body } = await it.act(token, account.id, 'import', { numbers: [A, B] });
    const outcome = ({ state, failure }: { state: string; failure: { code: string } | null }) => failure?.code ?? state;
    expect(body.items.map(outcome).toSorted()).toEqual(['active', 'number_not_in_account']);
    const { e164 } = body.items.find(({ state }: { state: string }) => state === 'failed');
    const { body: pending } = await it.world.ask('GET', '/v1/numbers?status=pending', { token });
    expect(pending.items).toMatchObject([{ e164, warnings: ['not_assigned_to_agent', 'not_connected'] }]);
    expect((await it.account(account.id)).imports.open).toMatchObject([{ e164, state: 'failed' }]);
    const again = await it.act(token, account.id, 'import', { numbers: [e164] });
    expect(again.body.items[0].state).toBe('active');
  });
});

describe('another key', () => {
  test('of the same account is taken, of another one it is refused', async () => {
    const it = await accountWorld();
    it.telnyx.addNumber(A);
    const { token } = await it.workspace();
    const { body: account } = await it.connect(token, 'telnyx');
    await it.act(token, account.id, 'import', { numbers: [A] });
    const apiKey = 'KEY0189NEWNEWNEWNEWNEWN_n3wS3cr3t';
    it.telnyx.state.apiKey = apiKey;
    expect((await it.world.ask('GET', `/v1/provider-accounts/${account.id}/numbers`, { token })).body.code).toBe(
      'provider_credentials_refused',
    );
    expect((await it.act(token, account.id, 'key', { apiKey })).status).toBe(200);
    expect((await it.world.ask('GET', `/v1/provider-accounts/${account.id}/numbers`, { token })).status).toBe(200);
    // The key of another account: nothing of ours is there.
    const other = await accountWorld();
    const otherKey = 'KEY0189OTHEROTHEROTHERO_0th3r';
    other.telnyx.state.apiKey = otherKey;
    it.telnyx.state.apiKey = otherKey;
    for (const store of [it.telnyx.state.fqdnConnections, it.telnyx.state.profiles, it.telnyx.state.fqdns])
      store.clear();
    const refused = await it.act(token, account.id, 'key', { apiKey: otherKey });
    expect([refused.status, refused.body.code]).toEqual([422, 'different_account']);
    expect((await it.act(token, account.id, 'key', { apiKey: otherKey, acceptGone: true })).status).toBe(200);
  });

  test('that the provider refuses leaves the old one', async () => {
    const it = await accountWorld();
    const { token } = await it.workspace();
    const { body: account } = await it.connect(token, 'twilio');
    const refused = await it.act(token, account.id, 'key', { authToken: '0'.repeat(32) });
    expect(refused.body.code).toBe('provider_credentials_refused');
    expect((await it.world.ask('GET', `/v1/provider-accounts/${account.id}/numbers`, { token })).status).toBe(200);
  });
});

describe('letting go', () => {
  test('an account that is in use is kept, unless the trunk is to stay as it is', async () => {
    const it = await accountWorld();
    it.telnyx.addNumber(A);
    const { token } = await it.workspace();
    const { body: account } = await it.connect(token, 'telnyx');
    const { body } = await it.act(token, account.id, 'import', { numbers: [A] });
    const path = `/v1/provider-accounts/${account.id}`;
    const refused = await it.world.ask('DELETE', path, { token });
    expect([refused.status, refused.body.code]).toEqual([409, 'provider_account_in_use']);
    const before = it.telnyx.snapshot();
    expect((await it.world.ask('DELETE', `${path}?keepTrunk=true`, { token })).status).toBe(204);
    expect((await it.world.ask('GET', path, { token })).status).toBe(404);
    expect(it.telnyx.snapshot()).toEqual(before);
    const number = `/v1/numbers/${body.items[0].numberId}`;
    expect((await it.world.ask('GET', number, { token })).body.status).toBe('active');
    expect((await it.world.ask('DELETE', number, { token })).status).toBe(204);
    // It can be connected again, and the number imported again.
    const { body: again } = await it.connect(token, 'telnyx');
    const imported = await it.act(token, again.id, 'import', { numbers: [A], takeOver: true });
    expect(imported.body.items[0].state).toBe('active');
  });

  test('an account that was only looked at is forgotten at once', async () => {
    const it = await accountWorld();
    const { token } = await it.workspace();
    const { body: account } = await it.connect(token, 'twilio');
    expect((await it.world.ask('DELETE', `/v1/provider-accounts/${account.id}`, { token })).status).toBe(204);
    expect(it.twilio.changes).toEqual([]);
  });
});
