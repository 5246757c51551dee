import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createAddressPolicy } from '../../src/agents/address-policy.ts';
import type { SipTransport } from '../../src/domain/directory.ts';
import { GatewayHosts, nextHopOf } from '../../src/signalling/gateway-hosts.ts';
import { type ServerQuestion, SipServers } from '../../src/signalling/sip-servers.ts';
import { createCarrierNames, sourcesOf } from '../../src/trunk-names.ts';
import { DnsServer, type ZoneRecord } from '../support/dns-server.ts';
import { FakeClock } from '../support/fake-clock.ts';

// The names of carriers, asked of a real name server over the wire.

let dns: DnsServer;
beforeEach(async () => {
  dns = await DnsServer.start();
});
afterEach(() => dns.close());

interface Options {
  readonly transports?: readonly SipTransport[];
  readonly random?: () => number;
  readonly openNetworks?: readonly string[];
}

function make({ transports = ['udp', 'tcp', 'tls'], random = () => 0.5, openNetworks = [] }: Options = {}) {
  const clock = new FakeClock();
  const names = createCarrierNames({
    servers: [dns.address],
    timeoutMs: 300,
    lookup: async () => Promise.reject(new Error('ENOTFOUND')),
  });
  const hosts = new GatewayHosts({
    clock,
    resolve: names.addresses,
    addressAllowed: createAddressPolicy(openNetworks),
  });
  const servers = new SipServers({
    clock,
    random,
    hosts,
    services: names.services,
    pointers: names.pointers,
    transports: () => transports,
  });
  const locate = async (question: Partial<ServerQuestion> & Pick<ServerQuestion, 'host'>) => {
    const located = await servers.locate({ port: null, transport: null, judged: true, ...question });
    return located.ok
      ? located.servers.map(({ transport, address, port }) => `${transport} ${address}:${port}`)
      : located.code;
  };
  return { clock, names, locate };
}

const a = (address: string, ttl = 60): ZoneRecord => ({ type: 'A', address, ttl });
const srv = (target: string, port = 5060, priority = 1, weight = 1): ZoneRecord => ({
  type: 'SRV',
  target,
  port,
  priority,
  weight,
});
const naptr = (service: string, replacement: string, order = 1, preference = 1, flags = 's'): ZoneRecord => ({
  type: 'NAPTR',
  service,
  replacement,
  order,
  preference,
  flags,
});

