import { describe, expect, test } from 'vitest';
import { parseClientFrame, parseClientMessage } from '../../../src/sip-engine/wire/client-message.ts';
import { encodeFrame, FRAME_BYTES_MAX, FrameReader } from '../../../src/sip-engine/wire/framing.ts';

function reader(frameBytesMax?: number): { frames: string[]; violations: string[]; it: FrameReader } {
  const frames: string[] = [];
  const violations: string[] = [];
  const it = new FrameReader(
    (payload) => frames.push(payload.toString()),
    (violation) => violations.push(violation),
    frameBytesMax,
  );
  return { frames, violations, it };
}

describe('frame reader', () => {
  const stream = Buffer.concat(['a', 'é😀', 'x#y|z', 'p'.repeat(300)].map((text) => encodeFrame(text)));
  const whole = ['a', 'é😀', 'x#y|z', 'p'.repeat(300)];

  test('any cut of the stream gives the same frames', () => {
    for (let cut = 0; cut <= stream.length; cut += 1) {
      const { it, frames } = reader();
      it.push(stream.subarray(0, cut));
      it.push(stream.subarray(cut));
      expect(frames).toEqual(whole);
    }
    const { it, frames } = reader();
    for (const byte of stream) it.push(Buffer.from([byte]));
    expect(frames).toEqual(whole);
  });

  test('a frame of the greatest length is taken, one byte more is not', () => {
    const full = reader();
    full.it.push(encodeFrame('f'.repeat(FRAME_BYTES_MAX)));
    expect([full.frames[0]?.length, full.violations]).toEqual([FRAME_BYTES_MAX, []]);
    const over = reader();
    over.it.push(Buffer.from(`${FRAME_BYTES_MAX + 1}#`));
    expect(over.violations).toEqual(['frame too long']);
  });

  test.each(['#a', '0#', 'abc#', '1 #a', '-1#a', '12345678#', '99999999', '1e3#a', '\r\n5#hello'])(
    'the length %j is a violation, told once, and nothing follows',
    (text) => {
      const { it, frames, violations } = reader();
      it.push(Buffer.from(text));
      it.push(encodeFrame('late'));
      expect([frames, violations]).toEqual([[], ['bad length']]);
    },
  );

  test('frames before a violation are handed over', () => {
    const { it, frames, violations } = reader();
    it.push(Buffer.concat([encodeFrame('good'), Buffer.from('bad#')]));
    expect([frames, violations]).toEqual([['good'], ['bad length']]);
  });

  test('after stop nothing is handed over, not even from the same chunk', () => {
    const frames: string[] = [];
    const it: FrameReader = new FrameReader(
      (payload) => {
        frames.push(payload.toString());
        it.stop();
      },
      () => frames.push('violation'),
    );
    it.push(Buffer.concat([encodeFrame('one'), encodeFrame('two')]));
    expect(frames).toEqual(['one']);
  });
});

describe('client messages', () => {
  test('the meta line ends at the first CR LF; empty tokens count', () => {
    const frame = parseClientFrame(Buffer.from('id|sip||d;from-tag=x|\r\nBYE sip:a SIP/2.0\r\n\r\n'));
    expect([frame.id, frame.type, frame.tokens]).toEqual(['id', 'sip', ['', 'd;from-tag=x', '']]);
    expect(frame.sip?.toString()).toBe('BYE sip:a SIP/2.0\r\n\r\n');
  });

  test('the body is everything after the blank line, whatever Content-Length says', () => {
    const parsed = parseClientMessage(Buffer.from('INVITE sip:a@b SIP/2.0\r\nContent-Length: 1\r\n\r\né\r\n\r\nmore'));
    expect(parsed.ok && parsed.message.body.toString()).toBe('é\r\n\r\nmore');
  });

  test('header names get their wire form; X- names stay; invalid names are left out', () => {
    const text = 'OPTIONS sip:a@b SIP/2.0\r\ncall-id: 1\r\nX-aBc: 2\r\np-foo-bar: 3\r\nbad name: 4\r\n\r\n';
    const parsed = parseClientMessage(Buffer.from(text));
    expect(parsed.ok && parsed.message.headers).toEqual([
      { name: 'Call-ID', value: '1' },
      { name: 'X-aBc', value: '2' },
      { name: 'P-Foo-Bar', value: '3' },
    ]);
  });

  test('a line without a name or a colon is left out', () => {
    const parsed = parseClientMessage(Buffer.from('SIP/2.0 200 OK\r\nnonsense\r\n: value\r\nX-A: 1\r\n\r\n'));
    expect(parsed.ok && parsed.message.headers).toEqual([{ name: 'X-A', value: '1' }]);
  });

  test('more header lines than any application writes are refused whole, not cut', () => {
    const lines = (count: number) => Buffer.from(`SIP/2.0 200 OK\r\n${'X-A: 1\r\n'.repeat(count)}\r\n`);
    expect(parseClientMessage(lines(499)).ok).toBe(true);
    expect(parseClientMessage(lines(500))).toEqual({ ok: false, reason: 'too many header lines' });
  });

  test.each([
    '',
    'INVITE',
    'INVITE sip:a@b',
    'INVITE sip:a b SIP/2.0',
    'SIP/2.0 2000 X',
    'SIP/2.0 099 X',
    'IN:VITE sip:a SIP/2.0',
  ])('the start line %j is no message', (text) => {
    expect(parseClientMessage(Buffer.from(`${text}\r\n\r\n`))).toEqual({
      ok: false,
      reason: `invalid request-uri: ${text}`,
    });
  });
});
