import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findChromium } from '../../support/chromium.ts';
import { JOURNEY_MS, openStage, type Stage, WAIT_MS } from '../support/stage.ts';

// What an operator sets of a carrier and its numbers beside the address: keys, who calls, credentials' realm, limits, the default trunk.

const chromium = findChromium();
const NUMBER = '+12025550101';

interface Trunk {
  readonly dtmf: string;
  readonly limits: object;
  readonly outbound: { readonly diversion: string | null };
}

describe.skipIf(!chromium.ok)('settings of a carrier (needs: chromium)', { timeout: JOURNEY_MS }, () => {
  let stage: Stage;
  let path = '';
  beforeAll(async () => {
    if (!chromium.ok) return;
    stage = await openStage(chromium.path);
    path = `/v1/trunks/${await newTrunk('First', '127.0.0.8')}`;
  }, JOURNEY_MS);
  afterAll(() => stage?.close());

  const get = async <T>(path: string): Promise<T> => (await stage.gateway.api<T>('GET', path)).body;
  const trunk = () => get<Trunk>(path);
  const pageOfTrunk = () => `/w/demo/byoc/${path.split('/').at(-1)}`;
  const newTrunk = async (label: string, host: string): Promise<string> => {
    const { status, body } = await stage.gateway.api<{ id: string }>('POST', '/v1/trunks?check=none', {
      workspaceId: 'demo',
      label,
      outbound: { enabled: true, gateways: [{ host }], allowedCountries: ['US'] },
    });
    expect(status).toBe(201);
    return body.id;
  };

  test('what few need is closed and says what is set; what is wrong in it opens it, at its field', async () => {
    const person = await stage.person();
    const { page } = person;
    await person.visit(pageOfTrunk());
    const advanced = page
      .getByRole('group')
      .filter({ has: page.getByText('Advanced', { exact: true }) })
      .last();
    await person.sees('nothing set', advanced);
    expect(await page.getByLabel('Diversion').isVisible()).toBe(false);
    await page.getByLabel('Keys (DTMF) to the carrier').selectOption({ label: 'SIP INFO' });
    await person.sees('As messages beside the audio, for carriers and PBXs that ask for it.');
    await page.getByText('Advanced', { exact: true }).click();
    await page.getByLabel('Diversion').fill('555 01');
    await page.getByLabel('Sign-in realm').fill('carrier.example');
    await page.getByLabel('Add user=phone').check();
    await page.getByText('Advanced', { exact: true }).click();
    await expect.poll(() => page.getByLabel('Diversion').isVisible()).toBe(false);
    await person.sees('diversion 555 01 · realm carrier.example · user=phone', advanced);

    await person.press('Save changes');
    await person.sees('Not a number in E.164 form such as +15551234567', advanced);
    expect(await page.getByLabel('Diversion').getAttribute('aria-invalid')).toBe('true');
    expect((await trunk()).outbound.diversion).toBeNull();
    await page.getByLabel('Diversion').fill('+1 (202) 555-0177');
    await page.getByLabel('Concurrent calls').fill('100001');
    await person.press('Save changes');
    await person.sees('A whole number up to 100,000, or empty for no limit');
    await page.getByLabel('Concurrent calls').fill('30');
    await person.press('Save changes');
    await person.sees('Saved. Calls to come use it; live ones go on as they are.');
    expect(await trunk()).toMatchObject({
      dtmf: 'info',
      limits: { concurrentCalls: 30, callsPerSecond: null },
      outbound: { diversion: '+12025550177', authRealm: 'carrier.example', userPhone: true },
    });

    await page.reload();
    await person.sees('diversion +1 202 555 0177 · realm carrier.example · user=phone', advanced);
    expect(await page.getByLabel('Keys (DTMF) to the carrier').inputValue()).toBe('info');
    await person.leave('carrier-settings');
  });

  test('what the gateway alone refuses is said at its field, in the part that it opens', async () => {
    const person = await stage.person();
    const { page } = person;
    await person.visit(pageOfTrunk());
    await page.route(`**${path}`, (route) =>
      route.request().method() === 'GET'
        ? route.continue()
        : route.fulfill({
            status: 422,
            contentType: 'application/problem+json',
            body: JSON.stringify({
              code: 'invalid_fields',
              status: 422,
              title: 'Some fields are not valid',
              errors: [{ field: 'outbound.authRealm', message: 'is a realm of somebody else' }],
            }),
          }),
    );
    await person.press('Save changes');
    await expect.poll(() => page.getByLabel('Sign-in realm').isVisible()).toBe(true);
    await person.sees('is a realm of somebody else', page.locator('.field', { hasText: 'Sign-in realm' }));
    expect(person.refusals()).toEqual([`422 PATCH ${path}`]);
    await person.leave('carrier-settings-refused');
  });

  test('a number has its limits, which the list of numbers shows', async () => {
    const person = await stage.person();
    const { page } = person;
    await person.go('Numbers');
    const row = person.numberRow(NUMBER);
    await person.click(row.getByRole('button', { name: `Actions for ${NUMBER}` }));
    await person.click(page.getByRole('menuitem', { name: 'Settings…' }));
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Calls per second').fill('0');
    await person.sees('A whole number up to 10,000, or empty for no limit', dialog);
    expect(await dialog.getByRole('button', { name: 'Save' }).isDisabled()).toBe(true);
    await dialog.getByLabel('Calls per second').fill('2');
    await dialog.getByLabel('Concurrent calls').fill('5');
    await dialog.getByLabel('Concurrent calls').press('Enter');
    await person.sees('5 at once, 2/s', row);
    const { items } = await get<{ items: object[] }>(`/v1/numbers?q=${NUMBER.slice(1)}`);
    expect(items[0]).toMatchObject({ limits: { concurrentCalls: 5, callsPerSecond: 2 }, supportsInbound: true });
    await person.leave('number-limits');
  });

  test('a new number of one’s own carrier can have limits from the start', async () => {
    const person = await stage.person();
    const { page } = person;
    await person.addNumber('Add BYOC number');
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Phone numbers').fill('+12025550166');
    await dialog.getByText('Limits', { exact: true }).click();
    await dialog.getByLabel('Concurrent calls').fill('3');
    await dialog.getByRole('button', { name: 'Add number' }).click();
    await person.sees('3 at once', person.numberRow('+12025550166'));
    await person.leave('number-limits-new');
  });

  test('the default trunk is chosen where the trunks are, and said on its own page', async () => {
    const second = await newTrunk('Second', '127.0.0.9');
    const defaultTrunk = async () =>
      (await get<{ defaultTrunkId: string | null }>('/v1/workspaces/demo')).defaultTrunkId;
    const person = await stage.person();
    const { page } = person;
    await person.go('BYOC');
    await page.getByRole('tab', { name: 'Other SIP provider' }).click();
    await page.getByLabel('Default trunk for calls out').selectOption({ label: 'Second' });
    await person.sees('From now on calls leave over Second');
    await person.sees('Default', page.getByRole('row', { name: /Second/ }));
    expect(await defaultTrunk()).toBe(second);

    await person.click(page.getByRole('link', { name: 'Second' }));
    await person.sees('Calls whose caller id has no trunk of its own leave here.');
    expect(await page.getByRole('button', { name: 'Make default' }).count()).toBe(0);
    await person.press('No longer');
    await page.getByRole('button', { name: 'Make default' }).waitFor();
    expect(await defaultTrunk()).toBeNull();
    await person.press('Make default');
    await expect.poll(defaultTrunk, { timeout: WAIT_MS }).toBe(second);
    await person.leave('default-trunk');

    const { token } = await stage.newKey('read_only');
    const looker = await stage.person({ key: token });
    await looker.visit('/w/demo/byoc?tab=sip');
    expect(await looker.page.getByLabel('Default trunk for calls out').isDisabled()).toBe(true);
    await looker.visit(`/w/demo/byoc/${second}`);
    await looker.sees('Default trunk for calls out');
    expect(await looker.page.getByRole('button', { name: 'No longer' }).count()).toBe(0);
    expect((await stage.gateway.api('DELETE', `/v1/trunks/${second}`)).status).toBe(204);
    await looker.visit('/w/demo/byoc?tab=sip');
    const shown = looker.page.getByLabel('Default trunk for calls out').locator('option:checked');
    await looker.reads(shown, 'A trunk that is gone');
    await looker.leave('default-trunk-looked-at');
  });
});
