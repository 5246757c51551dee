import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { trunk } from '../directory/records.ts';
import { startWorld, type World } from './world.ts';

let world: World;
let a: { id: string; token: string };
let b: { id: string; token: string };
let numbers = 0;

beforeAll(async () => {
  world = await startWorld();
  a = await world.workspace('A');
  b = await world.workspace('B');
  const managed = trunk({ id: 'trunk_managed', workspaceId: null, kind: 'managed' });
  await world.directory.trunks.put(managed);
});
afterAll(() => world.close());

/** A telephone that no other test has. */
function telephone(): string {
  numbers += 1;
  return `+120255502${String(numbers).padStart(2, '0')}`;
}

function start(
  e164: string,
  { token = a.token, key = crypto.randomUUID() as string, ...body }: Record<string, string> = {},
) {
  const headers = { 'idempotency-key': key };
  return world.ask('POST', '/v1/personal-numbers', { token, headers, body: { e164, ...body } });
}

const verify = (id: string, code: string, token = a.token) =>
  world.ask('POST', `/v1/personal-numbers/${id}/verify`, { token, body: { code } });
const resend = (id: string, key: string = crypto.randomUUID()) =>
  world.ask('POST', `/v1/personal-numbers/${id}/resend`, { token: a.token, headers: { 'idempotency-key': key } });
const spoken = () => world.spoken.at(-1)?.code ?? '';

