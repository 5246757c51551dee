import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { verifyAnswer } from '../../src/phone/digest.ts';
import { nextHopOf } from '../../src/signalling/gateway-hosts.ts';
import type { Answer, Question } from '../../src/signalling/question.ts';
import { type RawMessage, RawSipPeer, responseText } from '../support/raw-sip-peer.ts';
import { Harness } from './harness.ts';

// A carrier that is asked OPTIONS and REGISTER over real sockets, by our own engine.

let harness: Harness;
beforeAll(async () => {
  harness = await Harness.start();
});
afterAll(() => harness.close());

const CREDENTIALS = { username: 'acme', password: 's3cret' };
const CHALLENGE = { realm: 'carrier.example', nonce: 'n0' };
const www = (nonce = 'n0', extra = '') =>
  `WWW-Authenticate: Digest realm="carrier.example", nonce="${nonce}", algorithm=MD5, qop="auth"${extra}`;

function questionTo(port: number, change: Partial<Question> = {}): Question {
  return {
    method: 'OPTIONS',
    uri: `sip:carrier.example:${port};transport=udp`,
    nextHop: nextHopOf('127.0.0.1', '127.0.0.1', port, 'udp'),
    domain: 'carrier.example',
    credentials: CREDENTIALS,
    timeoutMs: 2_000,
    ...change,
  };
}

/** Each request gets the next answer; what came is kept. */
async function carrier(...answers: readonly (readonly [number, ...string[]])[]) {
  const peer = await harness.peer();
  const seen: RawMessage[] = [];
  const serve = async (): Promise<void> => {
    for (const [status, ...extra] of answers) {
      const request = await peer.next((message) => message.method !== undefined);
      seen.push(request);
      peer.send(responseText(peer, request, status, { toTag: 'c', contact: '', extra }), harness.sipPort);
    }
  };
  return { port: peer.port, seen, served: serve() };
}

const ask = (question: Question): Promise<Answer> => harness.signalling.ask(question);

describe('a question to a carrier', () => {
  test('goes to the judged address, whatever the name, and tells the answer and how long it took', async () => {
    const { port, seen, served } = await carrier([200]);
    const answer = await ask(questionTo(port, { credentials: null }));
    await served;
    expect(answer).toMatchObject({ kind: 'answered', status: 200, challenged: false, authenticated: false });
    expect(answer.kind === 'answered' && answer.elapsedMs).toBeLessThan(1_000);
    expect(seen[0]?.startLine).toBe(`OPTIONS sip:carrier.example:${port};transport=udp SIP/2.0`);
    expect(seen[0]?.header('Accept')).toBe('application/sdp');
    expect(seen[0]?.header('From')).toMatch(/<sip:options@127\.0\.0\.1:\d+>;tag=/);
  });

  test.each([
    ['accepted', 200],
    ['refused', 403],
    ['refused by asking once more', 401],
  ] as const)('a challenge is answered with the credentials: %s', async (_verdict, status) => {
    const { port, seen, served } = await carrier([401, www()], [status, ...(status === 401 ? [www('n1')] : [])]);
    const answer = await ask(questionTo(port));
    await served;
    expect(answer).toMatchObject({ kind: 'answered', status, challenged: true, authenticated: true });
    expect(verifyAnswer(seen[1]?.header('Authorization') ?? '', CHALLENGE, CREDENTIALS, 'OPTIONS')).toBe(true);
    expect(seen).toHaveLength(2);
  });

  test('a nonce that was too old is answered once more', async () => {
    const answers = [[401, www()], [401, www('n1', ', stale=true')], [200]] as const;
    const { port, seen, served } = await carrier(...answers);
    expect(await ask(questionTo(port))).toMatchObject({ status: 200, authenticated: true });
    await served;
    expect(seen[2]?.header('Authorization')).toContain('nonce="n1"');
  });

  test.each([
    ['without credentials', null, www()],
    [
      'in a way that nobody here knows',
      CREDENTIALS,
      'WWW-Authenticate: Digest realm="c", nonce="n", algorithm=SHA-512',
    ],
  ] as const)('a challenge %s stays unanswered, and is told', async (_why, credentials, header) => {
    const { port, served } = await carrier([401, header]);
    expect(await ask(questionTo(port, { credentials }))).toMatchObject({
      status: 401,
      challenged: true,
      authenticated: false,
    });
    await served;
  });

  test('REGISTER asks about bindings and changes none', async () => {
    const { port, seen, served } = await carrier([407, www().replace('WWW', 'Proxy')], [200]);
    expect(await ask(questionTo(port, { method: 'REGISTER' }))).toMatchObject({ status: 200, authenticated: true });
    await served;
    const [first, second] = seen;
    expect(first?.header('Contact')).toBe('');
    expect(first?.header('Expires')).toBe('');
    expect(first?.header('To')).toBe('<sip:acme@carrier.example>');
    expect(first?.header('From')).toContain('<sip:acme@carrier.example>');
    expect(verifyAnswer(second?.header('Proxy-Authorization') ?? '', CHALLENGE, CREDENTIALS, 'REGISTER')).toBe(true);
  });

  test('over TCP as well', async () => {
    const listener = await RawSipPeer.tcpListener();
    const { port } = listener;
    const asked = ask(
      questionTo(port, {
        uri: `sip:127.0.0.1:${port};transport=tcp`,
        nextHop: nextHopOf('127.0.0.1', '127.0.0.1', port, 'tcp'),
      }),
    );
    const peer = await listener.accepted;
    const request = await peer.next('OPTIONS');
    peer.send(responseText(peer, request, 405, { contact: '' }), port);
    expect(await asked).toMatchObject({ kind: 'answered', status: 405 });
    await peer.close();
    await listener.close();
  });

  test('silence is told when the time is over', async () => {
    const silent = await harness.peer();
    const answer = await ask(questionTo(silent.port, { timeoutMs: 150 }));
    expect(answer.kind).toBe('silent');
    expect(answer.kind === 'silent' && answer.elapsedMs).toBeGreaterThanOrEqual(149);
  });

  test.each(['udp', 'tcp'] as const)('a closed port is told at once over %s', async (transport) => {
    const gone = await RawSipPeer.udp();
    const { port } = gone;
    await gone.close();
    const uri = `sip:127.0.0.1:${port};transport=${transport}`;
    const answer = await ask(questionTo(port, { uri, nextHop: nextHopOf('127.0.0.1', '127.0.0.1', port, transport) }));
    expect(answer.kind).toBe('unreachable');
  });

  test.each([
    ['a transport that is not there', 'sip:127.0.0.1:9;transport=sctp'],
    ['no URI', 'sip:a b'],
    ['what would break the frames', 'sip:127.0.0.1|x:9'],
  ])('%s is not sent', async (_what, uri) => {
    expect((await ask(questionTo(9, { uri, nextHop: null }))).kind).toBe('unsent');
  });

  test('while the engine is away nothing is sent', async () => {
    const alone = await Harness.start();
    await alone.stopEngine();
    for (let i = 0; alone.signalling.connected && i < 100; i += 1) await new Promise((done) => setTimeout(done, 10));
    expect(await alone.signalling.ask(questionTo(9))).toEqual({
      kind: 'unsent',
      why: 'the SIP engine is not connected',
    });
    await alone.close();
  });
});
