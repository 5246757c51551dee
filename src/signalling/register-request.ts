// One REGISTER and what follows from its answers, until it is known whether the registrar has our binding (RFC 3261 section 10.2).
//
//   answer                          then
//   200                             done: bound for the granted time (or no longer bound, where none was asked for)
//   401, 407                        once more with the trunk's credentials; and again where only the nonce was too old (stale)
//   423 with Min-Expires            once more with that time, and as if nothing had been asked: its nonce may be good for one request only
//   439                             the same, without RFC 5626: the first hop does not know it
//   408, 5xx, silence, no way       the registrar's fault: another one may do better
//   all others                      the account's fault: another registrar would say the same
//
// Invariants
//   RR1. One outcome, within `timeoutMs` for each answer and `ROUNDS_MAX` requests. An answer that comes later changes nothing.
//   RR2. All requests of a registration have one Call-ID and From tag, and CSeq counts up (section 10.2).

import type { Clock } from '../domain/clock.ts';
import { ALLOW } from './abilities.ts';
import { answerChallenge, type Credentials } from './digest.ts';
import type { LinkAnswer, LinkRequest } from './link-requests.ts';
import { retryAfterMs } from './retry-after.ts';
import { escapeUser, type HeaderMap, optionTags } from './sip-text.ts';

export interface RegisterParts {
  readonly clock: Clock;
  /** The final answer, or in words why none can come. */
  readonly send: (request: LinkRequest) => Promise<LinkAnswer | string>;
  readonly newCnonce: () => string;
}

/** Of one registration, for its life. */
export interface RegisterIdentity {
  readonly callId: string;
  readonly fromTag: string;
  /** Next CSeq; counted up here. */
  cseq: number;
}

export interface RegisterRequest {
  /** Request-URI. */
  readonly uri: string;
  readonly nextHop: string;
  /** Whom the binding is for: user and domain of To and From. */
  readonly user: string;
  readonly domain: string;
  /** User of our Contact, by which calls over this registration are known. */
  readonly contactUser: string;
  /** Parameter of the Contact's URI: `;transport=tcp`, or ''. */
  readonly contactParameters: string;
  /** `urn:uuid:…`; the same after a restart. */
  readonly instance: string;
  /** The registrar keeps flows (RFC 5626). */
  readonly outbound: boolean;
  /** 0 = our binding is to go. */
  readonly expiresSec: number;
  readonly identity: RegisterIdentity;
  readonly credentials: Credentials | null;
  readonly timeoutMs: number;
  /** False: nothing more is sent, whatever the answer to what was. */
  readonly wanted: () => boolean;
}

export type RegisterOutcome =
  | {
      readonly kind: 'bound';
      readonly grantedMs: number;
      /** The registrar says that it keeps flows. */
      readonly outbound: boolean;
      /** URIs in order; empty where calls go as they went before (RFC 3608). */
      readonly serviceRoute: readonly string[];
    }
  | { readonly kind: 'gone' }
  | {
      readonly kind: 'failed';
      readonly fault: 'registrar' | 'account' | 'ours';
      readonly error: string;
      readonly retryAfterMs: number | null;
      /** Nobody answered the last request: it may have been taken all the same. */
      readonly unanswered: boolean;
    };

const ROUNDS_MAX = 5;
const MIN_EXPIRES_MAX_SEC = 86_400;
const CONTACTS_MAX = 64;
const ROUTES_MAX = 8;
const REGISTRAR_FAULTS = new Set([408, 500, 502, 503, 504]);

/** Never rejects. */
export async function register(request: RegisterRequest, parts: RegisterParts): Promise<RegisterOutcome> {
  let { expiresSec, outbound } = request;
  let digest: HeaderMap = {};
  let challenges = 0;
  for (let round = 0; round < ROUNDS_MAX && request.wanted(); round += 1) {
    const answer = await answerTo({ ...request, expiresSec, outbound }, digest, parts);
    if (typeof answer === 'string') return failed('ours', answer);
    if (answer === null) return failed('registrar', `no answer to REGISTER in ${request.timeoutMs / 1000} s`, true);
    const { status, headers, own } = answer;
    if (own) return failed('registrar', status === 408 ? 'no answer to REGISTER' : 'no connection could be made', true);
    if (status >= 200 && status < 300) return boundBy(answer, { ...request, expiresSec });
    const said = `REGISTER was answered ${status} ${answer.reason}`.trim();
    if (status === 401 || status === 407) {
      const again = challenges < 2 ? authorise(request, answer, parts) : undefined;
      if (again === undefined || (challenges > 0 && !again.stale)) {
        return failed(
          'account',
          challenges === 0 ? `${said}, which could not be answered` : `${said}: credentials refused`,
        );
      }
      challenges += 1;
      digest = { [again.header]: again.value };
    } else if (status === 423 && expiresSec > 0) {
      const leastSec = Number(/^\s*(\d{1,9})/.exec(headers['min-expires'] ?? '')?.[1] ?? Number.NaN);
      if (!(leastSec > expiresSec) || leastSec > MIN_EXPIRES_MAX_SEC) return failed('account', said);
      expiresSec = leastSec;
      [digest, challenges] = [{}, 0];
    } else if (status === 439 && outbound) {
      outbound = false;
      [digest, challenges] = [{}, 0];
    } else {
      const fault = REGISTRAR_FAULTS.has(status) ? 'registrar' : 'account';
      return { kind: 'failed', fault, error: said, retryAfterMs: retryAfterMs(headers), unanswered: false };
    }
  }
  return failed('registrar', 'REGISTER was answered by asking again and again');
}

