// Calls whose connection is gone, though their peer can be called again: does it still know them? A carrier's server that was started anew does not.
//
//   connection gone ── 1 to 6 s ── OPTIONS in the dialog, over a new connection ── 481 ──▶ over: the application is told
//                                                                             └── anything else, nothing ──▶ it goes on
//
// Invariants
//   LC1. Only the peer's own word that there is no such call ends it (RFC 3261 section 12.2.1.2): who cannot be asked may still be talking, and media and session
//        timers watch over that.
//   LC2. A call is asked about once in `QUIET_MS`: some peers close connections whenever nothing is said.

import type { ConnectionId } from '../transport/flow.ts';
import { TimerSlot } from '../transaction/timers.ts';
import type { Dialog } from './dialog.ts';
import type { DialogEnder } from './dialog-ender.ts';
import type { Environment } from './environment.ts';
import { composeOwn } from './request-composer.ts';
import type { RequestSender } from './request-sender.ts';

/** Its calls come back one by one. */
const DELAY_MIN_MS = 1_000;
const DELAY_SPREAD_MS = 5_000;
const QUIET_MS = 300_000;
/** Read by applications that tell this end from others. */
const LOST = 'Peer lost';

export class LostConnections {
  readonly #environment: Environment;
  readonly #sender: RequestSender;
  readonly #ender: DialogEnder;
  readonly #askedMs = new WeakMap<Dialog, number>();

  constructor(environment: Environment, sender: RequestSender, ender: DialogEnder) {
    this.#environment = environment;
    this.#sender = sender;
    this.#ender = ender;
  }

  lost(connection: ConnectionId): void {
    const { dialogs, clock, names } = this.#environment;
    const nowMs = clock.now();
    for (const dialog of dialogs.all()) {
      if (dialog.flow.connection !== connection || dialog.method !== 'INVITE' || dialog.state !== 'confirmed') continue;
      if (nowMs - (this.#askedMs.get(dialog) ?? -QUIET_MS) < QUIET_MS) continue;
      this.#askedMs.set(dialog, nowMs);
      const delay = new TimerSlot(clock);
      dialog.onEnded.push(() => delay.stop());
      delay.start(() => this.#ask(dialog), DELAY_MIN_MS + (names.sequence() % DELAY_SPREAD_MS));
    }
  }

  #ask(dialog: Dialog): void {
    const destination = this.#sender.destinationOf(dialog);
    if (destination === undefined || dialog.isMortal) return;
    const branch = this.#environment.names.branch();
    const options = composeOwn(dialog, destination.hop.local, { method: 'OPTIONS', branch, extra: [] });
    this.#sender.start(options, branch, destination, {
      response: ({ status }) => {
        if (status === 481 && !dialog.isMortal) this.#ender.endUnheard(dialog, LOST);
      },
      failed: () => undefined,
      terminated: () => undefined,
    });
  }
}
