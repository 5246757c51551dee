import { describe, expect, test } from 'vitest';
import { DTMF_GAP_MS, DTMF_TONE_MS, type DtmfMode, type DtmfRequest } from '../../../src/domain/dtmf.ts';
import { ToneDetector } from '../../../src/media/dtmf/tone-detector.ts';
import { writeToneFrame } from '../../../src/media/dtmf/tones.ts';
import { buildRtcp } from '../../../src/media/rtp/rtcp.ts';
import type { RtpParameters } from '../../../src/media/session.ts';
import { CallRig, type SentPacket } from '../support/call-rig.ts';

const TIMEOUTS = { firstPacketMs: 1e9, silenceMs: 1e9 };
const EVENT_TYPE = 97;

const keys = (text: string, toneMs = DTMF_TONE_MS, gapMs = DTMF_GAP_MS): DtmfRequest => ({ text, toneMs, gapMs });

function running(dtmf: DtmfMode, remote: Partial<RtpParameters> = {}): CallRig {
  const rig = CallRig.running({ telephoneEventPayloadType: EVENT_TYPE, ...remote }, {}, { timeouts: TIMEOUTS });
  rig.call.setPolicy({ dtmf, timeouts: TIMEOUTS });
  rig.run(200);
  rig.sent.length = 0;
  return rig;
}

const events = (rig: CallRig): SentPacket[] => rig.sent.filter((packet) => packet.payloadType === EVENT_TYPE);
const event = ({ payload }: SentPacket) => ({
  code: payload[0],
  end: (payload[1]! & 0x80) !== 0,
  duration: payload.readUInt16BE(2),
});
const speech = (frames: number, byte: number): Buffer => Buffer.alloc(frames * 160, byte);
const isSpeech =
  (byte: number) =>
  ({ payload, payloadType }: SentPacket) =>
    payloadType === 0 && payload[0] === byte;

function expectSteady(packets: readonly SentPacket[]): void {
  for (const [index, packet] of packets.entries()) {
    const before = packets[index - 1];
    if (before === undefined) continue;
    expect(packet.sequence).toBe((before.sequence + 1) & 0xffff);
    expect(packet.atMs - before.atMs).toBeGreaterThanOrEqual(18);
    expect(packet.atMs - before.atMs).toBeLessThanOrEqual(22);
  }
}

