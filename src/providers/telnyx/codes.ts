// What Telnyx's refusals mean: its code where it gives one that is known, the HTTP status otherwise. Codes are of Telnyx alone: 20003 and
// 20008 mean other things at Twilio.

import type { Area, Refusal } from '../api/client.ts';
import type { ProviderErrorCode } from '../errors.ts';

/** `permission`: which one follows from what was asked for. */
const CODES: Readonly<Record<string, ProviderErrorCode | 'permission'>> = {
  10002: 'number_invalid',
  10005: 'not_found',
  10009: 'credentials_refused',
  10010: 'permission',
  10011: 'rate_limited',
  10012: 'name_taken',
  10016: 'number_invalid',
  10021: 'resource_in_use',
  10036: 'number_processing',
  10038: 'account_tier',
  10039: 'account_tier',
  20001: 'credentials_refused',
  20002: 'key_revoked',
  20003: 'permission',
  20008: 'credentials_refused',
  20012: 'account_inactive',
  20013: 'account_blocked',
  20014: 'verification_needed',
  20016: 'verification_needed',
  20017: 'verification_needed',
  20100: 'insufficient_funds',
  85000: 'number_not_searched',
  85001: 'number_gone',
  85006: 'number_reserved',
  85007: 'reservations_full',
  85008: 'reservation_over',
};

const PERMISSIONS: Readonly<Record<Area, ProviderErrorCode>> = {
  account: 'permission_account',
  numbers: 'permission_numbers',
  trunks: 'permission_connections',
  sip_lists: 'permission_connections',
  connections: 'permission_connections',
  voice_profiles: 'permission_voice_profiles',
  ordering: 'permission_ordering',
};

interface TelnyxError {
  readonly code: string | null;
  readonly message: string | null;
  readonly pointer: string;
}

/** `{"errors":[{"code":"10009","title":"…","detail":"…","source":{"pointer":"/x"}}]}`; the first one that is known counts. */
export function telnyxRefusal(status: number, body: unknown, area: Area): Refusal {
  const errors = errorsOf(body);
  const first = errors.find(({ code }) => code !== null && Object.hasOwn(CODES, code)) ?? errors[0];
  const messages = errors.flatMap(({ message }) => message ?? []);
  return {
    code:
      errors.some(isEncryption) && status < 500 ? 'encrypted_media_refused' : codeOf(status, first?.code ?? null, area),
    theirs: first?.code ?? null,
    message: messages.length === 0 ? null : messages.join('; '),
  };
}

function codeOf(status: number, theirs: string | null, area: Area): ProviderErrorCode {
  const known = theirs !== null && Object.hasOwn(CODES, theirs) ? CODES[theirs] : undefined;
  if (known === 'permission') return PERMISSIONS[area];
  // A fault of theirs may carry the code of anything; that it failed is what counts.
  if (known !== undefined && status < 500) return known;
  if (status === 401) return 'credentials_refused';
  if (status === 403) return PERMISSIONS[area];
  if (status === 404) return 'not_found';
  if (status === 409) return 'name_taken';
  if (status === 429) return 'rate_limited';
  if (status >= 500) return 'provider_fault';
  return status >= 400 ? 'request_refused' : 'provider_answer_invalid';
}

/** Their OpenAPI document says that it cannot be set together with TLS, guides say that it can. */
function isEncryption({ pointer }: TelnyxError): boolean {
  return pointer.endsWith('/encrypted_media');
}

function errorsOf(body: unknown): readonly TelnyxError[] {
  const { errors } = (typeof body === 'object' && body !== null ? body : {}) as { readonly errors?: unknown };
  if (!Array.isArray(errors)) return [];
  return errors.flatMap((error: unknown) => {
    if (typeof error !== 'object' || error === null) return [];
    const { code, title, detail, source } = error as Record<string, unknown>;
    const pointer = (source as { readonly pointer?: unknown } | null | undefined)?.pointer;
    const message = typeof detail === 'string' ? detail : typeof title === 'string' ? title : null;
    return [
      {
        code: typeof code === 'string' || typeof code === 'number' ? String(code) : null,
        message,
        pointer: typeof pointer === 'string' ? pointer : '',
      },
    ];
  });
}
