import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { call } from '../directory/records.ts';
import { startWorld, type World } from './world.ts';

let world: World;
let a: { id: string; token: string };
let b: { id: string; token: string };
beforeAll(async () => {
  world = await startWorld();
  a = await world.workspace('A');
  b = await world.workspace('B');
  world.calls.records.set('call_1', call({ id: 'call_1', workspaceId: a.id, state: 'answered' }));
});
afterAll(() => world.close());

const transfer = (body: object, token = a.token) => world.ask('POST', '/v1/calls/call_1/transfer', { token, body });

describe('signalling 16: POST /v1/calls/{id}/transfer', () => {
  test('hands on who it is for and the headers, and answers what the carrier said', async () => {
    world.calls.transferOutcome = { ok: true, state: 'accepted' };
    const answer = await transfer({ to: '+12025550155', headers: { 'X-Order': '7' }, timeoutMs: 30_000 });
    expect([answer.status, answer.body]).toEqual([202, { state: 'accepted' }]);
    expect(world.calls.transfers.at(-1)).toEqual({
      callId: 'call_1',
      request: { to: { address: '+12025550155' }, by: 'api', headers: { 'X-Order': '7' }, timeoutMs: 30_000 },
    });
    await transfer({ toCallId: 'call_2' });
    expect(world.calls.transfers.at(-1)?.request.to).toEqual({ callId: 'call_2' });
  });

  test.each([
    ['call_not_answered', 409],
    ['transfer_unsupported', 409],
    ['transfer_in_progress', 409],
    ['transfer_target_invalid', 422],
    ['destination_not_allowed', 403],
  ] as const)('%s is %i', async (code, status) => {
    world.calls.transferOutcome = { ok: false, code };
    const answer = await transfer({ to: '+12025550155' });
    expect([answer.status, answer.body.code]).toEqual([status, code]);
  });

  test('a carrier that does not take it: 409 with its status', async () => {
    world.calls.transferOutcome = { ok: false, code: 'transfer_refused', status: 405 };
    const answer = await transfer({ to: '+12025550155' });
    expect([answer.status, answer.body.code]).toEqual([409, 'transfer_refused']);
    expect(answer.body.detail).toContain('405');
  });

  test.each([
    [{}],
    [{ to: '+12025550155', toCallId: 'call_2' }],
    [{ to: '+12025550155', headers: { Via: 'x' } }],
    [{ to: '+12025550155', headers: { 'X-A': 'a\r\nVia: x' } }],
    [{ to: '+12025550155', headers: { 'X-A': '1', 'x-a': '2' } }],
    [{ to: '+12025550155', timeoutMs: 10 }],
    [{ to: 'x'.repeat(400) }],
  ])('%j is 422 and asks for nothing', async (body) => {
    const before = world.calls.transfers.length;
    const answer = await transfer(body);
    expect([answer.status, answer.body.code]).toEqual([422, 'invalid_fields']);
    expect(world.calls.transfers).toHaveLength(before);
  });

  test('calls of another workspace are not there', async () => {
    expect((await transfer({ to: '+12025550155' }, b.token)).status).toBe(404);
  });
});

describe('signalling 16, 19, 20: what a trunk lets its carrier do', () => {
  const outbound = { enabled: true, gateways: [{ host: '192.0.2.1' }], allowedCountries: ['US'] };

  test('defaults are closed, but for transfers of the customer’s own', async () => {
    const answer = await world.ask('POST', '/v1/trunks?check=none', { token: a.token, body: { label: 'x', outbound } });
    expect(answer.status).toBe(201);
    const defaults = { transfer: 'refer', carrierTransfer: 'off', redirects: 'off', attestation: 'trusted' };
    expect(answer.body).toMatchObject({ ...defaults, agentHeaders: ['X-*'] });
    const change = { carrierTransfer: 'follow', redirects: 'follow', agentHeaders: ['X-Acme-*', 'User-to-User'] };
    const changed = await world.ask('PATCH', `/v1/trunks/${answer.body.id}?check=none`, {
      token: a.token,
      body: change,
    });
    expect(changed.body).toMatchObject({ ...defaults, ...change });
    const other = { label: 'y' };
    const kept = await world.ask('PATCH', `/v1/trunks/${answer.body.id}?check=none`, { token: a.token, body: other });
    expect(kept.body).toMatchObject({ ...defaults, ...change });
  });

  test.each([
    [{ transfer: 'bridge' }, 'transfer'],
    [{ carrierTransfer: 'refer' }, 'carrierTransfer'],
    [{ agentHeaders: ['Authorization'] }, 'agentHeaders.0'],
    [{ agentHeaders: ['*'] }, 'agentHeaders.0'],
    [{ attestation: true }, 'attestation'],
  ])('%j is refused', async (settings, field) => {
    const body = { label: 'x', outbound, ...settings };
    const answer = await world.ask('POST', '/v1/trunks?check=none', { token: a.token, body });
    expect([answer.status, answer.body.errors?.[0]?.field]).toEqual([422, field]);
  });
});
