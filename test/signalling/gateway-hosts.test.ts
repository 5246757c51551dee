import { describe, expect, test } from 'vitest';
import { createAddressPolicy } from '../../src/agents/address-policy.ts';
import { GatewayHosts, nextHopOf } from '../../src/signalling/gateway-hosts.ts';
import { FakeClock } from '../support/fake-clock.ts';

type Zone = Map<string, readonly string[] | 'never'>;

function make(zone: Zone = new Map(), openNetworks: readonly string[] = []) {
  const clock = new FakeClock();
  const asked: string[] = [];
  const hosts = new GatewayHosts({
    clock,
    addressAllowed: createAddressPolicy(openNetworks),
    resolve: async (host) => {
      asked.push(host);
      const addresses = zone.get(host);
      if (addresses === 'never') return await new Promise(() => undefined);
      if (addresses === undefined) throw new Error('ENOTFOUND');
      return { records: addresses, ttlMs: null };
    },
  });
  return { clock, hosts, asked, zone };
}

const judged = true;

describe('where a customer’s gateway may lead', () => {
  test.each([
    ['loopback', '127.0.0.1'],
    ['the rest of it', '127.200.3.4'],
    ['this host', '0.0.0.0'],
    ['private', '10.1.2.3'],
    ['private', '172.16.0.1'],
    ['private', '192.168.1.1'],
    ['cloud metadata', '169.254.169.254'],
    ['shared', '100.64.0.1'],
    ['documentation', '192.0.2.1'],
    ['benchmarks', '198.18.0.1'],
    ['multicast', '224.0.0.1'],
    ['broadcast', '255.255.255.255'],
    ['IPv6 loopback', '::1'],
    ['unspecified', '::'],
    ['unique local', 'fd00::1'],
    ['link-local', 'fe80::1'],
    ['mapped IPv4', '::ffff:10.0.0.1'],
    ['mapped IPv4 metadata', '::ffff:169.254.169.254'],
    ['6to4', '2002:0a00:0001::1'],
    ['IPv6 metadata', 'fd00:ec2::254'],
  ])('GH1 %s %s is refused as it is, and behind a name', async (_what, address) => {
    const { hosts } = make(new Map([['sip.example', [address]]]));
    expect(await hosts.locate(address, judged)).toMatchObject({ ok: false, code: 'not_allowed', address });
    expect(await hosts.locate('sip.example', judged)).toMatchObject({ ok: false, code: 'not_allowed', address });
    expect(hosts.recall('sip.example', judged)).toMatchObject({ ok: false, code: 'not_allowed' });
  });

  test.each(['8.8.8.8', '1.1.1.1', '2606:4700::1111'])('%s may be called', async (address) => {
    const { hosts } = make();
    expect(await hosts.locate(address, judged)).toMatchObject({ ok: true, address });
  });

  test('networks that the operator opened, and whatever the operator’s own trunks name', async () => {
    const { hosts } = make(new Map(), ['10.20.0.0/16']);
    expect((await hosts.locate('10.20.3.4', judged)).ok).toBe(true);
    expect((await hosts.locate('10.21.3.4', judged)).ok).toBe(false);
    expect((await hosts.locate('10.21.3.4', false)).ok).toBe(true);
  });

  test('GH3 one forbidden address among good ones refuses the name', async () => {
    const { hosts } = make(new Map([['sip.example', ['8.8.8.8', '10.0.0.1']]]));
    expect(await hosts.locate('sip.example', judged)).toMatchObject({ ok: false, address: '10.0.0.1' });
  });

  test('a name that is moved inside later is refused from the next look-up on, and never dialled by name', async () => {
    const { clock, hosts, zone } = make(new Map([['sip.example', ['8.8.8.8']]]));
    const first = await hosts.locate('sip.example', judged);
    expect(first.ok && nextHopOf('sip.example', first.address, 5060, 'udp')).toBe('sip:8.8.8.8:5060;transport=udp');
    zone.set('sip.example', ['169.254.169.254']);
    expect(await hosts.locate('sip.example', judged)).toMatchObject({ ok: true, address: '8.8.8.8' });
    clock.advance(31_000);
    expect(await hosts.locate('sip.example', judged)).toMatchObject({ ok: false, code: 'not_allowed' });
  });
});

