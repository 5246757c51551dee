// Counters an operator asks for. Labels are bounded: a method a stranger invents counts as `other`.

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
  readonly #counts = new Map<string, number>();

  requestReceived(method: string): void {
    this.#count(`requestsReceived.${METHODS.has(method) ? method : 'other'}`);
  }

  requestSent(method: string): void {
    this.#count(`requestsSent.${METHODS.has(method) ? method : 'other'}`);
  }

  responseReceived(status: number): void {
    this.#count(`responsesReceived.${status}`);
  }

  responseSent(status: number): void {
    this.#count(`responsesSent.${status}`);
  }

  malformed(): void {
    this.#count('malformed');
  }

  /** A message dropped without an answer, by reason. */
  dropped(reason: 'stray ack' | 'stray response' | 'no transport' | 'invalid response'): void {
    this.#count(`dropped.${reason}`);
  }

  /** `name` or `group.label` to count, sorted by name. */
  snapshot(): Record<string, number> {
    return Object.fromEntries([...this.#counts].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  #count(name: string): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
  }
}
