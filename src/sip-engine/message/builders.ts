// Messages made from other messages. (RFC 3261 section 8.2.6)

import { cloneFields, isNamed } from './headers.ts';
import type { HeaderField, SipRequest, SipResponse } from './message.ts';
import { getTag, withTag } from './name-addr.ts';
import { isToken } from './scan.ts';

export interface ResponseOptions {
  /** Added to To when the request has no To tag. */
  readonly toTag?: string;
  /** Appended after the copied fields. */
  readonly extra?: readonly HeaderField[];
}

/**
 * A response with Via*, From, To, Call-ID and CSeq of the request, Record-Route below 300 and Timestamp in a 100. Fields the
 * request lacks are left out, so it also answers a request that was only partly readable.
 */
export function makeResponse(
  req: SipRequest,
  status: number,
  reason?: string,
  options: ResponseOptions = {},
): SipResponse {
  const headers: HeaderField[] = [];
  copy(req, 'via', 'Via', headers);
  if (status < 300) copy(req, 'record-route', 'Record-Route', headers);
  copy(req, 'from', 'From', headers);
  copyTo(req, options.toTag, headers);
  copy(req, 'call-id', 'Call-ID', headers);
  copy(req, 'cseq', 'CSeq', headers);
  if (status === 100) copy(req, 'timestamp', 'Timestamp', headers);
  if (options.extra !== undefined) headers.push(...cloneFields(options.extra));
  return { kind: 'response', status, reason: reason ?? reasonPhrase(status), headers, body: Buffer.alloc(0) };
}

/**
 * Whether a request that was refused can be answered at all: never an ACK, and nothing without a Via, which is where the peer
 * looks for its own branch. The other headers are copied as far as they were readable.
 */
export function isAnswerable(req: SipRequest): boolean {
  return req.method !== 'ACK' && isToken(req.method) && req.headers.some((field) => isNamed(field.name, 'via'));
}

/** Phrase of RFC 3261 section 21 and its extensions; that of the class for an unknown code. */
export function reasonPhrase(status: number): string {
  return PHRASES.get(status) ?? CLASS_PHRASES[Math.floor(status / 100)] ?? 'Unknown';
}

function copy(req: SipRequest, canonical: string, wireName: string, into: HeaderField[]): void {
  for (const field of req.headers) {
    if (isNamed(field.name, canonical)) into.push({ name: wireName, value: field.value });
  }
}

function copyTo(req: SipRequest, toTag: string | undefined, into: HeaderField[]): void {
  const field = req.headers.find((candidate) => isNamed(candidate.name, 'to'));
  if (field === undefined) return;
  const needsTag = toTag !== undefined && getTag(field.value) === undefined;
  into.push({ name: 'To', value: needsTag ? withTag(field.value, toTag) : field.value });
}

const CLASS_PHRASES: Readonly<Record<number, string>> = {
  1: 'Session Progress',
  2: 'OK',
  3: 'Multiple Choices',
  4: 'Bad Request',
  5: 'Server Internal Error',
  6: 'Busy Everywhere',
};

const PHRASES: ReadonlyMap<number, string> = new Map([
  [100, 'Trying'],
  [180, 'Ringing'],
  [181, 'Call Is Being Forwarded'],
  [182, 'Queued'],
  [183, 'Session Progress'],
  [199, 'Early Dialog Terminated'],
  [200, 'OK'],
  [202, 'Accepted'],
  [204, 'No Notification'],
  [300, 'Multiple Choices'],
  [301, 'Moved Permanently'],
  [302, 'Moved Temporarily'],
  [305, 'Use Proxy'],
  [380, 'Alternative Service'],
  [400, 'Bad Request'],
  [401, 'Unauthorized'],
  [402, 'Payment Required'],
  [403, 'Forbidden'],
  [404, 'Not Found'],
  [405, 'Method Not Allowed'],
  [406, 'Not Acceptable'],
  [407, 'Proxy Authentication Required'],
  [408, 'Request Timeout'],
  [410, 'Gone'],
  [412, 'Conditional Request Failed'],
  [413, 'Request Entity Too Large'],
  [414, 'Request-URI Too Long'],
  [415, 'Unsupported Media Type'],
  [416, 'Unsupported URI Scheme'],
  [417, 'Unknown Resource-Priority'],
  [420, 'Bad Extension'],
  [421, 'Extension Required'],
  [422, 'Session Interval Too Small'],
  [423, 'Interval Too Brief'],
  [424, 'Bad Location Information'],
  [428, 'Use Identity Header'],
  [429, 'Provide Referrer Identity'],
  [430, 'Flow Failed'],
  [433, 'Anonymity Disallowed'],
  [436, 'Bad Identity Info'],
  [437, 'Unsupported Credential'],
  [438, 'Invalid Identity Header'],
  [439, 'First Hop Lacks Outbound Support'],
  [440, 'Max-Breadth Exceeded'],
  [469, 'Bad Info Package'],
  [470, 'Consent Needed'],
  [480, 'Temporarily Unavailable'],
  [481, 'Call/Transaction Does Not Exist'],
  [482, 'Loop Detected'],
  [483, 'Too Many Hops'],
  [484, 'Address Incomplete'],
  [485, 'Ambiguous'],
  [486, 'Busy Here'],
  [487, 'Request Terminated'],
  [488, 'Not Acceptable Here'],
  [489, 'Bad Event'],
  [491, 'Request Pending'],
  [493, 'Undecipherable'],
  [494, 'Security Agreement Required'],
  [500, 'Server Internal Error'],
  [501, 'Not Implemented'],
  [502, 'Bad Gateway'],
  [503, 'Service Unavailable'],
  [504, 'Server Time-out'],
  [505, 'Version Not Supported'],
  [513, 'Message Too Large'],
  [555, 'Push Notification Service Not Supported'],
  [580, 'Precondition Failure'],
  [600, 'Busy Everywhere'],
  [603, 'Decline'],
  [604, 'Does Not Exist Anywhere'],
  [606, 'Not Acceptable'],
  [607, 'Unwanted'],
  [608, 'Rejected'],
]);
