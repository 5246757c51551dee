import { describe, expect, test } from 'vitest';
import { encodePcma, encodePcmu, transcodeTable } from '../../../src/media/codec/g711.ts';
import { FIELD } from '../../../src/media/counters.ts';
import { seededRandom } from '../../../src/media/random.ts';
import { buildRtcp, parseRtcp } from '../../../src/media/rtp/rtcp.ts';
import { CallRig, PEER } from '../support/call-rig.ts';

/** `frames` frames of a tone in one law. */
function tone(frames: number, encode: (sample: number) => number, hertz = 440): Buffer[] {
  return Array.from({ length: frames }, (_, frame) =>
    Buffer.from(
      Array.from({ length: 160 }, (_, i) =>
        encode(Math.round(8000 * Math.sin((2 * Math.PI * hertz * (frame * 160 + i)) / 8000))),
      ),
    ),
  );
}

const heard = (rig: CallRig): Buffer[] =>
  rig.sent.map((packet) => packet.payload).filter((payload) => payload.some((byte) => byte !== payload[0]));

describe('audio through a call', () => {
  test('a tone reaches the agent byte for byte, across the wrap of sequence and timestamp', () => {
    const rig = CallRig.running();
    const frames = tone(100, encodePcmu);
    for (const frame of frames) {
      rig.packet(frame);
      rig.run(20);
    }
    expect(rig.agent.frames.map((frame) => frame.bytes)).toEqual(frames);
    expect(rig.agent.frames.map((frame) => frame.timestampMs)).toEqual(frames.map((_, index) => index * 20));
  });

  test("the agent's tone reaches the caller byte for byte, whatever the size of its messages", () => {
    const rig = CallRig.running();
    const frames = tone(50, encodePcmu, 620);
    const bytes = Buffer.concat(frames);
    for (let at = 0; at < bytes.length; at += 437) rig.agent.say(bytes.subarray(at, at + 437));
    rig.run(1200);
    expect(Buffer.concat(heard(rig))).toEqual(bytes);
  });

  test('RTP to the caller: one type, sequence and timestamp without gap, 50 packets a second, also in silence', () => {
    const rig = CallRig.running();
    rig.run(500);
    rig.agent.say(Buffer.concat(tone(20, encodePcmu)));
    rig.run(1500);
    expect(rig.sent.length).toBeGreaterThanOrEqual(97);
    for (const [index, packet] of rig.sent.entries()) {
      expect(packet).toMatchObject({ port: PEER.port, address: PEER.address, payloadType: 0 });
      const before = rig.sent[index - 1];
      if (!before) continue;
      expect((packet.sequence - before.sequence) & 0xffff).toBe(1);
      expect((packet.timestamp - before.timestamp) >>> 0).toBe(160);
    }
  });

  test('a caller of A-law and an agent of mu-law: transcoded both ways', () => {
    const rig = CallRig.running({ codec: 'PCMA', payloadType: 8, receivePayloadType: 8 });
    rig.payloadType = 8;
    const [fromCaller, fromAgent] = [tone(10, encodePcma), tone(10, encodePcmu, 700)];
    for (const frame of fromCaller) {
      rig.packet(frame);
      rig.run(20);
    }
    rig.agent.say(Buffer.concat(fromAgent));
    rig.run(300);
    const toMu = transcodeTable('PCMA', 'PCMU')!;
    const toA = transcodeTable('PCMU', 'PCMA')!;
    expect(rig.agent.frames.slice(0, 10).map((frame) => frame.bytes)).toEqual(
      fromCaller.map((frame) => frame.map((byte) => toMu[byte]!)),
    );
    expect(heard(rig)).toEqual(fromAgent.map((frame) => frame.map((byte) => toA[byte]!)));
    expect(rig.sent.every((packet) => packet.payloadType === 8)).toBe(true);
    expect(rig.sent[0]!.payload.every((byte) => byte === 0xd5)).toBe(true);
  });

  test('a re-INVITE changes the codec and the address in mid-call', () => {
    const rig = CallRig.running();
    rig.agent.say(Buffer.alloc(160 * 20, 0x21));
    rig.run(200);
    rig.negotiate({
      codec: 'PCMA',
      payloadType: 8,
      receivePayloadType: 8,
      remoteAddress: '192.0.2.11',
      remotePort: 6000,
    });
    rig.run(100);
    const last = rig.sent.at(-1)!;
    expect(last).toMatchObject({ payloadType: 8, address: '192.0.2.11', port: 6000 });
    expect(last.payload).toEqual(Buffer.alloc(160, transcodeTable('PCMU', 'PCMA')![0x21]));
    expect((last.sequence - rig.sent[0]!.sequence) & 0xffff).toBe(rig.sent.length - 1);
  });

  test('on hold nothing is sent, the agent goes on hearing silence, and time passes for what it says', () => {
    const rig = CallRig.running();
    rig.packet(Buffer.alloc(160, 1));
    rig.run(100);
    rig.negotiate({ direction: 'inactive' });
    const [sent, frames] = [rig.sent.length, rig.agent.frames.length];
    rig.agent.say(Buffer.alloc(160 * 10, 5));
    rig.agent.host.mark('said on hold');
    rig.run(1000);
    expect(rig.sent).toHaveLength(sent);
    expect(rig.agent.frames.length - frames).toBeGreaterThanOrEqual(46);
    expect(rig.agent.log.some((line) => line.startsWith('mark said on hold'))).toBe(true);
    rig.packet(Buffer.alloc(160, 2));
    expect(rig.agent.frames.at(-1)!.bytes[0]).toBe(0xff);
    rig.negotiate({ direction: 'sendrecv' });
    rig.run(100);
    expect((rig.sent.at(-1)!.sequence - rig.sent[0]!.sequence) & 0xffff).toBe(rig.sent.length - 1);
    expect(rig.sent.at(-1)!.timestamp - rig.sent[sent - 1]!.timestamp).toBeGreaterThan(1000 * 8 - 480);
  });

  test('nothing is sent or passed on before the start', () => {
    const rig = new CallRig();
    rig.negotiate();
    const agent = rig.connect();
    agent.host.ready();
    rig.packet(Buffer.alloc(160, 1));
    rig.run(200);
    expect([rig.sent.length, agent.frames.length, agent.log]).toEqual([0, 0, []]);
    rig.call.start();
    rig.run(200);
    expect(agent.log).toEqual(['start']);
    expect(rig.sent.length).toBeGreaterThanOrEqual(9);
  });
});

