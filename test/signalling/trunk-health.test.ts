import { describe, expect, test } from 'vitest';
import type { Trunk } from '../../src/domain/directory.ts';
import type { Answer, Question } from '../../src/signalling/question.ts';
import { TrunkHealth, type TrunkHealthChange } from '../../src/signalling/trunk-health.ts';
import { trunk } from '../routing/records.ts';
import { ServerCircuits } from '../../src/signalling/server-circuits.ts';
import { FakeClock } from '../support/fake-clock.ts';

const INTERVAL_MS = 30_000;
const OK: Answer = {
  kind: 'answered',
  status: 200,
  reason: 'OK',
  elapsedMs: 1,
  challenged: false,
  authenticated: false,
};
const SILENT: Answer = { kind: 'silent', elapsedMs: 5_000 };

/** Gateways are `name:port`; what each answers is a test's to say. */
function make(answers: Record<string, Answer | (() => Promise<Answer>)> = {}) {
  const clock = new FakeClock();
  const asked: { host: string; atMs: number; question: Question }[] = [];
  const changes: TrunkHealthChange[] = [];
  const warnings: string[] = [];
  const refused = new Set<string>();
  /** Of hosts that have others than one. */
  const addresses: Record<string, readonly string[]> = {};
  const engine = { connected: true };
  const health = new TrunkHealth({
    clock,
    random: () => 0.5,
    connected: () => engine.connected,
    intervalMs: INTERVAL_MS,
    log: { info: () => undefined, warn: (_fields, message) => void warnings.push(message) },
    hosts: {
      recall: (host, judged) =>
        judged && refused.has(host)
          ? { ok: false, code: 'not_allowed', detail: '', address: '10.0.0.1' }
          : { ok: true, address: '192.0.2.1', addresses: ['192.0.2.1'] },
    },
    servers: {
      locate: async ({ host, port, transport, judged }) =>
        judged && refused.has(host)
          ? { ok: false, code: 'not_allowed', detail: `${host} is inside`, address: '10.0.0.1' }
          : {
              ok: true,
              servers: (addresses[host] ?? ['192.0.2.1']).map((address) => ({
                address,
                port: port ?? 5060,
                transport: transport ?? 'udp',
              })),
            },
    },
    circuits: new ServerCircuits(clock),
    ask: async (question) => {
      const host = question.domain;
      asked.push({ host, atMs: clock.monotonicMs(), question });
      const answer = answers[host] ?? OK;
      return typeof answer === 'function' ? await answer() : answer;
    },
  });
  health.onChange((change) => changes.push(change));
  return { clock, health, answers, asked, changes, warnings, refused, addresses, engine };
}

const gateway = (host: string, port = 5060) => ({ host, port, priority: 1, weight: 1 });
const over = (id: string, ...hosts: string[]): Trunk =>
  trunk(id, { workspaceId: 'ws', kind: 'byoc', outbound: { gateways: hosts.map((host) => gateway(host)) } });

