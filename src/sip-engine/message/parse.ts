// Hot path: bytes to a SIP message. One pass splits the header block into lines; nothing inside a header value is looked at
// until someone asks for it. (RFC 3261 sections 7, 18.3, 25.1)
//
// Invariants
//   P1. Never throws. What cannot be read is an error value, with as much of the request as was readable, so that it can be
//       refused by name instead of met with silence.
//   P2. Lines end in CR LF and nothing else. A bare CR or LF inside the header block is refused: two readers of one message
//       must never see different header fields.
//   P3. Field order, names and unknown fields are kept (M1). Folded lines are joined by one space.
//   P4. Text is UTF-8. A header block that is no valid UTF-8 is read as Latin-1, which keeps display names from old
//       equipment readable; tags, branches and Call-IDs are ASCII and so come back byte for byte either way.

import { isAscii, isUtf8 } from 'node:buffer';
import { SipParseError } from './errors.ts';
import { isNamed } from './headers.ts';
import type { HeaderField, SipMessage, SipRequest } from './message.ts';
import { isDigits, isToken, parseUint } from './scan.ts';

export type ParseResult =
  | {
      readonly ok: true;
      readonly message: SipMessage /** Bytes after the body, ignored (RFC 3261 18.3). */;
      readonly trailing: number;
    }
  | { readonly ok: false; readonly error: SipParseError; readonly partial?: SipRequest };

export interface MessageLimits {
  /** Start line and header fields together. A long but honest INVITE is under 4 KiB; Identity headers add some. */
  readonly headerBytesMax: number;
  /** SDP of a browser with all its candidates is about 10 KiB. */
  readonly bodyBytesMax: number;
  /** Header lines; bounds the cost of every look-up. */
  readonly headerLinesMax: number;
}

export const DEFAULT_MESSAGE_LIMITS: MessageLimits = {
  headerBytesMax: 16 * 1024,
  bodyBytesMax: 256 * 1024,
  headerLinesMax: 256,
};

/** What the header block says, before anything is known of the body. `error` is the first thing wrong with it. */
export interface ParsedHead {
  /** Undefined when the start line is that of no SIP message. */
  readonly message: SipMessage | undefined;
  readonly error: SipParseError | undefined;
  readonly contentLength: ContentLength;
}

/** `bad` means that two readers could disagree where the message ends. */
export type ContentLength = number | 'absent' | 'bad';

const EMPTY_BODY = Buffer.alloc(0);
const SIP_VERSION = 'SIP/2.0';

/** Reads one datagram, which holds one message (RFC 3261 18.3). Bytes of the body are shared with `bytes`, not copied. */
export function parseDatagram(bytes: Buffer, limits: MessageLimits = DEFAULT_MESSAGE_LIMITS): ParseResult {
  const start = skipLineEnds(bytes);
  if (start === bytes.length) return { ok: false, error: new SipParseError('empty', 'Empty Message') };
  const end = bytes.indexOf('\r\n\r\n', start, 'latin1');
  const headEnd = end === -1 ? bytes.length : end;
  const isTooLarge = headEnd - start > limits.headerBytesMax;
  // Of an oversized header block only the part within the limit is read, to find out whom to answer.
  const head = parseHead(bytes, start, isTooLarge ? start + limits.headerBytesMax : headEnd, limits);
  if (isTooLarge) return rejected(head, new SipParseError('headers_too_large', 'Header Block Too Large', 413));
  if (head.error !== undefined || head.message === undefined) return rejected(head, head.error ?? notSip());
  if (end === -1) return rejected(head, new SipParseError('unterminated_headers', 'Missing End Of Headers'));
  return withBody(head, head.message, bytes, end + 4, limits);
}

/** Reads a start line and header lines: the bytes `from` to `to`, without the blank line that ends them. */
export function parseHead(bytes: Buffer, from: number, to: number, limits: MessageLimits): ParsedHead {
  const text = decode(bytes, from, to);
  const lineEnd = lineEndAt(text, 0);
  const start = parseStartLine(lineEnd === -1 ? text : text.slice(0, lineEnd));
  if (start.message === undefined) return { message: undefined, error: start.error, contentLength: 'bad' };
  const fields = start.message.headers;
  const lines = lineEnd === -1 ? undefined : parseHeaderLines(text, lineEnd + 2, fields, limits.headerLinesMax);
  const contentLength = contentLengthOf(fields);
  const error = start.error ?? lines ?? (contentLength === 'bad' ? badContentLength(fields) : undefined);
  return { message: start.message, error, contentLength };
}

