// Numbers that are bought at once: searched, ordered, followed until they are there.
//
// Invariants
//   SH1. An order is stored before anything is done for it; open orders are gone on with at start, and every few seconds.
//   SH2. One order is worked on once at a time in this process. Of several nodes each works on its own orders, and on those of a node that has
//        not touched them for a quarter of an hour; even where two did, nothing is bought or charged twice (purchase.ts PU3).
//   SH3. Each number of an order stands for itself.
//   SH4. What numbers cost a workspace in a day (of UTC) stays within its `spendPerDay`, the orders that are open included: a key that was stolen
//        buys no more, also where nothing is paid in advance.

import { RecordTaken } from '../../directory/errors.ts';
import type { Page, PageOf } from '../../directory/directory.ts';
import type { RecordStore } from '../../directory/records.ts';
import type { E164 } from '../../domain/e164.ts';
import type { Ids } from '../../domain/ids.ts';
import type { Books } from '../../ledger/books.ts';
import type { NumberInventory, NumberOffer, NumberSearch } from '../../providers/index.ts';
import { failureOf, refuse, refuseAs } from '../failure.ts';
import type { NumberLog } from '../log.ts';
import { inParallel, within } from '../work.ts';
import type { Offers } from './offers.ts';
import { isDone, isOpen, type NumberOrder, type OrderedNumber, orderKey } from './order.ts';
import type { NumberPrice, Pricing } from './prices.ts';
import { Turns } from '../requests/turns.ts';
import { Purchase, type PurchaseDeps } from './purchase.ts';

export interface ShopDeps extends Omit<PurchaseDeps, 'books'> {
  readonly books: PurchaseDeps['books'] & Pick<Books, 'postings'>;
  readonly orders: RecordStore<NumberOrder>;
  readonly offers: Offers;
  readonly pricing: Pricing;
  readonly ids: Ids;
  readonly nodeId: string;
  readonly log: NumberLog;
  readonly onDone: (result: 'active' | 'failed') => void;
}

export interface PricedOffer {
  readonly offer: NumberOffer;
  readonly price: NumberPrice;
}

export interface OrderRequest {
  readonly workspaceId: string;
  readonly idempotencyKey: string;
  /** The same for two requests that ask for the same. */
  readonly fingerprint: string;
  readonly numbers: readonly E164[];
  readonly agentId: string | null;
}

/** As long as somebody waits for the answer of a request; an order usually takes some seconds. */
const ANSWER_MS = 20_000;
/** An order that nobody has touched for so long is of a node that is gone. */
const LEFT_MS = 900_000;
const AT_ONCE = 3;
/** So many more are asked for, in case that some are here already. */
const KNOWN_HERE = 10;
const PAGE = 100;
const DAY_MS = 86_400_000;
const FEES_READ_MAX = 1_000;

export class Shop {
  readonly #deps: ShopDeps;
  readonly #running = new Map<string, Promise<void>>();
  readonly #stop = new AbortController();
  /** By workspace: two orders at once do not both find the same room (SH4). */
  readonly #turns = new Turns();

  constructor(deps: ShopDeps) {
    this.#deps = deps;
  }

