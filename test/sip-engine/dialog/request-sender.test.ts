import { expect, test } from 'vitest';
import type { Dialog } from '../../../src/sip-engine/dialog/dialog.ts';
import type { Environment } from '../../../src/sip-engine/dialog/environment.ts';
import { LocalAddresses } from '../../../src/sip-engine/dialog/local-addresses.ts';
import { mayName, reachOf } from '../../../src/sip-engine/dialog/reach.ts';
import { RequestSender } from '../../../src/sip-engine/dialog/request-sender.ts';
import type { Flow } from '../../../src/sip-engine/transport/flow.ts';

const PEER = '8.8.8.8';
const INSIDE = { 'inside.example': '169.254.169.254', 'outside.example': '9.9.9.9' } as Record<string, string>;

/** Where the BYE of a dialog goes whose peer says `target`. */
async function sentTo(target: string, { from = PEER, protocol = 'tcp' as 'tcp' | 'udp' } = {}): Promise<string> {
  const flows: Flow[] = [];
  const environment = {
    locals: new LocalAddresses(
      (['udp', 'tcp'] as const).map((each) => ({ protocol: each, host: '203.0.113.1', port: 5060 })),
    ),
    statistics: { request: () => undefined },
    resolve: async (host: string) => INSIDE[host],
    transactions: { startRequest: (_branch: string, _method: string, flow: Flow) => void flows.push(flow) },
  } as unknown as Environment;
  const sender = new RequestSender(environment);
  const flow: Flow = { protocol, address: from, port: 5080 };
  const dialog = { flow, sendTo: undefined, nextHop: () => target } as unknown as Dialog;
  const destination = sender.destinationOf(dialog);
  if (destination === undefined) throw new Error('it goes nowhere');
  const request = { kind: 'request', method: 'BYE', uri: target, headers: [], body: Buffer.alloc(0) } as never;
  sender.start(request, 'z9hG4bK1', destination, { failed: () => undefined } as never);
  await Promise.resolve();
  await Promise.resolve();
  return flows.map(({ address, port }) => `${address}:${port}`).join();
}

test.each([
  'sip:127.0.0.1:6379;transport=tcp',
  'sip:169.254.169.254:80;transport=tcp',
  'sip:10.0.0.7:6379;transport=tcp',
  'sip:8.8.8.8:5080;maddr=127.0.0.1;transport=tcp',
  'sip:[::1]:6379;transport=tcp',
  'sip:[::ffff:127.0.0.1]:6379;transport=tcp',
  'sip:inside.example:80;transport=tcp',
])('R4 a peer on the Internet that names %s gets its requests where it is', async (target) => {
  expect(await sentTo(target)).toBe('8.8.8.8:5080');
});

test('R4 by UDP, too, where a Contact names the peer and, as maddr, somebody inside', async () => {
  expect(await sentTo('sip:8.8.8.8:5080;maddr=127.0.0.1', { protocol: 'udp' })).toBe('8.8.8.8:5080');
});

test.each([
  ['another public address', 'sip:9.9.9.9:5070;transport=tcp', PEER, '9.9.9.9:5070'],
  ['a name that leads to one', 'sip:outside.example:5070;transport=tcp', PEER, '9.9.9.9:5070'],
  ['a neighbour in its own network', 'sip:10.0.0.8:5070;transport=tcp', '10.0.0.7', '10.0.0.8:5070'],
  ['another port of this machine, being on it', 'sip:127.0.0.1:5070;transport=tcp', '127.0.0.1', '127.0.0.1:5070'],
])('a peer may name %s', async (_what, target, from, expected) => {
  expect(await sentTo(target, { from })).toBe(expected);
});

test('addresses by who can reach them', () => {
  for (const address of [
    '127.0.0.1',
    '0.0.0.0',
    '169.254.1.1',
    '::1',
    '::ffff:127.0.0.1',
    '64:ff9b::7f00:1',
    'fe80::1',
  ])
    expect([address, reachOf(address)]).toEqual([address, 0]);
  for (const address of ['10.1.2.3', '100.64.0.1', '172.31.0.1', '192.168.0.1', 'fd00::1'])
    expect([address, reachOf(address)]).toEqual([address, 1]);
  for (const address of ['8.8.8.8', '172.32.0.1', '2606:4700::1'])
    expect([address, reachOf(address)]).toEqual([address, 2]);
  expect(mayName('10.0.0.1', '127.0.0.1')).toBe(false);
});
