// What keeps a gateway from using a directory in Redis. Codes are stable; those of what a caller may not do are in ../errors.ts.

/** The node's secret key opens nothing of what stands there: the nodes do not share one key. */
export class DirectoryKeyError extends Error {
  readonly code = 'store_key_mismatch';

  constructor(options?: ErrorOptions) {
    super(
      'The directory in Redis was sealed with another secret key: all gateways need the same CALLIN_AUTH__SECRET_KEY',
      options,
    );
  }
}

/** A later version has filed the directory in its own way. Reading goes on, nothing can be changed from here. */
export class DirectoryLayoutError extends Error {
  readonly code = 'store_layout';

  constructor(standing: string, own: number) {
    super(`The directory in Redis has layout ${standing || 'none'}, this version has ${own}`);
  }
}

/** So many others changed the same record that this change never got its turn. */
export class DirectoryContendedError extends Error {
  readonly code = 'store_contended';

  constructor(what: string) {
    super(`${what} is changed by too many at once`);
  }
}
