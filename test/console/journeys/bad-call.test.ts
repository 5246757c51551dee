import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createPhone, type Phone } from '../../../src/phone/phone.ts';
import { findChromium } from '../../support/chromium.ts';
import { RawSipPeer, responseText } from '../../support/raw-sip-peer.ts';
import { JOURNEY_MS, openStage, type Stage, WAIT_MS } from '../support/stage.ts';

// A call that went wrong, looked at by whoever is woken for it: why, in whose words, what was tried, and where to look.

const chromium = findChromium();
const ECHO = '+12025550100';
const UNASSIGNED = '+12025550102';
const CALLER_ID = '+12025550170';

interface Call {
  readonly id: string;
  readonly from: string;
  readonly endReason: string | null;
}

describe.skipIf(!chromium.ok)('a call that went wrong (needs: chromium)', { timeout: JOURNEY_MS }, () => {
  let stage: Stage;
  let phone: Phone;
  let down: RawSipPeer;
  let busy: RawSipPeer;
  beforeAll(async () => {
    if (!chromium.ok) return;
    stage = await openStage(chromium.path);
    phone = await createPhone({ seed: 9 });
    down = await carrier(503, 'Q.850;cause=38;text="Network out of order"');
    busy = await carrier(404, 'Q.850;cause=1;text="Unallocated number"');
  }, JOURNEY_MS);
  afterAll(async () => {
    await phone?.close();
    await down?.close();
    await busy?.close();
    await stage?.close();
  });

  /** Refuses every call in its own words. */
  async function carrier(status: number, reason: string): Promise<RawSipPeer> {
    const peer = await RawSipPeer.udp();
    const port = stage.gateway.sip.udpPort;
    const serve = async (): Promise<void> => {
      for (;;) {
        const wanted = ({ method }: { method: string | undefined }) => method === 'INVITE' || method === 'OPTIONS';
        const request = await peer.next(wanted, JOURNEY_MS).catch(() => null);
        if (request === null) return;
        const answer = responseText(peer, request, request.method === 'OPTIONS' ? 200 : status);
        peer.send(answer.replace('\r\n\r\n', `\r\nReason: ${reason}\r\n\r\n`), port);
      }
    };
    void serve();
    return peer;
  }

  async function endedFrom(from: string): Promise<Call> {
    const find = async () => {
      const { body } = await stage.gateway.api<{ items: Call[] }>('GET', '/v1/calls?workspaceId=demo');
      return body.items.find((call) => call.from === from && call.endReason !== null);
    };
    await expect.poll(find, { timeout: WAIT_MS }).toBeDefined();
    return (await find()) as Call;
  }

  test('outbound: each server that was tried, what the carrier said, and a way on', async () => {
    const create = async (path: string, body: object): Promise<string> => {
      const made = await stage.gateway.api<{ id: string }>('POST', path, { workspaceId: 'demo', ...body });
      expect(made.status).toBe(201);
      return made.body.id;
    };
    const gateways = [down, busy].map(({ port }, index) => ({ host: '127.0.0.1', port, priority: index + 1 }));
    const outbound = { enabled: true, gateways, allowedCountries: ['US'] };
    const trunkId = await create('/v1/trunks?check=none', { label: 'HQ', outbound });
    await create('/v1/numbers', { e164: CALLER_ID, provider: 'byoc', trunkId, agentId: 'echo' });
    await create('/v1/calls', { from: CALLER_ID, to: '+12025550155', agentId: 'echo' });
    const { id } = await endedFrom(CALLER_ID);

    const person = await stage.person();
    const { page } = person;
    await person.visit(`/w/demo/calls/${id}`);
    await person.sees('Refused by the called party', person.alert);
    await person.sees(/^The carrier answered 404 /, person.alert);
    await person.sees('The carrier’s reason: Q.850 1: no such number, “Unallocated number”.', person.alert);
    const timeline = page.getByRole('region', { name: 'Timeline' });
    await person.sees(`to udp 127.0.0.1:${down.port}, trunk HQ`, timeline);
    await person.sees('Q.850 38: network out of order', timeline);
    await person.sees('answered 503, attempt 2 of 2', timeline);
    const ladder = page.getByRole('region', { name: 'SIP ladder' }).first();
    for (const { port } of [down, busy]) {
      await ladder.getByRole('button', { name: `Read INVITE 127.0.0.1:${port}` }).waitFor();
    }
    // Nothing flowed: figures of it would be noise.
    expect(await page.getByRole('heading', { name: 'Audio quality' }).count()).toBe(0);
    await person.press('Diagnose');
    await page.getByRole('heading', { level: 1, name: 'Diagnosis' }).waitFor();
    expect(new URL(page.url()).searchParams.get('number')).toBe(CALLER_ID);
    await person.leave('bad-call-out');
  });

  test('inbound: what the carrier says of the caller, and what it gave as its reason', async () => {
    const from = '<sip:+12025550191;verstat=TN-Validation-Passed-A@127.0.0.1>';
    const call = await phone.call(`sip:${ECHO}@127.0.0.1:${stage.gateway.sip.udpPort}`, { from });
    await call.waitFor('answered');
    await call.bye([['Reason', 'Q.850;cause=41;text="Temporary failure"']]);
    const { id } = await endedFrom('+12025550191');
    const person = await stage.person();
    await person.visit(`/w/demo/calls/${id}`);
    const details = person.page.getByRole('region', { name: 'Details' });
    await person.sees('A: the caller may use this number', details);
    await person.sees('Signature good, says the carrier', details);
    await person.sees('Q.850 41: temporary failure', details);
    // It was hung up, as calls are: nothing to be alarmed about.
    expect(await person.alert.count()).toBe(0);
    await person.leave('bad-call-in');
  });

  test('refused here: what to do about it stands on top', async () => {
    const call = await phone.call(`sip:${UNASSIGNED}@127.0.0.1:${stage.gateway.sip.udpPort}`, { from: '+12025550192' });
    await call.waitFor('ended');
    const { id } = await endedFrom('+12025550192');
    const person = await stage.person();
    await person.visit(`/w/demo/calls/${id}`);
    await person.sees('Assign an agent to the number.', person.alert);
    await person.sees('The carrier says nothing', person.page.getByRole('region', { name: 'Details' }));
    await person.leave('bad-call-refused');
  });
});
