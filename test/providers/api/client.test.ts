import { createServer, type RequestListener } from 'node:http';
import { createServer as createRawServer, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import type { ApiLimits } from '../../../src/providers/api/limits.ts';
import { API_KEY, startFakeTelnyx } from '../../support/fake-telnyx.ts';
import { telnyxError } from '../../support/fake-telnyx/answers.ts';
import { twilioError } from '../../support/fake-twilio/answers.ts';
import { codeOf, failureOf, Keeping, plan, Stage, successOf } from '../stage.ts';
import { checkDocument, telnyxStage } from '../telnyx/stage.ts';
import { checkDocuments, twilioStage } from '../twilio/stage.ts';

// The way to a provider and back: what is repeated, how long it is waited, and what a broken or hostile answer can do.

checkDocument();
checkDocuments();

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

const list = { cursor: null, trunkId: null };
const refuse = (answer: ReturnType<typeof telnyxError>, headers = {}) =>
  ({ kind: 'refuse', answer: { ...answer, headers } }) as const;
const slowDown = telnyxError(429, '10011', 'Too many requests');

describe('repeating', () => {
  test.each([
    ['500', refuse({ status: 500 })],
    ['503 with a page of HTML', refuse({ status: 503, body: '<html>' })],
    ['429', refuse(slowDown)],
    ['a connection that breaks', { kind: 'reset', processed: false }],
    ['half an answer', { kind: 'truncate' }],
    ['an answer that is cut off', { kind: 'cut' }],
    ['no answer', { kind: 'hang', processed: false }],
  ] as const)('a read survives %s, three times', async (_name, fault) => {
    const { telnyx, stage, account } = await telnyxStage();
    telnyx.addNumber('+12025550100');
    telnyx.fail('ListPhoneNumbers', fault, { times: 3 });
    expect(successOf(await account.numbers.list(list)).numbers).toHaveLength(1);
    expect(telnyx.requests).toHaveLength(4);
    expect(stage.waits).toHaveLength(3);
    expect(stage.observed.map(({ attempt, code }) => [attempt, code === null])).toEqual([
      [1, false],
      [2, false],
      [3, false],
      [4, true],
    ]);
  });

  test.each([
    ['provider_fault', refuse({ status: 502 }), 'none'],
    ['rate_limited', refuse(slowDown), 'none'],
    ['provider_timeout', { kind: 'hang', processed: false }, 'none'],
    ['provider_answer_invalid', { kind: 'truncate' }, 'none'],
    ['provider_unreachable', { kind: 'reset', processed: false }, 'none'],
  ] as const)('ends, as %s', async (code, fault, effect) => {
    const { telnyx, account } = await telnyxStage();
    telnyx.fail(/./, fault, { times: 99 });
    expect(failureOf(await account.numbers.list(list))).toMatchObject({
      code,
      effect,
      retry: 'later',
      fault: 'provider',
    });
    expect(telnyx.requests).toHaveLength(4);
  });

  test('does not happen where trying again cannot help', async () => {
    const { telnyx, account } = await telnyxStage();
    for (const [status, theirs] of [
      [401, '10009'],
      [403, '10010'],
      [404, '10005'],
      [422, '10015'],
    ] as const) {
      telnyx.fail('ListPhoneNumbers', refuse(telnyxError(status, theirs, 'No.')));
      expect((await account.numbers.list(list)).ok).toBe(false);
    }
    expect(telnyx.requests).toHaveLength(4);
  });

  test.each([
    ['a 500', { kind: 'refuse', answer: { status: 500 } }],
    ['a lost answer', { kind: 'reset', processed: true }],
    ['a 429', refuse(slowDown)],
  ] as const)('what makes something is never sent again without looking first, after %s', async (_name, fault) => {
    const { telnyx, account } = await telnyxStage();
    telnyx.fail('CreateVoiceProfile', fault);
    successOf(await account.trunk.provision(plan(), new Keeping('telnyx').run()));
    const made = telnyx.operations.slice(0, telnyx.operations.lastIndexOf('CreateVoiceProfile') + 1);
    expect(made[0]).toBe('ListOutboundVoiceProfiles');
    const isLookedFor = made.every(
      (operation, index) => operation !== 'CreateVoiceProfile' || made[index - 1] === 'ListOutboundVoiceProfiles',
    );
    expect(isLookedFor).toBe(true);
    expect(telnyx.state.profiles.size).toBe(1);
  });

  test('a refusal after a lost answer does not say that nothing was done', async () => {
    const { telnyx, account } = await telnyxStage();
    const ours = telnyx.addConnection('ours');
    const { id } = telnyx.addNumber('+12025550100');
    telnyx.fail('UpdatePhoneNumber', { kind: 'reset', processed: true });
    telnyx.fail('UpdatePhoneNumber', refuse(telnyxError(401, '20002', 'Revoked')));
    const request = { providerId: id, trunkId: ours, takeOver: false, record: null, save: async () => undefined };
    expect(failureOf(await account.numbers.connect(request))).toMatchObject({ code: 'key_revoked', effect: 'unknown' });
    expect(telnyx.state.numbers.get(id).connection_id).toBe(ours);
  });

  test('Twilio promises that a 429 was not looked at: there it is', async () => {
    const { twilio, account } = await twilioStage();
    twilio.fail('CreateTrunk', refuse(twilioError(429, 20429, 'Too many requests')), { times: 2 });
    successOf(await account.trunk.provision(plan(), new Keeping('twilio').run()));
    expect(twilio.operations.slice(0, 4)).toEqual(['ListTrunk', 'CreateTrunk', 'CreateTrunk', 'CreateTrunk']);
  });
});

describe('slowing down', () => {
  test('Retry-After is waited for, as seconds and as a date', async () => {
    const { telnyx, stage, account } = await telnyxStage();
    telnyx.fail('ListPhoneNumbers', refuse(slowDown, { 'retry-after': '7' }));
    successOf(await account.numbers.list(list));
    expect(stage.waits).toEqual([7_000]);
    const at = new Date(stage.clock.wallMs() + 9_000).toUTCString();
    telnyx.fail('ListPhoneNumbers', refuse({ status: 503 }, { 'retry-after': at }));
    successOf(await account.numbers.list(list));
    expect(stage.waits[1]).toBe(9_000);
  });

  test('a long one is told to whoever asked, who is not kept waiting; nobody else is sent meanwhile', async () => {
    const { telnyx, stage, account } = await telnyxStage();
    telnyx.fail('ListPhoneNumbers', refuse(slowDown, { 'retry-after': '600' }));
    const first = failureOf(await account.numbers.list(list));
    expect(first).toMatchObject({ code: 'rate_limited', retryAfterMs: 600_000 });
    expect(stage.waits).toEqual([]);
    expect(failureOf(await account.numbers.check())).toMatchObject({ code: 'rate_limited', retryAfterMs: 600_000 });
    expect(telnyx.requests).toHaveLength(1);
    stage.clock.advance(600_000);
    successOf(await account.numbers.list(list));
  });

  test('a count that is used up is waited for before the next request', async () => {
    const { telnyx, stage, account } = await telnyxStage();
    telnyx.headers = { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '3' };
    successOf(await account.numbers.list(list));
    expect(stage.waits).toEqual([]);
    successOf(await account.numbers.list(list));
    expect(stage.waits).toEqual([3_000]);
  });
});

describe('an answer', () => {
  test('that is too large is not read to its end', async () => {
    const { telnyx, account } = await telnyxStage({ answerBytesMax: 10_000 });
    telnyx.fail('ListPhoneNumbers', { kind: 'huge', bytes: 50_000_000 });
    expect(failureOf(await account.numbers.list(list))).toMatchObject({
      code: 'provider_answer_too_large',
      retry: 'never',
    });
    expect(telnyx.requests).toHaveLength(1);
  });

  test.each([
    ['no object', '[1]'],
    ['no JSON', '<html></html>'],
    ['nothing', ''],
    ['a list of something else', '{"data":[1]}'],
    ['a number without an id', '{"data":[{"phone_number":"+12025550100"}]}'],
    ['an id that is a number', '{"data":[{"phone_number":"+12025550100","id":1293384261075731499}]}'],
  ])('that is %s is a failure, and not an empty account', async (_name, body) => {
    const account = await accountAt((_request, response) => void response.writeHead(200).end(body));
    expect(codeOf(await account.numbers.list(list))).toBe('provider_answer_invalid');
  });

  test('that leads elsewhere is not followed: the key goes to the provider and to nobody else', async () => {
    let visits = 0;
    const elsewhere = await server((_request, response) => {
      visits += 1;
      response.writeHead(200).end('{}');
    });
    const account = await accountAt(
      (_request, response) => void response.writeHead(307, { location: elsewhere }).end(),
    );
    expect(codeOf(await account.numbers.list(list))).toBe('provider_answer_invalid');
    expect(visits).toBe(0);
  });

  test('that is no HTTP is a failure', async () => {
    const port = await rawServer((socket) => socket.end('SIP/2.0 200 OK\r\n\r\n'));
    const failure = failureOf(await accountOn(`http://127.0.0.1:${port}`).numbers.list(list));
    expect(failure).toMatchObject({ code: 'provider_answer_invalid', detail: 'the answer is not HTTP' });
  });

  test('of pages without end is left at some point', async () => {
    const { telnyx, account } = await telnyxStage({ pagesMax: 3, pageSize: 1 });
    for (let index = 0; index < 5; index += 1) telnyx.addProfile(`callin-acct-7k2m-${index}`);
    const failure = failureOf(await account.trunk.provision(plan(), new Keeping('telnyx').run()));
    expect(failure).toMatchObject({ code: 'too_many_pages', detail: 'ListOutboundVoiceProfiles' });
  });
});

describe('a provider that', () => {
  test('is not there cannot have done anything', async () => {
    const fake = await startFakeTelnyx();
    const { apiUrl } = fake.urls;
    await fake.close();
    const keeping = new Keeping('telnyx');
    const failure = failureOf(await accountOn(apiUrl).trunk.provision(plan(), keeping.run()));
    expect(failure).toMatchObject({ code: 'provider_unreachable', effect: 'none', detail: 'ECONNREFUSED' });
  });

  test('breaks the connection may have', async () => {
    const { telnyx, account } = await telnyxStage({ makesMax: 1 });
    telnyx.fail('CreateVoiceProfile', { kind: 'reset', processed: false });
    const keeping = new Keeping('telnyx');
    const failure = failureOf(await account.trunk.provision(plan(), keeping.run()));
    expect(failure).toMatchObject({ code: 'provider_unreachable', effect: 'unknown' });
    expect(keeping.record.steps['voice_profile']).toMatchObject({ status: 'unknown', created: true });
  });

  test('speaks no TLS where it should cannot have done anything', async () => {
    const port = await rawServer((socket) => socket.end('HTTP/1.1 200 OK\r\n\r\n'));
    const failure = failureOf(await accountOn(`https://127.0.0.1:${port}`).numbers.list(list));
    expect(failure).toMatchObject({ code: 'provider_unreachable', effect: 'none' });
    expect(failure.detail).toMatch(/SSL|TLS/);
  });

  test('is slow, but within its time, is heard', async () => {
    const { telnyx, stage, account } = await telnyxStage();
    telnyx.onSlow = () => stage.clock.advance(19_999);
    telnyx.fail('ListPhoneNumbers', { kind: 'slow' });
    expect(codeOf(await account.numbers.list(list))).toBeNull();
    expect(stage.observed.map(({ durationMs }) => durationMs)).toEqual([19_999]);
  });

  test('never answers costs 20 s and no more', async () => {
    const { telnyx, stage, account } = await telnyxStage({ attemptsMax: 1 });
    const hung = Promise.withResolvers<void>();
    telnyx.onHang = hung.resolve;
    telnyx.fail('ListPhoneNumbers', { kind: 'hang', processed: false });
    const listing = account.numbers.list(list);
    await hung.promise;
    await stage.clock.advanceAsync(19_999);
    const early = await Promise.race([listing, new Promise((resolve) => setImmediate(resolve, 'waiting'))]);
    expect(early).toBe('waiting');
    stage.clock.advance(1);
    expect(codeOf(await listing)).toBe('provider_timeout');
    expect(stage.clock.pendingTimers).toBe(0);
  });
});

describe('cancelling', () => {
  test('ends a request that is under way', async () => {
    const { telnyx, account } = await telnyxStage();
    const controller = new AbortController();
    telnyx.onHang = () => controller.abort();
    telnyx.fail('ListPhoneNumbers', { kind: 'hang', processed: false });
    expect(codeOf(await account.numbers.list(list, controller.signal))).toBe('cancelled');
    expect(codeOf(await account.numbers.list(list, controller.signal))).toBe('cancelled');
    expect(telnyx.requests).toHaveLength(1);
  });
});

test('so many requests to one account go out at once and no more', async () => {
  let inside = 0;
  let most = 0;
  const account = await accountAt((_request, response) => {
    inside += 1;
    most = Math.max(most, inside);
    setImmediate(() => {
      inside -= 1;
      response.writeHead(200).end('{"data":[]}');
    });
  });
  const all = await Promise.all(Array.from({ length: 12 }, () => account.numbers.list(list)));
  expect(all.every(({ ok }) => ok)).toBe(true);
  expect(most).toBeLessThanOrEqual(3);
  const few = await accountAt((_request, response) => void response.writeHead(200).end('{"data":[]}'), {
    waitingMax: 2,
  });
  const codes = (await Promise.all(Array.from({ length: 6 }, () => few.numbers.list(list)))).map(codeOf);
  expect(codes.filter((code) => code === 'queue_full')).toHaveLength(1);
});

function accountOn(apiUrl: string, limits: Partial<ApiLimits> = {}) {
  return successOf(new Stage({ telnyx: { apiUrl } }, limits).providers.openTelnyx(API_KEY));
}

async function accountAt(listener: RequestListener, limits: Partial<ApiLimits> = {}) {
  return accountOn(await server(listener), limits);
}

async function server(listener: RequestListener): Promise<string> {
  const made = createServer(listener);
  await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    made.closeAllConnections();
    return new Promise((resolve) => made.close(resolve));
  });
  return `http://127.0.0.1:${(made.address() as AddressInfo).port}`;
}

async function rawServer(onSocket: (socket: Socket) => void): Promise<number> {
  const made = createRawServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.once('data', () => onSocket(socket));
  });
  await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve));
  closers.push(() => new Promise((resolve) => made.close(resolve)));
  return (made.address() as AddressInfo).port;
}
