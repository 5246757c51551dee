// The legs that live, and their dialogs: what is kept of them while the SIP engine is there, and what happens when it is not.
//
// Invariants
//   LV1. A leg is here from its making until it is over; its dialog is written down from its answer until then (dialog-keeper.ts).
//   LV2. When the engine is lost every live leg is told so once. What one does then harms no other.
//   LV3. A browser is gone with its connection: nobody can call it back, so its dialog is not written down.

import { DialogKeeper, type DialogKeeperOptions, type NewDialog } from './dialog-keeper.ts';

export interface Leg {
  lost(): void;
  /** Of those that we call out. */
  hasSent?(callId: string, fromTag: string | undefined): boolean;
}

/** What a leg tells of its dialog and its end. */
export interface LegKept {
  readonly onDialog: (dialog: NewDialog) => void;
  readonly onOver: () => void;
}

export class LiveLegs {
  readonly #legs = new Set<Leg>();
  readonly #dialogs: DialogKeeper;
  readonly #safely: (act: () => void) => void;

  constructor(dialogs: DialogKeeperOptions, safely: (act: () => void) => void) {
    this.#dialogs = new DialogKeeper(dialogs);
    this.#safely = safely;
  }

  get size(): number {
    return this.#legs.size;
  }

  /** `make` gets what its leg is to tell, in a later turn. */
  keep<L extends Leg>(make: (kept: LegKept) => L, { isBrowsers = false } = {}): L {
    let close = (): void => undefined;
    const leg = make({
      onDialog: (dialog) => {
        if (!isBrowsers) close = this.#dialogs.opened(dialog);
      },
      onOver: () => {
        close();
        this.#legs.delete(leg);
      },
    });
    this.#legs.add(leg);
    return leg;
  }

  /** An INVITE with these is one of ours that came back. */
  haveSent(callId: string, fromTag: string | undefined): boolean {
    return [...this.#legs].some((leg) => leg.hasSent?.(callId, fromTag) === true);
  }

  /** There is an engine again: who was left behind is hung up on. */
  connected(): void {
    this.#dialogs.connected();
  }

  /** LV2 */
  lost(): void {
    this.#dialogs.lost();
    const legs = [...this.#legs];
    this.#legs.clear();
    for (const leg of legs) this.#safely(() => leg.lost());
  }
}
