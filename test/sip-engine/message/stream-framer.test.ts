import { beforeEach, describe, expect, test } from 'vitest';
import { header } from '../../../src/sip-engine/message/headers.ts';
import { DEFAULT_MESSAGE_LIMITS } from '../../../src/sip-engine/message/parse.ts';
import { StreamFramer } from '../../../src/sip-engine/message/stream-framer.ts';
import { inviteText, optionsText } from '../support/sip-text.ts';

let events: string[];
let framer: StreamFramer;

function makeFramer(limits = DEFAULT_MESSAGE_LIMITS): StreamFramer {
  return new StreamFramer(
    {
      message: (message, bytes) =>
        void events.push(`message ${header(message, 'call-id')} ${message.body.length} ${bytes}`),
      invalid: (partial, error, bytes) => void events.push(`invalid ${error.code} ${partial?.method} ${bytes}`),
      ping: () => void events.push('ping'),
      violation: (partial, error) => void events.push(`violation ${error.code} ${partial?.method}`),
    },
    limits,
  );
}

const push = (text: string, now = 0): void => framer.push(Buffer.from(text, 'utf8'), now);

beforeEach(() => {
  events = [];
  framer = makeFramer();
});

const A = optionsText('a');
const INVITE = inviteText({ 'Subject:': 'Subject: größe' }, 'v=0\r\nö\r\n\r\n');
const STREAM = `${A}\r\n\r\n\r\n${INVITE}\r\n\r\n${A.replace('OPTIONS sip', 'OPT IONS sip')}${A}`;
const STREAM_EVENTS = [
  `message a@127.0.0.1 0 ${A.length}`,
  'ping',
  `message a84b4c76e66710@192.0.2.9 11 ${Buffer.byteLength(INVITE)}`,
  'ping',
  `invalid bad_request_uri OPT ${A.length + 1}`,
  `message a@127.0.0.1 0 ${A.length}`,
];

describe('a stream', () => {
  test('of pipelined messages and pings is read in one piece', () => {
    push(STREAM);
    expect(events).toEqual(STREAM_EVENTS);
    expect(framer.pendingSince).toBeUndefined();
  });

  test('is read the same when it is split in two at every byte', () => {
    const bytes = Buffer.from(STREAM, 'utf8');
    for (let at = 1; at < bytes.length; at++) {
      events = [];
      framer = makeFramer();
      framer.push(bytes.subarray(0, at), 0);
      framer.push(bytes.subarray(at), 0);
      expect(events, `split at ${at}`).toEqual(STREAM_EVENTS);
    }
  });

  test('is read the same one byte at a time', () => {
    for (const byte of Buffer.from(STREAM, 'utf8')) framer.push(Buffer.from([byte]), 0);
    expect(events).toEqual(STREAM_EVENTS);
  });

  test('does not change when its chunk is overwritten afterwards', () => {
    const seen: Buffer[] = [];
    const copying = new StreamFramer({
      message: (message) => void seen.push(message.body),
      invalid: () => undefined,
      ping: () => undefined,
      violation: () => undefined,
    });
    const chunk = Buffer.from(INVITE, 'utf8');
    copying.push(chunk, 0);
    chunk.fill(0);
    expect(seen[0]?.toString()).toBe('v=0\r\nö\r\n\r\n');
  });
});

describe('keepalive', () => {
  test('a double line end is a ping, a single one is not, also before a message', () => {
    push('\r\n');
    expect(events).toEqual([]);
    push(`${A}\r\n\r\n`);
    expect(events).toEqual([`message a@127.0.0.1 0 ${A.length}`, 'ping']);
  });

  test('a lone CR or LF between messages breaks the stream', () => {
    for (const stray of ['\n', '\r', '\r\n\r']) {
      events = [];
      framer = makeFramer();
      push(stray + A);
      expect(events).toEqual([expect.stringMatching(/^violation bad_line_ending/)]);
    }
  });
});

