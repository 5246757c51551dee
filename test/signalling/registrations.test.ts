import { beforeEach, describe, expect, test } from 'vitest';
import type { Trunk } from '../../src/domain/directory.ts';
import type { LinkAnswer, LinkRequest } from '../../src/signalling/link-requests.ts';
import { type RegistrationChange, Registrations } from '../../src/signalling/registrations.ts';
import { trunk } from '../routing/records.ts';
import { FakeClock } from '../support/fake-clock.ts';

// All registrations of a node, on a clock that stands still.

let clock: FakeClock;
let sent: LinkRequest[];
let sentAtMs: number[];
let taken: Map<string, string>;
let storeIsAway: boolean;
let addresses: Record<string, readonly string[]>;
let random: () => number;
/** How long an answer takes. */
let slow: (request: LinkRequest) => number;
let answer: (request: LinkRequest) => Partial<LinkAnswer>;

beforeEach(() => {
  clock = new FakeClock();
  sent = [];
  sentAtMs = [];
  taken = new Map();
  storeIsAway = false;
  addresses = {};
  random = () => 0.5;
  answer = () => ({});
  slow = () => 0;
});

function makeNode(nodeId = 'one') {
  let id = 0;
  const changes: RegistrationChange[] = [];
  const registrations = new Registrations({
    clock,
    random: () => random(),
    newId: () => `${nodeId}-${++id}`,
    newCnonce: () => 'c0',
    key: 'secret',
    servers: {
      locate: async ({ host, port, transport }) => ({
        ok: true,
        servers: (addresses[host] ?? ['192.0.2.1']).map((address) => ({
          address,
          port: port ?? 5060,
          transport: transport ?? 'udp',
        })),
      }),
    },
    async send(request) {
      sent.push(request);
      sentAtMs.push(clock.monotonicMs());
      const waitMs = slow(request);
      if (waitMs > 0) await new Promise<void>((resolve) => void clock.setTimer(resolve, waitMs));
      return { status: 200, reason: 'OK', headers: {}, own: false, ...answer(request) };
    },
    ready: () => true,
    claims: {
      async claim(name) {
        if (storeIsAway) throw new Error('away');
        if (!taken.has(name)) taken.set(name, nodeId);
        return taken.get(name) === nodeId;
      },
      async release(name) {
        if (taken.get(name) === nodeId) taken.delete(name);
      },
    },
    log: { info: () => undefined, warn: () => undefined },
    onTried: () => undefined,
  });
  registrations.onChange((change) => changes.push(change));
  return { registrations, changes };
}

const registering = (id: string, outbound: Partial<Trunk['outbound']> = {}, inbound: Partial<Trunk['inbound']> = {}) =>
  trunk(id, {
    workspaceId: 'ws',
    kind: 'byoc',
    inbound: { enabled: true, addresses: [], ...inbound },
    outbound: {
      register: true,
      username: 'acme',
      password: 'p',
      gateways: [{ host: 'sip.carrier.example', port: null, priority: 1, weight: 1 }],
      ...outbound,
    },
  });

const expiresOf = ({ headers }: LinkRequest) => headers['expires'];
const contactUserOf = ({ headers }: LinkRequest) =>
  /<sip:([0-9a-f]{32})@localhost/.exec(headers['contact'] ?? '')?.[1] ?? '';