describe('what a call counts', () => {
  test('5 % seeded loss is 5 % in the counters and in our report to the peer', () => {
    const rig = CallRig.running();
    const random = seededRandom(20);
    let dropped = 0;
    for (let i = 0; i < 2000; i++) {
      const lost = i > 0 && random() < 0.05;
      if (lost) dropped++;
      rig.packet(Buffer.alloc(160, 1), lost);
      rig.run(20);
    }
    rig.packet(Buffer.alloc(160, 1));
    rig.run(200);
    const quality = rig.call.close();
    expect(quality).toMatchObject({ packetsReceived: 2001 - dropped, packetsLost: dropped });
    expect(dropped / 2000).toBeCloseTo(0.05, 1);
    const reports = rig.sentControl.map(({ bytes }) => parseRtcp(bytes, rig.ssrc)!.report!);
    expect(reports.length).toBeGreaterThanOrEqual(6);
    expect(reports.at(-1)!.cumulativeLost).toBe(dropped);
    const fractions = reports.map((report) => report.fractionLost / 256);
    expect(fractions.reduce((sum, fraction) => sum + fraction, 0) / fractions.length).toBeCloseTo(0.05, 1);
    expect(Math.abs(rig.agent.frames.length - 2001)).toBeLessThan(20);
  });

  test('duplicates, reordered and late packets are told apart', () => {
    const rig = CallRig.running();
    const body = Buffer.alloc(160, 3);
    const at = (index: number): [number, number, Buffer] => [1000 + index, index * 160, body];
    rig.arrive(...at(0));
    rig.arrive(...at(0));
    rig.run(20);
    rig.arrive(...at(2));
    rig.run(10);
    rig.arrive(...at(1));
    rig.run(40);
    rig.arrive(...at(4));
    rig.run(100);
    rig.arrive(...at(3));
    const quality = rig.call.close();
    expect(quality).toMatchObject({
      packetsReceived: 5,
      packetsDuplicate: 1,
      packetsReordered: 2,
      packetsLate: 1,
      packetsLost: 0,
    });
  });

  test('a steady stream has no jitter; strangers are dropped and counted and are no proof of media', () => {
    const rig = CallRig.running();
    for (let i = 0; i < 100; i++) {
      rig.packet(Buffer.alloc(160, 1));
      rig.run(20);
    }
    const proofMs = rig.row[FIELD.lastRtpMs];
    for (let i = 0; i < 50; i++) {
      rig.call.rtp(Buffer.from('8000000100000002000000030102', 'hex'), '203.0.113.9', 5555);
      rig.run(20);
    }
    expect(rig.row[FIELD.lastRtpMs]).toBe(proofMs);
    expect(rig.call.close()).toMatchObject({ packetsReceived: 100, packetsDropped: 50, jitterMs: 0 });
  });

  test('a new SSRC goes on without a hole and without false loss', () => {
    const rig = CallRig.running();
    for (let i = 0; i < 50; i++) {
      if (i === 25) Object.assign(rig, { ssrc: 0x99, sequence: 7, timestamp: 12_345 });
      rig.packet(Buffer.alloc(160, i + 1));
      rig.run(20);
    }
    expect(rig.agent.frames.map((frame) => frame.bytes[0])).toEqual(Array.from({ length: 50 }, (_, i) => i + 1));
    expect(rig.call.close()).toMatchObject({ packetsReceived: 50, packetsLost: 0, packetsDropped: 0 });
  });

  test('20 000 malformed or random datagrams from the right place: nothing thrown, counted, the call goes on', () => {
    const rig = CallRig.running({ rtcpMux: true });
    const random = seededRandom(77);
    for (let round = 0; round < 20_000; round++) {
      const bytes = Buffer.alloc(Math.floor(random() * 40));
      for (let i = 0; i < bytes.length; i++) bytes[i] = Math.floor(random() * 256);
      if (round % 3 === 0 && bytes.length > 1) bytes[0] = 0x80;
      rig.call.rtp(bytes, PEER.address, PEER.port);
      if (round % 100 === 0) rig.run(20);
    }
    rig.run(200);
    expect(rig.row[FIELD.malformed]! + rig.row[FIELD.packetsDropped]!).toBeGreaterThan(19_000);
    rig.ssrc = 0x77;
    for (let i = 0; i < 5; i++) {
      rig.packet(Buffer.alloc(160, 42));
      rig.run(20);
    }
    expect(rig.agent.frames.some((frame) => frame.bytes[0] === 42)).toBe(true);
  });

  test('RTCP: a BYE of anybody ends nothing, a stranger is dropped, the round trip is taken from the peer', () => {
    const rig = CallRig.running();
    rig.packet(Buffer.alloc(160, 1));
    rig.run(8000);
    const target = Buffer.alloc(200);
    const bye = { ssrc: rig.ssrc, sender: null, block: null, cname: 'x', bye: true };
    const bytes = Buffer.from(target.subarray(0, buildRtcp(target, bye)));
    rig.call.rtcp(bytes, '203.0.113.1');
    rig.call.rtcp(bytes, PEER.address);
    const ours = parseRtcp(rig.sentControl[0]!.bytes, 0)!;
    const block = { ssrc: ours.ssrc, fractionLost: 0, cumulativeLost: 3, highestSequence: 1, jitter: 0 };
    const aboutUs = { ...block, lastSr: ours.senderNtpMiddle!, delaySinceLastSr: 0 };
    const length = buildRtcp(target, { ...bye, block: aboutUs, bye: false });
    rig.call.rtcp(target.subarray(0, length), PEER.address);
    rig.run(100);
    expect(rig.row[FIELD.packetsDropped]).toBe(1);
    expect(rig.row[FIELD.remoteLost]).toBe(3);
    expect(rig.row[FIELD.roundTripMs]).toBeGreaterThan(0);
    expect(rig.sentControl.every(({ port }) => port === PEER.port + 1)).toBe(true);
    expect(rig.sent.at(-1)!.atMs).toBeGreaterThan(rig.nowMs - 30);
  });

  test('RFC 5761: with rtcp-mux reports go to the RTP port', () => {
    const rig = CallRig.running({ rtcpMux: true });
    rig.run(8000);
    expect(rig.sentControl.length).toBeGreaterThan(0);
    expect(rig.sentControl.every(({ port }) => port === PEER.port)).toBe(true);
  });
});

