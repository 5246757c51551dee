import { describe, expect, test } from 'vitest';
import {
  ACTS,
  type Act,
  type Facts,
  isFinal,
  type RequestStatus,
  STATUSES,
  step,
} from '../../../src/numbers/requests/machine.ts';

const ALL: Facts = { fieldsComplete: true, documentsComplete: true, paid: true };
const NOTHING: Facts = { fieldsComplete: false, documentsComplete: false, paid: false };
const EVERY_FACTS: readonly Facts[] = [true, false].flatMap((fieldsComplete) =>
  [true, false].flatMap((documentsComplete) =>
    [true, false].map((paid) => ({ fieldsComplete, documentsComplete, paid })),
  ),
);

/** What each act comes to, said once more and apart from the table: `=` stays, `>` onward, `~` repeat, `.` refused, else the status. */
const EXPECTED: Readonly<Record<RequestStatus, string>> = {
  //                  save attach detach submit pay approve  reject   cancel    expire
  draft: '              =    =      =      >     .   .        .        cancelled cancelled',
  awaiting_documents: ' >    >      >      >     .   .        .        cancelled cancelled',
  awaiting_payment: '   >    >      >      >     >   .        .        cancelled cancelled',
  in_review: '          .    .      .      ~     ~   approved rejected cancelled .',
  approved: '           .    .      .      .     ~   ~        .        .         .',
  rejected: '           =    =      =      >     ~   .        ~        cancelled cancelled',
  cancelled: '          .    .      .      .     .   .        .        ~         ~',
};

function outcomeOf(status: RequestStatus, act: Act, facts: Facts): string {
  const taken = step(status, act, facts);
  return taken.kind === 'to' ? taken.status : taken.kind;
}

function expectedOf(status: RequestStatus, act: Act, facts: Facts): string {
  const word = EXPECTED[status].trim().split(/ +/)[ACTS.indexOf(act)] ?? '';
  const onward = !facts.fieldsComplete
    ? 'draft'
    : !facts.documentsComplete
      ? 'awaiting_documents'
      : facts.paid
        ? 'in_review'
        : 'awaiting_payment';
  return { '=': status, '>': onward, '~': 'repeat', '.': 'refused' }[word] ?? word;
}

describe('every status and every act', () => {
  test.each(STATUSES.flatMap((status) => ACTS.map((act) => [status, act] as const)))('%s, %s', (status, act) => {
    for (const facts of EVERY_FACTS) expect(outcomeOf(status, act, facts)).toBe(expectedOf(status, act, facts));
  });
});

describe('what follows from the table', () => {
  test('only a review approves or rejects, and nothing is approved that is not complete and paid', () => {
    for (const status of STATUSES) {
      for (const facts of EVERY_FACTS) {
        const ends = ACTS.map((act) => outcomeOf(status, act, facts));
        if (status !== 'in_review') expect(ends).not.toContain('approved');
        if (status !== 'in_review' && status !== 'rejected') expect(ends).not.toContain('rejected');
        if (ends.includes('in_review')) expect(facts).toEqual(ALL);
      }
    }
  });

  test('what is final stays so', () => {
    for (const status of STATUSES.filter(isFinal))
      for (const act of ACTS) expect(['repeat', 'refused']).toContain(outcomeOf(status, act, ALL));
    expect(STATUSES.filter(isFinal)).toEqual(['approved', 'cancelled']);
  });

  test('a rejected request that was paid goes back into review without paying again', () => {
    expect(outcomeOf('rejected', 'submit', ALL)).toBe('in_review');
    expect(outcomeOf('rejected', 'submit', { ...ALL, documentsComplete: false })).toBe('awaiting_documents');
    expect(outcomeOf('awaiting_documents', 'attach', ALL)).toBe('in_review');
  });

  test('a document that is taken away, or a field that does not do any more, takes the request back', () => {
    expect(outcomeOf('awaiting_payment', 'detach', { ...ALL, documentsComplete: false, paid: false })).toBe(
      'awaiting_documents',
    );
    expect(outcomeOf('awaiting_payment', 'save', NOTHING)).toBe('draft');
  });
});
