// The closing of a call that is over: its bill, its quality, its record, and the word to others.
//
//   settle   the meter's bill, in the ledger ---+
//                                               +-> store   the record is saved, and others are told, side by side
//   media    closed: the last packet counted ---+
//
// Invariants
//   O1. The meter reads the counters at once, so it is asked before media is closed.
//   O2. The record is stored as soon as there is a bill, before the journal closes the call (metering/meter.ts `onBilled`); what is done is not
//       done again. A call without a meter, or without its bill yet, is stored in the end.
//   O3. A metered call that has no bill yet is told of by recovery, with its bill.
//   O4. A step that fails is logged and holds up no other. Of strangers nothing is stored.

import type { Bill, CallQuality, CallRecord } from '../domain/call.ts';
import type { MediaSession } from '../media/session.ts';
import type { CallEnd, MeteredCall } from '../metering/meter.ts';
import type { CallDeps } from './deps.ts';

/** What is closed. */
export interface Closed {
  readonly id: string;
  readonly media: Pick<MediaSession, 'close'> | null;
  readonly metered: Pick<MeteredCall, 'ended'> | null;
  /** The other side is one of our trunks or workspaces. */
  readonly isIdentified: boolean;
  /** With what the closing has of it by then. */
  record(): CallRecord;
}

export class Closing {
  readonly #call: Closed;
  readonly #deps: Pick<CallDeps, 'directory' | 'events' | 'log'>;
  #bill: Bill | null = null;
  #quality: CallQuality | null = null;
  #mediaClosed: Promise<void> | null = null;
  #isSaved = false;
  #isTold = false;

  constructor(call: Closed, deps: Pick<CallDeps, 'directory' | 'events' | 'log'>) {
    this.#call = call;
    this.#deps = deps;
  }

  get bill(): Bill | null {
    return this.#bill;
  }

  get quality(): CallQuality | null {
    return this.#quality;
  }

  /** Once. Never rejects. */
  async run(end: CallEnd): Promise<void> {
    const settled = this.#settle(end);
    this.#mediaClosed = this.#closeMedia();
    await Promise.all([settled, this.#mediaClosed]);
    await this.#store();
  }

  /** The journal already has the end when this fails: recovery ships it, so only the record lacks its bill for now. */
  async #settle(end: CallEnd): Promise<void> {
    const onBilled = (bill: Bill) => {
      this.#bill = bill;
      return this.#store();
    };
    try {
      this.#bill = (await this.#call.metered?.ended({ ...end, onBilled })) ?? null;
    } catch (error) {
      this.#failed(error, 'the bill is not in the ledger yet');
    }
  }

  async #closeMedia(): Promise<void> {
    try {
      this.#quality = (await this.#call.media?.close()) ?? null;
    } catch (error) {
      this.#failed(error, 'the media session could not be closed');
    }
  }

  async #store(): Promise<void> {
    await this.#mediaClosed;
    if (this.#call.isIdentified) await Promise.all([this.#save(), this.#tell()]);
  }

  async #save(): Promise<void> {
    if (this.#isSaved) return;
    try {
      await this.#deps.directory.calls.save(this.#call.record());
      this.#isSaved = true;
    } catch (error) {
      this.#failed(error, 'the call record could not be stored');
    }
  }

  /** O3 */
  async #tell(): Promise<void> {
    if (this.#isTold || (this.#call.metered !== null && this.#bill === null)) return;
    try {
      await this.#deps.events.ended(this.#call.record());
      this.#isTold = true;
    } catch (error) {
      this.#failed(error, 'the events of the call could not be stored');
    }
  }

  #failed(error: unknown, what: string): void {
    this.#deps.log.error({ callId: this.#call.id, err: error }, what);
  }
}
