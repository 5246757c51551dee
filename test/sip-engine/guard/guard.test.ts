import { describe, expect, test } from 'vitest';
import { type Ban, SourceGuard } from '../../../src/sip-engine/guard/guard.ts';
import { DEFAULT_GUARD_LIMITS, type GuardLimits } from '../../../src/sip-engine/guard/limits.ts';
import { FakeEngineClock } from '../support/fake-clock.ts';

const CARRIER = '192.0.2.10';
const STRANGER = '198.51.100.7';

function rig(limits: Partial<GuardLimits> = {}) {
  const clock = new FakeEngineClock();
  const bans: Ban[] = [];
  const guard = new SourceGuard({ clock, limits, onBan: (ban) => bans.push(ban) });
  guard.trust(['192.0.2.0/28', '2001:db8:1::/48']);
  const admitted = (address: string, count: number, way: 'datagram' | 'connection' = 'datagram') =>
    Array.from({ length: count }, () => guard.admits(address, way)).filter(Boolean).length;
  return { clock, guard, bans, admitted };
}

const said = (method: string, over: object = {}) => ({
  method,
  userAgent: undefined,
  from: undefined,
  isInDialog: false,
  ...over,
});

describe('signalling 28: floods', () => {
  test('one stranger has its own budget, and is banned for what it sends beyond it', () => {
    const { admitted, bans, clock } = rig();
    expect(admitted(STRANGER, 5000)).toBe(DEFAULT_GUARD_LIMITS.stranger.burst);
    expect(bans).toMatchObject([{ network: STRANGER, why: 'rate', way: 'datagram', times: 1 }]);
    clock.advance(DEFAULT_GUARD_LIMITS.banMs + 1);
    expect(admitted(STRANGER, 1)).toBe(1);
  });

  test('all strangers together have one budget, which trusted carriers do not touch', () => {
    const { guard, admitted } = rig();
    const strangers = Array.from({ length: 4000 }, (_, i) => `203.0.${i >> 8}.${i & 255}`);
    expect(strangers.filter((address) => guard.admits(address, 'datagram'))).toHaveLength(
      DEFAULT_GUARD_LIMITS.strangerDatagrams.burst,
    );
    expect(admitted(CARRIER, 2000)).toBe(2000);
    expect(admitted('2001:db8:1:2::3', 2000)).toBe(2000);
  });

  test('forged datagrams in the name of one carrier leave the others alone, and never get it banned', () => {
    const { guard, admitted, bans } = rig();
    expect(admitted(CARRIER, 50_000)).toBe(DEFAULT_GUARD_LIMITS.trusted.burst);
    expect(admitted('192.0.2.11', 100)).toBe(100);
    for (let i = 0; i < 1000; i++) {
      guard.offend(CARRIER, 'datagram', 'malformed');
      expect(guard.request(CARRIER, 'datagram', said('REGISTER', { userAgent: 'friendly-scanner' }))).toBe(true);
    }
    expect(bans).toEqual([]);
    expect(guard.isTrusted(CARRIER)).toBe(true);
  });

  test('what datagrams do turns away no connection; what a connection does turns away both', () => {
    const { guard } = rig();
    guard.request(STRANGER, 'datagram', said('OPTIONS', { userAgent: 'friendly-scanner' }));
    expect(guard.admits(STRANGER, 'datagram')).toBe(false);
    expect(guard.admitsConnection(STRANGER)).toBe(true);
    expect(guard.admits(STRANGER, 'connection')).toBe(true);
    guard.request('198.51.100.8', 'connection', said('OPTIONS', { userAgent: 'friendly-scanner' }));
    expect(guard.admits('198.51.100.8', 'datagram')).toBe(false);
    expect(guard.admitsConnection('198.51.100.8')).toBe(false);
  });

  test('who opens connections in a hurry is turned away before the handshake', () => {
    const { guard } = rig();
    const taken = Array.from({ length: 1000 }, () => guard.admitsConnection(STRANGER)).filter(Boolean);
    expect(taken).toHaveLength(DEFAULT_GUARD_LIMITS.strangerConnects.burst);
    expect(Array.from({ length: 1000 }, () => guard.admitsConnection(CARRIER)).every(Boolean)).toBe(true);
    expect(guard.stats().turnedAway.banned).toBeGreaterThan(0);
  });

  test('a network of IPv6 counts as one source', () => {
    const { guard, bans } = rig();
    const taken = Array.from({ length: 1000 }, (_, i) => guard.admits(`2001:db8:9:9::${i.toString(16)}`, 'datagram'));
    expect(taken.filter(Boolean)).toHaveLength(DEFAULT_GUARD_LIMITS.stranger.burst);
    expect(bans).toMatchObject([{ network: '2001:db8:9:9::/64' }]);
    expect(guard.unban('2001:db8:9:9::/64')).toBe(true);
    expect(guard.admits('2001:db8:9:9::1', 'datagram')).toBe(true);
  });

  test('a trusted network of IPv6 has one budget, too, whichever of its addresses a flood is forged from', () => {
    const { guard } = rig();
    const forged = Array.from({ length: 30_000 }, (_, i) => `2001:db8:1:2::${(i + 1).toString(16)}`);
    expect(forged.filter((address) => guard.admits(address, 'datagram'))).toHaveLength(
      DEFAULT_GUARD_LIMITS.trusted.burst,
    );
    expect(guard.admits('2001:db8:1:3::1', 'datagram')).toBe(true);
  });

  test('until it was told of the trunks it turns nobody away', () => {
    const guard = new SourceGuard({ clock: new FakeEngineClock() });
    expect(Array.from({ length: 1000 }, () => guard.admits(STRANGER, 'datagram')).every(Boolean)).toBe(true);
    guard.offend(STRANGER, 'datagram', 'scanner');
    guard.trust([]);
    expect(guard.admits(STRANGER, 'datagram')).toBe(true);
  });
});

