import { describe, expect, test } from 'vitest';
import { DtmfReceiver } from '../../../src/media/dtmf/receiver.ts';

/** event, end bit + volume, duration. */
function event(code: number, end: boolean, duration: number): Buffer {
  return Buffer.from([code, end ? 0x8a : 0x0a, duration >> 8, duration & 0xff]);
}

function keys(receiver: DtmfReceiver, packets: readonly (readonly [Buffer, number])[]): (string | null)[] {
  return packets.map(([bytes, timestamp]) => receiver.packet(bytes, 0, bytes.length, timestamp));
}

const updates = (code: number, timestamp: number): [Buffer, number][] => [
  ...[160, 320, 480].map((duration): [Buffer, number] => [event(code, false, duration), timestamp]),
  ...[640, 640, 640].map((duration): [Buffer, number] => [event(code, true, duration), timestamp]),
];

describe('RFC 4733: telephone events', () => {
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
    expect(receiver.packet(Buffer.from([1, 2]), 0, 2, 900_000)).toBeNull();
  });
});
