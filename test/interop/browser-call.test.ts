import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Inviter, SessionState, UserAgent } from 'sip.js';
import { BrowserPeer } from '../media/support/browser-peer.ts';
import { eventually, paced } from '../media/support/eventually.ts';
import { findMediasoupWorker } from '../../src/media/webrtc/mediasoup/worker-binary.ts';
import { type RunningGateway, startGateway } from '../support/gateway.ts';
import { workerProcesses } from '../support/worker-processes.ts';

// The whole way of a test call: the API, sip.js over WebSocket, ICE, DTLS and SRTP, the demo's echo agent, the bill. All real but the browser,
// whose RTCPeerConnection is werift's.

interface Prepared {
  readonly wsUrl: string;
  readonly sipUri: string;
  readonly username: string;
  readonly password: string;
  readonly realm: string;
  readonly id: string;
}

interface Call {
  readonly id: string;
  readonly class: string;
  readonly direction: string;
  readonly from: string;
  readonly to: string;
  readonly trunkId: string | null;
  readonly state: string;
  readonly endReason: string | null;
  readonly timeline: readonly { readonly event: string; readonly detail?: Record<string, unknown> }[];
  readonly quality: { readonly packetsReceived: number; readonly packetsLost: number } | null;
  readonly bill: {
    readonly final: boolean;
    readonly total: string;
    readonly telephony: { readonly amount: string; readonly rule: string };
    readonly compute: { readonly billedMs: number; readonly amount: string };
  } | null;
}

const worker = await findMediasoupWorker(process.env['MEDIASOUP_WORKER_BIN']);
let gateway: RunningGateway;
const closers: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function prepare(): Promise<Prepared> {
  const body = { workspaceId: 'demo', agentId: 'echo' };
  const { status, body: prepared } = await gateway.api<Prepared>('POST', '/v1/test-calls', body);
  expect(status).toBe(201);
  return prepared;
}

/** As the console's phone does it. */
async function call(prepared: Prepared) {
  const peer = await BrowserPeer.create();
  closers.push(() => peer.close());
  const agent = new UserAgent({
    uri: UserAgent.makeURI(`sip:${prepared.username}@${prepared.realm}`)!,
    authorizationUsername: prepared.username,
    authorizationPassword: prepared.password,
    transportOptions: { server: prepared.wsUrl },
    logBuiltinEnabled: false,
    sessionDescriptionHandlerFactory: () => ({
      close: () => undefined,
      getDescription: async () => ({ body: peer.offerSdp, contentType: 'application/sdp' }),
      hasDescription: (contentType: string) => contentType === 'application/sdp',
      setDescription: (sdp: string) => peer.accept(sdp),
      sendDtmf: () => false,
    }),
  });
  closers.push(() => agent.stop());
  await agent.start();
  const inviter = new Inviter(agent, UserAgent.makeURI(prepared.sipUri)!);
  const established = new Promise<void>((resolve, reject) => {
    inviter.stateChange.addListener((state) => {
      if (state === SessionState.Established) resolve();
      if (state === SessionState.Terminated) reject(new Error('the call was refused'));
    });
  });
  await inviter.invite();
  await established;
  await eventually('the browser is connected', () => peer.connected);
  return { peer, agent, inviter };
}

async function ended(): Promise<Call> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const { body } = await gateway.api<{ items: Call[] }>('GET', '/v1/calls?limit=1');
    const [newest] = body.items;
    if (newest?.state === 'ended' && newest.bill?.final) return newest;
    await sleep(50);
  }
  throw new Error('the call did not end');
}