describe('signalling 28: scanners and bans', () => {
  test.each([
    'friendly-scanner',
    'sipvicious',
    'sipcli/v1.8',
    'sip-scan',
    'VaxSIPUserAgent/3.1',
    'pplsip',
    'Sipsak 0.9',
    'sundayddr',
    'iWar',
  ])('%s is banned with its first request, which gets no answer', (userAgent) => {
    const { guard, bans } = rig();
    expect(guard.request(STRANGER, 'datagram', said('OPTIONS', { userAgent }))).toBe(false);
    expect(bans).toMatchObject([{ network: STRANGER, why: 'scanner' }]);
  });

  test('sipvicious is also known by its From', () => {
    const { guard, bans } = rig();
    const from = '"sipvicious"<sip:100@1.1.1.1>;tag=1';
    expect(guard.request(STRANGER, 'datagram', said('OPTIONS', { userAgent: 'Phone', from }))).toBe(false);
    expect(bans).toHaveLength(1);
  });

  test.each(['Asterisk PBX 20.1', 'Kamailio (5.8)', 'Twilio Gateway', 'OpenSIPS', 'Telnyx Media Gateway', 'SIPp'])(
    '%s is no scanner',
    (userAgent) => {
      const { guard } = rig();
      expect(guard.request(STRANGER, 'datagram', said('OPTIONS', { userAgent }))).toBe(true);
    },
  );

  test.each([
    ['REGISTER', 8],
    ['INVITE', 10],
    ['OPTIONS', 40],
    ['MESSAGE', 20],
  ])('%s without a name is tried %i times', (method, times) => {
    const { guard, bans } = rig();
    for (let i = 1; i < times; i++) guard.request(STRANGER, 'datagram', said(method));
    expect(bans).toHaveLength(0);
    guard.request(STRANGER, 'datagram', said(method));
    expect(bans).toHaveLength(1);
  });

  test('a monitor that asks every two seconds is never banned', () => {
    const { guard, bans, clock } = rig();
    for (let i = 0; i < 1000; i++) {
      expect(guard.admits(STRANGER, 'datagram')).toBe(true);
      guard.request(STRANGER, 'datagram', said('OPTIONS'));
      clock.advance(2000);
    }
    expect(bans).toEqual([]);
  });

  test('a browser may call as often as it likes: its calls are asked to prove themselves', () => {
    const { guard, bans } = rig();
    for (let i = 0; i < 100; i++) guard.request(STRANGER, 'connection', said('INVITE', { isBrowser: true }));
    expect(bans).toEqual([]);
    for (let i = 0; i < 8; i++) guard.request(STRANGER, 'connection', said('REGISTER', { isBrowser: true }));
    expect(bans).toHaveLength(1);
  });

  test('what belongs to a call is no offence', () => {
    const { guard, bans } = rig();
    for (let i = 0; i < 1000; i++) {
      guard.request(STRANGER, 'datagram', said('BYE', { isInDialog: true }));
      guard.request(STRANGER, 'datagram', said('ACK'));
    }
    expect(bans).toEqual([]);
  });

  test('each ban lasts twice as long as the last, up to an hour for datagrams and a day for connections', () => {
    const { guard, bans, clock } = rig();
    for (let i = 0; i < 15; i++) {
      guard.offend(STRANGER, 'datagram', 'scanner');
      guard.offend(STRANGER, 'connection', 'scanner');
      clock.advance(86_400_000 + 1);
    }
    const lasts = (way: string) => bans.filter((ban) => ban.way === way).map((ban) => (ban.until - ban.since) / 60_000);
    expect(lasts('datagram')).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60, 60, 60, 60, 60]);
    expect(lasts('connection')).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 1440, 1440, 1440, 1440]);
  });

  test('one ban tells once, however much comes', () => {
    const { bans, admitted, guard } = rig();
    admitted(STRANGER, 10_000);
    for (let i = 0; i < 100; i++) guard.offend(STRANGER, 'datagram', 'scanner');
    expect(bans).toHaveLength(1);
    expect(guard.bans()).toMatchObject([{ network: STRANGER, turnedAway: 10_000 - 60 - 40 }]);
  });

  test('an address that becomes a trunk is free at once, and can be freed by hand', () => {
    const { guard } = rig();
    guard.offend(STRANGER, 'datagram', 'scanner');
    guard.offend('198.51.100.8', 'connection', 'scanner');
    guard.trust([`${STRANGER}/32`]);
    expect(guard.admits(STRANGER, 'datagram')).toBe(true);
    expect(guard.unban('198.51.100.8')).toBe(true);
    expect(guard.unban('198.51.100.8')).toBe(false);
    expect(guard.bans()).toEqual([]);
  });

  test('whom we have asked something is no stranger for an hour', () => {
    const { guard, clock, bans } = rig();
    guard.acquaint(STRANGER);
    guard.offend(STRANGER, 'datagram', 'scanner');
    expect(bans).toEqual([]);
    clock.advance(DEFAULT_GUARD_LIMITS.acquaintedMs + 1);
    guard.offend(STRANGER, 'datagram', 'scanner');
    expect(bans).toHaveLength(1);
  });

  test.each([
    ['2001:DB8:0:0::A', '2001:db8::a'],
    ['2001:db8::192.0.2.1', '2001:db8::c000:201'],
    ['::ffff:198.51.100.7', STRANGER],
  ])('whom we have asked is known, however its Contact writes its address: %s', (written, address) => {
    const { guard } = rig();
    guard.acquaint(written);
    expect(guard.isTrusted(address)).toBe(true);
  });

  test('a trunk open to all the Internet makes nobody trusted; calls from there are limited, and no offence', () => {
    const { guard, bans, admitted } = rig();
    expect(guard.trust(['0.0.0.0/0', 'carrier.example.com', '192.0.2.0/99'])).toEqual([
      'carrier.example.com',
      '192.0.2.0/99',
    ]);
    for (let i = 0; i < 50; i++) guard.request(STRANGER, 'datagram', said('INVITE'));
    expect(bans).toEqual([]);
    expect(guard.isTrusted(STRANGER)).toBe(false);
    expect(admitted(STRANGER, 1000)).toBe(DEFAULT_GUARD_LIMITS.stranger.burst);
    for (let i = 0; i < 8; i++) guard.offend('198.51.100.9', 'datagram', 'digest');
    expect(guard.bans().map(({ network }) => network)).toContain('198.51.100.9');
  });
});

describe('security 10: bounded state of the guard', () => {
  test('a million forged sources fill the tables to their bounds and no further', () => {
    const { guard } = rig({
      strangerDatagrams: { perSecond: 1e9, burst: 1e9 },
      sourcesMax: 500,
      bansMax: 200,
      acquaintedMax: 100,
      trustedSourcesMax: 8,
    });
    for (let i = 0; i < 1_000_000; i++) {
      const address = `${11 + (i >> 20)}.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`;
      guard.admits(address, 'datagram');
      if (i % 100 === 0) guard.offend(address, 'datagram', 'scanner');
      if (i % 1000 === 0) guard.acquaint(`2001:db8:2::${i}`);
    }
    for (let i = 0; i < 16; i++) guard.admits(`192.0.2.${i}`, 'datagram');
    expect(guard.stats()).toMatchObject({ sources: 500, remembered: 200, acquainted: 100, trustedSources: 8 });
  });
});