describe('what makes the end of a message uncertain breaks the stream, and nothing after it is read', () => {
  const withLength = (lines: string): string => A.replace('Content-Length: 0', lines);

  test.each([
    ['no Content-Length', A.replace('Content-Length: 0\r\n', ''), 'missing_content_length OPTIONS'],
    ['two Content-Lengths', withLength('Content-Length: 0\r\nContent-Length: 5'), 'conflicting_content_length OPTIONS'],
    ['two in long and compact form', withLength('l: 5\r\nContent-Length: 0'), 'conflicting_content_length OPTIONS'],
    ['a negative one', withLength('Content-Length: -1'), 'bad_content_length OPTIONS'],
    ['a list of them', withLength('Content-Length: 0, 0'), 'bad_content_length OPTIONS'],
    [
      'one hidden behind a bare LF',
      withLength('X: y\nContent-Length: 30\r\nContent-Length: 30'),
      'bad_line_ending OPTIONS',
    ],
    [
      'one hidden behind a bare CR',
      withLength('X: y\rContent-Length: 30\r\nContent-Length: 0'),
      'bad_line_ending OPTIONS',
    ],
    ['one too large', withLength('Content-Length: 262145'), 'body_too_large OPTIONS'],
    ['one beyond counting', withLength('Content-Length: 99999999999999999999'), 'body_too_large OPTIONS'],
    ['no SIP at all', 'GET / HTTP/1.1\r\n\r\n', 'bad_start_line undefined'],
  ])('%s', (_name, text, expected) => {
    push(text + A);
    push(A);
    expect(events).toEqual([`violation ${expected}`]);
    expect(framer.isBroken).toBe(true);
  });

  test('the same length twice is certain, and left to the validator', () => {
    push(withLength('Content-Length: 0\r\nl: 0') + A);
    expect(events).toHaveLength(2);
    expect(events[0]).toMatch(/^message /);
  });
});

describe('limits', () => {
  const limits = { headerBytesMax: 300, bodyBytesMax: 10, headerLinesMax: 20 };
  const exactly = (headerBytes: number): string => {
    const bare = `OPTIONS sip:a SIP/2.0\r\nCall-ID: x\r\nContent-Length: 0\r\nX: `;
    return `${bare}${'y'.repeat(headerBytes - bare.length)}\r\n\r\n`;
  };

  test.each([1, 7, 1000])('the header block may have exactly its limit, in chunks of %i', (size) => {
    const feed = (text: string): void => {
      for (let at = 0; at < text.length; at += size) push(text.slice(at, at + size));
    };
    framer = makeFramer(limits);
    feed(exactly(300) + exactly(300));
    expect(events).toEqual(['message x 0 304', 'message x 0 304']);
    events = [];
    feed(exactly(301));
    expect(events).toEqual(['violation headers_too_large OPTIONS']);
  });

  test('a head that never ends breaks the stream at the limit', () => {
    framer = makeFramer(limits);
    push(`OPTIONS sip:a SIP/2.0\r\nX: ${'y'.repeat(200)}`);
    expect(events).toEqual([]);
    push('y'.repeat(200));
    expect(events).toEqual(['violation headers_too_large OPTIONS']);
  });

  test('the body may have exactly its limit', () => {
    framer = makeFramer(limits);
    push('MESSAGE sip:a SIP/2.0\r\nCall-ID: x\r\nl: 10\r\n\r\n0123456789MESSAGE sip:a SIP/2.0\r\nl: 11\r\n\r\n');
    expect(events).toEqual([expect.stringMatching(/^message x 10 /), 'violation body_too_large MESSAGE']);
  });
});

describe('pending since', () => {
  test('is the time of the first byte of the unfinished message', () => {
    expect(framer.pendingSince).toBeUndefined();
    push('OPTI', 100);
    push('ONS', 200);
    expect(framer.pendingSince).toBe(100);
    push(A.slice(7), 300);
    expect(framer.pendingSince).toBeUndefined();
  });

  test('starts anew for the message behind it, covers the body, and not keepalives', () => {
    push(`${A}${INVITE.slice(0, -3)}`, 500);
    expect(framer.pendingSince).toBe(500);
    push(INVITE.slice(-3), 600);
    push('\r\n\r\n\r\n', 700);
    expect(framer.pendingSince).toBeUndefined();
  });
});
