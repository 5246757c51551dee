import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { soleClaims } from '../src/cluster/claims.ts';
import type { Trunk } from '../src/domain/directory.ts';
import { createEventHub, type PublishedEvent } from '../src/observability/event-hub.ts';
import { createLogger } from '../src/observability/logger.ts';
import { createMetrics, type Metrics } from '../src/observability/metrics.ts';
import type { Answer } from '../src/signalling/index.ts';
import { startTrunks, type TrunkParts, type Trunks } from '../src/trunk-parts.ts';
import { trunk } from './routing/records.ts';
import { FakeClock } from './support/fake-clock.ts';

// What a node makes of its trunks: events, metrics, addresses for carriers, next hops for calls.

const OK: Answer = {
  kind: 'answered',
  status: 200,
  reason: 'OK',
  elapsedMs: 1,
  challenged: false,
  authenticated: false,
};

let clock: FakeClock;
let metrics: Metrics;
let stored: Trunk[];
let events: PublishedEvent[];
let answer: Answer;
let trunks: Trunks;
let parts: TrunkParts;
let reads: () => Promise<readonly Trunk[]>;

beforeEach(() => {
  clock = new FakeClock();
  metrics = createMetrics({ processDefaults: false });
  stored = [];
  events = [];
  answer = OK;
  reads = async () => [...stored];
  const hub = createEventHub({ epoch: 'e' });
  hub.listen((event) => events.push(event), null);
  const signalling = {
    connected: true,
    addresses: ['udp/127.0.0.1:5060', 'tcp/[::1]:5060', 'tls/127.0.0.1:5061', 'ws/127.0.0.1:5062', 'nonsense'],
    ask: async () => answer,
  };
  parts = {
    directory: { allTrunks: () => reads() },
    signalling: signalling as unknown as TrunkParts['signalling'],
    names: {
      addresses: async () => Promise.reject(new Error('ENOTFOUND')),
      services: async () => ({ records: [], ttlMs: null }),
      pointers: async () => ({ records: [], ttlMs: null }),
    },
    resolvedHosts: () => new Map(),
    openNetworks: ['127.0.0.0/8'],
    healthIntervalMs: 30_000,
    authorities: [],
    wildcardDomains: [],
    externalAddress: null,
    engineGivesUpSilence: true,
    registrationKey: 'key',
    claims: soleClaims,
    hub,
    clock,
    metrics,
    logger: createLogger({ level: 'silent' }),
  };
  trunks = startTrunks(parts);
});
afterEach(() => trunks.close());

const up = async () => (await metrics.render()).split('\n').filter((line) => line.startsWith('callin_trunk_up{'));

describe('trunks of a node', () => {
  test('a change of health is an event of its workspace and a line in the metrics, as long as there is a trunk', async () => {
    stored.push(trunk('mine', { workspaceId: 'ws', kind: 'byoc' }));
    await trunks.changed();
    expect(await up()).toEqual([]);
    await clock.advanceAsync(200);
    expect(events.map(({ name, workspaceId, data }) => ({ name, workspaceId, data }))).toEqual([
      {
        name: 'trunk_health',
        workspaceId: 'ws',
        data: { trunkId: 'mine', state: 'up', since: expect.stringMatching(/^2026-01-01T/), lastError: null },
      },
    ]);
    expect(await up()).toEqual(['callin_trunk_up{trunk="mine"} 1']);
    answer = { kind: 'silent', elapsedMs: 5_000 };
    await clock.advanceAsync(60_000);
    expect(await up()).toEqual(['callin_trunk_up{trunk="mine"} 0']);
    stored.length = 0;
    await trunks.changed();
    expect(await up()).toEqual([]);
  });

  test('what another node has saved is seen within half a minute; a directory that cannot be read changes nothing', async () => {
    stored.push(trunk('theirs', { workspaceId: 'ws', kind: 'byoc' }));
    await clock.advanceAsync(31_000);
    expect(trunks.health.of('theirs')?.state).toBe('up');
    reads = () => Promise.reject(new Error('away'));
    await clock.advanceAsync(31_000);
    expect(trunks.health.of('theirs')?.state).toBe('up');
    reads = async () => [];
    await clock.advanceAsync(31_000);
    expect(trunks.health.of('theirs')).toBeUndefined();
  });

  test('carriers are told where the engine listens for them', () => {
    expect(trunks.listeners()).toEqual([
      { host: '127.0.0.1', port: 5060, transport: 'udp' },
      { host: '::1', port: 5060, transport: 'tcp' },
      { host: '127.0.0.1', port: 5061, transport: 'tls' },
    ]);
  });

  test.each([
    ['a customer’s at an open network', 'ws', '127.0.0.1', 'udp', 'sip:127.0.0.1:5080;transport=udp'],
    ['a customer’s at a closed one', 'ws', '10.0.0.1', 'udp', undefined],
    ['the operator’s anywhere', null, '10.0.0.1', 'tcp', 'sip:10.0.0.1:5080;transport=tcp'],
    ['over TLS', 'ws', '127.0.0.1', 'tls', 'sip:127.0.0.1:5080;transport=tls'],
  ] as const)('a call over a trunk of %s goes to its next hop', async (_whose, workspaceId, host, transport, hop) => {
    const gateway = { host, port: 5080, priority: 1, weight: 1 };
    const over = trunk('t', { workspaceId, outbound: { transport, gateways: [gateway] } });
    const [server] = await trunks.gateways.servers(over, gateway);
    expect(server?.nextHop).toBe(hop === undefined ? undefined : `${hop};first-response=6000`);
  });

  test('signalling 4: with an engine that hears no 100, a silent server is dead if it used to answer questions and does not now', async () => {
    const own = trunk('mine', { workspaceId: 'ws', kind: 'byoc' });
    const [gateway] = own.outbound.gateways;
    if (gateway === undefined) throw new Error('no gateway');
    expect(trunks.gateways.isDead).toBeUndefined();
    trunks.close();
    answer = { kind: 'silent', elapsedMs: 5_000 };
    trunks = startTrunks({ ...parts, engineGivesUpSilence: false });
    stored.push(own);
    await trunks.changed();
    const [server] = await trunks.gateways.servers(own, gateway);
    if (server === undefined) throw new Error('no server');
    await clock.advanceAsync(200);
    expect(await trunks.gateways.isDead?.(own, gateway, server)).toBe(false);
    answer = OK;
    await clock.advanceAsync(31_000);
    expect(await trunks.gateways.isDead?.(own, gateway, server)).toBe(false);
    answer = { kind: 'silent', elapsedMs: 2_000 };
    expect(await trunks.gateways.isDead?.(own, gateway, server)).toBe(true);
  });

  test('closed, nothing goes on', async () => {
    stored.push(trunk('mine'));
    await trunks.changed();
    trunks.close();
    expect(clock.pendingTimers).toBe(0);
  });
});
