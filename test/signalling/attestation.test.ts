import { describe, expect, test } from 'vitest';
import { readAttestation } from '../../src/signalling/attestation.ts';

const NOW_MS = Date.UTC(2026, 10, 25, 12);
const CLAIMS = {
  attest: 'A',
  dest: { tn: ['12025550100'] },
  iat: NOW_MS / 1000 - 2,
  orig: { tn: '12025550199' },
  origid: '123e4567-e89b-12d3-a456-426655440000',
};
const HEADER = { alg: 'ES256', ppt: 'shaken', typ: 'passport', x5u: 'https://cert.example.org/passport.cer' };
const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
const passport = (claims: object = {}, header: object = {}) =>
  `${part({ ...HEADER, ...header })}.${part({ ...CLAIMS, ...claims })}.c2lnbmF0dXJl;info=<https://cert.example.org/passport.cer>;alg=ES256;ppt=shaken`;

const read = (headers: Record<string, string>) =>
  readAttestation({ headers, from: '+12025550199', to: '+12025550100', nowMs: NOW_MS });

describe('signalling 20: Identity (RFC 8224, 8225, 8588)', () => {
  test('is read, and never called verified', () => {
    expect(read({ identity: passport() })).toEqual({
      level: 'A',
      source: 'identity',
      carrierVerdict: null,
      verified: false,
      origId: '123e4567-e89b-12d3-a456-426655440000',
      problem: null,
    });
  });

  test.each(['A', 'B', 'C'])('attestation %s', (attest) => {
    expect(read({ identity: passport({ attest }) })?.level).toBe(attest);
  });

  test.each([
    ['an old token', { iat: NOW_MS / 1000 - 90 }, {}, 'stale'],
    ['a token of the future', { iat: NOW_MS / 1000 + 90 }, {}, 'stale'],
    ['another caller', { orig: { tn: '12025550198' } }, {}, 'other_caller'],
    ['another called party', { dest: { tn: ['12025550101'] } }, {}, 'other_called'],
    ['an unknown level', { attest: 'D' }, {}, 'malformed'],
    ['a list as level', { attest: ['A'] }, {}, 'malformed'],
    ['no time', { iat: 'now' }, {}, 'malformed'],
    ['another kind', {}, { ppt: 'div' }, 'unsupported'],
    ['no signature algorithm', {}, { alg: 'none' }, 'unsupported'],
    ['no passport', {}, { typ: 'JWT' }, 'malformed'],
  ])('%s attests nothing', (_what, claims, header, problem) => {
    expect(read({ identity: passport(claims, header) })).toMatchObject({ level: null, origId: null, problem });
  });

  test.each([
    'x',
    '..c2ln;info=<https://cert.example.org/c>;alg=ES256;ppt=shaken',
    'a.b.c',
    `${'a'.repeat(5000)}.b.c`,
    `${part([])}.${part([])}.x`,
    '\u0000.\u0000.\u0000',
  ])('%j attests nothing', (identity) => {
    expect(read({ identity })).toMatchObject({ level: null, verified: false, problem: expect.any(String) });
  });

  test('of several, the one that can be used; however many there are, few are looked at', () => {
    expect(read({ identity: `${passport({}, { ppt: 'div' })},${passport({ attest: 'B' })}` })?.level).toBe('B');
    expect(read({ identity: Array(100).fill(passport()).join(',') })?.level).toBeNull();
  });
});

describe('signalling 20: verstat and P-Attestation-Indicator', () => {
  test.each([
    ['<tel:+12025550199;verstat=TN-Validation-Passed>', 'passed', null],
    ['<sip:+12025550199;verstat=TN-Validation-Passed-A@carrier.example;user=phone>', 'passed', 'A'],
    ['"Ann" <sip:+12025550199@carrier.example;user=phone;verstat=TN-Validation-Passed-B>', 'passed', 'B'],
    ['<tel:+12025550199;verstat=TN-Validation-Failed>', 'failed', null],
    ['<tel:+12025550199;verstat=No-TN-Validation>', 'not_validated', null],
  ])('%s', (value, carrierVerdict, level) => {
    const expected = { source: 'verstat', carrierVerdict, level, verified: false };
    expect(read({ 'p-asserted-identity': value })).toMatchObject(expected);
    expect(read({ from: `${value};tag=1` })).toMatchObject(expected);
  });

  test('a display name says nothing', () => {
    const from = '";verstat=TN-Validation-Passed-A <x>" <sip:+12025550199@h>;tag=1';
    expect(read({ from })).toBeNull();
    expect(read({ from: '<sip:a@h>;verstat=TN-Validation-Passed-A;tag=1' })).toBeNull();
  });

  test('the carrier’s word comes before the token that nobody has verified', () => {
    const identity = passport({ attest: 'A' });
    expect(read({ identity, 'p-attestation-indicator': 'C' })).toMatchObject({
      level: 'C',
      source: 'p_attestation_indicator',
    });
    const failed = '<tel:+12025550199;verstat=TN-Validation-Failed>';
    expect(read({ identity, 'p-asserted-identity': failed })).toMatchObject({ level: null, carrierVerdict: 'failed' });
    const passed = '<tel:+12025550199;verstat=TN-Validation-Passed>';
    expect(read({ identity, 'p-asserted-identity': passed })).toMatchObject({ level: 'A', carrierVerdict: 'passed' });
  });

  test('P-Origination-ID', () => {
    const headers = { 'p-attestation-indicator': 'B', 'p-origination-id': 'abcd-12' };
    expect(read(headers)).toMatchObject({ level: 'B', origId: 'abcd-12' });
    expect(read({ ...headers, 'p-origination-id': 'x"><script>' })?.origId).toBeNull();
  });

  test('an INVITE that says nothing', () => expect(read({ from: '<sip:+12025550199@h>;tag=1' })).toBeNull());
});
