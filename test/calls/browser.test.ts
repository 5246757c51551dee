import { beforeEach, describe, expect, test } from 'vitest';
import { createCallManager } from '../../src/calls/call-manager.ts';
import type { AgentConnectOutcome } from '../../src/media/session.ts';
import {
  BROWSER_ANSWER,
  BROWSER_OFFER,
  createWorld,
  FakeMetered,
  FakeWebRtcSession,
  Gate,
  settle,
  type World,
} from './fakes.ts';

let world: World;
let manager: ReturnType<typeof createCallManager>;

beforeEach(() => {
  world = createWorld();
  manager = createCallManager(world.deps);
});

/** The fake of test calls takes the agent's id for credentials. */
const invite = (authorization: string | null = 'echo', offer: string | null = BROWSER_OFFER) =>
  world.invite({
    source: { address: '127.0.0.1', port: 40_001, protocol: 'wss' },
    fromBrowser: true,
    calledUser: 'test_1',
    offer,
    headers: { 'x-page': 'console', ...(authorization === null ? {} : { authorization }) },
  });

async function talking() {
  const leg = invite();
  await settle();
  const [session] = world.sessions;
  const [metered] = world.metered;
  if (!(session instanceof FakeWebRtcSession) || metered === undefined) throw new Error('the call was not set up');
  return { leg, session, metered };
}

function onlyRecord() {
  const [record] = [...world.records.values()];
  if (record === undefined) throw new Error('no call record was stored');
  return record;
}

describe('a test call from a browser', () => {
  test('is answered only after the agent is up, with what the browser’s offer was answered with', async () => {
    const agent = new Gate<AgentConnectOutcome>();
    world.nextAgentOutcomes = [agent];
    const leg = invite();
    await settle();
    expect(leg.acts).toEqual(['180']);
    expect(world.webRtcOffers).toEqual([{ offerSdp: BROWSER_OFFER, agentCodec: 'PCMU' }]);
    agent.open({ ok: true, attachedAtMs: world.clock.monotonicMs(), connectMs: 5 });
    await settle();
    expect(leg.acts).toEqual(['180', '200']);
    expect(world.sessions[0]?.starts).toBe(1);
    expect(manager.activeCalls).toBe(1);
  });

  test('is metered as class browser without trunk and number, from `browser` to its agent', async () => {
    const { metered } = await talking();
    expect(metered.intent).toMatchObject({
      workspaceId: 'demo',
      direction: 'inbound',
      class: 'browser',
      from: 'browser',
      to: 'echo',
      trunkId: null,
      numberId: null,
      agentId: 'echo',
      ratedNumber: 'echo',
    });
    expect(metered.log).toEqual(['attached echo', 'answered browser']);
  });

  test('leaves a record that says what it was', async () => {
    const { leg } = await talking();
    leg.emit({ type: 'confirmed' });
    leg.emit({ type: 'bye', reasonHeader: null });
    await settle();
    const record = onlyRecord();
    expect(record).toMatchObject({
      direction: 'inbound',
      class: 'browser',
      from: 'browser',
      to: 'echo',
      trunkId: null,
      agentId: 'echo',
      endReason: 'remote_hangup',
    });
    expect(record.timeline.map(({ event }) => event).slice(0, 2)).toEqual(['invite', 'test_call']);
    expect(record.timeline[1]?.detail).toEqual({ testCallId: 'test_1', agentId: 'echo', class: 'browser' });
    expect(record.bill).not.toBeNull();
  });

  test('tells the agent whence it comes', async () => {
    const parameters: Record<string, string>[] = [];
    const { agentDial } = world.deps;
    (world.deps as { agentDial: typeof agentDial }).agentDial = (agent, call) => {
      parameters.push({ ...call.parameters });
      return agentDial(agent, call);
    };
    await talking();
    expect(parameters).toEqual([
      { 'x-page': 'console', from_number: 'browser', to_number: 'echo', direction: 'inbound', test_call: 'test_1' },
    ]);
  });

  test('ends with its own reason when the browser’s connection is lost, and the bill is final', async () => {
    const { leg, session, metered } = await talking();
    leg.emit({ type: 'bye', reasonHeader: 'SIP;cause=200;text="Connection lost"', connectionLost: true });
    await settle();
    expect(onlyRecord()).toMatchObject({ endReason: 'connection_lost', bill: { final: true } });
    expect(metered.ends).toMatchObject([{ reason: 'connection_lost', evidence: 'signalling' }]);
    expect(session.closes).toBe(1);
    expect(leg.acts).toEqual(['180', '200']);
  });

  test('hold and resume are answered by the media session; what it refuses changes nothing', async () => {
    const { leg, session } = await talking();
    const said: string[] = [];
    const reoffer = (offer: string) =>
      leg.emit({
        type: 'reoffer',
        offer,
        accept: (sdp) => void said.push(sdp),
        refuse: (status) => void said.push(String(status)),
      });
    reoffer('hold');
    session.reofferRefused = true;
    reoffer('another ICE');
    expect(session.offers).toEqual(['hold', 'another ICE']);
    expect(said).toEqual([`${BROWSER_ANSWER} again`, '488']);
    leg.emit({ type: 'bye', reasonHeader: null });
    reoffer('late');
    expect(said.at(-1)).toBe('481');
  });

  test('a transport that fails is told with its cause', async () => {
    const { session } = await talking();
    session.emit({ type: 'webrtc-connected', atMs: 1 });
    session.emit({ type: 'media-timeout', atMs: 2, lastProofMs: null, cause: 'consent_lost' });
    await settle();
    const record = onlyRecord();
    expect(record.endReason).toBe('media_timeout');
    expect(record.timeline.find(({ event }) => event === 'webrtc_failed')?.detail).toEqual({ cause: 'consent_lost' });
  });

  test('CANCEL while the agent is dialled releases everything', async () => {
    world.nextAgentOutcomes = [new Gate<AgentConnectOutcome>()];
    const leg = invite();
    await settle();
    leg.emit({ type: 'cancelled' });
    await settle();
    expect(world.sessions[0]?.closes).toBe(1);
    expect(world.metered[0]?.ends).toMatchObject([{ reason: 'cancelled' }]);
    expect(manager.activeCalls).toBe(0);
  });
});

