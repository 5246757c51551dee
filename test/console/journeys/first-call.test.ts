import type { Locator } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findChromium } from '../../support/chromium.ts';
import { audioOf, keepConnections, listenersOf } from '../support/audio.ts';
import { JOURNEY_MS, openStage, type Person, type Stage, WAIT_MS } from '../support/stage.ts';

// The first thing anybody does: sign in and talk to an agent from the browser. Its microphone beeps, the echo agent sends the beeps back.

const chromium = findChromium();
/** After signing in, until the call is placed. */
const CLICKS_MAX = 3;
/** A beep a second at a quarter of full scale has more within some seconds; silence has none. */
const HEARD = 1e-4;

interface Call {
  readonly id: string;
  readonly class: string;
  readonly state: string;
  readonly endReason: string | null;
  readonly timeline: readonly { readonly event: string }[];
  readonly bill: {
    readonly final: boolean;
    readonly total: string;
    readonly telephony: { readonly amount: string };
    readonly compute: { readonly amount: string; readonly billedMs: number };
  } | null;
}
interface Posting {
  readonly callId: string | null;
  readonly meter: string;
  readonly amount: string;
}

describe.skipIf(!chromium.ok)('a first call (needs: chromium)', { timeout: JOURNEY_MS }, () => {
  let stage: Stage;
  beforeAll(async () => {
    if (chromium.ok) stage = await openStage(chromium.path);
  }, JOURNEY_MS);
  afterAll(() => stage?.close());

  const status = (person: Person): Locator =>
    person.page.getByRole('region', { name: 'Phone' }).getByRole('status').first();
  /** The list's newest call, as the API has it. */
  async function newestCall(): Promise<Call | undefined> {
    return (await stage.gateway.api<{ items: Call[] }>('GET', '/v1/calls?workspaceId=demo&limit=1')).body.items[0];
  }
  async function finalCall(): Promise<Call> {
    await expect
      .poll(async () => (await newestCall())?.bill?.final, { timeout: WAIT_MS, message: 'a final bill' })
      .toBe(true);
    return (await newestCall()) as Call;
  }
  const meterOf = (person: Person, label: string): Locator =>
    person.page.locator('.meter', { hasText: label }).locator('.fill');
  const levelOf = (person: Person, label: string): Promise<number> =>
    meterOf(person, label).evaluate((fill) => new DOMMatrix(getComputedStyle(fill).transform).a);
  async function seesLevel(person: Person, label: string): Promise<void> {
    await expect.poll(() => levelOf(person, label), { timeout: WAIT_MS, interval: 50 }).toBeGreaterThan(0.05);
  }

  test('three clicks at most, the voice goes both ways, and what it cost is said', async () => {
    const person = await stage.person({ key: null, before: keepConnections });
    const { page } = person;
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await person.signIn(stage.gateway.adminToken);
    person.takeClicks();

    await person.go('Test call');
    await person.choose('Agent', 'Echo');
    await person.press('Call');
    expect(person.takeClicks()).toBeLessThanOrEqual(CLICKS_MAX);
    await person.reads(status(person), 'Talking');

    await expect.poll(async () => (await audioOf(page)).sent, { timeout: WAIT_MS }).toBeGreaterThan(HEARD);
    await expect.poll(async () => (await audioOf(page)).heard, { timeout: WAIT_MS }).toBeGreaterThan(HEARD);
    await seesLevel(person, 'You');
    await seesLevel(person, 'Agent');
    expect(await listenersOf(page)).toBe(2);
    await isItsOwnVoice(person);
    await page.getByRole('group', { name: 'Keypad' }).getByRole('button', { name: '5' }).click();
    await person.sees('DTMF digit');

    await person.press('Hang up');
    await person.reads(status(person), 'Ended');
    await expect.poll(() => listenersOf(page), { timeout: WAIT_MS, message: 'nothing listens any more' }).toBe(0);
    const call = await finalCall();
    await isBilled(person, call);
    await person.leave('first-call');
  });

  /** Muted, nothing comes back; so what came back was what was said. */
  async function isItsOwnVoice(person: Person): Promise<void> {
    await person.press('Mute');
    let before = await audioOf(person.page);
    const silentSeconds = async (): Promise<number> => {
      const now = await audioOf(person.page);
      // Still on its way back: begin again.
      if (now.heard - before.heard > HEARD / 100) before = now;
      return now.seconds - before.seconds;
    };
    // The microphone beeps every second.
    await expect.poll(silentSeconds, { timeout: WAIT_MS, interval: 200 }).toBeGreaterThan(2.5);
    await person.press('Unmute');
    const quiet = await audioOf(person.page);
    await expect
      .poll(async () => (await audioOf(person.page)).heard - quiet.heard, { timeout: WAIT_MS })
      .toBeGreaterThan(HEARD);
  }

  async function isBilled(person: Person, call: Call): Promise<void> {
    expect(call).toMatchObject({
      class: 'browser',
      endReason: 'remote_hangup',
      bill: { telephony: { amount: '0.00' } },
    });
    expect(call.timeline.map(({ event }) => event)).toEqual(expect.arrayContaining(['webrtc_connected', 'dtmf']));
    const bill = person.page.getByRole('region', { name: 'Bill' });
    await person.sees('Final', bill);
    await person.sees('No telephony charge: browser test call.', bill);
    const total = bill.locator('.bill-total');
    await expect.poll(() => total.innerText(), { timeout: WAIT_MS }).toContain(call.bill?.total);
    expect(Number(call.bill?.compute.amount)).toBeGreaterThan(0);
    expect(call.bill?.total).toBe(call.bill?.compute.amount);
    const { balance } = (await stage.gateway.api<{ balance: string }>('GET', '/v1/workspaces/demo')).body;
    // What is beyond cents is cut off.
    await person.reads(person.page.locator('.balance-box .amount'), `$${/^\d+\.\d\d/.exec(balance)?.[0]}`);
    const { body } = await stage.gateway.api<{ items: Posting[] }>('GET', '/v1/ledger?workspaceId=demo&limit=50');
    expect(body.items.filter(({ callId }) => callId === call.id)).toMatchObject([
      { meter: 'compute', amount: `-${call.bill?.compute.amount}` },
    ]);
  }

  test('without a mouse: signed in, called and hung up by Tab and Enter, and always seen where one is', async () => {
    const person = await stage.person({ key: null });
    const { page } = person;
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await expect.poll(() => focused(person)).toMatchObject({ name: 'Key' });
    await page.keyboard.type(stage.gateway.adminToken);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Numbers' }).waitFor();

    await tabTo(person, 'Test call');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Test call' }).waitFor();
    await page.getByRole('button', { name: 'Call', exact: true }).and(page.locator(':enabled')).waitFor();
    await tabTo(person, 'Call');
    await page.keyboard.press('Enter');
    await person.reads(status(person), 'Talking');
    await tabTo(person, 'Hang up');
    await page.keyboard.press('Enter');
    await person.reads(status(person), 'Ended');
    await person.leave('keyboard');
  });

  interface Focused {
    readonly name: string;
    readonly seen: boolean;
  }

  function focused({ page }: Person): Promise<Focused> {
    return page.evaluate(() => {
      const element = document.activeElement;
      if (element === null || element === document.body) return { name: '', seen: true };
      const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(element);
      const ring = outlineStyle !== 'none' && Number.parseFloat(outlineWidth) >= 1;
      const label = element instanceof HTMLInputElement ? element.labels?.[0]?.textContent : null;
      const name = element.getAttribute('aria-label') ?? label ?? element.textContent ?? '';
      return { name: name.trim(), seen: ring || boxShadow !== 'none' };
    });
  }

  /** Every stop on the way must be seen to be one. */
  async function tabTo(person: Person, name: string): Promise<void> {
    const passed: string[] = [];
    for (let stop = 0; stop < 60; stop += 1) {
      await person.page.keyboard.press('Tab');
      const now = await focused(person);
      passed.push(now.name);
      expect(now.seen, `the focus on ${now.name} is seen`).toBe(true);
      if (now.name === name) return;
    }
    throw new Error(`${name} cannot be reached by Tab; passed ${passed.join(' | ')}`);
  }
});
