import { expect, test } from 'vitest';
import { type GatewayState, gatewayUri, orderGateways, usableGateways } from '../../src/routing/gateways.ts';
import { createRandom } from '../../src/phone/random.ts';
import { parseSipUri } from '../../src/signalling/sip-text.ts';
import { e164, trunk } from './records.ts';

const CALLED = e164('+12025550160');
const gateway = (host: string, priority: number, weight: number) => ({ host, port: 5060, priority, weight });
const hosts = (list: readonly { host: string }[]) => list.map(({ host }) => host);

test('lower priorities come first, whatever the weights', () => {
  const gateways = [gateway('c', 20, 100), gateway('a', 5, 1), gateway('b', 10, 50)];
  expect(hosts(orderGateways(gateways, () => 0.999))).toEqual(['a', 'b', 'c']);
});

test('among equals the weight decides how often a gateway is first', () => {
  const random = createRandom(99);
  const gateways = [gateway('heavy', 1, 3), gateway('light', 1, 1)];
  let heavy = 0;
  for (let i = 0; i < 4000; i++) if (orderGateways(gateways, random.next)[0]?.host === 'heavy') heavy += 1;
  expect(heavy / 4000).toBeGreaterThan(0.72);
  expect(heavy / 4000).toBeLessThan(0.78);
});

test('a weight of zero comes after all others', () => {
  const gateways = [gateway('zero', 1, 0), gateway('one', 1, 1)];
  for (const point of [0, 0.5, 0.999]) expect(hosts(orderGateways(gateways, () => point))).toEqual(['one', 'zero']);
});

test('every gateway is tried once, and at most six', () => {
  const gateways = Array.from({ length: 9 }, (_, i) => gateway(`g${i}`, 1, 1));
  const order = hosts(orderGateways(gateways, createRandom(1).next));
  expect(order).toHaveLength(6);
  expect(new Set(order).size).toBe(6);
  expect(orderGateways([], () => 0)).toEqual([]);
});

test('an IPv6 gateway stands in brackets', () => {
  const tls = trunk('t', { outbound: { transport: 'tls' } });
  expect(gatewayUri(tls, gateway('2001:db8::1', 1, 1), CALLED)).toBe(
    'sip:+12025550160@[2001:db8::1]:5060;transport=tls',
  );
});

test.each([
  [{}, '+12025550160'],
  [{ numberFormat: 'digits' }, '12025550160'],
  [{ techPrefix: '99#' }, '99%2312025550160'],
  [{ techPrefix: '*7', numberFormat: 'e164' }, '*712025550160'],
] as const)('with %o the carrier is asked for %s', (outbound, user) => {
  const uri = gatewayUri(trunk('t', { outbound }), gateway('sip.example', 1, 1), CALLED);
  expect(uri).toBe(`sip:${user}@sip.example:5060;transport=udp`);
  // What the engine and the client library are given must be a URI for them, too.
  expect(parseSipUri(uri)).toBeDefined();
});

const [a, b, c] = ['a', 'b', 'c'].map((host) => gateway(host, 1, 1));
test.each([
  ['nothing is known', {}, ['a', 'b', 'c']],
  ['one is down', { b: 'down' }, ['a', 'c']],
  ['all but an unknown one are down', { a: 'down', b: 'down' }, ['c']],
  ['all are down', { a: 'down', b: 'down', c: 'down' }, ['a', 'b', 'c']],
  ['one is refused', { a: 'refused' }, ['b', 'c']],
  ['the only one that answers is refused', { a: 'refused', b: 'down', c: 'down' }, ['b', 'c']],
  ['all are refused', { a: 'refused', b: 'refused', c: 'refused' }, []],
] as const)('usable when %s', (_when, states: Readonly<Record<string, GatewayState>>, usable) => {
  expect(hosts(usableGateways([a!, b!, c!], ({ host }) => states[host] ?? 'unknown'))).toEqual(usable);
});
