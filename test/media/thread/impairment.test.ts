import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../../src/media/random.ts';
import { CallRig } from '../support/call-rig.ts';

// media.md item 18: what is reported matches what was injected, and the agent's timeline stays whole.

const PACKETS = 1500;

interface Arrival {
  readonly index: number;
  readonly atMs: number;
}

/** Sends a stream through loss, delay variation and duplication; returns what really arrived, in its order. */
function impaired(options: { loss: number; jitterMs: number; duplicates: number; burst: number }, seed: number) {
  const random = seededRandom(seed);
  const arrivals: Arrival[] = [];
  let lost = 0;
  let burst = 0;
  for (let index = 0; index < PACKETS; index++) {
    const edge = index === 0 || index === PACKETS - 1;
    if (burst === 0 && random() < options.loss / options.burst) burst = options.burst;
    if (burst > 0) burst--;
    if (burst > 0 || (options.burst === 1 && random() < options.loss && !edge)) {
      if (!edge) {
        lost++;
        continue;
      }
    }
    const atMs = index * 20 + random() * options.jitterMs;
    arrivals.push({ index, atMs });
    if (random() < options.duplicates) arrivals.push({ index, atMs: atMs + 1 });
  }
  return { arrivals: arrivals.toSorted((a, b) => a.atMs - b.atMs), lost };
}

/** RFC 3550 A.8, in ms, over first arrivals. */
function jitterOf(arrivals: readonly Arrival[]): number {
  let jitter = 0;
  let last: Arrival | null = null;
  const seen = new Set<number>();
  for (const arrival of arrivals) {
    if (seen.has(arrival.index)) continue;
    seen.add(arrival.index);
    if (last !== null) {
      const distance = Math.abs(arrival.atMs - last.atMs - (arrival.index - last.index) * 20);
      jitter += (distance - jitter) / 16;
    }
    last = arrival;
  }
  return jitter;
}

describe('the impairment grid', () => {
  const grid = [0, 0.01, 0.05, 0.1].flatMap((loss) =>
    [0, 20, 40, 80].map((jitterMs) => ({ loss, jitterMs, duplicates: 0.02, burst: loss === 0.1 ? 3 : 1 })),
  );

  test.each(grid)('loss $loss in bursts of $burst, jitter $jitterMs ms: reported as injected', (options) => {
    const { arrivals, lost } = impaired(options, 1 + options.jitterMs + options.loss * 1000);
    const rig = CallRig.running();
    const startMs = rig.nowMs;
    for (const { index, atMs } of arrivals) {
      rig.run(Math.max(0, startMs + atMs - rig.nowMs));
      const payload = Buffer.alloc(160, 1);
      payload.writeUInt16BE(index, 0);
      rig.arrive((65_000 + index) & 0xffff, (0xffff_0000 + index * 160) >>> 0, payload);
    }
    rig.run(100);
    const unique = new Set(arrivals.map((arrival) => arrival.index)).size;
    const quality = rig.call.close();
    expect(quality).toMatchObject({
      packetsReceived: unique,
      packetsLost: lost,
      packetsDuplicate: arrivals.length - unique,
      packetsDropped: 0,
    });
    expect(Math.abs(quality.jitterMs - jitterOf(arrivals))).toBeLessThan(0.5);

    const frames = rig.agent.frames;
    const heard = frames.filter((frame) => frame.bytes[2] === 1).map((frame) => frame.bytes.readUInt16BE(0));
    expect(heard).toEqual(heard.toSorted((a, b) => a - b));
    expect(heard.length).toBe(unique - quality.packetsLate);
    expect(frames.map((frame) => frame.timestampMs)).toEqual(frames.map((_, index) => index * 20));
    expect(Math.abs(frames.length - PACKETS)).toBeLessThanOrEqual(6);
    // Up to 40 ms of jitter nothing that arrived is thrown away for being late, but for what the very first packet overtook.
    if (options.jitterMs <= 40) expect(quality.packetsLate).toBeLessThanOrEqual(1);
  });
});