describe('timeouts', () => {
  test('no first packet: reported once, without proof, not put off by our own silence', () => {
    const rig = CallRig.running();
    rig.run(4900);
    expect(rig.eventTypes).toEqual([]);
    rig.run(5000);
    const timeouts = rig.events.filter((event) => event.type === 'media-timeout');
    expect(timeouts).toMatchObject([{ limit: 'first_packet', lastProofMs: null }]);
  });

  test('silence in mid-call: the last accepted packet is the proof; packets arm it again', () => {
    const rig = CallRig.running();
    rig.packet(Buffer.alloc(160, 1));
    const proofMs = rig.nowMs;
    rig.run(3200);
    expect(rig.events).toMatchObject([
      { type: 'first-packet', atMs: proofMs },
      { type: 'media-timeout', lastProofMs: proofMs },
    ]);
    rig.packet(Buffer.alloc(160, 1));
    rig.run(3200);
    expect(rig.eventTypes).toEqual(['first-packet', 'media-timeout', 'media-timeout']);
  });

  test('asleep on hold', () => {
    const rig = CallRig.running();
    rig.packet(Buffer.alloc(160, 1));
    rig.run(100);
    rig.negotiate({ direction: 'sendonly' });
    rig.run(60_000);
    expect(rig.eventTypes).toEqual(['first-packet']);
    rig.negotiate({ direction: 'sendrecv' });
    rig.run(2900);
    expect(rig.eventTypes).toEqual(['first-packet']);
    rig.run(300);
    expect(rig.eventTypes).toEqual(['first-packet', 'media-timeout']);
  });
});

