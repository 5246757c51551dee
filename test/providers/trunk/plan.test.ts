import { describe, expect, test } from 'vitest';
import type { OutboundAuth, TrunkPlan } from '../../../src/providers/index.ts';
import { createSipCredentials } from '../../../src/providers/index.ts';
import { checkPlan } from '../../../src/providers/trunk/plan.ts';
import { SeededRandom } from '../../metering/support/random.ts';
import { plan, SIP_PASSWORD } from '../stage.ts';

const problem = (over: Partial<TrunkPlan>) => checkPlan(plan(over));
const at = (host: string, port = 5061): Partial<TrunkPlan> => ({ gateway: { host, port, transport: 'tls' } });

describe('a plan', () => {
  test.each(['sip.example.com', 'a-b.example', 'edge1.sip.example.co', 'xn--bcher-kva.example', '203.0.113.7'])(
    'may have its calls sent to %s',
    (host) => expect(problem(at(host))).toBeNull(),
  );

  test.each([
    '127.0.0.1',
    '10.1.2.3',
    '172.31.0.1',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '0.0.0.0',
    '224.0.0.1',
    'localhost',
    'edge',
    'edge.local',
    'edge.internal',
    'example..com',
    '-a.example.com',
    'a.example.com.',
    'sip.example.com;transport=udp',
    'user@sip.example.com',
    'sip.example.com:5060',
    '2130706433',
    '0x7f.0.0.1',
    '::1',
    '',
  ])('may not have them sent to %j', (host) => {
    expect(problem(at(host))).toEqual({ code: 'gateway_address_invalid', detail: `the address is ${host}` });
  });

  test.each([
    ['reference', { reference: 'a' }],
    ['reference', { reference: 'Acct' }],
    ['reference', { reference: 'acct.7k2m' }],
    ['reference', { reference: '-acct' }],
    ['reference', { reference: 'a'.repeat(31) }],
    ['gateway.port', at('sip.example.com', 0)],
    ['gateway.port', at('sip.example.com', 65_536)],
    ['gateway.port', at('sip.example.com', 5060.5)],
    ['allowedCountries', { allowedCountries: [] }],
    ['allowedCountries', { allowedCountries: ['us'] }],
    ['allowedCountries', { allowedCountries: ['worldwide'] }],
    ['numbers', { numbers: Array(1_001).fill({ providerId: 'x', takeOver: false }) }],
  ] as [string, Partial<TrunkPlan>][])('without a good %s is refused: %j', (name, over) => {
    expect(problem(over)).toEqual({ code: 'setup_invalid', detail: name });
  });

  test.each([
    ['outbound.username', { kind: 'credentials', username: 'a b', password: SIP_PASSWORD }],
    ['outbound.username', { kind: 'credentials', username: 'abc', password: SIP_PASSWORD }],
    ['outbound.password', { kind: 'credentials', username: 'abcd', password: 'Short1Short' }],
    ['outbound.password', { kind: 'credentials', username: 'abcd', password: 'no digits or Capitals' }],
    ['outbound.password', { kind: 'credentials', username: 'abcd', password: 'alllowercase1' }],
    ['outbound.addresses', { kind: 'addresses', addresses: [] }],
    ['outbound.addresses', { kind: 'addresses', addresses: ['2001:db8::1'] }],
    ['outbound.addresses', { kind: 'addresses', addresses: ['203.0.113.0/33'] }],
  ] as [string, OutboundAuth][])('without a good %s is refused', (name, outbound) => {
    const found = problem({ outbound });
    expect(found).toEqual({ code: 'setup_invalid', detail: name });
    // By name, not by value: one of them is a password.
    if (outbound.kind === 'credentials') expect(JSON.stringify(found)).not.toContain(outbound.password);
  });
});

test('credentials that we make are within the rules of both providers, and differ', () => {
  const random = new SeededRandom(7);
  const randomBytes = (size: number) => Uint8Array.from({ length: size }, () => random.below(256));
  const made = Array.from({ length: 200 }, () => createSipCredentials(randomBytes));
  for (const outbound of made) {
    expect(problem({ outbound: { kind: 'credentials', ...outbound } })).toBeNull();
    expect(outbound.password.length).toBeGreaterThanOrEqual(28);
  }
  expect(new Set(made.map(({ username }) => username)).size).toBe(200);
  expect(new Set(made.map(({ password }) => password)).size).toBe(200);
  const zeros = createSipCredentials((size) => new Uint8Array(size));
  expect(problem({ outbound: { kind: 'credentials', ...zeros } })).toBeNull();
});
