// What every engine for browsers must do, seen from a pool with real threads and sockets, and from a browser on loopback.

import { createSocket } from 'node:dgram';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DtlsClient } from 'werift';
import { systemClock } from '../../../src/domain/clock.ts';
import type { AgentDial } from '../../../src/media/agent-stream.ts';
import { createMediaPool, type MediaPoolOptions, type ObservableMediaPool } from '../../../src/media/pool.ts';
import { seededRandom } from '../../../src/media/random.ts';
import type { MediaEvent, OpenWebRtc, WebRtcSession } from '../../../src/media/session.ts';
import type { WebRtcEngineChoice } from '../../../src/media/webrtc/choose.ts';
import { findMediasoupWorker } from '../../../src/media/webrtc/mediasoup/worker-binary.ts';
import { BrowserPeer, type BrowserPeerOptions, EVENT_PAYLOAD_TYPE } from '../support/browser-peer.ts';
import { eventually, eventuallyAsync, paced, startLagProbe } from '../support/eventually.ts';
import { bindingRequest } from '../support/stun-client.ts';
import { workerProcesses } from '../../support/worker-processes.ts';

const worker = await findMediasoupWorker(process.env['MEDIASOUP_WORKER_BIN']);
const ENGINES: readonly (readonly [string, WebRtcEngineChoice | null])[] = [
  ['werift', { engine: 'werift' }],
  ['mediasoup', worker.ok ? { engine: 'mediasoup', workerBin: worker.path } : null],
];
const PORTS = { portMin: 33_000, portMax: 34_998 };
const CONNECT_TIMEOUT_MS = 4000;
const BINDING_ERROR = 0x0111;

const pools: ObservableMediaPool[] = [];
const peers: BrowserPeer[] = [];
afterEach(async () => {
  await Promise.all(peers.splice(0).map((peer) => peer.close()));
  await Promise.all(pools.splice(0).map((pool) => pool.close()));
});

