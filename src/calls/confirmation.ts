// Whether our answer to an inbound call has arrived. Nobody pays for a 200 that may never have reached the caller.
//
//   state       answered()            ACK          first packet after the answer
//   certain     doubted (inbound)     certain      certain
//   doubted     -                     certain      certain
//
// Invariants
//   D1. Audio is proof only where there was none before the answer: then only our 200 says where to send it.
//   D2. An end of ours while it is doubted leaves the bill waiting for the leg to know (metering/meter.ts `answerArrived`).

import type { CallDirection } from '../domain/call.ts';
import type { Reason } from '../domain/reasons.ts';

/** What an inbound leg knows of its 200 (signalling/leg.ts); absent: nobody doubts it. */
export interface Arrival {
  arrived?(): Promise<boolean>;
}

export class Confirmation {
  #isDoubted = false;

  /** Neither an ACK nor audio has come. */
  get isDoubted(): boolean {
    return this.#isDoubted;
  }

  answered(direction: CallDirection): void {
    this.#isDoubted = direction === 'inbound';
  }

  /** The ACK, or audio (D1). */
  proved(): void {
    this.#isDoubted = false;
  }

  /**
   * The call is hung up by us, for this reason: the BYE waits for the ACK, and so does the bill. Undefined: nothing is in doubt. A node that
   * stops cannot wait; the carrier's record decides then.
   */
  arrivedAfter(reason: Reason, leg: Arrival | null): Promise<boolean> | undefined {
    if (!this.#isDoubted || reason === 'answer_unconfirmed') return undefined;
    return reason === 'drain_deadline' ? Promise.resolve(false) : leg?.arrived?.();
  }
}
