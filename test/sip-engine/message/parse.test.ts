import { describe, expect, test } from 'vitest';
import { header, headers } from '../../../src/sip-engine/message/headers.ts';
import type { SipMessage } from '../../../src/sip-engine/message/message.ts';
import { DEFAULT_MESSAGE_LIMITS, parseDatagram, type ParseResult } from '../../../src/sip-engine/message/parse.ts';
import { INVITE_LINES, inviteText, SDP, sipText } from '../support/sip-text.ts';

const parse = (text: string): ParseResult => parseDatagram(Buffer.from(text, 'utf8'));

function accepted(text: string | Buffer): SipMessage {
  const result = typeof text === 'string' ? parse(text) : parseDatagram(text);
  if (!result.ok) throw result.error;
  return result.message;
}

/** Error code, status and whether there is somebody to answer. */
function verdict(text: string): string {
  const result = parse(text);
  if (result.ok) return 'ok';
  return `${result.error.code} ${result.error.status} ${result.partial === undefined ? 'silence' : 'answer'}`;
}

describe('start line', () => {
  test('of a request gives method and Request-URI as written', () => {
    const message = accepted(inviteText());
    expect(message).toMatchObject({ kind: 'request', method: 'INVITE', uri: 'sip:+12025550100@192.0.2.1:5060' });
    expect(message.headers).toHaveLength(INVITE_LINES.length);
  });

  test('of a response gives status and reason; the reason may be empty and its space missing', () => {
    const withLine = (line: string): SipMessage => accepted(sipText([line, ...INVITE_LINES.slice(1)]));
    expect(withLine('SIP/2.0 486 Busy Here')).toMatchObject({ kind: 'response', status: 486, reason: 'Busy Here' });
    expect(withLine('SIP/2.0 100 ')).toMatchObject({ status: 100, reason: '' });
    expect(withLine('SIP/2.0 100')).toMatchObject({ status: 100, reason: '' });
    expect(withLine('sip/2.0 200 OK')).toMatchObject({ status: 200 });
  });

  test.each([
    ['INVITE  sip:a@b SIP/2.0', 'bad_request_uri 400 answer'],
    ['INVITE sip:a@b  SIP/2.0', 'bad_request_uri 400 answer'],
    ['INVITE sip:a@b; lr SIP/2.0', 'bad_request_uri 400 answer'],
    ['INVITE sip:a@b SIP/2.0 ', 'bad_start_line 400 answer'],
    ['INV"TE sip:a@b SIP/2.0', 'bad_start_line 400 answer'],
    ['INVITE sip:a@b SIP/7.0', 'unsupported_version 505 answer'],
    ['INVITE sip:a@b\nX: y SIP/2.0', 'bad_line_ending 400 answer'],
    ['SIP/2.0 200 O\rK', 'bad_line_ending 400 silence'],
    ['INVITE sip:a@b HTTP/1.1', 'bad_start_line 400 silence'],
    ['INVITE SIP/2.0', 'bad_start_line 400 silence'],
    ['hello', 'bad_start_line 400 silence'],
    ['SIP/2.0 4294967301 OK', 'bad_status_code 400 silence'],
    ['SIP/2.0 099 OK', 'bad_status_code 400 silence'],
    ['SIP/2.0 700 OK', 'bad_status_code 400 silence'],
    ['SIP/2.0 2x0 OK', 'bad_status_code 400 silence'],
    ['SIP/3.0 200 OK', 'unsupported_version 505 silence'],
  ])('%j is %s', (line, expected) => {
    expect(verdict(sipText([line, ...INVITE_LINES.slice(1)]))).toBe(expected);
  });

  test('may be preceded by line ends; only line ends are an empty message', () => {
    expect(accepted(`\r\n\r\n${inviteText()}`)).toMatchObject({ method: 'INVITE' });
    expect(verdict('\r\n\r\n')).toBe('empty 400 silence');
    expect(verdict('')).toBe('empty 400 silence');
  });
});

