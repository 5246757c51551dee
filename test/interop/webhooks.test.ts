import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createPhone, type Phone } from '../../src/phone/phone.ts';
import { startFakeAgent } from '../support/fake-agent.ts';
import { type RunningGateway, startGateway } from '../support/gateway.ts';
import { isSigned, type Received, type Receiver, startReceiver } from '../support/webhook-receiver.ts';

// Webhooks through the whole gateway: a real call, a real receiver, the bill that the API shows; also across kill -9.

const ECHO = '+12025550100';
const BYOC = '+12025550101';
const UNASSIGNED = '+12025550102';

let receiver: Receiver;
let phone: Phone;
let gateway: RunningGateway | undefined;
beforeEach(async () => {
  receiver = await startReceiver();
  phone = await createPhone({ seed: 23 });
});
afterEach(async () => {
  await phone.close();
  await gateway?.stop();
  await receiver.close();
});

interface ShownCall {
  readonly id: string;
  readonly endedAt: string;
  readonly bill: unknown;
}

async function start(dataDir?: string): Promise<RunningGateway> {
  gateway = await startGateway(dataDir === undefined ? {} : { dataDir });
  return gateway;
}

async function listen(
  node: RunningGateway,
  events: string | string[] = 'all',
): Promise<{ id: string; secret: string }> {
  const made = await node.api<{ id: string; secret: string }>('POST', '/v1/webhooks', {
    workspaceId: 'demo',
    url: receiver.url,
    events,
  });
  expect(made.status).toBe(201);
  return made.body;
}

async function dial(node: RunningGateway, number = ECHO) {
  const call = await phone.call(`sip:${number}@127.0.0.1:${node.sip.udpPort}`, { from: '+12025550177' });
  await call.waitFor('answered');
  return call;
}

const types = (received: readonly Received[]) => received.map(({ json }) => json.type as string);

