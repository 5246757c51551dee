import { describe, expect, test } from 'vitest';
import { verdictOf } from '../../src/domain/reasons.ts';
import { type InboundQuestion, routeInbound } from '../../src/routing/inbound.ts';
import { DEMO_TRUNKS, LOOPBACK, LOOPBACK_BYOC, lookup, number, trunk } from './records.ts';

function route(calledUser: string, change: Partial<InboundQuestion> = {}) {
  return routeInbound({
    sourceIp: '127.0.0.1',
    called: { requestUser: calledUser },
    trunks: DEMO_TRUNKS,
    lookup,
    ...change,
  });
}

describe('a call from a carrier', () => {
  test('reaches the agent of a managed number over the managed trunk', () => {
    expect(route('+12025550100')).toMatchObject({ ok: true, trunk: LOOPBACK, agentId: 'echo', class: 'managed' });
  });

  test('reaches a byoc number over the byoc trunk at the same address: the called number tells them apart', () => {
    expect(route('+12025550101')).toMatchObject({ ok: true, trunk: LOOPBACK_BYOC, agentId: 'echo', class: 'byoc' });
  });

  test('reaches no byoc number over the operator’s trunk, whatever its record says', () => {
    const claimed = number('+12025550199', { provider: 'byoc', trunkId: 'loopback', workspaceId: 'other' });
    expect(route('+12025550199', { lookup: () => [claimed] })).toMatchObject({ ok: false, reason: 'unknown_number' });
  });

  test.each([
    '12025550100',
    '0012025550100',
    '01112025550100',
    '%2B12025550100',
    '+1-202-555-0100',
    '+12025550100;npdi;rn=1',
  ])('is understood when the called user is written %s', (user) => {
    expect(route(user)).toMatchObject({ ok: true, number: { e164: '+12025550100' } });
  });

  test.each([
    ['from an address of no trunk', '+12025550100', { sourceIp: '192.0.2.1' }, 'unknown_source', 403],
    ['from an address of no trunk to no number', 'nobody', { sourceIp: '192.0.2.1' }, 'unknown_source', 403],
    ['to a number nobody has', '+12025559999', {}, 'unknown_number', 404],
    ['to something that is no number', 'sales', {}, 'unknown_number', 404],
    ['to nothing', '', {}, 'unknown_number', 404],
    ['to a number of another trunk', '+12025550101', { trunks: [LOOPBACK] }, 'unknown_number', 404],
    ['to a number that is not active yet', '+12025550105', {}, 'unknown_number', 404],
    ['to a number without an agent', '+12025550102', {}, 'number_unassigned', 480],
    ['to a personal number', '+12025550103', {}, 'outbound_only', 403],
    ['to a number for outbound calls', '+12025550104', {}, 'outbound_only', 403],
  ] as const)('%s is refused', (_name, user, change, reason, status) => {
    const verdict = route(user, change);
    expect(verdict).toMatchObject({ ok: false, reason });
    expect(verdictOf(reason).sipStatus).toBe(status);
    expect(verdict.steps.at(-1)?.result).toBe('failed');
  });

  test('never reaches a number of another workspace over a workspace trunk, whatever the record says', () => {
    const foreign = number('+12025550100', { workspaceId: 'other', trunkId: 'loopback-byoc' });
    expect(route('+12025550100', { lookup: () => [foreign] })).toMatchObject({ ok: false, reason: 'unknown_number' });
  });

  test('finds the record of its own trunk among several of one number', () => {
    const records = [
      number('+12025550100', { id: 'elsewhere', trunkId: 'telnyx-1' }),
      number('+12025550100', { id: 'here', trunkId: 'loopback-byoc', provider: 'byoc' }),
    ];
    expect(route('+12025550100', { lookup: () => records })).toMatchObject({ ok: true, number: { id: 'here' } });
  });

  test('takes a managed number without a trunk on any managed carrier, and on no other', () => {
    const anywhere = number('+12025550100', { trunkId: null });
    expect(route('+12025550100', { lookup: () => [anywhere] })).toMatchObject({ ok: true, trunk: LOOPBACK });
    const elsewhere = route('+12025550100', { lookup: () => [anywhere], trunks: [LOOPBACK_BYOC] });
    expect(elsewhere).toMatchObject({ ok: false, reason: 'unknown_number' });
  });

  test('to an imported number is classed imported', () => {
    const telnyx = trunk('telnyx-1', { kind: 'telnyx', workspaceId: 'demo' });
    const imported = number('+12025550100', { provider: 'telnyx', trunkId: 'telnyx-1' });
    const verdict = route('+12025550100', { trunks: [telnyx], lookup: () => [imported] });
    expect(verdict).toMatchObject({ ok: true, class: 'imported' });
    const twilio = number('+12025550100', { provider: 'twilio', trunkId: 'loopback-byoc' });
    expect(route('+12025550100', { lookup: () => [twilio] })).toMatchObject({ ok: true, class: 'imported' });
  });
});

describe('the explanation of a route', () => {
  test('tells every step of a call that is connected', () => {
    expect(route('+12025550100').steps).toEqual([
      { check: 'source', result: 'ok', seen: '127.0.0.1 is in 127.0.0.0/8 of trunk "loopback", trunk "loopback-byoc"' },
      { check: 'called_number', result: 'ok', seen: 'the called number is +12025550100' },
      { check: 'number', result: 'ok', seen: '+12025550100 is a number of trunk "loopback"' },
      { check: 'agent', result: 'ok', seen: 'assigned to agent echo' },
    ]);
  });

  test('says that the trunk is switched off', () => {
    const off = trunk('off', { inbound: { enabled: false } });
    expect(route('+12025550100', { trunks: [off] }).steps).toEqual([
      { check: 'source', result: 'note', seen: 'inbound calls are switched off on trunk "off"' },
      { check: 'source', result: 'failed', seen: 'no trunk accepts calls from 127.0.0.1' },
    ]);
  });
});

describe('RI4 a trunk that is set to one transport', () => {
  const secure = trunk('loopback', { inbound: { transport: 'tls' } });

  test.each([
    ['tls', true],
    ['TLS', true],
    [undefined, true],
    ['udp', false],
    ['tcp', false],
    ['wss', false],
  ])('asked over %s lets the call through: %s', (transport, ok) => {
    const verdict = route('+12025550100', { trunks: [secure], transport });
    expect(verdict.ok).toBe(ok);
    if (!verdict.ok) {
      expect(verdict).toMatchObject({ reason: 'transport_mismatch', trunk: secure, number: { e164: '+12025550100' } });
      expect(verdict.steps.at(-1)).toMatchObject({ check: 'transport', result: 'failed' });
    }
  });

  test('does not fall back to another trunk at the address', () => {
    expect(route('+12025550100', { trunks: [secure, LOOPBACK_BYOC], transport: 'udp' })).toMatchObject({
      reason: 'transport_mismatch',
    });
  });
});
