import { afterEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/domain/clock.ts';
import type { AgentDial } from '../../src/media/agent-stream.ts';
import { createMediaPool, type MediaPoolOptions, type ObservableMediaPool } from '../../src/media/pool.ts';
import { seededRandom } from '../../src/media/random.ts';
import type { MediaEvent, MediaSession, OpenMedia, RtpParameters } from '../../src/media/session.ts';
import { eventually, paced } from './support/eventually.ts';
import { RtpPeer } from './support/rtp-peer.ts';

const pools: ObservableMediaPool[] = [];
const peers: RtpPeer[] = [];
afterEach(async () => {
  for (const peer of peers.splice(0)) peer.close();
  await Promise.all(pools.splice(0).map((pool) => pool.close()));
});

describe('the media pool', () => {
  test('carries the caller to the agent and back, byte for byte, and closes with the figures of the call', async () => {
    const { session, peer, events, pool } = await callWith('echo');
    const sent = Array.from({ length: 50 }, (_, index) => Buffer.alloc(160, index + 1));
    await paced(sent.length, 20, (index) => peer.send(sent[index]!, session.localPort));
    await eventually('50 frames come back', () => loud(peer).length >= 50);
    expect(loud(peer)).toEqual(sent);
    expect(events.map((event) => event.type)).toEqual(['first-packet']);
    expect(pool.counters.lastRtpMs(session.row)).toBeGreaterThan(systemClock.monotonicMs() - 5000);
    expect(pool.counters.lastAgentProofMs(session.row)).toBeGreaterThan(systemClock.monotonicMs() - 5000);

    const quality = await session.close();
    expect(quality).toMatchObject({ packetsReceived: 50, packetsLost: 0, packetsDropped: 0, framesFromAgent: 50 });
    expect(quality.packetsSent).toBe(peer.received.length);
    expect(pool.counters.totals().packetsReceived).toBe(50);
  });
});

async function callWith(agent: string, change: Partial<MediaPoolOptions> = {}, open: Partial<OpenMedia> = {}) {
  const pool = await startPool(change);
  const events: MediaEvent[] = [];
  const session = await openSession(pool, { onEvent: (event) => events.push(event), ...open });
  const peer = await RtpPeer.bind();
  peers.push(peer);
  session.negotiate(parameters(peer.port));
  const connected = await session.connectAgent(dial(agent));
  session.start();
  return { pool, session, peer, events, connected };
}

async function startPool(change: Partial<MediaPoolOptions> = {}): Promise<ObservableMediaPool> {
  const pool = await createMediaPool({
    threadEntry: new URL('./support/fake-agent-thread.ts', import.meta.url),
    threads: 1,
    host: '127.0.0.1',
    externalAddress: null,
    ports: { portMin: 30000, portMax: 32998 },
    clock: systemClock,
    random: seededRandom(process.pid),
    seed: 1,
    ...change,
  });
  pools.push(pool);
  return pool;
}

async function openSession(pool: ObservableMediaPool, change: Partial<OpenMedia> = {}): Promise<MediaSession> {
  const outcome = await pool.open({
    callId: 'call_test',
    timeouts: { firstPacketMs: 10_000, silenceMs: 10_000 },
    natAllowed: false,
    signallingAddress: null,
    onEvent: () => undefined,
    ...change,
  });
  if (!outcome.ok) throw new Error(outcome.code);
  return outcome.session;
}

function parameters(remotePort: number, change: Partial<RtpParameters> = {}): RtpParameters {
  return {
    remoteAddress: '127.0.0.1',
    remotePort,
    rtcpMux: false,
    codec: 'PCMU',
    payloadType: 0,
    receivePayloadType: 0,
    telephoneEventPayloadType: 101,
    receiveTelephoneEventPayloadType: 101,
    direction: 'sendrecv',
    ...change,
  };
}

function dial(kind: string, change: Partial<AgentDial> = {}): AgentDial {
  return {
    protocol: 'fake',
    url: `${kind}://`,
    headers: {},
    codec: 'PCMU',
    readyTimeoutMs: 1000,
    callId: 'call_test',
    accountId: 'ws_test',
    customParameters: {},
    ...change,
  };
}

/** Payloads that are not silence. */
function loud(peer: RtpPeer): Buffer[] {
  return peer.received.map((packet) => packet.payload).filter((payload) => payload.some((byte) => byte !== 0xff));
}
