import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import { limitConnections } from '../../src/http/connections.ts';

class FakeSocket extends EventEmitter {
  readonly remoteAddress: string;
  destroyed = false;
  constructor(remoteAddress: string) {
    super();
    this.remoteAddress = remoteAddress;
  }
  destroy(): void {
    this.destroyed = true;
    this.emit('close');
  }
}

function open(perAddressMax: number, proxies: readonly string[] = []) {
  const server = new EventEmitter();
  limitConnections(server as never, perAddressMax, proxies);
  return (address: string): FakeSocket => {
    const socket = new FakeSocket(address);
    server.emit('connection', socket);
    return socket;
  };
}

test('one address holds so many connections, another one its own', () => {
  const connect = open(2);
  const first = connect('192.0.2.1');
  expect(
    [connect('192.0.2.1'), connect('::ffff:192.0.2.1'), connect('192.0.2.2')].map((each) => each.destroyed),
  ).toEqual([false, true, false]);
  first.destroy();
  expect(connect('192.0.2.1').destroyed).toBe(false);
});

test('a network of IPv6 is one address', () => {
  const connect = open(1);
  expect([connect('2001:db8:1:2::1').destroyed, connect('2001:db8:1:2:ffff::9').destroyed]).toEqual([false, true]);
});

test('proxies that are named, and this machine, connect for everybody', () => {
  const connect = open(1, ['10.0.0.0/24']);
  for (const address of ['127.0.0.1', '::1', '::ffff:127.0.0.1', '10.0.0.7'])
    expect([connect(address).destroyed, connect(address).destroyed]).toEqual([false, false]);
});
