import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { findChromium } from '../support/chromium.ts';
import { API_KEY, type FakeTelnyx, startFakeTelnyx } from '../support/fake-telnyx.ts';
import { ACCOUNT_SID, AUTH_TOKEN, type FakeTwilio, startFakeTwilio } from '../support/fake-twilio.ts';
import { SHOTS, startVisitor, type Visitor } from './support/visitor.ts';

// Numbers that people have already, brought in by clicking: from Twilio and from Telnyx, which are servers on loopback that keep to their documents.

const chromium = findChromium();

describe.skipIf(!chromium.ok)('numbers brought along (needs: chromium)', { timeout: 90_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'callin-console-'));
  let visitor: Visitor;
  let page: Page;
  let twilio: FakeTwilio;
  let telnyx: FakeTelnyx;

  beforeAll(async () => {
    if (!chromium.ok) return;
    [twilio, telnyx] = await Promise.all([startFakeTwilio(), startFakeTelnyx()]);
    visitor = await startVisitor(chromium.path, {
      providers: { file: providersFile(folder, twilio, telnyx) },
      // Nothing goes there: the providers, which would, are on this machine.
      sip: { wsPort: 0, externalAddress: 'sip.example.com' },
    });
    page = visitor.page;
  }, 60_000);
  afterAll(async () => {
    await visitor?.close();
    await Promise.all([twilio?.close(), telnyx?.close()]);
    rmSync(folder, { recursive: true });
  });

  const button = (name: string | RegExp) => page.getByRole('button', { name });
  const shot = (name: string) => page.screenshot({ path: join(SHOTS, `${name}.png`), fullPage: true });

  test('Twilio: wrong credentials are told apart, then numbers are listed, chosen, imported and assigned', async () => {
    twilio.addNumber('+12025550150');
    twilio.addNumber('+12025550151');
    await visitor.visit('/w/demo/numbers');
    await button('Add number').click();
    await page.getByRole('menuitem', { name: 'Import from Twilio' }).click();
    await page.getByLabel('Account SID').fill(ACCOUNT_SID);
    await page.getByLabel('Auth Token').fill('0'.repeat(32));
    await button('Search Twilio numbers').click();
    await page.getByRole('alert').waitFor();
    await shot('twilio-wrong-token');
    await page.getByLabel('Auth Token').fill(AUTH_TOKEN);
    await button('Search Twilio numbers').click();
    await page.getByLabel('Choose +12025550150').check();
    await shot('twilio-numbers');
    await page.getByLabel('Assign to').selectOption({ label: 'Echo' });
    await button('Import 1 number').click();
    await page.getByText('1 number imported').waitFor();
    await expect.poll(async () => (await imported('+12025550150'))?.status, { timeout: 20_000 }).toBe('active');
    expect(await imported('+12025550150')).toMatchObject({ provider: 'twilio', agentId: 'echo' });
    expect(await imported('+12025550151')).toBeUndefined();
    await shot('twilio-imported');
  });

  test('Telnyx: a key without the right to read numbers says so; one with it goes step by step, and can be undone', async () => {
    telnyx.addNumber('+12025550160');
    telnyx.deny.add('numbers');
    await visitor.visit('/w/demo/byoc');
    await page.getByLabel('Telnyx API key').fill(API_KEY);
    await button('Start').click();
    await page.getByRole('alert').getByText('The key may not read or change phone numbers').waitFor();
    await shot('telnyx-no-permission');
    telnyx.deny.clear();
    await page.getByLabel('Telnyx API key').fill(API_KEY);
    await button('Start').click();
    await page.getByText('API key checked and stored').waitFor();
    await page.getByText('Ready', { exact: true }).waitFor({ timeout: 30_000 });
    await expect.poll(async () => (await imported('+12025550160'))?.status, { timeout: 20_000 }).toBe('active');
    await page.getByText('1 in this workspace').waitFor();
    await shot('telnyx-connected');

    await button('Undo set-up').click();
    await button('Undo set-up').last().click();
    await page.getByText('Undone', { exact: true }).waitFor({ timeout: 30_000 });
    expect(await imported('+12025550160')).toBeUndefined();
    await shot('telnyx-undone');
  });

  async function imported(e164: string): Promise<{ readonly status: string } | undefined> {
    const { body } = await visitor.gateway.api<{ items: readonly { readonly status: string }[] }>(
      'GET',
      `/v1/numbers?workspaceId=demo&q=${e164.slice(1)}`,
    );
    return body.items[0];
  }
});

/** The real file with both providers on this machine. */
function providersFile(folder: string, twilio: FakeTwilio, telnyx: FakeTelnyx): string {
  const settings = parse(
    readFileSync(fileURLToPath(new URL('../../config/providers.yaml', import.meta.url)), 'utf8'),
  ) as Record<string, object>;
  const file = join(folder, 'providers.yaml');
  const changed = {
    twilio: { ...settings['twilio'], ...twilio.urls },
    telnyx: { ...settings['telnyx'], ...telnyx.urls },
  };
  writeFileSync(file, stringify(changed));
  return file;
}