describe('signalling 4: DNS NAPTR/SRV/A per RFC 3263', () => {
  test('NAPTR names the transport, SRV the servers, A their addresses', async () => {
    dns.zone.set('sip.example', [
      naptr('SIP+D2U', '_sip._udp.edge.example', 20),
      naptr('SIPS+D2T', '_sips._tcp.edge.example', 10),
    ]);
    dns.zone.set('_sips._tcp.edge.example', [srv('b.example', 5071, 20), srv('a.example', 5061, 10)]);
    dns.zone.set('a.example', [a('8.8.8.8'), a('8.8.4.4')]);
    dns.zone.set('b.example', [a('1.1.1.1')]);
    const found = await make().locate({ host: 'SIP.example' });
    expect(found).toHaveLength(3);
    expect([...(found as string[])].sort()).toEqual(['tls 1.1.1.1:5071', 'tls 8.8.4.4:5061', 'tls 8.8.8.8:5061']);
    expect(found[2]).toBe('tls 1.1.1.1:5071');
    expect(dns.asked.filter((each) => !/^A/.test(each))).toEqual(['NAPTR sip.example', 'SRV _sips._tcp.edge.example']);
  });

  test('a transport that we do not have, other flags and other services are passed over', async () => {
    dns.zone.set('sip.example', [
      naptr('SIPS+D2T', '_sips._tcp.sip.example', 1),
      naptr('E2U+sip', '_x.example', 2, 1, 'u'),
      naptr('SIP+D2S', '_sip._sctp.example', 3),
      naptr('SIP+D2T', '_sip._tcp.sip.example', 4, 2),
      naptr('SIP+D2U', '_sip._udp.sip.example', 4, 1),
    ]);
    dns.zone.set('_sip._udp.sip.example', [srv('a.example', 5080)]);
    dns.zone.set('a.example', [a('8.8.8.8')]);
    expect(await make({ transports: ['udp', 'tcp'] }).locate({ host: 'sip.example' })).toEqual(['udp 8.8.8.8:5080']);
  });

  test('without NAPTR the SRV of each transport is asked for, without SRV the addresses', async () => {
    dns.zone.set('sip.example', [a('8.8.8.8')]);
    dns.zone.set('_sip._tcp.sip.example', [srv('t.example', 5070)]);
    dns.zone.set('t.example', [a('1.1.1.1')]);
    dns.zone.set('plain.example', [a('8.8.4.4')]);
    const { locate } = make();
    expect(await locate({ host: 'sip.example' })).toEqual(['tcp 1.1.1.1:5070']);
    expect(await locate({ host: 'plain.example' })).toEqual(['udp 8.8.4.4:5060']);
    expect(dns.asked).toEqual(
      expect.arrayContaining([
        'SRV _sip._udp.plain.example',
        'SRV _sip._tcp.plain.example',
        'SRV _sips._tcp.plain.example',
      ]),
    );
  });

  test.each([
    ['udp', '_sip._udp'],
    ['tcp', '_sip._tcp'],
    ['tls', '_sips._tcp'],
  ] as const)('a trunk over %s asks for %s alone', async (transport, service) => {
    dns.zone.set(`${service}.sip.example`, [srv('a.example', 5099)]);
    dns.zone.set('a.example', [a('8.8.8.8')]);
    expect(await make().locate({ host: 'sip.example', transport })).toEqual([`${transport} 8.8.8.8:5099`]);
    expect(dns.asked.filter((each) => !/^A/.test(each))).toEqual([`SRV ${service}.sip.example`]);
  });

  test.each([
    ['a port', { host: 'sip.example', port: 5090 }, ['udp 8.8.8.8:5090']],
    ['a port and a transport', { host: 'sip.example', port: 5090, transport: 'tls' }, ['tls 8.8.8.8:5090']],
    ['an address', { host: '8.8.8.8' }, ['udp 8.8.8.8:5060']],
    ['an address over TLS', { host: '2606:4700::1', transport: 'tls' }, ['tls 2606:4700::1:5061']],
  ] as const)('%s is taken at its word: nothing but addresses is asked for', async (_what, question, expected) => {
    dns.zone.set('sip.example', [a('8.8.8.8'), naptr('SIP+D2T', '_sip._tcp.sip.example')]);
    dns.zone.set('_sip._udp.sip.example', [srv('a.example')]);
    expect(await make().locate(question)).toEqual(expected);
    expect(dns.asked.filter((each) => !/^A/.test(each))).toEqual([]);
  });

  test('AAAA is tried after A', async () => {
    dns.zone.set('sip.example', [{ type: 'AAAA', address: '2606:4700::1' }, a('8.8.8.8')]);
    expect(await make().locate({ host: 'sip.example', transport: 'udp' })).toEqual([
      'udp 8.8.8.8:5060',
      'udp 2606:4700::1:5060',
    ]);
  });

  test('SS5 a target of "." says that there is no service', async () => {
    dns.zone.set('sip.example', [a('8.8.8.8')]);
    dns.zone.set('_sip._udp.sip.example', [srv('.', 0)]);
    expect(await make().locate({ host: 'sip.example', transport: 'udp' })).toBe('not_found');
  });

  test('SS1 priority first, then the weights: drawn three times as often', async () => {
    dns.zone.set('_sip._udp.sip.example', [
      srv('heavy.example', 1, 10, 75),
      srv('light.example', 2, 10, 25),
      srv('last.example', 3, 20, 1000),
    ]);
    for (const [index, name] of ['heavy', 'light', 'last'].entries())
      dns.zone.set(`${name}.example`, [a(`8.8.8.${index}`)]);
    let seed = 1;
    const random = () => {
      seed = (seed * 16_807) % 2_147_483_647;
      return seed / 2_147_483_647;
    };
    const { locate } = make({ random });
    const firsts = new Map<string, number>();
    for (let round = 0; round < 2_000; round += 1) {
      const found = (await locate({ host: 'sip.example', transport: 'udp' })) as string[];
      expect(found[2]).toBe('udp 8.8.8.2:3');
      firsts.set(found[0] ?? '', (firsts.get(found[0] ?? '') ?? 0) + 1);
    }
    expect((firsts.get('udp 8.8.8.0:1') ?? 0) / 2_000).toBeCloseTo(0.75, 1);
  });

  test('SS4 a name with a thousand servers has eight', async () => {
    const many = Array.from({ length: 20 }, (_, index) => srv('a.example', 6000 + index, index));
    dns.zone.set('_sip._udp.sip.example', many);
    dns.zone.set('a.example', [a('8.8.8.8'), a('8.8.4.4')]);
    expect(await make().locate({ host: 'sip.example', transport: 'udp' })).toHaveLength(8);
  });

  test('SS3 over TLS the trunk’s name is what must be proved, not the target of its SRV', async () => {
    expect(nextHopOf('carrier.example', '8.8.8.8', 5071, 'tls')).toBe(
      'sip:carrier.example:5071;transport=tls;maddr=8.8.8.8',
    );
  });
});

