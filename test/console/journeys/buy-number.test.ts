import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createPhone } from '../../../src/phone/phone.ts';
import { decode, strongestTone, tone } from '../../../src/phone/tone.ts';
import { findChromium } from '../../support/chromium.ts';
import { JOURNEY_MS, openStage, type Person, type Stage, WAIT_MS } from '../support/stage.ts';

// A number is bought, given to an agent, and rung by a telephone; and what cannot be bought is said without taking anything.

const chromium = findChromium();
const HEARD_HZ = 850;

interface Posting {
  readonly meter: string;
  readonly amount: string;
  readonly note: string | null;
}
interface Offer {
  readonly e164: string;
  readonly setupFee: string;
  readonly monthlyFee: string;
}
interface PhoneNumber {
  readonly id: string;
  readonly agentId: string | null;
  readonly status: string;
}

describe.skipIf(!chromium.ok)('buying a number (needs: chromium)', { timeout: JOURNEY_MS }, () => {
  let stage: Stage;
  beforeAll(async () => {
    if (chromium.ok) stage = await openStage(chromium.path);
  }, JOURNEY_MS);
  afterAll(() => stage?.close());

  const get = async <T>(path: string): Promise<T> => (await stage.gateway.api<T>('GET', path)).body;
  const fees = async (): Promise<readonly Posting[]> =>
    (await get<{ items: Posting[] }>('/v1/ledger?workspaceId=demo&meter=fee')).items;
  const numberOf = async (e164: string): Promise<PhoneNumber | undefined> =>
    (await get<{ items: PhoneNumber[] }>(`/v1/numbers?workspaceId=demo&q=${e164.slice(1)}`)).items[0];
  const balance = async (): Promise<string> => (await get<{ balance: string }>('/v1/workspaces/demo')).balance;

  test('a toll-free one is active at once, charged, assigned and answered', async () => {
    const person = await stage.person();
    const { page } = person;
    await person.addNumber('Purchase number');
    await page.getByRole('heading', { level: 1, name: 'Purchase a number' }).waitFor();
    await page.getByRole('radio', { name: /^Toll-free/ }).check();
    await person.press('Search numbers');
    const first = page.getByRole('checkbox', { name: /^Choose \+1/ }).first();
    const e164 = ((await first.getAttribute('aria-label')) ?? '').replace('Choose ', '');
    expect(e164).toMatch(/^\+18\d{2}5550\d{3}$/);
    await first.check();
    const offered = await get<{ items: Offer[] }>(
      '/v1/available-numbers?workspaceId=demo&country=US&type=tollfree&limit=50',
    );
    const offer = offered.items.find((each) => each.e164 === e164);
    await person.sees(`now, then $${offer?.monthlyFee} a month`);

    const before = Number(await balance());
    await person.press('Purchase selected number');
    await person.sees('Active. Choose who answers it:');
    await page.getByLabel(`Agent of ${e164}`).selectOption({ label: 'Echo' });
    await person.sees(/is assigned$/);
    await person.press('Go to numbers');
    const row = person.numberRow(e164);
    await person.reads(row, /Callin[\s\S]*Active[\s\S]*In and out/);
    expect(await row.getByLabel(`Agent of ${e164}`).inputValue()).toBe('echo');

    expect(await numberOf(e164)).toMatchObject({
      status: 'active',
      agentId: 'echo',
      provider: 'managed',
      warnings: [],
    });
    await isCharged(person, before, offer);
    await isAnswered(person, e164);
    await person.leave('buy-number');
    expect(stage.gateway.audit()).toMatchObject({ ok: true });
  });

  async function isCharged(person: Person, before: number, offer: Offer | undefined): Promise<void> {
    const price = Number(offer?.setupFee) + Number(offer?.monthlyFee);
    expect(price).toBeGreaterThan(0);
    const charged = (await fees()).reduce((sum, { amount }) => sum + Number(amount), 0);
    expect(charged).toBeCloseTo(-price, 9);
    expect(Number(await balance())).toBeCloseTo(before - price, 9);
    // The sidebar has it without a reload, the ledger of the page has the posting.
    await person.reads(person.page.locator('.balance-box .amount'), `$${(before - price).toFixed(2)}`);
    await person.go('Billing');
    const ledger = person.page.getByRole('region', { name: 'Ledger' });
    await person.sees('Fee', ledger);
  }

  /** A telephone dials it and hears its own tone from the echo agent; the page of calls has the call. */
  async function isAnswered(person: Person, e164: string): Promise<void> {
    await person.go('Calls');
    const phone = await createPhone({ seed: 11 });
    try {
      const call = await phone.call(`sip:${e164}@127.0.0.1:${stage.gateway.sip.udpPort}`, { from: '+12025550177' });
      await call.waitFor('answered', WAIT_MS);
      await call.sendAudio(tone({ frequencyHz: HEARD_HZ, durationMs: 1_000 }));
      expect(strongestTone(decode(call.received.audio.subarray(-4_000))).frequencyHz).toBe(HEARD_HZ);
      await call.bye();
    } finally {
      await phone.close();
    }
    const row = person.page.getByRole('row').filter({ hasText: 'The other side hung up' });
    await row.waitFor();
    await person.reads(row, /Echo/);
  }

  test('what there is not, and what there is no money for, is said, and nothing is charged', async () => {
    const wanted = { name: 'Poor', billingMode: 'prepaid' };
    const { body: workspace } = await stage.gateway.api<{ id: string }>('POST', '/v1/workspaces', wanted);
    await stage.gateway.api('POST', `/v1/workspaces/${workspace.id}/topups`, { amount: '0.99' });
    const person = await stage.person({ key: (await stage.newKey('admin', workspace.id)).token });
    const { page } = person;
    await person.sees('No numbers yet');
    await person.addNumber('Purchase number');
    await page.getByLabel('Area code').fill('41');
    await person.sees('Three digits such as 415');
    expect(await page.getByRole('button', { name: 'Search numbers' }).isDisabled()).toBe(true);
    await page.getByLabel('Area code').fill('999');
    await person.press('Search numbers');
    await person.reads(person.alert, /area code/i);
    expect(person.refusals()).toEqual(['422 GET /v1/available-numbers']);

    await page.getByLabel('Area code').fill('');
    await person.press('Search numbers');
    await page
      .getByRole('checkbox', { name: /^Choose \+1/ })
      .first()
      .check();
    await person.press('Purchase selected number');
    await person.reads(person.alert, /The balance does not cover [\s\S]*Nothing was charged\./);
    expect(await person.alert.innerText()).not.toContain('numbers.0');
    expect(person.refusals()).toEqual(['402 POST /v1/number-orders']);
    await person.reads(page.locator('.balance-box .amount'), '$0.99');
    const { items } = await get<{ items: Posting[] }>(`/v1/ledger?workspaceId=${workspace.id}`);
    expect(items).toMatchObject([{ meter: 'topup', amount: '0.99' }]);
    await person.leave('buy-refused');
    expect(await get(`/v1/numbers?workspaceId=${workspace.id}`)).toMatchObject({ items: [] });
  });
});