function authorise({ uri, credentials }: RegisterRequest, { status, headers }: LinkAnswer, parts: RegisterParts) {
  if (credentials === null) return undefined;
  return answerChallenge({ status, headers, method: 'REGISTER', uri, credentials, cnonce: parts.newCnonce() });
}

/** RR1; null = none came in time. */
async function answerTo(
  request: RegisterRequest,
  digest: HeaderMap,
  { clock, send }: RegisterParts,
): Promise<LinkAnswer | string | null> {
  const late = Promise.withResolvers<null>();
  const timer = clock.setTimer(() => late.resolve(null), request.timeoutMs);
  const { uri, nextHop } = request;
  const answer = await Promise.race([
    send({ method: 'REGISTER', uri, nextHop, headers: { ...headersOf(request), ...digest } }),
    late.promise,
  ]);
  timer.cancel();
  return answer;
}

function headersOf(request: RegisterRequest): HeaderMap {
  const { user, domain, contactUser, contactParameters, instance, expiresSec, identity, outbound } = request;
  const party = `<sip:${escapeUser(user)}@${domain}>`;
  identity.cseq += 1;
  return {
    from: `${party};tag=${identity.fromTag}`,
    to: party,
    'call-id': identity.callId,
    // RR2
    cseq: `${identity.cseq} REGISTER`,
    // `localhost` becomes the address that the request leaves from.
    contact:
      `<sip:${contactUser}@localhost${contactParameters}>` +
      `${outbound ? ';reg-id=1' : ''};+sip.instance="<${instance}>";expires=${expiresSec}`,
    expires: String(expiresSec),
    allow: ALLOW,
    supported: outbound ? 'path, outbound' : 'path',
  };
}

function boundBy({ headers }: LinkAnswer, { contactUser, expiresSec }: RegisterRequest): RegisterOutcome {
  if (expiresSec === 0) return { kind: 'gone' };
  const grantedSec = grantedFor(headers, contactUser) ?? expiresSec;
  if (grantedSec <= 0) return failed('account', 'the registrar answered 200 and granted no time');
  return {
    kind: 'bound',
    grantedMs: Math.min(grantedSec, MIN_EXPIRES_MAX_SEC) * 1000,
    outbound: ['supported', 'require'].some((name) => optionTags(headers[name]).includes('outbound')),
    serviceRoute: urisOf(headers['service-route'] ?? ''),
  };
}

/** Seconds: of our Contact among those that are bound, else of the whole answer; null where it says nothing. */
function grantedFor(headers: HeaderMap, contactUser: string): number | null {
  // A quote that is not closed takes all that follows (sip-text.ts).
  const contacts =
    headers['contact']?.match(/(?:"(?:[^"\\]|\\.)*\\?(?:"|$)|<[^<>]*>|[^,"<>])+/gs)?.slice(0, CONTACTS_MAX) ?? [];
  const own = contacts.find((contact) => contact.includes(`:${contactUser}@`));
  const ofContact = /;\s*expires\s*=\s*"?(\d{1,9})/i.exec(own?.replace(/<[^<>]*>/g, '') ?? '')?.[1];
  const ofAll = /^\s*(\d{1,9})\s*$/.exec(headers['expires'] ?? '')?.[1];
  const said = ofContact ?? ofAll;
  return said === undefined ? null : Number(said);
}

function urisOf(value: string): readonly string[] {
  return [...value.matchAll(/<(sips?:[^<>\s]{1,256})>/gi)].slice(0, ROUTES_MAX).map(([, uri = '']) => uri);
}

function failed(fault: 'registrar' | 'account' | 'ours', error: string, unanswered = false): RegisterOutcome {
  return { kind: 'failed', fault, error, retryAfterMs: null, unanswered };
}
