import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openDirectory } from '../../../src/directory/sqlite-directory.ts';
import { isE164 } from '../../../src/domain/e164.ts';
import { createPhone } from '../../../src/phone/phone.ts';
import { tone } from '../../../src/phone/tone.ts';
import { findChromium } from '../../support/chromium.ts';
import { startGateway } from '../../support/gateway.ts';
import { JOURNEY_MS, openStage, type Person, type Stage, WAIT_MS } from '../support/stage.ts';

// A workspace with ten thousand numbers, really there; and pages that change by themselves while somebody looks.

const chromium = findChromium();
const COUNT = 10_000;
/** Of the demo workspace itself. */
const OWN = 4;
/** Some windows' worth; without the virtual list it would be all of them. */
const ROWS_MAX = 80;

describe.skipIf(!chromium.ok)('many numbers, and pages that live (needs: chromium)', { timeout: JOURNEY_MS }, () => {
  let stage: Stage;
  beforeAll(async () => {
    if (chromium.ok) stage = await openStage(chromium.path, { dataDir: await filledFolder() });
  }, 2 * JOURNEY_MS);
  afterAll(() => stage?.close());

  const rowCount = (person: Person): Promise<number> =>
    person.page.getByRole('table', { name: 'Numbers' }).locator('.rows-row').count();

  test('ten thousand numbers: a window’s worth is drawn, the last one is reached, filters and digits find', async () => {
    const person = await stage.person();
    const { page } = person;
    await person.sees('More than 100 numbers are not assigned to any agent');
    const table = page.getByRole('table', { name: 'Numbers' });
    const scroller = table.locator('.rows-scroll');
    const most: number[] = [];
    const scrollOn = async (): Promise<string> => {
      await scroller.evaluate((element) => element.scrollTo(0, element.scrollHeight));
      most.push(await rowCount(person));
      return await table.getByRole('status').innerText();
    };
    await expect
      .poll(scrollOn, { timeout: 3 * WAIT_MS, interval: 20 })
      .toBe(`${(COUNT + OWN).toLocaleString('en-US')} numbers`);
    await scrollOn();
    await person.numberRow(numberAt(0)).waitFor();
    expect(Math.max(...most)).toBeLessThan(ROWS_MAX);
    expect(await table.getAttribute('aria-rowcount')).toBe(String(COUNT + OWN + 1));

    await page.getByLabel('Provider').selectOption({ label: 'BYOC' });
    await person.numberRow('+12025550101').waitFor();
    await page.getByLabel('Provider').selectOption({ label: 'All providers' });
    const wanted = numberAt(4_321);
    await page.getByLabel('Search by digits').fill(wanted.slice(-9));
    await expect.poll(() => rowCount(person), { timeout: WAIT_MS }).toBe(1);
    await page.getByLabel(`Agent of ${wanted}`).selectOption({ label: 'Echo' });
    await person.sees(/is answered by Echo/);
    await person.leave('ten-thousand');
  });

  test('a call that a telephone makes appears, talks and ends on an open page; so do its parts of the bill', async () => {
    const person = await stage.person({ key: (await stage.newKey('admin')).token });
    const { page } = person;
    await person.go('Calls');
    await person.sees('No calls yet');
    await person.sees('Live', page.locator('.live-note'));
    await page.evaluate(() => document.documentElement.setAttribute('data-before', 'the call'));
    const phone = await createPhone({ seed: 3 });
    try {
      const call = await phone.call(`sip:+12025550100@127.0.0.1:${stage.gateway.sip.udpPort}`, {
        from: '+12025550199',
      });
      const row = page.getByRole('row').filter({ hasText: '+1 202 555 0199' });
      await person.reads(row, /Echo[\s\S]*Talking/);
      await call.sendAudio(tone({ frequencyHz: 440, durationMs: 400 }));
      await call.bye();
      await person.reads(row, /Echo[\s\S]*The other side hung up[\s\S]*\$0\.0\d+/);
    } finally {
      await phone.close();
    }
    expect(await page.locator('html').getAttribute('data-before')).toBe('the call');
    await person.leave('live-call');
  });

  test('what somebody else changes is seen without asking: a number that is taken off its agent', async () => {
    const person = await stage.person();
    const { page } = person;
    await page.getByLabel('Search by digits').fill('2025550103');
    await expect.poll(() => rowCount(person), { timeout: WAIT_MS }).toBe(1);
    const agent = page.getByLabel('Agent of +12025550103');
    await expect.poll(() => agent.inputValue(), { timeout: WAIT_MS }).toBe('speaker');
    await person.sees('Live', page.locator('.live-note'));
    await stage.gateway.api('PATCH', '/v1/numbers/demo-0103', { agentId: null });
    await expect.poll(() => agent.inputValue(), { timeout: WAIT_MS }).toBe('');
    await person.numberRow('+12025550103').getByRole('img', { name: 'Warning' }).waitFor();
    await person.leave('live-number');
  });
});

function numberAt(index: number): `+${string}` {
  return `+1202${2_000_000 + index * 7}`;
}

/** A data folder of the demo with that many numbers more, half of them assigned. */
async function filledFolder(): Promise<string> {
  // In memory where the machine has such a folder: ten thousand durable writes one by one are long on a disk.
  const dataDir = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'callin-many-'));
  const first = await startGateway({ dataDir, startTimeoutMs: 2 * WAIT_MS });
  await first.kill();
  const sealingKey = Buffer.from(readFileSync(join(dataDir, 'secret-key'), 'utf8').trim(), 'base64');
  const directory = openDirectory(join(dataDir, 'directory.db'), { sealingKey });
  for (let index = 0; index < COUNT; index += 1) {
    const e164 = numberAt(index);
    if (!isE164(e164)) throw new Error(`${e164} is no number`);
    await directory.numbers.put({
      id: `num_journey${index}`,
      createdAt: 1_700_000_000_000 + index * 1_000,
      e164,
      workspaceId: 'demo',
      provider: 'managed',
      trunkId: 'loopback',
      agentId: index % 2 === 0 ? 'echo' : null,
      supportsInbound: true,
      supportsOutbound: true,
      status: 'active',
    });
  }
  await directory.close();
  return dataDir;
}
