// What Twilio's refusals mean: its code where it gives one that is known, the HTTP status otherwise. Codes are of Twilio alone: 20003 and
// 20008 mean other things at Telnyx.

import type { Area, Refusal } from '../api/client.ts';
import type { ProviderErrorCode } from '../errors.ts';

/** `permission`: which one follows from what was asked for. */
const CODES: Readonly<Record<number, ProviderErrorCode | 'permission'>> = {
  10001: 'account_inactive',
  10002: 'trial_limit',
  20003: 'credentials_refused',
  20005: 'account_inactive',
  20008: 'test_credentials',
  20404: 'not_found',
  20429: 'rate_limited',
  21240: 'name_taken',
  21247: 'resource_in_use',
  21421: 'number_invalid',
  21422: 'number_gone',
  21451: 'area_code_invalid',
  21452: 'out_of_stock',
  21457: 'area_code_invalid',
  21458: 'number_wrong_type',
  21613: 'address_certification',
  21631: 'address_required',
  21648: 'resource_in_use',
  21649: 'documents_required',
  32100: 'trial_limit',
  70051: 'permission',
};

const PERMISSIONS: Readonly<Record<Area, ProviderErrorCode>> = {
  account: 'permission_account',
  numbers: 'permission_numbers',
  trunks: 'permission_trunks',
  sip_lists: 'permission_sip_lists',
  connections: 'permission_trunks',
  voice_profiles: 'permission_trunks',
  ordering: 'permission_ordering',
};

/** `{"code":20003,"message":"…","more_info":"…","status":401}` */
export function twilioRefusal(status: number, body: unknown, area: Area): Refusal {
  const { code, message } = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>;
  const theirs = typeof code === 'number' ? code : null;
  const known = theirs === null ? undefined : CODES[theirs];
  return {
    code: known === 'permission' ? PERMISSIONS[area] : (known ?? codeOfStatus(status, area)),
    theirs: theirs === null ? null : String(theirs),
    message: typeof message === 'string' ? message : null,
  };
}

function codeOfStatus(status: number, area: Area): ProviderErrorCode {
  if (status === 401) return 'credentials_refused';
  if (status === 403) return PERMISSIONS[area];
  if (status === 404) return 'not_found';
  if (status === 409) return 'name_taken';
  if (status === 429) return 'rate_limited';
  if (status >= 500) return 'provider_fault';
  return status >= 400 ? 'request_refused' : 'provider_answer_invalid';
}
