import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createPhone, type Phone } from '../../src/phone/phone.ts';
import { decode, strongestTone, tone } from '../../src/phone/tone.ts';
import { pdf, REQUIREMENTS } from '../numbers/requests/stage.ts';
import { type RunningGateway, startGateway } from '../support/gateway.ts';

// A number of the United Kingdom on the real gateway: asked for, with documents, paid, approved after a crash, called. What it costs stands in the books once.

interface Shown {
  readonly id: string;
  readonly status: string;
  readonly documents: readonly { readonly id: string; readonly bytes: number }[];
  readonly missing: { readonly fields: readonly string[]; readonly documents: readonly string[] };
}

const NUMBER = '+442079460001';
const HEARD_HZ = 850;
/** Four starts of a node, also on a busy machine. */
const START_MS = 60_000;
const KEY = { 'idempotency-key': 'pay-1' };

let gateway: RunningGateway;
const phones: Phone[] = [];

beforeAll(async () => {
  gateway = await startGateway({ startTimeoutMs: START_MS });
});
afterAll(async () => {
  await gateway?.stop();
  gateway?.discard();
});
afterEach(async () => {
  await Promise.all(phones.splice(0).map((phone) => phone.close()));
});

async function upload(id: string, kind: string, content: Buffer): Promise<Response> {
  const form = new FormData();
  form.set('kind', kind);
  form.set('file', new Blob([new Uint8Array(content)], { type: 'application/pdf' }), 'scan.pdf');
  return fetch(`http://127.0.0.1:${gateway.http.port}/v1/number-requests/${id}/documents`, {
    method: 'POST',
    headers: { authorization: `Bearer ${gateway.adminToken}` },
    body: form,
  });
}

const act = (id: string, name: string, body?: object, headers: Readonly<Record<string, string>> = {}) =>
  fetch(`http://127.0.0.1:${gateway.http.port}/v1/number-requests/${id}/${name}`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${gateway.adminToken}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });

async function crash(): Promise<void> {
  const { dataDir } = gateway;
  await gateway.kill();
  gateway = await startGateway({ dataDir, startTimeoutMs: START_MS });
}

test('is asked for, paid once, approved across crashes, and a phone that dials it talks to the agent', async () => {
  const asked = { workspaceId: 'demo', country: 'GB', type: 'local', requestType: 'new' };
  const { body: made } = await gateway.api<Shown>('POST', '/v1/number-requests', asked);
  const path = `/v1/number-requests/${made.id}`;
  for (const rule of REQUIREMENTS.get('GB', 'local', 'new')?.fields ?? [])
    expect((await gateway.api('PUT', `${path}/fields/${rule.name}`, { value: rule.example })).status).toBe(200);
  const scan = pdf('a scan', 4_900_000);
  expect((await upload(made.id, 'proof_of_address', scan)).status).toBe(201);

  // A process that is killed while a document comes in leaves none of it to be seen.
  const broken = upload(made.id, 'company_registration', scan).catch((error: unknown) => error);
  await crash();
  await broken;
  const after = (await gateway.api<Shown>('GET', path)).body;
  expect(after.documents.every((document) => document.bytes === scan.length)).toBe(true);
  for (const kind of after.missing.documents) expect((await upload(made.id, kind, pdf())).status).toBe(201);
  const [first] = after.documents;
  const download = await fetch(`http://127.0.0.1:${gateway.http.port}${path}/documents/${first?.id}`, {
    headers: { authorization: `Bearer ${gateway.adminToken}` },
  });
  expect(Buffer.from(await download.arrayBuffer()).equals(scan)).toBe(true);

  expect(((await (await act(made.id, 'submit')).json()) as Shown).status).toBe('awaiting_payment');
  const paying = Promise.allSettled([act(made.id, 'pay', undefined, KEY), act(made.id, 'pay', undefined, KEY)]);
  await crash();
  await paying;
  expect((await act(made.id, 'pay', undefined, KEY)).status).toBe(200);

  const approving = act(made.id, 'approve', { numbers: [NUMBER] }).catch((error: unknown) => error);
  await crash();
  await approving;
  expect((await act(made.id, 'approve', { numbers: [NUMBER] })).status).toBe(200);

  const { body: numbers } = await gateway.api<{ items: { id: string; e164: string }[] }>(
    'GET',
    '/v1/numbers?country=GB',
  );
  expect(numbers.items.map((item) => item.e164)).toEqual([NUMBER]);
  const { body: ledger } = await gateway.api<{ items: { amount: string }[] }>('GET', '/v1/ledger?meter=fee');
  expect(ledger.items.map((item) => item.amount)).toEqual(['-7.00']);

  await gateway.api('PATCH', `/v1/numbers/${numbers.items[0]?.id}`, { agentId: 'echo' });
  const phone = await createPhone({ seed: 12 });
  phones.push(phone);
  const call = await phone.call(`sip:${NUMBER}@127.0.0.1:${gateway.sip.udpPort}`, { from: '+12025550177' });
  await call.waitFor('answered');
  await call.sendAudio(tone({ frequencyHz: HEARD_HZ, durationMs: 1_000 }));
  const { frequencyHz } = strongestTone(decode(call.received.audio.subarray(-4_000)));
  await call.bye();
  expect(Math.abs(frequencyHz - HEARD_HZ)).toBeLessThan(20);

  const log = JSON.stringify(gateway.log);
  for (const text of ['Emily Carter', '01234567', 'a scan']) expect(log).not.toContain(text);
  await gateway.stop();
  expect(gateway.audit()).toMatchObject({ ok: true });
}, 300_000);
