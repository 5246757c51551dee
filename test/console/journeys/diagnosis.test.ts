import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import type { Locator } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findChromium } from '../../support/chromium.ts';
import { JOURNEY_MS, openStage, type Person, type Stage } from '../support/stage.ts';

// "I can't make calls": three set-ups that are broken in different ways, and what the page tells people to do, in the words of the manual.

const chromium = findChromium();
/** Section "Troubleshooting" of the manual, word for word. */
const MANUAL = {
  assigned: 'Make sure the number is assigned to an agent',
  trunk: 'If using BYOC, confirm your SIP trunk settings are correct (SBC/FQDN, transport, credentials)',
};
/** docs/agents.md, "When your side fails". */
const AGENT = 'Start your agent, and check host and port of its address.';

describe.skipIf(!chromium.ok)('diagnosis (needs: chromium)', { timeout: JOURNEY_MS }, () => {
  let stage: Stage;
  let closedPort = 0;
  beforeAll(async () => {
    if (!chromium.ok) return;
    stage = await openStage(chromium.path);
    closedPort = await unusedPort();
  }, JOURNEY_MS);
  afterAll(() => stage?.close());

  const stepOf = (person: Person, title: string): Locator =>
    person.page.getByRole('listitem').filter({ has: person.page.getByText(title, { exact: true }) });
  async function make<T>(path: string, body: object): Promise<T> {
    const answer = await stage.gateway.api<T>('POST', path, body);
    expect(answer.status).toBe(201);
    return answer.body;
  }

  test('a number without an agent: asked for by its digits, mended, asked again', async () => {
    const person = await stage.person();
    const { page } = person;
    await person.go('Diagnosis');
    await page.getByRole('radio', { name: /^A number/ }).check();
    await page.getByLabel('Number', { exact: true }).fill('+12025550102');
    await person.press('Run diagnosis');
    const step = stepOf(person, 'Number assigned: +12025550102');
    await person.reads(step, /^Failed/);
    await person.sees('It is not assigned to any agent.', step);
    await person.sees(`${MANUAL.assigned}.`, step);
    await person.sees('Something is wrong');

    await person.go('Numbers');
    await page.getByLabel('Agent of +12025550102').selectOption({ label: 'Echo' });
    await person.sees(/is answered by Echo/);
    await page.getByRole('button', { name: 'Actions for +12025550102' }).click();
    await page.getByRole('menuitem', { name: 'Diagnose' }).click();
    await person.reads(stepOf(person, 'Number assigned: +12025550102'), /^Done/);
    await person.leave('diagnosis-number');
  });

  test('a trunk with the wrong port: reached from the trunk’s own page', async () => {
    const outbound = { enabled: true, gateways: [{ host: '127.0.0.1', port: closedPort }], allowedCountries: ['US'] };
    const inbound = { enabled: true, addresses: ['203.0.113.10'] };
    const trunk = await make<{ id: string }>('/v1/trunks', {
      workspaceId: 'demo',
      label: 'Wrong port',
      inbound,
      outbound,
    });
    const person = await stage.person();
    await person.visit(`/w/demo/byoc/${trunk.id}`);
    await person.press('Diagnose');
    const wrong = person.page.getByRole('listitem').filter({ hasText: `127.0.0.1:${closedPort}` });
    await person.reads(wrong.filter({ hasText: /^Failed/ }).first(), new RegExp(quoted(MANUAL.trunk)));
    await person.sees('Something is wrong');
    await person.leave('diagnosis-trunk');
  });

  test('an agent that is not there', async () => {
    const stream = { url: `ws://127.0.0.1:${closedPort}/media`, protocol: 'twilio' };
    const agent = await make<{ id: string }>('/v1/agents', { workspaceId: 'demo', name: 'Away', stream });
    const { status } = await stage.gateway.api('PATCH', '/v1/numbers/demo-0103', { agentId: agent.id });
    expect(status).toBe(200);
    const person = await stage.person();
    await person.visit('/w/demo/diagnosis?number=%2B12025550103');
    const step = stepOf(person, 'Agent reachable: Away');
    await person.reads(step, /^Failed/);
    await person.sees(/Its WebSocket could not be opened: agent_refused/, step);
    await person.sees(AGENT, step);
    await person.leave('diagnosis-agent');
  });
});

function quoted(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\/]/g, '\\$&');
}

/** Nobody listens there. */
async function unusedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