describe.each(ENGINES)("a browser's leg carried by %s", (_name, given) => {
  let choice: WebRtcEngineChoice = { engine: 'off' };
  beforeEach(({ skip }) => {
    if (given !== null) choice = given;
    else skip(worker.ok ? '' : worker.missing);
  });

  test('has its audio carried both ways, byte for byte, nothing lost, and closes with the figures of the call', async ({
    skip,
  }) => {
    const { session, peer, events, pool } = await callWith(choice, 'echo');
    const probe = startLagProbe();
    const sent = Array.from({ length: 50 }, (_, index) => Buffer.alloc(160, index + 1));
    await paced(sent.length, 20, (index) => peer.send(sent[index]!));
    const back = eventually('50 frames come back', () => loud(peer).length >= 50);
    // What comes too late is rightly replaced by silence, so that it never comes back.
    await back.catch(() => undefined);
    const lagMs = Math.max(probe.stop(), pool.threads()[0]!.lagMs);
    skip(lagMs > 60, `the machine was ${lagMs.toFixed(0)} ms late`);
    expect(loud(peer)).toEqual(sent);
    expect(gaps(peer)).toEqual([]);
    expect(events.map((event) => event.type)).toEqual(['webrtc-connected', 'first-packet']);

    const quality = await session.close();
    expect(quality).toMatchObject({ packetsReceived: 50, packetsLost: 0, packetsLate: 0, packetsDropped: 0 });
    await sleep(50);
    expect(quality.packetsSent).toBe(peer.heard.length);
  });

  test('has loss, repetition and disorder counted as they were', async () => {
    const { session, peer } = await callWith(choice, 'mute');
    await paced(60, 20, (index) => {
      const lost = index === 10 || index === 11 || index === 40;
      if (index === 20) {
        // 21 overtakes 20.
        peer.sendAs(peer.sequence + 1, peer.timestamp + 160, Buffer.alloc(160, 9));
        peer.send(Buffer.alloc(160, 9));
        peer.send(Buffer.alloc(160, 9), true);
      } else if (index !== 21) {
        peer.send(Buffer.alloc(160, 9), lost);
      }
    });
    await sleep(200);
    const quality = await session.close();
    expect(quality).toMatchObject({ packetsReceived: 57, packetsLost: 3, packetsReordered: 1 });
    expect(quality.jitterMs).toBeGreaterThan(0);
  });

  test('has its agent’s audio from the first byte on, although it connects after the answer', async () => {
    const { session, peer, answerSdp } = await openWith(choice);
    await session.connectAgent(dial('greet'));
    session.start();
    await sleep(500);
    await connect(peer, answerSdp);
    await eventually('the whole greeting', () => peer.heard.length >= 50);
    expect(peer.heard.slice(0, 50).map(({ payload }) => payload[7])).toEqual(
      Array.from({ length: 50 }, (_, index) => index + 1),
    );
    expect(gaps(peer)).toEqual([]);
  });

  test('has its keys told once each', async () => {
    const { peer, events } = await callWith(choice, 'mute');
    peer.send(Buffer.alloc(160, 1));
    const event = (end: boolean, duration: number) =>
      Buffer.from([5, end ? 0x8a : 0x0a, duration >> 8, duration & 0xff]);
    const timestamp = peer.timestamp;
    await paced(6, 20, (index) => {
      const sequence = peer.sequence++;
      peer.sendAs(sequence, timestamp, event(index > 3, 160 * (index + 1)), EVENT_PAYLOAD_TYPE);
    });
    await eventually('the key', () => events.some((entry) => entry.type === 'dtmf'));
    await sleep(100);
    expect(events.filter((entry) => entry.type === 'dtmf').map((entry) => entry.digit)).toEqual(['5']);
  });

  test('that speaks A-law is transcoded for an agent of mu-law', async () => {
    const { peer, session } = await callWith(choice, 'echo', {}, { codecs: ['PCMA'] });
    await paced(10, 20, (index) => peer.sendAs(100 + index, index * 160, Buffer.alloc(160, 0x55), 8));
    await eventually('it comes back', () => peer.heard.filter(({ payload }) => payload[0] === 0x55).length === 10);
    expect(peer.heard.every(({ payloadType }) => payloadType === 8)).toBe(true);
    expect(await session.close()).toMatchObject({ packetsReceived: 10, packetsDropped: 0 });
  });

  test('on hold is sent nothing, and hears on when it resumes', async () => {
    const { session, peer } = await callWith(choice, 'echo');
    await eventually('audio flows', () => peer.heard.length > 5);
    const held = session.reanswer(peer.offerSdp.replace('a=sendrecv', 'a=inactive'));
    expect(held).toMatchObject({ ok: true, answerSdp: expect.stringContaining('a=inactive') });
    await sleep(60);
    const before = peer.heard.length;
    await sleep(200);
    expect(peer.heard.length).toBe(before);
    const resumed = session.reanswer(peer.offerSdp);
    expect(resumed).toMatchObject({ ok: true, answerSdp: expect.stringMatching(/^o=- \d+ 3 /m) });
    await eventually('audio flows again', () => peer.heard.length > before + 5);
    expect(session.reanswer(peer.offerSdp.replace(/ice-ufrag:./, 'ice-ufrag:+'))).toMatchObject({
      ok: false,
      reason: 'bad_offer',
      fault: 'ice_restart',
    });
  });

  test('closed by us: the browser is told, the port is free, and no event follows', async () => {
    const { session, peer, events } = await callWith(choice, 'echo');
    await eventually('audio flows', () => peer.heard.length > 2);
    const told = events.length;
    await session.close();
    await eventually('DTLS is closed', () => peer.dtlsState === 'closed');
    await eventuallyAsync('the port is free', () => bindable(session.localPort));
    await session.close();
    await sleep(100);
    expect(events.length).toBe(told);
  });

  test('closed by the browser without a BYE ends with a media timeout that says so', async () => {
    const { peer, events } = await callWith(choice, 'echo');
    peer.send(Buffer.alloc(160, 1));
    await eventually('the packet came', () => events.some((event) => event.type === 'first-packet'));
    peer.sendCloseNotify();
    await eventually('the end', () => events.some((event) => event.type === 'media-timeout'));
    expect(events.at(-1)).toMatchObject({ cause: 'peer_closed', lastProofMs: expect.any(Number) });
  });

  test('that never connects ends in bounded time, with what was awaited', async () => {
    const { session, events } = await openWith(choice, {}, { connectTimeoutMs: 300 });
    await session.connectAgent(dial('mute'));
    await sleep(400);
    expect(events, 'before the answer nothing is awaited').toEqual([]);
    const startedMs = systemClock.monotonicMs();
    session.start();
    await eventually('the end', () => events.length > 0);
    expect(events).toEqual([
      { type: 'media-timeout', atMs: expect.any(Number), lastProofMs: null, cause: 'ice_timeout' },
    ]);
    expect(events[0]!.atMs - startedMs).toBeGreaterThanOrEqual(290);
    expect(events[0]!.atMs - startedMs).toBeLessThan(1500);
    await session.close();
    await eventuallyAsync('the port is free', () => bindable(session.localPort));
  });

  test('whose certificate is not that of its description gets no audio', async () => {
    const offer = (sdp: string) =>
      sdp.replace(/(fingerprint:sha-256 )../, (_, head: string) => `${head}${sdp.includes(`${head}00`) ? '11' : '00'}`);
    const { session, peer, answerSdp, events } = await openWith(choice, {}, {}, offer);
    await session.connectAgent(dial('echo'));
    session.start();
    await peer.accept(answerSdp);
    await eventually('the end', () => events.some((event) => event.type === 'media-timeout'));
    expect(events).toEqual([expect.objectContaining({ type: 'media-timeout', cause: 'dtls_failed' })]);
    expect(peer.heard).toEqual([]);
  });

  test('has one socket, on the configured host', async () => {
    const peer = await newPeer();
    const pool = await startPool(choice);
    const before = udpSockets();
    const outcome = await pool.openWebRtc(openParams(peer.offerSdp));
    if (!outcome.ok) throw new Error(outcome.code);
    const { session } = outcome;
    const opened = udpSockets().filter((socket) => !before.includes(socket));
    // 127.0.0.1 in the byte order of /proc.
    expect(opened).toEqual([`0100007F:${hexPort(session.localPort)}`]);
  });

  test('leaves nothing behind: ports and descriptors after twenty legs', async () => {
    const pool = await startPool(choice, { ports: { portMin: 35_000, portMax: 35_002 } });
    const once = async () => {
      const peer = await BrowserPeer.create();
      const outcome = await pool.openWebRtc(openParams(peer.offerSdp));
      await peer.close();
      if (!outcome.ok) return outcome.code;
      await outcome.session.close();
      return 'ok';
    };
    expect(await once()).toBe('ok');
    await sleep(200);
    const before = udpSockets().length;
    for (let round = 0; round < 20; round++) {
      await eventuallyAsync('a pair is free again', async () => (await once()) === 'ok');
    }
    await sleep(200);
    expect(udpSockets().length).toBeLessThanOrEqual(before);
    expect(pool.threads()[0]?.calls).toBe(0);
  });

  test('takes another port where one is in use, and the pool says when none is left', async () => {
    const blocker = createSocket('udp4');
    await new Promise<void>((resolve) => blocker.bind(35_100, '127.0.0.1', resolve));
    try {
      const pool = await startPool(choice, { ports: { portMin: 35_100, portMax: 35_102 } });
      const [first, second] = [await newPeer(), await newPeer()];
      const one = await pool.openWebRtc(openParams(first.offerSdp));
      expect(one).toMatchObject({ ok: true, session: { localPort: 35_102 } });
      expect(await pool.openWebRtc(openParams(second.offerSdp))).toMatchObject({
        ok: false,
        code: 'media_ports_exhausted',
      });
    } finally {
      blocker.close();
    }
  });

  test('that cannot be bound to its address says so', async () => {
    const pool = await startPool(choice, { host: '192.0.2.1' });
    const peer = await newPeer();
    expect(await pool.openWebRtc(openParams(peer.offerSdp))).toMatchObject({
      ok: false,
      detail: '192.0.2.1 cannot be bound',
    });
  });

  test('has the external address in its candidate', async () => {
    const pool = await startPool(choice, { externalAddress: '203.0.113.5' });
    const peer = await newPeer();
    const outcome = await pool.openWebRtc(openParams(peer.offerSdp));
    expect(outcome).toMatchObject({
      ok: true,
      answerSdp: expect.stringMatching(/^a=candidate:1 1 udp \d+ 203\.0\.113\.5 /m),
    });
  });

  test('tells its owner when its thread dies, and leaves no process behind', async () => {
    const { events, peer } = await callWith(choice, 'crash');
    peer.send(Buffer.alloc(160, 0xee));
    await eventually('the loss is told', () => events.some((event) => event.type === 'thread-lost'));
    await eventually('no worker is left', () => workerProcesses().length === 0);
  });
});

