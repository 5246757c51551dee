import { beforeEach, describe, expect, test } from 'vitest';
import type { LinkAnswer, LinkRequest } from '../../src/signalling/link-requests.ts';
import { Registration, type RegistrationOptions } from '../../src/signalling/registration.ts';
import { FakeClock } from '../support/fake-clock.ts';

// The state machine of one registration, on a clock that stands still.

const CREDENTIALS = { username: 'acme', password: 's3cret' };
const registrarAt = (address: string) => ({
  uri: 'sip:carrier.example',
  nextHop: `sip:${address}:5060;transport=udp`,
  server: { transport: 'udp', address, port: 5060 } as const,
  shown: `udp ${address}:5060`,
});

type Reply = Partial<LinkAnswer> | 'silent' | string;

let clock: FakeClock;
let sent: { request: LinkRequest; atMs: number }[];
let replies: (Reply | ((request: LinkRequest) => Reply))[];
let otherwise: (request: LinkRequest) => Reply;
let addresses: string[];
let random: number;
let tried: string[];
let engine: boolean;

beforeEach(() => {
  clock = new FakeClock();
  sent = [];
  replies = [];
  otherwise = () => ok(600);
  addresses = ['192.0.2.1'];
  random = 1;
  tried = [];
  engine = true;
});

const ok = (expiresSec: number, headers: Record<string, string> = {}): Reply => ({
  status: 200,
  headers: { contact: `<sip:token@198.51.100.1:5060>;expires=${expiresSec}`, ...headers },
});
const challenge = (nonce: string, more = ''): Reply => ({
  status: 401,
  headers: { 'www-authenticate': `Digest realm="carrier", nonce="${nonce}", algorithm=SHA-256, qop="auth"${more}` },
});

function make(change: Partial<RegistrationOptions['settings']> = {}): Registration {
  return new Registration(optionsWith(answering, change));
}

const answering: RegistrationOptions['send'] = async (request) => {
  sent.push({ request, atMs: clock.monotonicMs() });
  const next = replies.shift() ?? otherwise;
  const reply = typeof next === 'function' ? next(request) : next;
  if (reply === 'silent') return await new Promise<never>(() => undefined);
  if (typeof reply === 'string') return reply;
  return { status: 200, reason: '', headers: {}, own: false, ...reply };
};

async function started(change: Partial<RegistrationOptions['settings']> = {}): Promise<Registration> {
  const registration = make(change);
  registration.start(0);
  await clock.advanceAsync(0);
  return registration;
}

const headerOf = (index: number, name: string) => sent[index]?.request.headers[name] ?? '';
const gapsMs = () => sent.slice(1).map(({ atMs }, index) => Math.round(atMs - (sent[index]?.atMs ?? 0)));