describe('/v1/personal-numbers', () => {
  test('from a number as people write it to one that is listed with the others', async () => {
    const e164 = telephone();
    const written = `00${e164.slice(1, 2)} (${e164.slice(2, 5)}) ${e164.slice(5)}`;
    const started = await start(written, { language: 'es' });
    expect(started.status).toBe(201);
    expect(started.body).toMatchObject({
      e164,
      country: 'US',
      workspaceId: a.id,
      language: 'es',
      state: 'pending',
      numberId: null,
      verifiedAt: null,
      attemptsLeft: 5,
      callsLeft: 3,
      call: { state: 'calling', callId: null },
    });
    expect(started.headers.get('location')).toBe(`/v1/personal-numbers/${started.body.id}`);
    expect(world.spoken.at(-1)?.language).toBe('es');

    const digits = spoken();
    const verified = await verify(started.body.id, ` ${digits.slice(0, 3)} ${digits.slice(3)}`);
    expect([verified.status, verified.body.state]).toEqual([200, 'verified']);
    const number = await world.ask('GET', `/v1/numbers/${verified.body.numberId}`, { token: a.token });
    expect(number.body).toMatchObject({
      e164,
      provider: 'personal',
      supportsInbound: false,
      supportsOutbound: true,
      status: 'active',
    });
    const inbound = { supportsInbound: true };
    const changed = await world.ask('PATCH', `/v1/numbers/${number.body.id}`, { token: a.token, body: inbound });
    expect([changed.status, changed.body.code]).toEqual([422, 'invalid_fields']);

    const again = await start(e164);
    expect([again.status, again.body.code]).toEqual([409, 'number_taken']);
    const replayed = await verify(started.body.id, digits);
    expect([replayed.status, replayed.body.code]).toEqual([409, 'already_verified']);
  });

  test('which call it was is for the operator', async () => {
    const { body } = await start(telephone());
    const path = `/v1/personal-numbers/${body.id}`;
    expect((await world.ask('GET', path)).body.call.callId).toMatch(/^call_/);
    expect((await world.ask('GET', path, { token: a.token })).body.call.callId).toBeNull();
    expect((await world.ask('GET', '/v1/calls', { token: a.token })).text).not.toContain(body.e164);
  });

  test.each(['2025550188', '+0', 'sip:x@y.z', '+12025', '++12025550188', '+1 202 555 01 88 9 9 9 9 9 9'])(
    '%s is no number',
    async (e164) => {
      const answer = await start(e164);
      expect([answer.status, answer.body.code, answer.body.errors[0].field]).toEqual([422, 'invalid_fields', 'e164']);
    },
  );

  test.each(['12345', '1234567', 'abcdef', '', '１２３４５６'])('%j is no code, and takes no attempt', async (code) => {
    const { body } = await start(telephone());
    expect((await verify(body.id, code)).status).toBe(422);
    expect((await world.ask('GET', `/v1/personal-numbers/${body.id}`)).body.attemptsLeft).toBe(5);
  });

  test('where the operator’s trunks do not call: 403 with the word of any call', async () => {
    for (const e164 of ['+442071234567', '+19005550123', '+88216123456']) {
      const answer = await start(e164);
      expect([answer.status, answer.body.code]).toEqual([403, 'destination_not_allowed']);
    }
  });

  test('wrong codes are counted, five are the end; too early another call is 429 with the time to wait', async () => {
    const { body } = await start(telephone());
    const wrong = spoken() === '000000' ? '000001' : '000000';
    for (const left of ['4 attempts are left', '3 attempts are left', '2 attempts are left', 'One attempt is left']) {
      const answer = await verify(body.id, wrong);
      expect([answer.status, answer.body.code, answer.body.detail]).toEqual([422, 'code_wrong', left]);
    }
    const paused = await resend(body.id);
    expect([paused.status, paused.body.code, paused.headers.get('retry-after')]).toEqual([
      429,
      'verification_pause',
      '75',
    ]);
    expect((await verify(body.id, wrong)).body.code).toBe('verification_failed');
    const dead = await verify(body.id, spoken());
    expect([dead.status, dead.body.code]).toEqual([409, 'verification_failed']);
    expect((await resend(body.id)).body.code).toBe('verification_failed');
  });

  test('an expired code is 410, and another call helps', async () => {
    const { body } = await start(telephone());
    world.clock.advance(600_000);
    const late = await verify(body.id, spoken());
    expect([late.status, late.body.code]).toEqual([410, 'code_expired']);
    expect((await world.ask('GET', `/v1/personal-numbers/${body.id}`)).body).toMatchObject({
      state: 'expired',
      codeExpiresAt: null,
    });
    expect((await resend(body.id)).body.state).toBe('pending');
    expect((await verify(body.id, spoken())).body.state).toBe('verified');
  });

  test('the same Idempotency-Key rings once; another request under it is refused', async () => {
    const e164 = telephone();
    const before = world.spoken.length;
    const first = await start(e164, { key: 'once' });
    const second = await start(e164, { key: 'once' });
    expect([second.status, second.body.id, second.headers.get('idempotent-replayed')]).toEqual([
      201,
      first.body.id,
      'true',
    ]);
    expect(world.spoken.length - before).toBe(1);
    expect((await start(telephone(), { key: 'once' })).body.code).toBe('idempotency_key_reused');
    world.clock.advance(75_000);
    await resend(first.body.id, 'twice');
    expect((await resend(first.body.id, 'twice')).headers.get('idempotent-replayed')).toBe('true');
    expect(world.spoken.length - before).toBe(2);
  });

  test('a number of another workspace is answered like a free one, until the code is right', async () => {
    const e164 = telephone();
    const owner = await start(e164, { token: b.token });
    await verify(owner.body.id, spoken(), b.token);
    const taken = await start(e164);
    const takenCode = spoken();
    const free = await start(telephone());
    const shape = ({ id, createdAt, e164: _, codeExpiresAt, nextCallAt, ...rest }: Record<string, unknown>) => rest;
    expect(shape(taken.body)).toEqual(shape(free.body));
    const wrong = takenCode === '000000' ? '000001' : '000000';
    expect((await verify(taken.body.id, wrong)).body.code).toBe('code_wrong');
    const answer = await verify(taken.body.id, takenCode);
    expect([answer.status, answer.body.code]).toEqual([409, 'verified_elsewhere']);
  });

  test('calls that cannot be placed: 503, and no more is said than that', async () => {
    world.calls.refusal = 'no_route';
    const answer = await start(telephone());
    world.calls.refusal = null;
    expect([answer.status, answer.body.code, answer.headers.get('retry-after')]).toEqual([
      503,
      'verifications_unavailable',
      '60',
    ]);
    expect(answer.text).not.toContain('no_route');
  });

  test('DELETE takes the number out of the workspace', async () => {
    const { body } = await start(telephone());
    const { body: verified } = await verify(body.id, spoken());
    expect((await world.ask('DELETE', `/v1/personal-numbers/${body.id}`, { token: b.token })).status).toBe(404);
    expect((await world.ask('DELETE', `/v1/personal-numbers/${body.id}`, { token: a.token })).status).toBe(204);
    expect((await world.ask('GET', `/v1/numbers/${verified.numberId}`)).status).toBe(404);
  });

  test('no code is in any log or answer', async () => {
    const listed = await world.ask('GET', '/v1/personal-numbers?limit=100');
    const seen = world.log.text() + listed.text;
    for (const { code } of world.spoken) expect(seen).not.toMatch(new RegExp(`(?<![0-9a-f])${code}(?![0-9a-f])`));
  });
});
