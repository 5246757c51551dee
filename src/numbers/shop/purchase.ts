// Buys one number of an order, step by step (order.ts), from wherever it stands.
//
// Invariants
//   PU1. Money is held before the provider is asked, charged once the number is seen in the account, and given back on a definite no.
//   PU2. A no is definite where the provider has not been asked before, or says so about this very order, or knows of no order some time after
//        it was asked. Everything else is looked up again: an order is found by its reference and placed at most once.
//   PU3. Every effect may be repeated: holds, postings and records have ids that are made of the order.

import { NumberTaken, UnknownReference } from '../../directory/errors.ts';
import type { Directory } from '../../directory/directory.ts';
import type { Clock } from '../../domain/clock.ts';
import type { PhoneNumber } from '../../domain/directory.ts';
import { type Books, NO_CALL_LIMITS } from '../../ledger/books.ts';
import type { NumberInventory, NumberOrder as ProviderOrder, Outcome, ProviderFailure } from '../../providers/index.ts';
import { failureOf, failureOfProvider } from '../failure.ts';
import type { Fees } from '../fees/fees.ts';
import type { NumberOrder, OrderedNumber } from './order.ts';

export interface PurchaseDeps {
  readonly directory: Pick<Directory, 'numbers' | 'workspaces'>;
  readonly books: Pick<Books, 'reserve' | 'release'>;
  readonly fees: Fees;
  /** null = numbers are not sold any more; what was bought is finished all the same. */
  readonly inventory: NumberInventory | null;
  /** The managed trunk that bought numbers come in on; null = any. */
  readonly trunkId: string | null;
  readonly clock: Clock;
}

/** What a purchase needs of the one order. */
export interface PurchaseRun {
  /** Resolves when the change is stored. */
  readonly save: (change: Partial<OrderedNumber>) => Promise<void>;
  /** The process is ending: what a provider is asked for is left, and looked up by the next start. */
  readonly signal: AbortSignal;
}

/** Longer than any order takes, and than a node stands still: then the money returns by itself. */
const HOLD_MS = 86_400_000;
/** After so long a provider's lists show an order that was placed. */
const LISTED_MS = 30_000;
const AGAIN_MIN_MS = 30_000;
const AGAIN_MAX_MS = 900_000;
/** So long a number is still bought after its order; beyond that it is only looked for. */
const WANTED_MS = 86_400_000;
/** Said of the order itself. */
const OF_THE_ORDER = new Set(['order_refused', 'documents_required', 'order_reference_reused']);

type Change = Partial<OrderedNumber>;
type Offered = OrderedNumber & { readonly offer: NonNullable<OrderedNumber['offer']> };

export class Purchase {
  readonly #deps: PurchaseDeps;
  readonly #order: NumberOrder;
  readonly #run: PurchaseRun;
  #item: Offered;

  constructor(deps: PurchaseDeps, order: NumberOrder, item: Offered, run: PurchaseRun) {
    this.#deps = deps;
    this.#order = order;
    this.#item = item;
    this.#run = run;
  }

  /** Until it is done, or has to wait. Rejects where a store cannot be used: it goes on from there later. */
  async run(): Promise<void> {
    for (let change = await this.#step(); change !== null; change = await this.#step()) await this.#put(change);
  }

  async #put(change: Change): Promise<void> {
    await this.#run.save(change);
    this.#item = { ...this.#item, ...change } as Offered;
  }

