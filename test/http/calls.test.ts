import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { REASONS, type Reason } from '../../src/domain/reasons.ts';
import { CALL_DETAILS } from '../../src/http/call-problems.ts';
import { call } from '../directory/records.ts';
import { startWorld, type World } from './world.ts';

let world: World;
let a: { id: string; token: string };
beforeAll(async () => {
  world = await startWorld();
  a = await world.workspace('A');
});
afterEach(() => {
  world.calls.refusal = null;
});
afterAll(() => world.close());

const NUMBERS = { from: '+12025550100', to: '+12025550101' };
const place = (key: string, body: object = {}, token = a.token) =>
  world.ask('POST', '/v1/calls', { token, body: { ...NUMBERS, ...body }, headers: { 'idempotency-key': key } });

describe('placing a call', () => {
  test('hands the request on and answers with the call', async () => {
    const body = { customParameters: { order: '7' }, ringTimeoutMs: 20_000, maxDurationMs: 60_000 };
    const answer = await place('p1', body);
    expect(answer.status).toBe(201);
    expect(answer.body).toMatchObject({
      ...NUMBERS,
      workspaceId: a.id,
      direction: 'outbound',
      state: 'queued',
      bill: null,
    });
    expect(answer.headers.get('location')).toBe(`/v1/calls/${answer.body.id}`);
    expect(world.calls.asked.at(-1)).toEqual({ workspaceId: a.id, idempotencyKey: 'p1', ...NUMBERS, ...body });
  });

  test('a repeat answers with the first call and says so', async () => {
    const first = await place('p2');
    const again = await place('p2');
    expect([again.status, again.body]).toEqual([201, first.body]);
    expect(again.headers.get('idempotent-replayed')).toBe('true');
  });

  test('the same key for another call is refused and nothing is placed', async () => {
    await place('p3', { customParameters: { a: '1', b: '2' } });
    const asked = world.calls.asked.length;
    const reused = await place('p3', { to: '+12025550199' });
    expect([reused.status, reused.body.code]).toEqual([409, 'idempotency_key_reused']);
    expect(world.calls.asked).toHaveLength(asked);
    expect((await place('p3', { customParameters: { b: '2', a: '1' } })).status).toBe(201);
  });

  test('an agent of another workspace is unknown, and nothing is placed', async () => {
    const b = await world.workspace('B');
    const stream = { url: 'wss://a.example', protocol: 'twilio' };
    const { body: agent } = await world.ask('POST', '/v1/agents', { token: b.token, body: { name: 'x', stream } });
    const asked = world.calls.asked.length;
    const answer = await place('p4', { agentId: agent.id });
    expect([answer.status, answer.body.code, answer.body.errors[0].field]).toEqual([
      422,
      'unknown_reference',
      'agentId',
    ]);
    expect(world.calls.asked).toHaveLength(asked);
  });

  test('the operator names a workspace that exists', async () => {
    const headers = { 'idempotency-key': 'p5' };
    const missing = await world.ask('POST', '/v1/calls', { body: NUMBERS, headers });
    expect([missing.status, missing.body.errors[0].field]).toEqual([422, 'workspaceId']);
    const unknown = await world.ask('POST', '/v1/calls', { body: { ...NUMBERS, workspaceId: 'ws_none' }, headers });
    expect([unknown.status, unknown.body.code]).toEqual([422, 'unknown_reference']);
    expect((await world.ask('POST', '/v1/calls', { body: { ...NUMBERS, workspaceId: a.id }, headers })).status).toBe(
      201,
    );
  });

  test.each([
    ['to', { to: '2025550101' }],
    ['from', { from: 'sip:x@y' }],
    ['ringTimeoutMs', { ringTimeoutMs: 0 }],
    ['ringTimeoutMs', { ringTimeoutMs: 1.5 }],
    ['maxDurationMs', { maxDurationMs: 86_400_001 }],
    ['customParameters.a', { customParameters: { a: { nested: 'x' } } }],
  ])('a bad %s is refused by name', async (field, body) => {
    const answer = await place('p6', body);
    expect(answer.status).toBe(422);
    expect(answer.body.errors.map((each: { field: string }) => each.field)).toContain(field);
  });

  test.each<[Reason, number, string | null]>([
    ['insufficient_balance', 402, null],
    ['destination_not_allowed', 403, null],
    ['no_rate', 403, null],
    ['caller_id_not_owned', 403, null],
    ['number_unassigned', 409, null],
    ['no_route', 409, null],
    ['workspace_limit', 429, '5'],
    ['carrier_failed', 502, null],
    ['agent_unreachable', 502, null],
    ['trunk_limit', 503, '5'],
    ['node_limit', 503, '5'],
    ['draining', 503, '10'],
    ['store_unavailable', 503, '5'],
  ])('refused with %s is %d under the same word', async (reason, status, retryAfter) => {
    world.calls.refusal = reason;
    const answer = await place(`refused-${reason}`);
    expect([answer.status, answer.body.code, answer.body.title]).toEqual([status, reason, REASONS[reason].text]);
    expect(answer.headers.get('retry-after')).toBe(retryAfter);
    expect(answer.body.instance).toBe('/v1/calls/call_refused');
  });

  test.each(Object.keys(CALL_DETAILS) as (keyof typeof CALL_DETAILS)[])(
    'refused with %s says in the detail what to change',
    async (reason) => {
      world.calls.refusal = reason;
      const { body } = await place(`detail-${reason}`);
      expect(body.detail).toBe(CALL_DETAILS[reason]);
    },
  );

  test('every refusal that the document names for the route has its detail', () => {
    const codes = Object.keys(REASONS).filter((code) =>
      JSON.stringify(world.document.paths['/v1/calls']?.['post']).includes(`\`${code}\``),
    );
    expect(codes.length).toBeGreaterThan(15);
    expect(codes.filter((code) => !(code in CALL_DETAILS))).toEqual([]);
    expect(Object.keys(CALL_DETAILS).filter((code) => !codes.includes(code))).toEqual([]);
  });
});

