import { expect, test } from 'vitest';
import { matchTrunks } from '../../src/routing/trunk-match.ts';
import { TrunkHosts } from '../../src/signalling/trunk-hosts.ts';
import { trunk } from '../routing/records.ts';
import { FakeClock } from '../support/fake-clock.ts';

const named = (id: string, ...addresses: string[]) => trunk(id, { inbound: { addresses } });

function make(zone: Map<string, readonly string[]>) {
  const clock = new FakeClock();
  const asked: string[] = [];
  const warnings: object[] = [];
  const hosts = new TrunkHosts({
    clock,
    resolve: async (host) => {
      asked.push(host);
      const addresses = zone.get(host);
      if (addresses === undefined) throw new Error('ENOTFOUND');
      return addresses;
    },
    log: { warn: (fields) => warnings.push(fields) },
  });
  return { clock, hosts, asked, warnings };
}

test('names are looked up once they are seen, addresses and blocks are not', async () => {
  const { hosts, asked } = make(new Map([['sbc.example.com', ['192.0.2.9', '2001:db8::9']]]));
  const trunks = [named('a', 'SBC.example.com', '10.0.0.1', '10.0.0.0/8', '2001:db8::1')];
  expect(hosts.of(trunks).size).toBe(0);
  await hosts.refresh();
  expect(new Set(asked)).toEqual(new Set(['sbc.example.com']));
  expect(matchTrunks('192.0.2.9', trunks, hosts.of(trunks)).trunks[0]?.id).toBe('a');
});

test('TH3 the names of one workspace leave places to others', async () => {
  const { hosts, asked } = make(new Map());
  const names = Array.from({ length: 3_000 }, (_, index) => `host-${index}.example`);
  const many = trunk('many', { workspaceId: 'ws_a', kind: 'byoc', inbound: { addresses: names } });
  const other = trunk('other', { workspaceId: 'ws_b', kind: 'byoc', inbound: { addresses: ['sbc.example'] } });
  hosts.of([many, other]);
  await hosts.refresh();
  expect(new Set(asked).size).toBe(101);
  expect(asked).toContain('sbc.example');
});

test('signalling 1: a carrier that moves is followed within a minute, and the map stays the same object until then', async () => {
  const zone = new Map<string, readonly string[]>([['sbc', ['192.0.2.1', '192.0.2.2']]]);
  const { clock, hosts } = make(zone);
  const trunks = [named('a', 'sbc')];
  hosts.of(trunks);
  await hosts.refresh();
  const first = hosts.of(trunks);
  zone.set('sbc', ['192.0.2.2', '192.0.2.1']);
  await clock.advanceAsync(60_000);
  expect(hosts.of(trunks)).toBe(first);
  zone.set('sbc', ['192.0.2.77']);
  await clock.advanceAsync(60_000);
  expect(hosts.of(trunks).get('sbc')).toEqual(['192.0.2.77']);
});

test('signalling 1: an outage of DNS keeps the last addresses for a day, not for ever', async () => {
  const zone = new Map<string, readonly string[]>([['sbc', ['192.0.2.1']]]);
  const { clock, hosts, warnings } = make(zone);
  const trunks = [named('a', 'sbc')];
  hosts.of(trunks);
  await hosts.refresh();
  zone.delete('sbc');
  await clock.advanceAsync(3_600_000);
  expect(hosts.of(trunks).get('sbc')).toEqual(['192.0.2.1']);
  expect(warnings.length).toBeGreaterThan(0);
  await clock.advanceAsync(24 * 3_600_000);
  expect(hosts.of(trunks).get('sbc')).toEqual([]);
});

test('a name that leads nowhere is told once, with what is kept of it, and again when that is given up', async () => {
  const zone = new Map<string, readonly string[]>([['sbc', ['192.0.2.1']]]);
  const { clock, hosts, warnings } = make(zone);
  hosts.of([named('a', 'sbc', 'typo')]);
  await hosts.refresh();
  zone.delete('sbc');
  await clock.advanceAsync(3_600_000);
  expect(warnings).toMatchObject([
    { host: 'typo', addressesKept: 0 },
    { host: 'sbc', addressesKept: 1 },
  ]);
  await clock.advanceAsync(24 * 3_600_000);
  expect(warnings.slice(2)).toMatchObject([{ host: 'sbc', addressesKept: 0 }]);
  zone.set('sbc', ['192.0.2.1']);
  await clock.advanceAsync(60_000);
  zone.set('sbc', []);
  await clock.advanceAsync(600_000);
  expect(warnings.slice(3)).toMatchObject([{ host: 'sbc', addressesKept: 1 }]);
});

test('a name that is added is looked up, one that is gone is forgotten', async () => {
  const { hosts } = make(
    new Map([
      ['one', ['192.0.2.1']],
      ['two', ['192.0.2.2', 'not an address']],
    ]),
  );
  hosts.of([named('a', 'one')]);
  await hosts.refresh();
  const both = [named('a', 'one'), named('b', 'two')];
  hosts.of(both);
  await hosts.refresh();
  expect(hosts.of(both).get('two')).toEqual(['192.0.2.2']);
  const second = [named('b', 'two')];
  expect([...hosts.of(second).keys()]).toEqual(['two']);
});

test('closed, it asks nobody any more', async () => {
  const { clock, hosts, asked } = make(new Map([['sbc', ['192.0.2.1']]]));
  hosts.of([named('a', 'sbc')]);
  await hosts.refresh();
  const before = asked.length;
  hosts.close();
  await clock.advanceAsync(600_000);
  expect(asked.length).toBe(before);
});
