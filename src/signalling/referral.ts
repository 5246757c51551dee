// A REFER of the other side inside a call: it wants us to call somebody (RFC 3515). The call above decides; here it is answered, and its
// subscription told how things go.
//
//   state    act                       next     sent
//   asked    refuse(status)            over     that
//            accept()                  taken    202, NOTIFY 100 (active)
//            5 s pass                  over     603
//   taken    progress(1xx)             taken    NOTIFY (active)
//            finish(status)            over     NOTIFY (terminated;reason=noresource)
//            NOTIFY refused 481, 408   over     -: nobody listens any more
//   any      the dialog ends           over     -
//
// Invariant RF1. Exactly one final answer, and after a 202 one NOTIFY that ends the subscription, while there is a dialog to send it in.

import type { Clock, Timer } from '../domain/clock.ts';
import type { Exchange, LinkDialog } from './link-handles.ts';
import { SIPFRAG } from './own-refer.ts';
import type { ReferTarget } from './refer-to.ts';
import type { HeaderMap } from './sip-text.ts';

/** What the call above gets. Exactly one of accept and refuse, within 5 s. */
export interface Referred {
  readonly type: 'referred';
  readonly target: ReferTarget;
  /** As it came, bounded; null: none. */
  readonly referredBy: string | null;
  accept(): void;
  refuse(status: number, headers?: HeaderMap): void;
  /** 1xx of what is called; the rest of the acts do nothing before `accept` and after `finish`. */
  progress(status: number): void;
  /** How it ended. */
  finish(status: number): void;
}

export interface ReferralOptions {
  readonly clock: Clock;
  readonly dialog: LinkDialog;
  readonly exchange: Exchange;
  readonly target: ReferTarget;
  /** In `Event`, for all but the first REFER of a dialog; null: none. */
  readonly id: string | null;
}

const DECISION_LIMIT_MS = 5_000;
/** Seconds, in Subscription-State; longer than anybody rings. */
const EXPIRES_SEC = 300;
const REFERRED_BY_CHARACTERS_MAX = 256;
const PHRASES: Readonly<Record<number, string>> = {
  100: 'Trying',
  180: 'Ringing',
  183: 'Session Progress',
  200: 'OK',
  403: 'Forbidden',
  408: 'Request Timeout',
  480: 'Temporarily Unavailable',
  486: 'Busy Here',
  487: 'Request Terminated',
  503: 'Service Unavailable',
  603: 'Decline',
};

export class Referral implements Referred {
  readonly type = 'referred';
  readonly target: ReferTarget;
  readonly referredBy: string | null;
  readonly #options: ReferralOptions;
  #state: 'asked' | 'taken' | 'over' = 'asked';
  readonly #limit: Timer;
  #lastStatus = 0;

  constructor(options: ReferralOptions) {
    this.#options = options;
    this.target = options.target;
    this.referredBy = options.exchange.headers['referred-by']?.slice(0, REFERRED_BY_CHARACTERS_MAX) ?? null;
    this.#limit = options.clock.setTimer(() => this.refuse(603), DECISION_LIMIT_MS);
  }

  get isOver(): boolean {
    return this.#state === 'over';
  }

  accept(): void {
    if (this.#state !== 'asked') return;
    this.#state = 'taken';
    this.#limit.cancel();
    const { contact } = this.#options.dialog;
    this.#options.exchange.respond(202, { headers: contact === null ? {} : { Contact: contact } });
    this.progress(100);
  }

  refuse(status: number, headers: HeaderMap = {}): void {
    if (this.#state !== 'asked') return;
    this.#over();
    this.#options.exchange.respond(status, { headers });
  }

  progress(status: number): void {
    if (this.#state !== 'taken' || status === this.#lastStatus) return;
    this.#lastStatus = status;
    this.#notify(status, `active;expires=${EXPIRES_SEC}`);
  }

  finish(status: number): void {
    if (this.#state !== 'taken') return;
    this.#over();
    this.#notify(status, 'terminated;reason=noresource');
  }

  /** The dialog is over. */
  abandon(): void {
    // What is open when the dialog ends is answered all the same (RFC 3261 section 15.1.2).
    this.refuse(487);
    this.#over();
  }

  #notify(status: number, state: string): void {
    const { dialog, id } = this.#options;
    const { contact } = dialog;
    const headers = {
      Event: id === null ? 'refer' : `refer;id=${id}`,
      'Subscription-State': state,
      ...(contact === null ? {} : { Contact: contact }),
      'Content-Type': `${SIPFRAG};version=2.0`,
    };
    const body = `SIP/2.0 ${status} ${PHRASES[status] ?? 'Result'}\r\n`;
    dialog.request('NOTIFY', { headers, body }, (answer) => {
      if (answer === null || answer.status === 481 || answer.status === 408) this.#over();
    });
  }

  #over(): void {
    this.#state = 'over';
    this.#limit.cancel();
  }
}
