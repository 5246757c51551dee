import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createPhone } from '../../../src/phone/phone.ts';
import { tone } from '../../../src/phone/tone.ts';
import { findChromium } from '../../support/chromium.ts';
import { RawSipPeer, responseText } from '../../support/raw-sip-peer.ts';
import { JOURNEY_MS, openStage, type Person, type Stage, WAIT_MS } from '../support/stage.ts';

// A carrier of one's own, by SIP: a wrong host name is said at saving, the right one is seen to answer, our address is copied, and a call comes in.

const chromium = findChromium();
const NUMBER = '+12025550180';
/** Apart from the demo's trunks, which take calls of all of 127.0.0.0/8. */
const CARRIER_ADDRESS = '127.0.0.5';

interface Trunk {
  readonly id: string;
  readonly label: string;
  readonly outbound: { readonly gateways: readonly { readonly host: string; readonly port: number }[] };
}
interface Call {
  readonly to: string;
  readonly class: string;
  readonly bill: { readonly final: boolean; readonly telephony: { readonly amount: string } } | null;
}

describe.skipIf(!chromium.ok)('a carrier of one’s own (needs: chromium)', { timeout: JOURNEY_MS }, () => {
  let stage: Stage;
  let carrier: RawSipPeer;
  beforeAll(async () => {
    if (!chromium.ok) return;
    stage = await openStage(chromium.path);
    carrier = await answeringCarrier(stage.gateway.sip.udpPort);
  }, JOURNEY_MS);
  afterAll(async () => {
    await carrier?.close();
    await stage?.close();
  });

  const get = async <T>(path: string): Promise<T> => (await stage.gateway.api<T>('GET', path)).body;
  const trunkOf = async (label: string): Promise<Trunk | undefined> =>
    (await get<{ items: Trunk[] }>('/v1/trunks?workspaceId=demo')).items.find((trunk) => trunk.label === label);

  test('wrong host, said at saving; right host, answered; address copied; number assigned and called', async () => {
    const person = await stage.person();
    const { page } = person;
    await person.context.grantPermissions(['clipboard-read', 'clipboard-write']);
    await person.go('BYOC');
    await page.getByRole('tab', { name: 'Other SIP provider' }).click();
    await person.press('Add SIP trunk');
    await page.getByLabel('Label').fill('HQ SIP Trunk');
    await page.getByLabel('Phone numbers').fill(NUMBER);
    await page.getByLabel('Your carrier’s addresses').fill(CARRIER_ADDRESS);
    await page.getByLabel('Host 1', { exact: true }).fill('sip.carrier.invalid');
    await person.press('Save trunk');
    await page.getByRole('heading', { level: 1, name: 'HQ SIP Trunk' }).waitFor();
    const checks = page.getByRole('region', { name: 'Checks' });
    await person.reads(checks.getByRole('status'), '1 failed');
    const step = checks.getByRole('listitem').filter({ hasText: 'Host name of the carrier: sip.carrier.invalid' });
    await person.reads(
      step,
      /If using BYOC, confirm your SIP trunk settings are correct \(SBC\/FQDN, transport, credentials\)/,
    );
    expect((await trunkOf('HQ SIP Trunk'))?.outbound.gateways).toMatchObject([{ host: 'sip.carrier.invalid' }]);

    await page.getByLabel('Host 1', { exact: true }).fill('127.0.0.1');
    await page.getByLabel('Port of host 1').fill(String(carrier.port));
    await person.press('Save changes');
    await person.sees('Saved. Calls to come use it; live ones go on as they are.');
    const answered = checks.getByRole('listitem').filter({ hasText: 'Answer to OPTIONS' });
    await person.reads(answered, /^Done[\s\S]*OPTIONS was answered 200/);
    await expect.poll(() => checks.getByText('failed').count(), { timeout: WAIT_MS }).toBe(0);

    await person.press('Copy our address for UDP');
    await page.getByRole('button', { name: 'Copied' }).waitFor();
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    expect(copied).toBe(`127.0.0.1:${stage.gateway.sip.udpPort}`);
    await calls(person, copied);
    await person.leave('own-carrier');
    expect(stage.gateway.audit()).toMatchObject({ ok: true });
  });

  /** To the address as it was copied, from the carrier's address. */
  async function calls(person: Person, address: string): Promise<void> {
    const { page } = person;
    await person.go('Numbers');
    await page.getByLabel(`Agent of ${NUMBER}`).selectOption({ label: 'Echo' });
    await person.sees(/is answered by Echo/);
    const phone = await createPhone({ seed: 5, host: CARRIER_ADDRESS });
    try {
      const call = await phone.call(`sip:${NUMBER}@${address}`, { from: '+12025550199' });
      await call.waitFor('answered', WAIT_MS);
      await call.sendAudio(tone({ frequencyHz: 440, durationMs: 400 }));
      await call.bye();
    } finally {
      await phone.close();
    }
    const newest = async () => (await get<{ items: Call[] }>('/v1/calls?workspaceId=demo&limit=1')).items[0];
    await expect.poll(async () => (await newest())?.bill?.final, { timeout: WAIT_MS }).toBe(true);
    expect(await newest()).toMatchObject({ to: NUMBER, class: 'byoc', bill: { telephony: { amount: '0.00' } } });
    await person.go('Calls');
    await person.click(page.getByRole('row').filter({ hasText: '+1 202 555 0180' }).getByRole('link'));
    await person.sees(/No telephony charge/, page.getByRole('region', { name: 'Bill' }));
  }
});

/** Says 200 to OPTIONS, and is otherwise silent. */
async function answeringCarrier(gatewayPort: number): Promise<RawSipPeer> {
  const peer = await RawSipPeer.udp();
  const serve = async (): Promise<void> => {
    for (;;) {
      const request = await peer.next('OPTIONS', JOURNEY_MS).catch(() => null);
      if (request === null) return;
      peer.send(responseText(peer, request, 200), gatewayPort);
    }
  };
  void serve();
  return peer;
}
