import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createPhone, type Phone } from '../../src/phone/phone.ts';
import { findChromium } from '../support/chromium.ts';
import { earFor } from '../support/code-ear.ts';
import { SHOTS, startVisitor, type Visitor } from './support/visitor.ts';

// A person's own telephone becomes a number: it rings, speaks a code, and the code is typed into the page. Nobody but the telephone tells it.

const chromium = findChromium();

describe.skipIf(!chromium.ok)('a personal number in the console (needs: chromium)', { timeout: 90_000 }, () => {
  let visitor: Visitor;
  let page: Page;
  let telephone: Phone;

  beforeAll(async () => {
    if (!chromium.ok) return;
    telephone = await createPhone({ seed: 5 });
    telephone.onCall(() => undefined);
    visitor = await startVisitor(chromium.path);
    page = visitor.page;
    // What the managed trunk of the demo lacks: a way out, to the telephone.
    const outbound = {
      enabled: true,
      gateways: [{ host: '127.0.0.1', port: telephone.port }],
      allowedCountries: ['US'],
    };
    const { status } = await visitor.gateway.api('PATCH', '/v1/trunks/loopback', { outbound });
    expect(status).toBe(200);
  }, 60_000);
  afterAll(async () => {
    await visitor?.close();
    await telephone?.close();
  });

  const button = (name: string | RegExp) => page.getByRole('button', { name });
  const shot = (name: string) => page.screenshot({ path: join(SHOTS, `${name}.png`), fullPage: true });

  test('a personal number: the telephone rings, speaks a code, the code is entered', async () => {
    await visitor.visit('/w/demo/numbers');
    await button('Add number').click();
    await page.getByRole('menuitem', { name: 'Add personal number' }).click();
    await page.getByLabel('Phone number').fill('(202) 555-0142');
    await page.getByText('We call +1 202 555 0142').waitFor();
    await button('Verify number').click();
    const call = await telephone.waitForCall(1);
    call.ring();
    await page.getByText('The telephone rings.').waitFor();
    await call.answer();
    await page.getByText('The code is being spoken').waitFor();
    await shot('personal-code');
    await page.getByLabel('Verification code').fill('000000');
    await button('Verify').last().click();
    await page.getByText('4 attempts left').waitFor();
    const heard = () => earFor('en')(call.received.audio);
    await expect.poll(() => heard().phrases.length, { timeout: 20_000, interval: 200 }).toBeGreaterThanOrEqual(4);
    await page.getByLabel('Verification code').fill(heard().codes[0] ?? '');
    await button('Verify').last().click();
    await page.getByText('+1 202 555 0142 is verified').waitFor();
    const { body } = await visitor.gateway.api<{ items: readonly object[] }>(
      'GET',
      '/v1/numbers?workspaceId=demo&q=12025550142',
    );
    expect(body.items[0]).toMatchObject({ provider: 'personal', supportsInbound: false });
    await button('Done').click();
    await page.getByText('Outbound only').waitFor();
    await call.bye().catch(() => undefined);
  });
});
