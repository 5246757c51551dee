// One copy of a request that is passed on, at one target (RFC 3261 sections 9.1, 16.6 and 16.8).
//
// Invariants
//   PB1. A CANCEL goes out once, and not before a provisional response; where that comes later, the CANCEL goes then.
//   PB2. Whatever its target does or leaves out, the request comes to an end: INVITEs that ring are waited for as long as their owner says, those
//        that are cancelled for 64 T1.

import type { SipRequest } from '../message/message.ts';
import type { ClientUser } from '../transaction/layer.ts';
import { TimerSlot } from '../transaction/timers.ts';
import type { Environment } from './environment.ts';
import type { Destination, RequestSender } from './request-sender.ts';

/** Timer C (section 16.6, step 11). */
export const RINGING_MAX_MS = 185_000;

export class ProxyBranch {
  readonly request: SipRequest;
  readonly destination: Destination;
  readonly #id: string;
  readonly #sender: RequestSender;
  readonly #patience: TimerSlot;
  #sawProvisional = false;
  #isCancelled = false;
  #isCancelSent = false;

  /** @param id the branch of its top Via. */
  constructor(
    { clock }: Environment,
    sender: RequestSender,
    id: string,
    request: SipRequest,
    destination: Destination,
  ) {
    this.#id = id;
    this.#sender = sender;
    this.#patience = new TimerSlot(clock);
    this.request = request;
    this.destination = destination;
  }

  start(user: ClientUser): void {
    this.#sender.start(this.request, this.#id, this.destination, user);
  }

  /** From now on, in place of what was said before. */
  waitAtMost(ms: number, giveUp: () => void): void {
    this.#patience.start(giveUp, ms);
  }

  /** Its owner waits no more. */
  settle(): void {
    this.#patience.stop();
  }

  /** A 1xx came. @returns false where nobody wants to know any more. */
  provisional(): boolean {
    this.#sawProvisional = true;
    if (this.#isCancelled) this.#sendCancel();
    return !this.#isCancelled;
  }

  cancel(): void {
    this.#isCancelled = true;
    if (this.#sawProvisional) this.#sendCancel();
  }

  #sendCancel(): void {
    if (this.#isCancelSent || this.request.method !== 'INVITE') return;
    this.#isCancelSent = true;
    this.#sender.cancel(this.request, this.#id, this.destination);
  }
}