describe('signalling 3: the registrations of a node', () => {
  test('a trunk that registers is registered; its change is one event, its state is shown', async () => {
    const { registrations, changes } = makeNode();
    registrations.watch([registering('t'), trunk('other')]);
    await clock.advanceAsync(200);
    expect(sent).toHaveLength(1);
    expect(sent[0]).toMatchObject({
      uri: 'sip:sip.carrier.example;transport=udp',
      nextHop: 'sip:192.0.2.1:5060;transport=udp',
    });
    expect(registrations.of('t')).toMatchObject({ state: 'registered', registrar: 'udp 192.0.2.1:5060' });
    expect(registrations.of('other')).toBeUndefined();
    expect(changes.map(({ state }) => state)).toEqual(['waiting', 'registering', 'registered']);
    await clock.advanceAsync(1_000_000);
    expect(sent.length).toBeGreaterThan(3);
    expect(changes).toHaveLength(3);
  });

  test('RS1 a hundred trunks are registered over ten seconds, not at once', async () => {
    let draw = 0;
    random = () => (draw++ % 100) / 100;
    const { registrations } = makeNode();
    registrations.watch(Array.from({ length: 100 }, (_, index) => registering(`t${index}`)));
    await clock.advanceAsync(10_000);
    expect(sent).toHaveLength(100);
    const perSecond = Map.groupBy(sentAtMs, (atMs) => Math.floor((atMs - (sentAtMs[0] ?? 0)) / 1_000));
    expect(Math.max(...[...perSecond.values()].map((times) => times.length))).toBeLessThanOrEqual(10);
  });

  test('survives a restart: the same Contact and instance, another Call-ID', async () => {
    const before = makeNode('one');
    before.registrations.watch([registering('t')]);
    await clock.advanceAsync(200);
    const after = makeNode('one');
    after.registrations.watch([registering('t')]);
    await clock.advanceAsync(200);
    const [first, second] = sent;
    expect(second?.headers['contact']).toBe(first?.headers['contact']);
    expect(first?.headers['contact']).toMatch(
      /\+sip\.instance="<urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}>"/,
    );
    expect(contactUserOf(first as LinkRequest)).not.toContain('t');
  });

  test.each([
    ['switched off', (each: Trunk) => ({ ...each, outbound: { ...each.outbound, register: false } })],
    ['deleted', () => null],
  ] as const)('a trunk that is %s is unregistered', async (_what, change) => {
    const { registrations } = makeNode();
    const stored = registering('t');
    registrations.watch([stored]);
    await clock.advanceAsync(200);
    const changed = change(stored);
    registrations.watch(changed === null ? [] : [changed]);
    await clock.advanceAsync(10);
    expect(sent.map(expiresOf)).toEqual(['600', '0']);
    expect(registrations.of('t')).toBeUndefined();
    await clock.advanceAsync(3_600_000);
    expect(sent).toHaveLength(2);
  });

  test('a trunk with other settings: the old binding is taken back before the new one is made; another label is no matter', async () => {
    const { registrations } = makeNode();
    registrations.watch([registering('t')]);
    await clock.advanceAsync(200);
    registrations.watch([{ ...registering('t'), label: 'renamed' }]);
    await clock.advanceAsync(500);
    expect(sent).toHaveLength(1);
    registrations.watch([registering('t', { username: 'other' })]);
    await clock.advanceAsync(500);
    expect(sent.map((request) => [request.headers['to'], expiresOf(request)])).toEqual([
      ['<sip:acme@sip.carrier.example>', '600'],
      ['<sip:acme@sip.carrier.example>', '0'],
      ['<sip:other@sip.carrier.example>', '600'],
    ]);
  });

  test('a registrar that is slow to take the old binding back gets the new one after that', async () => {
    const { registrations } = makeNode();
    registrations.watch([registering('t')]);
    await clock.advanceAsync(200);
    slow = (request) => (expiresOf(request) === '0' ? 1_500 : 0);
    registrations.watch([registering('t', { username: 'other' })]);
    await clock.advanceAsync(1_400);
    expect(sent).toHaveLength(2);
    await clock.advanceAsync(500);
    expect(sent.map(expiresOf)).toEqual(['600', '0', '600']);
    registrations.watch([]);
    registrations.watch([registering('t')]);
    await clock.advanceAsync(2_000);
    expect(sent.map(expiresOf)).toEqual(['600', '0', '600', '0', '600']);
    expect(registrations.of('t')?.state).toBe('registered');
  });

  test('user, domain and time can be told apart from credentials and gateways', async () => {
    const { registrations } = makeNode();
    const registration = { user: '+12025550100', domain: 'ims.carrier.example', expiresSec: 120, calledNumber: null };
    registrations.watch([registering('t', { registration })]);
    await clock.advanceAsync(200);
    expect(sent[0]).toMatchObject({ uri: 'sip:ims.carrier.example;transport=udp' });
    expect(sent[0]?.headers).toMatchObject({ to: '<sip:+12025550100@ims.carrier.example>', expires: '120' });
  });

  test('closed (drain, stop), all bindings are taken back and none is made', async () => {
    const { registrations } = makeNode();
    registrations.watch([registering('a'), registering('b')]);
    await clock.advanceAsync(300);
    await registrations.close();
    expect(sent.map(expiresOf)).toEqual(['600', '600', '0', '0']);
    registrations.watch([registering('c')]);
    await clock.advanceAsync(3_600_000);
    expect(sent).toHaveLength(4);
    expect(clock.pendingTimers).toBe(0);
    expect(taken.size).toBe(0);
  });

  test('the registrar was away and came back: asked at once', async () => {
    const { registrations } = makeNode();
    registrations.watch([registering('t')]);
    await clock.advanceAsync(5_000);
    registrations.refresh('t');
    await clock.advanceAsync(10);
    expect(sent).toHaveLength(2);
  });
});

