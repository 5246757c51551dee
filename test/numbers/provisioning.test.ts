import { describe, expect, test } from 'vitest';
import { ACCOUNTS_KIND } from '../../src/numbers/accounts/account.ts';
import type { Fault } from '../support/fake-provider.ts';
import { telnyxError } from '../support/fake-telnyx/answers.ts';
import { twilioError } from '../support/fake-twilio/answers.ts';
import { type AccountWorld, accountWorld, closeAccounts } from './account-world.ts';

// A trunk at the provider, made and taken down step by step: watched, stopped at every step, gone on with, undone, and resumed after a crash.

closeAccounts();

type ProviderName = 'twilio' | 'telnyx';
const NUMBER = '+12025550101';

const STEPS = {
  twilio: ['trunk', 'credential_list', 'credential', 'credential_list_link', 'origination_url', 'check', 'numbers'],
  telnyx: ['voice_profile', 'connection', 'fqdn', 'connection_settings', 'credential_connection', 'check', 'numbers'],
} as const;

/** The request of each step that can be refused. */
const REQUESTS = {
  twilio: [
    ['trunk', 'CreateTrunk'],
    ['credential_list', 'CreateSipCredentialList'],
    ['credential', 'CreateSipCredential'],
    ['credential_list_link', 'CreateCredentialList'],
    ['origination_url', 'CreateOriginationUrl'],
    ['check', 'FetchTrunk'],
    ['numbers', 'CreatePhoneNumber'],
  ],
  telnyx: [
    ['voice_profile', 'CreateVoiceProfile'],
    ['connection', 'CreateFqdnConnection'],
    ['fqdn', 'CreateFqdn'],
    ['connection_settings', 'UpdateFqdnConnection'],
    // Once it is asked for before.
    ['check', 'ListFqdns', 1],
    ['numbers', 'UpdatePhoneNumber'],
  ],
} as const;

const CASES = (['twilio', 'telnyx'] as const).flatMap((provider) =>
  REQUESTS[provider].map(([step, operation, after = 0]) => [provider, step, operation, after] as const),
);

function refusal(provider: ProviderName): Fault {
  const answer =
    provider === 'twilio'
      ? twilioError(400, 20005, 'The account is not active')
      : telnyxError(403, '20012', 'Deactivated');
  return { kind: 'refuse', answer };
}

async function connected(provider: ProviderName, it?: AccountWorld) {
  const world = it ?? (await accountWorld());
  world[provider].addNumber(NUMBER);
  const { token } = await world.workspace();
  const { body } = await world.connect(token, provider);
  return { it: world, token, id: body.id as string, fake: world[provider] };
}