describe('looking at calls', () => {
  test('times are RFC 3339, money is decimal text, the bill has its evidence', async () => {
    world.calls.records.set('call_full', call({ id: 'call_full', workspaceId: a.id }));
    const { body } = await world.ask('GET', '/v1/calls/call_full', { token: a.token });
    expect(body).toMatchObject({
      startedAt: '1970-01-01T00:00:01.000Z',
      answeredAt: '1970-01-01T00:00:01.200Z',
      endReason: 'remote_hangup',
      timeline: [
        { at: '1970-01-01T00:00:01.000Z', offsetMs: 0, event: 'invite_received', detail: { trunk: 'trunk_a' } },
      ],
      bill: {
        telephony: { billedMs: 60_000, ratePerMinute: '0.012', amount: '0.012', rule: 'Per started minute' },
        compute: { amount: '0.03' },
        total: '0.042',
        currency: 'USD',
        rate: {
          version: 'rates_0123456789abcdef',
          number: '+12025550100',
          prefix: '1',
          effectiveFrom: '2026-01-01T00:00:00.000Z',
          connectFee: '0.00',
          initialMs: 60_000,
          incrementMs: 1,
        },
        evidence: { start: '1970-01-01T00:00:01.200Z', end: '1970-01-01T00:01:01.200Z', endedBy: 'bye' },
        final: true,
      },
    });
  });

  test('a call of no workspace is seen by the operator only', async () => {
    world.calls.records.set('call_stranger', call({ id: 'call_stranger', workspaceId: null }));
    expect((await world.ask('GET', '/v1/calls/call_stranger')).status).toBe(200);
    expect((await world.ask('GET', '/v1/calls/call_stranger', { token: a.token })).status).toBe(404);
    const { text } = await world.ask('GET', '/v1/calls', { token: a.token });
    expect(text).not.toContain('call_stranger');
  });

  test('hanging up says whether there was something to end', async () => {
    world.calls.records.set('call_live', call({ id: 'call_live', workspaceId: a.id, state: 'answered' }));
    const hangup = (id: string) => world.ask('POST', `/v1/calls/${id}/hangup`, { token: a.token });
    expect([(await hangup('call_live')).status, (await hangup('call_live')).body]).toEqual([202, { state: 'ending' }]);
    expect((await hangup('call_full')).body).toEqual({ state: 'already_ended' });
    expect((await hangup('call_none')).status).toBe(404);
    expect(world.calls.hungUp).not.toContain('call_none');
  });

  test('media 6: keys are pressed in an answered call, and a repeat is told as such', async () => {
    world.calls.records.set('call_live', call({ id: 'call_live', workspaceId: a.id, state: 'answered' }));
    const press = (body: object, headers: Record<string, string> = {}) =>
      world.ask('POST', '/v1/calls/call_live/dtmf', { token: a.token, body, headers });
    const answer = await press({ digits: '1w2#' });
    expect([answer.status, answer.body]).toEqual([202, { keys: 2 }]);
    await press({ digits: 'A', toneMs: 250, gapMs: 60 }, { 'idempotency-key': 'once' });
    expect(world.calls.keysAsked).toEqual([
      { callId: 'call_live', request: { text: '1w2#', toneMs: 100, gapMs: 100 }, idempotencyKey: null },
      { callId: 'call_live', request: { text: 'A', toneMs: 250, gapMs: 60 }, idempotencyKey: 'once' },
    ]);
    world.calls.keysOutcome = { ok: true, keys: 1, repeated: true };
    expect((await press({ digits: '1' })).headers.get('idempotent-replayed')).toBe('true');
  });

  test.each([
    [{ digits: '' }],
    [{ digits: 'ww' }],
    [{ digits: '1 2' }],
    [{ digits: '12E' }],
    [{ digits: '1'.repeat(65) }],
    [{ digits: '1', toneMs: 20 }],
    [{ digits: '1', gapMs: 5000 }],
    [{}],
  ])('media 6: %j is no keys, and is not repeated in the answer', async (body) => {
    world.calls.records.set('call_live', call({ id: 'call_live', workspaceId: a.id, state: 'answered' }));
    const before = world.calls.keysAsked.length;
    const answer = await world.ask('POST', '/v1/calls/call_live/dtmf', { token: a.token, body });
    expect(answer.status).toBe(422);
    expect(world.calls.keysAsked.length).toBe(before);
  });

  test.each(['call_not_answered', 'dtmf_queue_full', 'dtmf_unavailable', 'idempotency_key_reused'] as const)(
    'media 6: keys that cannot be sent: 409 %s',
    async (code) => {
      world.calls.records.set('call_live', call({ id: 'call_live', workspaceId: a.id, state: 'answered' }));
      world.calls.keysOutcome = { ok: false, code };
      const answer = await world.ask('POST', '/v1/calls/call_live/dtmf', { token: a.token, body: { digits: '1' } });
      expect([answer.status, answer.body]).toMatchObject([409, { code }]);
    },
  );

  test('media 6: nobody presses keys in a call of others', async () => {
    world.calls.records.set('call_b', call({ id: 'call_b', workspaceId: 'another', state: 'answered' }));
    const answer = await world.ask('POST', '/v1/calls/call_b/dtmf', { token: a.token, body: { digits: '1' } });
    expect(answer.status).toBe(404);
  });
});
