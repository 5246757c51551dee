import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../../src/media/random.ts';
import { Reception, VERDICT } from '../../../src/media/rtp/reception.ts';

const SSRC = 7;

function feed(reception: Reception, ...sequences: number[]): number[] {
  return sequences.map((sequence) => reception.judge(SSRC, sequence & 0xffff));
}

describe('RFC 3550 A.1 and A.3: sequence numbers and loss', () => {
  test('a wrap is in order and loses nothing', () => {
    const reception = new Reception();
    feed(reception, 65530);
    const first = reception.extended;
    for (let i = 1; i < 20; i++) expect(feed(reception, 65530 + i)).toEqual([VERDICT.inOrder]);
    expect(reception.extended - first).toBe(19);
    expect(reception).toMatchObject({ received: 20, lost: 0, duplicates: 0 });
  });

  test('a gap counts as lost until the late packet fills it', () => {
    const reception = new Reception();
    feed(reception, 1, 2, 5);
    expect(reception.lost).toBe(2);
    expect(feed(reception, 4)).toEqual([VERDICT.reordered]);
    expect(reception).toMatchObject({ lost: 1, reordered: 1 });
  });

  test('a duplicate is neither received twice nor does it hide a loss', () => {
    const reception = new Reception();
    expect(feed(reception, 10, 12, 12, 10, 13)).toEqual([4, 0, VERDICT.duplicate, VERDICT.duplicate, 0]);
    expect(reception).toMatchObject({ received: 3, duplicates: 2, lost: 1 });
  });

  test('a duplicate is known as such across the wrap', () => {
    const reception = new Reception();
    feed(reception, 65534, 65535, 0, 1);
    expect(feed(reception, 65535)).toEqual([VERDICT.duplicate]);
  });

  test('a packet that the very first one overtook is reordered, not a duplicate', () => {
    const reception = new Reception();
    expect(feed(reception, 65535, 65533, 0, 65533)).toEqual([
      VERDICT.restart,
      VERDICT.reordered,
      VERDICT.inOrder,
      VERDICT.duplicate,
    ]);
    expect(reception).toMatchObject({ received: 3, lost: 1 });
  });

  test('one wild number is dropped, two in sequence are a restart of the sender', () => {
    const reception = new Reception();
    feed(reception, 100, 101);
    expect(feed(reception, 30_000, 102)).toEqual([VERDICT.jump, VERDICT.inOrder]);
    expect(feed(reception, 30_000, 30_001)).toEqual([VERDICT.jump, VERDICT.restart]);
    expect(reception).toMatchObject({ received: 4, lost: 0 });
  });

  test('a new SSRC starts a new epoch and keeps what was lost before', () => {
    const reception = new Reception();
    feed(reception, 1, 4);
    expect(reception.judge(8, 500)).toBe(VERDICT.restart);
    expect(reception.judge(8, 502)).toBe(VERDICT.inOrder);
    expect(reception).toMatchObject({ received: 4, lost: 3, ssrc: 8 });
  });

  test('5 % seeded loss is reported as 5 %, in total and as the fraction of each interval', () => {
    const reception = new Reception();
    const random = seededRandom(5);
    let dropped = 0;
    feed(reception, 65000);
    for (let i = 1; i < 10_000; i++) {
      if (random() < 0.05) dropped++;
      else feed(reception, 65000 + i);
    }
    feed(reception, 65000 + 10_000);
    expect(reception.lost).toBe(dropped);
    expect(reception.takeFractionLost() / 256).toBeCloseTo(0.05, 2);
    feed(reception, 65000 + 10_001, 65000 + 10_002);
    expect(reception.takeFractionLost()).toBe(0);
  });
});

describe('RFC 3550 A.8: jitter', () => {
  test('a steady stream has none, whatever the start of its timestamps, across their wrap', () => {
    const reception = new Reception();
    for (let i = 0; i < 200; i++) reception.arrival((0xffffff00 + i * 160) >>> 0, 5000 + i * 20);
    expect(reception.jitter).toBeLessThan(0.01);
  });

  test('it agrees with the formula of the RFC in floating point', () => {
    const reception = new Reception();
    const random = seededRandom(3);
    let expected = 0;
    let lastTransit: number | null = null;
    for (let i = 0; i < 2000; i++) {
      const atMs = 1_000_000 + i * 20 + random() * 40;
      reception.arrival(i * 160, atMs);
      const transit = atMs * 8 - i * 160;
      if (lastTransit !== null) expected += (Math.abs(transit - lastTransit) - expected) / 16;
      lastTransit = transit;
    }
    expect(expected / 8).toBeGreaterThan(10);
    expect(Math.abs(reception.jitter - expected)).toBeLessThan(1);
  });

  test('a new time base of the sender is not jitter', () => {
    const reception = new Reception();
    for (let i = 0; i < 10; i++) reception.arrival(i * 160, i * 20);
    reception.arrival(4_000_000_000, 200);
    expect(reception.jitter).toBeLessThan(1);
  });
});
