// What bounds a call in time and money: how long it may ring, how long it may last, and the warnings before it is ended.
//
// Invariants
//   BD1. One bound of time runs at once: the ringing's until the answer, the duration's after it. None runs once the call is over.
//   BD2. A call is ended, and billed, at its very bound, however late the timer is.
//   BD3. The agent is warned while there is time to say goodbye; of money, whoever is to top it up is as well, each time by its number.

import type { Timer } from '../domain/clock.ts';
import type { Call } from './call.ts';
import type { CallDeps } from './deps.ts';
import { limitDuration } from './duration-limit.ts';

export class CallBounds {
  readonly #call: Call;
  readonly #deps: Pick<CallDeps, 'clock' | 'events'>;
  #timer: Timer | null = null;
  #warnings = 0;

  constructor(call: Call, deps: Pick<CallDeps, 'clock' | 'events'>) {
    this.#call = call;
    this.#deps = deps;
  }

  /** Outbound: how long the other side may ring. */
  limitRinging(ringTimeoutMs: number): void {
    const call = this.#call;
    if (call.over) return;
    this.#timer?.cancel();
    this.#timer = this.#deps.clock.setTimer(
      () => void call.end('no_answer', 'command', undefined, false, 408),
      ringTimeoutMs,
    );
  }

  /** In place of the ringing; `endMs` on the monotonic clock (BD2). */
  limitDuration(endMs: number): void {
    const call = this.#call;
    this.#timer?.cancel();
    this.#timer = limitDuration(this.#deps.clock, endMs, {
      near: (remainingMs) => {
        call.note('max_duration_near', { remainingMs });
        call.media?.notifyAgent({ type: 'max_duration', remainingMs });
      },
      reached: () => void call.end('max_duration', 'command', endMs),
    });
  }

  /** The workspace's money will end the call: the agent hears of it and whoever is to top it up. */
  lowBalance(beforeMs: number): void {
    const call = this.#call;
    const { workspaceId } = call.route;
    if (call.over || workspaceId === null) return;
    const remainingMs = Math.round(beforeMs);
    this.#warnings += 1;
    call.note('balance_low', { remainingMs });
    call.media?.notifyAgent({ type: 'balance_low', remainingMs });
    this.#deps.events.lowBalance({ callId: call.id, workspaceId, remainingMs, nth: this.#warnings });
  }

  lift(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }
}
