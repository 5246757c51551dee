// Hot path: a SIP message to bytes. (RFC 3261 sections 7, 18.3, 20.14)
//
// Invariants
//   S1. The output is exactly one message: a value with CR or LF, a name that is no token, a URI with white space are refused
//       with SipSerialiseError, so nobody's data can add a header or a second message.
//   S2. Content-Length is the number of body bytes, whatever the message said; exactly one such field is written.
//   S3. Header order is kept. Content-Length stays where it was, or comes last.

import { SipSerialiseError } from './errors.ts';
import { isNamed } from './headers.ts';
import type { SipMessage } from './message.ts';
import { isToken } from './scan.ts';

/** @throws SipSerialiseError when the message would not be one well-formed message (S1). */
export function serialise(msg: SipMessage): Buffer {
  const head = serialiseHead(msg);
  const body = msg.body;
  if (body.length === 0) return Buffer.from(head, 'utf8');
  const headBytes = Buffer.byteLength(head, 'utf8');
  const bytes = Buffer.allocUnsafe(headBytes + body.length);
  bytes.write(head, 0, 'utf8');
  body.copy(bytes, headBytes);
  return bytes;
}

/** Start line, header fields and the blank line. @throws SipSerialiseError */
export function serialiseHead(msg: SipMessage): string {
  let out = startLine(msg);
  let hasLength = false;
  const fields = msg.headers;
  for (let i = 0; i < fields.length; i++) {
    const field = fields[i]!;
    if (isNamed(field.name, 'content-length')) {
      if (!hasLength) out += `${field.name}: ${msg.body.length}\r\n`;
      hasLength = true;
      continue;
    }
    if (!isToken(field.name)) throw new SipSerialiseError('bad_name', 'header name is no token');
    if (hasLineBreak(field.value)) throw new SipSerialiseError('bad_value', `line break in ${field.name}`);
    out += `${field.name}: ${field.value}\r\n`;
  }
  return hasLength ? `${out}\r\n` : `${out}Content-Length: ${msg.body.length}\r\n\r\n`;
}

function startLine(msg: SipMessage): string {
  if (msg.kind === 'request') {
    if (!isToken(msg.method)) throw new SipSerialiseError('bad_method', 'method is no token');
    if (!isVisible(msg.uri)) throw new SipSerialiseError('bad_uri', 'white space or control character in Request-URI');
    return `${msg.method} ${msg.uri} SIP/2.0\r\n`;
  }
  if (!Number.isInteger(msg.status) || msg.status < 100 || msg.status > 699) {
    throw new SipSerialiseError('bad_status', 'status is not 100 to 699');
  }
  if (hasLineBreak(msg.reason)) throw new SipSerialiseError('bad_reason', 'line break in reason phrase');
  return `SIP/2.0 ${msg.status} ${msg.reason}\r\n`;
}

function hasLineBreak(text: string): boolean {
  return text.includes('\n') || text.includes('\r');
}

function isVisible(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) <= 0x20) return false;
  return text.length > 0;
}
