// Work that is bounded: so much at once, so long waited for, again after so long.

import type { RecordStore } from '../directory/records.ts';
import type { Clock, Timer } from '../domain/clock.ts';
import type { NumberLog } from './log.ts';

/** Waits for all, also where one throws; then throws what the first one threw. */
export async function inParallel<T>(
  width: number,
  items: readonly T[],
  work: (item: T) => Promise<void>,
): Promise<void> {
  const queue = items.values();
  const results = await Promise.allSettled(
    Array.from({ length: Math.min(width, items.length) }, async () => {
      for (const item of queue) await work(item);
    }),
  );
  const thrown = results.find((result) => result.status === 'rejected');
  if (thrown !== undefined) throw thrown.reason;
}

/** Resolves when the work is done or the time is over; the work goes on by itself. */
export async function within(clock: Clock, timeoutMs: number, work: Promise<void>): Promise<void> {
  const over = Promise.withResolvers<void>();
  const timer = clock.setTimer(over.resolve, timeoutMs);
  try {
    await Promise.race([work, over.promise]);
  } finally {
    timer.cancel();
  }
}

/** At once, and again and again, one at a time, each so long after the one before; returns what stops it and waits for the one that runs. */
export function repeat(
  clock: Clock,
  everyMs: number,
  name: string,
  work: () => Promise<unknown>,
  log: NumberLog,
): () => Promise<void> {
  let timer: Timer | null = null;
  let isStopped = false;
  let running: Promise<void> = Promise.resolve();
  const once = async (): Promise<void> => {
    try {
      await work();
    } catch (error) {
      log.error({ err: error }, `${name} failed and is tried again`);
    }
    next();
  };
  const next = (): void => {
    if (!isStopped) {
      timer = clock.setTimer(() => {
        running = once();
      }, everyMs);
    }
  };
  running = once();
  return async () => {
    isStopped = true;
    timer?.cancel();
    await running;
  };
}

const PAGE = 100;

/** All records with these fields, newest first, page by page; what is changed meanwhile neither repeats nor hides others. */
export async function* each<T>(store: RecordStore<T>, where: Readonly<Record<string, string>>): AsyncGenerator<T> {
  let cursor: string | null = null;
  do {
    const page: Awaited<ReturnType<RecordStore<T>['find']>> = await store.find({
      where,
      limit: PAGE,
      ...(cursor === null ? {} : { cursor }),
    });
    yield* page.items;
    cursor = page.nextCursor;
  } while (cursor !== null);
}
