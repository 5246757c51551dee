import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  type Core,
  Inviter,
  Registerer,
  RequestPendingError,
  SessionState,
  UserAgent,
  type UserAgentOptions,
} from 'sip.js';
import { createCallManager } from '../../src/calls/call-manager.ts';
import { type PreparedTestCall, TestCalls } from '../../src/calls/test-calls.ts';
import { systemClock } from '../../src/domain/clock.ts';
import { createIds } from '../../src/domain/ids.ts';
import type { AgentConnectOutcome } from '../../src/media/session.ts';
import { connectSignalling } from '../../src/signalling/signalling.ts';
import { createEngine, type Engine } from '../../src/sip-engine/engine.ts';
import { createWorld, FakeWebRtcSession, Gate, type World } from '../calls/fakes.ts';
import { RawSipPeer, requestText, SDP } from '../support/raw-sip-peer.ts';

// The library of the console's phone, unmodified, against our engine, signalling and calls: only its RTCPeerConnection and our media are fakes.

const OFFER = SDP.replace('RTP/AVP', 'UDP/TLS/RTP/SAVPF');
const ANSWER = OFFER.replace('40000', '40002');
const HERE = { host: '127.0.0.1', port: 0 };

let world: World;
let engine: Engine;
let testCalls: TestCalls;
let manager: ReturnType<typeof createCallManager>;
let wsPort: number;
let close: () => Promise<void>;
const agents: UserAgent[] = [];

beforeEach(async () => {
  world = createWorld();
  engine = await createEngine({ udp: HERE, ws: HERE, wire: { ...HERE, secret: 'secret' } });
  wsPort = engine.addresses.find(({ protocol }) => protocol === 'ws')?.port ?? 0;
  const logger = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const observer = { request: () => undefined, response: () => undefined };
  const wire = { host: '127.0.0.1', port: engine.wirePort, secret: 'secret' };
  const signalling = await connectSignalling({ ...wire, clock: systemClock, logger, observer });
  testCalls = new TestCalls({ clock: systemClock, ids: createIds(randomBytes), randomBytes, key: 'key' });
  const media: typeof world.deps.media = {
    ...world.deps.media,
    async openWebRtc(params) {
      const session = new FakeWebRtcSession(params, world.clock);
      session.agentOutcomes = world.nextAgentOutcomes;
      session.reanswer = (offerSdp) => {
        session.offers.push(offerSdp);
        return { ok: true, answerSdp: ANSWER };
      };
      world.sessions.push(session);
      return { ok: true, session, answerSdp: ANSWER };
    },
  };
  manager = createCallManager({ ...world.deps, signalling, testCalls, media });
  close = async () => {
    await signalling.close();
    await engine.close();
  };
});

afterEach(async () => {
  for (const agent of agents.splice(0)) await agent.stop();
  await close();
});

interface Phone {
  readonly agent: UserAgent;
  readonly inviter: Inviter;
  /** Descriptions of ours that it was given. */
  readonly answers: string[];
  until(state: SessionState): Promise<void>;
}

function prepare(): PreparedTestCall {
  const prepared = testCalls.prepare({ workspaceId: 'demo', agentId: 'echo' });
  if (prepared === undefined) throw new Error('no more test calls');
  return prepared;
}

async function userAgent(credential: PreparedTestCall, answers: string[] = [], offer = OFFER): Promise<UserAgent> {
  const options: UserAgentOptions = {
    uri: UserAgent.makeURI(`sip:${credential.username}@${credential.realm}`)!,
    authorizationUsername: credential.username,
    authorizationPassword: credential.password,
    transportOptions: { server: `ws://127.0.0.1:${wsPort}`, traceSip: false },
    logBuiltinEnabled: false,
    sessionDescriptionHandlerFactory: () => ({
      close: () => undefined,
      getDescription: async () => ({ body: offer, contentType: 'application/sdp' }),
      hasDescription: (contentType: string) => contentType === 'application/sdp',
      setDescription: async (sdp: string) => void answers.push(sdp),
      sendDtmf: () => false,
    }),
  };
  const agent = new UserAgent(options);
  agents.push(agent);
  await agent.start();
  return agent;
}

async function phone(credential = prepare()): Promise<Phone> {
  const answers: string[] = [];
  const agent = await userAgent(credential, answers);
  const inviter = new Inviter(agent, UserAgent.makeURI(`sip:${credential.id}@${credential.realm}`)!);
  return {
    agent,
    inviter,
    answers,
    until: (state) =>
      new Promise((resolve) => {
        if (inviter.state === state) return resolve();
        inviter.stateChange.addListener((now) => {
          if (now === state) resolve();
        });
      }),
  };
}

async function rejected(inviter: Inviter): Promise<number | undefined> {
  return await new Promise((resolve, reject) => {
    const onReject = (response: Core.IncomingResponse) => resolve(response.message.statusCode);
    inviter.invite({ requestDelegate: { onReject } }).catch(reject);
  });
}

const record = () => [...world.records.values()].at(-1);
const stored = () => expect.poll(record).toBeDefined();

