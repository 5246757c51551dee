// What watchers of this node see of calls and money: calls that change, what live ones cost up to now, balances that move.
//
// Invariants
//   LE1. A call that changes several times within a moment is told of once, as it is then; its end is told with its bill.
//   LE2. Figures and balances are looked up only while somebody watches, and so many at once: watching costs nobody his call.

import type { CallObserver, CallSnapshot, LiveCall } from './calls/deps.ts';
import type { Clock, Timer } from './domain/clock.ts';
import { formatMoney } from './domain/money.ts';
import { viewSnapshot } from './http/views.ts';
import type { Balance, Books } from './ledger/books.ts';
import type { EventHub } from './observability/event-hub.ts';
import type { Logger } from './observability/logger.ts';
import type { SipLadder } from './observability/sip-ladder.ts';

export interface LiveEvents {
  /** Tells watchers what the calls' observer is told. */
  watching(observer: CallObserver): CallObserver;
  close(): void;
}

export interface LiveEventParts {
  readonly hub: EventHub;
  readonly books: Pick<Books, 'balance'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly ladder: Pick<SipLadder, 'bind'>;
}

/** Set-up makes several changes within a few milliseconds. */
const GATHER_MS = 50;
export const TICK_MS = 2_000;
/** Per tick; more take turns. */
const FIGURES_MAX = 500;
const BALANCES_MAX = 100;
const KNOWN_BALANCES_MAX = 5_000;

export function startLiveEvents({ hub, books, clock, logger, ladder }: LiveEventParts): LiveEvents {
  const live = new Map<string, LiveCall>();
  const changed = new Map<string, LiveCall>();
  const balances = createBalanceWatch({ hub, books, clock, logger });
  let gathering: Timer | null = null;

  const publish = (call: CallSnapshot): void =>
    hub.publish({ name: 'call', workspaceId: call.workspaceId, data: viewSnapshot(call) });
  const flush = (): void => {
    gathering = null;
    for (const call of changed.values()) publish(call.snapshot());
    changed.clear();
  };

  const tellFigures = (): void => {
    const calls = [...live.values()].slice(0, FIGURES_MAX);
    for (const call of calls) {
      // To the end of the line: those beyond the limit are next.
      live.delete(call.id);
      live.set(call.id, call);
    }
    const answered = calls.map((call) => call.snapshot()).filter((call) => call.state === 'answered');
    for (const [workspaceId, own] of Map.groupBy(answered, (call) => call.workspaceId)) {
      const figures = own.map((call) => figuresOf(call, clock.wallMs()));
      hub.publish({ name: 'call_figures', workspaceId, data: { workspaceId, calls: figures }, transient: true });
    }
  };

  const tick = async (): Promise<void> => {
    if (hub.listeners === 0) return;
    tellFigures();
    const workspaces = [...live.values()].map((call) => call.snapshot().workspaceId).filter((id) => id !== null);
    await balances.look(new Set([...hub.watched(), ...workspaces]));
  };
  let timer: Timer;
  let isOpen = true;
  const again = (): void => {
    if (isOpen) timer = clock.setTimer(() => void tick().finally(again), TICK_MS);
  };
  again();

  return {
    watching: (observer) => ({
      ...observer,
      leg: (call, sipCallId) => ladder.bind(call, sipCallId),
      changed(call) {
        live.set(call.id, call);
        changed.set(call.id, call);
        gathering ??= clock.setTimer(flush, GATHER_MS);
      },
      ended(call, reason, talkMs) {
        observer.ended(call, reason, talkMs);
        if (!live.delete(call.id)) return;
        changed.delete(call.id);
        publish(call);
        if (call.workspaceId !== null) balances.moved(call.workspaceId);
      },
    }),
    close() {
      isOpen = false;
      timer.cancel();
      gathering?.cancel();
    },
  };
}

function figuresOf({ id, answeredAt, bill }: CallSnapshot, nowMs: number): object {
  return {
    id,
    durationMs: Math.max(0, nowMs - (answeredAt ?? nowMs)),
    telephonyMs: bill?.telephony.billedMs ?? 0,
    computeMs: bill?.compute.billedMs ?? 0,
    total: formatMoney(bill?.total ?? 0n),
  };
}

interface BalanceWatch {
  /** Money of the workspace has moved. */
  moved(workspaceId: string): void;
  /** Tells the balances of these that are other than last time. Never rejects. */
  look(workspaceIds: ReadonlySet<string>): Promise<void>;
}

function createBalanceWatch({ hub, books, clock, logger }: Omit<LiveEventParts, 'ladder'>): BalanceWatch {
  const known = new Map<string, string>();
  /** Waiting for a look, in order; bounded by the workspaces that call. */
  const waiting = new Set<string>();

  const tell = (workspaceId: string, { balance, reserved }: Balance): void => {
    const shown = { workspaceId, balance: formatMoney(balance), reserved: formatMoney(reserved) };
    const text = JSON.stringify(shown);
    if (known.get(workspaceId) === text) return;
    known.delete(workspaceId);
    known.set(workspaceId, text);
    const oldest = known.keys().next();
    if (known.size > KNOWN_BALANCES_MAX && !oldest.done) known.delete(oldest.value);
    hub.publish({ name: 'balance', workspaceId, data: shown });
  };

  return {
    moved: (workspaceId) => void waiting.add(workspaceId),
    async look(workspaceIds) {
      for (const workspaceId of workspaceIds) waiting.add(workspaceId);
      const now = [...waiting].slice(0, BALANCES_MAX);
      for (const workspaceId of now) waiting.delete(workspaceId);
      try {
        for (const workspaceId of now) tell(workspaceId, await books.balance(workspaceId, clock.wallMs()));
      } catch (error) {
        logger.debug({ err: error }, 'balances could not be read for watchers; they are read again');
      }
    },
  };
}
