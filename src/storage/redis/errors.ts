// What can go wrong between a caller and Redis. Codes are stable.

/**
 * The store could not be asked, or did not answer in time. Whether the effect took place is then unknown; every effect may be repeated.
 * Says no more than why: what was asked, and with which password, stays out.
 */
export class StoreUnreachableError extends Error {
  readonly code = 'store_unreachable';
}

/** Redis answered with an error of its own (`redisCode`: WRONGTYPE, OOM, READONLY, LOADING, CLUSTERDOWN, MOVED, …): nothing was changed. */
export class StoreRefusedError extends Error {
  readonly code = 'store_refused';
  readonly redisCode: string;

  constructor(redisCode: string, message: string) {
    super(message);
    this.redisCode = redisCode;
  }
}

/** Redis is set up so that it may throw away what it was given to keep. */
export class StoreUnsafeError extends Error {
  readonly code = 'store_unsafe';
}

export class StoreOverloadedError extends Error {
  readonly code = 'store_overloaded';

  constructor(inFlightMax: number) {
    super(`More than ${inFlightMax} requests wait for the store`);
  }
}

/** What stands in the store cannot be what was written: somebody changed it by hand, or it is another program's. */
export class StoreCorruptError extends Error {
  readonly code = 'store_corrupt';
}