describe('media 6: RFC 4733 telephone events out', () => {
  test('a key: one timestamp, marker on the first packet only, growing duration, three end packets, then silence', () => {
    const rig = running('auto');
    rig.run(40);
    expect(rig.call.sendKeys(keys('5'), 'api')).toBe('queued');
    rig.run(400);
    const sent = events(rig);
    expect(sent.map(event)).toEqual([
      ...[160, 320, 480, 640].map((duration) => ({ code: 5, end: false, duration })),
      ...[800, 800, 800].map((duration) => ({ code: 5, end: true, duration })),
    ]);
    expect(new Set(sent.map((packet) => packet.timestamp)).size).toBe(1);
    expect(sent.map((packet) => packet.marker)).toEqual([true, ...Array(6).fill(false)]);
    expectSteady(rig.sent);
    const [first] = sent;
    const at = rig.sent.indexOf(first!);
    expect(first!.timestamp).toBe((rig.sent[at - 1]!.timestamp + 160) >>> 0);
    // Time went on under the key: the audio after it is where it would have been.
    expect(rig.sent[at + 7]!.timestamp).toBe((first!.timestamp + 7 * 160) >>> 0);
  });

  test('several keys: a timestamp each, a gap between them, pauses where asked', () => {
    const rig = running('rfc4733');
    rig.call.sendKeys(keys('1*w#', 60, 80), 'api');
    rig.run(1500);
    const begins = events(rig).filter((packet) => packet.marker);
    expect(begins.map((packet) => event(packet).code)).toEqual([1, 10, 11]);
    const [a, b, c] = begins.map((packet) => packet.timestamp);
    expect(b! - a!).toBe((60 + 80) * 8);
    expect(c! - b!).toBe((60 + 80 + 500) * 8);
    expectSteady(rig.sent);
  });

  test('the payload type is the one that the other side gave; ours is what it sends with', () => {
    const rig = running('auto', { receiveTelephoneEventPayloadType: 101 });
    rig.call.sendKeys(keys('9'), 'api');
    rig.arrive(1, 8000, Buffer.from([3, 10, 0, 160]), 101);
    rig.run(100);
    expect(events(rig).length).toBeGreaterThan(0);
    expect(rig.agent.log).toContain('dtmf 3');
  });

  test('at a clock of 48 kHz the durations are in its units', () => {
    const rig = running('auto', { telephoneEventClockHz: 48_000 });
    rig.call.sendKeys(keys('9', 60), 'api');
    rig.run(200);
    expect(events(rig).map((packet) => event(packet).duration)).toEqual([960, 1920, 2880, 2880, 2880]);
  });

  test('what the agent says meanwhile is held back and goes on where it was, nothing lost', () => {
    const rig = running('auto');
    rig.agent.say(Buffer.concat([speech(5, 0x11), speech(5, 0x22)]));
    rig.agent.host.mark('end');
    rig.run(60);
    rig.call.sendKeys(keys('7'), 'api');
    rig.run(600);
    expect(rig.sent.filter(isSpeech(0x11)).length).toBe(5);
    expect(rig.sent.filter(isSpeech(0x22)).length).toBe(5);
    const kinds = rig.sent.map((packet) => (packet.payloadType === EVENT_TYPE ? 'key' : packet.payload[0])).join(' ');
    expect(kinds).toMatch(/17 (key ){7}(255 ){3}17/);
    expectSteady(rig.sent.slice(0, rig.sent.findLastIndex(isSpeech(0x22)) + 1));
    expect(rig.agent.log.filter((line) => line.startsWith('mark')).length).toBe(1);
  });

  test('a clear drops what the agent said, not the keys', () => {
    const rig = running('auto');
    rig.agent.say(speech(50, 0x11));
    rig.call.sendKeys(keys('12'), 'api');
    rig.agent.host.clear();
    rig.run(600);
    expect(events(rig).filter((packet) => packet.marker).length).toBe(2);
    expect(rig.sent.filter(isSpeech(0x11)).length).toBeLessThanOrEqual(1);
  });

  test('a live agent that talks on has its old delay again some seconds later', () => {
    const rig = running('auto');
    let heardMs = 0;
    const talk = (forMs: number): void => {
      for (let passed = 0; passed < forMs; passed += 20) {
        rig.agent.say(speech(1, 0x11));
        rig.run(20);
      }
    };
    talk(1000);
    rig.call.sendKeys(keys('123'), 'agent');
    talk(20_000);
    // A word of its own kind tells how long the queue is.
    rig.agent.say(speech(1, 0x33));
    const askedMs = rig.nowMs;
    for (let i = 0; i < 50 && heardMs === 0; i++) {
      rig.agent.say(speech(1, 0x11));
      rig.run(20);
      heardMs = rig.sent.find(isSpeech(0x33))?.atMs ?? 0;
    }
    expect(heardMs - askedMs).toBeLessThanOrEqual(60);
    expectSteady(events(rig).slice(0, 7));
  });

  test('on hold keys wait for the resume, and nothing is sent where the direction forbids it', () => {
    const rig = running('auto');
    rig.call.sendKeys(keys('12'), 'api');
    rig.run(50);
    rig.negotiate({ telephoneEventPayloadType: EVENT_TYPE, direction: 'recvonly' });
    rig.sent.length = 0;
    rig.run(2000);
    expect(rig.sent).toEqual([]);
    rig.negotiate({ telephoneEventPayloadType: EVENT_TYPE, direction: 'sendrecv' });
    rig.run(400);
    expect(
      events(rig)
        .filter((packet) => packet.marker)
        .map((packet) => event(packet).code),
    ).toEqual([2]);
  });

  test('after a stall of ours timestamps are those of the clock again, keys or not', () => {
    const rig = running('auto');
    rig.run(100);
    rig.nowMs += 300;
    rig.call.sendKeys(keys('12'), 'api');
    rig.run(2000);
    const audio = rig.sent.filter(({ payloadType }) => payloadType === 0);
    const [first, last] = [audio[0]!, audio.at(-1)!];
    expect(Math.abs((last.timestamp - first.timestamp) / 8 - (last.atMs - first.atMs))).toBeLessThanOrEqual(20);
  });

  test('a queue that is full takes nothing, and says so', () => {
    const rig = running('auto');
    const line = '1'.repeat(64);
    const outcomes = [1, 2, 3, 4, 5].map(() => rig.call.sendKeys(keys(line), 'api'));
    expect(outcomes).toEqual(['queued', 'queued', 'queue_full', 'queue_full', 'queue_full']);
    // The refusals after the first are told to who asked, and stand in no timeline again.
    expect(rig.events.filter((each) => each.type === 'dtmf-asked')).toMatchObject([
      { by: 'api', keys: 64, kind: 'rfc4733', outcome: 'queued' },
      { outcome: 'queued' },
      { outcome: 'queue_full' },
    ]);
  });

  test('a trunk that wants telephone events only, and a carrier without: refused; auto plays tones', () => {
    const without = { telephoneEventPayloadType: null, receiveTelephoneEventPayloadType: null };
    expect(running('rfc4733', without).call.sendKeys(keys('1'), 'api')).toBe('unavailable');
    const rig = running('auto', without);
    expect(rig.call.sendKeys(keys('1'), 'api')).toBe('queued');
    rig.run(300);
    expect(heard(rig.sent, 'PCMU')).toBe('1');
  });

  test('an agent asks for keys', () => {
    const rig = running('auto');
    rig.agent.host.sendDtmf(keys('0#'));
    rig.run(600);
    expect(
      events(rig)
        .filter((packet) => packet.marker)
        .map((packet) => event(packet).code),
    ).toEqual([0, 11]);
    expect(rig.events.at(-1)).toMatchObject({ type: 'dtmf-asked', by: 'agent', keys: 2, outcome: 'queued' });
  });
});

