// What a workspace was shown last: an order is for a number at the price that was seen, by whichever node it is taken.
//
// Invariant OF1. A number is sold within half an hour of its search, at the price of that search or not at all.

import type { RecordKind, RecordStore } from '../../directory/records.ts';
import type { E164 } from '../../domain/e164.ts';
import type { NumberFees, NumberType } from '../../providers/index.ts';
import type { NumberPrice } from './prices.ts';

export interface ShownOffer {
  readonly e164: E164;
  readonly type: NumberType;
  readonly price: NumberPrice;
  /** What the provider asks us for it. */
  readonly cost: NumberFees;
  /** Wall-clock ms. */
  readonly shownAt: number;
}

/** One per workspace, with its id. */
interface ShownOffers {
  readonly id: string;
  readonly createdAt: number;
  readonly workspaceId: string;
  readonly offers: readonly ShownOffer[];
}

export const OFFERS_KIND: RecordKind<ShownOffers> = { name: 'number_offers', fields: () => ({}) };

export const OFFER_LIFETIME_MS = 1_800_000;
/** Some searches of 50. */
const OFFERS_MAX = 500;

export class Offers {
  readonly #store: RecordStore<ShownOffers>;
  readonly #nowMs: () => number;

  constructor(store: RecordStore<ShownOffers>, nowMs: () => number) {
    this.#store = store;
    this.#nowMs = nowMs;
  }

  async show(workspaceId: string, offers: readonly Omit<ShownOffer, 'shownAt'>[]): Promise<void> {
    const shownAt = this.#nowMs();
    const shown = offers.map((offer) => ({ ...offer, shownAt }));
    const names = new Set(shown.map(({ e164 }) => e164));
    const merge = (record: ShownOffers): ShownOffers => ({
      ...record,
      offers: [...shown, ...record.offers.filter((offer) => !names.has(offer.e164) && this.#holds(offer))].slice(
        0,
        OFFERS_MAX,
      ),
    });
    if ((await this.#store.update(workspaceId, merge)) !== undefined) return;
    // Always from the same time: two that come first together write one record, and the later one counts.
    await this.#store.put({ id: workspaceId, createdAt: 0, workspaceId, offers: shown });
  }

  async of(workspaceId: string): Promise<ReadonlyMap<string, ShownOffer>> {
    const record = await this.#store.get(workspaceId);
    return new Map((record?.offers ?? []).filter((offer) => this.#holds(offer)).map((offer) => [offer.e164, offer]));
  }

  #holds({ shownAt }: ShownOffer): boolean {
    return this.#nowMs() - shownAt <= OFFER_LIFETIME_MS;
  }
}
