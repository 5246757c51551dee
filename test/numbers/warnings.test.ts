import { afterEach, expect, test } from 'vitest';
import { warningsOf } from '../../src/numbers/warnings.ts';
import { number, trunk } from '../directory/records.ts';
import { startWorld, type World } from '../http/world.ts';

// What a number lacks, told where people look for it.

const sources = { trunks: [trunk()], isTrunkDown: () => false };
const managed = { ...sources, trunks: [trunk({ kind: 'managed', workspaceId: null })] };

test.each([
  ['all is well', number(), sources, []],
  ['no agent', number({ agentId: null }), sources, ['not_assigned_to_agent']],
  ['a month is owed', number({ feeState: 'unpaid' }), sources, ['fee_unpaid']],
  ['owed for long', number({ feeState: 'suspended' }), sources, ['fee_unpaid', 'outbound_suspended']],
  ['its trunk is down', number(), { ...sources, isTrunkDown: (id: string) => id === 'trunk_a' }, ['trunk_down']],
  ['managed, and no managed trunk', number({ provider: 'managed', trunkId: null }), sources, ['trunk_missing']],
  ['managed, and any managed trunk will do', number({ provider: 'managed', trunkId: null }), managed, []],
  ['personal needs no trunk', number({ provider: 'personal', trunkId: null }), sources, []],
  ['being imported', number({ provider: 'twilio', trunkId: null, status: 'pending' }), sources, ['not_connected']],
  ['released', number({ provider: 'managed', status: 'released', agentId: null, feeState: 'unpaid' }), sources, []],
] as const)('%s', (_name, item, from, warnings) => {
  expect(warningsOf(item, from)).toEqual(warnings);
});

test('without knowledge of trunks nothing is said of them', () => {
  expect(warningsOf(number({ provider: 'managed', trunkId: null }))).toEqual([]);
});

let world: World | undefined;
afterEach(() => world?.close());

test('the list tells of a trunk that does not answer', async () => {
  const health = { state: 'down', since: 1_000, lastError: 'no answer' } as const;
  world = await startWorld({ trunkHealth: () => health });
  const { id, token } = await world.workspace('A');
  await world.directory.trunks.put(trunk({ workspaceId: id }));
  await world.directory.numbers.put(number({ workspaceId: id, agentId: null }));
  const { body } = await world.ask('GET', '/v1/numbers', { token });
  expect(body.items[0].warnings).toEqual(['not_assigned_to_agent', 'trunk_down']);
});
