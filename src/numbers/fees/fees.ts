// What numbers cost: set-up and first month when one is bought, then every month.
//
// Invariants
//   FE1. A month of a number is charged once: its posting is called `fee:<number>:<month>`, on whichever node and however often it is tried.
//   FE2. A month that a prepaid workspace cannot pay is not charged. The number says so (`unpaid`), is suspended for outbound calls after the
//        grace, and is never given back by that. The first sweep that finds the money sets it right.
//   FE3. A sweep is bounded, and one that fails leaves every number as it was or as it should be.
//   FE4. A number that was released is not charged, also where it was given back before its subscription was written down.

import type { Directory } from '../../directory/directory.ts';
import type { RecordStore } from '../../directory/records.ts';
import type { Clock } from '../../domain/clock.ts';
import type { PhoneNumber } from '../../domain/directory.ts';
import type { E164 } from '../../domain/e164.ts';
import type { Books, NewPosting } from '../../ledger/books.ts';
import type { NumberLog } from '../log.ts';
import type { NumberPrice } from '../shop/prices.ts';
import { each } from '../work.ts';
import { dayOf, monthLabel, monthStart } from './month.ts';
import { dueAt, type Subscription } from './subscription.ts';

export interface FeesDeps {
  readonly subscriptions: RecordStore<Subscription>;
  readonly directory: Pick<Directory, 'numbers' | 'workspaces'>;
  readonly books: Pick<Books, 'settle' | 'postFee'>;
  readonly clock: Clock;
  /** From the day that a month is owed to the end of outbound calls. */
  readonly graceMs: number;
  readonly log: NumberLog;
}

export interface ChargedNumber {
  readonly numberId: string;
  readonly workspaceId: string;
  readonly e164: E164;
  readonly price: NumberPrice;
  /** Start of the first month. */
  readonly fromMs: number;
}

export interface SweepReport {
  readonly charged: number;
  readonly unpaid: number;
  readonly failed: number;
}

const DAY_MS = 86_400_000;
/** Months of one number in one sweep; the next sweep goes on. */
const MONTHS_MAX = 24;

type Result = 'charged' | 'nothing' | 'unpaid' | 'failed';

export class Fees {
  readonly #deps: FeesDeps;
  /** The last day whose dues were looked at; null = all are looked at. */
  #sweptDay: number | null = null;

  constructor(deps: FeesDeps) {
    this.#deps = deps;
  }

  /** Set-up fee and first month, out of what was held for them. May be repeated. */
  async chargeFirst({
    numberId,
    workspaceId,
    e164,
    price,
    fromMs,
    holdId,
  }: ChargedNumber & { readonly holdId: string }): Promise<void> {
    const at = this.#deps.clock.wallMs();
    const fee = (id: string, amount: bigint, note: string): NewPosting[] =>
      amount === 0n ? [] : [{ id, workspaceId, callId: null, meter: 'fee', quantityMs: 0, amount: -amount, at, note }];
    const postings = [
      ...fee(`fee:${numberId}:setup`, price.setup, `Set-up of ${e164}`),
      ...fee(feeId(numberId, fromMs, 0), price.monthly, noteOf(e164, fromMs, 0)),
    ];
    await this.#deps.books.settle({ workspaceId, holdId, postings, costs: [] });
  }

  /** From the second month on. May be repeated. */
  async subscribe(number: ChargedNumber & Pick<Subscription, 'inventory' | 'providerId'>): Promise<void> {
    const { subscriptions } = this.#deps;
    const { numberId, workspaceId, e164, price, fromMs, inventory, providerId } = number;
    if ((await subscriptions.get(numberId)) !== undefined) return;
    const common = { id: numberId, createdAt: fromMs, workspaceId, e164, monthly: price.monthly, fromMs };
    await subscriptions.put({ ...common, paid: 1, state: 'paid', unpaidSince: null, inventory, providerId });
  }

  get(numberId: string): Promise<Subscription | undefined> {
    return this.#deps.subscriptions.get(numberId);
  }