describe.each(['twilio', 'telnyx'] as const)('%s', (provider) => {
  test('is set up step by step, to be watched', async () => {
    const { it, token, id } = await connected(provider);
    const started = await it.act(token, id, 'provision', { allowedCountries: ['US', 'DE'] });
    expect([started.status, started.body.provisioning.phase, started.body.provisioning.running]).toEqual([
      202,
      'provisioning',
      true,
    ]);
    const done = await it.settled(id);
    expect(done.provisioning.phase).toBe('ready');
    expect(done.provisioning.steps.map(({ step }: { step: string }) => step)).toEqual(STEPS[provider]);
    expect(
      done.provisioning.steps.every(
        ({ state, text }: { state: string; text: string }) => ['done', 'found'].includes(state) && text,
      ),
    ).toBe(true);
    const trunk = (await it.world.ask('GET', `/v1/trunks/${done.trunkId}`, { token })).body;
    expect(trunk).toMatchObject({ outbound: { passwordSet: true, allowedCountries: ['US', 'DE'] } });
  });

  test('numbers that come later leave the steps of the trunk in sight', async () => {
    const { it, token, id } = await connected(provider);
    await it.act(token, id, 'provision');
    const { provisioning } = await it.settled(id);
    await it.act(token, id, 'import', { numbers: [NUMBER] });
    expect((await it.settled(id)).provisioning.steps).toEqual(provisioning.steps);
  });

  test('again changes nothing at the provider, and keeps trunk and label', async () => {
    const { it, token, id, fake } = await connected(provider);
    await it.act(token, id, 'import', { numbers: [NUMBER] });
    const { trunkId } = await it.account(id);
    await it.world.ask('PATCH', `/v1/trunks/${trunkId}`, { token, body: { label: 'Ours' } });
    const before = fake.snapshot();
    await it.act(token, id, 'provision');
    expect((await it.settled(id)).trunkId).toBe(trunkId);
    expect(fake.snapshot()).toEqual(before);
    expect((await it.world.ask('GET', `/v1/trunks/${trunkId}`, { token })).body.label).toBe('Ours');
  });

  test('undone, everything is as it was, there and here', async () => {
    const { it, token, id, fake } = await connected(provider);
    const before = fake.snapshot();
    await it.act(token, id, 'import', { numbers: [NUMBER] });
    const { trunkId } = await it.account(id);
    expect(fake.snapshot()).not.toEqual(before);
    expect((await it.act(token, id, 'undo')).status).toBe(202);
    const done = await it.settled(id);
    expect(done).toMatchObject({
      trunkId: null,
      provisioning: { phase: 'undone', failure: null },
      imports: { connected: 0, open: [] },
    });
    expect(fake.snapshot()).toEqual(before);
    expect((await it.world.ask('GET', `/v1/trunks/${trunkId}`, { token })).status).toBe(404);
    expect((await it.world.ask('GET', '/v1/numbers', { token })).body.items).toEqual([]);
    expect((await it.world.ask('DELETE', `/v1/provider-accounts/${id}`, { token })).status).toBe(204);
  });

  test('undone and set up anew, it works again', async () => {
    const { it, token, id } = await connected(provider);
    await it.act(token, id, 'import', { numbers: [NUMBER] });
    await it.act(token, id, 'undo');
    await it.settled(id);
    const { body } = await it.act(token, id, 'import', { numbers: [NUMBER] });
    expect(body.items[0].state).toBe('active');
  });

  test('two at once: the second is told that it runs', async () => {
    const { it, token, id } = await connected(provider);
    const answers = await Promise.all([it.act(token, id, 'provision'), it.act(token, id, 'provision')]);
    expect(answers.map(({ status }) => status).toSorted()).toEqual([202, 409]);
    expect(answers.find(({ status }) => status === 409)?.body.code).toBe('setup_running');
    await it.settled(id);
  });

  test('without a public address the operator is told, and nothing is asked', async () => {
    const terms = { gateway: { host: '127.0.0.1', port: 5060, transport: 'udp', mediaEncryption: 'off' } } as const;
    const { it, token, id, fake } = await connected(provider, await accountWorld({ terms }));
    await it.act(token, id, 'provision');
    const stopped = await it.settled(id);
    expect([stopped.provisioning.phase, stopped.provisioning.failure.code]).toEqual([
      'stopped',
      'gateway_address_invalid',
    ]);
    expect(fake.changes).toEqual([]);
  });

  test('with other numbers of the workspace on its trunk, undoing leaves the trunk closed', async () => {
    const { it, token, id } = await connected(provider);
    await it.act(token, id, 'provision');
    const { trunkId } = await it.settled(id);
    await it.world.ask('POST', '/v1/numbers', { token, body: { e164: '+12025550177', trunkId } });
    await it.act(token, id, 'undo');
    expect((await it.settled(id)).provisioning.phase).toBe('undone');
    const { body } = await it.world.ask('GET', `/v1/trunks/${trunkId}`, { token });
    expect([body.inbound.enabled, body.outbound.enabled]).toEqual([false, false]);
  });
});

describe.each(CASES)('%s, refused at the step %s (%s)', (provider, step, operation, after) => {
  test('it stops there with the reason, goes on from there, and what was made is made once', async () => {
    const clean = await connected(provider);
    await clean.it.act(clean.token, clean.id, 'import', { numbers: [NUMBER] });
    await clean.it.settled(clean.id);
    const made = clean.fake.changes.toSorted();

    const { it, token, id, fake } = await connected(provider);
    fake.fail(operation, refusal(provider), { after });
    const { body } = await it.act(token, id, 'import', { numbers: [NUMBER] });
    expect(body.items[0].state).not.toBe('active');
    const stopped = await it.settled(id);
    expect([stopped.provisioning.phase, stopped.provisioning.failure.code]).toEqual(['stopped', 'account_inactive']);
    expect(stopped.provisioning.failure.advice).toBeTruthy();
    const failedSteps = stopped.provisioning.steps.filter(({ state }: { state: string }) => state === 'failed');
    expect(failedSteps.map(({ step: name }: { step: string }) => name)).toEqual([step]);
    expect(failedSteps[0].failure.code).toBe('account_inactive');

    await it.act(token, id, 'provision');
    const done = await it.settled(id);
    expect([done.provisioning.phase, done.provisioning.failure, done.imports.connected]).toEqual(['ready', null, 1]);
    const counted = fake.changes.filter((name) => made.includes(name)).length;
    expect(counted - made.length).toBeLessThanOrEqual(2);
    expect((await it.world.ask('GET', '/v1/numbers', { token })).body.items[0].status).toBe('active');
  });

  test('it stops there, and undoing leaves nothing behind', async () => {
    const { it, token, id, fake } = await connected(provider);
    const before = fake.snapshot();
    fake.fail(operation, refusal(provider), { after });
    await it.act(token, id, 'import', { numbers: [NUMBER] });
    await it.settled(id);
    await it.act(token, id, 'undo');
    const done = await it.settled(id);
    expect([done.provisioning.phase, done.provisioning.failure]).toEqual(['undone', null]);
    expect(fake.snapshot()).toEqual(before);
    expect((await it.world.ask('GET', '/v1/numbers', { token })).body.items).toEqual([]);
  });
});

