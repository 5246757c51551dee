import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { answerChallenge } from '../../src/phone/digest.ts';
import { answerChallenge as ourAnswer } from '../../src/signalling/digest.ts';
import { DigestServer } from '../../src/signalling/digest-server.ts';
import { FakeClock } from '../support/fake-clock.ts';

// The other side is the phone's client, which shares no code with the server.

const CREDENTIALS = { username: 'carrier', password: 'p4ss"w\\rd' };
const URI = 'sip:+12025550100@127.0.0.1:5060';

function make() {
  const clock = new FakeClock();
  let next = 0;
  const server = new DigestServer({
    clock,
    key: 'k',
    realm: 'sip.example',
    randomBytes: (size) => Buffer.alloc(size, String(next++).padStart(size, '0')),
  });
  const judge = (authorization: string | undefined, credentials = CREDENTIALS) =>
    server.judge({ method: 'INVITE', authorization, credentials });
  return { clock, server, judge };
}

const answer = (challenge: string | undefined, credentials = CREDENTIALS) =>
  answerChallenge(challenge ?? '', credentials, 'INVITE', URI);

describe('digest of a carrier', () => {
  test('is asked for with SHA-256 first and MD5 second, of one nonce', () => {
    const [best, other] = make().server.challenges(false);
    expect(best).toMatch(/^Digest realm="sip\.example", nonce="[\w-]{40}", algorithm=SHA-256, qop="auth"$/);
    expect(other).toBe(best?.replace('SHA-256', 'MD5'));
  });

  test.each([0, 1])('is proved with either algorithm (%i), once', (index) => {
    const { server, judge } = make();
    const value = answer(server.challenges(false)[index]);
    expect(judge(value)).toBe('proved');
    // DS1: a copy of what went over the wire is worth nothing.
    expect(judge(value)).toBe('stale');
  });

  test('DS1 a challenge that another address got proves nothing, and counts as none', () => {
    const { server } = make();
    const authorization = answer(server.challenges(false, '192.0.2.1')[0]);
    const claim = { method: 'INVITE', authorization, credentials: CREDENTIALS };
    expect(server.judge({ ...claim, address: '192.0.2.2' })).toBe('absent');
    expect(server.judge({ ...claim, address: '192.0.2.1' })).toBe('proved');
  });

  test('is understood as our own client writes it', () => {
    const { server, judge } = make();
    const headers = { 'www-authenticate': server.challenges(false).join(', ') };
    const question = { status: 401, headers, method: 'INVITE', uri: URI, credentials: CREDENTIALS, cnonce: 'c' };
    const value = ourAnswer(question)?.value;
    expect(value).toContain('algorithm=SHA-256');
    expect(judge(value)).toBe('proved');
  });

  test('a nonce may be used again with a higher count, never with the same or a lower one', () => {
    const { server, judge } = make();
    const [, challenge = ''] = server.challenges(false);
    const counted = (nc: string) => {
      const value = answer(challenge);
      // The phone counts from 1; other counts are computed here the way RFC 7616 says.
      return nc === '00000001' ? value : recount(value, nc);
    };
    expect(judge(counted('00000002'))).toBe('proved');
    expect(judge(counted('00000002'))).toBe('stale');
    expect(judge(counted('00000001'))).toBe('stale');
    expect(judge(counted('0000000a'))).toBe('proved');
  });

  test.each([
    ['another password', { ...CREDENTIALS, password: 'x' }],
    ['another user', { ...CREDENTIALS, username: 'x' }],
  ])('%s is wrong', (_what, credentials) => {
    const { server, judge } = make();
    expect(judge(answer(server.challenges(false)[1], credentials))).toBe('wrong');
  });

  test.each([
    ['another realm', (value: string) => value.replaceAll('sip.example', 'evil.example')],
    ['another URI than was hashed', (value: string) => value.replace(URI, 'sip:+19005550100@127.0.0.1')],
    ['an unknown algorithm', (value: string) => value.replace('algorithm=MD5', 'algorithm=SHA-512-256')],
    ['auth-int', (value: string) => value.replace('qop=auth', 'qop=auth-int')],
    ['no response', (value: string) => value.replace(/response="\w+"/, 'response=""')],
  ])('%s is wrong', (_what, change) => {
    const { server, judge } = make();
    expect(judge(change(answer(server.challenges(false)[1])))).toBe('wrong');
  });

  test('an answer for another method is wrong', () => {
    const { server } = make();
    const authorization = answer(server.challenges(false)[1]);
    expect(server.judge({ method: 'BYE', authorization, credentials: CREDENTIALS })).toBe('wrong');
  });

  test.each([
    ['nothing', undefined],
    ['an empty header', ''],
    ['Basic', 'Basic Y2FycmllcjpwNHNz'],
    ['rubbish', 'Digest ,,,="'],
    [
      'a nonce that is not ours',
      answerChallenge('Digest realm="sip.example", nonce="AAAA"', CREDENTIALS, 'INVITE', URI),
    ],
  ])('%s is no answer', (_what, authorization) => {
    expect(make().judge(authorization)).toBe('absent');
  });

  test('a nonce is over after a minute: right answers are told to try again, wrong ones are wrong', () => {
    const { clock, server, judge } = make();
    const [, challenge] = server.challenges(false);
    clock.advance(60_001);
    expect(judge(answer(challenge))).toBe('stale');
    expect(judge(answer(challenge, { ...CREDENTIALS, password: 'x' }))).toBe('wrong');
    expect(server.challenges(true)[0]).toMatch(/, stale=true$/);
  });

  test('a nonce with a changed time is not ours, and one from the future is no good', () => {
    const { clock, server, judge } = make();
    const [, challenge = ''] = server.challenges(false);
    clock.stepWall(-10_000);
    expect(judge(answer(challenge))).toBe('stale');
    const nonce = /nonce="([^"]+)"/.exec(challenge)?.[1] ?? '';
    const bytes = Buffer.from(nonce, 'base64url');
    bytes.writeUIntBE(bytes.readUIntBE(0, 6) + 60_000, 0, 6);
    expect(judge(answer(challenge.replace(nonce, bytes.toString('base64url'))))).toBe('absent');
  });

  test('DS4 with the memory full old nonces are stale, not good once more', () => {
    const { clock, server, judge } = make();
    const first = answer(server.challenges(false)[1]);
    expect(judge(first)).toBe('proved');
    clock.advance(1);
    for (let i = 0; i < 5_000; i += 1) expect(judge(answer(server.challenges(false)[1]))).toBe('proved');
    expect(judge(first)).toBe('stale');
  });

  test('DF1 a stranger’s endless name costs no more than another text', () => {
    const { judge } = make();
    const startedMs = performance.now();
    for (const text of ['a'.repeat(16_000), 'a="'.repeat(5_000), 'a = '.repeat(4_000), 'a="\\"'.repeat(3_000)])
      expect(judge(`Digest ${text}`)).toBe('absent');
    // Its square took 300 ms.
    expect(performance.now() - startedMs).toBeLessThan(150);
  });

  test('without qop, as RFC 2617 allowed, a nonce is good once', () => {
    const { server, judge } = make();
    const value = answer((server.challenges(false)[1] ?? '').replace(', qop="auth"', ''));
    expect(value).not.toContain('qop');
    expect(judge(value)).toBe('proved');
    expect(judge(value)).toBe('stale');
  });
});

/** The same answer with another count. */
function recount(value: string, nc: string): string {
  const field = (name: string) => new RegExp(`${name}="?([^",]+)`).exec(value)?.[1] ?? '';
  const md5 = (text: string) => createHash('md5').update(text).digest('hex');
  const ha1 = md5(`${CREDENTIALS.username}:${field('realm')}:${CREDENTIALS.password}`);
  const response = md5(`${ha1}:${field('nonce')}:${nc}:${field('cnonce')}:auth:${md5(`INVITE:${URI}`)}`);
  return value.replace(/response="\w+"/, `response="${response}"`).replace(/nc=\w+/, `nc=${nc}`);
}
