import type { Books, HoldRequest } from '../../src/ledger/books.ts';
import type { Journal } from '../../src/metering/journal.ts';
import type { CallJournalRecord, HeartbeatRecord } from '../../src/metering/records.ts';
import type { MeterStore } from '../../src/metering/ports.ts';
import type { MemoryBooks } from './memory-books.ts';
import type { MemoryJournal } from './memory-journal.ts';

// The store of a simulated node: journal and books, each operation one atomic step, seen from outside before and after it.
//
//   together   one file: a call's hold and intent are one step, so are its end and its money (books.ts). What a crash or a torn last
//              record leaves is a prefix of the steps: SQLite drops a transaction whose last frame is damaged, as a whole.
//   steps      journal in the node's file, books elsewhere (metering/store.ts): any prefix of the journal with any prefix of the
//              books that could have been reached, and an answer may be lost on its way back.

export type Mode = 'together' | 'steps';

/** What survives the process. */
export interface Image {
  readonly books: MemoryBooks;
  readonly journal: MemoryJournal;
}

export interface Operation {
  readonly name: 'append' | 'heartbeat' | 'balance' | 'reserve' | 'release' | 'settle' | 'open' | 'settleCall';
  readonly store: 'journal' | 'books' | 'both';
  /** What is reserved by this step. */
  readonly hold?: HoldRequest;
  /** The hold that is given back by this step without a settlement. */
  readonly releasedHold?: string;
  /** The hold that is settled by this step. */
  readonly settledHold?: string | null;
  readonly records?: readonly CallJournalRecord[];
  readonly heartbeat?: HeartbeatRecord;
}

/** Decides when an operation happens and what its caller hears; by default at once, and its result. */
export type Performer = <T>(operation: Operation, apply: () => T) => Promise<T>;

export interface Watcher {
  before(operation: Operation): void;
  after(operation: Operation): void;
}

export interface StoreOfNode {
  readonly books: Books;
  readonly journal: Journal;
  readonly store: MeterStore | undefined;
}

export const atOnce: Performer = async (_operation, apply) => apply();

export function simulatedStore(
  { books, journal }: Image,
  mode: Mode,
  watcher: Watcher,
  perform: Performer = atOnce,
): StoreOfNode {
  const step = <T>(operation: Operation, apply: () => T): Promise<T> =>
    perform(operation, () => {
      watcher.before(operation);
      const result = apply();
      watcher.after(operation);
      return result;
    });
  return {
    books: {
      balance: (workspaceId, nowMs) =>
        step({ name: 'balance', store: 'books' }, () => books.balance(workspaceId, nowMs)),
      reserve: (hold) => step({ name: 'reserve', store: 'books', hold }, () => books.reserve(hold)),
      release: (workspaceId, holdId) =>
        step({ name: 'release', store: 'books', releasedHold: holdId }, () => books.release(workspaceId, holdId)),
      settle: (settlement) =>
        step({ name: 'settle', store: 'books', settledHold: settlement.holdId }, () => books.settle(settlement)),
      // No fee is charged on the way of a call.
      postFee: async (fee) => books.postFee(fee),
      postings: async (query) => books.postings(query),
      costs: async (query) => books.costs(query),
    },
    journal: {
      append: (...records) => step({ name: 'append', store: 'journal', records }, () => journal.append(records)),
      heartbeat(record) {
        return step({ name: 'heartbeat', store: 'journal', heartbeat: record }, () => journal.heartbeat(record));
      },
      openCalls: async () => journal.openCalls(),
      history: async (callId) => journal.history(callId),
      chargedCalls: async (page) => journal.chargedCalls(page),
      lastPulses: async (callIds) => journal.lastPulses(callIds),
    },
    store:
      mode === 'steps'
        ? undefined
        : {
            open: (hold, intent) =>
              step({ name: 'open', store: 'both', hold }, () => {
                const outcome = books.reserve(hold);
                if (outcome === 'held') journal.append([intent]);
                return outcome;
              }),
            settle: (records, settlement) =>
              step({ name: 'settleCall', store: 'both', settledHold: settlement.holdId, records }, () => {
                // What is refused changes nothing, so the money may come first.
                const outcome = books.settle(settlement);
                journal.append(records);
                return outcome;
              }),
          },
  };
}
