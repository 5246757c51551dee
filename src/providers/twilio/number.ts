// One incoming phone number as Twilio shows it, and what of it matters here.

import { isE164 } from '../../domain/e164.ts';
import { countryOf } from '../../routing/countries.ts';
import { AnswerInvalid, type Fields } from '../api/fields.ts';
import { PROVIDER_ERRORS } from '../errors.ts';
import type { AccountNumber, NumberRecord, NumberType } from '../provider.ts';

/** Where its calls go. `''` = not set. */
export interface VoiceSettings {
  readonly trunkSid: string;
  readonly voiceUrl: string;
  readonly voiceMethod: string;
  readonly voiceApplicationSid: string;
  readonly voiceReceiveMode: string;
}

export interface TwilioNumber extends VoiceSettings {
  readonly sid: string;
  readonly e164: NumberRecord['e164'];
  readonly label: string | null;
  readonly type: NumberType | null;
  readonly hasVoice: boolean;
}

/** New numbers answer with a greeting of Twilio's own until they are set up: nobody's calls are taken from there. */
const GREETING_HOST = 'demo.twilio.com';

export function readNumber(item: Fields): TwilioNumber {
  const e164 = item.text('phone_number');
  if (!isE164(e164)) throw new AnswerInvalid('phone_number', 'a number in E.164 form');
  const setting = (name: string): string => item.textOrNull(name) ?? '';
  return {
    sid: item.text('sid'),
    e164,
    label: item.textOrNull('friendly_name'),
    type: typeOf(item.textOrNull('type')),
    hasVoice: item.objectOrNull('capabilities')?.boolean('voice', false) ?? false,
    trunkSid: setting('trunk_sid'),
    voiceUrl: setting('voice_url'),
    voiceMethod: setting('voice_method'),
    voiceApplicationSid: setting('voice_application_sid'),
    voiceReceiveMode: setting('voice_receive_mode'),
  };
}

/** Not everything that an account holds can be called: null for what is no number. */
export function readNumberOrNull(item: Fields): TwilioNumber | null {
  return isE164(item.textOrNull('phone_number') ?? '') ? readNumber(item) : null;
}

export function accountNumber(number: TwilioNumber, trunkId: string | null): AccountNumber {
  const usedBy = userOf(number);
  const isOurs = trunkId !== null && number.trunkSid === trunkId;
  const { text, advice } = PROVIDER_ERRORS.number_no_voice;
  return {
    providerId: number.sid,
    e164: number.e164,
    label: number.label,
    country: countryOf(number.e164) ?? null,
    type: number.type,
    use: isOurs ? 'ours' : usedBy === null ? 'free' : 'elsewhere',
    usedBy: isOurs ? null : usedBy,
    refusal: number.hasVoice ? null : { code: 'number_no_voice', text, advice },
    notices: [],
  };
}

/** What takes its calls now, for people: of a URL the host alone, since the rest may hold secrets. */
export function userOf({ trunkSid, voiceUrl, voiceApplicationSid }: VoiceSettings): string | null {
  if (trunkSid !== '') return `trunk ${trunkSid}`;
  if (voiceApplicationSid !== '') return `application ${voiceApplicationSid}`;
  const host = voiceUrl === '' ? GREETING_HOST : (URL.parse(voiceUrl)?.hostname ?? 'a URL');
  return host === GREETING_HOST ? null : host;
}

export function settingsOf(number: VoiceSettings): Record<keyof VoiceSettings, string> {
  const { trunkSid, voiceUrl, voiceMethod, voiceApplicationSid, voiceReceiveMode } = number;
  return { trunkSid, voiceUrl, voiceMethod, voiceApplicationSid, voiceReceiveMode };
}

const TYPES: Readonly<Record<string, NumberType>> = {
  local: 'local',
  mobile: 'mobile',
  national: 'national',
  tollfree: 'tollfree',
};

/** Written `toll-free`, `toll free` and `TollFree` in different places. */
function typeOf(text: string | null): NumberType | null {
  return TYPES[(text ?? '').toLowerCase().replace(/[ _-]/g, '')] ?? null;
}
