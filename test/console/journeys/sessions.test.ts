import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findChromium } from '../../support/chromium.ts';
import { JOURNEY_MS, openStage, type Person, type Stage, WAIT_MS } from '../support/stage.ts';

// Who is signed in and what for: a wrong key, signing out, sessions that end while a page is open, and a key that only looks.

const chromium = findChromium();

describe.skipIf(!chromium.ok)('being signed in (needs: chromium)', { timeout: JOURNEY_MS }, () => {
  let stage: Stage;
  beforeAll(async () => {
    if (chromium.ok) stage = await openStage(chromium.path);
  }, JOURNEY_MS);
  afterAll(() => stage?.close());

  const isSignInPage = (person: Person): Promise<void> =>
    person.page.getByRole('heading', { level: 1, name: 'Sign in' }).waitFor();

  test('a wrong key opens nothing; signed out, neither the page nor the way back opens anything', async () => {
    const person = await stage.person({ key: null });
    const { page } = person;
    await page.getByLabel('Key').fill('callin_sk_this-is-no-key-of-anybody');
    await person.press('Sign in');
    await person.sees('This key opens nothing here. Check that all of it was copied, and that it was not revoked.');
    expect(person.refusals()).toEqual(['401 POST /v1/sessions']);
    await person.signIn(stage.gateway.adminToken);
    await person.sees('+1 202 555 0100');
    await person.go('Agents');

    await person.press('Sign out');
    await isSignInPage(person);
    await person.sees('You are signed out.');
    expect(await page.content()).not.toContain('555 0100');
    expect(await page.evaluate(async () => (await fetch('/v1/numbers')).status)).toBe(401);
    await page.goBack();
    await isSignInPage(person);
    await page.reload();
    await isSignInPage(person);
    expect(new Set(person.refusals())).toEqual(new Set(['401 GET /v1/numbers']));
    await person.leave('signed-out');
  });

  test('a session that ran out says so at the next thing that is done, and goes on where it was', async () => {
    const person = await stage.person();
    await person.go('Agents');
    await person.sees('Speaker');
    // As the browser does when its time is over. What is read next is refused, whether for this press or for the page before it.
    await person.context.clearCookies();
    await person.page.evaluate(() => document.querySelector<HTMLElement>('nav a[href$="/billing"]')?.click());
    await isSignInPage(person);
    await person.sees('Your session has ended. Sign in to go on.');
    expect(new Set(person.refusals().map((refusal) => refusal.slice(0, 3)))).toEqual(new Set(['401']));
    const before = person.page.url();
    await person.signIn(stage.gateway.adminToken);
    await person.page.getByRole('heading', { level: 1, name: /^(Agents|Billing)$/ }).waitFor();
    expect(person.page.url()).toBe(before);
    await person.leave('session-ended');
  });

  test('a key that is revoked ends the sessions it opened, on a page that is open', async () => {
    const key = await stage.newKey('admin');
    const person = await stage.person({ key: key.token });
    await person.sees('+1 202 555 0100');
    await person.sees('Live', person.page.locator('.live-note'));
    expect((await stage.gateway.api('DELETE', `/v1/workspaces/demo/keys/${key.id}`)).status).toBe(204);
    // Nobody presses anything: its stream of events is ended and refused.
    await isSignInPage(person);
    await person.sees('Your session has ended. Sign in to go on.');
    expect(new Set(person.refusals().map((refusal) => refusal.slice(0, 3)))).toEqual(new Set(['401']));
    await person.page.getByLabel('Key').fill(key.token);
    await person.press('Sign in');
    await person.sees('This key opens nothing here.');
    expect(person.refusals()).toEqual(['401 POST /v1/sessions']);
    await person.leave('key-revoked');
  });

  test('a key that only looks sees everything of its workspace and can change nothing', async () => {
    const key = await stage.newKey('read_only');
    const person = await stage.person({ key: key.token });
    const { page } = person;
    await person.sees('+1 202 555 0100');
    expect(await page.getByRole('button', { name: 'Add number' }).count()).toBe(0);
    expect(await page.getByLabel('Agent of +12025550100').isDisabled()).toBe(true);
    const nav = page.getByRole('navigation', { name: 'Main' });
    expect(await nav.getByRole('link').allInnerTexts()).not.toContain('Workspaces');

    await person.go('Test call');
    await person.sees('Your key only looks; it cannot place calls.');
    expect(await page.getByRole('button', { name: 'Call', exact: true }).isDisabled()).toBe(true);
    await person.go('BYOC');
    await person.sees(/Your key only looks.* connect an account\./);
    await page.getByRole('tab', { name: 'Other SIP provider' }).click();
    await page.getByRole('link', { name: 'loopback-byoc' }).click();
    await page.getByRole('heading', { level: 1, name: 'loopback-byoc' }).waitFor();
    await expect.poll(() => page.getByLabel('Label').isDisabled(), { timeout: WAIT_MS }).toBe(true);
    expect(await page.getByRole('button', { name: /Save|Delete/ }).count()).toBe(0);
    await person.visit('/workspaces');
    await refusesByItself(person);
    await person.leave('read-only');
  });

  test('a journey fails over what the browser complains about, and over refusals that nobody expected', async () => {
    const complaining = await stage.person();
    await complaining.page.evaluate(() => {
      const script = document.createElement('script');
      script.textContent = 'document.title = "not allowed by the policy"';
      document.body.append(script);
    });
    expect(await complaining.page.title()).toBe('Numbers · Callin Edge');
    await expect(complaining.leave('complaints')).rejects.toThrow('complained: Executing inline script');

    const refused = await stage.person();
    await refused.page.evaluate(() => fetch('/v1/numbers/nobodys').then((answer) => answer.text()));
    await expect(refused.leave('complaints')).rejects.toThrow('refused: 404 GET /v1/numbers/nobodys');
  });

  /** What the page does not offer, the gateway does not take either. */
  async function refusesByItself(person: Person): Promise<void> {
    const { page } = person;
    person.refusals();
    const code = await page.evaluate(async () => {
      const session = (await (await fetch('/v1/sessions/current')).json()) as { csrfToken: string };
      const answer = await fetch('/v1/numbers/demo-0100', {
        method: 'PATCH',
        headers: { 'content-type': 'application/json', 'x-csrf-token': session.csrfToken },
        body: '{"agentId":null}',
      });
      return ((await answer.json()) as { code: string }).code;
    });
    expect(code).toBe('missing_scope');
    expect(person.refusals()).toEqual(['403 PATCH /v1/numbers/demo-0100']);
  }
});
