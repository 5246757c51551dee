import { beforeEach, describe, expect, test } from 'vitest';
import { createCallManager } from '../../src/calls/call-manager.ts';
import type { CarrierGateways } from '../../src/calls/deps.ts';
import { createWorld, OFFER, settle, type World } from './fakes.ts';

// Which gateway a call goes to next, and when it does not.

let world: World;
let manager: ReturnType<typeof createCallManager>;

beforeEach(() => {
  world = createWorld();
  manager = createCallManager(world.deps);
});

async function place(): Promise<string> {
  const outcome = await manager.originate({
    workspaceId: 'demo',
    idempotencyKey: 'k1',
    from: '+12025550100',
    to: '+12025550177',
  });
  if (!outcome.ok) throw new Error(`refused: ${outcome.reason}`);
  return outcome.call.id;
}

const lastAttempt = () => {
  const attempt = world.originated.at(-1);
  if (attempt === undefined) throw new Error('no INVITE left');
  return attempt;
};

async function reject(status: number, more: { retryAfterMs?: number } = {}): Promise<void> {
  lastAttempt().emit({ type: 'rejected', status, reason: 'said the carrier', ...more });
  await settle();
}

async function timelineOf(callId: string) {
  return ((await manager.get(callId))?.timeline ?? []).map(({ event, detail }) => ({ event, ...detail }));
}

function outboundOf(change: object): void {
  const managed = world.trunks[0];
  if (managed === undefined) throw new Error('no trunk');
  world.trunks[0] = { ...managed, outbound: { ...managed.outbound, ...change } };
}

const offeredPort = (index: number) => /m=audio (\d+)/.exec(world.originated[index]?.params.offer ?? '')?.[1];