describe("a pool, asked for a browser's leg", () => {
  test('refuses an offer it cannot use before anything is bound', async () => {
    const pool = await startPool({ engine: 'werift' });
    const before = udpSockets();
    const outcome = await pool.openWebRtc(openParams('v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 0\r\n'));
    expect(outcome).toEqual({
      ok: false,
      code: 'offer_refused',
      reason: 'encryption_mismatch',
      fault: 'plain_rtp',
      detail: 'RTP/AVP is offered',
    });
    expect(udpSockets()).toEqual(before);
  });

  test('that serves none says so', async () => {
    const pool = await startPool({ engine: 'off' });
    const peer = await newPeer();
    expect(await pool.openWebRtc(openParams(peer.offerSdp))).toMatchObject({ ok: false, code: 'webrtc_off' });
  });

  test('says when its engine cannot be loaded, and frees the port', async () => {
    const pool = await startPool({ engine: 'mediasoup', workerBin: '/does/not/exist' });
    const peer = await newPeer();
    expect(await pool.openWebRtc(openParams(peer.offerSdp))).toMatchObject({ ok: false, code: 'webrtc_failed' });
    expect(pool.threads()[0]?.calls).toBe(0);
  });
});

describe('werift', () => {
  const choice: WebRtcEngineChoice = { engine: 'werift' };

  test('takes nothing that SRTP does not vouch for, and counts it', async () => {
    const { session, peer } = await callWith(choice, 'echo');
    peer.send(Buffer.alloc(160, 1));
    const secured = peer.secured(peer.sequence++, Buffer.alloc(160, 2));
    const changed = Buffer.from(secured);
    changed[40]! ^= 1;
    const plain = Buffer.concat([secured.subarray(0, 12), Buffer.alloc(160, 3)]);
    for (const bytes of [changed, plain, secured, secured, secured]) peer.sendRaw(bytes);
    const stranger = createSocket('udp4');
    for (let i = 0; i < 5; i++) stranger.send(secured, session.localPort, '127.0.0.1');
    await eventually('the audio comes back', () => loud(peer).length === 2);
    await sleep(100);
    stranger.close();
    // Received: the first and `secured` once. Dropped: one changed, one plain, two replayed, five of a stranger.
    expect(await session.close()).toMatchObject({ packetsReceived: 2, packetsDropped: 9, packetsDuplicate: 0 });
    expect(loud(peer).map((payload) => payload[0])).toEqual([1, 2]);
  });

  test('answers no stranger, whatever it sends', async () => {
    const { session } = await callWith(choice, 'mute');
    expect(await answersToStranger(session.localPort)).toEqual([]);
    expect(await session.close()).toMatchObject({ packetsDropped: 3 });
  });

  test('answers the browser’s reports and says goodbye', async () => {
    const { session, peer } = await callWith(choice, 'echo');
    await eventually('audio flows', () => peer.heard.length > 2);
    await session.close();
    await eventually('the last report', () => peer.controlPackets > 0);
  });
});

