import { describe, expect, test } from 'vitest';
import { Latch, type LatchOptions } from '../../src/media/latch.ts';
import { seededRandom } from '../../src/media/random.ts';

const SDP = ['10.0.0.1', 4000] as const;
const SIGNALLING = ['10.0.0.9', 7000] as const;
const STRANGER = ['203.0.113.5', 6666] as const;
type From = readonly [string, number];

function latchAt(nowMs: number, options: Partial<LatchOptions> = {}): Latch {
  const latch = new Latch({ natAllowed: false, signallingAddress: SIGNALLING[0], ...options });
  latch.negotiate(SDP[0], SDP[1], nowMs);
  return latch;
}

/** Packets 20 ms apart, in sequence; which of them were accepted. */
function stream(latch: Latch, from: From, startMs: number, count: number, change: Partial<Stream> = {}): boolean[] {
  const { ssrc, firstSequence, stepMs, payloadTypeOk } = {
    ssrc: 1,
    firstSequence: 65534,
    stepMs: 20,
    payloadTypeOk: true,
    ...change,
  };
  return Array.from({ length: count }, (_, i) =>
    latch.accept(from[0], from[1], ssrc, (firstSequence + i) & 0xffff, payloadTypeOk, startMs + i * stepMs),
  );
}
interface Stream {
  ssrc: number;
  firstSequence: number;
  stepMs: number;
  payloadTypeOk: boolean;
}
const NONE = [false, false, false, false, false, false];
const FOURTH = [false, false, false, true, true, true];
const ALL = [true, true, true, true, true, true];

describe('latching (media.md item 2)', () => {
  test.each([
    ['the SDP address at once', SDP, {}, {}, ALL],
    ['the SDP host on another port after 4 packets', ['10.0.0.1', 4444] as const, {}, {}, FOURTH],
    ['the signalling host after 4 packets', SIGNALLING, {}, {}, FOURTH],
    ['a stranger never', STRANGER, {}, {}, NONE],
    ['a stranger after 4 packets where NAT is allowed', STRANGER, { natAllowed: true }, {}, FOURTH],
    ['not with another payload type', SIGNALLING, {}, { payloadTypeOk: false }, NONE],
    ['not in a burst: 4 packets need 60 ms', SIGNALLING, {}, { stepMs: 1 }, NONE],
  ])('accepts %s', (_, from, options, change, accepted) => {
    expect(stream(latchAt(0, options), from, 100, 6, change)).toEqual(accepted);
  });

  test('sequence gaps and SSRC changes start the probation anew', () => {
    const latch = latchAt(0);
    expect(stream(latch, SIGNALLING, 0, 3)).toEqual([false, false, false]);
    expect(stream(latch, SIGNALLING, 60, 3, { firstSequence: 90 })).toEqual([false, false, false]);
    expect(stream(latch, SIGNALLING, 120, 3, { firstSequence: 93, ssrc: 2 })).toEqual([false, false, false]);
    expect(stream(latch, SIGNALLING, 180, 1, { firstSequence: 96, ssrc: 2 })).toEqual([true]);
  });

  test('the window closes 5 s after the offer/answer and opens again with the next', () => {
    const latch = latchAt(0);
    expect(stream(latch, SIGNALLING, 5000, 6)).toEqual(NONE);
    latch.negotiate(SDP[0], SDP[1], 6000);
    expect(stream(latch, SIGNALLING, 6000, 6)).toEqual(FOURTH);
  });

  test('once locked nobody else gets in, and packets go to where they come from', () => {
    const latch = latchAt(0);
    expect(latch.target).toMatchObject({ address: SDP[0], port: SDP[1] });
    stream(latch, SIGNALLING, 0, 6);
    expect(latch.target).toMatchObject({ address: SIGNALLING[0], port: SIGNALLING[1] });
    for (let i = 0; i < 10; i++) {
      stream(latch, SIGNALLING, 120 + i * 20, 1);
      expect(stream(latch, ['10.0.0.9', 7002], 121 + i * 20, 1, { firstSequence: i })).toEqual([false]);
    }
  });

  test('an attacker who was latched first gives way to the SDP address', () => {
    const latch = latchAt(0, { natAllowed: true });
    expect(stream(latch, STRANGER, 0, 6)).toEqual(FOURTH);
    expect(stream(latch, SDP, 200, 6)).toEqual(ALL);
    expect(stream(latch, STRANGER, 400, 6, { firstSequence: 65540 })).toEqual(NONE);
  });

  test('spraying from the start of the call, from many ports at random, puts 0 packets into it and keeps nobody out', () => {
    const latch = latchAt(0, { natAllowed: true });
    const random = seededRandom(8);
    let stolen = 0;
    const real: boolean[] = [];
    for (let i = 0; i < 10; i++) {
      for (let spray = 0; spray < 3; spray++) {
        const port = 10_000 + Math.floor(random() * 50_000);
        if (latch.accept('203.0.113.66', port, 9, Math.floor(random() * 65536), true, i * 20)) stolen++;
      }
      real.push(latch.accept('198.51.100.7', 5004, 1, i, true, i * 20));
    }
    expect(stolen).toBe(0);
    expect(real).toEqual([...FOURTH, true, true, true, true]);
  });

  test('a NAT rebind (same host, new port) heals in less than a second, for the same SSRC only', () => {
    const latch = latchAt(0);
    stream(latch, SDP, 0, 50);
    const rebound: From = ['10.0.0.1', 4999];
    expect(stream(latch, rebound, 20_000, 6, { ssrc: 666 })).toEqual(NONE);
    const other = latchAt(0);
    stream(other, SDP, 0, 50);
    const accepted = stream(other, rebound, 1000, 20, { firstSequence: 100 });
    expect(accepted.indexOf(true) * 20).toBeLessThan(400);
    expect(accepted.lastIndexOf(false)).toBe(accepted.indexOf(true) - 1);
    expect(other.target).toMatchObject({ port: 4999 });
  });

  test('a re-INVITE that moves the peer: the old place is heard until the new one speaks', () => {
    const latch = latchAt(0);
    stream(latch, SDP, 0, 6);
    latch.negotiate('10.0.0.2', 5000, 1000);
    expect(latch.target).toMatchObject({ address: '10.0.0.2', port: 5000 });
    expect(stream(latch, SDP, 1000, 3)).toEqual([true, true, true]);
    expect(stream(latch, ['10.0.0.2', 5000], 1060, 1)).toEqual([true]);
    expect(stream(latch, SDP, 1080, 3)).toEqual([false, false, false]);
  });

  test('RTCP is believed from the host of the media only', () => {
    const latch = latchAt(0);
    expect(latch.acceptsControlFrom(SDP[0])).toBe(true);
    expect(latch.acceptsControlFrom(STRANGER[0])).toBe(false);
  });
});