describe('signalling 4: gateways of a trunk', () => {
  test.each([408, 500, 502, 503, 504])('after %i the next one is tried', async (status) => {
    await place();
    await reject(status);
    expect(world.originated).toHaveLength(2);
  });

  test.each([400, 403, 404, 480, 484, 486, 488, 501, 600, 603, 604])(
    'after %i there is no next one',
    async (status) => {
      await place();
      await reject(status);
      expect(world.originated).toHaveLength(1);
    },
  );

  test('a trunk may name the statuses itself', async () => {
    outboundOf({ failoverStatuses: [403, 480] });
    await place();
    await reject(480);
    expect(world.originated).toHaveLength(2);
    await reject(503);
    expect(world.originated).toHaveLength(2);
  });

  test('not after early media was relayed, nor once it rang; a 183 without audio says nothing', async () => {
    outboundOf({ earlyMedia: 'agent' });
    await place();
    lastAttempt().emit({ type: 'progress', status: 183, sdp: null });
    await reject(503);
    expect(world.originated).toHaveLength(2);
    lastAttempt().emit({ type: 'progress', status: 183, sdp: OFFER });
    await reject(503);
    expect(world.originated).toHaveLength(2);
  });

  test('early media that nobody hears is no reason to stay', async () => {
    await place();
    lastAttempt().emit({ type: 'progress', status: 183, sdp: OFFER });
    await reject(503);
    expect(world.originated).toHaveLength(2);
  });

  test('it rang: nobody’s phone rings twice', async () => {
    await place();
    lastAttempt().emit({ type: 'progress', status: 180, sdp: null });
    await reject(503);
    expect(world.originated).toHaveLength(1);
  });

  test('what a server that was left says late is no sign of life of the next one', async () => {
    (world.deps.gateways as { isDead?: CarrierGateways['isDead'] }).isDead = async () => true;
    const callId = await place();
    await world.clock.advanceAsync(6_000);
    await settle();
    expect(world.originated).toHaveLength(2);
    world.originated[0]?.emit({ type: 'rejected', status: 487, reason: 'Request Terminated' });
    await world.clock.advanceAsync(6_000);
    await settle();
    expect(world.originated[1]?.acts).toEqual(['cancel carrier_failed']);
    expect(await manager.get(callId)).toMatchObject({ state: 'ended', endReason: 'no_answer' });
  });

  test.each([
    ['is left for the next one', true, 2],
    ['and answers a question is waited for', false, 1],
  ])('with an engine that does not tell of 100, a silent server %s', async (_what, isDead, attempts) => {
    const asked: string[] = [];
    (world.deps.gateways as { isDead?: CarrierGateways['isDead'] }).isDead = async (_trunk, _gateway, server) => {
      asked.push(server.shown);
      return isDead;
    };
    await place();
    await world.clock.advanceAsync(5_999);
    expect(asked).toEqual([]);
    await world.clock.advanceAsync(1);
    await settle();
    expect(asked).toEqual(['udp 192.0.2.1:5080']);
    expect(world.originated).toHaveLength(attempts);
    expect(world.originated[0]?.acts).toEqual(isDead ? ['cancel carrier_failed'] : []);
  });

  test('with such an engine nobody is asked once something was said', async () => {
    let asked = 0;
    (world.deps.gateways as { isDead?: CarrierGateways['isDead'] }).isDead = async () => {
      asked += 1;
      return true;
    };
    await place();
    lastAttempt().emit({ type: 'progress', status: 183, sdp: null });
    await world.clock.advanceAsync(20_000);
    expect(asked).toBe(0);
  });

  test('each attempt has its own media port and description', async () => {
    await place();
    await reject(503);
    expect(offeredPort(0)).toBe('40000');
    expect(offeredPort(1)).toBe('40002');
    expect(world.sessions[0]?.renewals).toBe(1);
    const versions = world.originated.map(({ params }) => /^o=\S+ \d+ (\d+) /m.exec(params.offer)?.[1]);
    expect(versions).toEqual(['1', '1']);
  });

  test('the servers of a gateway are tried one by one before the next gateway', async () => {
    world.servers.set(5080, ['udp 192.0.2.1:5060', 'udp 192.0.2.2:5060']);
    const callId = await place();
    await reject(408);
    await reject(500);
    expect(world.originated).toHaveLength(3);
    await reject(503);
    const lines = (await timelineOf(callId)).filter(({ event }) =>
      ['inviting', 'rejected', 'next_gateway'].includes(event),
    );
    expect(lines).toMatchObject([
      { event: 'inviting', gateway: '127.0.0.1:5080', server: 'udp 192.0.2.1:5060' },
      { event: 'rejected', status: 408 },
      { event: 'next_gateway', why: 'no answer', attempt: 2, of: 3 },
      { event: 'inviting', gateway: '127.0.0.1:5080', server: 'udp 192.0.2.2:5060' },
      { event: 'rejected', status: 500 },
      { event: 'next_gateway', why: 'answered 500', attempt: 3, of: 3 },
      { event: 'inviting', gateway: '127.0.0.1:5081' },
      { event: 'rejected', status: 503 },
    ]);
    expect((await manager.get(callId))?.endReason).toBe('carrier_failed');
    // media.md item 2: whoever is called there may send its audio from there, whatever its description says.
    expect(world.sessions[0]?.signallingAddresses).toEqual(['192.0.2.1', '192.0.2.2', '192.0.2.1']);
  });

  test('a server that says 503 with Retry-After is left alone by the calls that follow, also where it is the only one', async () => {
    outboundOf({ gateways: [{ host: '127.0.0.1', port: 5080, priority: 1, weight: 1 }] });
    await place();
    await reject(503, { retryAfterMs: 20_000 });
    expect(world.resting.get('udp 192.0.2.1:5080')).toBe(20_000);
    const second = await manager.originate({
      workspaceId: 'demo',
      idempotencyKey: 'k2',
      from: '+12025550100',
      to: '+12025550177',
    });
    expect(second).toMatchObject({ ok: false, reason: 'carrier_failed' });
    expect(world.originated).toHaveLength(1);
  });

  test('a call that is hung up while the next port is made rings nobody', async () => {
    const callId = await place();
    lastAttempt().emit({ type: 'rejected', status: 503, reason: '' });
    await manager.hangup(callId);
    await settle();
    expect(world.originated).toHaveLength(1);
  });
});
