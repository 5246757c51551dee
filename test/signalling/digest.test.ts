import { expect, test } from 'vitest';
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
  ['an unknown algorithm', `Digest ${RFC7616}, algorithm=SHA-512-256`],
  ['a session algorithm', `Digest ${RFC7616}, algorithm=MD5-sess`],
  ['only auth-int', 'Digest realm="r", nonce="n", qop="auth-int"'],
  ['no nonce', 'Digest realm="r"'],
  ['nothing', ''],
])('%s is not answered', (_name, value) => {
  expect(ask(value)).toBeUndefined();
});

test('a status or header that is no challenge is not answered', () => {
  expect(ask(`Digest ${RFC7616}`, { status: 403 })).toBeUndefined();
  expect(ask(`Digest ${RFC7616}`, { status: 407 })).toBeUndefined();
});