function heard(packets: readonly SentPacket[], codec: 'PCMU' | 'PCMA'): string {
  const detector = new ToneDetector(codec);
  return packets.map(({ payload }) => detector.audio(payload, 0, payload.length) ?? '').join('');
}

describe('media 6: keys in the audio', () => {
  test.each(['PCMU', 'PCMA'] as const)('out: tones in %s, on the pacing clock', (codec) => {
    const rig = running('inband', { codec, payloadType: codec === 'PCMU' ? 0 : 8 });
    rig.call.sendKeys(keys('147*0#D'), 'api');
    rig.run(2000);
    expect(events(rig)).toEqual([]);
    expect(heard(rig.sent, codec)).toBe('147*0#D');
    expectSteady(rig.sent);
  });

  const press = (rig: CallRig, code: number): void => {
    const frame = Buffer.alloc(160);
    for (let i = 0; i < 5; i++) {
      writeToneFrame(code, i, 5, 'PCMU', frame, 0);
      rig.packet(frame);
      rig.run(20);
    }
    for (let i = 0; i < 5; i++) {
      rig.packet(Buffer.alloc(160, 0xff));
      rig.run(20);
    }
  };
  const toldTo = (rig: CallRig): string[] => rig.agent.log.filter((line) => line.startsWith('dtmf'));

  test('in: tones are keys where the trunk says so, and nowhere else', () => {
    for (const dtmf of ['inband', 'auto', 'rfc4733', 'info'] as const) {
      const rig = running(dtmf);
      for (const code of [4, 4, 11]) press(rig, code);
      expect(toldTo(rig)).toEqual(dtmf === 'inband' ? ['dtmf 4', 'dtmf 4', 'dtmf #'] : []);
    }
  });

  test('the same press as tone, telephone event and INFO is told once', () => {
    const rig = running('inband');
    rig.arrive(rig.sequence, rig.timestamp, Buffer.from([6, 10, 0, 160]), 101);
    rig.sequence = (rig.sequence + 1) & 0xffff;
    press(rig, 6);
    rig.call.heardByInfo('6');
    rig.call.heardByInfo('8');
    expect(toldTo(rig)).toEqual(['dtmf 6', 'dtmf 8']);
    expect(rig.events.filter((each) => each.type === 'dtmf')).toMatchObject([{ kind: 'rfc4733' }, { kind: 'info' }]);
  });
});

describe('media 6: keys by SIP INFO', () => {
  test('out: each is due in the cadence of the pacing, and no tone or event is sent', () => {
    const rig = running('info');
    rig.call.sendKeys(keys('1A', 100, 100), 'api');
    rig.run(600);
    const due = rig.events.filter((each) => each.type === 'dtmf-due');
    expect(due).toMatchObject([
      { digit: '1', toneMs: 100 },
      { digit: 'A', toneMs: 100 },
    ]);
    expect(Math.abs(due[1]!.atMs - due[0]!.atMs - 200)).toBeLessThanOrEqual(2);
    expect(rig.sent.every((packet) => packet.payloadType === 0 && packet.payload[0] === 0xff)).toBe(true);
  });
});

