import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { E164 } from '../../src/domain/e164.ts';
import { ChecksBusyError } from '../../src/diagnosis/errors.ts';
import { agent, number, trunk } from '../directory/records.ts';
import { startWorld, type World } from './world.ts';

let world: World;
let a: { id: string; token: string };
let b: { id: string; token: string };

beforeAll(async () => {
  world = await startWorld();
  a = await world.workspace('A');
  b = await world.workspace('B');
  await world.directory.agents.put(agent({ workspaceId: a.id }));
  await world.directory.trunks.put(trunk({ workspaceId: a.id }));
  await world.directory.numbers.put(number({ workspaceId: a.id, agentId: null }));
});
afterAll(() => world.close());

const ask = (body: object, token = a.token) => world.ask('POST', '/v1/diagnoses', { token, body });
type Step = { step: string; state: string; advice: string | null };
const stepOf = (body: { steps: Step[] }, name: string) => body.steps.find(({ step }) => step === name);

describe('diagnoses', () => {
  test('of a number: each step with what was seen and what to do; found again under its id', async () => {
    const { status, body, headers } = await ask({ numberE164: '+12025550100' });
    expect(status).toBe(201);
    expect(body).toMatchObject({ workspaceId: a.id, numberE164: '+12025550100', trunkId: null, state: 'failed' });
    expect(stepOf(body, 'number_assigned')).toEqual({
      step: 'number_assigned',
      state: 'failed',
      subject: '+12025550100',
      seen: 'It is not assigned to any agent.',
      advice: 'Make sure the number is assigned to an agent.',
      docsUrl: null,
    });
    expect(headers.get('location')).toBe(`/v1/diagnoses/${body.id}`);
    expect((await world.ask('GET', `/v1/diagnoses/${body.id}`, { token: a.token })).body).toEqual(body);
    expect((await world.ask('GET', `/v1/diagnoses/${body.id}`)).body).toEqual(body);
    expect((await world.ask('GET', `/v1/diagnoses/${body.id}`, { token: b.token })).status).toBe(404);
  });

  test('of a trunk, and of everything', async () => {
    expect((await ask({ trunkId: 'trunk_a' })).body).toMatchObject({ trunkId: 'trunk_a', workspaceId: a.id });
    expect((await ask({})).body).toMatchObject({ trunkId: null, numberE164: null, workspaceId: a.id });
    expect((await ask({}, b.token)).body).toMatchObject({ workspaceId: b.id, state: 'failed' });
  });

  test('the operator names a workspace, or asks about what belongs to one', async () => {
    const admin = (body: object) => world.ask('POST', '/v1/diagnoses', { body });
    const nothing = await admin({});
    expect([nothing.status, nothing.body.errors[0].field]).toEqual([422, 'workspaceId']);
    expect((await admin({ workspaceId: a.id })).body.workspaceId).toBe(a.id);
    expect((await admin({ numberE164: '+12025550100' })).body.workspaceId).toBe(a.id);
    expect((await admin({ trunkId: 'trunk_a' })).body.workspaceId).toBe(a.id);
    expect((await admin({ numberE164: '+12025550199' })).body).toMatchObject({ workspaceId: null, state: 'failed' });
    expect((await admin({ workspaceId: 'ws_none' })).body.code).toBe('unknown_reference');
  });

  test('what belongs to another workspace is as unknown as what does not exist', async () => {
    const theirs = await ask({ numberE164: '+12025550100' }, b.token);
    const nobodys = await ask({ numberE164: '+12025550199' }, b.token);
    expect(theirs.body.steps.map(({ step, state }: Step) => `${step} ${state}`)).toEqual(
      nobodys.body.steps.map(({ step, state }: Step) => `${step} ${state}`),
    );
    const trunks = [await ask({ trunkId: 'trunk_a' }, b.token), await ask({ trunkId: 'trunk_none' }, b.token)];
    for (const answer of trunks) expect([answer.status, answer.body.code]).toEqual([422, 'unknown_reference']);
    expect(trunks[0]?.text).toBe(trunks[1]?.text);
  });

  test.each([
    ['trunkId', { numberE164: '+12025550100', trunkId: 'trunk_a' }],
    ['numberE164', { numberE164: '2025550100' }],
    ['numberE164', { numberE164: null }],
  ])('a bad %s is refused by name', async (field, body) => {
    const answer = await ask(body);
    expect([answer.status, answer.body.errors[0].field]).toEqual([422, field]);
  });

  test('a key that may only look may diagnose', async () => {
    const made = await world.ask('POST', `/v1/workspaces/${a.id}/keys`, { body: { label: 'look', role: 'read_only' } });
    expect((await ask({ numberE164: '+12025550100' as E164 }, made.body.token)).status).toBe(201);
  });
});

test('with as many under way as may be, the next one waits', async () => {
  const busy = await startWorld({
    diagnoses: {
      run: async () => {
        throw new ChecksBusyError('busy');
      },
      get: () => undefined,
    },
  });
  const { token } = await busy.workspace('A');
  const answer = await busy.ask('POST', '/v1/diagnoses', { token, body: {} });
  await busy.close();
  expect([answer.status, answer.body.code, answer.headers.get('retry-after')]).toEqual([429, 'checks_busy', '5']);
});
