import { describe, expect, test } from 'vitest';
import type { DtmfKind, DtmfMode, DtmfOutcome, DtmfRequest } from '../../../src/domain/dtmf.ts';
import { FRAME_BYTES } from '../../../src/media/codec/g711.ts';
import { writeToneFrame } from '../../../src/media/dtmf/tones.ts';
import type { MediaEvent } from '../../../src/media/session.ts';
import { Keys } from '../../../src/media/thread/keys.ts';

const REQUEST = { text: '12w#', toneMs: 100, gapMs: 60 } as unknown as DtmfRequest;

function stage() {
  const events: MediaEvent[] = [];
  const told: string[] = [];
  const modes: DtmfMode[] = [];
  const outbound = {
    answers: 'queued' as Exclude<DtmfOutcome, 'gone'>,
    keysGoBy: 'rfc4733' as DtmfKind,
    sendKeys: () => outbound.answers,
    sendKeysBy: (mode: DtmfMode) => void modes.push(mode),
  };
  const keys = new Keys({
    nowMs: () => 7_000,
    emit: (event) => void events.push(event),
    outbound,
    tellAgent: (digit) => void told.push(digit),
  });
  return { events, keys, modes, outbound, told };
}

test('a press is told once to the agent and to the owner, by whichever way it comes first', () => {
  const { events, keys, told } = stage();
  keys.pressed('5', 'rfc4733', 1_000);
  keys.pressed('5', 'info', 1_050);
  keys.pressed('6', 'info', 1_100);
  expect(told).toEqual(['5', '6']);
  expect(events).toEqual([
    { type: 'dtmf', atMs: 1_000, digit: '5', kind: 'rfc4733' },
    { type: 'dtmf', atMs: 1_100, digit: '6', kind: 'info' },
  ]);
});

describe('keys to the caller', () => {
  test('are told of by their number and their way, never by themselves', () => {
    const { events, keys } = stage();
    expect(keys.send(REQUEST, 'agent', false)).toBe('queued');
    expect(events).toEqual([
      { type: 'dtmf-asked', atMs: 7_000, by: 'agent', keys: 3, kind: 'rfc4733', outcome: 'queued' },
    ]);
  });

  test('what cannot be sent is told of once, until one goes out or it is for another reason', () => {
    const { events, keys, outbound } = stage();
    const send = (answers: typeof outbound.answers, isClosed = false) => {
      outbound.answers = answers;
      return keys.send(REQUEST, 'agent', isClosed);
    };
    expect([send('queue_full'), send('queue_full'), send('unavailable'), send('queued'), send('queue_full')]).toEqual([
      'queue_full',
      'queue_full',
      'unavailable',
      'queued',
      'queue_full',
    ]);
    expect(send('queued', true)).toBe('gone');
    const outcomes = events.map((event) => (event.type === 'dtmf-asked' ? event.outcome : event.type));
    expect(outcomes).toEqual(['queue_full', 'unavailable', 'queued', 'queue_full', 'gone']);
  });
});

test('the carrier’s way of keys holds for both directions', () => {
  const { keys, modes } = stage();
  const frame = Buffer.alloc(FRAME_BYTES);
  const heard = () =>
    Array.from({ length: 10 }, (_, index) => {
      writeToneFrame(5, index, 10, 'PCMU', frame, 0);
      return keys.audio(frame, 0, FRAME_BYTES);
    }).filter((key) => key !== null);
  keys.setCodec('PCMU');
  expect(heard()).toEqual([]);
  keys.setMode('inband');
  expect(modes).toEqual(['inband']);
  expect(heard()).toEqual(['5']);
});