describe('signalling 3: registration', () => {
  test('asks with From, To, Contact and Expires, and is registered for the time it is granted', async () => {
    const registration = await started();
    const { request } = sent[0] ?? {};
    expect(request).toMatchObject({ method: 'REGISTER', uri: 'sip:carrier.example' });
    expect(request?.headers).toMatchObject({
      to: '<sip:acme@carrier.example>',
      from: '<sip:acme@carrier.example>;tag=id2',
      'call-id': 'id1',
      cseq: '1 REGISTER',
      contact: '<sip:token@localhost>;+sip.instance="<urn:uuid:0>";expires=600',
      expires: '600',
    });
    expect(registration.view).toMatchObject({
      state: 'registered',
      expiresAt: clock.wallMs() + 600_000,
      lastError: null,
      registrar: 'udp 192.0.2.1:5060',
    });
    expect(registration.boundAt?.address).toBe('192.0.2.1');
  });

  test('a challenge is answered (SHA-256), under the same Call-ID with the next CSeq; a stale nonce once more', async () => {
    replies = [challenge('n1'), challenge('n2', ', stale=true'), ok(600)];
    const registration = await started();
    expect(registration.view.state).toBe('registered');
    expect(sent.map(({ request }) => request.headers['cseq'])).toEqual(['1 REGISTER', '2 REGISTER', '3 REGISTER']);
    expect(new Set(sent.map(({ request }) => request.headers['call-id'])).size).toBe(1);
    expect(headerOf(1, 'Authorization')).toMatch(/algorithm=SHA-256.*nc=00000001/);
    expect(headerOf(2, 'Authorization')).toContain('nonce="n2"');
  });

  test.each([
    [
      'the Contact that is ours',
      ok(120, { contact: '<sip:other@1.1.1.1>;expires=3600, <sip:token@9.9.9.9>;expires=120' }),
      120,
    ],
    ['Expires where the Contact has none', ok(0, { contact: '<sip:token@9.9.9.9>', expires: '90' }), 90],
    ['what was asked for where nothing is said', { status: 200, headers: {} }, 600],
  ])('the granted time is that of %s; half of it later it is refreshed', async (_what, reply, grantedSec) => {
    replies = [reply];
    const registration = await started();
    expect(registration.view.expiresAt).toBe(clock.wallMs() + grantedSec * 1000);
    await clock.advanceAsync(grantedSec * 500 - 1);
    expect(sent).toHaveLength(1);
    await clock.advanceAsync(1);
    expect(sent).toHaveLength(2);
    expect(headerOf(1, 'cseq')).toBe('2 REGISTER');
  });

  test('423 is asked again with the time that it wants, within reason', async () => {
    replies = [{ status: 423, headers: { 'min-expires': '1800' } }, ok(1800)];
    await started();
    expect(sent.map(({ request }) => request.headers['expires'])).toEqual(['600', '1800']);
    sent = [];
    replies = [{ status: 423, headers: { 'min-expires': '999999999' } }];
    const greedy = await started();
    expect(sent).toHaveLength(1);
    expect(greedy.view.state).toBe('failed');
  });

  test('423 to credentials: asked again without them, since a nonce may be good for one request only', async () => {
    replies = [
      challenge('n1'),
      { status: 423, headers: { 'min-expires': '1800' } },
      challenge('n2'),
      ok(1800),
      challenge('n3'),
      challenge('n4'),
    ];
    const registration = await started();
    expect(registration.view).toMatchObject({ state: 'registered', lastError: null });
    const nonces = sent.map(({ request }) => /nonce="(\w+)"/.exec(request.headers['Authorization'] ?? '')?.[1]);
    expect(nonces).toEqual([undefined, 'n1', undefined, 'n2']);
    // Wrong ones are still found out.
    await clock.advanceAsync(900_000);
    expect(registration.view.lastError).toContain('credentials refused');
  });

  test.each([
    ['408', { status: 408 }],
    ['503', { status: 503 }],
    ['no connection', { status: 503, own: true }],
  ])('failover: after %s the next registrar is asked at once', async (_what, reply) => {
    addresses = ['192.0.2.1', '192.0.2.2'];
    replies = [reply];
    const registration = await started();
    expect(sent.map(({ request }) => request.nextHop)).toEqual([
      'sip:192.0.2.1:5060;transport=udp',
      'sip:192.0.2.2:5060;transport=udp',
    ]);
    expect(registration.view).toMatchObject({ state: 'registered', registrar: 'udp 192.0.2.2:5060' });
  });

  test('failover: silence is borne for eight seconds', async () => {
    addresses = ['192.0.2.1', '192.0.2.2'];
    replies = ['silent'];
    const registration = await started();
    await clock.advanceAsync(7_999);
    expect(sent).toHaveLength(1);
    await clock.advanceAsync(1);
    expect(registration.view).toMatchObject({ state: 'registered', registrar: 'udp 192.0.2.2:5060' });
  });

  test('a refresh goes to the registrar that has the binding, also where another one is first in the list', async () => {
    addresses = ['192.0.2.1', '192.0.2.2'];
    replies = [{ status: 500 }];
    await started();
    await clock.advanceAsync(300_000);
    expect(sent.at(-1)?.request.nextHop).toContain('192.0.2.2');
  });

  test('wrong credentials are no matter for another registrar, and are tried again later and later: a minute, two, four, …', async () => {
    addresses = ['192.0.2.1', '192.0.2.2'];
    otherwise = ({ headers }) => (headers['Authorization'] === undefined ? challenge('n') : challenge('m'));
    const registration = await started();
    expect(registration.view).toMatchObject({ state: 'failed', expiresAt: null });
    expect(registration.view.lastError).toContain('credentials refused');
    await clock.advanceAsync(3_600_000);
    const starts = sent.filter(({ request }) => request.headers['Authorization'] === undefined);
    expect(starts.every(({ request }) => request.nextHop?.includes('192.0.2.1'))).toBe(true);
    const between = starts.slice(1).map(({ atMs }, index) => Math.round((atMs - (starts[index]?.atMs ?? 0)) / 1000));
    expect(between).toEqual([60, 120, 240, 480, 960]);
    expect(tried).toEqual(Array.from({ length: 6 }, () => 'refused'));
  });

  test('RG2 a registrar that is away is asked after 5 s, 10 s, 20 s, … at most every five minutes, less by chance', async () => {
    otherwise = () => ({ status: 503 });
    await started();
    await clock.advanceAsync(1_500_000);
    expect(gapsMs().slice(0, 8)).toEqual([5_000, 10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000]);
    random = 0;
    sent = [];
    await started();
    await clock.advanceAsync(20_000);
    expect(gapsMs().slice(0, 2)).toEqual([2_500, 5_000]);
  });

  test('RG2 Retry-After is waited for', async () => {
    replies = [{ status: 503, headers: { 'retry-after': '120 (busy)' } }];
    const registration = await started();
    await clock.advanceAsync(119_000);
    expect(sent).toHaveLength(1);
    await clock.advanceAsync(2_000);
    expect(registration.view.state).toBe('registered');
  });

  test('RG3 a refresh that fails leaves the binding until its time is over, then calls over it are nobody’s', async () => {
    replies = [ok(600)];
    otherwise = () => ({ status: 503 });
    const registration = await started();
    const { expiresAt } = registration.view;
    await clock.advanceAsync(400_000);
    expect(registration.view).toMatchObject({ state: 'registered', expiresAt });
    expect(registration.view.lastError).toBe('udp 192.0.2.1:5060: REGISTER was answered 503');
    await clock.advanceAsync(200_000);
    expect(registration.view).toMatchObject({ state: 'failed', expiresAt: null });
    expect(registration.boundAt).toBeNull();
    otherwise = () => ok(600);
    await clock.advanceAsync(300_000);
    expect(registration.view).toMatchObject({ state: 'registered', lastError: null });
  });

  test('a registrar that came back is asked at once, but not twice within a second', async () => {
    const registration = await started();
    await clock.advanceAsync(10_000);
    registration.refresh();
    registration.refresh();
    await clock.advanceAsync(0);
    expect(sent).toHaveLength(2);
    registration.refresh();
    await clock.advanceAsync(999);
    expect(sent).toHaveLength(2);
    await clock.advanceAsync(1);
    expect(sent).toHaveLength(3);
  });

  test('stopped, it takes its binding back where it is, and nothing is sent any more', async () => {
    replies = [ok(600), challenge('n1'), { status: 200 }];
    const registration = await started();
    await registration.stop();
    expect(headerOf(1, 'contact')).toContain(';expires=0');
    expect(headerOf(2, 'Authorization')).toContain('nonce="n1"');
    expect(registration.view).toMatchObject({ state: 'stopped', expiresAt: null });
    await clock.advanceAsync(3_600_000);
    registration.refresh();
    await clock.advanceAsync(10_000);
    expect(sent).toHaveLength(3);
    expect(clock.pendingTimers).toBe(0);
  });

  test('stopped while a REGISTER is under way: what was asked for is taken back, and its challenge not answered', async () => {
    const gate = Promise.withResolvers<Reply>();
    const slow = new Registration(
      optionsWith(async (request) => {
        sent.push({ request, atMs: clock.monotonicMs() });
        const reply = sent.length > 1 ? {} : await gate.promise;
        return { status: 200, reason: '', headers: {}, own: false, ...(reply as Partial<LinkAnswer>) };
      }),
    );
    slow.start(0);
    await clock.advanceAsync(0);
    await slow.stop();
    expect(sent.map(({ request }) => request.headers['expires'])).toEqual(['600', '0']);
    gate.resolve(challenge('late'));
    await clock.advanceAsync(60_000);
    expect(sent).toHaveLength(2);
  });

  test('never bound, stopping says nothing to anybody', async () => {
    replies = [{ status: 403 }];
    const registration = await started();
    await registration.stop();
    expect(sent).toHaveLength(1);
  });

  test('while our SIP engine is away nothing is tried, and nobody is blamed', async () => {
    engine = false;
    const registration = await started();
    await clock.advanceAsync(60_000);
    expect(sent).toHaveLength(0);
    expect(registration.view).toMatchObject({ state: 'waiting', lastError: null });
    engine = true;
    await clock.advanceAsync(6_000);
    expect(registration.view.state).toBe('registered');
  });

  test('a name without an address is said so', async () => {
    addresses = [];
    expect((await started()).view).toMatchObject({ state: 'failed', lastError: 'carrier.example has no address' });
  });

  test('RFC 5626: a registrar that keeps flows is told that we do, by reg-id; one whose first hop does not is not told again', async () => {
    replies = [ok(600, { supported: 'path, outbound' }), { status: 439 }, ok(600)];
    await started();
    await clock.advanceAsync(1_000);
    expect(headerOf(0, 'contact')).not.toContain('reg-id');
    expect(headerOf(1, 'contact')).toContain('reg-id=1');
    expect(headerOf(1, 'supported')).toBe('path, outbound');
    expect(headerOf(2, 'contact')).not.toContain('reg-id');
  });

  test('a Service-Route is kept while it is registered (RFC 3608)', async () => {
    replies = [ok(600, { 'service-route': '<sip:a.example;lr>, <sip:b.example:5070;lr>' })];
    const registration = await started();
    expect(registration.serviceRoute).toEqual(['sip:a.example;lr', 'sip:b.example:5070;lr']);
    await registration.stop();
    expect(registration.serviceRoute).toEqual([]);
  });

  test('a Contact header full of quotes costs no more than its length', async () => {
    replies = [{ status: 200, headers: { contact: `"${'\\"'.repeat(30_000)}` } }];
    const startedMs = performance.now();
    const registration = await started();
    expect(performance.now() - startedMs).toBeLessThan(500);
    expect(registration.view.state).toBe('registered');
  });

  test('a registrar that asks without end is given up', async () => {
    otherwise = () => ({ status: 423, headers: { 'min-expires': String(1_000 + sent.length) } });
    const registration = await started();
    expect(sent.length).toBeLessThanOrEqual(5);
    expect(registration.view.state).toBe('failed');
  });
});

function optionsWith(
  send: RegistrationOptions['send'],
  change: Partial<RegistrationOptions['settings']> = {},
): RegistrationOptions {
  let id = 0;
  return {
    clock,
    settings: {
      user: 'acme',
      domain: 'carrier.example',
      credentials: CREDENTIALS,
      expiresSec: 600,
      contactUser: 'token',
      instance: 'urn:uuid:0',
      ...change,
    },
    random: () => random,
    newId: () => `id${++id}`,
    newCnonce: () => 'c0',
    registrars: async () => (addresses.length === 0 ? 'carrier.example has no address' : addresses.map(registrarAt)),
    ready: () => engine,
    onChange: () => undefined,
    onTried: (result) => tried.push(result),
    send,
  };
}