function withBody(
  head: ParsedHead,
  message: SipMessage,
  bytes: Buffer,
  bodyStart: number,
  limits: MessageLimits,
): ParseResult {
  const available = bytes.length - bodyStart;
  const length = head.contentLength === 'absent' || head.contentLength === 'bad' ? available : head.contentLength;
  if (length > limits.bodyBytesMax) return rejected(head, new SipParseError('body_too_large', 'Body Too Large', 413));
  if (length > available)
    return rejected(head, new SipParseError('truncated_body', 'Body Shorter Than Content-Length'));
  if (length > 0) message.body = bytes.subarray(bodyStart, bodyStart + length);
  return { ok: true, message, trailing: available - length };
}

function rejected(head: ParsedHead, error: SipParseError): ParseResult {
  return head.message?.kind === 'request' ? { ok: false, error, partial: head.message } : { ok: false, error };
}

function decode(bytes: Buffer, from: number, to: number): string {
  const view = bytes.subarray(from, to);
  // Pure ASCII, the usual case, becomes a one-byte string, which is half the memory and faster to scan.
  if (isAscii(view)) return view.toString('latin1');
  return isUtf8(view) ? view.toString('utf8') : view.toString('latin1');
}

interface StartLine {
  readonly message: SipMessage | undefined;
  readonly error: SipParseError | undefined;
}

function parseStartLine(line: string): StartLine {
  const start = startsWithSip(line) ? parseStatusLine(line) : parseRequestLine(line);
  if (start.message === undefined || !(line.includes('\r') || line.includes('\n'))) return start;
  return { message: start.message, error: new SipParseError('bad_line_ending', 'Bare Line End In Start Line') };
}

/** `Method SP Request-URI SP SIP/2.0`, each space exactly one (RFC 3261 7.1). */
function parseRequestLine(line: string): StartLine {
  const trimmed = line.trimEnd();
  const first = trimmed.indexOf(' ');
  const last = trimmed.lastIndexOf(' ');
  const version = trimmed.slice(last + 1);
  // Without a version at its end this is some other protocol: nobody is owed an answer.
  if (first <= 0 || last === first || !startsWithSip(version)) return { message: undefined, error: notSip() };
  const method = line.slice(0, first);
  const uri = trimmed.slice(first + 1, last);
  const message: SipRequest = { kind: 'request', method, uri, headers: [], body: EMPTY_BODY };
  if (!isToken(method)) return { message, error: new SipParseError('bad_start_line', 'Bad Method') };
  if (version.toUpperCase() !== SIP_VERSION) {
    return { message, error: new SipParseError('unsupported_version', 'SIP Version Not Supported', 505) };
  }
  if (trimmed.length !== line.length)
    return { message, error: new SipParseError('bad_start_line', 'Bad Request Line') };
  if (uri.length === 0 || hasSpace(uri))
    return { message, error: new SipParseError('bad_request_uri', 'Bad Request-URI') };
  return { message, error: undefined };
}

/** `SIP/2.0 SP 3DIGIT SP Reason`; the reason may be empty, and its space is then often missing. */
function parseStatusLine(line: string): StartLine {
  const first = line.indexOf(' ');
  const version = first === -1 ? line : line.slice(0, first);
  if (first === -1) return { message: undefined, error: notSip() };
  const second = line.indexOf(' ', first + 1);
  const code = second === -1 ? line.slice(first + 1) : line.slice(first + 1, second);
  const status = code.length === 3 ? parseUint(code, 699) : undefined;
  const reason = second === -1 ? '' : line.slice(second + 1);
  const message: SipMessage = { kind: 'response', status: status ?? 0, reason, headers: [], body: EMPTY_BODY };
  if (version.toUpperCase() !== SIP_VERSION) {
    return { message, error: new SipParseError('unsupported_version', 'SIP Version Not Supported', 505) };
  }
  if (status === undefined || status < 100) {
    return { message, error: new SipParseError('bad_status_code', 'Bad Status Code') };
  }
  return { message, error: undefined };
}

