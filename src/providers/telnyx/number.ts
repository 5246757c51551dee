// One number of an account as Telnyx shows it, and what of it matters here.

import { isE164 } from '../../domain/e164.ts';
import { AnswerInvalid, type Fields } from '../api/fields.ts';
import { PROVIDER_ERRORS } from '../errors.ts';
import { noticesOf } from '../outcome.ts';
import type { AccountNumber, NumberRecord, NumberType } from '../provider.ts';

export interface TelnyxNumber {
  readonly id: string;
  readonly e164: NumberRecord['e164'];
  readonly country: string | null;
  readonly type: NumberType | null;
  /** One of theirs; unknown ones come. */
  readonly status: string;
  /** `''` = none. */
  readonly connectionId: string;
  readonly connectionName: string | null;
  readonly label: string | null;
  readonly isLocked: boolean;
}

/** These are history. */
const GONE = new Set(['deleted', 'ported-out', 'purchase-failed', 'port-failed']);

export function readNumber(item: Fields): TelnyxNumber {
  const e164 = item.text('phone_number');
  if (!isE164(e164)) throw new AnswerInvalid('phone_number', 'a number in E.164 form');
  return {
    id: item.text('id'),
    e164,
    country: item.textOrNull('country_iso_alpha2'),
    type: TYPES[item.textOrNull('phone_number_type') ?? ''] ?? null,
    status: item.textOrNull('status') ?? '',
    connectionId: item.textOrNull('connection_id') ?? '',
    connectionName: item.textOrNull('connection_name'),
    label: item.textOrNull('customer_reference'),
    isLocked: item.boolean('deletion_lock_enabled', false),
  };
}

/** null for what is no number (short codes), and for what the account does not have any more. */
export function readNumberOrNull(item: Fields): TelnyxNumber | null {
  if (!isE164(item.textOrNull('phone_number') ?? '')) return null;
  const number = readNumber(item);
  return GONE.has(number.status) ? null : number;
}

/** A number that is being ported away still works until that is done. */
export function isActive({ status }: TelnyxNumber): boolean {
  return status === 'active' || status === 'port-out-pending';
}

export function accountNumber(number: TelnyxNumber, trunkId: string | null): AccountNumber {
  const { connectionId } = number;
  const isOurs = trunkId !== null && connectionId === trunkId;
  const { text, advice } = PROVIDER_ERRORS.number_not_active;
  return {
    providerId: number.id,
    e164: number.e164,
    label: number.label,
    country: number.country,
    type: number.type,
    use: isOurs ? 'ours' : connectionId === '' ? 'free' : 'elsewhere',
    usedBy: isOurs || connectionId === '' ? null : userOf(number),
    refusal: isActive(number) ? null : { code: 'number_not_active', text, advice },
    notices: noticesOf({ number_porting_out: number.status === 'port-out-pending' }),
  };
}

/** What takes its calls now, for people. */
export function userOf({ connectionId, connectionName }: TelnyxNumber): string {
  return `connection ${connectionName ?? connectionId}`;
}

/** With the words that a number has right after it was bought. */
const TYPES: Readonly<Record<string, NumberType>> = {
  local: 'local',
  longcode: 'local',
  landline: 'local',
  toll_free: 'tollfree',
  tollfree: 'tollfree',
  mobile: 'mobile',
  national: 'national',
  shared_cost: 'shared_cost',
};
