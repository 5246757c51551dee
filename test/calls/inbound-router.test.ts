import { expect, test } from 'vitest';
import { createInboundRouter } from '../../src/calls/inbound-router.ts';
import type { PhoneNumber } from '../../src/domain/directory.ts';
import { number, trunk } from '../routing/records.ts';

// Which trunk a call belongs to that came to the Contact of a registration.

const REGISTRAR = '198.51.100.1';
const mine = trunk('mine', { workspaceId: 'ws_a', kind: 'byoc', inbound: { addresses: [REGISTRAR] } });
const others = trunk('others', { workspaceId: 'ws_b', kind: 'byoc', inbound: { addresses: [REGISTRAR] } });
const numbers: PhoneNumber[] = [
  number('+12025550100', { workspaceId: 'ws_a', trunkId: 'mine', provider: 'byoc' }),
  number('+12025550101', { workspaceId: 'ws_b', trunkId: 'others', provider: 'byoc' }),
];

const routerWith = (calledNumber: string | null) =>
  createInboundRouter({
    directory: {
      allTrunks: async () => [mine, others],
      numbers: { byE164: async (e164: string) => numbers.filter((each) => each.e164 === e164) } as never,
    },
    resolvedHosts: () => new Map(),
    registeredCall: (user, sourceIp) =>
      user === 'token' && sourceIp === REGISTRAR ? { trunkId: 'mine', calledNumber } : undefined,
  });

test.each([
  ['the number in To', null, '+12025550100', { ok: true, number: { e164: '+12025550100' } }],
  ['the number that is configured', '+12025550100', 'acme', { ok: true, number: { e164: '+12025550100' } }],
  ['no number of another trunk at that address', null, '+12025550101', { ok: false, reason: 'unknown_number' }],
])('signalling 3: a call to the Contact reaches %s', async (_what, calledNumber, to, verdict) => {
  const route = routerWith(calledNumber);
  const called = { requestUser: 'token', to };
  expect(await route({ sourceIp: REGISTRAR, called })).toMatchObject({ ...verdict, trunk: { id: 'mine' } });
});

test('signalling 3: the Contact from another address is a stranger’s', async () => {
  const verdict = await routerWith(null)({
    sourceIp: '203.0.113.9',
    called: { requestUser: 'token', to: '+12025550100' },
  });
  expect(verdict).toMatchObject({ ok: false, reason: 'unknown_source' });
});

test('signalling 3: a call to the Contact that names no number of the trunk is refused with what the operator can do', async () => {
  const called = { requestUser: 'token', to: 'acme' };
  const failed = { check: 'called_number', result: 'failed', seen: expect.stringContaining('calledNumber') };
  const refused = await routerWith(null)({ sourceIp: REGISTRAR, called });
  expect([refused.ok, refused.steps.at(-1)]).toEqual([false, failed]);
  const others = [
    // The number is said, and is none of the trunk's.
    await routerWith('+12025550109')({ sourceIp: REGISTRAR, called }),
    // It did not come to the Contact.
    await routerWith(null)({ sourceIp: REGISTRAR, called: { requestUser: 'acme' } }),
  ];
  for (const { ok, steps } of others) {
    expect(ok).toBe(false);
    expect(steps).not.toContainEqual(failed);
  }
});
