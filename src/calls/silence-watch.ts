// A server that says nothing to an INVITE. Where the engine does not tell of a 100 nobody knows whether it is there: it is asked, and left for the next
// one if it does not answer that either.
//
//   waiting   anything is heard             over
//   waiting   the trunk's patience is over  asking
//   asking    anything is heard, or alive   over
//   asking    dead                          over, told
//   any       the call is over              over
//
// Invariants
//   SW1. Each attempt has a watch of its own: what a server that was left still says is no sign of life of the next one.

import { ATTEMPT_TIMEOUT_MS, type PlannedAttempt } from './attempts.ts';
import type { Call } from './call.ts';
import type { CallDeps } from './deps.ts';

export class SilenceWatch {
  #isOver = false;
  #stop = (): void => undefined;

  constructor(
    { clock, gateways }: Pick<CallDeps, 'clock' | 'gateways'>,
    call: Pick<Call, 'whenOver'>,
    { trunk, gateway, server }: PlannedAttempt,
    onDead: () => void,
  ) {
    // The engine hears a 100 itself and gives up by itself.
    if (gateways.isDead === undefined) return;
    const timer = clock.setTimer(async () => {
      const isDead = (await gateways.isDead?.(trunk, gateway, server)) ?? false;
      if (this.#isOver) return;
      this.#isOver = true;
      if (isDead) onDead();
    }, trunk.outbound.attemptTimeoutMs ?? ATTEMPT_TIMEOUT_MS);
    this.#stop = () => timer.cancel();
    call.whenOver(() => this.heard());
  }

  /** Whatever it is. */
  heard(): void {
    this.#isOver = true;
    this.#stop();
  }
}
