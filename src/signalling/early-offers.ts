// Offers of the other side before the final answer to an INVITE: in an UPDATE (RFC 3311 section 5.2), or in the PRACK of a reliable response
// (RFC 3262 section 5). The same for both directions.
//
// Invariant EO1. One is open at a time, and none while the first offer of the call has no answer: 491 where that is ours, 500 with Retry-After
//                where it is theirs.

import { ACCEPT, ALLOW, SUPPORTED } from './abilities.ts';
import { readBody } from './body.ts';
import type { Reoffer } from './leg.ts';
import type { Exchange } from './link-handles.ts';
import { sessionTimerHeaders } from './session-timer.ts';

export interface EarlyOffersOptions {
  readonly tell: (reoffer: Reoffer) => void;
  /** What both sides agreed on. */
  readonly accepted: (exchange: Exchange, offer: string, sdp: string) => void;
}

export class EarlyOffers {
  readonly #options: EarlyOffersOptions;
  #isOpen = false;

  constructor(options: EarlyOffersOptions) {
    this.#options = options;
  }

  /** `waiting`: whose offer has no answer yet; `isOver`: there is nothing to be changed any more. */
  updated(update: Exchange, waiting: 'ours' | 'theirs' | null, isOver: boolean): void {
    const body = readBody(update.body, update.headers['content-type'], update.headers['content-encoding']);
    if (isOver) update.respond(481);
    else if (body.kind === 'none') accept(update, null);
    else if (body.kind === 'other') update.respond(415, { headers: { Accept: ACCEPT } });
    else if (waiting === 'ours') update.respond(491);
    else if (waiting === 'theirs' || this.#isOpen) update.respond(500, { headers: { 'Retry-After': '2' } });
    else if (body.kind === 'sdp') this.offered(update, body.sdp);
  }

  offered(exchange: Exchange, offer: string): void {
    this.#isOpen = true;
    const settle = (act: () => void) => {
      if (!this.#isOpen) return;
      this.#isOpen = false;
      act();
    };
    this.#options.tell({
      type: 'reoffer',
      offer,
      accept: (sdp) =>
        settle(() => {
          this.#options.accepted(exchange, offer, sdp);
          accept(exchange, sdp);
        }),
      refuse: (status) => settle(() => exchange.respond(status)),
    });
  }
}

function accept(exchange: Exchange, sdp: string | null): void {
  const timer = exchange.method === 'UPDATE' ? sessionTimerHeaders(exchange.headers) : {};
  exchange.respond(200, {
    headers: { Allow: ALLOW, Supported: SUPPORTED, ...timer },
    ...(sdp === null ? {} : { body: sdp }),
  });
}