describe('sip.js makes a test call', () => {
  test('challenged, answered when the agent is there, and ended by the browser', async () => {
    const call = await phone();
    await call.inviter.invite();
    await call.until(SessionState.Established);
    expect(call.answers).toEqual([ANSWER]);
    expect(world.sessions[0]?.dialled).toEqual(['ws://127.0.0.1:9/echo']);
    expect(world.metered[0]?.intent).toMatchObject({ class: 'browser', workspaceId: 'demo', agentId: 'echo' });
    await expect.poll(() => manager.activeCalls).toBe(1);
    await call.inviter.bye();
    await stored();
    expect(record()).toMatchObject({ class: 'browser', direction: 'inbound', endReason: 'remote_hangup' });
    expect(record()?.timeline.map(({ event }) => event)).toContain('confirmed');
    expect(world.sessions[0]?.closes).toBe(1);
  });

  test('ended by us, its phone hears it', async () => {
    const call = await phone();
    await call.inviter.invite();
    await call.until(SessionState.Established);
    await expect.poll(() => world.metered[0]?.log).toContain('answered browser');
    const [live] = (await manager.list({ limit: 10 })).items;
    await manager.hangup(live?.id ?? '');
    await call.until(SessionState.Terminated);
    await stored();
    expect(record()?.endReason).toBe('api_hangup');
  });

  test('hold by re-INVITE is answered over the same connection', async () => {
    const call = await phone();
    await call.inviter.invite();
    await call.until(SessionState.Established);
    const held = Promise.withResolvers<void>();
    await expect
      .poll(async () => {
        try {
          await call.inviter.invite({ requestDelegate: { onAccept: () => held.resolve() } });
          return true;
        } catch (error) {
          // The ACK of the first is not out yet.
          if (error instanceof RequestPendingError) return false;
          throw error;
        }
      })
      .toBe(true);
    await held.promise;
    expect(call.answers).toHaveLength(2);
    await call.inviter.bye();
    await stored();
  });

  test('cancelled while the agent is dialled', async () => {
    world.nextAgentOutcomes = [new Gate<AgentConnectOutcome>()];
    const call = await phone();
    const ringing = Promise.withResolvers<void>();
    await call.inviter.invite({
      requestDelegate: {
        onProgress: ({ message }) => {
          if (message.statusCode === 180) ringing.resolve();
        },
      },
    });
    await ringing.promise;
    await call.inviter.cancel();
    await call.until(SessionState.Terminated);
    await stored();
    expect(record()?.endReason).toBe('cancelled');
  });

  test('a page that is closed ends its call, with a reason of its own and a final bill', async () => {
    const call = await phone();
    await call.inviter.invite();
    await call.until(SessionState.Established);
    await expect.poll(() => manager.activeCalls).toBe(1);
    await call.agent.transport.disconnect();
    await stored();
    expect(record()).toMatchObject({ endReason: 'connection_lost', bill: { final: true } });
    expect(engine.stats().openDialogs).toBe(0);
    expect(manager.activeCalls).toBe(0);
  });

  test('a credential is good for one call', async () => {
    const credential = prepare();
    const first = await phone(credential);
    await first.inviter.invite();
    await first.until(SessionState.Established);
    const second = await phone(credential);
    expect(await rejected(second.inviter)).toBe(401);
    await first.inviter.bye();
    await stored();
    expect(world.records.size).toBe(1);
  });

  test('a wrong password is challenged again, and the phone gives up', async () => {
    const call = await phone({ ...prepare(), password: 'wrong' });
    expect(await rejected(call.inviter)).toBe(401);
    expect([world.records.size, world.sessions.length, manager.activeCalls]).toEqual([0, 0, 0]);
  });

  test('REGISTER is refused', async () => {
    const agent = await userAgent(prepare());
    const refused = Promise.withResolvers<number | undefined>();
    const onReject = (response: Core.IncomingResponse) => refused.resolve(response.message.statusCode);
    await new Registerer(agent).register({ requestDelegate: { onReject } });
    expect(await refused.promise).toBe(403);
  });
});

describe('strangers on the WebSocket learn nothing', () => {
  test.each([
    ['OPTIONS', 200],
    ['REGISTER', 403],
    ['MESSAGE', 403],
    ['SUBSCRIBE', 403],
    ['BYE', 481],
    ['INVITE', 401],
  ])('%s is answered %i, without a word about us', async (method, status) => {
    const peer = await RawSipPeer.ws(wsPort);
    const contact = method === 'REGISTER' ? undefined : '<sip:x@df7jal23ls0d.invalid;transport=ws>';
    const text = requestText(peer, {
      method,
      uri: 'sip:+12025550100@127.0.0.1',
      callId: `stranger-${method}`,
      from: '<sip:someone@127.0.0.1>;tag=1',
      to: '<sip:+12025550100@127.0.0.1>',
      sequence: 1,
      branch: `z9hG4bK${method}`,
      contact,
      ...(method === 'INVITE' ? { body: OFFER } : {}),
    });
    peer.send(text, wsPort);
    const answer = await peer.next((message) => (message.status ?? 0) > 100);
    expect(answer.status).toBe(status);
    const names = answer.text
      .split('\r\n')
      .slice(1)
      .map((line) => line.split(':', 1)[0])
      .filter((name) => name !== '');
    const basic = ['Via', 'From', 'To', 'Call-ID', 'CSeq', 'Content-Length'];
    const extra = method === 'INVITE' ? ['WWW-Authenticate', 'WWW-Authenticate'] : [];
    expect(names.sort()).toEqual([...basic, ...extra].sort());
    expect([world.records.size, manager.activeCalls]).toEqual([0, 0]);
    await peer.close();
  });

  test('nor does one whose number exists: loopback is a trunk’s address, and a browser is not', async () => {
    const peer = await RawSipPeer.ws(wsPort);
    for (const number of ['+12025550100', '+12025559999']) {
      peer.send(
        requestText(peer, {
          method: 'INVITE',
          uri: `sip:${number}@127.0.0.1`,
          callId: `number-${number}`,
          from: '<sip:someone@127.0.0.1>;tag=1',
          to: `<sip:${number}@127.0.0.1>`,
          sequence: 1,
          branch: `z9hG4bK${number}`,
          contact: '<sip:x@df7jal23ls0d.invalid;transport=ws>',
          body: OFFER,
        }),
        wsPort,
      );
      await peer.next(401);
    }
    expect(world.metered).toEqual([]);
    await peer.close();
  });
});
