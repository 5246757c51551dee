import { describe, expect, test } from 'vitest';
import { matchTrunks, TrunkTable } from '../../src/routing/trunk-match.ts';
import { createRandom } from '../../src/phone/random.ts';
import { parseIp, parsePrefix, widthOf } from '../../src/routing/address.ts';
import { DEMO_TRUNKS, trunk } from './records.ts';

const at = (id: string, ...addresses: string[]) => trunk(id, { inbound: { addresses } });

describe('the trunks of a source address', () => {
  test('are all that share the longest prefix', () => {
    expect(ids('127.0.0.1', DEMO_TRUNKS)).toEqual(['loopback', 'loopback-byoc']);
  });

  test('are those of the longest prefix only, in whatever order they were configured', () => {
    const trunks = [
      at('wide', '10.0.0.0/8'),
      at('host', '10.1.2.3'),
      at('narrow', '10.1.0.0/16'),
      at('all', '0.0.0.0/0'),
    ];
    expect(ids('10.1.2.3', trunks)).toEqual(['host']);
    expect(ids('10.1.2.4', trunks)).toEqual(['narrow']);
    expect(ids('10.2.0.1', trunks)).toEqual(['wide']);
    expect(ids('192.0.2.1', trunks)).toEqual(['all']);
  });

  test('are found for IPv6, and for IPv4 written as IPv6', () => {
    const trunks = [at('six', '2001:db8::/32'), at('four', '192.0.2.0/24')];
    expect(ids('2001:db8:1::9', trunks)).toEqual(['six']);
    expect(ids('::ffff:192.0.2.77', trunks)).toEqual(['four']);
    expect(ids('2001:db9::1', trunks)).toEqual([]);
  });

  test('follow the addresses of host names as they are resolved', () => {
    const trunks = [at('named', 'SBC.example.com')];
    expect(ids('192.0.2.9', trunks)).toEqual([]);
    const resolved = new Map([['sbc.example.com', ['192.0.2.9', '2001:db8::9']]]);
    expect(matchTrunks('192.0.2.9', trunks, resolved).trunks[0]?.id).toBe('named');
    expect(matchTrunks('2001:db8::9', trunks, resolved).trunks[0]?.id).toBe('named');
    const moved = new Map([['sbc.example.com', ['192.0.2.10']]]);
    expect(matchTrunks('192.0.2.9', trunks, moved).trunks).toEqual([]);
  });

  test('leave out trunks that are switched off, and name them', () => {
    const off = trunk('off', { inbound: { enabled: false } });
    const match = matchTrunks('127.0.0.1', [off]);
    expect(match.trunks).toEqual([]);
    expect(match.disabled).toEqual([off]);
  });

  test('a wider trunk does not stand in for a narrower one that is switched off', () => {
    const off = trunk('off', { inbound: { enabled: false, addresses: ['10.1.0.0/16'] } });
    expect(ids('10.1.0.1', [off, at('wide', '10.0.0.0/8')])).toEqual([]);
  });

  test('are those of each owner: who names an address of somebody’s carrier takes no call away', () => {
    const managed = at('managed', '198.51.100.0/24');
    const theirs = (enabled: boolean) =>
      trunk('theirs', { workspaceId: 'ws_b', kind: 'byoc', inbound: { enabled, addresses: ['198.51.100.7'] } });
    const mine = trunk('mine', { workspaceId: 'ws_a', kind: 'byoc', inbound: { addresses: ['198.51.0.0/16'] } });
    expect(ids('198.51.100.7', [managed, theirs(true), mine])).toEqual(['theirs', 'managed', 'mine']);
    expect(ids('198.51.100.7', [managed, theirs(false), mine])).toEqual(['managed', 'mine']);
  });

  test('are none for what is no address', () => {
    expect(ids('', DEMO_TRUNKS)).toEqual([]);
    expect(ids('localhost', DEMO_TRUNKS)).toEqual([]);
  });

  test('stay right when the list of trunks changes', () => {
    expect(ids('10.0.0.1', [at('a', '10.0.0.1')])).toEqual(['a']);
    expect(ids('10.0.0.1', [at('b', '10.0.0.1')])).toEqual(['b']);
  });

  test('a trunk that names an address twice is one trunk', () => {
    expect(ids('10.0.0.1', [at('a', '10.0.0.1', '10.0.0.1/32')])).toEqual(['a']);
  });
});