/** Fills `fields` with every readable line and returns the first error. */
function parseHeaderLines(
  text: string,
  from: number,
  fields: HeaderField[],
  linesMax: number,
): SipParseError | undefined {
  let error: SipParseError | undefined;
  let at = from;
  for (let count = 0; at < text.length; count++) {
    if (count === linesMax) {
      dropUnprintable(fields);
      return error ?? new SipParseError('too_many_headers', 'Too Many Header Fields');
    }
    const lineFeed = text.indexOf('\n', at);
    const end = lineFeed === -1 ? text.length : lineFeed;
    const hasReturn = lineFeed !== -1 && text.charCodeAt(end - 1) === 0x0d;
    const lineEnd = hasReturn ? end - 1 : end;
    if (lineFeed !== -1 && !hasReturn) error ??= new SipParseError('bad_line_ending', 'Bare Line Feed');
    const bad = parseHeaderLine(text, at, lineEnd, fields);
    if (bad !== undefined) error ??= bad;
    at = end + 1;
  }
  // One look over the whole block for a CR that ends no line (P2); the indexOf runs from CR to CR.
  const stray = strayReturn(text, from);
  if (stray !== undefined) dropUnprintable(fields);
  return error ?? stray;
}

function parseHeaderLine(text: string, from: number, to: number, fields: HeaderField[]): SipParseError | undefined {
  const first = text.charCodeAt(from);
  if (from < to && (first === 0x20 || first === 0x09)) return fold(text.slice(from, to), fields);
  const colon = text.indexOf(':', from);
  if (colon === -1 || colon >= to) return new SipParseError('bad_header_line', 'Bad Header Line');
  const name = trimmedSlice(text, from, colon);
  if (!isToken(name)) return new SipParseError('bad_header_line', 'Bad Header Name');
  fields.push({ name, value: trimmedSlice(text, colon + 1, to) });
  return undefined;
}

function fold(continuation: string, fields: HeaderField[]): SipParseError | undefined {
  const last = fields[fields.length - 1];
  if (last === undefined) return new SipParseError('bad_header_line', 'Folded Line Without Header');
  const more = continuation.trim();
  if (more.length > 0) last.value = last.value.length === 0 ? more : `${last.value} ${more}`;
  return undefined;
}

/** `String.trim` would also take Unicode spaces, which are text here. */
function trimmedSlice(text: string, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && (text.charCodeAt(start) === 0x20 || text.charCodeAt(start) === 0x09)) start++;
  while (end > start && (text.charCodeAt(end - 1) === 0x20 || text.charCodeAt(end - 1) === 0x09)) end--;
  return text.slice(start, end);
}

function strayReturn(text: string, from: number): SipParseError | undefined {
  for (let at = text.indexOf('\r', from); at !== -1; at = text.indexOf('\r', at + 1)) {
    if (text.charCodeAt(at + 1) !== 0x0a) return new SipParseError('bad_line_ending', 'Bare Carriage Return');
  }
  return undefined;
}

/** What is left can be copied into an answer: the serialiser would refuse a value with a CR inside. */
function dropUnprintable(fields: HeaderField[]): void {
  for (let i = fields.length - 1; i >= 0; i--) if (fields[i]!.value.includes('\r')) fields.splice(i, 1);
}

function contentLengthOf(fields: readonly HeaderField[]): ContentLength {
  let length: ContentLength = 'absent';
  for (let i = 0; i < fields.length; i++) {
    const field = fields[i]!;
    if (!isNamed(field.name, 'content-length')) continue;
    // A 53-bit number is far above any limit: the body is then too large, not unreadable.
    const value = isDigits(field.value) ? Math.min(Number(field.value), Number.MAX_SAFE_INTEGER) : undefined;
    if (value === undefined || (length !== 'absent' && length !== value)) return 'bad';
    length = value;
  }
  return length;
}

function badContentLength(fields: readonly HeaderField[]): SipParseError {
  const values = fields.filter((field) => isNamed(field.name, 'content-length'));
  return values.every((field) => isDigits(field.value))
    ? new SipParseError('conflicting_content_length', 'Conflicting Content-Length Headers')
    : new SipParseError('bad_content_length', 'Bad Content-Length Header');
}

function lineEndAt(text: string, from: number): number {
  return text.indexOf('\r\n', from);
}

function startsWithSip(text: string): boolean {
  return text.startsWith('SIP/') || text.slice(0, 4).toUpperCase() === 'SIP/';
}

function hasSpace(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) <= 0x20) return true;
  return false;
}

/** Line ends before the start line are ignored (RFC 3261 7.5). */
function skipLineEnds(bytes: Buffer): number {
  let at = 0;
  while (at < bytes.length && (bytes[at] === 0x0d || bytes[at] === 0x0a)) at++;
  return at;
}

function notSip(): SipParseError {
  return new SipParseError('bad_start_line', 'Not SIP');
}
