// Facts about calls -> events for customers' webhooks. The only place that knows both: calls know nothing of webhooks, and webhooks
// nothing of calls and money.
//
//   call.ended          call.ended:<call>                         every call of a workspace, answered or not
//   call.billed         call.billed:<call>, …:2 when adjusted     every call that was metered, also where it cost nothing
//   balance.exhausted   balance.exhausted:<call>                  a call was cut off for want of money
//                       balance.exhausted:<workspace>:<minute>    calls were refused for want of it: once a minute
//   balance.low         balance.low:<call>:<n>                    money for 30 s is left; at most one a minute per workspace, because
//                                                                 all its calls live on the same money
//
// Ids follow from what happened alone, so recovery may tell everything again: what is stored stays as it is.

import type { CallEvents, LowBalance } from './calls/deps.ts';
import type { Bill, CallRecord } from './domain/call.ts';
import type { Clock } from './domain/clock.ts';
import { formatMoney, type Nano } from './domain/money.ts';
import { viewBill, viewTime } from './http/views.ts';
import type { Books } from './ledger/books.ts';
import type { Logger } from './observability/logger.ts';
import type { NewEvent, Webhooks } from './webhooks/webhooks.ts';

export interface CallEventParts {
  readonly webhooks: Pick<Webhooks, 'listens' | 'emit'>;
  readonly books: Pick<Books, 'balance'>;
  readonly clock: Clock;
  readonly log: Pick<Logger, 'error'>;
}

export interface CallEventSource extends CallEvents {
  /** The carrier's record changed what an ended call costs by `charged` (metering/carrier-record.ts: once per call). Must not reject. */
  adjusted(call: CallRecord, charged: Nano): Promise<void>;
}

const MINUTE_MS = 60_000;

export function createCallEvents({ webhooks, books, clock, log }: CallEventParts): CallEventSource {
  const warned = new OncePerMinute(clock);
  const refused = new OncePerMinute(clock);

  /** Null where the books do not answer: the event matters more than its figure. */
  const moneyOf = async (workspaceId: string): Promise<object> => {
    try {
      const { balance, reserved } = await books.balance(workspaceId, clock.wallMs());
      return { balance: formatMoney(balance), reserved: formatMoney(reserved) };
    } catch (error) {
      log.error({ workspaceId, err: error }, 'the balance for an event could not be read');
      return { balance: null, reserved: null };
    }
  };

  const exhausted = async (call: CallRecord, workspaceId: string): Promise<NewEvent[]> => {
    const reason = call.endReason;
    const isCut = reason === 'balance_exhausted';
    if (!isCut && reason !== 'insufficient_balance') return [];
    if (!webhooks.listens(workspaceId, 'balance.exhausted')) return [];
    if (!isCut && !refused.first(workspaceId)) return [];
    const subject = isCut ? call.id : `${workspaceId}:${minuteOf(clock)}`;
    const money = await moneyOf(workspaceId);
    return [
      {
        id: `balance.exhausted:${subject}`,
        event: 'balance.exhausted',
        atMs: endOf(call),
        callId: call.id,
        data: () => ({ callId: call.id, reason, ...money }),
      },
    ];
  };

  const warn = async ({ callId, workspaceId, remainingMs, nth }: LowBalance, atMs: number): Promise<void> => {
    const money = await moneyOf(workspaceId);
    const data = () => ({ callId, remainingMs: Math.max(0, Math.round(remainingMs)), ...money });
    await webhooks.emit(workspaceId, [
      { id: `balance.low:${callId}:${nth}`, event: 'balance.low', atMs, callId, data },
    ]);
  };

  return {
    async ended(call) {
      const { workspaceId, bill } = call;
      if (workspaceId === null) return;
      const events = [
        ...(await exhausted(call, workspaceId)),
        endedEvent(call),
        ...(bill === null ? [] : [billedEvent(call, bill, null)]),
      ];
      await webhooks.emit(workspaceId, events);
    },
    lowBalance(warning) {
      const { callId, workspaceId } = warning;
      if (!webhooks.listens(workspaceId, 'balance.low') || !warned.first(workspaceId)) return;
      warn(warning, clock.wallMs()).catch((error: unknown) =>
        log.error({ callId, err: error }, 'an event could not be stored'),
      );
    },
    async adjusted(call, charged) {
      const { id, workspaceId, bill } = call;
      if (workspaceId === null || bill === null) return;
      const adjusted = { ...bill, total: bill.total + charged, final: true };
      try {
        await webhooks.emit(workspaceId, [billedEvent(call, adjusted, charged)]);
      } catch (error) {
        log.error({ callId: id, err: error }, 'an event could not be stored');
      }
    },
  };
}

function endedEvent(call: CallRecord): NewEvent {
  return {
    id: `call.ended:${call.id}`,
    event: 'call.ended',
    atMs: endOf(call),
    callId: call.id,
    data: () => viewEnd(call),
  };
}

/** The second revision is the last: a carrier's record corrects a call once. */
function billedEvent(call: CallRecord, bill: Bill, adjustment: Nano | null): NewEvent {
  const revision = adjustment === null ? 1 : 2;
  const shown = adjustment === null ? null : formatMoney(adjustment);
  return {
    id: `call.billed:${call.id}${revision === 1 ? '' : `:${revision}`}`,
    event: 'call.billed',
    atMs: endOf(call),
    callId: call.id,
    data: () => ({ callId: call.id, revision, adjustment: shown, bill: viewBill(bill) }),
  };
}

/** As the API shows a call, without what an event must not grow with (timeline) and what has an event of its own (bill). */
function viewEnd(call: CallRecord): object {
  const { id, direction, from, to, trunkId, agentId, endReason, sipStatus, quality } = call;
  const at = (wallMs: number | null) => (wallMs === null ? null : viewTime(wallMs));
  return {
    callId: id,
    direction,
    from,
    to,
    trunkId,
    agentId,
    class: call.class,
    startedAt: at(call.startedAt),
    ringingAt: at(call.ringingAt),
    answeredAt: at(call.answeredAt),
    endedAt: at(call.endedAt),
    endReason,
    sipStatus,
    quality,
    attestation: call.attestation ?? null,
    carrierReason: call.carrierReason ?? null,
  };
}

function endOf(call: CallRecord): number {
  return call.endedAt ?? call.startedAt;
}

function minuteOf(clock: Clock): number {
  return Math.floor(clock.wallMs() / MINUTE_MS);
}

/** Bounded by the workspaces that call within a minute. */
class OncePerMinute {
  readonly #clock: Clock;
  readonly #seen = new Set<string>();
  #minute = -1;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  first(workspaceId: string): boolean {
    const minute = minuteOf(this.#clock);
    if (minute !== this.#minute) this.#seen.clear();
    this.#minute = minute;
    if (this.#seen.has(workspaceId)) return false;
    this.#seen.add(workspaceId);
    return true;
  }
}