describe('a key that lost its right in the middle', () => {
  test('leaves it stopped; a new key goes on', async () => {
    const { it, token, id } = await connected('telnyx');
    it.telnyx.fail('CreateFqdn', { kind: 'refuse', answer: telnyxError(401, '20002', 'The key was revoked') });
    await it.act(token, id, 'provision');
    expect((await it.settled(id)).provisioning.failure.code).toBe('key_revoked');
    const apiKey = 'KEY0189NEWNEWNEWNEWNEWN_n3wS3cr3t';
    it.telnyx.state.apiKey = apiKey;
    expect((await it.act(token, id, 'key', { apiKey })).status).toBe(200);
    await it.act(token, id, 'provision');
    expect((await it.settled(id)).provisioning.phase).toBe('ready');
    expect(it.telnyx.state.profiles.size).toBe(1);
  });
});

describe.each(['twilio', 'telnyx'] as const)('%s: the process ends in the middle of a run', (provider) => {
  test.each([1, 2, 4, 6, 9, 12])('after %i stored changes, and the next start goes on', async (count) => {
    let saves = 0;
    let isDead = false;
    const it = await accountWorld({
      wrapDirectory: (directory) => ({
        ...directory,
        records: (kind) => {
          const store = directory.records(kind);
          if (kind.name !== ACCOUNTS_KIND.name) return store;
          return {
            ...store,
            update: async (id, change, workspaceId) => {
              saves += 1;
              // As a process that is gone: nothing of it is stored any more.
              if (saves > count) isDead = true;
              if (isDead) throw new Error('the process is gone');
              return store.update(id, change, workspaceId);
            },
          };
        },
      }),
    });
    const { token, id, fake } = await connected(provider, it);
    saves = 0;
    await it.act(token, id, 'import', { numbers: [NUMBER] });
    expect((await it.account(id)).provisioning).toMatchObject({ phase: 'provisioning', running: true });
    saves = -1_000_000;
    isDead = false;
    // The other process of the same node.
    const next = it.reopen();
    next.start();
    const done = await it.settled(id);
    expect([done.provisioning.phase, done.imports.connected]).toEqual(['ready', 1]);
    const trunks = provider === 'twilio' ? it.twilio.state.trunks.size : it.telnyx.state.fqdnConnections.size;
    expect(trunks).toBe(1);
    expect((await it.world.ask('GET', '/v1/trunks', { token })).body.items).toHaveLength(1);
    expect(fake.violations).toEqual([]);
    await next.close();
  });
});

test('a run of a node that is gone is gone on with by another one after some minutes, of one that lives it is not', async () => {
  const { it, token, id } = await connected('telnyx');
  const store = it.directory.records(ACCOUNTS_KIND);
  const run = { kind: 'provision', nodeId: 'node-9', aliveAt: it.clock.wallMs() } as const;
  await store.update(id, (account) => ({ ...account, setup: { ...account.setup, phase: 'provisioning', run } }));
  expect((await it.act(token, id, 'provision')).body.code).toBe('setup_running');
  await it.numbers.accounts.resume();
  expect((await it.account(id)).provisioning.running).toBe(true);
  expect(it.telnyx.changes).toEqual([]);
  it.clock.advance(300_001);
  await it.numbers.accounts.resume();
  expect((await it.settled(id)).provisioning.phase).toBe('ready');
});

test('a node that is closing leaves its run to the next start', async () => {
  const { it, token, id } = await connected('telnyx');
  it.telnyx.onChange = () => {
    it.telnyx.onChange = () => undefined;
    void it.numbers.accounts.close();
  };
  await it.act(token, id, 'provision');
  await it.numbers.accounts.close();
  const left = await it.account(id);
  expect(left.provisioning).toMatchObject({ phase: 'provisioning', running: true });
  const next = it.reopen();
  next.start();
  expect((await it.settled(id)).provisioning.phase).toBe('ready');
  await next.close();
});

test('keys, passwords and what a number was connected to are sealed in the store', async () => {
  const { it, token, id } = await connected('twilio');
  it.twilio.addNumber('+12025550102', { voice_url: 'https://user:pa55word@pbx.example/in' });
  await it.act(token, id, 'import', { numbers: [NUMBER, '+12025550102'], takeOver: true });
  await it.settled(id);
  const account = await it.directory.records(ACCOUNTS_KIND).get(id);
  const sealed = it.directory.records({ ...ACCOUNTS_KIND, secrets: (item) => item });
  const raw = JSON.stringify(await sealed.get(id));
  for (const secret of [account?.key, account?.sip.password, 'callin-pacc']) expect(raw).not.toContain(secret);
  expect(account?.setup.record).toContain('callin-pacc');
});
