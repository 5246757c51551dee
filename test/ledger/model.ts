import type {
  Balance,
  FeeOutcome,
  FeeRequest,
  HoldRequest,
  ReserveOutcome,
  Settlement,
} from '../../src/ledger/books.ts';

// The rules of the books for one workspace, as plainly as they can be said: every sum is made anew from what is written down.

interface Until {
  readonly amount: bigint;
  readonly expiresAtMs: number;
}

const HOUR_MS = 3_600_000;

export class ModelBooks {
  readonly #postings = new Map<string, { amount: bigint; atMs: number; isCall: boolean }>();
  readonly #holds = new Map<string, Until>();
  readonly #starts = new Map<string, number>();

  reserve({ id, amount, nowMs, expiresAtMs, prepaid, limits }: HoldRequest): ReserveOutcome {
    this.#expire(nowMs);
    const others = [...this.#holds].filter(([other]) => other !== id);
    const held = sum(others.map(([, own]) => own.amount));
    const isNewCall = !this.#holds.has(id) && id.startsWith('lease:');
    if (prepaid && this.#balance() - held < amount) return 'insufficient';
    if (isNewCall) {
      const calls = others.filter(([other]) => other.startsWith('lease:')).length;
      const starts = [...this.#starts].filter(([other, untilMs]) => other !== id && untilMs > nowMs).length;
      if (calls >= (limits.concurrentCalls ?? Infinity)) return 'concurrent_limit';
      if (starts >= (limits.callsPerSecond ?? Infinity)) return 'rate_limit';
    }
    const { spentInHour, spentInDay } = this.balance(nowMs);
    if (limits.spendPerHour !== null && spentInHour + held + amount > limits.spendPerHour) return 'spend_limit';
    if (limits.spendPerDay !== null && spentInDay + held + amount > limits.spendPerDay) return 'spend_limit';
    this.#holds.set(id, { amount, expiresAtMs });
    if (isNewCall) this.#starts.set(id, nowMs + 1_000);
    return 'held';
  }

  release(holdId: string): void {
    this.#holds.delete(holdId);
  }

  settle({ holdId, postings }: Settlement): 'posted' | 'exists' {
    const fresh = postings.filter((posting) => !this.#postings.has(posting.id));
    for (const { id, amount, at, meter } of fresh)
      this.#postings.set(id, { amount, atMs: at, isCall: meter !== 'topup' && meter !== 'fee' });
    if (holdId !== null) this.#holds.delete(holdId);
    return fresh.length > 0 || postings.length === 0 ? 'posted' : 'exists';
  }

  postFee({ posting, prepaid, nowMs }: FeeRequest): FeeOutcome {
    if (this.#postings.has(posting.id)) return 'exists';
    const { balance, reserved } = this.balance(nowMs);
    if (prepaid && balance - reserved < -posting.amount) return 'insufficient';
    return this.settle({ workspaceId: posting.workspaceId, holdId: null, postings: [posting], costs: [] });
  }

  balance(nowMs: number): Balance {
    this.#expire(nowMs);
    const spentWithin = (lengthMs: number) => {
      const window = Math.floor(nowMs / lengthMs);
      const calls = [...this.#postings.values()].filter((one) => one.isCall);
      return -sum(calls.filter((one) => Math.floor(one.atMs / lengthMs) === window).map((one) => one.amount));
    };
    return {
      balance: this.#balance(),
      reserved: sum([...this.#holds.values()].map((own) => own.amount)),
      spentInHour: spentWithin(HOUR_MS),
      spentInDay: spentWithin(24 * HOUR_MS),
    };
  }

  held(holdId: string): bigint | undefined {
    return this.#holds.get(holdId)?.amount;
  }

  /** A renewal must expire later. */
  expiresAtMs(holdId: string): number {
    return this.#holds.get(holdId)?.expiresAtMs ?? 0;
  }

  #balance(): bigint {
    return sum([...this.#postings.values()].map((one) => one.amount));
  }

  #expire(nowMs: number): void {
    for (const [id, own] of this.#holds) if (own.expiresAtMs <= nowMs) this.#holds.delete(id);
  }
}

function sum(amounts: readonly bigint[]): bigint {
  return amounts.reduce((total, amount) => total + amount, 0n);
}
