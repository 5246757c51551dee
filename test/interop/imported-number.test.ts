import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { type FakeTelnyx, startFakeTelnyx } from '../support/fake-telnyx.ts';
import { type FakeTwilio, startFakeTwilio } from '../support/fake-twilio.ts';
import { type RunningGateway, startGateway } from '../support/gateway.ts';
import { CREDENTIALS } from '../numbers/account-world.ts';

// The whole gateway with accounts at providers that are servers: an imported number is routed to its agent from the provider's addresses, and a
// set-up goes on after kill -9.

const NUMBER = '+12025550142';
const folder = mkdtempSync(join(tmpdir(), 'callin-import-'));
let twilio: FakeTwilio;
let telnyx: FakeTelnyx;
let gateway: RunningGateway;

interface Account {
  readonly id: string;
  readonly trunkId: string | null;
  readonly provisioning: {
    readonly phase: string;
    readonly running: boolean;
    readonly steps: readonly { readonly state: string }[];
  };
}
interface Imported {
  readonly items: readonly { readonly numberId: string; readonly state: string }[];
}
interface Verdict {
  readonly verdict: string;
  readonly trunkId: string | null;
  readonly agentId: string | null;
  readonly reason: string | null;
}

function config(): Record<string, unknown> {
  const shipped = parse(readFileSync(new URL('../../config/providers.yaml', import.meta.url), 'utf8'));
  const file = join(folder, 'providers.yaml');
  const urls = { twilio: { ...shipped.twilio, ...twilio.urls }, telnyx: { ...shipped.telnyx, ...telnyx.urls } };
  writeFileSync(file, stringify(urls));
  // The test's own ports change with each start; what providers know does not.
  return { providers: { file, port: 5060 }, sip: { externalAddress: 'sip.edge.example.com' } };
}

beforeAll(async () => {
  [twilio, telnyx] = await Promise.all([startFakeTwilio(), startFakeTelnyx()]);
  gateway = await startGateway({ config: config() });
});
afterAll(async () => {
  await gateway?.stop();
  gateway?.discard();
  await Promise.all([twilio.close(), telnyx.close()]);
  rmSync(folder, { recursive: true, force: true });
});
afterEach(() => expect([twilio.violations, telnyx.violations]).toEqual([[], []]));

async function connect(provider: 'twilio' | 'telnyx'): Promise<string> {
  const { status, body } = await gateway.api<Account>('POST', '/v1/provider-accounts', {
    workspaceId: 'demo',
    ...CREDENTIALS[provider],
  });
  expect(status).toBe(201);
  return body.id;
}

const account = async (id: string): Promise<Account> =>
  (await gateway.api<Account>('GET', `/v1/provider-accounts/${id}`)).body;
const explain = async (sourceIp: string, to: string): Promise<Verdict> =>
  (await gateway.api<Verdict>('POST', '/v1/route-explanations', { sourceIp, from: '+12025550199', to })).body;

test.each([
  ['twilio', '54.172.60.1', '+12025550151'],
  ['telnyx', '192.76.120.10', '+12025550152'],
] as const)(
  '%s: an imported number reaches its agent from the provider’s addresses, and from no others',
  async (provider, source, e164) => {
    (provider === 'twilio' ? twilio : telnyx).addNumber(e164);
    const id = await connect(provider);
    const imported = await gateway.api<Imported>('POST', `/v1/provider-accounts/${id}/import`, {
      numbers: [e164],
      agentId: 'echo',
    });
    expect(imported.body.items[0]?.state).toBe('active');
    const { trunkId } = await account(id);
    expect(await explain(source, e164)).toMatchObject({ verdict: 'accepted', trunkId, agentId: 'echo' });
    expect(await explain('127.0.0.1', e164)).toMatchObject({ verdict: 'refused', reason: 'unknown_number' });
    expect(await explain('203.0.113.7', e164)).toMatchObject({ verdict: 'refused', reason: 'unknown_source' });
    await gateway.api('DELETE', `/v1/numbers/${imported.body.items[0]?.numberId}`);
    expect(await explain(source, e164)).toMatchObject({ verdict: 'refused', reason: 'unknown_number' });
  },
);

test('a set-up that is cut off by kill -9 goes on by itself at the next start, and makes nothing twice', {
  timeout: 60_000,
}, async () => {
  const { dataDir } = gateway;
  // The account of before, with what it made.
  const { body } = await gateway.api<{ items: Account[] }>('GET', '/v1/provider-accounts?workspaceId=demo');
  for (const { id } of body.items) {
    await gateway.api('POST', `/v1/provider-accounts/${id}/undo`, {});
    await expect.poll(async () => (await account(id)).provisioning.phase, { timeout: 20_000 }).toBe('undone');
    expect((await gateway.api('DELETE', `/v1/provider-accounts/${id}`)).status).toBe(204);
  }
  expect([telnyx.state.fqdnConnections.size, telnyx.state.profiles.size, twilio.state.trunks.size]).toEqual([0, 0, 0]);
  telnyx.addNumber(NUMBER);
  const id = await connect('telnyx');
  telnyx.fail('CreateFqdn', { kind: 'hang', processed: true });
  void gateway
    .api('POST', `/v1/provider-accounts/${id}/import`, { numbers: [NUMBER], agentId: 'echo' })
    .catch(() => undefined);
  await expect.poll(() => telnyx.state.fqdns.size, { timeout: 10_000 }).toBe(1);
  await gateway.kill();
  gateway = await startGateway({ dataDir, config: config() });
  await expect.poll(async () => (await account(id)).provisioning.phase, { timeout: 40_000 }).toBe('ready');
  expect([telnyx.state.fqdnConnections.size, telnyx.state.profiles.size, telnyx.state.fqdns.size]).toEqual([1, 1, 1]);
  expect(await explain('192.76.120.10', NUMBER)).toMatchObject({ verdict: 'accepted', agentId: 'echo' });
});

test('keys and passwords stand in no log', () => {
  const log = JSON.stringify(gateway.log);
  for (const secret of [CREDENTIALS.telnyx.apiKey, CREDENTIALS.twilio.authToken]) expect(log).not.toContain(secret);
});
