import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createPhone } from '../../src/phone/phone.ts';
import { tone } from '../../src/phone/tone.ts';
import { findChromium } from '../support/chromium.ts';
import { faultsOf, overflowOf } from './support/accessible.ts';
import { SHOTS, startVisitor, type Visitor } from './support/visitor.ts';

// Every page as people see it: light and dark, on a desk and on a phone. Pictures are left in test/console/shots for whoever wants to look.

const chromium = findChromium();
const PHONE_WIDTH = 360;

describe.skipIf(!chromium.ok)('pages of the console (needs: chromium)', () => {
  let visitor: Visitor;
  let callId = '';
  let requestId = '';
  let webhookId = '';

  beforeAll(async () => {
    if (!chromium.ok) return;
    visitor = await startVisitor(chromium.path);
    callId = await someCall(visitor);
    const wanted = { workspaceId: 'demo', country: 'ES', type: 'local', requestType: 'new' };
    const webhook = { workspaceId: 'demo', url: 'https://receiver.example/callin' };
    webhookId = (await visitor.gateway.api<{ id: string }>('POST', '/v1/webhooks', webhook)).body.id;
    requestId = (await visitor.gateway.api<{ id: string }>('POST', '/v1/number-requests', wanted)).body.id;
  }, 60_000);
  afterAll(() => visitor?.close());

  const pages: readonly (readonly [name: string, path: string | (() => string)])[] = [
    ['numbers', '/w/demo/numbers'],
    ['numbers-none', '/w/demo/numbers?q=999999'],
    ['buy', '/w/demo/numbers/buy'],
    ['twilio', '/w/demo/numbers/twilio'],
    ['telnyx', '/w/demo/numbers/telnyx'],
    ['requests', '/w/demo/requests'],
    ['request', () => `/w/demo/requests/${requestId}`],
    ['review-request', () => `/review/${requestId}`],
    ['new-request', '/w/demo/requests/new?country=ES'],
    ['byoc', '/w/demo/byoc'],
    ['byoc-sip', '/w/demo/byoc?tab=sip'],
    ['new-trunk', '/w/demo/byoc/new'],
    ['trunk', '/w/demo/byoc/loopback-byoc'],
    ['agents', '/w/demo/agents'],
    ['new-agent', '/w/demo/agents/new'],
    ['agent', '/w/demo/agents/echo'],
    ['calls', '/w/demo/calls'],
    ['call', () => `/w/demo/calls/${callId}`],
    ['billing', '/w/demo/billing'],
    ['billing-numbers', '/w/demo/billing?by=number'],
    ['test-call', '/w/demo/test-call'],
    ['diagnosis', '/w/demo/diagnosis?number=%2B12025550102'],
    ['webhooks', '/w/demo/webhooks'],
    ['webhook', () => `/w/demo/webhooks/${webhookId}`],
    ['keys', '/w/demo/keys'],
    ['workspaces', '/workspaces'],
    ['review', '/review'],
    ['node', '/node'],
  ];

  test.each(pages)(
    '%s can be read by everybody, in both themes, down to 360 px',
    { timeout: 40_000 },
    async (name, path) => {
      const { page, complaints } = visitor;
      complaints.length = 0;
      await page.setViewportSize({ width: 1280, height: 860 });
      await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
      await visitor.visit(typeof path === 'string' ? path : path());
      const faults: string[] = [];
      for (const scheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
        for (const width of [1280, PHONE_WIDTH]) {
          await page.setViewportSize({ width, height: 860 });
          await visitor.settled();
          const at = `${scheme} ${width}`;
          faults.push(...(await faultsOf(page)).map((fault) => `${at}: ${fault}`));
          const overflow = await overflowOf(page);
          if (overflow > 0) faults.push(`${at}: wider than the window by ${overflow} px`);
          await page.screenshot({ path: join(SHOTS, `${name}-${scheme}-${width}.png`), fullPage: true });
        }
      }
      expect(faults).toEqual([]);
      expect(complaints).toEqual([]);
    },
  );

  const dialogs: readonly (readonly [name: string, path: string, ...presses: string[]])[] = [
    ['dialog-personal', '/w/demo/numbers', 'Add number', 'Add personal number'],
    ['dialog-byoc', '/w/demo/numbers', 'Add number', 'Add BYOC number'],
    ['dialog-release', '/w/demo/numbers', 'Actions for +12025550100', 'Release…'],
    ['dialog-number', '/w/demo/numbers', 'Actions for +12025550100', 'Settings…'],
    ['dialog-place-call', '/w/demo/calls', 'Place a call'],
    ['dialog-top-up', '/w/demo/billing', 'Top up'],
    ['dialog-webhook', '/w/demo/webhooks', 'New webhook'],
    ['dialog-key', '/w/demo/keys', 'New key'],
    ['dialog-workspace', '/workspaces', 'New workspace'],
    ['dialog-settings', '/workspaces', 'Settings of Demo'],
  ];
  test.each(dialogs)('%s is the same for everybody', { timeout: 40_000 }, async (name, path, ...presses) => {
    const { page, complaints } = visitor;
    complaints.length = 0;
    await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
    const faults: string[] = [];
    for (const [scheme, width] of [
      ['light', 1280],
      ['dark', PHONE_WIDTH],
    ] as const) {
      await page.setViewportSize({ width, height: 860 });
      await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
      await visitor.visit(path);
      for (const press of presses)
        await page
          .getByRole('button', { name: press })
          .or(page.getByRole('menuitem', { name: press }))
          .first()
          .click();
      await page.getByRole('dialog').waitFor();
      const inside = await page.evaluate(() => document.activeElement?.closest('dialog') !== null);
      if (!inside) faults.push(`${scheme} ${width}: the focus is not in the dialog`);
      faults.push(...(await faultsOf(page)).map((fault) => `${scheme} ${width}: ${fault}`));
      await page.screenshot({ path: join(SHOTS, `${name}-${scheme}-${width}.png`) });
    }
    expect(faults).toEqual([]);
    expect(complaints).toEqual([]);
  });

  test('the check finds what it is there to find', async () => {
    const { page } = visitor;
    await page.setViewportSize({ width: 1280, height: 860 });
    await visitor.visit('/node');
    await page.evaluate(() => {
      const bad = document.createElement('div');
      bad.id = 'content';
      const button = document.createElement('button');
      const faint = document.createElement('p');
      faint.textContent = 'hardly to be seen';
      faint.style.color = getComputedStyle(document.body).backgroundColor;
      const label = document.createElement('label');
      label.htmlFor = 'nothing-there';
      bad.append(button, faint, label, document.createElement('h1'));
      document.querySelector('main')?.append(bad);
      bad.style.width = '3000px';
    });
    const faults = (await faultsOf(page)).join('\n');
    for (const fault of [
      '2 headings',
      'id content',
      'points nowhere: nothing-there',
      'no name: <button',
      'contrast 1.00',
    ])
      expect(faults).toContain(fault);
    expect(await overflowOf(page)).toBeGreaterThan(1_000);
  });

  test('the theme can be chosen by hand, and stays', async () => {
    const { page } = visitor;
    await page.setViewportSize({ width: 1280, height: 860 });
    await page.emulateMedia({ colorScheme: 'light' });
    await visitor.visit('/w/demo/numbers');
    const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await ground();
    await page.getByRole('button', { name: 'Use the dark theme' }).click();
    const dark = await ground();
    expect(dark).not.toBe(light);
    await page.reload();
    await visitor.settled();
    expect(await ground()).toBe(dark);
    await page.getByRole('button', { name: 'Use the light theme' }).click();
    expect(await ground()).toBe(light);
  });

  test('nothing secret is kept where scripts can read it', async () => {
    const { page, gateway } = visitor;
    const kept = await page.evaluate(() =>
      JSON.stringify({ ...localStorage, ...sessionStorage, cookies: document.cookie }),
    );
    expect(kept).not.toContain(gateway.adminToken);
    expect(JSON.parse(kept)).toMatchObject({ cookies: '' });
  });
});

/** One call from a telephone to the echo agent, so that there is something to look at. */
async function someCall({ gateway }: Visitor): Promise<string> {
  const phone = await createPhone({ host: '127.0.0.1' });
  try {
    const call = await phone.call(`sip:+12025550100@127.0.0.1:${gateway.sip.udpPort}`, { from: '+12025550199' });
    await call.waitFor('answered');
    await call.sendAudio(tone({ frequencyHz: 440, durationMs: 600 }));
    await call.bye();
  } finally {
    await phone.close();
  }
  const { body } = await gateway.api<{ items: readonly { readonly id: string }[] }>(
    'GET',
    '/v1/calls?workspaceId=demo',
  );
  return body.items[0]?.id ?? '';
}