describe('header lines', () => {
  test('keep their order, their names as written and unknown fields', () => {
    const message = accepted('OPTIONS sip:a SIP/2.0\r\nv: 1\r\nX-oDD: a  b \r\nTO :\t2\r\nempty:\r\n\r\n');
    expect(message.headers).toEqual([
      { name: 'v', value: '1' },
      { name: 'X-oDD', value: 'a  b' },
      { name: 'TO', value: '2' },
      { name: 'empty', value: '' },
    ]);
  });

  test('are unfolded with one space', () => {
    const message = accepted('OPTIONS sip:a SIP/2.0\r\nSubject:\r\n first\r\n\t second \r\n \r\nTo: x\r\n\r\n');
    expect(header(message, 'subject')).toBe('first second');
    expect(header(message, 'to')).toBe('x');
  });

  test.each([
    ['a line without a colon', 'garbage', 'bad_header_line 400 answer'],
    ['a name that is no token', 'Bad Name: x', 'bad_header_line 400 answer'],
    ['an empty name', ': x', 'bad_header_line 400 answer'],
    ['a bare line feed', 'X: a\nContact: <sip:evil@example.com>', 'bad_line_ending 400 answer'],
    ['a bare carriage return', 'X: a\rContact: <sip:evil@example.com>', 'bad_line_ending 400 answer'],
  ])('%s refuses the message', (_name, line, expected) => {
    expect(verdict(sipText([...INVITE_LINES, line]))).toBe(expected);
  });

  test('a folded line with nothing before it is refused', () => {
    expect(verdict(sipText([INVITE_LINES[0]!, ' folded', ...INVITE_LINES.slice(1)]))).toBe(
      'bad_header_line 400 answer',
    );
  });

  test('a message without the blank line is refused with the headers that were there', () => {
    const result = parse(INVITE_LINES.join('\r\n'));
    expect(result.ok ? 'ok' : result.error.code).toBe('unterminated_headers');
    expect(!result.ok && result.partial && header(result.partial, 'cseq')).toBe('314159 INVITE');
  });

  test('what remains of a refused message never holds a line end in a value', () => {
    const result = parse(sipText([...INVITE_LINES, 'X: a\rb']));
    expect(!result.ok && result.partial?.headers.some((field) => /[\r\n]/.test(field.value))).toBe(false);
  });

  test('too many lines, or too many bytes, are refused and still answerable', () => {
    const many = Array.from({ length: DEFAULT_MESSAGE_LIMITS.headerLinesMax }, (_, index) => `X-${index}: y`);
    expect(verdict(sipText([...INVITE_LINES, ...many]))).toBe('too_many_headers 400 answer');
    expect(verdict(sipText([...INVITE_LINES, `X: ${'y'.repeat(17_000)}`]))).toBe('headers_too_large 413 answer');
    expect(verdict(`${INVITE_LINES.join('\r\n')}\r\nX: ${'y'.repeat(60_000)}`)).toBe('headers_too_large 413 answer');
  });
});

describe('text', () => {
  test('is UTF-8', () => {
    const message = accepted(inviteText({ 'From:': 'From: "Zoë 日本" <sip:z@example.com>;tag=1' }));
    expect(header(message, 'from')).toBe('"Zoë 日本" <sip:z@example.com>;tag=1');
  });

  test('that is no UTF-8 is read as Latin-1', () => {
    const bytes = Buffer.from(inviteText({ 'From:': 'From: "José" <sip:z@example.com>;tag=1' }), 'latin1');
    expect(header(accepted(bytes), 'from')).toBe('"José" <sip:z@example.com>;tag=1');
  });
});

describe('body', () => {
  test('is cut to Content-Length, the rest counted as trailing', () => {
    const result = parse(`${inviteText()}more`);
    expect(result.ok && result.message.body.toString()).toBe(SDP);
    expect(result.ok && result.trailing).toBe(4);
  });

  test('goes to the end of the datagram without Content-Length', () => {
    const result = parse('MESSAGE sip:a SIP/2.0\r\nTo: x\r\n\r\nhello');
    expect(result.ok && result.message.body.toString()).toBe('hello');
    expect(result.ok && result.trailing).toBe(0);
  });

  test.each([
    ['Content-Length: 10', 'truncated_body 400 answer'],
    ['Content-Length: -1', 'bad_content_length 400 answer'],
    ['Content-Length: +1', 'bad_content_length 400 answer'],
    ['Content-Length: 0x1', 'bad_content_length 400 answer'],
    ['Content-Length: 1 2', 'bad_content_length 400 answer'],
    ['Content-Length:', 'bad_content_length 400 answer'],
    ['Content-Length: 1, 1', 'bad_content_length 400 answer'],
    ['Content-Length: 99999999999999999999999', 'body_too_large 413 answer'],
    ['Content-Length: 2\r\nl: 1', 'conflicting_content_length 400 answer'],
    ['Content-Length: 002', 'ok'],
  ])('with %j is %s', (line, expected) => {
    expect(verdict(`OPTIONS sip:a SIP/2.0\r\nVia: v\r\n${line}\r\n\r\nab`)).toBe(expected);
  });

  test('keeps bytes that are no text', () => {
    const bytes = Buffer.concat([Buffer.from('MESSAGE sip:a SIP/2.0\r\nl: 3\r\n\r\n'), Buffer.from([0, 255, 13])]);
    expect(accepted(bytes).body).toEqual(Buffer.from([0, 255, 13]));
  });
});

test('equal Content-Lengths twice are framed alike and both kept', () => {
  const message = accepted('OPTIONS sip:a SIP/2.0\r\nl: 2\r\nContent-Length: 2\r\n\r\nab');
  expect(headers(message, 'content-length')).toEqual(['2', '2']);
});
