// Counters an operator asks for, ready to become metrics. Labels are bounded: a method a stranger invents counts as `other`.

/** As seen from the engine. Retransmissions are not counted. */
export type Direction = 'in' | 'out';

export interface RequestCount {
  readonly direction: Direction;
  readonly method: string;
  readonly count: number;
}

export interface ResponseCount extends RequestCount {
  /** Status code, 100 to 699. */
  readonly code: number;
}

/** Why a message was dropped without an answer. */
export type DropReason = 'stray ack' | 'stray response';

const METHODS = new Set([
  'INVITE',
  'ACK',
  'BYE',
  'CANCEL',
  'OPTIONS',
  'REGISTER',
  'INFO',
  'UPDATE',
  'PRACK',
  'REFER',
  'NOTIFY',
  'SUBSCRIBE',
  'MESSAGE',
  'PUBLISH',
]);

export class Statistics {
  readonly #requests = new Map<string, { direction: Direction; method: string; count: number }>();
  readonly #responses = new Map<string, { direction: Direction; method: string; code: number; count: number }>();
  readonly #dropped: Record<DropReason, number> = { 'stray ack': 0, 'stray response': 0 };

  request(direction: Direction, methodAsWritten: string): void {
    const method = METHODS.has(methodAsWritten) ? methodAsWritten : 'other';
    const key = `${direction} ${method}`;
    const known = this.#requests.get(key);
    if (known === undefined) this.#requests.set(key, { direction, method, count: 1 });
    else known.count += 1;
  }

  response(direction: Direction, methodAsWritten: string, code: number): void {
    const method = METHODS.has(methodAsWritten) ? methodAsWritten : 'other';
    const key = `${direction} ${method} ${code}`;
    const known = this.#responses.get(key);
    if (known === undefined) this.#responses.set(key, { direction, method, code, count: 1 });
    else known.count += 1;
  }

  dropped(reason: DropReason): void {
    this.#dropped[reason] += 1;
  }

  /** A copy that later messages do not change. */
  snapshot(): { requests: RequestCount[]; responses: ResponseCount[]; dropped: Record<DropReason, number> } {
    return {
      requests: [...this.#requests.values()].map((entry) => ({ ...entry })),
      responses: [...this.#responses.values()].map((entry) => ({ ...entry })),
      dropped: { ...this.#dropped },
    };
  }
}
