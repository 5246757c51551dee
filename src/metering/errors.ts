// What can go wrong in the metering room. Codes are stable.

/** The rates file cannot be used. `message` names file, line, key and reason. */
export class RatesError extends Error {
  readonly code = 'rates_invalid';
}

/** The journal holds something that this version cannot read, or that cannot have been written. */
export class JournalError extends Error {
  readonly code = 'journal_invalid';
}

/** The store did not answer in time. Whether the write happened is unknown; every write may be repeated. */
export class StoreTimeoutError extends Error {
  readonly code = 'store_timeout';

  constructor(operation: string, timeoutMs: number) {
    super(`${operation} did not finish within ${timeoutMs} ms`);
  }
}

/** The meter was closed before the call was in the ledger; recovery posts it at the next start. */
export class MeterClosedError extends Error {
  readonly code = 'meter_closed';

  constructor() {
    super('The meter was closed');
  }
}
