import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createPhone, type Phone } from '../../src/phone/phone.ts';
import { decode, strongestTone, tone } from '../../src/phone/tone.ts';
import { type RunningGateway, startGateway } from '../support/gateway.ts';

// What `npm start` promises: a fictional number is found, bought, assigned, and a phone that dials it talks to the agent; also after a restart.

interface Offer {
  readonly e164: string;
  readonly monthlyFee: string;
}
interface Order {
  readonly id: string;
  readonly state: string;
  readonly numbers: readonly { readonly numberId: string; readonly state: string }[];
}

const HEARD_HZ = 850;

let gateway: RunningGateway;
const phones: Phone[] = [];

beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(async () => void (await gateway?.stop()));
afterEach(async () => {
  await Promise.all(phones.splice(0).map((phone) => phone.close()));
});

async function search(query: string): Promise<readonly Offer[]> {
  const { status, body } = await gateway.api<{ items: Offer[] }>(
    'GET',
    `/v1/available-numbers?workspaceId=demo&${query}`,
  );
  expect(status).toBe(200);
  return body.items;
}

async function buy(numbers: readonly string[]): Promise<Order> {
  const wanted = { workspaceId: 'demo', numbers, agentId: 'echo' };
  const { status, body } = await gateway.api<Order>('POST', '/v1/number-orders', wanted);
  expect([status, body.state]).toEqual([201, 'completed']);
  return body;
}

/** Hz that the agent sends back of what it heard. */
async function heardFrom(number: string): Promise<number> {
  const phone = await createPhone({ seed: 11 });
  phones.push(phone);
  const call = await phone.call(`sip:${number}@127.0.0.1:${gateway.sip.udpPort}`, { from: '+12025550177' });
  await call.waitFor('answered');
  await call.sendAudio(tone({ frequencyHz: HEARD_HZ, durationMs: 1_000 }));
  const { frequencyHz } = strongestTone(decode(call.received.audio.subarray(-4_000)));
  await call.bye();
  return frequencyHz;
}

test('a local and a toll-free number are bought, charged, called, and reach the agent', async () => {
  const [local] = await search('country=US&type=local&areaCode=415&limit=3');
  const [tollFree] = await search('country=US&type=tollfree&limit=3');
  if (local === undefined || tollFree === undefined) throw new Error('nothing is for sale');
  expect([local.e164, tollFree.e164].every((e164) => /^\+1\d{3}5550(1\d\d)$/.test(e164))).toBe(true);
  const order = await buy([local.e164, tollFree.e164]);
  const { body: ledger } = await gateway.api<{ items: { amount: string }[] }>(
    'GET',
    '/v1/ledger?workspaceId=demo&meter=fee',
  );
  expect(ledger.items.map(({ amount }) => amount).toSorted()).toEqual(['-1.00', '-2.00']);
  for (const { numberId } of order.numbers) {
    const { body } = await gateway.api('GET', `/v1/numbers/${numberId}`);
    expect(body).toMatchObject({
      provider: 'managed',
      trunkId: 'loopback',
      agentId: 'echo',
      status: 'active',
      warnings: [],
    });
  }
  expect(await heardFrom(local.e164)).toBe(HEARD_HZ);
  expect(await heardFrom(tollFree.e164)).toBe(HEARD_HZ);
  await expect
    .poll(
      async () =>
        (await gateway.api<{ items: { to: string; class: string }[] }>('GET', '/v1/calls?limit=5')).body.items,
    )
    .toEqual(expect.arrayContaining([expect.objectContaining({ to: local.e164, class: 'managed' })]));
  expect(gateway.audit()).toMatchObject({ ok: true });
});

test('it is the workspace’s after a restart, and not for sale again', async () => {
  const [offer] = await search('country=CA&areaCode=604&limit=1');
  if (offer === undefined) throw new Error('nothing is for sale');
  await buy([offer.e164]);
  const { dataDir } = gateway;
  await gateway.kill();
  const again = await startGateway({ dataDir });
  gateway = again;
  expect((await search('country=CA&areaCode=604&limit=50')).map(({ e164 }) => e164)).not.toContain(offer.e164);
  expect(await heardFrom(offer.e164)).toBe(HEARD_HZ);
});

test('another agent has the next call, none refuses it', async () => {
  const [offer] = await search('country=US&areaCode=206&limit=1');
  if (offer === undefined) throw new Error('nothing is for sale');
  const order = await buy([offer.e164]);
  const assign = (agentId: string | null) =>
    gateway.api('PATCH', `/v1/numbers/${order.numbers[0]?.numberId}`, { agentId });
  expect(await heardFrom(offer.e164)).toBe(HEARD_HZ);
  await assign('speaker');
  expect(await heardFrom(offer.e164)).not.toBe(HEARD_HZ);
  await assign(null);
  const phone = await createPhone({ seed: 11 });
  phones.push(phone);
  const call = await phone.call(`sip:${offer.e164}@127.0.0.1:${gateway.sip.udpPort}`, { from: '+12025550177' });
  await call.waitFor('ended');
  expect(call.final?.status).toBe(480);
});