test('a table names what it cannot use', () => {
  const table = new TrunkTable([at('a', '10.0.0.0/99', 'unresolved.example.com', '10.0.0.1')]);
  expect(table.unusable).toEqual([
    { trunkId: 'a', address: '10.0.0.0/99' },
    { trunkId: 'a', address: 'unresolved.example.com' },
  ]);
});

function ids(source: string, trunks: Parameters<typeof matchTrunks>[1]): string[] {
  return matchTrunks(source, trunks).trunks.map(({ id }) => id);
}

test('signalling 1: whatever is configured, the longest prefix of each owner decides, and only it', () => {
  const random = createRandom(1918);
  const pick = <T>(items: readonly T[]): T => items[random.integer(items.length)] as T;
  const octet = () => pick([0, 1, 10, 127, 192, 255]);
  const ip4 = () => `${pick([10, 192])}.${octet()}.${octet()}.${octet()}`;
  const ip6 = () => `2001:db8:${pick(['0', '1', 'ffff'])}:${pick(['0', '1'])}::${pick(['1', '2', 'a'])}`;
  const block = () =>
    random.integer(3) === 0
      ? `${ip6()}/${pick([16, 32, 48, 64, 128])}`
      : `${ip4()}/${pick([8, 9, 15, 16, 24, 31, 32])}`;
  let matched = 0;
  for (let round = 0; round < 400; round++) {
    const trunks = Array.from({ length: 1 + random.integer(8) }, (_, i) =>
      trunk(`t${i}`, {
        workspaceId: pick([null, 'a', 'b']),
        inbound: {
          enabled: random.integer(4) > 0,
          addresses: Array.from({ length: random.integer(4) }, block),
        },
      }),
    );
    const table = new TrunkTable(trunks);
    for (let call = 0; call < 10; call++) {
      const plain = random.integer(3) === 0 ? ip6() : ip4();
      const source = plain.includes(':') || random.integer(3) > 0 ? plain : `::ffff:${plain}`;
      // The rule once more, in the slowest words: of each owner those with the longest block around the source.
      const expected = [null, 'a', 'b'].flatMap((owner) => {
        const lengths = trunks
          .filter(({ workspaceId }) => workspaceId === owner)
          .map((each) => ({
            each,
            length: Math.max(-1, ...each.inbound.addresses.map((text) => lengthAround(text, source))),
          }))
          .filter(({ length }) => length >= 0);
        const longest = Math.max(...lengths.map(({ length }) => length));
        return lengths.filter(({ length }) => length === longest).map(({ each }) => each);
      });
      const found = table.match(source);
      const names = (list: readonly { id: string }[]) => list.map(({ id }) => id).sort();
      expect(names(found.trunks)).toEqual(names(expected.filter(({ inbound }) => inbound.enabled)));
      expect(names(found.disabled)).toEqual(names(expected.filter(({ inbound }) => !inbound.enabled)));
      matched += found.trunks.length;
    }
  }
  expect(matched).toBeGreaterThan(500);
});

/** -1 where the block is not around the address. */
function lengthAround(block: string, source: string): number {
  const prefix = parsePrefix(block);
  const address = parseIp(source);
  if (prefix === undefined || address === undefined || prefix.family !== address.family) return -1;
  const shift = BigInt(widthOf(prefix.family) - prefix.length);
  return address.value >> shift === prefix.network ? prefix.length : -1;
}
