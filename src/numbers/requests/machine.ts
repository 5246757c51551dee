// The life of a request for numbers.
//
//   draft ─ submit ─▶ awaiting_documents ─ last document ─▶ awaiting_payment ─ pay ─▶ in_review ─ approve ─▶ approved
//                                                                                        └ reject ─▶ rejected ─ submit ─▶ (as from draft)
//   every state but approved ─ cancel ─▶ cancelled
//
// Invariants
//   RQ1. A request changes its status by this table alone, in one atomic step of its record.
//   RQ2. `onward` is the first of draft (a field is missing or does not do), awaiting_documents, awaiting_payment, in_review whose needs are
//        not met: what is complete and paid is never asked for again, so a corrected request that was paid goes from its last document
//        straight back into review.
//   RQ3. Under review nothing changes but by a decision: what was reviewed is what was approved.

export const STATUSES = [
  'draft',
  'awaiting_documents',
  'awaiting_payment',
  'in_review',
  'approved',
  'rejected',
  'cancelled',
] as const;
export const ACTS = ['save', 'attach', 'detach', 'submit', 'pay', 'approve', 'reject', 'cancel', 'expire'] as const;
export type RequestStatus = (typeof STATUSES)[number];
export type Act = (typeof ACTS)[number];

/** `stays`: done, and nothing else changes. `repeat`: was done before; answered as it was then. `refused`: means nothing here. */
type Target = 'stays' | 'onward' | 'repeat' | 'refused' | 'approved' | 'rejected' | 'cancelled';

// biome-ignore format: a table is read by its columns
export const TRANSITIONS: Readonly<Record<RequestStatus, Readonly<Record<Act, Target>>>> = {
  draft:              { save: 'stays',   attach: 'stays',   detach: 'stays',   submit: 'onward',  pay: 'refused', approve: 'refused',  reject: 'refused',  cancel: 'cancelled', expire: 'cancelled' },
  awaiting_documents: { save: 'onward',  attach: 'onward',  detach: 'onward',  submit: 'onward',  pay: 'refused', approve: 'refused',  reject: 'refused',  cancel: 'cancelled', expire: 'cancelled' },
  awaiting_payment:   { save: 'onward',  attach: 'onward',  detach: 'onward',  submit: 'onward',  pay: 'onward',  approve: 'refused',  reject: 'refused',  cancel: 'cancelled', expire: 'cancelled' },
  in_review:          { save: 'refused', attach: 'refused', detach: 'refused', submit: 'repeat',  pay: 'repeat',  approve: 'approved', reject: 'rejected', cancel: 'cancelled', expire: 'refused' },
  approved:           { save: 'refused', attach: 'refused', detach: 'refused', submit: 'refused', pay: 'repeat',  approve: 'repeat',   reject: 'refused',  cancel: 'refused',   expire: 'refused' },
  rejected:           { save: 'stays',   attach: 'stays',   detach: 'stays',   submit: 'onward',  pay: 'repeat',  approve: 'refused',  reject: 'repeat',   cancel: 'cancelled', expire: 'cancelled' },
  cancelled:          { save: 'refused', attach: 'refused', detach: 'refused', submit: 'refused', pay: 'refused', approve: 'refused',  reject: 'refused',  cancel: 'repeat',    expire: 'repeat' },
};

/** What the saved fields, the stored documents and the payment amount to, the act itself included. */
export interface Facts {
  readonly fieldsComplete: boolean;
  readonly documentsComplete: boolean;
  /** Or nothing is to pay. */
  readonly paid: boolean;
}

export type Step =
  | { readonly kind: 'to'; readonly status: RequestStatus }
  | { readonly kind: 'repeat' }
  | { readonly kind: 'refused' };

export function step(status: RequestStatus, act: Act, facts: Facts): Step {
  const target = TRANSITIONS[status][act];
  if (target === 'repeat' || target === 'refused') return { kind: target };
  if (target === 'stays') return { kind: 'to', status };
  return { kind: 'to', status: target === 'onward' ? onward(facts) : target };
}

/** RQ2. */
function onward({ fieldsComplete, documentsComplete, paid }: Facts): RequestStatus {
  if (!fieldsComplete) return 'draft';
  if (!documentsComplete) return 'awaiting_documents';
  return paid ? 'in_review' : 'awaiting_payment';
}

/** Decided one way or the other, for good. */
export function isFinal(status: RequestStatus): boolean {
  return status === 'approved' || status === 'cancelled';
}