describe('signalling 3: in a cluster one node registers a trunk', () => {
  test('only where another node has it is it elsewhere: not before anybody was asked, not while its settings change', async () => {
    const { registrations } = makeNode();
    registrations.watch([registering('t')]);
    expect(registrations.of('t')?.state).toBe('waiting');
    await clock.advanceAsync(1_000);
    registrations.watch([registering('t', { username: 'other' })]);
    expect(registrations.of('t')?.state).toBe('waiting');
    await clock.advanceAsync(1_000);
    expect(registrations.of('t')?.state).toBe('registered');
  });

  test('the other says so, and takes over at once when the first gives it up', async () => {
    const one = makeNode('one');
    const two = makeNode('two');
    one.registrations.watch([registering('t')]);
    two.registrations.watch([registering('t')]);
    await clock.advanceAsync(30_000);
    expect(sent).toHaveLength(1);
    expect(two.registrations.of('t')).toMatchObject({ state: 'elsewhere', expiresAt: null });
    await one.registrations.close();
    await clock.advanceAsync(11_000);
    expect(two.registrations.of('t')?.state).toBe('registered');
  });

  test('who loses it unregisters', async () => {
    const one = makeNode('one');
    one.registrations.watch([registering('t')]);
    await clock.advanceAsync(1_000);
    taken.set('registration:t', 'two');
    await clock.advanceAsync(11_000);
    expect(sent.map(expiresOf)).toEqual(['600', '0']);
    expect(one.registrations.of('t')?.state).toBe('elsewhere');
  });

  test('RS2 while nobody can be asked everything stays as it is', async () => {
    const one = makeNode('one');
    one.registrations.watch([registering('t')]);
    await clock.advanceAsync(1_000);
    storeIsAway = true;
    await clock.advanceAsync(1_000_000);
    expect(one.registrations.of('t')?.state).toBe('registered');
    expect(sent.every((request) => expiresOf(request) === '600')).toBe(true);
  });
});

describe('signalling 3: calls over a registration', () => {
  test('RS3 the addresses of the registrars count while it is registered, for that trunk alone', async () => {
    addresses['sip.carrier.example'] = ['192.0.2.1', '192.0.2.2'];
    const { registrations } = makeNode();
    const stored = [registering('t', {}, { addresses: ['198.51.100.7'] }), trunk('other')];
    expect(registrations.withSources(stored)).toBe(stored);
    registrations.watch(stored);
    await clock.advanceAsync(200);
    const [mine, other] = registrations.withSources(stored);
    expect(mine?.inbound.addresses).toEqual(['198.51.100.7', '192.0.2.1', '192.0.2.2']);
    expect(other).toBe(stored[1]);
    expect(registrations.withSources(stored)).toBe(registrations.withSources(stored));
    const contact = contactUserOf(sent[0] as LinkRequest);
    expect(registrations.callTo(contact, '192.0.2.2')).toEqual({ trunkId: 't', calledNumber: null });
    expect(registrations.callTo(contact, '198.51.100.9')).toBeUndefined();
    expect(registrations.callTo('+12025550100', '192.0.2.1')).toBeUndefined();
    answer = () => ({ status: 503 });
    await clock.advanceAsync(700_000);
    expect(registrations.withSources(stored)).toBe(stored);
    expect(registrations.callTo(contact, '192.0.2.2')).toBeUndefined();
  });

  test('a trunk that takes no calls gets none from there', async () => {
    const { registrations } = makeNode();
    const stored = [registering('t', { enabled: true }, { enabled: false })];
    registrations.watch(stored);
    await clock.advanceAsync(200);
    expect(registrations.of('t')?.state).toBe('registered');
    expect(registrations.withSources(stored)).toBe(stored);
  });

  test('the number that is configured for it', async () => {
    const { registrations } = makeNode();
    const registration = { user: null, domain: null, expiresSec: 600, calledNumber: '+12025550100' };
    registrations.watch([registering('t', { registration })]);
    await clock.advanceAsync(200);
    expect(registrations.callTo(contactUserOf(sent[0] as LinkRequest), '192.0.2.1')?.calledNumber).toBe('+12025550100');
  });
});