describe('mediasoup', () => {
  let choice: WebRtcEngineChoice = { engine: 'off' };
  beforeEach(({ skip }) => {
    if (worker.ok) choice = { engine: 'mediasoup', workerBin: worker.path };
    else skip(worker.missing);
  });

  test('whose worker dies ends its legs with a cause of their own; the next leg has a new worker, and nothing is left', async () => {
    const { pool, peer, events } = await callWith(choice, 'echo');
    await eventually('audio flows', () => peer.heard.length > 2);
    const [first] = workerProcesses();
    process.kill(first!, 'SIGKILL');
    await eventually('the end', () => events.some((event) => event.type === 'media-timeout'));
    expect(events.at(-1)).toMatchObject({ cause: 'engine_lost', lastProofMs: null });

    const next = await newPeer();
    const outcome = await pool.openWebRtc(openParams(next.offerSdp));
    if (!outcome.ok) throw new Error(outcome.detail);
    await outcome.session.connectAgent(dial('echo'));
    outcome.session.start();
    await connect(next, outcome.answerSdp);
    await eventually('audio flows again', () => next.heard.length > 2);
    expect(workerProcesses()).toHaveLength(1);
    expect(workerProcesses()).not.toContain(first);
    await pool.close();
    expect(workerProcesses()).toEqual([]);
    expect(udpSockets()).not.toContain(`0100007F:${hexPort(outcome.session.localPort)}`);
  });

  test('whose worker hangs is given up in bounded time, and the next leg has another', {
    timeout: 20_000,
  }, async () => {
    const timeouts = { firstPacketMs: 10_000, silenceMs: 500 };
    const { pool, session, peer, events } = await callWith(choice, 'echo', { timeouts });
    peer.send(Buffer.alloc(160, 1));
    await eventually('the packet came', () => events.some((event) => event.type === 'first-packet'));
    const [first] = workerProcesses();
    process.kill(first!, 'SIGSTOP');
    await eventually('the silence is told', () => events.some((event) => event.type === 'media-timeout'));
    const refused = await newPeer();
    expect(await pool.openWebRtc(openParams(refused.offerSdp))).toMatchObject({ ok: false, code: 'webrtc_failed' });
    await session.close();
    const next = await newPeer();
    expect(await pool.openWebRtc(openParams(next.offerSdp))).toMatchObject({ ok: true });
    expect(workerProcesses()).not.toContain(first);
  });

  test('ends a worker that hangs when it closes', { timeout: 20_000 }, async () => {
    const { pool } = await openWith(choice);
    process.kill(workerProcesses()[0]!, 'SIGSTOP');
    await pool.close();
    expect(workerProcesses()).toEqual([]);
  });

  test('takes nothing that SRTP does not vouch for, and nothing of a stranger', async () => {
    const { session, peer } = await callWith(choice, 'echo');
    peer.send(Buffer.alloc(160, 1));
    const secured = peer.secured(peer.sequence++, Buffer.alloc(160, 2));
    const changed = Buffer.from(secured);
    changed[40]! ^= 1;
    const plain = Buffer.concat([secured.subarray(0, 12), Buffer.alloc(160, 3)]);
    for (const bytes of [changed, plain, secured, secured, secured]) peer.sendRaw(bytes);
    const stranger = createSocket('udp4');
    for (let i = 0; i < 5; i++) stranger.send(secured, session.localPort, '127.0.0.1');
    await eventually('the audio comes back', () => loud(peer).length === 2);
    await sleep(100);
    stranger.close();
    expect(await session.close()).toMatchObject({ packetsReceived: 2, packetsDropped: 0, packetsDuplicate: 0 });
    expect(loud(peer).map((payload) => payload[0])).toEqual([1, 2]);
  });

  test('answers a stranger’s check with 401 and nothing else of it', async () => {
    const { session } = await callWith(choice, 'mute');
    const answers = await answersToStranger(session.localPort);
    expect(answers.map((bytes) => bytes.readUInt16BE(0))).toEqual([BINDING_ERROR]);
  });
});

