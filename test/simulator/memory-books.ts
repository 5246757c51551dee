import type {
  Balance,
  Books,
  CostQuery,
  FeeOutcome,
  FeeRequest,
  HoldRequest,
  Posting,
  PostingQuery,
  ReserveOutcome,
  Settlement,
  SupplierCost,
} from '../../src/ledger/books.ts';
import {
  checkedAmount,
  checkedFee,
  checkHold,
  checkSameCost,
  checkSamePosting,
  checkSettlement,
} from '../../src/ledger/checks.ts';
import { HoldConflictError, HoldOutdatedError } from '../../src/ledger/errors.ts';
import { CALL_HOLD_PREFIX, dayStartOf, hourOf, KEPT_HOURS, START_MS, spentByHour } from '../../src/ledger/spent.ts';

// The books in memory, exactly as ledger/books.ts has them: SQLite takes thirty times as long, and its state cannot be copied after
// each operation. They pass the contract of all books (memory-store.test.ts) and are compared with SQLite script by script.

interface Hold {
  readonly amount: bigint;
  readonly expiresAtMs: number;
}

interface Account {
  balance: bigint;
  reserved: bigint;
  readonly holds: Map<string, Hold>;
  readonly starts: Map<string, number>;
  readonly spent: Map<number, bigint>;
}

export class MemoryBooks {
  readonly #accounts = new Map<string, Account>();
  readonly #holders = new Map<string, string>();
  #postings: Posting[] = [];
  #costs: SupplierCost[] = [];
  #lines = new Map<string, Posting | SupplierCost>();

