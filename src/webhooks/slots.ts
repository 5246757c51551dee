// How many attempts may be under way: so many in all, and only a part of them toward endpoints that are suspect. Dead or slow receivers
// hold a slot for up to ten seconds each; those that answer must never wait for them.

import type { WebhookLimits } from './limits.ts';

export class Slots {
  readonly #limits: WebhookLimits;
  #taken = 0;
  #suspect = 0;

  constructor(limits: WebhookLimits) {
    this.#limits = limits;
  }

  /** Undefined: none is free for this kind. Otherwise taken, until the function returned is called. */
  take(isSuspect: boolean): (() => void) | undefined {
    const { sendingMax, sendingSuspectMax } = this.#limits;
    if (this.#taken >= sendingMax || (isSuspect && this.#suspect >= sendingSuspectMax)) return undefined;
    const weight = isSuspect ? 1 : 0;
    this.#taken += 1;
    this.#suspect += weight;
    return () => {
      this.#taken -= 1;
      this.#suspect -= weight;
    };
  }
}
