import { afterEach, expect, test } from 'vitest';
import { createPhone, type Phone } from '../../src/phone/phone.ts';
import { openWatcher, type Watcher } from '../support/event-watcher.ts';
import { type RunningGateway, startGateway } from '../support/gateway.ts';

// What watchers of a real gateway see of a real call, and of the node's end.

let gateway: RunningGateway | undefined;
let phone: Phone | undefined;
let watcher: Watcher | undefined;
afterEach(async () => {
  watcher?.leave();
  await phone?.close();
  await gateway?.stop();
});

test('a call from ringing to its bill, its figures, the balance; and the end when the node drains', {
  timeout: 40_000,
}, async () => {
  gateway = await startGateway();
  const url = `http://127.0.0.1:${gateway.http.port}/v1/events?workspaceId=demo`;
  const headers = { authorization: `Bearer ${gateway.adminToken}` };
  watcher = await openWatcher(url, headers);
  const all = await openWatcher(`http://127.0.0.1:${gateway.http.port}/v1/events`, headers);
  phone = await createPhone({ seed: 2 });
  const call = await phone.call(`sip:+12025550100@127.0.0.1:${gateway.sip.udpPort}`, { from: '+12025550177' });
  await call.waitFor('answered');
  await watcher.until(({ names }) => names.includes('call_figures') && names.includes('balance'));
  await call.bye();
  const bills = (seen: Watcher) => seen.seen.filter(({ name, data }) => name === 'call' && data.bill?.final === true);
  await watcher.until((now) => bills(now).length > 0);

  const calls = watcher.seen.filter(({ name }) => name === 'call').map(({ data }) => data);
  expect(new Set(calls.map(({ id }) => id)).size).toBe(1);
  expect([...new Set(calls.map(({ state }) => state))]).toEqual(
    ['ringing', 'answered', 'ended'].slice(calls[0].state === 'ringing' ? 0 : 1),
  );
  expect(calls.at(-1)).toMatchObject({ state: 'ended', endReason: 'remote_hangup', workspaceId: 'demo' });
  const figures = watcher.seen.find(({ name }) => name === 'call_figures');
  expect(figures?.data.calls[0]).toMatchObject({ id: calls[0].id, total: expect.stringMatching(/^0\.\d+$/) });
  expect(figures?.id).toBeUndefined();
  await watcher.until(({ seen }) => seen.some(({ name, data }) => name === 'balance' && data.balance !== '10.00'));

  const number = await gateway.api('PATCH', '/v1/numbers/demo-0102', { agentId: 'echo' });
  expect(number.status).toBe(200);
  await watcher.until(({ seen }) => seen.some(({ name, data }) => name === 'number' && data.agentId === 'echo'));

  const stopped = gateway.stop();
  for (const each of [watcher, all]) await each.until(({ ended }) => ended);
  expect(all.seen.at(-1)).toMatchObject({ name: 'node', data: { state: 'draining' } });
  expect(await stopped).toBe(0);
});
