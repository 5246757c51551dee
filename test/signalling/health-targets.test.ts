import { expect, test } from 'vitest';
import type { Trunk } from '../../src/domain/directory.ts';
import { HealthTargets } from '../../src/signalling/health-targets.ts';
import { trunk } from '../routing/records.ts';

const gateway = (host: string, port: number | null = 5060) => ({ host, port, priority: 1, weight: 1 });
const over = (id: string, workspaceId: string | null, ...hosts: string[]): Trunk =>
  trunk(id, { workspaceId, kind: 'byoc', outbound: { gateways: hosts.map((host) => gateway(host)) } });
const range = (count: number, name: string) => Array.from({ length: count }, (_, index) => `${name}${index}`);

function made() {
  const tooMany: string[] = [];
  const targets = new HealthTargets({
    nowMs: () => 7,
    firstDueMs: (index) => 100 + index,
    onTooMany: ({ id }, max) => void tooMany.push(`${id} ${max}`),
  });
  const hosts = () => [...targets].map(({ host }) => host);
  return { hosts, targets, tooMany };
}

test('a gateway is one target, whichever trunk leads to it, and however its name is written', () => {
  const { hosts, targets } = made();
  const [t, u] = [over('t', 'ws', 'a', 'b'), over('u', 'ws', 'A')];
  const led = targets.lead([t, u]);
  expect(hosts()).toEqual(['a', 'b']);
  expect(led.get(u)?.[0]).toBe(led.get(t)?.[0]);
  expect(targets.of(u, gateway('a'))).toBe(led.get(t)?.[0]);
  expect([...targets].map(({ dueAtMs, health, underWay }) => [dueAtMs, health.since, underWay])).toEqual([
    [100, 7, false],
    [101, 7, false],
  ]);
});

test('port, transport, and whether it is judged make another one', () => {
  const { targets } = made();
  const operators = over('o', null, 'a');
  const tls = trunk('s', { workspaceId: 'ws', kind: 'byoc', outbound: { gateways: [gateway('a')], transport: 'tls' } });
  const ports = trunk('p', {
    workspaceId: 'ws',
    kind: 'byoc',
    outbound: { gateways: [gateway('a'), gateway('a', null)] },
  });
  targets.lead([operators, tls, ports]);
  expect([...targets].map(({ judged, port, transport }) => [judged, port, transport])).toEqual([
    [false, 5060, 'udp'],
    [true, 5060, 'tls'],
    [true, 5060, 'udp'],
    [true, null, 'udp'],
  ]);
});

test('what is known is kept as long as one trunk leads there', () => {
  const { hosts, targets } = made();
  targets.lead([over('t', 'ws', 'a', 'b'), over('u', 'ws', 'a')]);
  const known = [...targets][0];
  if (known === undefined) throw new Error('no target');
  known.answersOptions = true;
  targets.lead([over('u', 'ws', 'a')]);
  expect([hosts(), [...targets][0]]).toEqual([['a'], known]);
  targets.lead([]);
  expect(hosts()).toEqual([]);
  targets.lead([over('t', 'ws', 'a')]);
  expect([...targets][0]?.answersOptions).toBe(false);
});

test('of one workspace 64, of the operator as many as fit, 2 000 in all', () => {
  const { hosts, targets, tooMany } = made();
  const [customers, operators] = [over('c', 'ws', ...range(70, 'c')), over('o', null, ...range(1_940, 'o'))];
  // A place that is one's own already takes no other.
  const again = over('again', 'ws', 'c0', 'c69');
  const led = targets.lead([customers, again, operators]);
  expect(led.get(again)?.map(({ host }) => host)).toEqual(['c0']);
  expect([led.get(customers)?.length, led.get(operators)?.length, hosts().length]).toEqual([64, 1_936, 2_000]);
  expect(tooMany).toEqual(['o 2000', 'o 2000', 'o 2000', 'o 2000']);
});

test('who comes in the place of others finds theirs free', () => {
  const { hosts, targets, tooMany } = made();
  targets.lead([over('o', null, ...range(2_000, 'old'))]);
  targets.lead([over('o', null, 'old0', ...range(1_999, 'new'))]);
  expect([hosts().length, hosts()[0], hosts().at(-1), tooMany]).toEqual([2_000, 'old0', 'new1998', []]);
});
