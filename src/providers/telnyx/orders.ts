// Number orders at Telnyx: placed once, found by our reference, followed until the number is there. `200` to an order is not yet a number.

import { type E164, isE164 } from '../../domain/e164.ts';
import { AnswerInvalid, type Fields } from '../api/fields.ts';
import { hasFailed, ok } from '../outcome.ts';
import type { NumberOrder, NumberPurchase, Outcome } from '../provider.ts';
import type { TelnyxClient } from './client.ts';
import { readNumberOrNull, type TelnyxNumber } from './number.ts';
import type { TelnyxNumbers } from './numbers.ts';

export interface TelnyxOrdersOptions {
  readonly client: TelnyxClient;
  readonly numbers: TelnyxNumbers;
  readonly connectionId: string;
}

export interface PlacedOrder {
  readonly id: string;
  readonly reference: string;
  readonly e164: E164;
  readonly status: string;
  readonly isWithoutDocuments: boolean;
  readonly parts: readonly string[];
}

/** A local number takes seconds: so long it is waited for here. Then whoever ordered asks again. */
const POLLS_MS = [1_000, 2_000, 4_000, 8_000];
const POLL_LATER_MS = 60_000;
const FAILED = new Set(['failure', 'cancelled', 'deleted']);

export class TelnyxOrders {
  readonly #options: TelnyxOrdersOptions;
  readonly #client: TelnyxClient;

  constructor(options: TelnyxOrdersOptions) {
    this.#options = options;
    this.#client = options.client;
  }

  /** null = none has the reference. */
  async find(reference: string, signal?: AbortSignal): Promise<Outcome<PlacedOrder | null>> {
    const filter = { customer_reference: reference };
    const orders = await this.#client.all(
      {
        operation: 'ListNumberOrders',
        area: 'ordering',
        send: (telnyx, page) => telnyx.numberOrders.list({ ...page, filter }),
        signal,
      },
      // What others have ordered need not be readable.
      (item) => (item.textOrNull('customer_reference') === reference ? readOrder(item) : null),
    );
    return orders.ok ? ok(orders.value.find((order) => order !== null) ?? null) : orders;
  }

  /** Where the answer is lost, or somebody (ourselves?) just bought the number, the order is looked for. */
  async place({ reference, e164 }: NumberPurchase, signal?: AbortSignal): Promise<Outcome<PlacedOrder>> {
    const order = {
      phone_numbers: [{ phone_number: e164 }],
      connection_id: this.#options.connectionId,
      customer_reference: reference,
    };
    const placed = await this.#client.call({
      operation: 'CreateNumberOrder',
      area: 'ordering',
      does: 'makes',
      send: (telnyx) => telnyx.numberOrders.create(order),
      read: readOrder,
      signal,
    });
    if (placed.ok) return placed;
    const isUnsure = placed.failure.effect === 'unknown';
    if (!isUnsure && !hasFailed(placed, 'number_gone', 'number_reserved', 'number_not_searched')) return placed;
    const found = await this.#lookFor(reference, isUnsure, signal);
    if (found.ok && found.value !== null) return ok(found.value);
    return isUnsure ? this.#unconfirmed() : placed;
  }

  /** Until the number is there, the order has failed, or it has been waited long enough. */
  async follow(order: PlacedOrder, signal?: AbortSignal): Promise<Outcome<NumberOrder>> {
    let now = order;
    for (const pollMs of [...POLLS_MS, null]) {
      if (FAILED.has(now.status)) return this.#client.fail('order_refused', now.status);
      if (now.isWithoutDocuments) return this.#withdraw(now, signal);
      const number = now.status === 'success' ? await this.#delivered(now, signal) : ok(null);
      if (!number.ok) return number;
      if (number.value !== null) return ok(active(now, number.value));
      if (pollMs === null) break;
      await this.#client.wait(pollMs, signal);
      if (signal?.aborted) break;
      const polled = await this.#fetch(now, signal);
      if (!polled.ok) return polled;
      now = polled.value;
    }
    const { reference, e164 } = now;
    return ok({ reference, e164, state: 'pending', providerId: null, pollAfterMs: POLL_LATER_MS });
  }

  #fetch({ id }: PlacedOrder, signal?: AbortSignal): Promise<Outcome<PlacedOrder>> {
    return this.#client.call({
      operation: 'RetrieveNumberOrder',
      area: 'ordering',
      send: (telnyx) => telnyx.numberOrders.retrieve(id),
      read: readOrder,
      signal,
    });
  }

  /** The number has an id of its own; that within the order is the order line's. null = not to be seen yet. */
  async #delivered({ e164 }: PlacedOrder, signal?: AbortSignal): Promise<Outcome<TelnyxNumber | null>> {
    const { numbers, connectionId } = this.#options;
    // Digits alone: with the plus their filter finds nothing.
    const filter = { phone_number: e164.slice(1) };
    const list = await this.#client.all(
      {
        operation: 'ListPhoneNumbers',
        area: 'numbers',
        send: (telnyx, page) => telnyx.phoneNumbers.list({ ...page, filter }),
        signal,
      },
      readNumberOrNull,
    );
    if (!list.ok) return list;
    const number = list.value.find((one) => one?.e164 === e164) ?? null;
    if (number === null || number.connectionId === connectionId) return ok(number);
    const assigned = await numbers.assign(number.id, connectionId, signal);
    // It was bought a moment ago.
    if (hasFailed(assigned, 'number_processing', 'number_not_in_account')) return ok(null);
    return assigned.ok ? ok(number) : assigned;
  }

  async #lookFor(reference: string, isPatient: boolean, signal?: AbortSignal): Promise<Outcome<PlacedOrder | null>> {
    const looksMax = isPatient ? this.#client.limits.looksMax : 1;
    for (let looks = 1; ; looks += 1) {
      const found = await this.find(reference, signal);
      if (!found.ok || found.value !== null || looks >= looksMax) return found;
      if (!(await this.#client.pause(looks - 1, signal))) return found;
    }
  }

  /** Numbers that are sold at once need no documents. One that does would wait for them for days: the order is taken back. */
  async #withdraw(order: PlacedOrder, signal?: AbortSignal): Promise<Outcome<never>> {
    for (const part of order.parts) {
      const cancelled = await this.#client.call({
        operation: 'CancelSubNumberOrder',
        area: 'ordering',
        does: 'sets',
        send: (telnyx) => telnyx.subNumberOrders.cancel(part),
        read: () => null,
        signal,
      });
      if (!cancelled.ok && cancelled.failure.retry === 'later') return cancelled;
    }
    return this.#client.fail('documents_required');
  }

  #unconfirmed(): Outcome<never> {
    const failure = this.#client.fail('order_unconfirmed');
    return { ok: false, failure: { ...failure.failure, effect: 'unknown' } };
  }
}

function active({ reference, e164 }: PlacedOrder, { id }: TelnyxNumber): NumberOrder {
  return { reference, e164, state: 'active', providerId: id, pollAfterMs: null };
}

function readOrder(item: Fields): PlacedOrder {
  const e164 = item.list('phone_numbers')[0]?.textOrNull('phone_number') ?? '';
  if (!isE164(e164)) throw new AnswerInvalid('phone_numbers[0].phone_number', 'a number in E.164 form');
  const status = item.text('status');
  return {
    id: item.text('id'),
    reference: item.textOrNull('customer_reference') ?? '',
    e164,
    status,
    isWithoutDocuments: status === 'pending' && !item.boolean('requirements_met', true),
    parts: item.texts('sub_number_orders_ids'),
  };
}