describe('signalling 4: what is believed, and for how long', () => {
  test('an address for its time to live, a service for half a minute', async () => {
    dns.zone.set('_sip._udp.sip.example', [srv('a.example')]);
    dns.zone.set('a.example', [a('8.8.8.8', 10)]);
    const { clock, locate } = make();
    await locate({ host: 'sip.example', transport: 'udp' });
    const before = dns.asked.length;
    clock.advance(9_000);
    await locate({ host: 'sip.example', transport: 'udp' });
    expect(dns.asked).toHaveLength(before);
    dns.zone.set('a.example', [a('1.1.1.1', 10)]);
    clock.advance(2_000);
    expect(await locate({ host: 'sip.example', transport: 'udp' })).toEqual(['udp 1.1.1.1:5060']);
    expect(dns.asked.slice(before).filter((each) => each.startsWith('SRV'))).toEqual([]);
    clock.advance(30_000);
    dns.zone.set('_sip._udp.sip.example', [srv('a.example', 5090)]);
    expect(await locate({ host: 'sip.example', transport: 'udp' })).toEqual(['udp 1.1.1.1:5090']);
  });

  test('an hour of an outage changes nothing, and a name server that does not answer is left alone for five seconds', async () => {
    dns.zone.set('_sip._udp.sip.example', [srv('a.example')]);
    dns.zone.set('a.example', [a('8.8.8.8')]);
    const { clock, locate } = make();
    await locate({ host: 'sip.example', transport: 'udp' });
    dns.zone.set('_sip._udp.sip.example', 'failing');
    dns.zone.set('a.example', 'failing');
    clock.advance(3_500_000);
    const before = dns.asked.length;
    expect(await locate({ host: 'sip.example', transport: 'udp' })).toEqual(['udp 8.8.8.8:5060']);
    const asked = dns.asked.length;
    expect(asked).toBeGreaterThan(before);
    clock.advance(4_000);
    expect(await locate({ host: 'sip.example', transport: 'udp' })).toEqual(['udp 8.8.8.8:5060']);
    expect(dns.asked).toHaveLength(asked);
  });

  test('that there is nothing is remembered for a while, too', async () => {
    const { clock, locate } = make();
    expect(await locate({ host: 'nope.example', transport: 'udp' })).toBe('not_found');
    const asked = dns.asked.length;
    expect(await locate({ host: 'nope.example', transport: 'udp' })).toBe('not_found');
    expect(dns.asked).toHaveLength(asked);
    dns.zone.set('nope.example', [a('8.8.8.8')]);
    clock.advance(31_000);
    expect(await locate({ host: 'nope.example', transport: 'udp' })).toEqual(['udp 8.8.8.8:5060']);
  });

  test('services that the carrier withdraws are forgotten: then its addresses count', async () => {
    dns.zone.set('sip.example', [a('8.8.4.4')]);
    dns.zone.set('_sip._udp.sip.example', [srv('a.example')]);
    dns.zone.set('a.example', [a('8.8.8.8')]);
    const { clock, locate } = make();
    await locate({ host: 'sip.example', transport: 'udp' });
    dns.zone.delete('_sip._udp.sip.example');
    clock.advance(31_000);
    expect(await locate({ host: 'sip.example', transport: 'udp' })).toEqual(['udp 8.8.4.4:5060']);
  });
});

describe('signalling 4: no name leads a customer into our networks', () => {
  test('SS4 a name that points to a great many services has four of them asked for', async () => {
    dns.zone.set(
      'sip.example',
      Array.from({ length: 30 }, (_, at) => naptr('SIP+D2U', `_sip._udp.victim-${at}.example`, at)),
    );
    dns.zone.set('_sip._udp.victim-29.example', [srv('a.example')]);
    dns.zone.set('a.example', [a('8.8.8.8')]);
    const { locate } = make();
    expect(await locate({ host: 'sip.example' })).toBe('not_found');
    expect(dns.asked.filter((name) => name.includes('victim-'))).toHaveLength(4);
  });

  test('SS2 one forbidden target among good ones refuses the name as a whole', async () => {
    dns.zone.set('_sip._udp.sip.example', [srv('good.example', 5060, 1), srv('bad.example', 5060, 2)]);
    dns.zone.set('good.example', [a('8.8.8.8')]);
    dns.zone.set('bad.example', [a('169.254.169.254')]);
    const { locate } = make();
    expect(await locate({ host: 'sip.example', transport: 'udp' })).toBe('not_allowed');
    expect(await locate({ host: 'sip.example', transport: 'udp', judged: false })).toHaveLength(2);
  });

  test('a target that is moved inside later (rebinding) is refused from the next look-up on', async () => {
    dns.zone.set('_sip._udp.sip.example', [srv('a.example')]);
    dns.zone.set('a.example', [a('8.8.8.8', 1)]);
    const { clock, locate } = make();
    expect(await locate({ host: 'sip.example', transport: 'udp' })).toEqual(['udp 8.8.8.8:5060']);
    dns.zone.set('a.example', [a('127.0.0.1', 1)]);
    clock.advance(6_000);
    expect(await locate({ host: 'sip.example', transport: 'udp' })).toBe('not_allowed');
  });
});

describe('signalling 1: host names of carriers that call us', () => {
  test('a name without addresses stands for the servers that it publishes', async () => {
    dns.zone.set('_sip._udp.carrier.example', [srv('a.example')]);
    dns.zone.set('_sips._tcp.carrier.example', [srv('b.example')]);
    dns.zone.set('a.example', [a('8.8.8.8')]);
    dns.zone.set('b.example', [a('8.8.4.4')]);
    const { names } = make();
    expect([...(await sourcesOf(names, 'carrier.example'))].sort()).toEqual(['8.8.4.4', '8.8.8.8']);
    await expect(sourcesOf(names, 'nope.example')).rejects.toThrow();
  });
});
