import { describe, expect, test } from 'vitest';
import type { Trunk } from '../../src/domain/directory.ts';
import {
  acquaintAnswering,
  countGuard,
  createSipGuard,
  followTrust,
  logBans,
  trustedNetworks,
} from '../../src/node/sip-guard.ts';
import { createMetrics } from '../../src/observability/metrics.ts';
import type { Ban } from '../../src/sip-engine/index.ts';
import { FakeClock } from '../support/fake-clock.ts';

const trunkWith = (addresses: readonly string[], gateways: readonly string[] = []): Trunk =>
  ({
    inbound: { addresses },
    outbound: { gateways: gateways.map((host) => ({ host, port: 5060 })) },
  }) as unknown as Trunk;

const ban = (network: string): Ban => ({
  network,
  way: 'datagram',
  why: 'scanner',
  since: 0,
  until: 60_000,
  times: 1,
  turnedAway: 0,
});

function records() {
  const lines: { fields: object; text: string }[] = [];
  return { lines, warn: (fields: object, text: string) => void lines.push({ fields, text }) };
}

describe('signalling 28: the guard in the node', () => {
  test('trusts the addresses of trunks, of their names, and of gateways that are addresses', () => {
    const trunks = [
      trunkWith(
        ['192.0.2.0/28', 'SBC.carrier.example', 'gone.example'],
        ['198.51.100.5', '[2001:db8::5]', 'sip.example.com'],
      ),
      trunkWith(['192.0.2.0/28', '2001:db8:1::/48']),
    ];
    const resolved = new Map([['sbc.carrier.example', ['203.0.113.1', '203.0.113.2']]]);
    expect(trustedNetworks(trunks, resolved)).toEqual([
      '192.0.2.0/28',
      '203.0.113.1',
      '203.0.113.2',
      '198.51.100.5',
      '2001:db8::5',
      '2001:db8:1::/48',
    ]);
  });

  test('tells the guard when trunks or the addresses of their names change, and only then', async () => {
    const clock = new FakeClock();
    const told: (readonly string[])[] = [];
    let trunks = [trunkWith(['sbc.example'])];
    let resolved = new Map([['sbc.example', ['192.0.2.1']]]);
    const source = { allTrunks: async () => trunks, resolvedHosts: () => resolved };
    const following = followTrust({ trust: (networks) => void told.push(networks) }, source, {
      clock,
      logger: records(),
    });
    await following.changed();
    await following.changed();
    expect(told).toEqual([['192.0.2.1']]);
    resolved = new Map([['sbc.example', ['192.0.2.9']]]);
    clock.advance(2_000);
    await Promise.resolve();
    await following.changed();
    trunks = [trunkWith(['198.51.100.1'])];
    await following.changed();
    expect(told).toEqual([['192.0.2.1'], ['192.0.2.9'], ['198.51.100.1']]);
    following.close();
  });

  test('a flood of bans is thirty lines a minute, and one with the number of the others', () => {
    const clock = new FakeClock();
    const log = records();
    const watch = logBans(clock, log);
    watch(
      Array.from({ length: 20 }, (_, i) => ban(`192.0.2.${i}`)),
      500,
    );
    watch(
      Array.from({ length: 20 }, (_, i) => ban(`198.51.100.${i}`)),
      0,
    );
    expect(log.lines).toHaveLength(30);
    expect(log.lines[0]).toEqual({
      fields: { network: '192.0.2.0', way: 'datagram', why: 'scanner', times: 1, forSec: 60 },
      text: 'a source of SIP is banned',
    });
    clock.advance(60_000);
    expect(log.lines.at(-1)).toMatchObject({ fields: { bans: 510 } });
    watch([ban('203.0.113.1')], 0);
    expect(log.lines).toHaveLength(32);
    watch.close();
  });

  test('behind a drachtio-server it stands in front of routing: scanners and floods of strangers are refused, carriers are not', async () => {
    const clock = new FakeClock();
    const named: string[] = [];
    const guard = createSipGuard(null, clock, (bans) => named.push(...bans.map(({ network }) => network)));
    guard.trust(['192.0.2.1']);
    const asked = (address: string, userAgent = 'Phone') =>
      guard.admits?.({
        source: { address, port: 5060, protocol: 'udp' },
        method: 'INVITE',
        userAgent,
        from: '<sip:a@b>',
        isInDialog: false,
      });
    expect(Array.from({ length: 500 }, () => asked('192.0.2.1')).every(Boolean)).toBe(true);
    expect(Array.from({ length: 500 }, () => asked('198.51.100.1')).filter(Boolean)).toHaveLength(10);
    expect(asked('198.51.100.2', 'friendly-scanner')).toBe(false);
    expect(named).toEqual(['198.51.100.1', '198.51.100.2']);
    expect((await guard.bans()).map(({ network }) => network).toSorted()).toEqual(named);
    expect(await guard.unban('198.51.100.2')).toBe(true);
    expect(asked('198.51.100.2')).toBe(true);
  });

  test('behind a drachtio-server who answers us is no stranger', () => {
    const guard = createSipGuard(null, new FakeClock(), () => undefined);
    guard.trust([]);
    const seen = { transport: 'udp', direction: 'in' as const };
    acquaintAnswering(guard, { ...seen, peer: '198.51.100.1:5060', text: 'SIP/2.0 200 OK' });
    acquaintAnswering(guard, { ...seen, peer: '[2001:db8::1]:5060', text: 'SIP/2.0 200 OK' });
    acquaintAnswering(guard, { ...seen, peer: '198.51.100.2:5060', text: 'OPTIONS sip:a SIP/2.0' });
    const asks = (address: string) =>
      Array.from({ length: 50 }, () =>
        guard.admits?.({
          source: { address, port: 5060, protocol: 'udp' },
          method: 'OPTIONS',
          userAgent: undefined,
          from: undefined,
          isInDialog: false,
        }),
      ).every(Boolean);
    expect(['198.51.100.1', '2001:db8::1', '198.51.100.2'].map(asks)).toEqual([true, true, false]);
  });

  test('counts what it did, without an address in any label', async () => {
    const clock = new FakeClock();
    const guard = createSipGuard(null, clock, () => undefined);
    guard.trust([]);
    guard.offend('198.51.100.1', 'datagram', 'scanner');
    const metrics = createMetrics({ processDefaults: false });
    const counting = countGuard(guard, metrics, clock);
    await Promise.resolve();
    await Promise.resolve();
    const text = await metrics.render();
    expect(text).toContain('callin_sip_bans_total{reason="scanner"} 1');
    expect(text).toContain('callin_sip_banned_sources 1');
    expect(text).toContain('callin_sip_table_entries{table="bans"} 1');
    expect(text).not.toContain('198.51');
    counting.close();
  });
});