  /** A copy that shares nothing that can change. */
  clone(): MemoryBooks {
    const copy = new MemoryBooks();
    for (const [workspaceId, { balance, reserved, holds, starts, spent }] of this.#accounts) {
      const account = { balance, reserved, holds: new Map(holds), starts: new Map(starts), spent: new Map(spent) };
      copy.#accounts.set(workspaceId, account);
    }
    for (const [holdId, workspaceId] of this.#holders) copy.#holders.set(holdId, workspaceId);
    copy.#postings = [...this.#postings];
    copy.#costs = [...this.#costs];
    copy.#lines = new Map(this.#lines);
    return copy;
  }

  get workspaceIds(): readonly string[] {
    return [...this.#accounts.keys()];
  }

  /** Oldest first. */
  get allPostings(): readonly Posting[] {
    return this.#postings;
  }

  get allCosts(): readonly SupplierCost[] {
    return this.#costs;
  }

  /** As the account stands, expired holds included. */
  account(workspaceId: string): Readonly<Account> {
    return this.#account(workspaceId);
  }

  holdAmount(holdId: string): bigint | undefined {
    return this.#ownerOf(holdId)?.holds.get(holdId)?.amount;
  }

  balance(workspaceId: string, nowMs: number): Balance {
    const { balance, reserved, spent } = this.#afterExpiry(workspaceId, nowMs);
    return { balance, reserved, ...spentAt(spent, nowMs) };
  }

  reserve(request: HoldRequest): ReserveOutcome {
    checkHold(request);
    const { id, workspaceId, amount, nowMs, limits } = request;
    const account = this.#afterExpiry(workspaceId, nowMs);
    const owner = this.#holders.get(id);
    if (owner !== undefined && owner !== workspaceId) throw new HoldConflictError(id);
    const own = account.holds.get(id);
    if (own !== undefined && own.expiresAtMs > Math.ceil(request.expiresAtMs)) throw new HoldOutdatedError(id);
    const others = account.reserved - (own?.amount ?? 0n);
    const isNewCall = own === undefined && id.startsWith(CALL_HOLD_PREFIX);
    if (request.prepaid && account.balance - others < amount) return 'insufficient';
    if (isNewCall && limits.concurrentCalls !== null && callsOf(account) >= limits.concurrentCalls)
      return 'concurrent_limit';
    if (isNewCall && limits.callsPerSecond !== null && startsBeside(account, id, nowMs) >= limits.callsPerSecond)
      return 'rate_limit';
    const reserved = checkedAmount(others + amount);
    const { spentInHour, spentInDay } = spentAt(account.spent, nowMs);
    if (limits.spendPerHour !== null && spentInHour + reserved > limits.spendPerHour) return 'spend_limit';
    if (limits.spendPerDay !== null && spentInDay + reserved > limits.spendPerDay) return 'spend_limit';
    // From here on it succeeds.
    account.holds.set(id, { amount, expiresAtMs: Math.ceil(request.expiresAtMs) });
    account.reserved = reserved;
    this.#holders.set(id, workspaceId);
    if (isNewCall) account.starts.set(id, Math.floor(nowMs) + START_MS);
    return 'held';
  }

  release(workspaceId: string, holdId: string): void {
    const account = this.#account(workspaceId);
    account.reserved -= this.#drop(account, holdId);
  }

  settle(settlement: Settlement): 'posted' | 'exists' {
    checkSettlement(settlement);
    const { workspaceId, holdId } = settlement;
    const postings = settlement.postings.filter((posting) => !this.#hasPosting(posting));
    const costs = settlement.costs.filter((cost) => !this.#hasCost(cost));
    const account = this.#account(workspaceId);
    let balance = account.balance;
    const lines = postings.map((posting): Posting => {
      balance = checkedAmount(balance + posting.amount);
      return { ...posting, at: Math.round(posting.at), balanceAfter: balance };
    });
    const spent = [...spentByHour(postings)].map(
      ([hour, amount]) => [hour, checkedAmount((account.spent.get(hour) ?? 0n) + amount)] as const,
    );
    // From here on it succeeds.
    for (const line of lines) this.#lines.set(`posting ${line.id}`, line);
    this.#postings.push(...lines);
    for (const cost of costs) {
      const line = { ...cost, at: Math.round(cost.at) };
      this.#lines.set(`cost ${line.id}`, line);
      this.#costs.push(line);
    }
    for (const [hour, amount] of spent) account.spent.set(hour, amount);
    if (spent.length > 0) dropOldHours(account.spent);
    account.balance = balance;
    if (holdId !== null) account.reserved -= this.#drop(account, holdId);
    const given = settlement.postings.length + settlement.costs.length;
    return postings.length + costs.length > 0 || given === 0 ? 'posted' : 'exists';
  }

  postFee(fee: FeeRequest): FeeOutcome {
    const settlement = checkedFee(fee);
    const { posting, prepaid, nowMs } = fee;
    if (this.#hasPosting(posting)) return 'exists';
    const { balance, reserved } = this.balance(posting.workspaceId, nowMs);
    if (prepaid && balance + posting.amount < reserved) return 'insufficient';
    return this.settle(settlement);
  }

  postings(query: PostingQuery): Posting[] {
    return find(this.#postings, query)
      .filter(({ meter }) => query.meter === undefined || meter === query.meter)
      .slice(0, query.limit);
  }

  costs(query: CostQuery): SupplierCost[] {
    return find(this.#costs, query).slice(0, query.limit);
  }

  #account(workspaceId: string): Account {
    const known = this.#accounts.get(workspaceId);
    if (known !== undefined) return known;
    const account: Account = { balance: 0n, reserved: 0n, holds: new Map(), starts: new Map(), spent: new Map() };
    this.#accounts.set(workspaceId, account);
    return account;
  }

  #ownerOf(holdId: string): Account | undefined {
    const workspaceId = this.#holders.get(holdId);
    return workspaceId === undefined ? undefined : this.#accounts.get(workspaceId);
  }

  #afterExpiry(workspaceId: string, nowMs: number): Account {
    const account = this.#account(workspaceId);
    const now = Math.floor(nowMs);
    for (const [holdId, hold] of account.holds)
      if (hold.expiresAtMs <= now) account.reserved -= this.#drop(account, holdId);
    return account;
  }

  #drop(account: Account, holdId: string): bigint {
    const hold = account.holds.get(holdId);
    if (hold === undefined) return 0n;
    account.holds.delete(holdId);
    this.#holders.delete(holdId);
    return hold.amount;
  }

  #hasPosting(posting: Settlement['postings'][number]): boolean {
    const known = this.#lines.get(`posting ${posting.id}`);
    if (known !== undefined) checkSamePosting(known as Posting, posting);
    return known !== undefined;
  }

  #hasCost(cost: SupplierCost): boolean {
    const known = this.#lines.get(`cost ${cost.id}`);
    if (known !== undefined) checkSameCost(known as SupplierCost, cost);
    return known !== undefined;
  }
}

/** Behind the asynchronous interface, for the contract. */
export function asBooks(memory: MemoryBooks): Books {
  return {
    balance: async (workspaceId, nowMs) => memory.balance(workspaceId, nowMs),
    reserve: async (hold) => memory.reserve(hold),
    release: async (workspaceId, holdId) => memory.release(workspaceId, holdId),
    settle: async (settlement) => memory.settle(settlement),
    postFee: async (fee) => memory.postFee(fee),
    postings: async (query) => memory.postings(query),
    costs: async (query) => memory.costs(query),
  };
}

function callsOf({ holds }: Account): number {
  let calls = 0;
  for (const id of holds.keys()) if (id.startsWith(CALL_HOLD_PREFIX)) calls += 1;
  return calls;
}

function startsBeside({ starts }: Account, id: string, nowMs: number): number {
  let others = 0;
  for (const [other, untilMs] of starts) if (other !== id && untilMs > Math.floor(nowMs)) others += 1;
  return others;
}

function spentAt(spent: ReadonlyMap<number, bigint>, nowMs: number): { spentInHour: bigint; spentInDay: bigint } {
  const hour = hourOf(nowMs);
  let spentInDay = 0n;
  for (const [other, amount] of spent) if (dayStartOf(other) === dayStartOf(hour)) spentInDay += amount;
  return { spentInHour: spent.get(hour) ?? 0n, spentInDay };
}

function dropOldHours(spent: Map<number, bigint>): void {
  for (const hour of [...spent.keys()].toSorted((a, b) => b - a).slice(KEPT_HOURS)) spent.delete(hour);
}

/** Newest first. */
function find<L extends Posting | SupplierCost>(lines: readonly L[], query: CostQuery): L[] {
  const end = query.beforeId === undefined ? lines.length : lines.findIndex(({ id }) => id === query.beforeId);
  const { workspaceId, callId, fromMs = -Infinity, toMs = Infinity } = query;
  return lines
    .slice(0, Math.max(0, end))
    .filter((line) => workspaceId === undefined || line.workspaceId === workspaceId)
    .filter((line) => callId === undefined || line.callId === callId)
    .filter(({ at }) => at >= fromMs && at < toMs)
    .reverse();
}