describe('media 8: hold as media and the agent see it', () => {
  const limits = { firstPacketMs: 5000, silenceMs: 3000, heldMs: 60_000, agentSilentMs: 10_000 };

  test.each(['recvonly', 'inactive'] as const)(
    'our side %s: the agent hears hold, then resume; nothing is sent',
    (direction) => {
      const rig = CallRig.running({}, {}, { timeouts: limits });
      rig.packet(speech(1, 0x40));
      rig.run(200);
      rig.negotiate({ direction });
      rig.sent.length = 0;
      rig.run(30_000);
      expect(rig.sent).toEqual([]);
      rig.negotiate({ direction: 'sendrecv' });
      for (let i = 0; i < 50; i++) {
        rig.packet(speech(1, 0x40));
        rig.run(20);
      }
      expect(rig.agent.log.filter((line) => line.startsWith('notice'))).toEqual(['notice hold', 'notice resume 30000']);
      expect(rig.eventTypes.filter((type) => type !== 'first-packet')).toEqual(['held', 'resumed']);
      expect(rig.sent.length).toBeGreaterThan(40);
    },
  );

  test('hold by 0.0.0.0: neither RTP nor RTCP is sent there, which would be this machine', () => {
    const rig = CallRig.running({}, {}, { timeouts: limits });
    rig.packet(speech(1, 0x40));
    rig.run(200);
    rig.negotiate({ remoteAddress: '0.0.0.0', direction: 'recvonly' });
    rig.sent.length = 0;
    rig.sentControl.length = 0;
    rig.run(20_000);
    expect(rig.sent).toEqual([]);
    expect(rig.sentControl).toEqual([]);
    rig.negotiate({ direction: 'sendrecv' });
    rig.packet(speech(1, 0x40));
    rig.run(10_000);
    expect(rig.sent.every(({ address }) => address === '192.0.2.10')).toBe(true);
    expect(rig.sentControl.length).toBeGreaterThan(0);
  });

  test('a refresh during a hold tells nothing new; an agent that comes meanwhile is told of it', () => {
    const rig = CallRig.running({}, {}, { timeouts: limits });
    rig.negotiate({ direction: 'inactive' });
    rig.negotiate({ direction: 'recvonly' });
    rig.connect().host.ready();
    expect(rig.agents[0]!.log.filter((line) => line === 'notice hold').length).toBe(1);
    expect(rig.agent.log).toEqual(['start', 'notice hold']);
    expect(rig.eventTypes).toEqual(['held']);
  });

  test('a hold that is too long is a timeout of its own, whatever music comes', () => {
    const rig = CallRig.running({}, {}, { timeouts: limits });
    rig.negotiate({ direction: 'recvonly' });
    for (let i = 0; i < 61; i++) {
      rig.packet(speech(1, 0x40));
      rig.run(1000);
    }
    expect(rig.events.filter((each) => each.type === 'media-timeout')).toMatchObject([{ limit: 'held' }]);
  });

  test('after the resume the caller has the whole silence limit', () => {
    const rig = CallRig.running({}, {}, { timeouts: limits });
    rig.packet(speech(1, 0x40));
    rig.run(100);
    rig.negotiate({ direction: 'inactive' });
    rig.run(50_000);
    rig.negotiate({ direction: 'sendrecv' });
    rig.run(2900);
    expect(rig.eventTypes).not.toContain('media-timeout');
    rig.run(300);
    expect(rig.events.at(-1)).toMatchObject({ type: 'media-timeout', limit: 'silence' });
  });
});

