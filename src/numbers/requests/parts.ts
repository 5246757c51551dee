// What the requests are made of, handed in by the composition root.

import type { Directory } from '../../directory/directory.ts';
import type { RecordStore } from '../../directory/records.ts';
import type { Clock } from '../../domain/clock.ts';
import type { Ids, RandomBytes } from '../../domain/ids.ts';
import type { Books } from '../../ledger/books.ts';
import { DocumentStore } from './document-store.ts';
import { CHUNKS_KIND, REQUESTS_KIND } from './kinds.ts';
import { NumberRequests } from './number-requests.ts';
import type { NumberRequest } from './request.ts';
import type { Requirements } from './requirement.ts';
import { type GrantedNumber, Settler } from './settler.ts';

export interface RequestsOptions {
  readonly directory: Pick<Directory, 'records' | 'numbers' | 'workspaces' | 'trunks'>;
  readonly books: Pick<Books, 'postFee' | 'settle'>;
  readonly requirements: Requirements;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly randomBytes: RandomBytes;
  /** A number was delivered and costs its month from the second one on. May be told again. */
  readonly onGranted: (number: GrantedNumber) => Promise<void>;
}

export interface RequestParts extends Omit<RequestsOptions, 'books' | 'onGranted'> {
  readonly requests: RecordStore<NumberRequest>;
  readonly documents: DocumentStore;
  readonly settler: Settler;
}

export function createNumberRequests(options: RequestsOptions): {
  readonly service: NumberRequests;
  readonly parts: RequestParts;
} {
  const requests = options.directory.records(REQUESTS_KIND);
  const documents = new DocumentStore(options.directory.records(CHUNKS_KIND));
  const settler = new Settler({ ...options, requests, documents });
  const parts: RequestParts = { ...options, requests, documents, settler };
  return { service: new NumberRequests(parts), parts };
}
