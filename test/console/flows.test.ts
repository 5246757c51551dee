import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findChromium } from '../support/chromium.ts';
import { consoleUrl, startVisitor, type Visitor } from './support/visitor.ts';

// What people come for, done by clicking and typing as they do: each promise of the manual from its page to what the API says afterwards.

const chromium = findChromium();
/** The smallest that is one: a body, its cross-reference, where that begins. */
const BODY = '%PDF-1.4\n1 0 obj\n<< >>\nendobj\n';
const PDF = Buffer.from(
  `${BODY}xref\n0 1\n0000000000 65535 f \ntrailer\n<< /Size 1 >>\nstartxref\n${BODY.length}\n%%EOF\n`,
);

interface Listed<T> {
  readonly items: readonly T[];
}
interface Numbered {
  readonly id: string;
  readonly e164: string;
  readonly agentId: string | null;
}

describe.skipIf(!chromium.ok)('the console, used (needs: chromium)', { timeout: 60_000 }, () => {
  let visitor: Visitor;
  let page: Page;
  beforeAll(async () => {
    if (!chromium.ok) return;
    visitor = await startVisitor(chromium.path);
    page = visitor.page;
  }, 60_000);
  afterAll(() => visitor?.close());

  const api = async <T>(path: string): Promise<T> => (await visitor.gateway.api<T>('GET', path)).body;
  const numberOf = async (e164: string): Promise<Numbered | undefined> =>
    (await api<Listed<Numbered>>(`/v1/numbers?q=${e164.slice(1)}`)).items[0];
  const button = (name: string | RegExp) => page.getByRole('button', { name });

  test('a key that opens nothing is told so, and one of a workspace sees its own alone', async () => {
    const { gateway } = visitor;
    const { body: key } = await gateway.api<{ token: string }>('POST', '/v1/workspaces/demo/keys', {
      label: 'look',
      role: 'read_only',
    });
    const { page: other, context } = await visitor.stranger();
    await other.goto(consoleUrl(gateway));
    await other.getByLabel('Key').fill('callin_sk_wrong');
    await other.getByRole('button', { name: 'Sign in' }).click();
    await other.getByText('This key opens nothing here').waitFor();
    await other.getByLabel('Key').fill(key.token);
    await other.getByRole('button', { name: 'Sign in' }).click();
    await other.getByRole('heading', { name: 'Numbers' }).waitFor();
    expect(await other.getByRole('button', { name: 'Add number' }).count()).toBe(0);
    expect(await other.getByRole('link', { name: 'Workspaces' }).count()).toBe(0);
    await other.goto(consoleUrl(gateway, '/review'));
    await other.getByRole('heading', { name: 'Not found' }).waitFor();
    await other.getByRole('button', { name: 'Sign out' }).click();
    await other.getByText('You are signed out').waitFor();
    await other.goto(consoleUrl(gateway, '/w/demo/numbers'));
    await other.getByRole('heading', { name: 'Sign in' }).waitFor();
    await context.close();
  });

  test('a number without an agent is warned of, and assigned beside the warning', async () => {
    await visitor.visit('/w/demo/numbers');
    await page.getByText('1 number is not assigned to any agent').waitFor();
    await page.getByLabel('Agent of +12025550102').selectOption({ label: 'Echo' });
    await page.getByText('+1 202 555 0102 is answered by Echo').waitFor();
    await page.getByText('not assigned to any agent: calls').waitFor({ state: 'detached' });
    expect((await numberOf('+12025550102'))?.agentId).toBe('echo');
  });

  test('an assignment that the gateway refuses is taken back', async () => {
    await visitor.visit('/w/demo/numbers');
    await page.route('**/v1/numbers/demo-0102', (route) =>
      route.fulfill({
        status: 503,
        contentType: 'application/problem+json',
        body: '{"code":"store_unavailable","status":503,"title":"The books cannot be reached"}',
      }),
    );
    const select = page.getByLabel('Agent of +12025550102');
    await select.selectOption({ label: 'Speaker' });
    await page.getByText('The books cannot be reached').waitFor();
    expect(await select.inputValue()).toBe('echo');
    await page.unroute('**/v1/numbers/demo-0102');
    visitor.complaints.length = 0;
  });

  test('numbers are found by filters, which are in the address', async () => {
    await visitor.visit('/w/demo/numbers?provider=byoc');
    await expect.poll(() => page.locator('.rows-row').count()).toBe(1);
    await page.getByLabel('Provider').selectOption('managed');
    await expect.poll(() => page.locator('.rows-row').count()).toBe(3);
    await page.getByLabel('Search by digits').fill('0103');
    await expect.poll(() => page.locator('.rows-row').count()).toBe(1);
    expect(page.url()).toContain('q=0103');
  });

  test('ten thousand numbers scroll, and only those in sight are drawn', async () => {
    const all = Array.from({ length: 10_000 }, (_, index) => fakeNumber(index));
    await page.route('**/v1/numbers?*', async (route) => {
      const query = new URL(route.request().url()).searchParams;
      const at = Number(query.get('cursor') ?? 0);
      const limit = Number(query.get('limit') ?? 200);
      const items = query.get('assigned') === 'false' ? [] : all.slice(at, at + limit);
      const nextCursor = items.length > 0 && at + limit < all.length ? String(at + limit) : null;
      await route.fulfill({ json: { items, nextCursor } });
    });
    await visitor.visit('/w/demo/numbers');
    const rows = page.locator('.rows-row');
    await expect.poll(async () => await scrolledToEnd(page), { timeout: 40_000, interval: 30 }).toBe(10_000 * 52);
    await scrolledToEnd(page);
    await page.getByText('+1 202 555 9999').waitFor();
    expect(await rows.count()).toBeLessThan(60);
    await page.unroute('**/v1/numbers?*');
  });

  test('a US number is bought: country, type, area code, search, select, purchase, assign', async () => {
    await visitor.visit('/w/demo/numbers');
    await button('Add number').click();
    await page.getByRole('menuitem', { name: 'Purchase number' }).click();
    await page.getByLabel('Area code').fill('415');
    await button('Search numbers').click();
    const first = page.locator('tbody tr').first();
    const e164 = (await first.getByRole('checkbox').getAttribute('aria-label'))?.replace('Choose ', '') ?? '';
    expect(e164).toMatch(/^\+1415/);
    await first.getByRole('checkbox').check();
    await page.getByText(/now, then \$1\.00 a month/).waitFor();
    await button('Purchase selected number').click();
    await page.getByText('Active. Choose who answers it:').waitFor();
    await page.getByLabel(`Agent of ${e164}`).selectOption({ label: 'Speaker' });
    await page.getByText('is assigned').waitFor();
    expect(await numberOf(e164)).toMatchObject({ e164, agentId: 'speaker', status: 'active', provider: 'managed' });
    await button('Go to numbers').click();
    await page
      .locator('.rows-row', { hasText: `+1 ${e164.slice(2, 5)} ${e164.slice(5, 8)} ${e164.slice(8)}` })
      .waitFor();
  });

  test('an area code without stock says so, and nothing is charged', async () => {
    await visitor.visit('/w/demo/numbers/buy');
    await page.getByLabel('Area code').fill('999');
    await button('Search numbers').click();
    await page
      .getByText(/area code|None is free/i)
      .last()
      .waitFor();
    expect(await page.getByRole('button', { name: /^Purchase/ }).count()).toBe(0);
    visitor.complaints.length = 0;
  });

  test('an agent is created, changed and deleted; its token is never shown', async () => {
    await visitor.visit('/w/demo/agents');
    await button('New agent').first().click();
    await button('Create agent').click();
    await page.getByText('Give it a name').waitFor();
    await page.getByLabel('Name', { exact: true }).fill('Support');
    await page.getByLabel('WebSocket address').fill('wss://agent.example/media');
    await page.getByLabel('Auth token').first().fill('s3cret-of-mine');
    await button('Add parameter').click();
    await page.getByLabel('Name of the parameter').fill('tenant');
    await page.getByLabel('Value of the parameter').fill('t1');
    await button('Create agent').click();
    await page.getByRole('heading', { name: 'Support', level: 1 }).waitFor();
    expect(await page.getByLabel('Auth token').first().inputValue()).toBe('');
    await page.getByText('One is set. Leave empty to keep it').waitFor();
    const { items } = await api<Listed<{ id: string; name: string; stream: object }>>('/v1/agents?workspaceId=demo');
    expect(items.find(({ name }) => name === 'Support')?.stream).toMatchObject({
      authTokenSet: true,
      customParameters: { tenant: 't1' },
    });
    await button('Delete').click();
    await button('Delete agent').click();
    await page.getByText('Support is deleted').waitFor();
    await expect.poll(() => page.url()).toMatch(/\/agents$/);
  });

  test('a SIP trunk is saved with its numbers; what the checks saw is said, our address can be copied', async () => {
    await visitor.visit('/w/demo/byoc?tab=sip');
    await button('Add SIP trunk').click();
    await page.getByLabel('Label').fill('HQ SIP Trunk');
    await page.getByLabel('Phone numbers').fill('+12025550188');
    await page.getByLabel('Your carrier’s addresses').fill('203.0.113.10');
    await page.getByLabel('Host 1', { exact: true }).fill('no-such-host.invalid');
    await button('Check without saving').click();
    await page.getByRole('heading', { name: 'Checks' }).waitFor();
    await page
      .getByText(/failed|to look at/)
      .first()
      .waitFor();
    expect(await numberOf('+12025550188')).toBeUndefined();
    await button('Save trunk').click();
    await page.getByRole('heading', { name: 'HQ SIP Trunk', level: 1 }).waitFor();
    await page.getByRole('heading', { name: 'Checks' }).waitFor();
    expect(await page.getByRole('button', { name: 'Copy our address for UDP' }).count()).toBe(1);
    expect(await numberOf('+12025550188')).toMatchObject({ provider: 'byoc' });
    visitor.complaints.length = 0;
  });

  test('a number of another country is requested field by field, paid, reviewed, and then there', async () => {
    await visitor.gateway.api('POST', '/v1/workspaces/demo/topups', { amount: '100' });
    await visitor.visit('/w/demo/numbers/buy?country=ES');
    await page.getByRole('link', { name: 'Start a request' }).click();
    await page.getByText('What it takes').waitFor();
    await button('Begin request').click();
    await page.getByRole('heading', { name: 'Required information' }).waitFor();
    const id = page.url().split('/').at(-1) ?? '';
    await fillRequest(page, visitor);
    const uploads = page.locator('.drop input[type=file]');
    await expect.poll(() => uploads.count()).toBeGreaterThan(0);
    for (let at = 0; at < (await uploads.count()); at += 1) {
      await uploads.nth(at).setInputFiles({ name: 'document.pdf', mimeType: 'application/pdf', buffer: PDF });
      await expect.poll(() => page.getByText('Uploaded', { exact: true }).count()).toBe(at + 1);
    }
    await button('Submit request').click();
    await page.getByText('Payment due').first().waitFor();
    await button(/^Pay \$/).click();
    await page.getByText('In review').first().waitFor();

    await visitor.visit('/review');
    await page.getByText(id).waitFor();
    await page.locator('tbody a').first().click();
    await button('Approve…').click();
    await page.getByRole('textbox', { name: 'Numbers' }).fill('+34910000000');
    await button('Approve').last().click();
    await page.getByText('Approved with 1 number').waitFor();
    expect(await numberOf('+34910000000')).toMatchObject({ e164: '+34910000000' });
  });

  test('a webhook is made, its secret shown once, tried out, and what came of it is said', async () => {
    await visitor.visit('/w/demo/webhooks');
    await button('New webhook').first().click();
    await page.getByLabel('Address').fill('https://receiver.invalid/callin');
    await page.getByLabel('The balance ends a call soon').uncheck();
    await button('Create webhook').click();
    await page.getByText(/^whsec_/).waitFor();
    await button('Done').click();
    expect(await page.getByText(/^whsec_/).count()).toBe(0);
    await page.getByRole('link', { name: 'https://receiver.invalid/callin' }).click();
    await page.getByText('call.ended, call.billed, balance.exhausted').waitFor();
    await button('Send test').click();
    await page.locator('tbody tr', { hasText: 'webhook.test' }).waitFor();
    await button('Disable').click();
    await page.getByText('Disabled', { exact: true }).waitFor();
    visitor.complaints.length = 0;
  });

  test('a call that cannot be placed says why', async () => {
    await visitor.visit('/w/demo/calls');
    await button('Place a call').click();
    await page.getByLabel('To', { exact: true }).fill('+442079460958');
    await page.getByRole('dialog').getByRole('button', { name: 'Call', exact: true }).click();
    await page.getByRole('alert').waitFor();
    expect(await page.getByRole('alert').textContent()).toMatch(/allowed|trunk|rate/i);
    await button('Cancel').click();
    visitor.complaints.length = 0;
  });

  test('the whole of a page can be worked without a mouse', async () => {
    await visitor.visit('/w/demo/numbers');
    await page.keyboard.press('Tab');
    expect(await focused(page)).toBe('Skip to content');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    expect(await focused(page)).toBe('Add number');
    await page.keyboard.press('Enter');
    expect(await focused(page)).toContain('Purchase number');
    await page.keyboard.press('ArrowUp');
    expect(await focused(page)).toContain('Add BYOC number');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    expect(await focused(page)).toBe('Add number');
    const outline = await page.evaluate(() => getComputedStyle(document.activeElement as Element).outlineStyle);
    expect(outline).toBe('solid');
  });

  test('a test call: choose, call, talk, hang up; the bill has no telephony', async () => {
    visitor.complaints.length = 0;
    await visitor.visit('/w/demo/test-call?agent=echo');
    await button('Call').click();
    await page.getByText('Talking').waitFor();
    await page.getByRole('heading', { name: 'Bill' }).waitFor();
    await expect.poll(() => levelOf(page, 'Agent'), { timeout: 10_000 }).toBeGreaterThan(0.05);
    await button('Hang up').click();
    await page.getByText('Final').waitFor();
    await page.getByText('No telephony charge: browser test call.').first().waitFor();
    expect(visitor.complaints).toEqual([]);
  });

  test('signing out ends what the cookie opened', async () => {
    await visitor.visit('/w/demo/numbers');
    await button('Sign out').click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    expect(await page.evaluate(async () => (await fetch('/v1/node')).status)).toBe(401);
  });
});

