// CSeq: number and method of a request within its dialog. (RFC 3261 sections 8.1.1.5, 20.16)

import { header } from './headers.ts';
import type { SipMessage } from './message.ts';
import { isToken, parseUint } from './scan.ts';

/** The sequence number must be below 2^31 (RFC 3261 8.1.1.5). */
export const CSEQ_MAX = 2 ** 31 - 1;

export interface CSeq {
  number: number;
  /** As written: methods are case-sensitive. */
  method: string;
}

export function parseCSeq(text: string): CSeq | undefined {
  const trimmed = text.trim();
  let digits = 0;
  while (digits < trimmed.length && trimmed.charCodeAt(digits) >= 0x30 && trimmed.charCodeAt(digits) <= 0x39) digits++;
  const number = parseUint(trimmed.slice(0, digits), CSEQ_MAX);
  const rest = trimmed.slice(digits);
  const method = rest.trimStart();
  if (number === undefined || method.length === rest.length || !isToken(method)) return undefined;
  return { number, method };
}

export function formatCSeq(cseq: CSeq): string {
  return `${cseq.number} ${cseq.method}`;
}

export function cseqOf(msg: SipMessage): CSeq | undefined {
  const value = header(msg, 'cseq');
  return value === undefined ? undefined : parseCSeq(value);
}
