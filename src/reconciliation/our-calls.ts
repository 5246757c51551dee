// Our side: the calls of one trunk as the directory recorded them. A recovered call has its record too (flagged), and so has one that was
// refused; what is live has none yet.

import type { CallClass, CallDirection, CallRecord } from '../domain/call.ts';
import type { Nano } from '../domain/money.ts';
import { encodeCursor } from '../directory/cursor.ts';
import type { CallStore } from '../directory/directory.ts';
import type { TimeRange } from './read-file.ts';

export interface OurCall {
  readonly id: string;
  readonly workspaceId: string | null;
  readonly direction: CallDirection;
  readonly from: string;
  readonly to: string;
  /** null: refused before a route was found. */
  readonly class: CallClass | null;
  /** Wall clock. */
  readonly startedAt: number;
  /** Wall clock; null = never answered. */
  readonly answeredAt: number | null;
  /** Wall clock. */
  readonly endedAt: number;
  /** From the answer to the last proof of service; 0 where it was not answered. */
  readonly durationMs: number;
  /** Telephony that the customer was charged. */
  readonly revenue: Nano;
  /** What a carrier's record may still correct (metering/carrier-record.ts): an answer that was never confirmed, or an end by recovery. */
  readonly provisional: 'unconfirmed' | 'recovered' | null;
  /** A crash left something unproved. */
  readonly flagged: boolean;
}

/** Calls that started in the range on the trunk, in pages, newest first. */
export type CallsOf = (trunkId: string, range: TimeRange) => AsyncIterable<readonly OurCall[]>;

/** A page is read and decoded in one turn: some milliseconds. */
const PAGE = 200;

export function directoryCalls(calls: Pick<CallStore, 'list'>): CallsOf {
  return async function* (trunkId, { fromMs, toMs }) {
    for (let cursor: string | null = encodeCursor({ createdAt: Math.ceil(toMs), id: '' }); cursor !== null; ) {
      const page: Awaited<ReturnType<CallStore['list']>> = await calls.list({ limit: PAGE, cursor, state: 'ended' });
      const inRange = page.items.filter((call) => call.createdAt >= fromMs);
      yield inRange.filter((call) => call.trunkId === trunkId).map(ourCall);
      cursor = inRange.length < page.items.length ? null : page.nextCursor;
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
}

export function ourCall(call: CallRecord): OurCall {
  const { bill, answeredAt } = call;
  const endedAt = call.endedAt ?? call.startedAt;
  const start = bill?.evidence.start ?? answeredAt;
  const end = bill?.evidence.end ?? endedAt;
  const flags = bill?.flags ?? [];
  return {
    id: call.id,
    workspaceId: call.workspaceId,
    direction: call.direction,
    from: call.from,
    to: calledIn(call),
    class: call.class,
    startedAt: call.startedAt,
    answeredAt,
    endedAt,
    durationMs: answeredAt === null || start === null ? 0 : Math.max(0, end - start),
    revenue: bill?.telephony.amount ?? 0n,
    provisional: bill === null || answeredAt === null ? null : provisionalOf(bill),
    flagged: flags.includes('needs_reconciliation'),
  };
}

/** The number that the carrier was asked for last: where a redirect led, or the one that was dialled. */
function calledIn({ timeline, to }: CallRecord): string {
  const redirected = timeline.findLast(
    ({ event, detail }) => event === 'inviting' && typeof detail?.['to'] === 'string',
  );
  return redirected === undefined ? to : String(redirected.detail?.['to']);
}

function provisionalOf(bill: NonNullable<CallRecord['bill']>): OurCall['provisional'] {
  if (!bill.final) return 'unconfirmed';
  return bill.evidence.endedBy === 'heartbeat' ? 'recovered' : null;
}