function fakeNumber(index: number): object {
  const e164 = `+1202555${String(index).padStart(4, '0')}`;
  const rest = {
    country: 'US',
    workspaceId: 'demo',
    provider: 'managed',
    trunkId: null,
    supportsInbound: true,
    supportsOutbound: true,
  };
  return {
    id: `num_${index}`,
    createdAt: '2026-11-25T20:00:00.000Z',
    e164,
    agentId: 'echo',
    status: 'active',
    limits: { concurrentCalls: null, callsPerSecond: null },
    warnings: [],
    ...rest,
  };
}

/** How high the list is, in px. */
async function scrolledToEnd(page: Page): Promise<number> {
  return await page.locator('.rows-scroll').evaluate((element) => {
    element.scrollTo(0, element.scrollHeight);
    return element.scrollHeight;
  });
}

async function focused(page: Page): Promise<string> {
  return await page.evaluate(() => (document.activeElement?.textContent ?? '').trim());
}

async function levelOf(page: Page, label: string): Promise<number> {
  const fill = page.locator('.meter', { hasText: label }).locator('.fill');
  return await fill.evaluate((element) =>
    Number(/scaleX\(([\d.]+)\)/.exec((element as HTMLElement).style.transform)?.[1] ?? 0),
  );
}

/** Types the example of each field and saves it, as long as one waits: an answer may ask for more. */
async function fillRequest(page: Page, visitor: Visitor): Promise<void> {
  const { body } = await visitor.gateway.api<
    Listed<{
      country: string;
      type: string;
      requestType: string;
      fields: readonly { label: string; example: string; name: string }[];
    }>
  >('GET', '/v1/number-requirements?country=ES');
  const examples = new Map(
    body.items.flatMap(({ fields }) => fields.map(({ name, example }) => [name, example] as const)),
  );
  const rows = page.locator('.request-field');
  for (let turn = 0; turn < 40; turn += 1) {
    const row = rows.filter({ hasText: 'Pending' }).first();
    if ((await row.count()) === 0) return;
    const control = row.locator('input, select').first();
    const name = ((await control.getAttribute('name')) ?? '').replace('request-', '');
    const example = examples.get(name) ?? '';
    const saved = rows.filter({ hasText: 'Saved' });
    const before = await saved.count();
    if ((await control.evaluate((element) => element.tagName)) === 'SELECT') await control.selectOption(example);
    else await control.fill(example);
    await row.getByRole('button', { name: 'Save' }).click();
    await expect.poll(() => saved.count()).toBeGreaterThan(before);
  }
}
