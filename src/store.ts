// The node's journal and books as the configuration wants them: both in one file of this node, or the journal here and the books in a Redis
// that nodes share. The rest of the program sees no difference.

import { join } from 'node:path';
import { BOOKS_FILE, openBooks, type OpenBooks, type OpenBooksOptions } from './books.ts';
import { BooksCatchingUpError } from './cluster/errors.ts';
import { type Claims, redisClaims, soleClaims } from './cluster/claims.ts';
import { type Member, openSharedBooks } from './cluster/shared-books.ts';
import { type SharedPlaces, sharedPlaces } from './cluster/shared-places.ts';
import { parseRedisUrl } from './config/redis-url.ts';
import type { Config } from './config/schema.ts';
import type { Clock } from './domain/clock.ts';
import type { Books } from './ledger/books.ts';
import type { PostingSums } from './ledger/sums.ts';
import type { Journal } from './metering/journal.ts';
import type { MeterBooks, MeterStore } from './metering/ports.ts';
import type { Logger } from './observability/logger.ts';
import type { Metrics } from './observability/metrics.ts';
import { type StoreWatch, watchStore } from './store-watch.ts';

export interface Store {
  /** For all that is not a call. */
  readonly books: Books;
  readonly sums?: PostingSums;
  /** For calls, and for the recovery of those of an earlier process. */
  readonly meterBooks: MeterBooks;
  /** Of this node alone: for recovery. */
  readonly ownJournal: Journal;
  /** For calls. */
  readonly journal: Journal;
  readonly callStore: MeterStore;
  /** What only one node may do at a time. */
  readonly claims: Claims;
  /** Of trunks and numbers with limits, where nodes share them; absent: each node counts its own calls. */
  readonly places?: Pick<SharedPlaces, 'take' | 'release'>;
  /** Why a call would be refused as `store_unavailable`; null: it would not. As of the last write that tried, seconds ago at most. */
  readonly trouble: string | null;
  /** Recovery is done and the meter runs. */
  join(member: Member): void;
  close(): Promise<void>;
}

export interface StoreOptions {
  readonly config: Config;
  readonly dataDir: string;
  readonly nodeId: string;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly onLost: (error: Error) => void;
}

const OUTBOX_FILE = 'outbox.db';
/** What a probe of the shared books writes, the same for all nodes. It expires, so nothing is left of it. */
const PROBE_KEY = 'callin:{probe}';
const PROBE_KEPT_MS = 60_000;

/** Rejects where the file is in use or Redis cannot be reached. */
export async function openStore(options: StoreOptions): Promise<Store> {
  const { config, dataDir, metrics, onLost } = options;
  const booksOptions: OpenBooksOptions = {
    path: join(dataDir, BOOKS_FILE),
    onFlush: (commitMs) => metrics.journalFsyncSeconds.observe(commitMs / 1000),
    onLost,
  };
  const opened = await openBooks(booksOptions);
  if (config.store.kind === 'embedded') return embedded(opened, options);
  try {
    return await shared(opened, options);
  } catch (error) {
    await opened.close();
    throw error;
  }
}

function embedded({ books, journal, store, sums, probe, close }: OpenBooks, options: StoreOptions): Store {
  const watch = watched(options, { probe, isConnected: () => true });
  return {
    books,
    sums,
    meterBooks: books,
    ownJournal: journal,
    journal,
    callStore: store,
    claims: soleClaims,
    join: () => undefined,
    get trouble() {
      return watch.trouble;
    },
    close() {
      watch.close();
      return close();
    },
  };
}

/** The journal is the file's; its own books stay empty. */
async function shared(opened: OpenBooks, options: StoreOptions): Promise<Store> {
  const { config, dataDir, nodeId, clock, logger } = options;
  const address = parseRedisUrl(config.store.redis.url);
  if (typeof address === 'string') throw new Error(`store.redis.url ${address}`);
  let isConnected = false;
  const books = await openSharedBooks({
    address,
    nodeId,
    journal: opened.journal,
    outboxPath: join(dataDir, OUTBOX_FILE),
    clock,
    times: { deadAfterMs: config.store.deadAfterMs },
    onConnected(is) {
      isConnected = is;
      if (!is) logger.error({ engine: 'store' }, 'the connection to the shared books is lost: no new calls');
    },
    onReplay: (report) => logger.warn({ ...report }, 'the shared books were told again what they may have lost'),
    onFailure: (operation, error) => logger.error({ operation, err: error }, 'the shared books could not be used'),
  });
  const places = sharedPlaces({
    connection: books.redis,
    clock,
    onFailure: (operation, error) => logger.error({ operation, err: error }, 'the shared books could not be used'),
  });
  const probeShared = () => books.redis.run((client) => client.set(PROBE_KEY, nodeId, 'PX', PROBE_KEPT_MS));
  const watch = watched(options, {
    probe: () => Promise.all([opened.probe(), probeShared()]),
    isConnected: () => isConnected,
  });
  return {
    places,
    books: books.books,
    meterBooks: books.meterBooks,
    ownJournal: opened.journal,
    journal: books.journal,
    callStore: books.store,
    claims: redisClaims(books.redis, nodeId),
    join: (member) => books.join(member),
    get trouble() {
      return watch.trouble ?? (books.isOpen ? null : new BooksCatchingUpError().message);
    },
    async close() {
      watch.close();
      places.close();
      await books.close();
      await opened.close();
    },
  };
}

/** The metric says of the store what it says of the other engines: with 0 no new call works. */
function watched(
  { clock, metrics, logger }: StoreOptions,
  { probe, isConnected }: { readonly probe: () => Promise<unknown>; readonly isConnected: () => boolean },
): StoreWatch {
  const watch = watchStore({
    probe,
    clock,
    onChange(trouble) {
      if (trouble === null) logger.warn('the books take writes again');
      else logger.error({ operation: 'probe', err: trouble }, 'the books take no writes: no new calls');
    },
  });
  metrics.onCollect(() => {
    metrics.engineConnected.set({ engine: 'store' }, isConnected() && watch.trouble === null ? 1 : 0);
  });
  return watch;
}
