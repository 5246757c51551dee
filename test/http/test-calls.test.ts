import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TestCallDesk } from '../../src/http/deps.ts';
import { startWorld, type World } from './world.ts';

let world: World;
let a: { id: string; token: string };
let b: { id: string; token: string };
let agentId: string;
const asked: object[] = [];
let outcome: ReturnType<TestCallDesk['prepare']> | null = null;

beforeAll(async () => {
  const testCalls: TestCallDesk = {
    wsUrl: 'wss://edge.example:5063',
    prepare(testCall) {
      asked.push(testCall);
      return (
        outcome ?? {
          ...testCall,
          id: 'test_1',
          username: 'someone',
          password: 'shown once',
          realm: 'callin-edge',
          expiresAt: world.clock.wallMs() + 120_000,
          wsUrl: 'wss://edge.example:5063',
        }
      );
    },
  };
  world = await startWorld({ testCalls });
  a = await world.workspace('A');
  b = await world.workspace('B');
  const stream = { url: 'wss://agent.example/x', protocol: 'twilio' };
  const { body } = await world.ask('POST', '/v1/agents', { token: a.token, body: { name: 'x', stream } });
  agentId = body.id;
});
afterAll(() => world.close());

const prepare = (token: string, body: object) => world.ask('POST', '/v1/test-calls', { token, body });

describe('POST /v1/test-calls', () => {
  test('answers with all that a browser needs', async () => {
    const { status, body } = await prepare(a.token, { agentId });
    expect(status).toBe(201);
    expect(body).toEqual({
      id: 'test_1',
      workspaceId: a.id,
      agentId,
      wsUrl: 'wss://edge.example:5063',
      sipUri: 'sip:test_1@callin-edge',
      username: 'someone',
      password: 'shown once',
      realm: 'callin-edge',
      expiresAt: new Date(world.clock.wallMs() + 120_000).toISOString(),
      iceServers: [],
    });
    expect(asked.at(-1)).toEqual({ workspaceId: a.id, agentId });
    expect(world.log.text()).not.toContain('shown once');
  });

  test('an agent of another workspace is one that does not exist', async () => {
    const count = asked.length;
    const { status, body } = await prepare(b.token, { agentId });
    expect([status, body.code, body.errors[0].field]).toEqual([422, 'unknown_reference', 'agentId']);
    expect(asked.length).toBe(count);
  });

  test('a node without WebSocket says so, and too many that were not made wait', async () => {
    outcome = 'test_calls_off';
    expect((await prepare(a.token, { agentId })).body.code).toBe('test_calls_off');
    outcome = 'test_call_limit';
    const limited = await prepare(a.token, { agentId });
    expect([limited.status, limited.body.code, limited.headers.get('retry-after')]).toEqual([
      429,
      'test_call_limit',
      '30',
    ]);
    outcome = null;
  });
});
