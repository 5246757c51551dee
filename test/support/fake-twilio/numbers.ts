// The fake's phone numbers.

import type { Handler } from '../fake-provider.ts';
import type { Json } from '../openapi-document.ts';
import { DATE_2010, DATE_V1, notFound, page2010, twilioError } from './answers.ts';
import type { Sids, TwilioState } from './state.ts';

/** A number as it stands in the account. */
export function twilioNumber(state: TwilioState, sids: Sids, phoneNumber: string, over: Json = {}): Json {
  const sid = sids.next('PN');
  const number = {
    sid,
    account_sid: state.accountSid,
    address_requirements: 'none',
    api_version: '2010-04-01',
    beta: false,
    capabilities: { voice: true, sms: true, mms: false, fax: false },
    date_created: DATE_2010,
    date_updated: DATE_2010,
    friendly_name: phoneNumber,
    phone_number: phoneNumber,
    origin: 'twilio',
    status: 'in-use',
    type: 'local',
    trunk_sid: null,
    voice_application_sid: null,
    voice_url: null,
    voice_method: 'POST',
    voice_receive_mode: 'voice',
    emergency_status: 'Inactive',
    bundle_sid: null,
    uri: `/2010-04-01/Accounts/${state.accountSid}/IncomingPhoneNumbers/${sid}.json`,
    ...over,
  };
  state.numbers.set(sid, number);
  return number;
}

export function numberHandlers(state: TwilioState): Record<string, Handler> {
  const change = (sid: string, fields: Json): Json => {
    const number = { ...state.numbers.get(sid), ...fields };
    state.numbers.set(sid, number);
    return number;
  };
  return {
    ListIncomingPhoneNumber(request) {
      const wanted = request.query.get('PhoneNumber') ?? '';
      const items = [...state.numbers.values()].filter(({ phone_number }) => phone_number.includes(wanted));
      return page2010(request, 'incoming_phone_numbers', items);
    },
    FetchIncomingPhoneNumber({ params }) {
      const number = state.numbers.get(params['Sid'] ?? '');
      return number === undefined ? notFound() : { status: 200, body: number };
    },
    UpdateIncomingPhoneNumber({ params, form }) {
      const sid = params['Sid'] ?? '';
      if (!state.numbers.has(sid)) return notFound();
      const trunkSid = form['TrunkSid'];
      const isTrunk = trunkSid === undefined || (state.trunks.has(trunkSid) && !state.brokenTrunks.has(trunkSid));
      if (!isTrunk) return twilioError(400, 21606, 'The trunk does not exist');
      const fields = Object.entries(FIELDS).filter(([name]) => form[name] !== undefined);
      return { status: 200, body: change(sid, Object.fromEntries(fields.map(([name, field]) => [field, form[name]]))) };
    },
    CreatePhoneNumber({ params, form }) {
      const sid = form['PhoneNumberSid'] ?? '';
      const trunk = state.trunks.get(params['TrunkSid'] ?? '');
      if (trunk === undefined || !state.numbers.has(sid)) return notFound();
      if (state.numbers.get(sid).trunk_sid === trunk.sid) return twilioError(409, 21289, 'It is on this trunk already');
      const number = change(sid, { trunk_sid: trunk.sid, ...(state.attachClearsVoice ? { voice_url: '' } : {}) });
      return { status: 201, body: onTrunk(number) };
    },
    DeletePhoneNumber({ params }) {
      const number = state.numbers.get(params['Sid'] ?? '');
      if (number?.trunk_sid !== params['TrunkSid']) return notFound();
      change(number.sid, { trunk_sid: null });
      return { status: 204 };
    },
  };
}

const FIELDS = {
  TrunkSid: 'trunk_sid',
  VoiceUrl: 'voice_url',
  VoiceMethod: 'voice_method',
  VoiceApplicationSid: 'voice_application_sid',
  VoiceReceiveMode: 'voice_receive_mode',
};

/** Fewer fields, and other dates. */
function onTrunk(number: Json): Json {
  const { uri, origin, status, type, voice_receive_mode, emergency_status, bundle_sid, ...rest } = number;
  return { ...rest, date_created: DATE_V1, date_updated: DATE_V1 };
}
