// Brings to its end what was begun: a payment, a refund, an approval, the erasing of a document. The same code runs when the act is asked for and when
// a process that ended in between is followed by another one.
//
// Invariants
//   ST1. What will be done stands in the request before it is done, with the ids that it will have; each step may be repeated and is then the
//        same step. So wherever the process ends, doing it again gives one charge, one refund, one number of each.
//   ST2. An approval makes all of its numbers or none: where one cannot be made, those before it are taken back.
//   ST3. What a customer cancels, or nobody goes on with, is given back in full: no number was delivered. A rejected request keeps what was paid
//        for its next try.

import type { Directory } from '../../directory/directory.ts';
import { DirectoryError } from '../../directory/errors.ts';
import type { RecordStore } from '../../directory/records.ts';
import type { Clock } from '../../domain/clock.ts';
import type { PhoneNumber } from '../../domain/directory.ts';
import type { E164 } from '../../domain/e164.ts';
import type { Nano } from '../../domain/money.ts';
import type { Books } from '../../ledger/books.ts';
import { feePosting, perform, refundPosting } from './acts.ts';
import type { DocumentStore } from './document-store.ts';
import { RequestUnknown } from './errors.ts';
import { LIMITS } from './limits.ts';
import type { Approval, NumberRequest } from './request.ts';
import type { Requirements } from './requirement.ts';

export interface SettlerDeps {
  readonly requests: RecordStore<NumberRequest>;
  readonly documents: DocumentStore;
  readonly directory: Pick<Directory, 'numbers' | 'workspaces'>;
  readonly books: Pick<Books, 'postFee' | 'settle'>;
  readonly requirements: Requirements;
  readonly clock: Clock;
  readonly onGranted: (number: GrantedNumber) => Promise<void>;
}

/** A number that a request brought: it costs `monthly` from its second month on. */
export interface GrantedNumber {
  readonly numberId: string;
  readonly workspaceId: string;
  readonly e164: E164;
  readonly activation: Nano;
  readonly monthly: Nano;
  /** Start of the first month, which is paid. */
  readonly fromMs: number;
}

export class Settler {
  readonly #deps: SettlerDeps;

  constructor(deps: SettlerDeps) {
    this.#deps = deps;
  }

  /** Answers the request as it is then. Rejects where a store or the directory does; what was begun then still stands. */
  async settle(request: NumberRequest): Promise<NumberRequest> {
    let now = request;
    if (now.payment.state === 'posting') now = await this.#charge(now);
    if (now.payment.state === 'refunding') now = await this.#refund(now);
    if (now.approval !== null && now.status === 'in_review') now = await this.#grant(now, now.approval);
    return now;
  }

  /** Bytes of documents that were removed, or never came to their end. */
  async tidy(request: NumberRequest): Promise<NumberRequest> {
    const { documents, requests, clock } = this.#deps;
    const oldest = clock.wallMs() - LIMITS.uploadMaxMs;
    const gone = request.documents.filter(
      ({ state, at }) => state === 'erasing' || (state === 'uploading' && at < oldest),
    );
    if (gone.length === 0) return request;
    for (const document of gone) await documents.erase(document, request.workspaceId);
    const ids = new Set(gone.map((document) => document.id));
    return known(
      requests.update(request.id, (item) => ({
        ...item,
        documents: item.documents.filter((document) => !ids.has(document.id)),
      })),
    );
  }

  async #charge(request: NumberRequest): Promise<NumberRequest> {
    const { books, directory, requests, requirements, clock } = this.#deps;
    if (request.payment.state !== 'posting') return request;
    const workspace = await directory.workspaces.get(request.workspaceId);
    const posting = feePosting(request, request.payment.at);
    const prepaid = workspace?.billingMode !== 'postpaid';
    const outcome = await books.postFee({ posting, prepaid, nowMs: clock.wallMs() });
    const at = clock.wallMs();
    return known(
      requests.update(request.id, (item) => {
        // Another node may have asked before the money came, and written down that it is not there: the books are right.
        const isOpen = item.payment.state === 'posting' || item.payment.state === 'none';
        if (outcome === 'insufficient')
          return item.payment.state === 'posting' ? { ...item, payment: { state: 'none' } } : item;
        if (!isOpen) return item;
        if (item.status === 'cancelled') return { ...item, payment: { state: 'refunding', paidAt: posting.at, at } };
        const paid: NumberRequest = { ...item, payment: { state: 'paid', at: posting.at } };
        if (item.status !== 'awaiting_payment') return paid;
        const requirement = requirements.get(item.country, item.type, item.requestType);
        return perform(item, 'pay', { requirement, at, by: 'customer' }, (unpaid) => ({
          ...unpaid,
          payment: { state: 'paid', at: posting.at },
        }));
      }),
    );
  }

  async #refund(request: NumberRequest): Promise<NumberRequest> {
    const { books, requests } = this.#deps;
    if (request.payment.state !== 'refunding') return request;
    const { paidAt, at } = request.payment;
    const postings = [refundPosting(request, at)];
    await books.settle({ workspaceId: request.workspaceId, holdId: null, postings, costs: [] });
    return known(
      requests.update(request.id, (item) =>
        item.payment.state === 'refunding' ? { ...item, payment: { state: 'refunded', paidAt, at } } : item,
      ),
    );
  }

  /** First every number, then what each costs: a number that is taken back was never charged for. */
  async #grant(request: NumberRequest, approval: Approval): Promise<NumberRequest> {
    const { requests, requirements, onGranted } = this.#deps;
    const { id, workspaceId, fees } = request;
    for (const number of approval.numbers) await this.#make(request, approval, number);
    for (const { id: numberId, e164 } of approval.numbers)
      await onGranted({
        numberId,
        workspaceId,
        e164,
        activation: fees.activation,
        monthly: fees.monthly,
        fromMs: approval.at,
      });
    return known(
      requests.update(id, (item) => {
        if (item.status !== 'in_review') return item;
        const requirement = requirements.get(item.country, item.type, item.requestType);
        return perform(item, 'approve', { requirement, at: approval.at, by: 'operator' }, (reviewed) => ({
          ...reviewed,
          decision: { at: approval.at, reason: null },
        }));
      }),
    );
  }

  async #make(request: NumberRequest, approval: Approval, { id, e164 }: Approval['numbers'][number]): Promise<void> {
    const { numbers } = this.#deps.directory;
    // One that was made before may have been assigned, or released, meanwhile.
    if ((await numbers.get(id)) !== undefined) return;
    const number: PhoneNumber = {
      id,
      createdAt: approval.at,
      e164,
      workspaceId: request.workspaceId,
      provider: 'managed',
      trunkId: approval.trunkId,
      agentId: null,
      supportsInbound: true,
      supportsOutbound: true,
      status: 'active',
    };
    try {
      await numbers.put(number);
    } catch (error) {
      if (error instanceof DirectoryError) await this.#takeBack(request, approval);
      throw error;
    }
  }

  /** ST2. Ends with the approval itself, so that it is done again where the process ends in between. */
  async #takeBack({ id }: NumberRequest, approval: Approval): Promise<void> {
    const { directory, requests } = this.#deps;
    for (const number of approval.numbers) await directory.numbers.delete(number.id);
    await requests.update(id, (item) => (item.status === 'in_review' ? { ...item, approval: null } : item));
  }
}

export async function known(found: Promise<NumberRequest | undefined>): Promise<NumberRequest> {
  const request = await found;
  if (request === undefined) throw new RequestUnknown('no such request');
  return request;
}
