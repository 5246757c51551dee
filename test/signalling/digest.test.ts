import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { answerChallenge } from '../../src/signalling/digest.ts';

const ask = (value: string, change: Partial<Parameters<typeof answerChallenge>[0]> = {}) =>
  answerChallenge({
    status: 401,
    headers: { 'www-authenticate': value },
    method: 'GET',
    uri: '/dir/index.html',
    credentials: { username: 'Mufasa', password: 'Circle of Life' },
    cnonce: 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ',
    ...change,
  });

const RFC7616 =
  'realm="http-auth@example.org", qop="auth, auth-int", nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"';
const MD5_RESPONSE = 'response="8ca523f5e9506fed4657c9700eebdbec"';
const SHA256_RESPONSE = 'response="753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"';

test('the example of RFC 7616 section 3.9.1, MD5', () => {
  expect(ask(`Digest ${RFC7616}, algorithm=MD5`)?.value).toContain(MD5_RESPONSE);
});

test('the example of RFC 7616 section 3.9.1, SHA-256', () => {
  expect(ask(`Digest ${RFC7616}, algorithm=SHA-256`)?.value).toContain(SHA256_RESPONSE);
});

test('SHA-256 is taken wherever it is offered, before or after MD5', () => {
  const md5 = `Digest ${RFC7616}, algorithm=MD5`;
  const sha = `DIGEST ${RFC7616}, algorithm=SHA-256`;
  expect(ask(`${md5}, ${sha}`)?.value).toContain(SHA256_RESPONSE);
  expect(ask(`${sha},${md5}`)?.value).toContain(SHA256_RESPONSE);
});

test('the example of RFC 2617 section 3.5 without qop is the old formula', () => {
  const answer = answerChallenge({
    status: 407,
    headers: { 'proxy-authenticate': 'Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"' },
    method: 'GET',
    uri: '/dir/index.html',
    credentials: { username: 'Mufasa', password: 'Circle Of Life' },
    cnonce: 'x',
  });
  expect(answer?.header).toBe('Proxy-Authorization');
  expect(answer?.value).toContain('response="670fd8c2df070c60b045671b8b24ff02"');
  expect(answer?.value).not.toContain('cnonce');
});

test('stale is told', () => {
  expect(ask(`Digest ${RFC7616}, stale=TRUE`)?.stale).toBe(true);
  expect(ask(`Digest ${RFC7616}`)?.stale).toBe(false);
});

test.each([
  ['another scheme', 'Basic realm="x"'],
  ['an unknown algorithm', `Digest ${RFC7616}, algorithm=SHA-1`],
  ['another qop', 'Digest realm="r", nonce="n", qop="auth-conf"'],
  ['no nonce', 'Digest realm="r"'],
  ['nothing', ''],
])('%s is not answered', (_name, value) => {
  expect(ask(value)).toBeUndefined();
});

test('a status or header that is no challenge is not answered', () => {
  expect(ask(`Digest ${RFC7616}`, { status: 403 })).toBeUndefined();
  expect(ask(`Digest ${RFC7616}`, { status: 407 })).toBeUndefined();
});

describe('signalling 2: what a carrier may ask for', () => {
  const CREDENTIALS = { username: 'acme', password: 's3cret' };
  const fieldsOf = (value = '') =>
    new Map(
      [...value.matchAll(/([a-z]+)=(?:"([^"]*)"|([^\s,]+))/g)].map(([, name, quoted, token]) => [
        name,
        quoted ?? token,
      ]),
    );
  /** The formula of RFC 7616 section 3.4.1, with what the answer says of itself. */
  const expected = (value: string, name: string, a2: string, isSession = false) => {
    const hash = (text: string) => createHash(name).update(text).digest('hex');
    const of = (field: string) => fieldsOf(value).get(field) ?? '';
    const secret = hash(`acme:${of('realm')}:s3cret`);
    const ha1 = isSession ? hash(`${secret}:${of('nonce')}:${of('cnonce')}`) : secret;
    return hash(`${ha1}:${of('nonce')}:${of('nc')}:${of('cnonce')}:${of('qop')}:${hash(a2)}`);
  };
  const invite = (value: string, change: object = {}) =>
    ask(value, {
      method: 'INVITE',
      uri: 'sip:1@carrier.example',
      credentials: { ...CREDENTIALS },
      cnonce: 'c',
      ...change,
    })?.value ?? '';

  test.each([
    ['SHA-512-256', 'sha512-256', false],
    ['SHA-256-sess', 'sha256', true],
    ['MD5-sess', 'md5', true],
  ])('%s', (algorithm, name, isSession) => {
    const value = invite(`Digest realm="r", nonce="n", qop="auth", algorithm=${algorithm}`);
    expect(value).toContain(`algorithm=${algorithm}`);
    expect(fieldsOf(value).get('response')).toBe(expected(value, name, 'INVITE:sip:1@carrier.example', isSession));
  });

  test('auth-int alone: the body is in the proof', () => {
    const value = invite('Digest realm="r", nonce="n", qop="auth-int"', { body: 'v=0\r\n' });
    const body = createHash('md5').update('v=0\r\n').digest('hex');
    expect(fieldsOf(value).get('qop')).toBe('auth-int');
    expect(fieldsOf(value).get('response')).toBe(expected(value, 'md5', `INVITE:sip:1@carrier.example:${body}`));
    expect(invite('Digest realm="r", nonce="n", qop="auth-int,auth"')).toContain('qop=auth,');
  });

  test('a nonce that is used again is counted up, a new one starts at 1', () => {
    const credentials = { ...CREDENTIALS };
    const nc = (nonce: string) =>
      fieldsOf(invite(`Digest realm="r", nonce="${nonce}", qop="auth"`, { credentials })).get('nc');
    expect([nc('a'), nc('a'), nc('b'), nc('a')]).toEqual(['00000001', '00000002', '00000001', '00000003']);
  });

  test('DG3 the trunk’s realm alone is answered', () => {
    const credentials = { ...CREDENTIALS, realm: 'carrier' };
    const both =
      'Digest realm="stranger", nonce="n", algorithm=SHA-256, Digest realm="carrier", nonce="m", algorithm=MD5';
    expect(invite('Digest realm="stranger", nonce="n"', { credentials })).toBe('');
    expect(fieldsOf(invite(both, { credentials })).get('realm')).toBe('carrier');
  });

  test('DG3 of several realms at once, which a fork brings, the one of the host that was called', () => {
    const both = 'Digest realm="other.example", nonce="n", Digest realm="Carrier.example", nonce="m"';
    expect(fieldsOf(invite(both)).get('realm')).toBe('Carrier.example');
    expect(invite('Digest realm="a", nonce="n", Digest realm="b", nonce="m"')).toBe('');
  });
});
