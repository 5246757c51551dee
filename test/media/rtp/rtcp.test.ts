import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../../src/media/random.ts';
import { RtcpSession } from '../../../src/media/rtp/control.ts';
import { Reception } from '../../../src/media/rtp/reception.ts';
import { buildRtcp, ntpMiddle, ntpTime, parseRtcp } from '../../../src/media/rtp/rtcp.ts';

const block = {
  ssrc: 42,
  fractionLost: 13,
  cumulativeLost: 77,
  highestSequence: 0x0001_0203,
  jitter: 9,
  lastSr: 0x11112222,
  delaySinceLastSr: 65536,
};
const sender = { wallMs: 1_700_000_000_500, rtpTimestamp: 160_000, packets: 1000, octets: 160_000 };
const target = Buffer.alloc(1500);

function compound(change: object = {}): Buffer {
  const length = buildRtcp(target, { ssrc: 7, sender, block, cname: 'edge', bye: false, ...change });
  return Buffer.from(target.subarray(0, length));
}

describe('RFC 3550 section 6: RTCP compounds', () => {
  test('a sender report is read back as it was built', () => {
    const bytes = compound();
    expect(bytes.length % 4).toBe(0);
    const middle = ntpMiddle(sender.wallMs);
    expect(parseRtcp(bytes, 42)).toEqual({ ssrc: 7, senderNtpMiddle: middle, report: block, bye: false });
    expect(parseRtcp(bytes, 43)?.report).toBeNull();
  });

  test('without anything sent it is a receiver report; BYE closes it', () => {
    const bytes = compound({ sender: null, bye: true });
    expect(bytes[1]).toBe(201);
    expect(parseRtcp(bytes, 42)).toMatchObject({ senderNtpMiddle: null, report: block, bye: true });
  });

  test('cumulative loss is clamped to its 24 signed bits', () => {
    const bytes = compound({ block: { ...block, cumulativeLost: 20_000_000 } });
    expect(parseRtcp(bytes, 42)?.report?.cumulativeLost).toBe(0x7fffff);
  });

  test('NTP counts from 1900 and in binary fractions', () => {
    expect(ntpTime(500)).toEqual({ seconds: 2_208_988_800, fraction: 0x8000_0000 });
  });

  test('A.2: a compound that does not add up is refused, and 20 000 damaged ones never throw', () => {
    const good = compound();
    expect(parseRtcp(good.subarray(0, good.length - 1), 42)).toBeNull();
    expect(parseRtcp(good.subarray(28 + 24), 42)).toBeNull();
    const random = seededRandom(99);
    let refused = 0;
    for (let round = 0; round < 20_000; round++) {
      const bytes = Buffer.from(good.subarray(0, Math.floor(random() * (good.length + 1))));
      for (let i = 0; i < 3; i++) bytes[Math.floor(random() * 12)] = Math.floor(random() * 256);
      if (parseRtcp(bytes, 42) === null) refused++;
    }
    expect(refused).toBeGreaterThan(10_000);
  });
});

describe('the RTCP session of a call', () => {
  const sent = { ssrc: 7, packetsSent: 10, octetsSent: 1600, timestampSent: 99 };

  test('reports loss and jitter of what was received, and asks for RTT with LSR and DLSR', () => {
    const session = new RtcpSession(seededRandom(1), 'edge');
    const reception = new Reception();
    for (let i = 0; i < 100; i++) if (i % 20 !== 3) reception.judge(42, i);
    const wallMs = 1_700_000_000_000;
    const peer = { ssrc: 42, sender, block: null, cname: 'peer', bye: false };
    const length = buildRtcp(target, peer);
    expect(session.received(Buffer.from(target.subarray(0, length)), 7, 42, wallMs, 1000)).toBe(true);
    const report = parseRtcp(session.build(reception, sent, wallMs, 1500), 42)?.report;
    expect(report).toMatchObject({ fractionLost: Math.floor(0.05 * 256), cumulativeLost: 5 });
    expect(report).toMatchObject({ lastSr: ntpMiddle(sender.wallMs), delaySinceLastSr: 32_768 });
  });

  test('round trip = now - LSR - DLSR', () => {
    const session = new RtcpSession(seededRandom(1), 'edge');
    const ourSrMs = 1_700_000_000_000;
    const about = { ...block, ssrc: 7, lastSr: ntpMiddle(ourSrMs), delaySinceLastSr: 65_536 };
    const length = buildRtcp(target, { ssrc: 42, sender: null, block: about, cname: 'peer', bye: false });
    session.received(target.subarray(0, length), 7, 42, ourSrMs + 1080, 5000);
    expect(session.roundTripMs).toBeCloseTo(80, 0);
    expect(session.remoteLost).toBe(77);
  });

  test('a report of another SSRC is not believed', () => {
    const session = new RtcpSession(seededRandom(1), 'edge');
    expect(session.received(compound(), 42, 8, 0, 0)).toBe(false);
    expect(session.reportsReceived).toBe(0);
  });

  test('intervals spread over 2.5 to 7.5 s', () => {
    const session = new RtcpSession(seededRandom(2), 'edge');
    const gaps = Array.from({ length: 500 }, () => {
      session.build(new Reception(), sent, 0, 0);
      return session.dueMs;
    });
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(2500);
    expect(Math.min(...gaps)).toBeLessThan(2700);
    expect(Math.max(...gaps)).toBeGreaterThan(7300);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(7500);
  });
});
