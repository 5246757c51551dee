import { describe, expect, test } from 'vitest';
import { DtmfReceiver } from '../../../src/media/dtmf/receiver.ts';

/** event, end bit + volume, duration. */
function event(code: number, end: boolean, duration: number): Buffer {
  return Buffer.from([code, end ? 0x8a : 0x0a, duration >> 8, duration & 0xff]);
}

type Packet = readonly [bytes: Buffer, timestamp: number, marker?: boolean];

function keys(receiver: DtmfReceiver, packets: readonly Packet[]): (string | null)[] {
  return packets.map(([bytes, timestamp, marker = false]) =>
    receiver.packet(bytes, 0, bytes.length, timestamp, marker),
  );
}

const told = (packets: readonly Packet[], receiver = new DtmfReceiver()): string =>
  keys(receiver, packets)
    .filter((key) => key !== null)
    .join('');

const updates = (code: number, timestamp: number): [Buffer, number][] => [
  ...[160, 320, 480].map((duration): [Buffer, number] => [event(code, false, duration), timestamp]),
  ...[640, 640, 640].map((duration): [Buffer, number] => [event(code, true, duration), timestamp]),
];

describe('media 6: RFC 4733 telephone events in', () => {
  test('one press of six packets is one key', () => {
    expect(keys(new DtmfReceiver(), updates(5, 8000))).toEqual(['5', null, null, null, null, null]);
  });

  test('the start is lost: the first packet that comes reports the key', () => {
    expect(keys(new DtmfReceiver(), updates(11, 8000).slice(4))).toEqual(['#', null]);
  });

  test('the end is lost: the same key pressed again has a new timestamp and counts', () => {
    const packets = [...updates(1, 8000).slice(0, 2), ...updates(1, 16_000)];
    expect(keys(new DtmfReceiver(), packets).filter((key) => key !== null)).toEqual(['1', '1']);
  });

  test('an end that arrives after the next press began is no new press', () => {
    const packets: [Buffer, number][] = [
      ...updates(1, 8000).slice(0, 3),
      [event(2, false, 160), 12_000],
      [event(1, true, 640), 8000],
    ];
    expect(keys(new DtmfReceiver(), packets).filter((key) => key !== null)).toEqual(['1', '2']);
  });

  test('timestamps wrap between two presses', () => {
    const packets: [Buffer, number][] = [
      [event(3, false, 160), 0xffffff00],
      [event(4, false, 160), 0x00000800],
    ];
    expect(keys(new DtmfReceiver(), packets)).toEqual(['3', '4']);
  });

  test('all sixteen keys, and nothing else', () => {
    const receiver = new DtmfReceiver();
    const all = Array.from({ length: 18 }, (_, code): [Buffer, number] => [
      event(code, false, 160),
      8000 + code * 8000,
    ]);
    expect(keys(receiver, all).join('')).toBe('0123456789*#ABCD');
    expect(receiver.packet(Buffer.from([1, 2]), 0, 2, 900_000, false)).toBeNull();
  });

  test('no marker bit anywhere, and ends that come again and again: one press', () => {
    const ends = Array.from({ length: 6 }, (): Packet => [event(9, true, 640), 8000]);
    expect(told([...updates(9, 8000), ...ends])).toBe('9');
  });

  test('whatever the volume says, down to -63 dBm0, a key is a key', () => {
    expect(told([[Buffer.from([4, 0x3f, 0, 160]), 8000, true]])).toBe('4');
  });

  test('a press of 20 s in segments of 65535 units is one press', () => {
    const packets: Packet[] = [];
    for (let segment = 0; segment < 3; segment++) {
      for (let duration = 160; duration < 65_535; duration += 160) {
        packets.push([event(0, false, duration), 8000 + segment * 65_535, packets.length === 0]);
      }
      packets.push([event(0, segment === 2, 65_535), 8000 + segment * 65_535]);
    }
    expect(told(packets)).toBe('0');
  });

  test('the end of a segment and the start of the next are lost: still one press', () => {
    const packets: Packet[] = [
      [event(0, false, 64_000), 8000],
      [event(0, false, 480), 8000 + 65_535],
    ];
    expect(told(packets)).toBe('0');
  });

  test('a duration that wraps within one timestamp is one press', () => {
    expect(told([65_440, 64, 224, 384].map((duration): Packet => [event(2, duration === 384, duration), 8000]))).toBe(
      '2',
    );
  });

  test('the same key after 8.19 s with its end lost is a press of its own', () => {
    expect(
      told([
        [event(2, false, 800), 8000],
        [event(2, false, 160), 8000 + 65_535],
      ]),
    ).toBe('22');
  });

  test('a marker begins a press, also where nearly all of the one before was lost', () => {
    const packets = (marker: boolean): Packet[] => [
      [event(1, false, 160), 8000, true],
      [event(1, false, 160), 8480, marker],
    ];
    expect(told(packets(true))).toBe('11');
    expect(told(packets(false))).toBe('1');
  });

  test('a sender that moves the timestamp with every packet: one press each, ends included', () => {
    const press = (start: number): Packet[] => [
      ...[160, 320, 480].map((duration): Packet => [event(7, false, duration), start + duration - 160, false]),
      ...[0, 160, 320].map((late): Packet => [event(7, true, 640), start + 480 + late, false]),
    ];
    expect(told([...press(8000), ...press(8000 + 2400)])).toBe('77');
  });

  test.each([16_000, 48_000])('at a clock of %i Hz', (clockRateHz) => {
    const receiver = new DtmfReceiver();
    receiver.configure(clockRateHz);
    const unit = clockRateHz / 1000;
    const press = (code: number, startMs: number): Packet[] =>
      [20, 40, 60, 60, 60].map((ms, index) => [event(code, index > 1, ms * unit), startMs * unit, index === 0]);
    // 5 s back at 48 kHz is more than 8 s at 8 kHz would be: still a straggler.
    const packets = [...press(1, 10_000), ...press(1, 10_200), ...press(5, 5200)];
    expect(told(packets, receiver)).toBe('11');
  });
});
