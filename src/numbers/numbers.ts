// The room's door: numbers that are bought, paid for month by month, imported from accounts at providers, and given back.

import type { Directory } from '../directory/directory.ts';
import type { Clock } from '../domain/clock.ts';
import type { PhoneNumber } from '../domain/directory.ts';
import type { Ids, RandomBytes } from '../domain/ids.ts';
import type { Books } from '../ledger/books.ts';
import type { NumberInventory, Providers } from '../providers/index.ts';
import { ACCOUNTS_KIND, IMPORTS_KIND } from './accounts/account.ts';
import { Accounts } from './accounts/accounts.ts';
import type { PublicGateway } from './accounts/trunk.ts';
import { Fees } from './fees/fees.ts';
import { SUBSCRIPTIONS_KIND } from './fees/subscription.ts';
import type { NumberLog } from './log.ts';
import { finishReleases, release } from './release.ts';
import { Offers, OFFERS_KIND } from './shop/offers.ts';
import { ORDERS_KIND } from './shop/order.ts';
import { createPricing, type NumberPriceRow } from './shop/prices.ts';
import { Shop } from './shop/shop.ts';
import { repeat } from './work.ts';

export interface NumbersDeps {
  readonly directory: Directory;
  readonly books: Books;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly randomBytes: RandomBytes;
  readonly log: NumberLog;
  readonly nodeId: string;
  readonly providers: Providers;
  /** null = numbers are not sold here. */
  readonly inventory: NumberInventory | null;
  readonly observer: NumbersObserver;
  readonly terms: NumberTerms;
}

/** For metrics. */
export interface NumbersObserver {
  ordered(result: 'active' | 'failed'): void;
  unpaid(numbers: number): void;
}

export interface NumberTerms {
  /** Of all money here. */
  readonly currency: string;
  readonly prices: readonly NumberPriceRow[];
  /** The managed trunk that bought numbers come in on; null = any. */
  readonly trunkId: string | null;
  readonly feeGraceMs: number;
  /** Where calls of imported numbers are to arrive. */
  readonly gateway: PublicGateway;
  readonly allowedCountries: 'worldwide' | readonly string[];
}

export interface Numbers {
  readonly shop: Shop;
  readonly accounts: Accounts;
  readonly fees: Fees;
  /** For good: given back, put back or forgotten. Throws NumbersError where the provider does not let go. */
  release(number: PhoneNumber): Promise<void>;
  /** Goes on with what an earlier process has begun, and from then on does what comes up by itself. */
  start(): void;
  close(): Promise<void>;
}

const ORDERS_EVERY_MS = 10_000;
const FEES_EVERY_MS = 600_000;
const SETUPS_EVERY_MS = 60_000;

export function openNumbers(deps: NumbersDeps): Numbers {
  const { directory, books, clock, ids, log, nodeId, inventory, observer, terms } = deps;
  const nowMs = (): number => clock.wallMs();
  const subscriptions = directory.records(SUBSCRIPTIONS_KIND);
  const fees = new Fees({ subscriptions, directory, books, clock, graceMs: terms.feeGraceMs, log });
  const shop = new Shop({
    directory,
    books,
    fees,
    inventory,
    trunkId: terms.trunkId,
    clock,
    orders: directory.records(ORDERS_KIND),
    offers: new Offers(directory.records(OFFERS_KIND), nowMs),
    pricing: createPricing(terms.currency, terms.prices),
    ids,
    nodeId,
    log,
    onDone: (result) => observer.ordered(result),
  });
  const accounts = new Accounts({
    ...deps,
    accounts: directory.records(ACCOUNTS_KIND),
    imports: directory.records(IMPORTS_KIND),
    sealedImports: directory.records({ ...IMPORTS_KIND, secrets: (item) => item }),
    gateway: terms.gateway,
    allowedCountries: terms.allowedCountries,
  });
  const releasing = {
    directory,
    subscriptions,
    inventory,
    detach: (number: PhoneNumber) => accounts.detach(number),
    log,
  };
  const stops: (() => Promise<void>)[] = [];

  return {
    shop,
    accounts,
    fees,
    release: (number) => release(releasing, number),
    start() {
      stops.push(
        repeat(clock, ORDERS_EVERY_MS, 'following orders of numbers', () => shop.resume(), log),
        repeat(clock, SETUPS_EVERY_MS, 'following set-ups of provider accounts', () => accounts.resume(), log),
        repeat(
          clock,
          FEES_EVERY_MS,
          'charging numbers',
          () => Promise.all([sweepFees(), finishReleases(releasing)]),
          log,
        ),
      );
    },
    async close() {
      await Promise.all([...stops.splice(0).map((stop) => stop()), shop.close(), accounts.close()]);
    },
  };

  async function sweepFees(): Promise<void> {
    const report = await fees.sweep();
    observer.unpaid(report.unpaid);
    if (report.charged > 0 || report.unpaid > 0) log.info({ ...report }, 'monthly fees of numbers were charged');
  }
}
