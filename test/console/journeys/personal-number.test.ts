import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createPhone, type Phone } from '../../../src/phone/phone.ts';
import { header } from '../../../src/phone/sip.ts';
import { findChromium } from '../../support/chromium.ts';
import { earFor } from '../../support/code-ear.ts';
import { JOURNEY_MS, openStage, type Person, type Stage, WAIT_MS } from '../support/stage.ts';

// One's own telephone as caller id: it rings, speaks a code, the code is typed in. Only the telephone tells this test the code.

const chromium = findChromium();
const NUMBER = '+12025550142';

describe.skipIf(!chromium.ok)('a personal number (needs: chromium)', { timeout: JOURNEY_MS }, () => {
  let stage: Stage;
  let telephone: Phone;
  beforeAll(async () => {
    if (!chromium.ok) return;
    telephone = await createPhone({ seed: 5, audio: { codecs: ['PCMU'] } });
    telephone.onCall(() => undefined);
    stage = await openStage(chromium.path);
    // The demo's carrier is this machine: what it lacks is a way out, to the telephone.
    const gateways = [{ host: '127.0.0.1', port: telephone.port }];
    const outbound = { enabled: true, gateways, allowedCountries: ['US'] };
    expect((await stage.gateway.api('PATCH', '/v1/trunks/loopback', { outbound })).status).toBe(200);
  }, JOURNEY_MS);
  afterAll(async () => {
    await stage?.close();
    await telephone?.close();
  });

  test('the telephone says the code; entered, the number is there, outbound only', async () => {
    const person = await stage.person({ key: (await stage.newKey('admin')).token });
    const { page } = person;
    await person.addNumber('Add personal number');
    const dialog = page.getByRole('dialog', { name: 'Add personal number' });
    await person.sees('Personal numbers are outbound only', dialog);
    await dialog.getByLabel('Country').selectOption({ label: 'United States (+1)' });
    await dialog.getByLabel('Phone number').fill('(202) 555-0142');
    await person.sees('We call +1 202 555 0142', dialog);
    await person.press('Verify number');

    const call = await telephone.waitForCall(1, WAIT_MS);
    expect(call.calledUser).toBe(NUMBER);
    call.ring();
    await person.sees('The telephone rings.', dialog);
    await call.answer();
    const heard = () => earFor('en')(call.received.audio);
    // Greeting, warning, introduction, the code, and "again": said to its end.
    await expect.poll(() => heard().phrases.length, { timeout: 2 * WAIT_MS, interval: 200 }).toBeGreaterThanOrEqual(4);
    const [code = ''] = heard().codes;
    expect(code).toMatch(/^\d{6}$/);

    const wrong = code === '000000' ? '000001' : '000000';
    await dialog.getByLabel('Verification code').fill(wrong);
    await person.press('Verify');
    await person.reads(dialog.getByRole('alert'), /code/i);
    await person.sees(/4 attempts left/, dialog);
    expect(person.refusals()).toEqual([expect.stringMatching(/^4\d\d POST \/v1\/personal-numbers\/[^/]+\/verify$/)]);
    // As people copy it.
    await dialog.getByLabel('Verification code').fill(`${code.slice(0, 3)} ${code.slice(3)}`);
    await person.press('Verify');
    await person.sees('+1 202 555 0142 is verified', dialog);
    await person.press('Done');
    await person.reads(person.numberRow(NUMBER), /Personal\s+Active\s+Outbound only/);
    const { body } = await stage.gateway.api<{ items: object[] }>(
      'GET',
      `/v1/numbers?workspaceId=demo&provider=personal`,
    );
    expect(body.items).toMatchObject([
      { e164: NUMBER, status: 'active', supportsInbound: false, supportsOutbound: true },
    ]);
    expect(await page.content()).not.toContain(code);
    await call.bye();
    await saysWhyNoCallComesIn(person);
    await person.leave('personal-number');
    expect(JSON.stringify(stage.gateway.log)).not.toContain(code);
  });

  /** "My personal number isn't receiving inbound calls": in the manual's words. */
  async function saysWhyNoCallComesIn(person: Person): Promise<void> {
    const caller = await createPhone();
    const call = await caller.call(`sip:${NUMBER}@127.0.0.1:${stage.gateway.sip.udpPort}`, { from: '+12025550170' });
    await call.waitFor('ended', WAIT_MS);
    expect(header(call.final as never, 'reason')).toBe('SIP;cause=403;text="outbound_only"');
    await caller.close();
    await person.page.getByRole('button', { name: `Actions for ${NUMBER}` }).click();
    await person.page.getByRole('menuitem', { name: 'Diagnose' }).click();
    await person.sees(/That’s expected: Personal Numbers are outbound-only\./);
    await person.sees(/Use a purchased\/imported number or BYOC for inbound calling\./);
  }
});
