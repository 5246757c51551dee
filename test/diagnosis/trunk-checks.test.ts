import { describe, expect, test } from 'vitest';
import { TrunkChecks, type TrunkChecksOptions } from '../../src/diagnosis/trunk-checks.ts';
import type { Answer } from '../../src/signalling/index.ts';
import { trunk } from '../routing/records.ts';
import { FakeClock } from '../support/fake-clock.ts';

const OK: Answer = {
  kind: 'answered',
  status: 200,
  reason: 'OK',
  elapsedMs: 1,
  challenged: false,
  authenticated: false,
};

function make(change: Partial<TrunkChecksOptions> = {}) {
  const clock = new FakeClock();
  const checks = new TrunkChecks({
    clock,
    hosts: {
      locate: async (host, judged) => {
        if (host === 'nope.example') return { ok: false, code: 'not_found', detail: '' };
        if (host === 'inside.example' && judged)
          return { ok: false, code: 'not_allowed', detail: 'inside', address: '10.0.0.1' };
        return { ok: true, address: '192.0.2.1', addresses: ['192.0.2.1'] };
      },
    },
    servers: {
      locate: async ({ host, port, judged }) => {
        if (host === 'nope.example') return { ok: false, code: 'not_found', detail: '' };
        if (host === 'inside.example' && judged)
          return { ok: false, code: 'not_allowed', detail: 'inside', address: '10.0.0.1' };
        return { ok: true, servers: [{ transport: 'udp', address: '192.0.2.1', port: port ?? 5060 }] };
      },
    },
    ask: async () => OK,
    services: async () => [],
    allTrunks: async () => [],
    resolvedHosts: () => new Map(),
    ...change,
  });
  return { clock, checks };
}

const gateways = (...hosts: string[]) => hosts.map((host) => ({ host, port: 5060, priority: 1, weight: 1 }));
const ofCustomer = (...hosts: string[]) =>
  trunk('t', { workspaceId: 'ws', kind: 'byoc', outbound: { gateways: gateways(...hosts) } });
const never = <T>() => new Promise<T>(() => undefined);

describe('the checks of a trunk', () => {
  test('look at both sides; what is switched off is skipped', async () => {
    const { checks } = make();
    const both = trunk('t', { inbound: { addresses: ['sbc.example', '192.0.2.0/24', 'nope.example'] } });
    expect((await checks.check(both)).map(({ step, state, subject }) => [step, state, subject])).toEqual([
      ['inbound_address', 'ok', 'sbc.example'],
      ['inbound_address', 'failed', 'nope.example'],
      ['overlap', 'ok', null],
      ['gateway_address', 'ok', '127.0.0.1'],
      ['gateway_options', 'ok', '127.0.0.1:5070'],
      ['credentials', 'skipped', '127.0.0.1:5070'],
    ]);
    const neither = trunk('t', { inbound: { enabled: false }, outbound: { enabled: false } });
    expect((await checks.check(neither)).map(({ state }) => state)).toEqual(['skipped', 'skipped']);
  });

  test('a name among the sources counts for overlaps with what it leads to now', async () => {
    const theirs = trunk('theirs', { workspaceId: 'other', inbound: { addresses: ['192.0.2.1'] } });
    const { checks } = make({ allTrunks: async () => [theirs] });
    const mine = trunk('t', { inbound: { addresses: ['sbc.example'] }, outbound: { enabled: false } });
    expect((await checks.check(mine)).find(({ step }) => step === 'overlap')?.state).toBe('warning');
  });

  test('TC1 a gateway that never answers costs five seconds, and the others are told all the same', async () => {
    const { clock, checks } = make({ ask: ({ domain }) => (domain === 'slow' ? never() : Promise.resolve(OK)) });
    const found = checks.check(ofCustomer('slow', 'fast'));
    await clock.advanceAsync(5_000);
    const findings = await found;
    expect(
      findings.filter(({ step }) => step === 'gateway_options').map(({ subject, state }) => [subject, state]),
    ).toEqual([
      ['slow:5060', 'skipped'],
      ['fast:5060', 'ok'],
    ]);
    expect(clock.pendingTimers).toBe(0);
  });

  test('TC2 two at once for a workspace, sixteen in all; places come back', async () => {
    const waiting: ((answer: Answer) => void)[] = [];
    const { clock, checks } = make({ ask: () => new Promise((resolve) => waiting.push(resolve)) });
    const of = (workspaceId: string) => ({ ...ofCustomer('a'), workspaceId });
    const running = [checks.check(of('w1')), checks.check(of('w1'))];
    await expect(checks.check(of('w1'))).rejects.toMatchObject({ code: 'checks_busy' });
    for (let i = 2; i <= 8; i += 1) running.push(checks.check(of(`w${i}`)), checks.check(of(`w${i}`)));
    expect(running).toHaveLength(16);
    await expect(checks.check(of('w9'))).rejects.toMatchObject({ code: 'checks_busy' });
    await clock.advanceAsync(1);
    for (const answer of waiting) answer(OK);
    await Promise.all(running);
    await clock.advanceAsync(1);
    const again = checks.check(of('w1'));
    await clock.advanceAsync(1);
    waiting.at(-1)?.(OK);
    expect((await again).at(-1)?.step).toBe('credentials');
  });

  test('a gateway inside is told before saving, a name that leads nowhere is not', async () => {
    const { checks } = make();
    expect(await checks.refusedGateway(ofCustomer('nope.example', 'inside.example'))).toEqual({
      index: 1,
      detail: 'inside',
    });
    expect(await checks.refusedGateway(ofCustomer('nope.example'))).toBeUndefined();
    expect(
      await checks.refusedGateway(trunk('m', { outbound: { gateways: gateways('inside.example') } })),
    ).toBeUndefined();
  });
});
