// What can go wrong between a caller and the embedded store. Codes are stable.

export class BooksClosedError extends Error {
  readonly code = 'books_closed';

  constructor() {
    super('The books are closed');
  }
}

export class BooksOverloadedError extends Error {
  readonly code = 'books_overloaded';

  constructor(queueMax: number) {
    super(`More than ${queueMax} writes wait for the disk`);
  }
}

/** Another process of this machine has the books open. */
export class BooksLockedError extends Error {
  readonly code = 'books_locked';

  constructor(path: string, options?: ErrorOptions) {
    super(`${path} is in use by another gateway`, options);
  }
}

/** An error of the thread that owns the books, with the code it had there (SQLite's is `ERR_SQLITE_ERROR`). */
export class BooksThreadError extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}
