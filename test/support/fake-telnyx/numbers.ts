// The fake's phone numbers.

import type { FakeRequest, Handler } from '../fake-provider.ts';
import type { Json } from '../openapi-document.ts';
import { AT, data, notFound, page, telnyxError } from './answers.ts';
import type { DecimalIds, TelnyxState } from './state.ts';

/** A number as it stands in the account. */
export function telnyxNumber(state: TelnyxState, ids: DecimalIds, phoneNumber: string, over: Json = {}): Json {
  const id = ids.next();
  const number = {
    id,
    record_type: 'phone_number',
    phone_number: phoneNumber,
    country_iso_alpha2: 'US',
    phone_number_type: 'local',
    status: 'active',
    connection_id: null,
    connection_name: null,
    customer_reference: null,
    external_pin: null,
    tags: [],
    deletion_lock_enabled: false,
    purchased_at: AT,
    created_at: AT,
    ...over,
  };
  state.numbers.set(id, number);
  state.voice.set(id, {
    id,
    record_type: 'voice_settings',
    phone_number: phoneNumber,
    translated_number: '',
    call_forwarding: { call_forwarding_enabled: true, forwards_to: '', forwarding_type: 'always' },
  });
  return number;
}

export function numberHandlers(state: TelnyxState): Record<string, Handler> {
  /** Number -> what it was before, and how often that is still shown. */
  const lagging = new Map<string, { before: Json; left: number }>();
  const shown = (number: Json): Json => {
    const lag = lagging.get(number.id);
    if (lag === undefined || lag.left <= 0) return number;
    lag.left -= 1;
    return { ...number, connection_id: lag.before.connection_id, connection_name: lag.before.connection_name };
  };
  const nameOf = (connectionId: string | null): string | null =>
    state.fqdnConnections.get(connectionId ?? '')?.connection_name ?? null;

  return {
    ListPhoneNumbers(request) {
      const numbers = [...state.numbers.values()].filter((number) => matches(number, request));
      return page(request, numbers.map(shown));
    },
    RetrievePhoneNumber({ params }) {
      const number = state.numbers.get(params['id'] ?? '');
      return number === undefined ? notFound() : data(200, shown(number));
    },
    UpdatePhoneNumber({ params, json }) {
      const number = state.numbers.get(params['id'] ?? '');
      if (number === undefined) return notFound();
      const { connection_id: wanted } = json;
      const isNone = wanted === '' || wanted === null;
      if (isNone && wanted !== state.unassignBy) {
        return telnyxError(422, '10015', 'connection_id is not valid', '/connection_id');
      }
      if (!isNone && !state.fqdnConnections.has(wanted)) {
        return telnyxError(422, '10015', 'The connection does not exist', '/connection_id');
      }
      const connectionId = isNone ? null : wanted;
      lagging.set(number.id, { before: number, left: state.numberLag });
      state.numbers.set(number.id, { ...number, connection_id: connectionId, connection_name: nameOf(connectionId) });
      return data(200, state.numbers.get(number.id));
    },
    DeletePhoneNumber({ params }) {
      const number = state.numbers.get(params['id'] ?? '');
      if (number === undefined) return notFound();
      if (number.deletion_lock_enabled) return telnyxError(422, '10015', 'Deletion is locked');
      state.numbers.delete(number.id);
      const {
        country_iso_alpha2,
        external_pin,
        created_at,
        connection_id,
        connection_name,
        customer_reference,
        ...rest
      } = number;
      return data(200, { ...rest, status: 'deleted', phone_number_type: 'local', tags: [] });
    },
    GetPhoneNumberVoiceSettings({ params }) {
      const settings = state.voice.get(params['id'] ?? '');
      return settings === undefined ? notFound() : data(200, settings);
    },
  };
}

function matches(number: Json, { query }: FakeRequest): boolean {
  const wanted = query.get('filter[phone_number]');
  const status = query.get('filter[status]');
  // Their filter: anything that is no digit finds nothing.
  const isNumber = wanted === null || (/^\d{3,}$/.test(wanted) && number.phone_number.includes(wanted));
  return isNumber && (status === null || number.status === status);
}
