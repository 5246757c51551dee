import { expect, test } from 'vitest';
import { overlapFinding } from '../../src/diagnosis/overlaps.ts';
import { trunk } from '../routing/records.ts';

const mine = (...addresses: string[]) => trunk('mine', { workspaceId: 'ws_a', kind: 'byoc', inbound: { addresses } });
const theirs = (...addresses: string[]) =>
  trunk('theirs', { workspaceId: 'ws_b', kind: 'byoc', label: 'Secret Corp', inbound: { addresses } });
const names = new Map([['sbc.example', ['203.0.113.7']]]);

test.each([
  ['nothing in common', ['203.0.113.0/28'], ['198.51.100.0/24'], 'ok', /Nobody else/],
  ['one address', ['203.0.113.7'], ['203.0.113.7'], 'warning', /203\.0\.113\.7, too/],
  ['one block', ['203.0.113.0/24'], ['203.0.113.0/24'], 'warning', /too/],
  ['the same block, written otherwise', ['203.0.113.0/24'], ['203.0.113.99/24'], 'warning', /too/],
  ['a name of mine that leads there', ['sbc.example'], ['203.0.113.7'], 'warning', /sbc\.example, too/],
  ['a name of theirs that leads there', ['203.0.113.7'], ['SBC.example'], 'warning', /too/],
  ['an address inside my block', ['203.0.113.0/24'], ['203.0.113.7'], 'warning', /203\.0\.113\.0\/24, too/],
  ['a block around mine', ['203.0.113.7'], ['203.0.113.0/24'], 'warning', /203\.0\.113\.7, too/],
  ['the other family', ['203.0.113.7'], ['2001:db8::/32'], 'ok', /Nobody/],
  ['a name that is not known yet', ['other.example'], ['203.0.113.7'], 'ok', /Nobody/],
  ['an IPv6 block', ['2001:db8::1'], ['2001:db8::/64'], 'warning', /too/],
] as const)('%s', (_what, addresses, others, state, seen) => {
  const finding = overlapFinding(mine(...addresses), [mine(...addresses), theirs(...others)], names);
  expect(finding).toMatchObject({ step: 'overlap', state });
  expect(finding.seen).toMatch(seen);
  // Who the other one is stays a secret.
  expect(JSON.stringify(finding)).not.toMatch(/Secret|ws_b|theirs/);
  expect(finding.advice === null).toBe(state === 'ok');
});

test('trunks of the same workspace, of nobody, or switched off are no overlap; the trunk itself neither', () => {
  const own = trunk('own', { workspaceId: 'ws_a', kind: 'byoc', inbound: { addresses: ['203.0.113.7'] } });
  const off = trunk('off', { workspaceId: 'ws_b', inbound: { enabled: false, addresses: ['203.0.113.7'] } });
  expect(overlapFinding(mine('203.0.113.7'), [mine('203.0.113.7'), own, off], names).state).toBe('ok');
  const managed = trunk('managed', { inbound: { addresses: ['203.0.113.7'] } });
  expect(overlapFinding(mine('203.0.113.7'), [managed], names).state).toBe('warning');
});

test('a long list is cut', () => {
  const many = Array.from({ length: 9 }, (_, i) => `203.0.113.${i + 1}`);
  expect(overlapFinding(mine(...many), [theirs(...many)], names).seen).toContain('203.0.113.5 and 4 more');
});