async function callWith(
  choice: WebRtcEngineChoice,
  agent: string,
  change: Partial<OpenWebRtc> = {},
  browser: BrowserPeerOptions = {},
) {
  const opened = await openWith(choice, change, {}, (sdp) => sdp, browser);
  await opened.session.connectAgent(dial(agent));
  opened.session.start();
  await connect(opened.peer, opened.answerSdp);
  return opened;
}

async function openWith(
  choice: WebRtcEngineChoice,
  change: Partial<OpenWebRtc> = {},
  { connectTimeoutMs = CONNECT_TIMEOUT_MS }: { connectTimeoutMs?: number } = {},
  offer: (sdp: string) => string = (sdp) => sdp,
  browser: BrowserPeerOptions = {},
) {
  const pool = await startPool(choice, { webRtc: { choice, connectTimeoutMs } });
  const events: MediaEvent[] = [];
  const peer = await newPeer(browser);
  const params = openParams(offer(peer.offerSdp), { onEvent: (event) => events.push(event), ...change });
  const outcome = await pool.openWebRtc(params);
  if (!outcome.ok) throw new Error(`${outcome.code}: ${outcome.detail}`);
  const session: WebRtcSession = outcome.session;
  return { pool, session, answerSdp: outcome.answerSdp, peer, events };
}

async function connect(peer: BrowserPeer, answerSdp: string): Promise<void> {
  await peer.accept(answerSdp);
  await eventually('the browser is connected', () => peer.connected);
}