describe.each(['werift', 'mediasoup'] as const)('a test call carried by %s', (engine) => {
  const missing = engine === 'mediasoup' && !worker.ok ? worker.missing : null;
  beforeAll(async () => {
    if (missing === null) gateway = await startGateway({ config: { media: { webrtc: engine } } });
  });
  beforeEach(({ skip }) => skip(missing !== null, missing ?? ''));
  afterAll(() => (missing === null ? gateway?.stop() : undefined));

  test('hears itself byte for byte, and is charged for the agent’s time only', async () => {
    const prepared = await prepare();
    expect(prepared.wsUrl).toBe(`ws://127.0.0.1:${gateway.sip.wsPort}`);
    const { peer, inviter } = await call(prepared);
    const sent = Array.from({ length: 50 }, (_, index) => Buffer.alloc(160, index + 1));
    await paced(sent.length, 20, (index) => peer.send(sent[index]!));
    const loud = () =>
      peer.heard.map(({ payload }) => payload).filter((payload) => payload.some((byte) => byte !== 0xff));
    await eventually('50 frames come back', () => loud().length >= 50);
    expect(loud()).toEqual(sent);
    await inviter.bye();

    const record = await ended();
    expect(record).toMatchObject({
      class: 'browser',
      direction: 'inbound',
      from: 'browser',
      to: 'echo',
      trunkId: null,
      endReason: 'remote_hangup',
      quality: { packetsReceived: 50, packetsLost: 0 },
    });
    const events = record.timeline.map(({ event }) => event);
    expect(events.slice(0, 2)).toEqual(['invite', 'test_call']);
    expect(events).toEqual(expect.arrayContaining(['agent_connected', 'answered', 'confirmed', 'webrtc_connected']));
    expect(record.timeline[0]?.detail?.['transport']).toBe('ws');
    expect(record.timeline[1]?.detail?.['testCallId']).toBe(prepared.id);
    expect(record.bill?.telephony).toMatchObject({ amount: '0.00', rule: 'No telephony charge: browser test call.' });
    expect(record.bill?.compute.billedMs).toBeGreaterThan(1_000);
    expect(record.bill?.total).toBe(record.bill?.compute.amount);
  });

  test('a page that goes away ends it, with a reason of its own and a final bill', async () => {
    const { peer, agent } = await call(await prepare());
    await paced(10, 20, () => peer.send(Buffer.alloc(160, 9)));
    await agent.transport.disconnect();
    expect(await ended()).toMatchObject({ class: 'browser', endReason: 'connection_lost' });
  });

  test('a credential is gone when it was used, and the books are clean in the end', async () => {
    const prepared = await prepare();
    const { inviter } = await call(prepared);
    await expect(call(prepared)).rejects.toThrow('the call was refused');
    await inviter.bye();
    await ended();
    expect(gateway.audit()).toMatchObject({ ok: true });
  });

  if (engine === 'mediasoup') {
    test('ends with its engine, and the next has a new one; nothing is left when the node stops', async () => {
      const { peer } = await call(await prepare());
      await paced(10, 20, () => peer.send(Buffer.alloc(160, 9)));
      await eventually('the echo comes back', () => peer.heard.some(({ payload }) => payload[0] === 9));
      const before = workerProcesses(gateway.pid);
      expect(before).toHaveLength(1);
      process.kill(before[0]!, 'SIGKILL');
      const record = await ended();
      expect(record).toMatchObject({ endReason: 'media_timeout', bill: { final: true } });
      expect(record.timeline).toContainEqual(
        expect.objectContaining({ event: 'webrtc_failed', detail: { cause: 'engine_lost' } }),
      );

      const next = await call(await prepare());
      await paced(10, 20, () => next.peer.send(Buffer.alloc(160, 9)));
      await eventually('the echo comes back again', () => next.peer.heard.some(({ payload }) => payload[0] === 9));
      await next.inviter.bye();
      expect(await ended()).toMatchObject({ endReason: 'remote_hangup' });
      expect(gateway.audit()).toMatchObject({ ok: true });
      const [last] = workerProcesses(gateway.pid);
      expect(last).not.toBe(before[0]);
      await gateway.stop();
      expect(() => process.kill(last!, 0)).toThrow('ESRCH');
    });
  }
});
