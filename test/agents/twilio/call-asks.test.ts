import { afterEach, describe, expect, test } from 'vitest';
import { createAgentStreamFactory } from '../../../src/agents/dialects.ts';
import { startFakeAgent } from '../../support/fake-agent.ts';
import { dialTo, RecordingHost } from '../recording-host.ts';

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

async function talk(extensionEvents: boolean) {
  const agent = await startFakeAgent();
  open.push(() => agent.close());
  const host = new RecordingHost();
  const stream = createAgentStreamFactory()(dialTo(agent.url, { extensionEvents }), host);
  open.push(() => stream.close());
  await host.readyPromise;
  const call = await agent.nextCall();
  stream.start();
  await call.waitForCount(2);
  return { call, stream, host };
}
const asksOf = ({ events }: RecordingHost) => events.filter((event) => event.startsWith('ask '));

describe('media 13: what an agent may ask for', () => {
  test('a transfer and the end of the call, with headers', async () => {
    const { call, host } = await talk(true);
    call.send({ event: 'callin.transfer', callin: { transfer: { to: '+12025550155', headers: { 'X-A': '1' } } } });
    call.send({ event: 'callin.hangup' });
    call.send({ event: 'callin.hangup', callin: { hangup: { headers: { 'X-B': '2' } } } });
    await expect
      .poll(() => asksOf(host))
      .toEqual([
        'ask {"type":"transfer","to":"+12025550155","headers":{"X-A":"1"}}',
        'ask {"type":"hangup","headers":{}}',
        'ask {"type":"hangup","headers":{"X-B":"2"}}',
      ]);
  });

  test('what cannot be used is counted and asks for nothing', async () => {
    const { call, host } = await talk(true);
    const unusable = [
      { event: 'callin.transfer' },
      { event: 'callin.transfer', callin: { transfer: {} } },
      { event: 'callin.transfer', callin: { transfer: { to: 5 } } },
      { event: 'callin.transfer', callin: { transfer: { to: 'x'.repeat(321) } } },
      { event: 'callin.transfer', callin: { transfer: { to: '+12025550155', headers: { 'X-A': 'x'.repeat(9000) } } } },
    ];
    for (const message of unusable) call.send(message);
    await expect.poll(() => host.malformedCount).toBe(unusable.length);
    expect(asksOf(host)).toEqual([]);
  });

  test('an agent that does not know our events has none', async () => {
    const { call, host } = await talk(false);
    call.send({ event: 'callin.transfer', callin: { transfer: { to: '+12025550155' } } });
    call.send({ event: 'callin.hangup' });
    await expect.poll(() => host.malformedCount).toBe(2);
    expect(asksOf(host)).toEqual([]);
  });

  test('is told what becomes of a transfer', async () => {
    const { call, stream } = await talk(true);
    stream.notify({ type: 'transfer', state: 'failed', status: 486 });
    stream.notify({ type: 'transfer', state: 'refused', status: null, code: 'destination_not_allowed' });
    await call.waitForCount(4);
    expect(call.messages.slice(2).map(({ json }) => [json.event, json.callin])).toEqual([
      ['callin.transfer', { transfer: { state: 'failed', status: 486 } }],
      ['callin.transfer', { transfer: { state: 'refused', status: null, code: 'destination_not_allowed' } }],
    ]);
  });
});