describe('the agent of a call', () => {
  test('marks come back within one tick of the packet that completes them; an uneven end within two frames', () => {
    const rig = CallRig.running();
    rig.run(105);
    rig.agent.say(Buffer.alloc(480, 9));
    rig.agent.host.mark('even');
    rig.agent.say(Buffer.alloc(100, 9));
    rig.agent.host.mark('uneven');
    rig.run(300);
    const nines = rig.sent.filter((packet) => packet.payload[0] === 9);
    expect(rig.agent.log).toEqual(['start', `mark even @${nines[2]!.atMs}`, `mark uneven @${nines[3]!.atMs}`]);
    expect(nines[3]!.payload[99]).toBe(9);
    expect(nines[3]!.payload[100]).toBe(0xff);
    expect(nines[3]!.atMs - nines[2]!.atMs).toBeLessThanOrEqual(42);
  });

  test('clear: no agent packet after it, pending marks answered at once and in order', () => {
    const rig = CallRig.running();
    rig.agent.say(Buffer.alloc(160 * 500, 9));
    rig.agent.host.mark('a');
    rig.agent.host.mark('a');
    rig.run(1000);
    const clearedMs = rig.nowMs;
    rig.agent.host.clear();
    expect(rig.agent.log).toEqual(
      ['start', 'tick', `mark a @${clearedMs}`, `mark a @${clearedMs}`].filter((line) => rig.agent.log.includes(line)),
    );
    rig.run(200);
    expect(rig.sent.filter((packet) => packet.payload[0] === 9).at(-1)!.atMs).toBeLessThanOrEqual(clearedMs);
    expect(rig.sent.at(-1)!.payload[0]).toBe(0xff);
  });

  test('more than ten minutes in advance are dropped and counted', () => {
    const rig = CallRig.running();
    const minute = Buffer.alloc(480_000, 9);
    for (let i = 0; i < 11; i++) rig.agent.say(minute);
    rig.run(200);
    expect(rig.row[FIELD.playoutBytesDropped]).toBeGreaterThan(479_000);
    expect(rig.row[FIELD.playoutBytesDropped]).toBeLessThanOrEqual(480_000);
  });

  test('a key press is one event, to the agent and to the owner', () => {
    const rig = CallRig.running();
    rig.packet(Buffer.alloc(160, 1));
    for (let i = 1; i <= 6; i++) {
      const body = Buffer.from([7, i > 3 ? 0x8a : 0x0a, 0, i * 20]);
      rig.arrive((65_530 + i) & 0xffff, 5000, body, 101);
      rig.run(20);
    }
    expect(rig.agent.log).toEqual(['start', 'dtmf 7']);
    expect(rig.events.filter((event) => event.type === 'dtmf')).toMatchObject([{ digit: '7' }]);
  });

  test('a notice reaches the agent that is attached, from the start to the close', () => {
    const rig = new CallRig();
    rig.negotiate();
    rig.connect().host.ready();
    rig.call.notifyAgent({ type: 'balance_low', remainingMs: 1 });
    rig.call.start();
    rig.call.notifyAgent({ type: 'balance_low', remainingMs: 30_000 });
    const first = rig.agent;
    const second = rig.connect();
    rig.call.notifyAgent({ type: 'balance_low', remainingMs: 2 });
    second.host.ready();
    rig.call.notifyAgent({ type: 'max_duration', remainingMs: 20_000 });
    rig.call.close();
    rig.call.notifyAgent({ type: 'balance_low', remainingMs: 3 });
    expect(first.log).toEqual(['start', 'notice balance_low 30000', 'close']);
    expect(second.log).toEqual(['start', 'notice max_duration 20000', 'close']);
  });

  test('a stream that throws at a notice is a broken agent of this call and nothing more', () => {
    const rig = CallRig.running();
    rig.agent.notify = () => {
      throw new Error('dialect bug');
    };
    rig.call.notifyAgent({ type: 'balance_low', remainingMs: 30_000 });
    expect(rig.events).toMatchObject([{ type: 'agent-lost', failure: { code: 'agent_broken' } }]);
    rig.call.notifyAgent({ type: 'balance_low', remainingMs: 29_000 });
    expect(rig.events).toHaveLength(1);
  });

  test('a frame is heard at once by an agent that echoes, and leaves within the same instant once the talk runs', () => {
    const rig = CallRig.running();
    rig.agent.onFrame = (bytes) => rig.agent.say(bytes);
    const delays: number[] = [];
    for (let i = 0; i < 300; i++) {
      const [at, before] = [rig.nowMs, rig.sent.length];
      rig.packet(Buffer.alloc(160, 1 + (i % 250)));
      rig.run(20);
      const back = rig.sent.slice(before).find((packet) => packet.payload[0] === 1 + (i % 250));
      if (i >= 150) delays.push(back === undefined ? 20 : back.atMs - at);
    }
    expect(Math.max(...delays)).toBeLessThanOrEqual(6);
  });

  test('refused, never created, or gone before it was ready: the outcome says why', () => {
    const rig = new CallRig();
    rig.connect().host.ended({ code: 'agent_refused', detail: 'x' });
    rig.connect().host.ended(null);
    rig.failToCreate = true;
    rig.connect();
    expect(rig.outcomes).toMatchObject([
      { ok: false, failure: { code: 'agent_refused' } },
      { ok: false, failure: { code: 'agent_broken' } },
      { ok: false, failure: { code: 'agent_broken', detail: 'no such dialect' } },
    ]);
    expect(rig.events).toEqual([]);
  });

  test('it closes in order, or breaks with its last proof; the call goes on', () => {
    const rig = CallRig.running();
    rig.agent.host.alive();
    const proofMs = rig.nowMs;
    rig.run(500);
    rig.agent.host.ended({ code: 'agent_timeout', detail: 'no pong' });
    rig.agent.host.ended(null);
    rig.connect().host.ready();
    rig.agent.host.ended(null);
    expect(rig.events).toMatchObject([
      { type: 'agent-lost', lastProofMs: proofMs, failure: { code: 'agent_timeout' } },
      { type: 'agent-closed' },
    ]);
    const sent = rig.sent.length;
    rig.run(200);
    expect(rig.sent.length - sent).toBeGreaterThanOrEqual(9);
  });

  test('a second agent starts at once with a time of its own; the first one is closed and no longer heard', () => {
    const rig = CallRig.running();
    rig.packet(Buffer.alloc(160, 1));
    rig.agent.say(Buffer.alloc(160 * 100, 7));
    rig.run(200);
    const first = rig.agent;
    rig.connect().host.ready();
    expect(first.log).toEqual(['start', 'close']);
    first.say(Buffer.alloc(1600, 8));
    first.host.mark('void');
    rig.packet(Buffer.alloc(160, 2));
    rig.agent.say(Buffer.alloc(160, 6));
    const sent = rig.sent.length;
    rig.run(200);
    expect(rig.agent.log).toEqual(['start']);
    expect(rig.agent.frames[0]).toMatchObject({ timestampMs: 0 });
    expect(rig.agent.frames[0]!.bytes[0]).toBe(2);
    const after = rig.sent.slice(sent).map((packet) => packet.payload[0]);
    expect(after.includes(7) || after.includes(8)).toBe(false);
    expect(first.frames.every((frame) => frame.bytes[0] !== 2)).toBe(true);
  });

  test('a stream that throws is a broken agent of this call and nothing more', () => {
    const rig = CallRig.running();
    rig.agent.onFrame = () => {
      throw new Error('dialect bug');
    };
    rig.packet(Buffer.alloc(160, 1));
    expect(rig.events.at(-1)).toMatchObject({
      type: 'agent-lost',
      failure: { code: 'agent_broken', detail: 'dialect bug' },
    });
    expect(rig.agent.log.at(-1)).toBe('close');
    rig.run(100);
  });

  test('close tells the agent and the peer, once; afterwards nothing happens', () => {
    const rig = CallRig.running();
    rig.packet(Buffer.alloc(160, 1));
    rig.run(500);
    const quality = rig.call.close();
    expect(rig.agent.log).toEqual(['start', 'close']);
    expect(parseRtcp(rig.sentControl.at(-1)!.bytes, rig.ssrc)).toMatchObject({ bye: true });
    const [sent, events] = [rig.sent.length, rig.events.length];
    rig.packet(Buffer.alloc(160, 1));
    rig.agent.say(Buffer.alloc(1600, 1));
    rig.negotiate();
    rig.call.start();
    rig.connect();
    rig.run(1000);
    expect(rig.outcomes.at(-1)).toMatchObject({ ok: false });
    expect([rig.sent.length, rig.events.length]).toEqual([sent, events]);
    expect(rig.call.close()).toEqual(quality);
  });
});
