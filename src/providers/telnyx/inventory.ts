// Numbers for sale from Telnyx, bought into the operator's own account and put on its connection.
//
// Invariants
//   TI1. An order is found by our reference before one is placed, and after every answer that was lost: it is bought once, and never twice.
//   TI2. What a number costs is asked again right before it is bought; more than was shown is refused.
//   TI3. A number is `active` when it is in the account and on the connection, whatever the order says.
//   TI4. Once there is an order, a failure to look at it has an unknown effect: only the order's own no is a no.

import type Telnyx from 'telnyx';
import { parseMoney } from '../../domain/money.ts';
import { isE164 } from '../../domain/e164.ts';
import { countryOf } from '../../routing/countries.ts';
import type { Fields } from '../api/fields.ts';
import { areaCodeOf, searchProblem } from '../inventory/area-codes.ts';
import { isReference } from '../inventory/reference.ts';
import { failedAs, hasFailed, noticesOf, ok } from '../outcome.ts';
import type {
  NumberFees,
  NumberInventory,
  NumberOffer,
  NumberOrder,
  NumberPurchase,
  NumberSearch,
  NumberType,
  Outcome,
} from '../provider.ts';
import { readBalance } from './account.ts';
import type { TelnyxClient } from './client.ts';
import type { TelnyxNumbers } from './numbers.ts';
import { type PlacedOrder, TelnyxOrders } from './orders.ts';

export interface TelnyxInventoryOptions {
  readonly client: TelnyxClient;
  readonly numbers: TelnyxNumbers;
  /** Of the operator's own trunk at Telnyx. */
  readonly connectionId: string;
  /** Numbers and references that are being ordered by this process. */
  readonly ordering: Set<string>;
}

type SearchFilter = Telnyx.AvailablePhoneNumberListParams.Filter;

const OFFERS_MAX = 50;

export class TelnyxInventory implements NumberInventory {
  readonly provider = 'telnyx';
  readonly #options: TelnyxInventoryOptions;
  readonly #client: TelnyxClient;
  readonly #orders: TelnyxOrders;

  constructor(options: TelnyxInventoryOptions) {
    this.#options = options;
    this.#client = options.client;
    this.#orders = new TelnyxOrders(options);
  }

  async search(search: NumberSearch, signal?: AbortSignal): Promise<Outcome<readonly NumberOffer[]>> {
    const problem = searchProblem(search);
    if (problem !== null) return this.#client.fail(problem);
    const limit = Math.min(Math.max(search.limit, 1), OFFERS_MAX);
    const { country, type, areaCode } = search;
    const area = areaCode === null ? {} : { national_destination_code: areaCode };
    const offers = await this.#available({ ...filterOf(country, type), ...area, limit }, { country, type }, signal);
    if (!offers.ok) return offers;
    return offers.value.length === 0 ? this.#client.fail('out_of_stock') : offers;
  }

  async order(purchase: NumberPurchase, signal?: AbortSignal): Promise<Outcome<NumberOrder>> {
    const { ordering } = this.#options;
    const { reference, e164 } = purchase;
    if (!isReference(reference)) return this.#client.fail('setup_invalid', 'reference');
    if (ordering.has(reference) || ordering.has(e164)) return this.#client.fail('order_running');
    ordering.add(reference).add(e164);
    try {
      return await this.#order(purchase, signal);
    } finally {
      ordering.delete(reference);
      ordering.delete(e164);
    }
  }

  async status(reference: string, signal?: AbortSignal): Promise<Outcome<NumberOrder>> {
    if (!isReference(reference)) return this.#client.fail('setup_invalid', 'reference');
    const order = await this.#orders.find(reference, signal);
    if (!order.ok) return order;
    if (order.value === null) return this.#client.fail('not_found', 'no order has this reference');
    return this.#follow(order.value, signal);
  }

