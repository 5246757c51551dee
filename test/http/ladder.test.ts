import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Ladder } from '../../src/observability/sip-ladder.ts';
import { call, trunk } from '../directory/records.ts';
import { startWorld, type World } from './world.ts';

const INVITE = 'INVITE sip:+12025550111@203.0.113.9:5060 SIP/2.0\r\nCall-ID: x\r\nCSeq: 7 INVITE\r\n\r\n';
const OK = 'SIP/2.0 200 OK\r\nCall-ID: x\r\nCSeq: 7 INVITE\r\n\r\n';

const kept: Ladder = {
  dropped: 3,
  messages: [
    { direction: 'out', transport: 'udp', peer: '203.0.113.9:5060', text: INVITE, atMs: 1_000, offsetMs: 12 },
    { direction: 'in', transport: 'udp', peer: '203.0.113.9:5060', text: OK, atMs: 1_050, offsetMs: 62 },
  ],
};

let world: World;
let customer: { id: string; token: string };

beforeAll(async () => {
  world = await startWorld({ ladder: (callId) => (callId === 'call_gone' ? undefined : kept) });
  customer = await world.workspace('A');
  const workspaceId = customer.id;
  await world.directory.trunks.put(trunk({ id: 'trunk_own', workspaceId }));
  await world.directory.trunks.put(trunk({ id: 'trunk_managed', workspaceId: null, kind: 'managed' }));
  for (const [id, trunkId] of [
    ['call_own', 'trunk_own'],
    ['call_managed', 'trunk_managed'],
    ['call_gone', 'trunk_own'],
  ] as const) {
    world.calls.records.set(id, call({ id, workspaceId, trunkId }));
  }
});
afterAll(() => world.close());

describe('the ladder of a call', () => {
  test('shows the messages of an own carrier whole', async () => {
    const { status, body } = await world.ask('GET', '/v1/calls/call_own/ladder', { token: customer.token });
    expect(status).toBe(200);
    expect(body).toMatchObject({ callId: 'call_own', dropped: 3, kept: true });
    expect(body.items).toEqual([
      {
        at: '1970-01-01T00:00:01.000Z',
        offsetMs: 12,
        direction: 'out',
        transport: 'udp',
        from: 'gateway',
        to: '203.0.113.9:5060',
        startLine: 'INVITE sip:+12025550111@203.0.113.9:5060 SIP/2.0',
        method: 'INVITE',
        status: null,
        cseq: 7,
        text: INVITE,
      },
      expect.objectContaining({ from: '203.0.113.9:5060', to: 'gateway', startLine: 'SIP/2.0 200 OK', status: 200 }),
    ]);
  });

  test('so does the call itself: where the operator’s carriers are stands in no timeline of a workspace', async () => {
    const timeline = [
      { at: 1_000, offsetMs: 0, event: 'invite', detail: { sourceAddress: '203.0.113.9', transport: 'udp' } },
      { at: 1_001, offsetMs: 1, event: 'inviting', detail: { gateway: '203.0.113.9:5060' } },
    ];
    for (const [id, isSeen] of [
      ['call_own', true],
      ['call_managed', false],
    ] as const) {
      const known = world.calls.records.get(id);
      if (known === undefined) throw new Error(id);
      world.calls.records.set(id, { ...known, timeline });
      const seen = await world.ask('GET', `/v1/calls/${id}`, { token: customer.token });
      expect([id, seen.text.includes('203.0.113.9')]).toEqual([id, isSeen]);
      expect(seen.body.timeline.map((entry: { event: string }) => entry.event)).toEqual(['invite', 'inviting']);
      expect((await world.ask('GET', `/v1/calls/${id}`)).text).toContain('203.0.113.9');
    }
    const list = await world.ask('GET', '/v1/calls', { token: customer.token });
    const managed = list.body.items.find((item: { id: string }) => item.id === 'call_managed');
    expect(JSON.stringify(managed.timeline)).not.toContain('203.0.113.9');
  });

  test('hides the operator’s carriers from a workspace: what was said, not to whom', async () => {
    const { body, text } = await world.ask('GET', '/v1/calls/call_managed/ladder', { token: customer.token });
    expect(body.items).toMatchObject([
      { to: 'carrier', startLine: 'INVITE', text: null },
      { from: 'carrier', startLine: 'SIP/2.0 200 OK', text: null },
    ]);
    expect(text).not.toContain('203.0.113.9');
    expect((await world.ask('GET', '/v1/calls/call_managed/ladder')).body.items[0].text).toBe(INVITE);
  });

  test('that was forgotten is empty and says so', async () => {
    const { status, body } = await world.ask('GET', '/v1/calls/call_gone/ladder');
    expect([status, body]).toEqual([200, { callId: 'call_gone', items: [], dropped: 0, kept: false }]);
  });
});