describe('looking up', () => {
  test('is done once in half a minute, in lower case, and shared by all who wait', async () => {
    const { clock, hosts, asked } = make(new Map([['sip.example', ['8.8.8.8']]]));
    await Promise.all([hosts.locate('sip.example', judged), hosts.locate('SIP.Example', judged)]);
    await hosts.locate('sip.example', judged);
    expect(asked).toEqual(['sip.example']);
    clock.advance(31_000);
    await hosts.locate('sip.example', judged);
    expect(asked).toHaveLength(2);
  });

  test('what does not exist is said; nothing is known of what was never asked', async () => {
    const { hosts } = make(new Map([['empty.example', []]]));
    expect(hosts.recall('nope.example', judged)).toBeUndefined();
    expect(await hosts.locate('nope.example', judged)).toMatchObject({ ok: false, code: 'not_found' });
    expect(await hosts.locate('empty.example', judged)).toMatchObject({ ok: false, code: 'not_found' });
  });

  test('GH4 a DNS that does not answer costs two seconds', async () => {
    const { clock, hosts } = make(new Map([['slow.example', 'never']]));
    const located = hosts.locate('slow.example', judged);
    await clock.advanceAsync(2_000);
    expect(await located).toMatchObject({ ok: false, code: 'timeout' });
    expect(clock.pendingTimers).toBe(0);
  });

  test('GH2 an outage keeps the last addresses for an hour', async () => {
    const { clock, hosts, zone } = make(new Map([['sip.example', ['8.8.8.8']]]));
    await hosts.locate('sip.example', judged);
    zone.delete('sip.example');
    clock.advance(3_500_000);
    expect(await hosts.locate('sip.example', judged)).toMatchObject({ ok: true, address: '8.8.8.8' });
    clock.advance(200_000);
    expect(await hosts.locate('sip.example', judged)).toMatchObject({ ok: false, code: 'not_found' });
  });

  test('IPv4 is tried first; an address that failed makes room for the next one, also after a new look-up', async () => {
    const { clock, hosts } = make(new Map([['sip.example', ['2606:4700::1', '8.8.8.8', '8.8.4.4', 'rubbish']]]));
    const address = async () => {
      const located = await hosts.locate('sip.example', judged);
      return located.ok ? located.address : null;
    };
    expect(await address()).toBe('8.8.8.8');
    hosts.failed('sip.example', '8.8.8.8');
    expect(await address()).toBe('8.8.4.4');
    hosts.failed('sip.example', '8.8.8.8');
    expect(await address()).toBe('8.8.4.4');
    clock.advance(31_000);
    expect(await address()).toBe('8.8.4.4');
    hosts.failed('sip.example', '8.8.4.4');
    hosts.failed('sip.example', '2606:4700::1');
    expect(await address()).toBe('8.8.8.8');
  });

  test('GH4 names are forgotten before they fill the memory', async () => {
    const { hosts } = make(new Map(Array.from({ length: 2_001 }, (_, i) => [`h${i}.example`, ['8.8.8.8']] as const)));
    for (let i = 0; i < 2_001; i += 1) await hosts.locate(`h${i}.example`, judged);
    expect(hosts.recall('h0.example', judged)).toBeUndefined();
    expect(hosts.recall('h2000.example', judged)).toMatchObject({ ok: true });
  });
});

test('a next hop is the address that was judged; over TLS beside the name, which the certificate must prove', () => {
  expect(nextHopOf('sip.example', '2606:4700::1', 5060, 'tcp')).toBe('sip:[2606:4700::1]:5060;transport=tcp');
  expect(nextHopOf('sip.example', '8.8.8.8', 5061, 'tls')).toBe('sip:sip.example:5061;transport=tls;maddr=8.8.8.8');
  expect(nextHopOf('sip.example', '2606:4700::1', 5061, 'tls')).toMatch(/;maddr=\[2606:4700::1\]$/);
  expect(nextHopOf('8.8.8.8', '8.8.8.8', 5061, 'tls')).toBe('sip:8.8.8.8:5061;transport=tls');
});
