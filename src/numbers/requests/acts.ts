// An act on a request as one pure step from record to record, for the store's atomic update.

import type { E164 } from '../../domain/e164.ts';
import type { NewPosting } from '../../ledger/books.ts';
import { formatMoney } from '../../domain/money.ts';
import { RequestStateError } from './errors.ts';
import { type Act, type Facts, step } from './machine.ts';
import { type Actor, isPaid, type NumberRequest, totalFee, withStatus } from './request.ts';
import type { Requirement } from './requirement.ts';
import { assess } from './rules.ts';

export interface ActContext {
  /** Undefined: the kind of request is not on offer any more; then nothing is missing, and people decide. */
  readonly requirement: Requirement | undefined;
  readonly at: number;
  readonly by: Actor;
}

/** What the act changes beside the status. */
export type Edit = (request: NumberRequest) => NumberRequest;

/** Throws RequestStateError where the act means nothing. A repeat answers the record as it is. */
export function perform(
  request: NumberRequest,
  act: Act,
  { requirement, at, by }: ActContext,
  edit: Edit = (same) => same,
): NumberRequest {
  checkUndisturbed(request, act);
  const edited = edit(request);
  const taken = step(request.status, act, factsOf(edited, requirement));
  if (taken.kind === 'refused') throw new RequestStateError(refusalOf(request, act));
  if (taken.kind === 'repeat') return request;
  return withStatus({ ...edited, touchedAt: by === 'customer' ? at : edited.touchedAt }, taken.status, { at, by });
}

/** Whether the act means something; throws RequestStateError where it does not. */
export function checkAct(request: NumberRequest, act: Act): 'does' | 'repeats' {
  checkUndisturbed(request, act);
  const { kind } = step(request.status, act, { fieldsComplete: true, documentsComplete: true, paid: true });
  if (kind === 'refused') throw new RequestStateError(refusalOf(request, act));
  return kind === 'repeat' ? 'repeats' : 'does';
}

export function factsOf(request: NumberRequest, requirement: Requirement | undefined): Facts {
  const paid = isPaid(request);
  if (requirement === undefined) return { fieldsComplete: true, documentsComplete: true, paid };
  const { missingFields, missingDocuments } = assess(requirement, request);
  return { fieldsComplete: missingFields.length === 0, documentsComplete: missingDocuments.length === 0, paid };
}

/** Another node is just doing what must not be disturbed; alone, a node brings it to its end first. */
function checkUndisturbed({ approval, status, payment }: NumberRequest, act: Act): void {
  if (approval !== null && status === 'in_review' && act !== 'approve')
    throw new RequestStateError('the request is just being approved');
  if (payment.state === 'posting' && act !== 'pay') throw new RequestStateError('the request is just being paid');
}

function refusalOf({ status }: NumberRequest, act: Act): string {
  return `a request that is ${status} cannot be ${PARTICIPLES[act]}`;
}

const PARTICIPLES: Readonly<Record<Act, string>> = {
  save: 'changed',
  attach: 'changed',
  detach: 'changed',
  submit: 'submitted',
  pay: 'paid',
  approve: 'approved',
  reject: 'rejected',
  cancel: 'cancelled',
  expire: 'closed',
};

/** The one charge of a request, whoever asks for it and however often. */
export function feePosting(request: NumberRequest, at: number): NewPosting {
  const { id, workspaceId, quantity, fees } = request;
  const each = `activation ${formatMoney(fees.activation)}, first month ${formatMoney(fees.monthly)}`;
  const note = `Number request ${id}: ${each}${quantity === 1 ? '' : ` for each of ${quantity} numbers`}`;
  return {
    id: `fee:request:${id}`,
    workspaceId,
    callId: null,
    meter: 'fee',
    quantityMs: 0,
    amount: -totalFee(request),
    at,
    note,
  };
}

/** Gives all of it back. */
export function refundPosting(request: NumberRequest, at: number): NewPosting {
  const charged = feePosting(request, at);
  const note = `Number request ${request.id}: given back, no number was delivered`;
  return { ...charged, id: `${charged.id}:refund`, amount: -charged.amount, note };
}

/** Nothing is left of what somebody typed or uploaded; the bytes go next (sweep.ts). */
export function forgetPersonalData(request: NumberRequest, at: number): NumberRequest {
  return {
    ...request,
    fields: {},
    documents: request.documents.map((document) => ({ ...document, state: 'erasing' })),
    erasedAt: at,
  };
}

export function sameNumbers(some: readonly E164[], others: readonly E164[]): boolean {
  return some.length === others.length && [...some].sort().join() === [...others].sort().join();
}
