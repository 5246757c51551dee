// Answered calls that have ended without a bill in the ledger, for the metrics. Two kinds:
//
//   waiting   the meter knows them and goes on trying; they count once they wait for longer than WAITING_MAX_MS
//   stray     the journal holds them open, and no call of this node does: what finishes them is the next start's recovery
//
// A call on its way in or out stands for moments in one of the two places only. So a stray call is one that two readings, CHECK_MS apart,
// have found.

import type { Clock, Timer } from './domain/clock.ts';
import type { Journal } from './metering/journal.ts';
import type { Meter } from './metering/meter.ts';
import { foldCall } from './metering/records.ts';
import type { Logger } from './observability/logger.ts';
import type { Metrics } from './observability/metrics.ts';

export interface UnbilledCallsDeps {
  readonly meter: Pick<Meter, 'isOpen' | 'unbilled'>;
  /** Of this node. */
  readonly journal: Pick<Journal, 'openCalls' | 'history'>;
  readonly clock: Clock;
  readonly metrics: Pick<Metrics, 'ledgerLagSeconds' | 'unbilledAnsweredCalls' | 'onCollect'>;
  readonly logger: Pick<Logger, 'error'>;
}

/** A bill takes milliseconds; a store that is away for a moment, seconds. */
export const WAITING_MAX_MS = 60_000;
export const CHECK_MS = 30_000;
/** Read at each check; of more than these, all the others are taken for answered. */
const HISTORIES_MAX = 200;
const NAMED_MAX = 20;

/** Returns what stops watching. */
export function watchUnbilled(deps: UnbilledCallsDeps): () => void {
  const { clock, logger, meter, metrics } = deps;
  const strays = new StrayCalls(deps);
  let timer: Timer | null = null;
  let isStopped = false;
  const arm = () => {
    timer = clock.setTimer(() => void check(), CHECK_MS);
  };
  const check = async () => {
    await strays
      .check()
      .catch((error: unknown) => logger.error({ err: error }, 'the journal’s open calls were not read'));
    if (!isStopped) arm();
  };
  metrics.onCollect(() => {
    const { oldestMs, answeredCalls } = meter.unbilled(WAITING_MAX_MS);
    metrics.ledgerLagSeconds.set(oldestMs / 1000);
    metrics.unbilledAnsweredCalls.set(answeredCalls + strays.answered);
  });
  arm();
  return () => {
    isStopped = true;
    timer?.cancel();
  };
}

class StrayCalls {
  readonly #deps: UnbilledCallsDeps;
  /** Of the last check. */
  #suspects: ReadonlySet<string> = new Set();
  #answered = 0;

  constructor(deps: UnbilledCallsDeps) {
    this.#deps = deps;
  }

  get answered(): number {
    return this.#answered;
  }

  async check(): Promise<void> {
    const { journal, logger, meter } = this.#deps;
    const suspects = (await journal.openCalls()).filter((callId) => !meter.isOpen(callId));
    const strays = suspects.filter((callId) => this.#suspects.has(callId));
    this.#suspects = new Set(suspects);
    const answered = await this.#answeredOf(strays);
    if (answered.length > this.#answered) {
      const callIds = answered.slice(0, NAMED_MAX);
      logger.error(
        { calls: answered.length, callIds },
        'answered calls have no bill and nobody works on it: restart to finish them',
      );
    }
    this.#answered = answered.length;
  }

  async #answeredOf(callIds: readonly string[]): Promise<string[]> {
    const { journal } = this.#deps;
    const answered: string[] = [];
    for (const callId of callIds.slice(0, HISTORIES_MAX)) {
      const { answer, posted } = foldCall(callId, await journal.history(callId));
      if (answer !== null && posted === null) answered.push(callId);
    }
    return [...answered, ...callIds.slice(HISTORIES_MAX)];
  }
}