describe('what is no test call', () => {
  test('without credentials: a challenge, and no call was there', async () => {
    const leg = invite(null);
    await settle();
    expect(leg.acts).toEqual(['401 Digest realm="callin-edge"']);
    expect([world.records.size, world.sessions.length, world.metered.length, manager.activeCalls]).toEqual([
      0, 0, 0, 0,
    ]);
  });

  test('from an address that is not judged: refused, and no record', async () => {
    const leg = invite('blocked');
    await settle();
    expect(leg.acts).toEqual(['reject unknown_source']);
    expect([world.records.size, manager.activeCalls]).toEqual([0, 0]);
  });

  test('is never routed by its address, even where a trunk accepts that address', async () => {
    world.invite({
      source: { address: '127.0.0.1', port: 40_001, protocol: 'ws' },
      fromBrowser: true,
      headers: {},
    });
    await settle();
    expect(world.metered).toEqual([]);
  });

  test.each([
    ['no offer', 'echo', null, null, 'bad_offer'],
    ['an agent that is gone', 'nobody', BROWSER_OFFER, null, 'agent_unreachable'],
    [
      'an offer that cannot be used',
      'echo',
      BROWSER_OFFER,
      { ok: false, code: 'offer_refused', reason: 'encryption_mismatch', fault: 'no_dtls', detail: 'no fingerprint' },
      'encryption_mismatch',
    ],
    ['no engine for browsers', 'echo', BROWSER_OFFER, { ok: false, code: 'webrtc_off', detail: '' }, 'node_limit'],
  ] as const)('%s', async (_name, agent, offer, refusal, reason) => {
    world.webRtcRefusal = refusal;
    const leg = invite(agent, offer);
    await settle();
    expect(leg.acts).toEqual([`reject ${reason}`]);
    expect(onlyRecord()).toMatchObject({ class: 'browser', workspaceId: 'demo', endReason: reason });
    expect(world.metered).toEqual([]);
  });

  test('limits of the workspace hold as for any call', async () => {
    world.authorise = async () => ({ ok: false, reason: 'workspace_limit' });
    const leg = invite();
    await settle();
    expect(leg.acts).toEqual(['reject workspace_limit']);
    expect(world.sessions[0]?.closes).toBe(1);
  });

  test('a draining node takes none', async () => {
    await manager.drain(0);
    const leg = invite();
    await settle();
    expect(leg.acts).toEqual(['reject draining']);
  });

  test('a hang-up that comes while the media opens leaves nothing open', async () => {
    const open = world.deps.media.openWebRtc.bind(world.deps.media);
    const gate = new Gate<void>();
    (world.deps.media as { openWebRtc: typeof open }).openWebRtc = async (params) => {
      await gate.promise;
      return await open(params);
    };
    const leg = invite();
    await settle();
    leg.emit({ type: 'cancelled' });
    gate.open(undefined);
    await settle();
    expect(world.sessions[0]?.closes).toBe(1);
    expect(world.metered.map((call) => call instanceof FakeMetered)).toEqual([]);
  });
});