describe('webhooks of a gateway', () => {
  test('tell of a call’s end and then of its bill, signed, with the amounts that the API shows', async () => {
    const node = await start();
    const { id, secret } = await listen(node);
    const call = await dial(node);
    await call.bye();
    const received = await receiver.waitFor(2, 10_000);
    expect(types(received)).toEqual(['call.ended', 'call.billed']);
    expect(received.every((each) => isSigned(each, secret))).toBe(true);
    expect(received.map(({ headers, json }) => headers['webhook-id'] === json.id)).toEqual([true, true]);

    const [ended, billed] = received.map(({ json }) => json);
    const shown = (await node.api<ShownCall>('GET', `/v1/calls/${ended.data.callId}`)).body;
    expect(ended).toMatchObject({
      id: `call.ended:${shown.id}`,
      workspaceId: 'demo',
      createdAt: shown.endedAt,
      data: { direction: 'inbound', from: '+12025550177', to: ECHO, class: 'managed', endReason: 'remote_hangup' },
    });
    expect(ended.data.quality.packetsSent).toBeGreaterThan(0);
    expect(billed).toMatchObject({ id: `call.billed:${shown.id}`, data: { callId: shown.id, revision: 1 } });
    expect(billed.data.bill).toEqual(shown.bill);
    expect(billed.data.bill).toMatchObject({
      final: true,
      currency: 'USD',
      telephony: { billedMs: 60_000, amount: '0.012' },
    });

    const statuses = async () => {
      const page = await node.api<{ items: { status: string }[] }>('GET', `/v1/webhooks/${id}/deliveries`);
      return page.body.items.map(({ status }) => status);
    };
    await expect.poll(statuses, { timeout: 5_000 }).toEqual(['delivered', 'delivered']);
    const metrics = await node.metrics();
    expect(metrics).toContain('callin_webhook_deliveries_total{event="call.ended",result="delivered"} 1');
    expect(metrics).toContain('callin_webhook_deliveries_total{event="call.billed",result="delivered"} 1');
    expect(await node.stop()).toBe(0);
    // Neither what was sent nor what it was signed with is in the log.
    const log = JSON.stringify(node.log);
    for (const secretText of [secret, 'call.billed', receiver.url]) expect(log).not.toContain(secretText);
  });

  test('tell what the carrier said of the caller, and why it hung up, as the API shows it and the agent was told', async () => {
    const node = await start();
    const { secret } = await listen(node, ['call.ended']);
    const agent = await startFakeAgent({ behaviour: { kind: 'listen' } });
    const stream = { url: agent.url, protocol: 'twilio' };
    const made = await node.api<{ id: string }>('POST', '/v1/agents', { workspaceId: 'demo', name: 'x', stream });
    expect(made.status).toBe(201);
    const number = '+12025550151';
    const managed = { workspaceId: 'demo', e164: number, provider: 'managed', trunkId: 'loopback' };
    await node.api('POST', '/v1/numbers', { ...managed, agentId: made.body.id });
    const call = await phone.call(`sip:${number}@127.0.0.1:${node.sip.udpPort}`, {
      from: '<sip:+12025550177;verstat=TN-Validation-Passed-A@127.0.0.1>',
    });
    await call.waitFor('answered');
    const streamed = await agent.nextCall();
    const { json } = await streamed.waitFor((message) => message.json?.event === 'start');
    expect(json.start.customParameters).toMatchObject({
      attestation: 'A',
      attestation_source: 'verstat',
      attestation_verdict: 'passed',
    });
    await call.bye([['Reason', 'Q.850;cause=16;text="Normal call clearing"']]);
    const [ended] = await receiver.waitFor(1, 10_000);
    if (ended === undefined) throw new Error('nothing came');
    expect(isSigned(ended, secret)).toBe(true);
    const { attestation, carrierReason } = ended.json.data;
    expect(attestation).toMatchObject({ level: 'A', source: 'verstat', carrierVerdict: 'passed', verified: false });
    expect(carrierReason).toEqual({ sip: null, q850: 16, text: 'Normal call clearing' });
    const shown = await node.api<ShownCall>('GET', `/v1/calls/${ended.json.data.callId}`);
    expect(shown.body).toMatchObject({ attestation, carrierReason });
    await agent.close();
  });

  test('tell of a refused call', async () => {
    const node = await start();
    await listen(node, ['call.ended']);
    const call = await phone.call(`sip:${UNASSIGNED}@127.0.0.1:${node.sip.udpPort}`, { from: '+12025550177' });
    await call.waitFor('ended');
    const [ended] = await receiver.waitFor(1, 10_000);
    expect(ended?.json.data).toMatchObject({ to: UNASSIGNED, endReason: 'number_unassigned', answeredAt: null });
    expect(ended?.json.data).toMatchObject({ attestation: null, carrierReason: null });
  });

  test('tell of money that runs low and out, before the end of the call that it cut off, and of calls refused then', async () => {
    const node = await start();
    const agent = await startFakeAgent({ behaviour: { kind: 'listen' } });
    const create = async (path: string, body: object): Promise<string> => {
      const made = await node.api<{ id: string }>('POST', path, body);
      expect(made.status).toBe(201);
      return made.body.id;
    };
    const workspaceId = await create('/v1/workspaces', { name: 'Short of money' });
    const stream = { url: agent.url, protocol: 'twilio' };
    const agentId = await create('/v1/agents', { workspaceId, name: 'x', stream });
    const number = '+12025550150';
    await create('/v1/numbers', { workspaceId, e164: number, provider: 'managed', trunkId: 'loopback', agentId });
    // The first minute of telephony, and ten seconds of compute with a little beyond.
    await create(`/v1/workspaces/${workspaceId}/topups`, { amount: '0.0222' });
    await create('/v1/webhooks', { workspaceId, url: receiver.url });

    const call = await dial(node, number);
    await call.waitFor('ended', 20_000);
    const refused = await phone.call(`sip:${number}@127.0.0.1:${node.sip.udpPort}`, { from: '+12025550178' });
    await refused.waitFor('ended');
    const received = (await receiver.waitFor(6, 10_000)).map(({ json }) => json);
    const of = (from: string) => {
      const ended = received.find(({ type, data }) => type === 'call.ended' && data.from === from);
      return received.filter(({ data }) => data.callId === ended.data.callId);
    };
    const [low, exhausted, ended, billed] = of('+12025550177');
    expect(low).toMatchObject({ type: 'balance.low', id: `balance.low:${ended.data.callId}:1` });
    expect(low.data.remainingMs).toBeLessThanOrEqual(10_200);
    expect(low.data.balance).toBe('0.0222');
    expect(exhausted).toMatchObject({
      id: `balance.exhausted:${ended.data.callId}`,
      data: { reason: 'balance_exhausted', balance: '0.00', reserved: '0.00' },
    });
    expect(ended.data.endReason).toBe('balance_exhausted');
    expect(billed.data.bill.total).toBe('0.0222');
    const [shut, over] = of('+12025550178');
    expect(shut.id).toMatch(new RegExp(`^balance\\.exhausted:${workspaceId}:\\d+$`));
    expect(shut.data).toMatchObject({ reason: 'insufficient_balance', balance: '0.00' });
    expect(over.data).toMatchObject({ endReason: 'insufficient_balance', sipStatus: 402 });
    await agent.close();
  }, 40_000);

  test.each([0, 15, 40, 90])(
    'tell of every call that has a bill, whenever the gateway is killed: %i ms after ten hang up',
    async (killAfterMs) => {
      const first = await start();
      await listen(first, ['call.ended', 'call.billed']);
      const calls = await Promise.all(Array.from({ length: 10 }, () => dial(first)));
      for (const call of calls) call.bye().catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, killAfterMs));
      await first.kill();
      const next = await start(first.dataDir);
      const page = await next.api<{ items: ShownCall[] }>('GET', '/v1/calls');
      expect(page.body.items).toHaveLength(10);
      for (const shown of page.body.items) {
        const own = () => receiver.received.filter(({ json }) => json.data.callId === shown.id).map(({ json }) => json);
        await expect.poll(() => new Set(own().map(({ type }) => type)).size, { timeout: 10_000 }).toBe(2);
        // At least once, in order, and each time with the bill that stands.
        expect(own().findIndex(({ type }) => type === 'call.ended')).toBe(0);
        for (const { type, data } of own()) if (type === 'call.billed') expect(data.bill).toEqual(shown.bill);
      }
      await next.stop();
      first.discard();
    },
    40_000,
  );

  test('tell once of calls that a crash cut off, after the restart, and of those that had ended before it', async () => {
    const first = await start();
    const { id, secret } = await listen(first);
    receiver.otherwise = { status: 503 };
    const over = await dial(first, BYOC);
    await over.bye();
    const before = await receiver.waitFor(1, 10_000);
    await dial(first);
    // Time for a heartbeat: without one the call is billed to its answer.
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    await first.kill();
    receiver.otherwise = { status: 204 };
    const tries = receiver.received.length;
    expect(new Set(before.map(({ json }) => json.type))).toEqual(new Set(['call.ended']));

    const next = await start(first.dataDir);
    // What failed before waits for its next attempt; by hand it goes at once.
    const path = `/v1/webhooks/${id}/deliveries`;
    const waiting = await next.api<{ items: { id: string }[] }>('GET', `${path}?status=pending`);
    for (const delivery of waiting.body.items) await next.api('POST', `${path}/${delivery.id}/retry`);
    const received = (await receiver.waitFor(tries + 4, 15_000)).slice(tries);
    expect(received.every((each) => isSigned(each, secret))).toBe(true);
    const calls = (await next.api<{ items: (ShownCall & { to: string; endReason: string })[] }>('GET', '/v1/calls'))
      .body.items;
    for (const [number, reason] of [
      [BYOC, 'remote_hangup'],
      [ECHO, 'node_crash'],
    ]) {
      const shown = calls.find((each) => each.to === number);
      const own = received.filter(({ json }) => json.data.callId === shown?.id).map(({ json }) => json);
      expect(own.map(({ id }) => id)).toEqual([`call.ended:${shown?.id}`, `call.billed:${shown?.id}`]);
      expect(own[0].data.endReason).toBe(reason);
      expect(own[1].data.bill).toEqual(shown?.bill);
    }
    expect(next.audit()).toMatchObject({ ok: true });
    await next.kill();

    // Nothing is told again by a third process.
    const third = await start(first.dataDir);
    await third.waitForLog(({ msg }) => msg === 'ready');
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(receiver.received).toHaveLength(tries + 4);
    await third.stop();
    first.discard();
  });
});
