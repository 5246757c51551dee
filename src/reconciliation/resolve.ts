// A person's word on an exception: a note, and where they ask for it an adjustment of the customer's balance.
//
//   begun (note and adjustment are stored) -> posted under `adjust:<id>` -> resolved
//
// Invariants
//   P1. What is posted was stored before; a repeat posts nothing twice (ledger B1), another resolution is refused.
//   P2. The posting names no call: it is a person's decision, and the audit holds calls to what their journal gives.

import type { Books } from '../ledger/books.ts';
import { ResolutionConflictError } from './errors.ts';
import type { Adjustment, StoredException } from './exception.ts';
import type { ExceptionStore } from './exception-store.ts';

export interface ResolveRequest {
  readonly note: string;
  /** Who resolves it, for people. */
  readonly by: string;
  readonly adjustment: Adjustment | null;
}

export interface ResolveDeps {
  readonly exceptions: ExceptionStore;
  readonly books: Pick<Books, 'settle'>;
  readonly nowMs: () => number;
}

/** Id of the posting that an adjustment makes. */
export function adjustmentPostingId(exceptionId: string): string {
  return `adjust:${exceptionId}`;
}

const BEGUN_MAX = 1_000;

export async function resolveException(
  deps: ResolveDeps,
  id: string,
  request: ResolveRequest,
): Promise<StoredException | undefined> {
  const { exceptions, nowMs } = deps;
  const exception = exceptions.get(id);
  if (exception === undefined) return undefined;
  const { resolution } = exception;
  if (resolution !== null && !isSame(resolution, request))
    throw new ResolutionConflictError('the exception was resolved otherwise');
  if (exception.status === 'resolved') return exception;
  if (resolution === null) exceptions.beginResolution(id, { ...request, resolvedAt: null });
  try {
    await post(deps, exception, request);
  } catch (error) {
    // Refused, not lost: nothing stands in the books, and another amount may be asked for.
    if ((error as { code?: string }).code === 'amount_out_of_range') exceptions.abandonResolution(id);
    throw error;
  }
  exceptions.completeResolution(id, nowMs());
  return exceptions.get(id);
}

/** Completes what was begun when the process ended. */
export async function finishBegun(deps: ResolveDeps): Promise<void> {
  for (const exception of deps.exceptions.begun(BEGUN_MAX)) {
    if (exception.resolution === null) continue;
    await post(deps, exception, exception.resolution);
    deps.exceptions.completeResolution(exception.id, deps.nowMs());
  }
}

async function post({ books, nowMs }: ResolveDeps, exception: StoredException, request: ResolveRequest): Promise<void> {
  const { adjustment, note } = request;
  if (adjustment === null) return;
  const about = exception.callId === null ? 'a record of the carrier' : `call ${exception.callId}`;
  await books.settle({
    workspaceId: adjustment.workspaceId,
    holdId: null,
    postings: [
      {
        id: adjustmentPostingId(exception.id),
        workspaceId: adjustment.workspaceId,
        callId: null,
        meter: 'adjustment',
        quantityMs: 0,
        amount: adjustment.amount,
        at: nowMs(),
        note: `Adjustment after reconciliation of ${about}: ${note}`,
      },
    ],
    costs: [],
  });
}

function isSame(known: ResolveRequest, asked: ResolveRequest): boolean {
  return (
    known.note === asked.note &&
    known.by === asked.by &&
    known.adjustment?.amount === asked.adjustment?.amount &&
    known.adjustment?.workspaceId === asked.adjustment?.workspaceId
  );
}
