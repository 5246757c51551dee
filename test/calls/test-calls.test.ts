import { createHash, randomBytes } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import { type PreparedTestCall, TEST_CALL_REALM, TestCalls } from '../../src/calls/test-calls.ts';
import { createIds } from '../../src/domain/ids.ts';
import { FakeClock } from '../support/fake-clock.ts';

let clock: FakeClock;
let testCalls: TestCalls;

function start(limits: ConstructorParameters<typeof TestCalls>[0]['limits'] = {}): void {
  clock = new FakeClock();
  testCalls = new TestCalls({ clock, ids: createIds(randomBytes), randomBytes, key: 'secret of the node', limits });
}

beforeEach(() => start());

function prepare(workspaceId = 'ws_a', agentId = 'agent_a'): PreparedTestCall {
  const prepared = testCalls.prepare({ workspaceId, agentId });
  if (prepared === undefined) throw new Error('no more test calls');
  return prepared;
}

const judge = (authorization?: string, address = '192.0.2.7') => testCalls.judge({ address, authorization });

function challenges(address?: string): readonly string[] {
  const verdict = judge(undefined, address);
  if (verdict.kind !== 'challenged') throw new Error(`not challenged: ${verdict.kind}`);
  return verdict.challenges;
}

interface Answering {
  readonly algorithm?: 'MD5' | 'SHA-256';
  readonly challenge?: string;
  readonly nc?: string;
  readonly method?: string;
}

/** What a phone answers (RFC 7616 section 3.4), written without our client. */
function answer(
  { username, password }: { readonly username: string; readonly password: string },
  { algorithm = 'MD5', challenge = challenges()[0] ?? '', nc = '00000001', method = 'INVITE' }: Answering = {},
): string {
  const nonce = /nonce="([^"]+)"/.exec(challenge)?.[1];
  const hash = (text: string) =>
    createHash(algorithm === 'MD5' ? 'md5' : 'sha256')
      .update(text)
      .digest('hex');
  const uri = 'sip:test@callin-edge';
  const ha1 = hash(`${username}:${TEST_CALL_REALM}:${password}`);
  const response = hash(`${ha1}:${nonce}:${nc}:abc:auth:${hash(`${method}:${uri}`)}`);
  return `Digest algorithm=${algorithm}, username="${username}", realm="${TEST_CALL_REALM}", nonce="${nonce}", uri="${uri}", response="${response}", qop=auth, cnonce="abc", nc=${nc}`;
}

describe('the credential of a test call', () => {
  test.each(['MD5', 'SHA-256'] as const)('opens one call to its agent, with %s, and then nothing', (algorithm) => {
    const prepared = prepare('ws_a', 'agent_b');
    expect(judge(answer(prepared, { algorithm }))).toEqual({
      kind: 'accepted',
      testCall: { id: prepared.id, workspaceId: 'ws_a', agentId: 'agent_b' },
    });
    expect(judge(answer(prepared, { algorithm })).kind).toBe('challenged');
    expect(testCalls.size).toBe(0);
  });

  test('challenges SHA-256, and MD5 last, because sip.js keeps the last of several', () => {
    expect(challenges().map((challenge) => /algorithm=([^,]+)/.exec(challenge)?.[1])).toEqual(['SHA-256', 'MD5']);
  });

  test('is nobody’s after two minutes', () => {
    const prepared = prepare();
    expect(prepared.expiresAt - clock.wallMs()).toBe(120_000);
    clock.advance(119_000);
    const late = prepare();
    clock.advance(1_000);
    expect(judge(answer(prepared)).kind).toBe('challenged');
    expect(judge(answer(late)).kind).toBe('accepted');
  });

  test('names and passwords cannot be guessed and are all different', () => {
    const all = Array.from({ length: 20 }, () => prepare());
    expect(new Set(all.map(({ username }) => username)).size).toBe(20);
    expect(all.every(({ password }) => Buffer.from(password, 'base64url').length === 24)).toBe(true);
  });

  test('a nonce of another, an old one, and one that was used are challenged again', () => {
    const prepared = prepare();
    const challenge = challenges()[0] ?? '';
    expect(judge(answer(prepared, { challenge: challenge.replace(/nonce="./, 'nonce="_') })).kind).toBe('challenged');
    clock.advance(61_000);
    const stale = judge(answer(prepared, { challenge }));
    expect(stale.kind === 'challenged' && stale.challenges[0]).toContain('stale=true');
    expect(judge(answer(prepared)).kind).toBe('accepted');
  });

  test('an answer that was seen opens nothing, though the next credential would have the same name', () => {
    const first = prepare();
    const seen = answer(first);
    expect(judge(seen).kind).toBe('accepted');
    expect(judge(seen).kind).toBe('challenged');
    expect(judge(answer(prepare(), { method: 'REGISTER' })).kind).toBe('challenged');
  });
});

describe('strangers', () => {
  test('an unknown user, a wrong password and no answer meet the same challenge', () => {
    const prepared = prepare();
    const shapeOf = (verdict: ReturnType<typeof judge>) =>
      verdict.kind === 'challenged'
        ? verdict.challenges.map((text) => text.replace(/nonce="[^"]+"/, 'nonce=""'))
        : verdict.kind;
    const none = shapeOf(judge());
    expect(shapeOf(judge(answer({ username: 'nobody', password: 'x' })))).toEqual(none);
    expect(shapeOf(judge(answer({ ...prepared, password: 'x' })))).toEqual(none);
    expect(shapeOf(judge('Basic Zm9vOmJhcg=='))).toEqual(none);
    expect(shapeOf(judge('Digest'))).toEqual(none);
  });

  test('an address that answers wrongly ten times is not judged for a while; others are', () => {
    const prepared = prepare();
    for (let attempt = 0; attempt < 10; attempt++) judge(answer({ ...prepared, password: `wrong ${attempt}` }));
    expect(judge().kind).toBe('refused');
    expect(judge(answer(prepared, { challenge: challenges('192.0.2.8')[0] ?? '' })).kind).toBe('refused');
    clock.advance(6_500);
    expect(judge(answer(prepared)).kind).toBe('accepted');
  });

  test('who only asks for challenges is not counted', () => {
    for (let attempt = 0; attempt < 50; attempt++) expect(judge().kind).toBe('challenged');
  });
});

describe('how many there may be', () => {
  test('twenty of one workspace, and room again when they expire or are used', () => {
    const all = Array.from({ length: 20 }, () => prepare());
    expect(testCalls.prepare({ workspaceId: 'ws_a', agentId: 'agent_a' })).toBeUndefined();
    prepare('ws_b');
    judge(answer(all[0]!));
    prepare();
    expect(testCalls.prepare({ workspaceId: 'ws_a', agentId: 'agent_a' })).toBeUndefined();
    clock.advance(120_000);
    expect(testCalls.size).toBe(0);
    prepare();
  });

  test('a bound in all', () => {
    start({ preparedMax: 3 });
    for (const workspace of ['ws_a', 'ws_b', 'ws_c']) prepare(workspace);
    expect(testCalls.prepare({ workspaceId: 'ws_d', agentId: 'agent_a' })).toBeUndefined();
  });
});
