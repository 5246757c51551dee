// The fake's inventory and number orders.

import type { FakeRequest, Handler } from '../fake-provider.ts';
import type { Json } from '../openapi-document.ts';
import { AT, data, notFound, page, telnyxError } from './answers.ts';
import { telnyxNumber } from './numbers.ts';
import type { DecimalIds, TelnyxState } from './state.ts';

/** A number for sale. */
export function stockNumber(phoneNumber: string, over: Json = {}): Json {
  return {
    record_type: 'available_phone_number',
    phone_number: phoneNumber,
    best_effort: false,
    quickship: true,
    reservable: true,
    cost_information: { currency: 'USD', monthly_cost: '1.00', upfront_cost: '0.50' },
    features: ['voice', 'sms', 'emergency'].map((name) => ({ name })),
    region_information: [
      { region_type: 'country_code', region_name: 'US' },
      { region_type: 'state', region_name: 'DC' },
      { region_type: 'location', region_name: 'Washington' },
    ],
    ...over,
  };
}

export function orderHandlers(state: TelnyxState, ids: DecimalIds): Record<string, Handler> {
  /** Order -> polls until it is settled. */
  const polls = new Map<string, number>();
  const settle = (order: Json): Json => {
    const left = polls.get(order.id) ?? 0;
    if (order.status !== 'pending' || state.documentsMissing) return order;
    if (left > 0) {
      polls.set(order.id, left - 1);
      return order;
    }
    const [line] = order.phone_numbers;
    const settled = { ...order, status: state.orderResult, phone_numbers: [{ ...line, status: state.orderResult }] };
    state.orders.set(order.id, settled);
    if (state.orderResult === 'success') {
      const connection = state.orderConnects ? { connection_id: order.connection_id } : {};
      telnyxNumber(state, ids, line.phone_number, { ...connection, phone_number_type: 'longcode' });
    }
    return settled;
  };

  return {
    ListAvailablePhoneNumbers(request) {
      const { query } = request;
      if (query.get('filter[country_code]') === null) return telnyxError(400, '10015', 'country_code is needed');
      const area = query.get('filter[national_destination_code]');
      if (area !== null && !/^[2-9]\d\d$/.test(area)) return telnyxError(400, '10031', 'Unrecognised destination code');
      const found = [...state.stock.values()].filter((item) => isWanted(item, request));
      const shown = found.slice(0, Number(query.get('filter[limit]') ?? '100'));
      for (const { phone_number } of shown) state.searched.add(phone_number);
      const meta = { total_results: shown.length, best_effort_results: 0 };
      return { status: 200, body: { data: shown, meta } };
    },
    ListNumberOrders(request) {
      const wanted = request.query.get('filter[customer_reference]');
      const orders = [...state.orders.values()].filter(
        (order) => wanted === null || order.customer_reference === wanted,
      );
      return page(request, orders.map(settle).map(listed));
    },
    CreateNumberOrder({ json }) {
      const [{ phone_number }] = json.phone_numbers;
      const item = state.stock.get(phone_number);
      if (!state.searched.has(phone_number)) return telnyxError(422, '85000', 'The number was not searched for');
      if (item === undefined) return telnyxError(422, '85001', 'The number is not available');
      const { upfront_cost, monthly_cost } = item.cost_information;
      if (Number(state.balance.available) < Number(upfront_cost) + Number(monthly_cost)) {
        return telnyxError(402, '20100', 'Insufficient funds');
      }
      state.stock.delete(phone_number);
      const order = {
        id: ids.uuid(),
        record_type: 'number_order',
        phone_numbers_count: 1,
        connection_id: json.connection_id,
        customer_reference: json.customer_reference,
        phone_numbers: [{ id: ids.uuid(), record_type: 'number_order_phone_number', phone_number, status: 'pending' }],
        sub_number_orders_ids: [ids.uuid()],
        status: 'pending',
        requirements_met: !state.documentsMissing,
        created_at: AT,
        updated_at: AT,
      };
      state.orders.set(order.id, order);
      polls.set(order.id, state.orderPolls);
      return data(200, order);
    },
    RetrieveNumberOrder({ params }) {
      const order = state.orders.get(params['number_order_id'] ?? '');
      return order === undefined ? notFound() : data(200, settle(order));
    },
    CancelSubNumberOrder({ params }) {
      const part = params['sub_number_order_id'] ?? '';
      const order = [...state.orders.values()].find(({ sub_number_orders_ids }) =>
        sub_number_orders_ids.includes(part),
      );
      if (order === undefined) return notFound();
      state.orders.delete(order.id);
      return data(200, { id: part, record_type: 'sub_number_order', status: 'pending', order_request_id: order.id });
    },
  };
}

/** In a list the lines are shorter. */
function listed(order: Json): Json {
  return { ...order, phone_numbers: order.phone_numbers.map(({ id, phone_number }: Json) => ({ id, phone_number })) };
}

function isWanted(item: Json, { query }: FakeRequest): boolean {
  const digits = item.phone_number.slice(2);
  const area = query.get('filter[national_destination_code]');
  // Without the area code where that is asked for, too.
  const rest = area === null ? digits : digits.slice(3);
  const features = (query.get('filter[features]') ?? '').split(',').filter((name) => name !== '');
  const has = item.features.map(({ name }: Json) => name);
  const isToll = /^8(00|33|44|55|66|77|88)/.test(digits);
  return (
    (area === null || digits.startsWith(area)) &&
    rest.endsWith(query.get('filter[phone_number][ends_with]') ?? '') &&
    features.every((name) => has.includes(name)) &&
    (query.get('filter[phone_number_type]') === 'toll_free') === isToll &&
    query.get('filter[country_code]') === item.region_information[0].region_name &&
    (query.get('filter[quickship]') !== 'true' || item.quickship)
  );
}