async function newPeer(options: BrowserPeerOptions = {}): Promise<BrowserPeer> {
  const peer = await BrowserPeer.create(options);
  peers.push(peer);
  return peer;
}

async function startPool(
  choice: WebRtcEngineChoice,
  change: Partial<MediaPoolOptions> = {},
): Promise<ObservableMediaPool> {
  const pool = await createMediaPool({
    threadEntry: new URL('../support/fake-agent-thread.ts', import.meta.url),
    threads: 1,
    host: '127.0.0.1',
    externalAddress: null,
    ports: PORTS,
    webRtc: { choice, connectTimeoutMs: CONNECT_TIMEOUT_MS },
    clock: systemClock,
    random: seededRandom(process.pid),
    ...change,
  });
  pools.push(pool);
  return pool;
}

function openParams(offerSdp: string, change: Partial<OpenWebRtc> = {}): OpenWebRtc {
  return {
    callId: 'call_test',
    timeouts: { firstPacketMs: 10_000, silenceMs: 10_000 },
    offerSdp,
    agentCodec: 'PCMU',
    onEvent: () => undefined,
    ...change,
  };
}

function dial(agent: string): AgentDial {
  return {
    protocol: 'fake',
    url: `${agent}:`,
    headers: {},
    codec: 'PCMU',
    readyTimeoutMs: 1000,
    callId: 'call_test',
    accountId: 'ws_test',
    customParameters: {},
    extensionEvents: false,
  };
}

/** What a socket that is not the browser's is sent for a check with guessed credentials, a ClientHello, and rubbish. */
async function answersToStranger(port: number): Promise<Buffer[]> {
  const answers: Buffer[] = [];
  const stranger = createSocket('udp4');
  stranger.on('message', (bytes) => answers.push(bytes));
  const check = bindingRequest({ username: 'guessed:guess', password: 'guessedGuessedGuessedGuessed' });
  for (const bytes of [check, await firstDatagram(), Buffer.from([0x80, 0]), Buffer.alloc(0)]) {
    stranger.send(bytes, port, '127.0.0.1');
  }
  await sleep(200);
  stranger.close();
  return answers;
}

/** A ClientHello. */
async function firstDatagram(): Promise<Buffer> {
  const sent: Buffer[] = [];
  const send = (bytes: Buffer) => Promise.resolve(void sent.push(Buffer.from(bytes)));
  const address = { address: '', family: '', port: 0 };
  const close = () => Promise.resolve();
  const client = new DtlsClient({
    transport: { type: '', address, closed: false, onData: () => undefined, send, close },
  });
  void client.connect().catch(() => undefined);
  await eventually('it is sent', () => sent.length > 0);
  client.dtls.flight = 99;
  return sent[0]!;
}

/** Payloads that are not silence. */
function loud(peer: BrowserPeer): Buffer[] {
  return peer.heard.filter(({ payload }) => !payload.every((byte) => byte === 0xff)).map(({ payload }) => payload);
}

/** Sequence numbers at which the browser missed something. */
function gaps(peer: BrowserPeer): number[] {
  const { heard } = peer;
  return heard
    .slice(1)
    .flatMap(({ sequence }, index) => (sequence === ((heard[index]!.sequence + 1) & 0xffff) ? [] : [sequence]));
}

function bindable(port: number): Promise<boolean> {
  const socket = createSocket('udp4');
  return new Promise((resolve) => {
    socket.once('error', () => {
      socket.close();
      resolve(false);
    });
    socket.bind(port, '127.0.0.1', () => socket.close(() => resolve(true)));
  });
}

/** Local addresses of the UDP sockets of this process and of its workers, as /proc writes them. */
function udpSockets(): string[] {
  const links = [process.pid, ...workerProcesses()].flatMap((pid) =>
    readdirSync(`/proc/${pid}/fd`).map((fd) => {
      try {
        return readlinkSync(`/proc/${pid}/fd/${fd}`);
      } catch (error) {
        // Closed meanwhile.
        void error;
        return '';
      }
    }),
  );
  const own = new Set(links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []));
  return ['/proc/self/net/udp', '/proc/self/net/udp6'].flatMap((file) =>
    readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter((columns) => own.has(columns[9] ?? ''))
      .map((columns) => columns[1] ?? ''),
  );
}

function hexPort(port: number): string {
  return port.toString(16).toUpperCase().padStart(4, '0');
}
