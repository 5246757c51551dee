// What a carrier says of the caller's number (STIR/SHAKEN): its own verdict (`verstat`, TS 24.229; P-Attestation-Indicator, TS 24.229 7.2.18), and the
// PASSporT in Identity (RFC 8224, 8225, 8588). The signature is not verified here: there is no certificate store, so nothing is ever called verified by
// us, and the carrier's word counts before what an unproven token claims. Pure.
//
// Invariants
//   AT1. What does not parse, is stale or is about other numbers attests nothing; what was wrong with it is said.
//   AT2. Text of strangers is bounded before it is decoded, and what is kept of it is of a known form.

import type { HeaderMap } from './sip-text.ts';

export type AttestationLevel = 'A' | 'B' | 'C';

export interface Attestation {
  readonly level: AttestationLevel | null;
  /** Where the level, or else the verdict, comes from. */
  readonly source: 'verstat' | 'p_attestation_indicator' | 'identity';
  /** The carrier's own check of the signature; null: it says nothing of one. */
  readonly carrierVerdict: 'passed' | 'failed' | 'not_validated' | null;
  /** By this gateway. */
  readonly verified: false;
  readonly origId: string | null;
  /** Of the Identity header: why it attests nothing. */
  readonly problem: 'malformed' | 'unsupported' | 'stale' | 'other_caller' | 'other_called' | null;
}

export interface AttestationQuestion {
  readonly headers: HeaderMap;
  /** Digits are compared. */
  readonly from: string;
  readonly to: string;
  readonly nowMs: number;
}

type Passport =
  | { readonly ok: true; readonly level: AttestationLevel; readonly origId: string | null }
  | { readonly ok: false; readonly problem: NonNullable<Attestation['problem']> };

const IDENTITIES_MAX = 4;
const IDENTITY_CHARACTERS_MAX = 4096;
/** RFC 8224 section 4.1, and a little for clocks. */
const AGE_MAX_MS = 65_000;
const TOKEN = /^([A-Za-z0-9_-]{1,2048})\.([A-Za-z0-9_-]{1,3072})\.([A-Za-z0-9_-]{1,512})$/;
const ORIG_ID = /^[0-9A-Fa-f-]{1,64}$/;
const VERSTAT =
  /;\s*verstat\s*=\s*"?(TN-Validation-Passed|TN-Validation-Failed|No-TN-Validation)(?:-([ABC]))?"?(?=[;@>?\s]|$)/i;

/** Null where the INVITE says nothing of it. */
export function readAttestation(question: AttestationQuestion): Attestation | null {
  const { headers } = question;
  const verstat = verstatOf(headers['p-asserted-identity']) ?? verstatOf(headers['from']);
  const indicator = /^\s*([ABC])\s*$/.exec(headers['p-attestation-indicator'] ?? '')?.[1] as
    | AttestationLevel
    | undefined;
  const passport = headers['identity'] === undefined ? null : passportOf(headers['identity'], question);
  if (verstat === null && indicator === undefined && passport === null) return null;
  const carrierVerdict = verstat?.verdict ?? null;
  const claimed = passport?.ok === true ? passport.level : null;
  const said = indicator ?? verstat?.level ?? null;
  const isRefuted = carrierVerdict === 'failed';
  return {
    level: isRefuted ? null : (said ?? claimed),
    source: indicator !== undefined ? 'p_attestation_indicator' : verstat !== null ? 'verstat' : 'identity',
    carrierVerdict,
    verified: false,
    origId: (passport?.ok === true ? passport.origId : null) ?? originationOf(headers),
    problem: passport?.ok === false ? passport.problem : null,
  };
}

function verstatOf(
  value: string | undefined,
): { verdict: Attestation['carrierVerdict']; level: AttestationLevel | null } | null {
  // The first address alone: the display name may hold anything.
  const uri = /^[^<]*<([^>]{1,512})>/.exec((value ?? '').replace(/^\s*"(?:[^"\\]|\\.)*"/, ''))?.[1] ?? value ?? '';
  const match = VERSTAT.exec(uri);
  if (match === null) return null;
  const word = (match[1] ?? '').toLowerCase();
  const verdict = word.endsWith('passed') ? 'passed' : word.endsWith('failed') ? 'failed' : 'not_validated';
  return { verdict, level: verdict === 'passed' ? ((match[2]?.toUpperCase() as AttestationLevel) ?? null) : null };
}

function originationOf(headers: HeaderMap): string | null {
  const id = (headers['p-origination-id'] ?? '').trim();
  return ORIG_ID.test(id) ? id : null;
}

/** The SHAKEN one of several; of none, what is wrong with the first. */
function passportOf(value: string, question: AttestationQuestion): Passport {
  if (value.length > IDENTITIES_MAX * IDENTITY_CHARACTERS_MAX) return { ok: false, problem: 'malformed' };
  const entries = value.match(/(?:"(?:[^"\\]|\\.)*"|<[^<>]*>|[^,"<>])+/g)?.slice(0, IDENTITIES_MAX) ?? [];
  const read = entries.map((entry) => readPassport(entry.trim(), question));
  return read.find(({ ok }) => ok) ?? read[0] ?? { ok: false, problem: 'malformed' };
}

function readPassport(entry: string, { from, to, nowMs }: AttestationQuestion): Passport {
  const bad = (problem: NonNullable<Attestation['problem']>): Passport => ({ ok: false, problem });
  const [token = '', ...parameters] = entry.split(';').map((part) => part.trim());
  const parts = TOKEN.exec(token);
  if (entry.length > IDENTITY_CHARACTERS_MAX || parts === null)
    return bad(token.startsWith('..') ? 'unsupported' : 'malformed');
  const header = decode(parts[1] ?? '');
  const claims = decode(parts[2] ?? '');
  if (header === null || claims === null || header['typ'] !== 'passport') return bad('malformed');
  const ppt = /^ppt\s*=\s*"?([A-Za-z0-9-]+)"?$/i.exec(parameters.find((part) => /^ppt\s*=/i.test(part)) ?? '')?.[1];
  if (header['alg'] !== 'ES256' || header['ppt'] !== 'shaken' || (ppt !== undefined && ppt !== 'shaken')) {
    return bad('unsupported');
  }
  const { attest, iat, orig, dest, origid } = claims as Record<string, unknown>;
  const caller = isObject(orig) ? orig['tn'] : undefined;
  const called = isObject(dest) ? dest['tn'] : undefined;
  const isSound =
    (attest === 'A' || attest === 'B' || attest === 'C') &&
    typeof iat === 'number' &&
    Number.isSafeInteger(iat) &&
    typeof caller === 'string' &&
    Array.isArray(called);
  if (!isSound) return bad('malformed');
  if (Math.abs(nowMs - iat * 1000) > AGE_MAX_MS) return bad('stale');
  if (!isSame(caller, from)) return bad('other_caller');
  if (!called.slice(0, 32).some((number) => typeof number === 'string' && isSame(number, to)))
    return bad('other_called');
  return { ok: true, level: attest, origId: typeof origid === 'string' && ORIG_ID.test(origid) ? origid : null };
}

function decode(part: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
    return isObject(value) ? value : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

function isSame(a: string, b: string): boolean {
  const digits = (text: string) => text.replace(/\D/g, '');
  return digits(a) !== '' && digits(a) === digits(b);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
