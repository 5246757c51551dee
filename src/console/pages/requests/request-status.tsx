// Where a request stands, in words and as a way from the first field to the number.

import type { NumberRequest } from '../../api/resources.ts';
import { wordsOf } from '../../lib/words.ts';
import { Badge, type Tone } from '../../ui/feedback.tsx';
import type { StepItem } from '../../ui/steps.tsx';

type Status = NumberRequest['status'];

const TONES: Readonly<Record<Status, Tone>> = {
  draft: 'plain',
  awaiting_documents: 'warn',
  awaiting_payment: 'warn',
  in_review: 'info',
  approved: 'good',
  rejected: 'bad',
  cancelled: 'plain',
};

export function RequestStatus({ status }: { readonly status: Status }) {
  return <Badge tone={TONES[status]}>{wordsOf(status)}</Badge>;
}

/** May the customer still change what it holds? */
export function isOpen({ status }: Pick<NumberRequest, 'status'>): boolean {
  return (
    status === 'draft' || status === 'awaiting_documents' || status === 'awaiting_payment' || status === 'rejected'
  );
}

export function wayOf(request: NumberRequest): StepItem[] {
  const { status, missing, fees, reviewDays } = request;
  const handedIn = status !== 'draft' && status !== 'rejected';
  const inReview = status === 'in_review' || status === 'approved';
  const fieldsDone = missing.fields.length === 0;
  const documentsDone = missing.documents.length === 0;
  const paid = fees.status !== 'unpaid';
  const days = reviewDays === null ? undefined : `Usually ${reviewDays.from} to ${reviewDays.to} working days`;
  return [
    {
      title: 'Required information',
      state: fieldsDone ? 'good' : 'current',
      ...(fieldsDone ? {} : { text: `${missing.fields.length} to go` }),
    },
    {
      title: 'Documents',
      state: documentsDone ? 'good' : fieldsDone ? 'current' : 'waiting',
      ...(documentsDone ? {} : { text: `${missing.documents.length} to go` }),
    },
    { title: 'Submitted', state: handedIn ? 'good' : status === 'rejected' ? 'bad' : 'waiting' },
    {
      title: fees.status === 'none' ? 'Nothing to pay' : 'Payment',
      state: paid ? 'good' : status === 'awaiting_payment' ? 'current' : 'waiting',
    },
    {
      title: 'Review by an operator',
      state: status === 'approved' ? 'good' : status === 'rejected' ? 'bad' : inReview ? 'current' : 'waiting',
      ...(days === undefined ? {} : { text: days }),
    },
    { title: 'Number in your list', state: status === 'approved' ? 'good' : 'waiting' },
  ];
}