  /** Throws NumbersError where nothing can be offered. */
  async search(workspaceId: string, search: NumberSearch): Promise<readonly PricedOffer[]> {
    const { offers, pricing } = this.#deps;
    const outcome = await this.#inventory().search({ ...search, limit: search.limit + KNOWN_HERE });
    if (!outcome.ok) return refuseAs(outcome.failure);
    const priced: PricedOffer[] = [];
    for (const offer of outcome.value) {
      const price = pricing(offer);
      if (priced.length < search.limit && price !== null && !(await this.#isKnown(offer)))
        priced.push({ offer, price });
    }
    if (priced.length === 0) return refuse('out_of_stock');
    await offers.show(
      workspaceId,
      priced.map(({ offer: { e164, type, fees }, price }) => ({ e164, type, price, cost: fees })),
    );
    return priced;
  }

  /** The order as it stands when everything is decided, or after a while. A repeat finds the first one. */
  async order(request: OrderRequest): Promise<{ readonly order: NumberOrder; readonly isRepeat: boolean }> {
    const key = orderKey(request.workspaceId, request.idempotencyKey);
    const known = await this.#byKey(key);
    const made = known ?? (await this.#turns.take(request.workspaceId, () => this.#make(request, key)));
    if (made.fingerprint !== request.fingerprint) return refuse('idempotency_key_reused');
    if (this.#isMine(made)) await within(this.#deps.clock, ANSWER_MS, this.#work(made));
    return { order: (await this.#deps.orders.get(made.id)) ?? made, isRepeat: known !== undefined };
  }

  get(id: string, workspaceId?: string): Promise<NumberOrder | undefined> {
    return this.#deps.orders.get(id, workspaceId);
  }

  list(filter: { readonly workspaceId?: string } & Page): Promise<PageOf<NumberOrder>> {
    return this.#deps.orders.list(filter);
  }

  /** SH1, SH2. Resolves when everything that could be done now is done. */
  async resume(): Promise<void> {
    const { orders } = this.#deps;
    let cursor: string | null = null;
    do {
      const page = await orders.find({ where: { open: 'yes' }, limit: PAGE, ...(cursor === null ? {} : { cursor }) });
      const mine = page.items.filter((order) => this.#isMine(order));
      await inParallel(AT_ONCE, mine, (order) => this.#work(order));
      cursor = page.nextCursor;
    } while (cursor !== null && !this.#stop.signal.aborted);
  }

  /** What is under way stops at its next step and is gone on with by the next start. */
  async close(): Promise<void> {
    this.#stop.abort();
    await Promise.allSettled(this.#running.values());
  }

  /** SH2 */
  #isMine({ nodeId, aliveAt }: NumberOrder): boolean {
    return nodeId === this.#deps.nodeId || this.#deps.clock.wallMs() - aliveAt > LEFT_MS;
  }

  /** Somebody has it here already, as a number of the demo's or as one of an own carrier. */
  async #isKnown({ e164 }: NumberOffer): Promise<boolean> {
    return (await this.#deps.directory.numbers.byE164(e164)).length > 0;
  }

  #inventory(): NumberInventory {
    return this.#deps.inventory ?? refuse('inventory_off');
  }

  async #byKey(key: string): Promise<NumberOrder | undefined> {
    return (await this.#deps.orders.find({ where: { key }, limit: 1 })).items[0];
  }

  async #make(request: OrderRequest, key: string): Promise<NumberOrder> {
    const { orders, clock, nodeId } = this.#deps;
    const inventory = this.#inventory();
    const { workspaceId, fingerprint, agentId } = request;
    const now = clock.wallMs();
    const order: NumberOrder = {
      id: this.#deps.ids.next('nord'),
      createdAt: now,
      workspaceId,
      key,
      fingerprint,
      agentId,
      inventory: inventory.provider,
      nodeId,
      aliveAt: now,
      numbers: [],
    };
    const whole = { ...order, numbers: await this.#numbersOf(request, order.id) };
    await this.#checkSpending(whole);
    try {
      await orders.put(whole);
    } catch (error) {
      // The same request came twice at once (NO1).
      const other = error instanceof RecordTaken ? await this.#byKey(key) : undefined;
      if (other === undefined) throw error;
      return other;
    }
    return whole;
  }

  /** SH4 */
  async #checkSpending(order: NumberOrder): Promise<void> {
    const { directory, books, orders, clock } = this.#deps;
    const { workspaceId } = order;
    const limit = (await directory.workspaces.get(workspaceId))?.limits.spendPerDay ?? null;
    if (limit === null) return;
    const now = clock.wallMs();
    const fromMs = now - (now % DAY_MS);
    const charged = await books.postings({ workspaceId, meter: 'fee', fromMs, limit: FEES_READ_MAX });
    const open = await orders.find({ workspaceId, where: { open: 'yes' }, limit: PAGE });
    const spent = charged.reduce((sum, { amount }) => sum - amount, 0n);
    const total = [order, ...open.items].reduce((sum, each) => sum + costOf(each), spent);
    if (total > limit) refuse('spend_limit');
  }

  async #numbersOf({ workspaceId, numbers }: OrderRequest, orderId: string): Promise<OrderedNumber[]> {
    const { ids, offers } = this.#deps;
    const shown = await offers.of(workspaceId);
    return numbers.map((e164, index) => {
      const { type, price, cost } = shown.get(e164) ?? {};
      const offer = type === undefined || price === undefined || cost === undefined ? null : { type, price, cost };
      return {
        e164,
        numberId: ids.next('num'),
        reference: `${orderId}.${index}`,
        offer,
        step: offer === null ? 'failed' : 'new',
        askedAt: null,
        nextAt: null,
        providerId: null,
        failure: offer === null ? failureOf('number_not_searched') : null,
      };
    });
  }

  #work(order: NumberOrder): Promise<void> {
    if (!isOpen(order)) return Promise.resolve();
    const running = this.#running.get(order.id);
    if (running !== undefined) return running;
    const work = this.#advance(order).finally(() => this.#running.delete(order.id));
    this.#running.set(order.id, work);
    return work;
  }

  async #advance({ id }: NumberOrder): Promise<void> {
    const { clock, nodeId, orders } = this.#deps;
    const order = await orders.update(id, (known) => ({ ...known, nodeId, aliveAt: clock.wallMs() }));
    if (order === undefined) return;
    await inParallel(AT_ONCE, [...order.numbers.entries()], async ([index, item]) => {
      if (!isDone(item)) await this.#buy(order, index, item);
    });
  }

  async #buy(order: NumberOrder, index: number, item: OrderedNumber): Promise<void> {
    const { offer } = item;
    if (offer === null) return;
    const save = async (change: Partial<OrderedNumber>): Promise<void> => {
      await this.#save(order.id, index, change);
      if (change.step === 'active' || change.step === 'failed') this.#deps.onDone(change.step);
      if (this.#stop.signal.aborted) throw new ShopClosedError();
    };
    try {
      await new Purchase(this.#deps, order, { ...item, offer }, { save, signal: this.#stop.signal }).run();
    } catch (error) {
      if (error instanceof ShopClosedError) return;
      // A store that cannot be used now: the order is open, and is gone on with.
      this.#deps.log.error(
        { err: error, orderId: order.id },
        'the order of a number could not be gone on with; it is tried again',
      );
    }
  }

  async #save(orderId: string, index: number, change: Partial<OrderedNumber>): Promise<void> {
    const { orders, clock } = this.#deps;
    await orders.update(orderId, (known) => ({
      ...known,
      aliveAt: clock.wallMs(),
      numbers: known.numbers.map((one, at) => (at === index ? { ...one, ...change } : one)),
    }));
  }
}

/** Of what is not decided yet. */
function costOf({ numbers }: NumberOrder): bigint {
  return numbers
    .filter((item) => !isDone(item))
    .reduce((sum, { offer }) => sum + (offer === null ? 0n : offer.price.setup + offer.price.monthly), 0n);
}

/** The node is closing: what is done is stored, the rest is left to the next start. */
class ShopClosedError extends Error {
  readonly code = 'shop_closed';
}