describe('trunk health', () => {
  test('a new trunk is asked soon, then every interval, at the address that was judged', async () => {
    const { clock, health, asked } = make();
    health.watch([over('t', 'a')]);
    expect(health.of('t')).toMatchObject({ state: 'unknown', lastError: null });
    await clock.advanceAsync(100);
    expect(asked).toHaveLength(1);
    expect(asked[0]?.question).toMatchObject({
      method: 'OPTIONS',
      uri: 'sip:a:5060;transport=udp',
      nextHop: 'sip:192.0.2.1:5060;transport=udp',
      credentials: null,
    });
    expect(health.of('t')?.state).toBe('up');
    await clock.advanceAsync(10 * INTERVAL_MS);
    expect(asked).toHaveLength(11);
  });

  test('goes down after three failures, the later ones soon after the first, and up after two answers', async () => {
    const { clock, health, answers, asked, changes } = make();
    health.watch([over('t', 'a')]);
    await clock.advanceAsync(100);
    const startMs = clock.monotonicMs();
    answers['a'] = SILENT;
    await clock.advanceAsync(INTERVAL_MS + 11_000);
    expect(asked.map(({ atMs }) => Math.round((atMs - startMs) / 1000))).toEqual([-0, 30, 35, 40]);
    expect(health.of('t')).toMatchObject({ state: 'down', lastError: 'a:5060: no answer to OPTIONS in 5 s' });
    answers['a'] = OK;
    await clock.advanceAsync(INTERVAL_MS);
    expect(health.of('t')?.state).toBe('down');
    await clock.advanceAsync(5_000);
    expect(health.of('t')).toMatchObject({ state: 'up', lastError: null });
    expect(changes.map(({ before, state }) => `${before} -> ${state}`)).toEqual([
      'unknown -> up',
      'up -> down',
      'down -> up',
    ]);
    expect(changes[1]).toMatchObject({ trunkId: 't', workspaceId: 'ws' });
  });

  test('a trunk is up while one of its gateways is; states are told per gateway', async () => {
    const { clock, health, answers } = make({ b: SILENT });
    const both = over('t', 'a', 'b');
    health.watch([both]);
    await clock.advanceAsync(15_000);
    expect(health.of('t')).toMatchObject({ state: 'up', lastError: 'b:5060: no answer to OPTIONS in 5 s' });
    expect([gateway('a'), gateway('b'), gateway('c')].map((each) => health.stateOf(both, each))).toEqual([
      'up',
      'down',
      'unknown',
    ]);
    answers['a'] = SILENT;
    await clock.advanceAsync(INTERVAL_MS + 15_000);
    expect(health.of('t')?.state).toBe('down');
  });

  test('TH1 two trunks to one gateway cost one question', async () => {
    const { clock, health, asked } = make();
    health.watch([over('t', 'a'), over('u', 'A')]);
    await clock.advanceAsync(200);
    expect(asked).toHaveLength(1);
    expect([health.of('t')?.state, health.of('u')?.state]).toEqual(['up', 'up']);
  });

  test('TH2 at most 16 at a time, and the first ones are spread', async () => {
    const waiting: (() => void)[] = [];
    const hosts = Array.from({ length: 40 }, (_, i) => `g${i}`);
    const slow = () => new Promise<Answer>((resolve) => waiting.push(() => resolve(OK)));
    const { clock, health, asked } = make(Object.fromEntries(hosts.map((host) => [host, slow])));
    health.watch(hosts.map((host) => over(host, host)));
    await clock.advanceAsync(10);
    expect(asked.length).toBeLessThan(3);
    await clock.advanceAsync(5_000);
    expect(asked).toHaveLength(16);
    for (const answer of waiting.splice(0)) answer();
    await clock.advanceAsync(10);
    expect(asked).toHaveLength(32);
  });

  test('TH2 more gateways than are watched: the others stay unknown, and somebody is told', async () => {
    const { health, warnings } = make();
    const ours = (i: number) => trunk(`t${i}`, { outbound: { gateways: [gateway(`g${i}`)] } });
    health.watch(Array.from({ length: 2_001 }, (_, i) => ours(i)));
    expect(health.of('t2000')?.state).toBe('unknown');
    expect(warnings).toHaveLength(1);
  });

  test('TH3 a listener that throws harms nobody; one that has left hears nothing', async () => {
    const { clock, health, changes, warnings } = make();
    health.onChange(() => {
      throw new Error('mine');
    });
    const gone: TrunkHealthChange[] = [];
    health.onChange((change) => gone.push(change))();
    health.watch([over('t', 'a')]);
    await clock.advanceAsync(100);
    expect([changes.length, warnings.length, gone.length]).toEqual([1, 1, 0]);
  });

  test('TH2 a workspace has places for so many gateways: others keep theirs, and strangers are not asked without end', async () => {
    const { clock, health, asked } = make();
    const many = Array.from({ length: 100 }, (_, index) => over(`t${index}`, `host-${index}`));
    const another = trunk('another', {
      workspaceId: 'ws_other',
      kind: 'byoc',
      outbound: { gateways: [gateway('mine')] },
    });
    health.watch([...many, another]);
    await clock.advanceAsync(20_000);
    expect(new Set(asked.map(({ question }) => question.domain)).size).toBe(65);
    expect([health.of('t99')?.state, health.of('another')?.state]).toEqual(['unknown', 'up']);
  });

  test('TH4 while the engine is away nobody is judged', async () => {
    const { clock, health, engine, asked } = make();
    engine.connected = false;
    health.watch([over('t', 'a')]);
    await clock.advanceAsync(5 * INTERVAL_MS);
    expect(asked).toEqual([]);
    expect(health.of('t')?.state).toBe('unknown');
    engine.connected = true;
    await clock.advanceAsync(INTERVAL_MS);
    expect(health.of('t')?.state).toBe('up');
  });

  test('calls count: failures close a gateway, an answer asks for nothing', async () => {
    const { clock, health, asked } = make();
    const [mine] = [over('t', 'a')];
    health.watch([mine]);
    await clock.advanceAsync(100);
    for (const status of [503, null, 500]) health.report(mine, gateway('a'), status);
    expect(health.of('t')).toMatchObject({ state: 'down', lastError: 'a:5060: a call was answered 500' });
    // The first failure brought the next question forward.
    await clock.advanceAsync(5_100);
    expect(asked).toHaveLength(2);
    for (const status of [486, 200]) health.report(mine, gateway('a'), status);
    expect(health.of('t')?.state).toBe('up');
    health.report(mine, gateway('elsewhere'), 503);
    expect(health.of('t')?.state).toBe('up');
  });

  test('a host that leads where calls must not go is refused; the operator’s own is not judged', async () => {
    const { clock, health, refused, asked } = make();
    refused.add('inside');
    const [theirs, ours] = [over('t', 'inside'), trunk('m', { outbound: { gateways: [gateway('inside')] } })];
    health.watch([theirs, ours]);
    await clock.advanceAsync(15_000);
    expect(health.of('t')).toMatchObject({ state: 'down', lastError: 'inside:5060: inside is inside' });
    expect(health.stateOf(theirs, gateway('inside'))).toBe('refused');
    expect(health.of('m')?.state).toBe('up');
    expect(health.stateOf(ours, gateway('inside'))).toBe('up');
    expect(asked).toHaveLength(1);
  });

  test('signalling 5: a trunk that only registers is watched, too', async () => {
    const { clock, health, asked } = make();
    health.watch([{ ...over('t', 'a'), outbound: { ...over('t', 'a').outbound, enabled: false, register: true } }]);
    await clock.advanceAsync(100);
    expect(asked).toHaveLength(1);
    expect(health.of('t')?.state).toBe('up');
  });

  test('signalling 3: whoever relies on a gateway is told when it answers again, be it one of several', async () => {
    const { clock, health, answers } = make();
    const returns: string[] = [];
    health.onReturn((trunkId) => returns.push(trunkId));
    health.watch([over('t', 'a', 'b'), over('other', 'b')]);
    await clock.advanceAsync(200);
    expect(returns).toEqual([]);
    answers['a'] = { kind: 'silent', elapsedMs: 5_000 };
    await clock.advanceAsync(1.2 * INTERVAL_MS);
    expect(health.of('t')?.state).toBe('up');
    delete answers['a'];
    await clock.advanceAsync(1.2 * INTERVAL_MS);
    expect(returns).toEqual(['t']);
  });

  test('signalling 5: a gateway is up while one of its servers answers; the silent one is asked last from then on', async () => {
    const dead = { kind: 'unreachable', elapsedMs: 1 } as const;
    const { clock, health, addresses, asked, answers } = make();
    addresses['a'] = ['192.0.2.1', '192.0.2.2'];
    let first = true;
    answers['a'] = async () => {
      const answer = first ? dead : OK;
      first = false;
      return answer;
    };
    health.watch([over('t', 'a')]);
    await clock.advanceAsync(100);
    expect(health.of('t')?.state).toBe('up');
    await clock.advanceAsync(INTERVAL_MS * 0.9);
    await clock.advanceAsync(INTERVAL_MS * 0.2);
    expect(asked.map(({ question }) => question.nextHop?.slice(4, 13)).slice(0, 3)).toEqual([
      '192.0.2.1',
      '192.0.2.2',
      '192.0.2.2',
    ]);
  });

  test('over TLS the address that was judged is dialled, and the certificate must be for the name', async () => {
    const { clock, health, asked } = make();
    health.watch([trunk('t', { outbound: { transport: 'tls', gateways: [gateway('a', 5061)] } })]);
    await clock.advanceAsync(100);
    expect(asked[0]?.question).toMatchObject({
      uri: 'sip:a:5061;transport=tls',
      nextHop: 'sip:a:5061;transport=tls;maddr=192.0.2.1',
    });
  });

  test('trunks that are gone, switched off or only inbound are forgotten', async () => {
    const { clock, health, asked } = make();
    health.watch([over('t', 'a'), over('u', 'b')]);
    await clock.advanceAsync(200);
    health.watch([trunk('t', { outbound: { enabled: false, gateways: [gateway('a')] } })]);
    expect([health.of('t'), health.of('u'), health.all().size]).toEqual([undefined, undefined, 0]);
    const before = asked.length;
    await clock.advanceAsync(3 * INTERVAL_MS);
    expect(asked).toHaveLength(before);
    expect(clock.pendingTimers).toBe(0);
  });

  test('a trunk that is saved again keeps what is known of its gateways', async () => {
    const { clock, health, changes } = make();
    health.watch([over('t', 'a')]);
    await clock.advanceAsync(100);
    const since = health.of('t')?.since;
    await clock.advanceAsync(1_000);
    health.watch([over('t', 'a')]);
    expect(health.of('t')).toMatchObject({ state: 'up', since });
    expect(changes).toHaveLength(1);
  });

  test('closed, it asks nobody any more', async () => {
    const { clock, health, asked } = make();
    health.watch([over('t', 'a')]);
    health.close();
    await clock.advanceAsync(5 * INTERVAL_MS);
    health.watch([over('u', 'b')]);
    await clock.advanceAsync(5 * INTERVAL_MS);
    expect(asked).toEqual([]);
  });
});