  async release(
    { providerId, e164 }: { readonly providerId: string; readonly e164: NumberOrder['e164'] },
    signal?: AbortSignal,
  ): Promise<Outcome<null>> {
    const number = await this.#options.numbers.read(providerId, signal);
    if (hasFailed(number, 'number_not_in_account')) return ok(null);
    if (!number.ok) return number;
    // What is given back is gone for good: better to refuse than to give back another one.
    if (number.value.e164 !== e164) return this.#client.fail('setup_invalid', 'the id is of another number');
    if (number.value.isLocked) return this.#client.fail('number_locked');
    return this.#client.removed({
      operation: 'DeletePhoneNumber',
      area: 'numbers',
      send: (telnyx) => telnyx.phoneNumbers.delete(providerId),
      signal,
    });
  }

  async #order(purchase: NumberPurchase, signal?: AbortSignal): Promise<Outcome<NumberOrder>> {
    const { reference, e164 } = purchase;
    const earlier = await this.#orders.find(reference, signal);
    if (!earlier.ok) return earlier;
    if (earlier.value !== null) {
      if (earlier.value.e164 !== e164) return this.#client.fail('order_reference_reused');
      return this.#follow(earlier.value, signal);
    }
    const affordable = await this.#stillAsShown(purchase, signal);
    if (!affordable.ok) return affordable;
    const placed = await this.#orders.place(purchase, signal);
    return placed.ok ? this.#follow(placed.value, signal) : placed;
  }

  /** TI4 */
  async #follow(order: PlacedOrder, signal?: AbortSignal): Promise<Outcome<NumberOrder>> {
    const followed = await this.#orders.follow(order, signal);
    if (followed.ok || hasFailed(followed, 'order_refused', 'documents_required')) return followed;
    return { ok: false, failure: { ...followed.failure, effect: 'unknown' } };
  }

  /** TI2; and only numbers that a search has just found can be ordered. */
  async #stillAsShown({ e164, type, feesShown }: NumberPurchase, signal?: AbortSignal): Promise<Outcome<null>> {
    const areaCode = areaCodeOf(e164);
    const country = countryOf(e164);
    if (areaCode === null || country === undefined) return this.#client.fail('country_unsupported');
    const filter = {
      ...filterOf(country, type),
      national_destination_code: areaCode,
      phone_number: { ends_with: e164.slice(-LOCAL_DIGITS) },
      limit: 10,
    };
    const offers = await this.#available(filter, { country, type }, signal);
    if (!offers.ok) return offers;
    const offer = offers.value.find((one) => one.e164 === e164);
    if (offer === undefined) return this.#client.fail('number_gone');
    const { fees } = offer;
    const isDearer = fees.setup > feesShown.setup || fees.monthly > feesShown.monthly;
    if (isDearer || fees.currency !== feesShown.currency) return this.#client.fail('price_higher');
    return this.#covered(fees, signal);
  }

  /** Where the balance cannot be read the order itself will tell. */
  async #covered({ setup, monthly }: NumberFees, signal?: AbortSignal): Promise<Outcome<null>> {
    const money = await readBalance(this.#client, signal);
    if (!money.ok && !hasFailed(money, 'permission_account')) return money;
    const available = money.ok ? money.value.available : null;
    return available !== null && available < setup + monthly ? this.#client.fail('insufficient_funds') : ok(null);
  }

  async #available(
    filter: SearchFilter,
    kind: { readonly country: string; readonly type: NumberType },
    signal?: AbortSignal,
  ): Promise<Outcome<readonly NumberOffer[]>> {
    const offers = await this.#client.list(
      {
        operation: 'ListAvailablePhoneNumbers',
        area: 'ordering',
        send: (telnyx) => telnyx.availablePhoneNumbers.list({ filter }),
        signal,
      },
      (item) => readOffer(item, kind),
    );
    if (offers.ok) return ok(offers.value.filter((offer) => offer !== null));
    // A request that is refused for what it asks for: an area code they do not know, a country or type that they do not have.
    if (hasFailed(offers, 'not_found')) return failedAs('no_coverage', offers);
    if (!hasFailed(offers, 'request_refused')) return offers;
    const isArea =
      AREA_CODES_REFUSED.has(offers.failure.told?.code ?? '') && filter.national_destination_code !== undefined;
    return failedAs(isArea ? 'area_code_invalid' : 'no_coverage', offers);
  }
}

const LOCAL_DIGITS = 7;
const AREA_CODES_REFUSED = new Set(['10015', '10031']);

function filterOf(country: string, type: NumberType): SearchFilter {
  return {
    country_code: country,
    phone_number_type: type === 'tollfree' ? 'toll_free' : type,
    // Numbers that can call out are those with emergency calling; toll-free ones have none.
    features: type === 'tollfree' ? ['voice'] : ['voice', 'emergency'],
    best_effort: false,
    // Otherwise activation can take two business days.
    ...(type === 'tollfree' ? { quickship: true } : {}),
  };
}

/** null for what cannot be sold: no number, or no price. */
function readOffer(
  item: Fields,
  { country, type }: { readonly country: string; readonly type: NumberType },
): NumberOffer | null {
  const e164 = item.textOrNull('phone_number') ?? '';
  const fees = readFees(item.objectOrNull('cost_information'));
  if (!isE164(e164) || fees === null) return null;
  const regions = item.listOrEmpty('region_information');
  const region = (kind: string): string | null =>
    regions.find((one) => one.textOrNull('region_type') === kind)?.textOrNull('region_name') ?? null;
  return {
    e164,
    country: region('country_code') ?? country,
    type,
    locality: region('location') ?? region('rate_center'),
    region: region('state'),
    fees,
    notices: noticesOf({ best_effort: item.boolean('best_effort', false) }),
  };
}

function readFees(cost: Fields | null): NumberFees | null {
  const currency = cost?.textOrNull('currency') ?? null;
  const setup = parseMoney(cost?.textOrNull('upfront_cost') ?? '');
  const monthly = parseMoney(cost?.textOrNull('monthly_cost') ?? '');
  return currency === null || setup === undefined || monthly === undefined ? null : { currency, setup, monthly };
}
