import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createPhone } from '../../src/phone/phone.ts';
import { tone } from '../../src/phone/tone.ts';
import { findChromium } from '../support/chromium.ts';
import { consoleUrl, startVisitor, type Visitor } from './support/visitor.ts';

// What others do, and what the gateway does by itself, is on the page as it happens; a session that ended lets one sign in and go on.

const chromium = findChromium();

describe.skipIf(!chromium.ok)('the console while things happen (needs: chromium)', { timeout: 60_000 }, () => {
  let visitor: Visitor;
  let page: Page;
  beforeAll(async () => {
    if (!chromium.ok) return;
    visitor = await startVisitor(chromium.path);
    page = visitor.page;
  }, 60_000);
  afterAll(() => visitor?.close());

  test('a number that somebody else assigns changes under one’s eyes', async () => {
    await visitor.visit('/w/demo/numbers');
    await page.getByText('Live', { exact: true }).waitFor();
    const select = page.getByLabel('Agent of +12025550102');
    expect(await select.inputValue()).toBe('');
    await visitor.gateway.api('PATCH', '/v1/numbers/demo-0102', { agentId: 'speaker' });
    await expect.poll(() => select.inputValue()).toBe('speaker');
    await page.getByText('not assigned to any agent: calls').waitFor({ state: 'detached' });
  });

  test('a call is in the list as it rings, runs there, and ends with its bill; the balance goes down', async () => {
    await visitor.visit('/w/demo/calls');
    await page.getByText('No calls yet').waitFor();
    const phone = await createPhone({ host: '127.0.0.1' });
    try {
      const call = await phone.call(`sip:+12025550100@127.0.0.1:${visitor.gateway.sip.udpPort}`, {
        from: '+12025550199',
      });
      await call.waitFor('answered');
      await page.locator('tbody tr', { hasText: 'Talking' }).waitFor();
      await page.locator('tbody a').first().click();
      await page.getByText('Running').waitFor();
      await call.sendAudio(tone({ frequencyHz: 440, durationMs: 1_500 }));
      await call.bye();
      await page.getByText('Final').waitFor();
      await page.getByText('The other side hung up').first().waitFor();
    } finally {
      await phone.close();
    }
    await expect.poll(() => page.locator('.balance-box .amount').textContent(), { timeout: 8_000 }).toBe('$9.98');
  });

  test('a SIP message of a call can be opened with the keyboard, and has no secrets to show', async () => {
    const message = page.getByRole('button', { name: /^Read INVITE/ });
    await message.focus();
    await page.keyboard.press('Enter');
    await page.locator('.sip-message', { hasText: 'INVITE sip:+12025550100' }).waitFor();
    await page.keyboard.press('Enter');
    await page.locator('.sip-message').waitFor({ state: 'detached' });
  });

  test('figures can be taken along as files', async () => {
    await visitor.visit('/w/demo/billing');
    const statement = page.locator('section', { has: page.getByRole('heading', { name: 'Statement' }) });
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      statement.getByRole('button', { name: 'CSV' }).click(),
    ]);
    const text = readFileSync(await download.path(), 'utf8');
    expect(text.split('\n')[0]).toContain('line,at,callId');
    expect(text).toContain('closing');

    await visitor.visit('/w/demo/numbers?provider=byoc');
    const [numbers] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'CSV' }).click(),
    ]);
    const lines = readFileSync(await numbers.path(), 'utf8')
      .trim()
      .split('\r\n');
    expect(lines).toHaveLength(2);
    expect(lines[1]).toContain('+12025550101');
  });

  test('a tab that nobody looks at gives its stream back, and reads everything again when it is looked at', async () => {
    const { page: other, context } = await visitor.stranger();
    await other.clock.install();
    await context.addCookies(await page.context().cookies());
    await other.addInitScript(() => localStorage.setItem('callin.signed-in', 'yes'));
    await other.goto(consoleUrl(visitor.gateway, '/w/demo/numbers'));
    await other.getByText('Live', { exact: true }).waitFor();
    const look = (state: 'hidden' | 'visible') =>
      other.evaluate((now) => {
        Object.defineProperty(document, 'visibilityState', { value: now, configurable: true });
        document.dispatchEvent(new Event('visibilitychange'));
      }, state);
    await look('hidden');
    await other.clock.fastForward(16_000);
    await other.getByText('Not live', { exact: true }).waitFor();
    await visitor.gateway.api('PATCH', '/v1/numbers/demo-0102', { agentId: 'echo' });
    expect(await other.getByLabel('Agent of +12025550102').inputValue()).toBe('speaker');
    await look('visible');
    await other.getByText('Live', { exact: true }).waitFor();
    await expect.poll(() => other.getByLabel('Agent of +12025550102').inputValue()).toBe('echo');
    await context.close();
  });

  test('a session that has ended leads to the sign-in, and back to the same page', async () => {
    await visitor.visit('/w/demo/agents');
    await page.context().clearCookies();
    await page.getByRole('link', { name: 'Echo' }).click();
    await page.getByText('Your session has ended').waitFor();
    await page.getByLabel('Key').fill(visitor.gateway.adminToken);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { name: 'Echo', level: 1 }).waitFor();
  });

  test('a gateway that is away is said, and the page goes on by itself when it is back', async () => {
    await visitor.visit('/node');
    await page.route('**/v1/node', (route) => route.abort());
    const away = page.getByText('The gateway cannot be reached', { exact: true });
    await away.first().waitFor();
    expect(await page.getByText('Version').count()).toBe(1);
    await page.unroute('**/v1/node');
    await away.waitFor({ state: 'detached' });
  });
});
