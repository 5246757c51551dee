// The second look at a request from outside any dialog, before it is routed or costs anything. The SIP engine in front is strict,
// another one may not be, and the client library between repairs what should be refused: escaped methods, `<>` in the Request-URI,
// headers that occur twice, a missing From.

import { ACCEPT, ALLOW, KNOWN_METHODS, OPTION_TAGS } from './abilities.ts';
import { readBody } from './body.ts';
import { tooShortInterval } from './session-timer.ts';
import { type HeaderMap, optionTags, parseSipAddress, parseSipUri, type SipAddress, type SipUri } from './sip-text.ts';

export interface ScreenedRequest {
  readonly method: string;
  readonly uri: string;
  /** Lower-case names. */
  readonly headers: HeaderMap;
  readonly body: string;
  /** First line as it came; null where the engine does not tell. */
  readonly startLine: string | null;
}

export type Screening =
  | {
      readonly ok: true;
      readonly from: SipAddress;
      readonly callId: string;
      readonly target: SipUri;
      readonly sdp: string | null;
    }
  | { readonly ok: false; readonly status: number; readonly headers: HeaderMap };

const CSEQ_MAX = 2 ** 31;

export function screen(request: ScreenedRequest): Screening {
  const { method, headers } = request;
  if (request.startLine !== null && !request.startLine.startsWith(`${method} `)) return refuse(400);
  if (!KNOWN_METHODS.has(method)) return refuse(501, { Allow: ALLOW });

  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(request.uri)?.[1]?.toLowerCase();
  if (scheme !== undefined && !['sip', 'sips', 'tel'].includes(scheme)) return refuse(416);
  const target = parseSipUri(request.uri);
  const from = parseSipAddress(headers['from'] ?? '');
  const to = parseSipAddress(headers['to'] ?? '');
  const callId = headers['call-id'] ?? '';
  if (target === undefined || from === undefined || to === undefined) return refuse(400);
  if (!isCallId(callId) || !isTag(from.parameters.get('tag'))) return refuse(400);
  if (!isCSeq(headers['cseq'] ?? '', method) || !isMaxForwards(headers['max-forwards'])) return refuse(400);
  // OPTIONS that may go no further is answered by whoever it has reached (RFC 3261 section 11).
  if (method !== 'OPTIONS' && Number(headers['max-forwards'] ?? '70') === 0) return refuse(483);
  if (method === 'INVITE' && !isContact(headers['contact'])) return refuse(400);

  const unsupported = optionTags(headers['require']).filter((tag) => !OPTION_TAGS.includes(tag));
  if (unsupported.length > 0) return refuse(420, { Unsupported: unsupported.join(', ') });
  const minSe = method === 'INVITE' ? tooShortInterval(headers) : null;
  if (minSe !== null) return refuse(422, minSe);
  const body = readBody(request.body, headers['content-type'], headers['content-encoding']);
  if (method === 'INVITE' && body.kind === 'other') return refuse(415, { Accept: ACCEPT });
  // An answer we could not give (RFC 4475 section 3.3.15).
  if (method === 'INVITE' && !takesSdp(headers['accept'])) return refuse(406);
  return { ok: true, from, callId, target, sdp: body.kind === 'sdp' ? body.sdp : null };
}

function refuse(status: number, headers: HeaderMap = {}): Screening {
  return { ok: false, status, headers };
}

/** `|` would break the frames of the wire protocol; blanks and commas show a header that came twice. */
function isCallId(callId: string): boolean {
  return /^[\x21-\x7e]{1,256}$/.test(callId) && !/[|,]/.test(callId);
}

function isTag(tag: string | undefined): boolean {
  return tag !== undefined && tag !== '' && !tag.includes('|');
}

function isCSeq(value: string, method: string): boolean {
  const match = /^(\d{1,10})\s+(\S+)$/.exec(value.trim());
  return match !== null && Number(match[1]) < CSEQ_MAX && match[2] === method;
}

function isMaxForwards(value: string | undefined): boolean {
  return value === undefined || (/^\d{1,3}$/.test(value.trim()) && Number(value) <= 255);
}

/** One SIP URI: without it nothing can be sent back inside the dialog (RFC 3261 section 8.1.1.8). */
function isContact(value: string | undefined): boolean {
  const contact = value === undefined ? undefined : parseSipAddress(value);
  return contact !== undefined && contact.uri.scheme !== 'tel';
}

/** Without the header, or with an empty one, SDP is taken (RFC 3261 section 20.1). */
function takesSdp(accept: string | undefined): boolean {
  const types = (accept ?? '').split(',').map((range) => range.split(';', 1)[0]?.trim().toLowerCase() ?? '');
  const named = types.filter((type) => type !== '');
  return named.length === 0 || named.some((type) => ['application/sdp', 'application/*', '*/*'].includes(type));
}
