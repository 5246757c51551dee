// Requests for numbers of countries where a number is not bought but asked for: what customers and operators may do with them. The life of one is in
// machine.ts, what it asks for in the requirement files, what follows from an act in settler.ts.
//
// Invariants
//   NR1. Acts on one request come one after the other; each begins by bringing to its end what an earlier one has begun.
//   NR2. Everything is checked before anything is changed. An act that is refused leaves the request, the money and the numbers as they were.

import type { PageOf } from '../../directory/directory.ts';
import type { E164 } from '../../domain/e164.ts';
import { checkAct, forgetPersonalData, perform, sameNumbers } from './acts.ts';
import { approvalOf, checkApproval } from './approval.ts';
import {
  checkRoom,
  type DocumentFile,
  type NewDocument,
  newEntry,
  readDocument,
  storedDocument,
  storeDocument,
  withState,
} from './document-acts.ts';
import {
  ApprovalConflict,
  FeesNotCovered,
  RequestFieldsInvalid,
  RequestIncomplete,
  RequestNotOffered,
  RequestUnknown,
} from './errors.ts';
import type { Act, RequestStatus } from './machine.ts';
import { type NewRequest, newRequest } from './new-request.ts';
import type { RequestParts } from './parts.ts';
import { type Actor, isPaid, type NumberRequest } from './request.ts';
import { readRequestId } from './request-id.ts';
import type { Requirement, Requirements } from './requirement.ts';
import { type Assessment, assess, checkValue, fieldRuleOf } from './rules.ts';
import { known } from './settler.ts';
import { Turns } from './turns.ts';

/** Who acts: the operator on every request, a customer on those of one workspace. */
export interface Asker {
  readonly by: Extract<Actor, 'customer' | 'operator'>;
  readonly workspaceId: string | undefined;
}

export interface RequestFilter {
  readonly workspaceId?: string;
  readonly status?: RequestStatus;
  readonly country?: string;
  readonly type?: string;
  readonly requestType?: string;
  readonly limit: number;
  readonly cursor?: string;
}

/** A request and how far it is. */
export interface RequestView {
  readonly request: NumberRequest;
  /** Undefined: not on offer any more. */
  readonly requirement: Requirement | undefined;
  readonly assessment: Assessment | undefined;
}

export class NumberRequests {
  readonly #parts: RequestParts;
  /** By request (NR1). */
  readonly #turns = new Turns();

  constructor(parts: RequestParts) {
    this.#parts = parts;
  }

  get requirements(): Requirements {
    return this.#parts.requirements;
  }

  async create(asked: NewRequest): Promise<RequestView> {
    return this.#view(await newRequest(this.#parts, asked));
  }

  async get(id: string, asker: Asker): Promise<RequestView> {
    return this.#view(await this.#find(id, asker));
  }

