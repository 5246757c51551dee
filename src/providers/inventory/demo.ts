// Numbers for sale without any account anywhere, for the demo: fictional, and real to this gateway.

import type { E164 } from '../../domain/e164.ts';
import type { Nano } from '../../domain/money.ts';
import { failed, ok } from '../outcome.ts';
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
import { searchProblem } from './area-codes.ts';
import { areaOf, stockFor } from './demo-stock.ts';
import { isReference } from './reference.ts';

/** Who has bought what. Kept by whoever runs the demo. */
export interface DemoSales {
  /** The reference that the number is sold to from now on: this one where it was free, the earlier one where it was not. */
  claim(e164: E164, reference: string): Promise<string>;
  /** What was sold to a reference; null = nothing. */
  find(reference: string): Promise<E164 | null>;
  isSold(e164: E164): Promise<boolean>;
  free(e164: E164): Promise<void>;
}

export interface DemoInventoryOptions {
  readonly sales: DemoSales;
  readonly currency: string;
  /** Numbers that are in use otherwise, such as the demo workspace's own. */
  readonly reserved: readonly E164[];
}

const UNIT = 1_000_000_000n;
const MONTHLY: Readonly<Partial<Record<NumberType, Nano>>> = { local: UNIT, tollfree: 2n * UNIT };
const OFFERS_MAX = 50;

export class DemoInventory implements NumberInventory {
  readonly provider = 'demo';
  readonly #sales: DemoSales;
  readonly #currency: string;
  readonly #reserved: ReadonlySet<E164>;

  constructor({ sales, currency, reserved }: DemoInventoryOptions) {
    this.#sales = sales;
    this.#currency = currency;
    this.#reserved = new Set(reserved);
  }

  async search(search: NumberSearch): Promise<Outcome<readonly NumberOffer[]>> {
    const problem = searchProblem(search);
    if (problem !== null) return failed('demo', problem);
    const limit = Math.min(Math.max(search.limit, 1), OFFERS_MAX);
    const offers: NumberOffer[] = [];
    for (const { e164, area } of stockFor(search)) {
      if (offers.length >= limit) break;
      if (!(await this.#isAvailable(e164))) continue;
      const { country, type, locality, region } = area;
      offers.push({ e164, country, type, locality, region, fees: this.#fees(type), notices: [] });
    }
    return offers.length === 0 ? failed('demo', 'out_of_stock') : ok(offers);
  }

  async order({ reference, e164, type, feesShown }: NumberPurchase): Promise<Outcome<NumberOrder>> {
    if (!isReference(reference)) return failed('demo', 'setup_invalid', { detail: 'reference' });
    const earlier = await this.#sales.find(reference);
    if (earlier === e164) return ok(active(reference, e164));
    if (earlier !== null) return failed('demo', 'order_reference_reused');
    if (areaOf(e164, type) === null || !(await this.#isAvailable(e164))) return failed('demo', 'number_gone');
    const fees = this.#fees(type);
    const isAsShown =
      fees.currency === feesShown.currency && fees.monthly <= feesShown.monthly && fees.setup <= feesShown.setup;
    if (!isAsShown) return failed('demo', 'price_higher');
    const holder = await this.#sales.claim(e164, reference);
    return holder === reference ? ok(active(reference, e164)) : failed('demo', 'number_gone');
  }

  async status(reference: string): Promise<Outcome<NumberOrder>> {
    if (!isReference(reference)) return failed('demo', 'setup_invalid', { detail: 'reference' });
    const e164 = await this.#sales.find(reference);
    return e164 === null ? failed('demo', 'not_found') : ok(active(reference, e164));
  }

  async release({ providerId, e164 }: { readonly providerId: string; readonly e164: E164 }): Promise<Outcome<null>> {
    if (providerId !== idOf(e164)) return failed('demo', 'setup_invalid', { detail: 'the id is of another number' });
    await this.#sales.free(e164);
    return ok(null);
  }

  async #isAvailable(e164: E164): Promise<boolean> {
    return !this.#reserved.has(e164) && !(await this.#sales.isSold(e164));
  }

  #fees(type: NumberType): NumberFees {
    return { currency: this.#currency, setup: 0n, monthly: MONTHLY[type] ?? UNIT };
  }
}

function active(reference: string, e164: E164): NumberOrder {
  return { reference, e164, state: 'active', providerId: idOf(e164), pollAfterMs: null };
}

function idOf(e164: E164): string {
  return `demo-${e164.slice(1)}`;
}
