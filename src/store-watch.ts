// Whether the books can be written now, found out by writing. Each call that comes while they cannot is refused (`store_unavailable`), so a
// node without calls must find out by itself: what sends it calls asks /readyz.
//
//   state     seen                                       next
//   written   a probe fails, or is not durable in time   closed; `onChange` says why
//   closed    another reason                             closed; kept for /readyz, not told again
//   closed    a probe is durable in time                 written; `onChange`
//
// Invariants
//   W1. One probe is under way at most, and none begins before EVERY_MS after the one before began: it costs one fsync of one page in three
//       seconds, of a journal whose heartbeat has one in each while there are calls.
//   W2. A probe that is late says what a call would be told: its answer changes nothing when it comes, the next probe does.

import type { Clock, Timer } from './domain/clock.ts';
import { within } from './metering/deadline.ts';

export interface StoreWatch {
  /** Why the books take no writes; null while they do. */
  readonly trouble: string | null;
  close(): void;
}

export interface StoreWatchOptions {
  /** Resolves when something was really written; the same place again each time. */
  readonly probe: () => Promise<unknown>;
  readonly clock: Clock;
  /** Null: the books can be written again. */
  readonly onChange: (trouble: Error | null) => void;
}

const EVERY_MS = 3_000;
/** As long as a call waits for its first money. */
const DEADLINE_MS = 2_000;

/** Opening the books has written, so they are taken for writable until the first probe, which begins at once. */
export function watchStore({ probe, clock, onChange }: StoreWatchOptions): StoreWatch {
  let trouble: string | null = null;
  let timer: Timer | null = null;
  let isClosed = false;

  const tell = (found: Error | null): void => {
    if (isClosed) return;
    const hasChanged = (found === null) !== (trouble === null);
    trouble = found?.message ?? null;
    if (hasChanged) onChange(found);
  };
  const look = async (): Promise<void> => {
    const startedMs = clock.monotonicMs();
    const written = probe();
    await within(clock, DEADLINE_MS, 'a write to the books', written).then(
      () => tell(null),
      (error: Error) => tell(error),
    );
    // W1: what hangs is waited for. Whatever became of it was told above.
    await written.catch((error: unknown) => error);
    if (isClosed) return;
    timer = clock.setTimer(() => void look(), Math.max(0, startedMs + EVERY_MS - clock.monotonicMs()));
  };
  void look();
  return {
    get trouble() {
      return trouble;
    },
    close() {
      isClosed = true;
      timer?.cancel();
    },
  };
}