  /** Charges what is due, and sets right what is unpaid. */
  async sweep(): Promise<SweepReport> {
    const { clock } = this.#deps;
    const today = Math.floor(clock.wallMs() / DAY_MS);
    const results: Result[] = [...(await this.#all({ state: 'unpaid' }))];
    // After a start nobody knows since when nobody looked.
    if (this.#sweptDay === null) results.push(...(await this.#all({ state: 'paid' })));
    // Yesterday, too: it was not over when it was looked at.
    else
      for (let day = this.#sweptDay; day <= today; day += 1)
        results.push(...(await this.#all({ due: dayOf(day * DAY_MS) })));
    const count = (wanted: Result): number => results.filter((result) => result === wanted).length;
    if (count('failed') === 0) this.#sweptDay = today;
    return { charged: count('charged'), unpaid: count('unpaid'), failed: count('failed') };
  }

  async #all(where: Readonly<Record<string, string>>): Promise<Result[]> {
    const results: Result[] = [];
    for await (const subscription of each(this.#deps.subscriptions, where))
      results.push(await this.#tried(subscription));
    return results;
  }

  async #tried(subscription: Subscription): Promise<Result> {
    try {
      return await this.#renew(subscription);
    } catch (error) {
      this.#deps.log.error(
        { err: error, numberId: subscription.id },
        'the monthly fee of a number could not be charged; it is tried again',
      );
      return 'failed';
    }
  }

  async #renew(subscription: Subscription): Promise<Result> {
    const { clock } = this.#deps;
    if (dueAt(subscription) <= clock.wallMs() && (await this.#isReleased(subscription))) return 'nothing';
    let now = subscription;
    let result: Result = 'nothing';
    for (let months = 0; months < MONTHS_MAX && dueAt(now) <= clock.wallMs(); months += 1) {
      if (!(await this.#isPaid(now))) return this.#owe(now);
      now = { ...now, paid: now.paid + 1 };
      result = 'charged';
      await this.#advance(now);
    }
    if (subscription.state === 'unpaid') await this.#settled(now);
    return result;
  }

  /** FE4 */
  async #isReleased({ id }: Subscription): Promise<boolean> {
    const { directory, subscriptions } = this.#deps;
    if ((await directory.numbers.get(id))?.status !== 'released') return false;
    await subscriptions.update(id, (known) => ({ ...known, state: 'ended' }));
    return true;
  }

  async #isPaid({ id, workspaceId, e164, monthly, fromMs, paid }: Subscription): Promise<boolean> {
    if (monthly === 0n) return true;
    const { books, clock, directory } = this.#deps;
    const nowMs = clock.wallMs();
    const workspace = await directory.workspaces.get(workspaceId);
    const posting: NewPosting = {
      id: feeId(id, fromMs, paid),
      workspaceId,
      callId: null,
      meter: 'fee',
      quantityMs: 0,
      amount: -monthly,
      at: nowMs,
      note: noteOf(e164, fromMs, paid),
    };
    const outcome = await books.postFee({ posting, prepaid: workspace?.billingMode !== 'postpaid', nowMs });
    return outcome !== 'insufficient';
  }

  /** Another node may be further, and a release may have come between. */
  async #advance({ id, paid }: Subscription): Promise<void> {
    await this.#deps.subscriptions.update(id, (known) => ({ ...known, paid: Math.max(known.paid, paid) }));
  }

  async #owe(subscription: Subscription): Promise<Result> {
    const { subscriptions, clock, graceMs } = this.#deps;
    const unpaidSince = subscription.unpaidSince ?? dueAt(subscription);
    await subscriptions.update(subscription.id, (known) =>
      known.state === 'paid' || known.state === 'unpaid' ? { ...known, state: 'unpaid', unpaidSince } : known,
    );
    const feeState = clock.wallMs() - unpaidSince >= graceMs ? 'suspended' : 'unpaid';
    await this.#show(subscription.id, feeState);
    return 'unpaid';
  }

  /** The number first: as long as the subscription is unpaid it is looked at again. */
  async #settled({ id }: Subscription): Promise<void> {
    await this.#show(id, null);
    await this.#deps.subscriptions.update(id, (known) =>
      known.state === 'unpaid' ? { ...known, state: 'paid', unpaidSince: null } : known,
    );
  }

  async #show(numberId: string, feeState: PhoneNumber['feeState'] | null): Promise<void> {
    const { numbers } = this.#deps.directory;
    const number = await numbers.get(numberId);
    if (number === undefined || number.status === 'released' || (number.feeState ?? null) === feeState) return;
    await numbers.update(numberId, ({ feeState: _former, ...rest }) =>
      rest.status === 'released' || feeState === null || feeState === undefined ? rest : { ...rest, feeState },
    );
  }
}

function feeId(numberId: string, fromMs: number, index: number): string {
  return `fee:${numberId}:${monthLabel(fromMs, index)}`;
}

function noteOf(e164: E164, fromMs: number, index: number): string {
  const lastDay = monthStart(fromMs, index + 1) - DAY_MS;
  return `Monthly fee of ${e164}, ${dayOf(monthStart(fromMs, index))} to ${dayOf(lastDay)}`;
}
