import type { Locator } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findChromium } from '../../support/chromium.ts';
import { API_KEY } from '../../support/fake-telnyx.ts';
import { telnyxError } from '../../support/fake-telnyx/answers.ts';
import { ACCOUNT_SID, AUTH_TOKEN, TEST_CREDENTIALS } from '../../support/fake-twilio.ts';
import { type Providers, startProviders } from '../support/providers.ts';
import { JOURNEY_MS, openStage, type Person, type Stage, WAIT_MS } from '../support/stage.ts';

// Numbers that people have at Twilio or Telnyx: what is wrong with their credentials is told apart, then the numbers come over, and what was made at
// the provider can be taken back to the last piece. Both providers are servers on loopback that keep to the published documents.

const chromium = findChromium();
const TWILIO_NUMBER = '+12025550151';
const TELNYX_NUMBER = '+12025550161';

interface PhoneNumber {
  readonly e164: string;
  readonly status: string;
}
interface Trunk {
  readonly inbound: { readonly enabled: boolean; readonly addresses: readonly string[] };
  readonly outbound: { readonly enabled: boolean; readonly gateways: readonly object[]; readonly passwordSet: boolean };
}
interface Account {
  readonly provider: string;
  readonly trunkId: string | null;
}

describe.skipIf(!chromium.ok)('accounts at providers (needs: chromium)', { timeout: JOURNEY_MS }, () => {
  let stage: Stage;
  let providers: Providers;
  beforeAll(async () => {
    if (!chromium.ok) return;
    providers = await startProviders();
    stage = await openStage(chromium.path, { config: providers.config });
  }, JOURNEY_MS);
  afterAll(async () => {
    await stage?.close();
    await providers?.close();
  });

  const get = async <T>(path: string): Promise<T> => (await stage.gateway.api<T>('GET', path)).body;
  const numberOf = async (e164: string): Promise<PhoneNumber | undefined> =>
    (await get<{ items: PhoneNumber[] }>(`/v1/numbers?workspaceId=demo&q=${e164.slice(1)}`)).items[0];
  const accounts = async (): Promise<Account[]> =>
    (await get<{ items: Account[] }>('/v1/provider-accounts?workspaceId=demo')).items;

  test('Twilio: three ways to be wrong, each with its own words; then two numbers, of which one is imported', async () => {
    const { twilio } = providers;
    const person = await stage.person();
    const { page } = person;
    await person.addNumber('Import from Twilio');
    await page.getByRole('heading', { level: 1, name: 'Import from Twilio' }).waitFor();
    const connect = async (accountSid: string, authToken: string): Promise<void> => {
      await page.getByLabel('Account SID').fill(accountSid);
      await page.getByLabel('Auth Token').fill(authToken);
      await person.press('Search Twilio numbers');
    };
    await connect(ACCOUNT_SID, '0'.repeat(32));
    await person.reads(person.alert, /^The provider refused the credentials\s[\s\S]*same project, live and not test/);
    await connect(TEST_CREDENTIALS.accountSid, TEST_CREDENTIALS.authToken);
    await person.reads(person.alert, /^These are test credentials\s[\s\S]*Use the live Account SID and Auth Token/);
    expect(person.refusals()).toEqual([
      expect.stringMatching(/^4\d\d POST \/v1\/provider-accounts$/),
      expect.stringMatching(/^4\d\d POST \/v1\/provider-accounts$/),
    ]);
    expect(await accounts()).toEqual([]);

    await connect(ACCOUNT_SID, AUTH_TOKEN);
    const found = page.getByRole('region', { name: 'Numbers at Twilio' });
    await person.sees('The account has no numbers', found);
    await person.sees(/right project or sub-?account/, found);
    expect(await page.content()).not.toContain(AUTH_TOKEN);

    twilio.addNumber('+12025550150');
    twilio.addNumber(TWILIO_NUMBER);
    await person.press('Look again');
    await page.getByLabel(`Choose ${TWILIO_NUMBER}`).check();
    await person.choose('Assign to', 'Echo');
    await person.press('Import 1 number');
    await person.sees('1 number imported');
    const row = page.getByRole('row').filter({ has: page.getByLabel(`Choose ${TWILIO_NUMBER}`) });
    await person.reads(row, /Imported/);
    await person.go('Numbers');
    await person.reads(person.numberRow(TWILIO_NUMBER), /Twilio\s+Active\s+In and out/);
    expect(await page.getByLabel(`Agent of ${TWILIO_NUMBER}`).inputValue()).toBe('echo');
    expect(await numberOf(TWILIO_NUMBER)).toMatchObject({ provider: 'twilio', agentId: 'echo', status: 'active' });
    expect(await numberOf('+12025550150')).toBeUndefined();
    expect(twilio.state.trunks.size).toBe(1);
    await person.leave('twilio');
  });

  const setUp = (person: Person): Locator => person.page.getByRole('region', { name: /et-up at Telnyx$/ });
  /** `Done SIP connection`, without what stands below a title. */
  async function stepsOf(person: Person): Promise<string[]> {
    const steps = setUp(person).getByRole('listitem');
    return await steps.evaluateAll((items) =>
      items.map((item) =>
        [item.querySelector('.visually-hidden'), item.querySelector('p')].map((part) => part?.textContent).join(' '),
      ),
    );
  }
  const seesSteps = (person: Person, expected: readonly string[]): Promise<void> =>
    expect.poll(() => stepsOf(person), { timeout: WAIT_MS }).toEqual(expected);

  test('Telnyx: a key that may not read numbers says exactly that', async () => {
    const { telnyx } = providers;
    const before = telnyx.snapshot();
    telnyx.addNumber(TELNYX_NUMBER);
    telnyx.deny.add('numbers');
    const person = await stage.person();
    await startTelnyx(person);
    await person.reads(person.alert, /^The key may not read or change phone numbers\s[\s\S]*numbers cannot be fetched/);
    expect(person.refusals()).toEqual([expect.stringMatching(/^4\d\d POST \/v1\/provider-accounts$/)]);
    expect((await accounts()).filter(({ provider }) => provider === 'telnyx')).toEqual([]);
    expect(telnyx.snapshot()['fqdnConnections']).toEqual(before['fqdnConnections']);
    telnyx.deny.clear();
    await person.leave('telnyx-permission');
  });

  async function startTelnyx(person: Person): Promise<void> {
    await person.go('BYOC');
    await person.page.getByLabel('Telnyx API key').fill(API_KEY);
    await person.press('Start');
  }

  test('Telnyx: stopped half-way, gone on with, step by step, ready both ways; undone, nothing is left there', async () => {
    const { telnyx } = providers;
    const before = telnyx.snapshot();
    const person = await stage.person();
    telnyx.fail('CreateFqdn', { kind: 'refuse', answer: telnyxError(403, '20012', 'Deactivated') });
    await startTelnyx(person);
    await person.reads(setUp(person).getByRole('status'), 'Stopped');
    await seesSteps(person, [
      'Done API key checked and stored',
      'Done Active numbers fetched',
      'Done Outbound voice profile',
      'Done SIP connection',
      'Failed Calls to this gateway',
      'Not yet Connection settings',
      'Not yet Credential connection',
      'Not yet Check',
      'Not yet Connecting numbers',
      'Not yet Numbers attached',
    ]);
    await person.sees('The account is not active', setUp(person));
    expect(telnyx.state.fqdnConnections.size).toBe(1);

    const release = holdNext('CreateFqdn');
    await person.press('Resume');
    await person.reads(setUp(person).getByRole('status'), 'Setting up');
    await expect
      .poll(() => stepsOf(person), { timeout: WAIT_MS })
      .toEqual(
        expect.arrayContaining([
          'Done SIP connection',
          'Under way Calls to this gateway',
          'Not yet Connection settings',
        ]),
      );
    release();
    await person.reads(setUp(person).getByRole('status'), 'Ready');
    await seesSteps(person, [
      'Done API key checked and stored',
      'Done Active numbers fetched',
      'Done Outbound voice profile',
      'Done SIP connection',
      'Done Calls to this gateway',
      'Done Where calls are sent and how',
      'Done Credentials for outbound calls',
      'Done Reading back what was set up',
      'Done Connecting numbers',
      'Done Numbers attached',
    ]);
    await isBothWays(person);
    await person.leave('telnyx-ready');

    const again = await stage.person();
    await again.go('BYOC');
    await again.press('Undo set-up');
    await again.click(again.page.getByRole('dialog').getByRole('button', { name: 'Undo set-up' }));
    await again.reads(setUp(again).getByRole('status'), 'Undone');
    expect(telnyx.snapshot()).toEqual(before);
    expect(await numberOf(TELNYX_NUMBER)).toBeUndefined();
    await again.leave('telnyx-undone');
  });

  async function isBothWays(person: Person): Promise<void> {
    const trunkId = (await accounts()).find(({ provider }) => provider === 'telnyx')?.trunkId;
    const trunk = await get<Trunk>(`/v1/trunks/${trunkId}`);
    expect(trunk).toMatchObject({
      inbound: { enabled: true },
      outbound: { enabled: true, gateways: [{ host: 'sip.telnyx.com' }], passwordSet: true },
    });
    expect(trunk.inbound.addresses).toContain('192.76.120.10');
    await expect.poll(async () => (await numberOf(TELNYX_NUMBER))?.status, { timeout: WAIT_MS }).toBe('active');
    await person.sees('1 in this workspace', setUp(person));
  }

  /** The next request of that kind waits until the answer is called. */
  function holdNext(operation: string): () => void {
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    providers.telnyx.hold = (asked) => (asked === operation ? held : null);
    return () => {
      providers.telnyx.hold = () => null;
      release();
    };
  }
});
