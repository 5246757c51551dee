import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readInfo } from '../../src/signalling/info.ts';
import type { RawMessage } from '../support/raw-sip-peer.ts';
import { Harness } from './harness.ts';

const RELAY = 'Content-Type: application/dtmf-relay';
const PLAIN = 'Content-Type: application/dtmf';

describe('signalling 17: what an INFO says', () => {
  const relay = (body: string) => readInfo(body, { 'content-type': 'application/dtmf-relay' });

  test.each([
    ['Signal=5\r\nDuration=160\r\n', '5'],
    ['Signal= *\r\nDuration= 160\r\n', '*'],
    ['signal=#', '#'],
    ['Duration=250\r\nSignal=d\r\n', 'D'],
    ['Signal=10\r\nDuration=100', '*'],
    ['Signal=11\nDuration=100\n', '#'],
    ['Signal=15', 'D'],
  ])('%j is the key %s', (body, key) => expect(relay(body)).toEqual({ key }));

  test.each(['Signal=', 'Duration=100', 'Signal=17', 'Signal=55', 'Signal=E', 'hello', 'Signal=1 2', 'x'.repeat(600)])(
    '%j is malformed',
    (body) => expect(relay(body)).toBe(400),
  );

  test('a hook flash is no key', () => expect(relay('Signal=16\r\nDuration=100')).toBe('none'));

  test('a key alone', () => {
    const plain = (body: string, type = 'application/dtmf') => readInfo(body, { 'content-type': type });
    expect(plain('7')).toEqual({ key: '7' });
    expect(plain('11\r\n')).toEqual({ key: '#' });
    expect(plain(' a ', 'Application/DTMF; charset=utf-8')).toEqual({ key: 'A' });
    expect(plain('123')).toBe(400);
  });

  test('an encoded body is not looked into', () => {
    expect(readInfo('Signal=1', { 'content-type': 'application/dtmf-relay', 'content-encoding': 'gzip' })).toBe(415);
  });
});

describe('signalling 17: INFO in a call', () => {
  let harness: Harness;
  beforeAll(async () => {
    harness = await Harness.start();
  });
  afterAll(() => harness.close());

  const infoAnswer = (status: number) => (message: RawMessage) =>
    message.status === status && message.header('CSeq').endsWith('INFO');

  test('keys of a caller are answered 200 and told, each once; a bare INFO only answered', async () => {
    const { caller, call } = await harness.answered();
    caller.inDialog('INFO', { body: 'Signal=4\r\nDuration=100\r\n', extra: [RELAY] });
    await caller.peer.next(infoAnswer(200));
    caller.inDialog('INFO', { body: '#', extra: [PLAIN] });
    await caller.peer.next(infoAnswer(200));
    caller.inDialog('INFO');
    await caller.peer.next(infoAnswer(200));
    expect(call.events.items).toEqual([
      { type: 'key', key: '4' },
      { type: 'key', key: '#' },
    ]);
    caller.inDialog('BYE');
  });

  test('what cannot be read is 400, another type 415 with Accept; neither is told', async () => {
    const { caller, call } = await harness.answered();
    caller.inDialog('INFO', { body: 'Signal=99\r\n', extra: [RELAY] });
    await caller.peer.next(infoAnswer(400));
    caller.inDialog('INFO', { body: '<media_control/>', extra: ['Content-Type: application/media_control+xml'] });
    const refused = await caller.peer.next(infoAnswer(415));
    expect(refused.header('Accept')).toBe('application/dtmf-relay, application/dtmf');
    expect(call.events.items).toEqual([]);
    caller.inDialog('BYE');
  });

  test('keys of the called side are told as well', async () => {
    const { callee, call } = await harness.placedAnswered();
    callee.inDialog('INFO', { body: 'Signal=1\r\nDuration=100\r\n', extra: [RELAY] });
    expect(await call.events.take()).toEqual({ type: 'key', key: '1' });
    callee.inDialog('BYE');
  });

  test('a key of ours: INFO in the dialog with what carriers read, and the answer is told', async () => {
    const { callee, call } = await harness.placedAnswered();
    const sent = call.leg.sendKey('#', 120);
    const info = await callee.peer.next('INFO');
    expect(info.header('Content-Type')).toBe('application/dtmf-relay');
    expect(info.body).toBe('Signal=#\r\nDuration=120\r\n');
    expect(info.header('CSeq')).toMatch(/^\d+ INFO$/);
    callee.respond(200, {}, info);
    expect(await sent).toBe(200);
    callee.inDialog('BYE');
  });

  test('before the answer and after the end there is nobody to send a key to', async () => {
    const caller = await harness.caller();
    caller.invite();
    const call = await harness.calls.take();
    expect(await call.leg.sendKey('1', 100)).toBe(481);
    call.leg.reject('number_unassigned');
    expect(await call.leg.sendKey('1', 100)).toBe(481);
  });
});