  async find({ workspaceId, limit, cursor, ...filter }: RequestFilter): Promise<PageOf<RequestView>> {
    const where = Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined)) as Record<
      string,
      string
    >;
    const page = await this.#parts.requests.find({
      where,
      limit,
      ...(workspaceId === undefined ? {} : { workspaceId }),
      ...(cursor === undefined ? {} : { cursor }),
    });
    return { items: page.items.map((request) => this.#view(request)), nextCursor: page.nextCursor };
  }

  /** null takes the value away. */
  saveField(id: string, name: string, given: string | null, asker: Asker): Promise<RequestView> {
    return this.#act(id, asker, async (request, at) => {
      checkAct(request, 'save');
      const rule = fieldRuleOf(this.#offered(request), name);
      if (rule === undefined) throw new RequestUnknown('the request has no such field');
      const checked = given === null ? null : checkValue(rule, given);
      if (checked !== null && !checked.ok)
        throw new RequestFieldsInvalid([{ field: 'value', message: checked.problem }]);
      return this.#change(request, 'save', at, asker, (item) => {
        const { [name]: _former, ...others } = item.fields;
        return {
          ...item,
          fields: checked === null ? others : { ...others, [name]: { value: checked.value, savedAt: at } },
        };
      });
    });
  }

  /** Whether a document may be added now: to be asked before its bytes are read. */
  async checkAttach(id: string, asker: Asker): Promise<void> {
    checkRoom(await this.#find(id, asker), 0);
  }

  attach(id: string, document: NewDocument, asker: Asker): Promise<RequestView> {
    return this.#act(id, asker, async (request, at) => {
      checkAct(request, 'attach');
      const entry = newEntry(this.#parts, this.#offered(request), document, at);
      await storeDocument(this.#parts, request, entry, document.content);
      return this.#change(request, 'attach', at, asker, (item) => withState(item, entry.id, 'stored'));
    });
  }

  detach(id: string, documentId: string, asker: Asker): Promise<RequestView> {
    return this.#act(id, asker, async (request, at) => {
      storedDocument(request, documentId);
      const erasing = (item: NumberRequest): NumberRequest => withState(item, documentId, 'erasing');
      return this.#parts.settler.tidy(await this.#change(request, 'detach', at, asker, erasing));
    });
  }

  async document(id: string, documentId: string, asker: Asker): Promise<DocumentFile> {
    return readDocument(this.#parts, await this.#find(id, asker), documentId);
  }

  submit(id: string, asker: Asker): Promise<RequestView> {
    return this.#act(id, asker, async (request, at) => {
      if (checkAct(request, 'submit') === 'repeats') return request;
      this.#checkComplete(request);
      return this.#change(request, 'submit', at, asker);
    });
  }

  /** Charges what the request costs, once. Throws FeesNotCovered. */
  async pay(id: string, asker: Asker): Promise<RequestView & { readonly repeated: boolean }> {
    let repeated = false;
    const view = await this.#act(id, asker, async (request, at) => {
      if (checkAct(request, 'pay') === 'repeats') {
        repeated = true;
        return request;
      }
      const { requests, settler } = this.#parts;
      this.#checkComplete(request);
      const begun = await known(
        requests.update(request.id, (item) => {
          if (checkAct(item, 'pay') === 'repeats' || isPaid(item)) return item;
          return { ...item, touchedAt: at, payment: { state: 'posting', at } };
        }),
      );
      const settled = await settler.settle(begun);
      if (!isPaid(settled)) throw new FeesNotCovered('the balance does not cover the fees');
      return settled;
    });
    return { ...view, repeated };
  }

  /** By the operator. Throws ApprovalConflict, RequestFieldsInvalid, and what the directory refuses. */
  approve(
    id: string,
    asked: { readonly numbers: readonly E164[]; readonly trunkId: string | null },
    asker: Asker,
  ): Promise<RequestView> {
    return this.#act(id, asker, async (request, at) => {
      const { requests, settler, ids, directory } = this.#parts;
      if (checkAct(request, 'approve') === 'repeats') {
        const made = request.approval?.numbers.map((number) => number.e164) ?? [];
        if (!sameNumbers(made, asked.numbers))
          throw new ApprovalConflict('the request was approved with other numbers');
        return request;
      }
      await checkApproval(directory, request, asked);
      const approval = approvalOf(asked, at, ids);
      const begun = await known(
        requests.update(request.id, (item) =>
          item.status === 'in_review' && item.approval === null ? { ...item, approval } : item,
        ),
      );
      if (begun.approval?.numbers[0]?.id !== approval.numbers[0]?.id)
        throw new ApprovalConflict('the request is being approved');
      return settler.settle(begun);
    });
  }

  /** By the operator. What was paid stays for the next try (settler.ts ST3). */
  reject(id: string, reason: string, asker: Asker): Promise<RequestView> {
    return this.#act(id, asker, (request, at) =>
      this.#change(request, 'reject', at, asker, (item) => ({ ...item, decision: { at, reason } })),
    );
  }

  cancel(id: string, asker: Asker): Promise<RequestView> {
    return this.#act(id, asker, (request, at) => this.close(request, 'cancel', at, asker.by));
  }

  /** For good: the money goes back, what was typed and uploaded is forgotten. */
  async close(request: NumberRequest, act: 'cancel' | 'expire', at: number, by: Actor): Promise<NumberRequest> {
    const { requests, settler } = this.#parts;
    const requirement = this.#requirementOf(request);
    const closed = await known(
      requests.update(request.id, (item) =>
        perform(item, act, { requirement, at, by }, (open) => ({
          ...forgetPersonalData(open, at),
          payment: open.payment.state === 'paid' ? { state: 'refunding', paidAt: open.payment.at, at } : open.payment,
        })),
      ),
    );
    return settler.tidy(await settler.settle(closed));
  }

  /** NR1, for the sweep: the request as it stands when its turn comes. */
  async inTurn(id: string, work: (request: NumberRequest, at: number) => Promise<NumberRequest>): Promise<void> {
    const { requests, settler, clock } = this.#parts;
    await this.#turns.take(id, async () => {
      const request = await requests.get(id);
      if (request !== undefined) await work(await settler.tidy(await settler.settle(request)), clock.wallMs());
    });
  }

  async #act(
    id: string,
    asker: Asker,
    work: (request: NumberRequest, at: number) => Promise<NumberRequest>,
  ): Promise<RequestView> {
    const { settler, clock } = this.#parts;
    const { id: known } = await this.#find(id, asker);
    return this.#turns.take(known, async () => {
      const request = await settler.settle(await this.#find(known, asker));
      return this.#view(await work(request, clock.wallMs()));
    });
  }

  async #find(id: string, { workspaceId }: Asker): Promise<NumberRequest> {
    return known(this.#parts.requests.get(readRequestId(id), workspaceId));
  }

  #change(
    request: NumberRequest,
    act: Act,
    at: number,
    { by }: Asker,
    edit?: (item: NumberRequest) => NumberRequest,
  ): Promise<NumberRequest> {
    const requirement = this.#requirementOf(request);
    return known(this.#parts.requests.update(request.id, (item) => perform(item, act, { requirement, at, by }, edit)));
  }

  #checkComplete(request: NumberRequest): void {
    const requirement = this.#requirementOf(request);
    const fields = requirement === undefined ? [] : assess(requirement, request).fields;
    const mistakes = fields
      .filter(({ rule, status }) => status === 'invalid' || (rule.required && status === 'pending'))
      .map(({ rule, problem }) => ({ field: `fields.${rule.name}`, message: problem ?? 'is required' }));
    if (mistakes.length > 0) throw new RequestIncomplete(mistakes);
  }

  #requirementOf({ country, type, requestType }: NumberRequest): Requirement | undefined {
    return this.#parts.requirements.get(country, type, requestType);
  }

  #offered(request: NumberRequest): Requirement {
    const requirement = this.#requirementOf(request);
    if (requirement === undefined) throw new RequestNotOffered('type', 'is not on offer any more');
    return requirement;
  }

  #view(request: NumberRequest): RequestView {
    const requirement = this.#requirementOf(request);
    return { request, requirement, assessment: requirement === undefined ? undefined : assess(requirement, request) };
  }
}
