import { describe, expect, test } from 'vitest';
import { createSipLadder, LADDER_LIMITS } from '../../src/observability/sip-ladder.ts';
import { FakeClock } from '../support/fake-clock.ts';

const message = (sipCallId: string, { method = 'INVITE', extra = [] as string[], body = '' } = {}) => ({
  direction: 'in' as const,
  transport: 'udp',
  peer: '192.0.2.1:5060',
  text: [
    `${method} sip:a@b SIP/2.0`,
    `Call-ID: ${sipCallId}`,
    `CSeq: 1 ${method}`,
    ...extra,
    `Content-Length: ${body.length}`,
    '',
    body,
  ].join('\r\n'),
});
const callOf = (id: string, clock: FakeClock) => ({ id, startedMs: clock.monotonicMs() });

function open(over: Partial<typeof LADDER_LIMITS> = {}) {
  const clock = new FakeClock();
  return { clock, ladder: createSipLadder({ clock, limits: { ...LADDER_LIMITS, ...over } }) };
}
const keptText = (ladder: ReturnType<typeof open>['ladder'], text: string | undefined = undefined) =>
  text ?? ladder.of('call_a')?.messages[0]?.text ?? '';

describe('the SIP ladder', () => {
  test('SL4 a stranger’s long name costs no more than another line', () => {
    const { ladder } = open();
    const startedMs = performance.now();
    for (const word of ['token', 'cookie-', 'api-key', 'content-type:application/dtmf\r\n']) {
      for (let i = 0; i < 20; i += 1) ladder.seen(message(`sip-${i}`, { extra: [word.repeat(16_000 / word.length)] }));
    }
    // Its square took 60 ms a message.
    expect(performance.now() - startedMs).toBeLessThan(400);
  });

  test('has what came before the call was known, and after it, with times', () => {
    const { clock, ladder } = open();
    const call = callOf('call_a', clock);
    ladder.seen(message('sip-1'));
    clock.advance(40);
    clock.stepWall(5_000);
    ladder.bind(call, 'sip-1');
    ladder.seen(message('sip-1', { method: 'ACK' }));
    ladder.seen(message('sip-2'));
    expect(ladder.of('call_a')).toMatchObject({
      dropped: 0,
      messages: [
        { direction: 'in', transport: 'udp', peer: '192.0.2.1:5060', offsetMs: 0 },
        { offsetMs: 40, atMs: Date.parse('2026-01-01T00:00:05.040Z') },
      ],
    });
    expect(ladder.of('call_b')).toBeUndefined();
  });

  test('a call has the messages of each of its attempts, in the order they passed', () => {
    const { clock, ladder } = open();
    const call = callOf('call_a', clock);
    ladder.seen(message('sip-1'));
    ladder.bind(call, 'sip-1');
    ladder.seen(message('sip-2'));
    ladder.bind(call, 'sip-2');
    ladder.bind(call, 'sip-1');
    ladder.seen(message('sip-1', { method: 'BYE' }));
    const texts = ladder.of('call_a')?.messages.map(({ text }) => text.split(' ', 1)[0]);
    expect(texts).toEqual(['INVITE', 'INVITE', 'BYE']);
  });

  test.each(['OPTIONS', 'REGISTER', 'SUBSCRIBE', 'PUBLISH'])('%s is not kept', (method) => {
    const { clock, ladder } = open();
    ladder.bind(callOf('call_a', clock), 'sip-1');
    ladder.seen(message('sip-1', { method }));
    expect(ladder.of('call_a')?.messages).toEqual([]);
  });

  test.each([
    ['Authorization: Digest username="u", response="CANARY"'],
    ['Proxy-Authorization: Digest username="u",\r\n response="CANARY"'],
    ['proxy-authorization :CANARY'],
    ['X-Api-Key: CANARY'],
    ['X-Session-Token: CANARY'],
    ['Cookie: CANARY'],
  ])('%s: the value is taken out', (header) => {
    const { clock, ladder } = open();
    ladder.seen(message('sip-1', { extra: [header, 'X-After: stays'] }));
    ladder.bind(callOf('call_a', clock), 'sip-1');
    expect(keptText(ladder)).not.toContain('CANARY');
    expect(keptText(ladder)).toContain('[redacted]');
    expect(keptText(ladder)).toContain('X-After: stays');
  });

  test.each([
    ['a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:CANARY|2^20', 'application/sdp'],
    ['a=ice-pwd:CANARY', 'application/sdp'],
    ['a=key-mgmt:mikey CANARY', 'application/sdp'],
    ['k=clear:CANARY', 'application/sdp'],
    ['Signal=CANARY\r\nDuration=160', 'application/dtmf-relay'],
    ['CANARY', 'application/dtmf'],
    ['CANARY', 'application/dtmf; charset=utf-8'],
  ])('%j: what proves, opens or was keyed is taken out', (line, type) => {
    const { clock, ladder } = open();
    const body = type === 'application/sdp' ? `v=0\r\nm=audio 1 RTP/SAVP 0\r\n${line}\r\na=sendrecv\r\n` : line;
    ladder.seen(message('sip-1', { method: 'INFO', extra: [`Content-Type: ${type}`], body }));
    ladder.bind(callOf('call_a', clock), 'sip-1');
    expect(keptText(ladder)).not.toContain('CANARY');
    expect(keptText(ladder)).toContain(`Content-Type: ${type}`);
    if (type === 'application/sdp') expect(keptText(ladder)).toContain('a=sendrecv');
  });

  test('so many messages of one call; the rest is counted', () => {
    const { clock, ladder } = open({ perCallMax: 3 });
    ladder.bind(callOf('call_a', clock), 'sip-1');
    for (let i = 0; i < 5; i += 1) ladder.seen(message('sip-1'));
    expect(ladder.of('call_a')).toMatchObject({ dropped: 2, messages: [{}, {}, {}] });
  });

  test('so much in all: the call that was silent longest goes first', () => {
    const size = message('sip-1').text.length;
    const { clock, ladder } = open({ totalMax: size * 3 });
    for (const nth of ['1', '2', '3']) {
      ladder.bind(callOf(`call_${nth}`, clock), `sip-${nth}`);
      ladder.seen(message(`sip-${nth}`));
    }
    ladder.seen(message('sip-1', { method: 'BYE' }));
    expect(ladder.of('call_2')).toBeUndefined();
    expect(ladder.of('call_1')?.messages).toHaveLength(2);
    ladder.seen(message('sip-2'));
    expect(ladder.of('call_2')).toBeUndefined();
  });

  test('for so long after the last message', () => {
    const { clock, ladder } = open({ keptMs: 1_000 });
    ladder.bind(callOf('call_a', clock), 'sip-1');
    ladder.seen(message('sip-1'));
    clock.advance(1_001);
    ladder.bind(callOf('call_b', clock), 'sip-2');
    expect(ladder.of('call_a')).toBeUndefined();
    expect(ladder.of('call_b')).toBeDefined();
  });

  test('strangers have a room of their own: they push out each other and no call', () => {
    const size = message('sip-1').text.length;
    const { clock, ladder } = open({ waitingMax: size * 10 });
    ladder.bind(callOf('call_a', clock), 'sip-1');
    ladder.seen(message('sip-1'));
    ladder.seen(message('early'));
    for (let i = 0; i < 10_000; i += 1) ladder.seen(message(`stranger-${i}`));
    for (let i = 0; i < 10_000; i += 1) ladder.seen(message('insistent'));
    expect(ladder.of('call_a')?.messages).toHaveLength(1);
    ladder.bind(callOf('call_b', clock), 'early');
    expect(ladder.of('call_b')?.messages).toEqual([]);
    ladder.bind(callOf('call_c', clock), 'insistent');
    expect(ladder.of('call_c')?.messages.length).toBeLessThanOrEqual(20);
  });

  test('a huge message is cut, and a hostile one costs little', () => {
    const { clock, ladder } = open();
    ladder.bind(callOf('call_a', clock), 'sip-1');
    ladder.seen(message('sip-1', { body: 'x'.repeat(100_000) }));
    expect(keptText(ladder).length).toBeLessThan(17_000);
    const begin = process.hrtime.bigint();
    for (const body of ['token'.repeat(3_000), 'a-'.repeat(8_000), ' \t'.repeat(8_000), 'k='.repeat(8_000)]) {
      ladder.seen(message('sip-1', { body, extra: [`X: ${'-token'.repeat(1_000)}`] }));
    }
    expect(Number(process.hrtime.bigint() - begin) / 1e6).toBeLessThan(200);
  });
});
