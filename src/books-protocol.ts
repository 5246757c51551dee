// Messages between the main thread and the thread that owns the books (books.ts, books-thread.ts). Plain data: bigint, strings, maps.

import type { CostQuery, FeeRequest, HoldRequest, PostingQuery, ReserveOutcome, Settlement } from './ledger/books.ts';
import type { BooksFile } from './ledger/sqlite-books.ts';
import type { SumQuery } from './ledger/sums.ts';
import type { HeartbeatRow, JournalFile, JournalRow, ChargedPage } from './metering/journal.ts';

/** What each request is answered with. */
export interface BooksResults {
  balance: ReturnType<BooksFile['balance']>;
  reserve: ReturnType<BooksFile['reserve']>;
  release: undefined;
  settle: ReturnType<BooksFile['settle']>;
  postFee: ReturnType<BooksFile['postFee']>;
  postings: ReturnType<BooksFile['postings']>;
  costs: ReturnType<BooksFile['costs']>;
  sum: ReturnType<BooksFile['sum']>;
  openCall: ReserveOutcome;
  settleCall: ReturnType<BooksFile['settle']>;
  append: undefined;
  heartbeat: undefined;
  openCalls: ReturnType<JournalFile['openCalls']>;
  history: ReturnType<JournalFile['history']>;
  chargedCalls: ReturnType<JournalFile['chargedCalls']>;
  lastPulses: ReturnType<JournalFile['lastPulses']>;
  probe: undefined;
  close: undefined;
}

export type BooksCall =
  | { readonly name: 'balance'; readonly args: readonly [workspaceId: string, nowMs: number] }
  | { readonly name: 'reserve'; readonly args: readonly [HoldRequest] }
  | { readonly name: 'release'; readonly args: readonly [workspaceId: string, holdId: string] }
  | { readonly name: 'settle'; readonly args: readonly [Settlement] }
  | { readonly name: 'postFee'; readonly args: readonly [FeeRequest] }
  | { readonly name: 'postings'; readonly args: readonly [PostingQuery] }
  | { readonly name: 'costs'; readonly args: readonly [CostQuery] }
  | { readonly name: 'sum'; readonly args: readonly [SumQuery] }
  | { readonly name: 'openCall'; readonly args: readonly [HoldRequest, intent: JournalRow] }
  | { readonly name: 'settleCall'; readonly args: readonly [readonly JournalRow[], Settlement] }
  | { readonly name: 'append'; readonly args: readonly [readonly JournalRow[]] }
  | { readonly name: 'heartbeat'; readonly args: readonly [HeartbeatRow] }
  | { readonly name: 'openCalls'; readonly args: readonly [] }
  | { readonly name: 'history'; readonly args: readonly [callId: string] }
  | { readonly name: 'chargedCalls'; readonly args: readonly [ChargedPage] }
  | { readonly name: 'lastPulses'; readonly args: readonly [callIds: readonly string[]] }
  | { readonly name: 'probe'; readonly args: readonly [] }
  /** Commits what waits, closes the file and ends the thread; not answered. */
  | { readonly name: 'close'; readonly args: readonly [] };

export type BooksRequest = BooksCall & { readonly id: number };

export type BooksReply =
  | { readonly type: 'ready' }
  | { readonly type: 'flushed'; readonly commitMs: number; readonly works: number }
  | { readonly type: 'done'; readonly id: number; readonly value: unknown }
  /** Errors cross as words; their classes do not. */
  | { readonly type: 'failed'; readonly id: number; readonly code: string; readonly message: string };