describe('media 8: one-way audio in a call', () => {
  const report = (rig: CallRig, heard: boolean): void => {
    const bytes = Buffer.alloc(1500);
    const block = {
      ssrc: rig.call.ssrc,
      fractionLost: 0,
      cumulativeLost: 0,
      highestSequence: 1,
      jitter: 0,
      lastSr: 0,
      delaySinceLastSr: 0,
    };
    const sender = { wallMs: 1_700_000_000_000, rtpTimestamp: 0, packets: 1, octets: 160 };
    const parts = { ssrc: rig.ssrc, sender, block: heard ? block : null, cname: 'peer', bye: false };
    const length = buildRtcp(bytes, parts);
    rig.call.rtcp(bytes.subarray(0, length), '192.0.2.10');
  };
  const run = (rig: CallRig, heard: boolean): void => {
    for (let i = 0; i < 1500; i++) {
      rig.packet(speech(1, 0x40));
      rig.run(20);
      if (i % 250 === 249) report(rig, heard);
    }
  };
  const told = (rig: CallRig) => rig.events.filter((each) => each.type === 'one-way-audio');

  test('nothing from the caller for 5 s: told, once', () => {
    const rig = CallRig.running({}, {}, { timeouts: TIMEOUTS });
    rig.run(4900);
    expect(told(rig)).toEqual([]);
    rig.run(10_000);
    expect(told(rig)).toMatchObject([{ missing: 'from_caller' }]);
  });

  test('the caller’s reports have no word about us: told, once', () => {
    const rig = CallRig.running({}, {}, { timeouts: TIMEOUTS });
    run(rig, false);
    expect(told(rig)).toMatchObject([{ missing: 'to_caller' }]);
  });

  test('a caller that hears us is no case for anybody', () => {
    const rig = CallRig.running({}, {}, { timeouts: TIMEOUTS });
    run(rig, true);
    expect(told(rig)).toEqual([]);
  });
});

describe('media 8: timeouts', () => {
  const talk = (rig: CallRig, forMs: number): void => {
    for (let passed = 0; passed < forMs; passed += 20) {
      rig.packet(speech(1, 0x40));
      rig.run(20);
    }
  };
  const timeouts = (rig: CallRig) => rig.events.filter((each) => each.type === 'media-timeout');

  test('no first packet', () => {
    const rig = CallRig.running({}, {}, { timeouts: { firstPacketMs: 5000, silenceMs: 3000 } });
    rig.run(5200);
    expect(timeouts(rig)).toMatchObject([{ limit: 'first_packet', lastProofMs: null }]);
  });

  test('agent silent: counted from its last audio that was played, never while it has some, and not on hold', () => {
    const rig = CallRig.running({}, {}, { timeouts: { firstPacketMs: 5000, silenceMs: 3000, agentSilentMs: 10_000 } });
    talk(rig, 9000);
    rig.agent.say(speech(500, 0x11));
    talk(rig, 19_000);
    expect(timeouts(rig)).toEqual([]);
    rig.negotiate({ direction: 'recvonly' });
    talk(rig, 15_000);
    rig.negotiate({ direction: 'sendrecv' });
    talk(rig, 9800);
    expect(timeouts(rig)).toEqual([]);
    talk(rig, 400);
    expect(timeouts(rig)).toMatchObject([{ limit: 'agent_silent' }]);
  });

  test('agent silent: an agent that waits for the answer is not silent', () => {
    const rig = new CallRig({ timeouts: { firstPacketMs: 5000, silenceMs: 3000, agentSilentMs: 10_000 } });
    rig.negotiate();
    rig.connect().host.ready();
    rig.run(30_000);
    rig.call.start();
    talk(rig, 9800);
    expect(timeouts(rig)).toEqual([]);
    talk(rig, 400);
    expect(timeouts(rig)).toMatchObject([{ limit: 'agent_silent' }]);
  });

  test('what we send, be it silence, speech or keys, moves none of them', () => {
    const rig = CallRig.running({}, {}, { timeouts: { firstPacketMs: 5000, silenceMs: 3000 } });
    talk(rig, 200);
    rig.agent.say(speech(500, 0x11));
    rig.call.sendKeys(keys('123'), 'api');
    rig.run(3200);
    expect(timeouts(rig)).toMatchObject([{ limit: 'silence' }]);
  });

  test('a trunk’s own limits take the place of the node’s', () => {
    const rig = new CallRig({ timeouts: { firstPacketMs: 5000, silenceMs: 3000 } });
    rig.call.setPolicy({ dtmf: 'auto', timeouts: { firstPacketMs: 20_000, silenceMs: 3000 } });
    rig.negotiate();
    rig.connect().host.ready();
    rig.call.start();
    rig.run(19_000);
    expect(timeouts(rig)).toEqual([]);
    rig.run(1200);
    expect(timeouts(rig)).toMatchObject([{ limit: 'first_packet' }]);
  });
});