  /** null = nothing to do now. */
  #step(): Promise<Change | null> {
    switch (this.#item.step) {
      case 'new':
        return this.#hold();
      case 'held':
        return this.#reserveNumber();
      case 'ordering':
        return this.#ask();
      case 'owned':
        return this.#charge();
      case 'charged':
        return this.#activate();
      case 'failing':
        return this.#giveBack();
      case 'active':
      case 'failed':
        return Promise.resolve(null);
    }
  }

  get #holdId(): string {
    return `fee:${this.#item.numberId}`;
  }

  async #hold(): Promise<Change> {
    if ((await this.#reserve()) === 'insufficient') return { step: 'failed', failure: failureOf('balance_too_low') };
    return { step: 'held' };
  }

  /** A renewal that comes from a clock that was set back leaves the hold as it is. */
  async #reserve(): Promise<'held' | 'insufficient'> {
    const { books, clock, directory } = this.#deps;
    const { workspaceId } = this.#order;
    const { setup, monthly } = this.#item.offer.price;
    const workspace = await directory.workspaces.get(workspaceId);
    const nowMs = clock.wallMs();
    try {
      const outcome = await books.reserve({
        id: this.#holdId,
        workspaceId,
        amount: setup + monthly,
        expiresAtMs: nowMs + HOLD_MS,
        nowMs,
        prepaid: workspace?.billingMode !== 'postpaid',
        limits: NO_CALL_LIMITS,
      });
      return outcome === 'held' ? 'held' : 'insufficient';
    } catch (error) {
      if ((error as { readonly code?: string }).code === 'hold_outdated') return 'held';
      throw error;
    }
  }

  /** The record keeps the number from being taken otherwise while it is bought; calls do not see it yet. */
  async #reserveNumber(): Promise<Change> {
    const { numbers } = this.#deps.directory;
    const number = this.#record();
    if ((await numbers.get(number.id)) !== undefined) return { step: 'ordering' };
    try {
      await numbers.put(number);
    } catch (error) {
      if (error instanceof NumberTaken) return { step: 'failing', failure: failureOf('number_taken') };
      // The agent was deleted since the order was taken: the number shows that it has none.
      if (!(error instanceof UnknownReference)) throw error;
      await numbers.put({ ...number, agentId: null });
    }
    return { step: 'ordering' };
  }

  #record(): PhoneNumber {
    const { workspaceId, agentId, createdAt } = this.#order;
    return {
      id: this.#item.numberId,
      createdAt,
      e164: this.#item.e164,
      workspaceId,
      provider: 'managed',
      trunkId: this.#deps.trunkId,
      agentId,
      supportsInbound: true,
      supportsOutbound: true,
      status: 'pending',
    };
  }

  async #ask(): Promise<Change | null> {
    const { inventory, clock } = this.#deps;
    const { askedAt, nextAt } = this.#item;
    const now = clock.wallMs();
    if (inventory === null || inventory.provider !== this.#order.inventory || now < (nextAt ?? 0)) return null;
    // Without `nextAt` the process ended while it asked.
    if (askedAt !== null && nextAt === null && now < askedAt + LISTED_MS) {
      await this.#put({ nextAt: askedAt + LISTED_MS });
      return null;
    }
    await this.#put({ askedAt: askedAt ?? now, nextAt: null });
    if (askedAt !== null) await this.#reserve();
    const isWanted = now < this.#order.createdAt + WANTED_MS;
    const { signal } = this.#run;
    const outcome = await (isWanted ? this.#place(inventory) : inventory.status(this.#item.reference, signal));
    // Cut off by us: no answer says anything.
    if (signal.aborted && !outcome.ok) return null;
    return this.#judge(inventory, outcome, askedAt === null);
  }

  #place(inventory: NumberInventory): Promise<Outcome<ProviderOrder>> {
    const { reference, e164, offer } = this.#item;
    return inventory.order({ reference, e164, type: offer.type, feesShown: offer.cost }, this.#run.signal);
  }

  async #judge(inventory: NumberInventory, outcome: Outcome<ProviderOrder>, isFirst: boolean): Promise<Change | null> {
    if (outcome.ok) return this.#placed(outcome.value);
    const { failure } = outcome;
    if (isDefinite(failure, isFirst)) return { step: 'failing', failure: failureOfProvider(failure) };
    if (failure.effect === 'unknown' || failure.code === 'order_running') return this.#later();
    // It was asked before, and nobody knows what came of that: only the order itself can tell.
    const order = failure.code === 'not_found' ? outcome : await inventory.status(this.#item.reference);
    if (order.ok) return this.#placed(order.value);
    const isNone =
      order.failure.code === 'not_found' && this.#deps.clock.wallMs() >= (this.#item.askedAt ?? 0) + LISTED_MS;
    if (!isNone && !isDefinite(order.failure, false)) return this.#later();
    const why = failure.code === 'not_found' ? failureOf('order_refused') : failureOfProvider(failure);
    return { step: 'failing', failure: why };
  }

  async #placed({ state, providerId, pollAfterMs }: ProviderOrder): Promise<Change | null> {
    if (state === 'active') return { step: 'owned', providerId, nextAt: null };
    return this.#later(pollAfterMs ?? AGAIN_MIN_MS);
  }

  /** The longer it has been open, the more seldom. */
  async #later(afterMs?: number): Promise<null> {
    const now = this.#deps.clock.wallMs();
    const ageMs = now - (this.#item.askedAt ?? now);
    await this.#put({ nextAt: now + (afterMs ?? Math.min(AGAIN_MAX_MS, Math.max(AGAIN_MIN_MS, ageMs / 2))) });
    return null;
  }

  async #charge(): Promise<Change> {
    const { numberId, e164, offer } = this.#item;
    const { workspaceId, createdAt } = this.#order;
    await this.#deps.fees.chargeFirst({
      numberId,
      workspaceId,
      e164,
      price: offer.price,
      fromMs: createdAt,
      holdId: this.#holdId,
    });
    return { step: 'charged' };
  }

  async #activate(): Promise<Change> {
    const { fees, directory } = this.#deps;
    const { numberId, e164, offer, providerId } = this.#item;
    const { workspaceId, createdAt, inventory } = this.#order;
    await fees.subscribe({ numberId, workspaceId, e164, price: offer.price, fromMs: createdAt, inventory, providerId });
    await directory.numbers.update(numberId, (number) =>
      number.status === 'pending' ? { ...number, status: 'active' } : number,
    );
    return { step: 'active' };
  }

  async #giveBack(): Promise<Change> {
    const { directory, books } = this.#deps;
    const { numberId } = this.#item;
    const number = await directory.numbers.get(numberId);
    if (number?.status === 'pending') await directory.numbers.delete(numberId);
    await books.release(this.#order.workspaceId, this.#holdId);
    return { step: 'failed' };
  }
}

/** PU2 */
function isDefinite({ effect, code }: ProviderFailure, isFirst: boolean): boolean {
  if (effect === 'unknown' || code === 'order_unconfirmed' || code === 'order_running') return false;
  return isFirst || OF_THE_ORDER.has(code);
}
