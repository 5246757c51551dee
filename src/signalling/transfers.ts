// All transfers of one answered dialog: ours (one at a time), and those that the other side asks for (one at a time as well).
//
// Invariant TF1. Requests about subscriptions that there are not are answered for what they are and leave nothing behind: 481 for a NOTIFY of a
//                transfer that is over, 489 for other events (RFC 6665 section 4.1.3 and 7.4).

import type { Clock } from '../domain/clock.ts';
import type { CallCredentials } from './digest.ts';
import type { Exchange, LinkDialog } from './link-handles.ts';
import { OwnRefer, type ReferEvent, type ReferRequest } from './own-refer.ts';
import { Referral, type Referred } from './referral.ts';
import { parseReferTo } from './refer-to.ts';

export const ALLOW_EVENTS = 'refer';

export interface TransfersOptions {
  readonly clock: Clock;
  readonly dialog: LinkDialog;
  readonly credentials: CallCredentials | null;
  readonly calledUri: string;
  readonly newCnonce: () => string;
  readonly onReferred: (referred: Referred) => void;
}

export class Transfers {
  readonly #options: TransfersOptions;
  #own: OwnRefer | null = null;
  #referral: Referral | null = null;
  #referrals = 0;
  /** One of ours ended without its last NOTIFY, which may still come. */
  #hasStraggler = false;

  constructor(options: TransfersOptions) {
    this.#options = options;
  }

  /** False while another one is under way. */
  refer(request: ReferRequest, onEvent: (event: ReferEvent) => void): boolean {
    if (this.#own !== null && !this.#own.isOver) return false;
    const { clock, dialog, credentials, calledUri, newCnonce } = this.#options;
    this.#own = new OwnRefer({
      clock,
      dialog,
      request,
      credentials,
      calledUri,
      newCnonce,
      onEvent: (event) => {
        if (event.type === 'timed-out') this.#hasStraggler = true;
        onEvent(event);
      },
    });
    return true;
  }

  /** Answers what is about transfers; false for other requests. */
  requested(exchange: Exchange): boolean {
    switch (exchange.method) {
      case 'NOTIFY':
        this.#notified(exchange);
        return true;
      case 'REFER':
        this.#referred(exchange);
        return true;
      default:
        return false;
    }
  }

  /** The dialog is over. */
  abandon(): void {
    this.#own?.abandon();
    this.#referral?.abandon();
  }

  #notified(exchange: Exchange): void {
    const [event = '', ...parameters] = (exchange.headers['event'] ?? exchange.headers['o'] ?? '').split(';');
    if (event.trim().toLowerCase() !== 'refer') return refuseEvent(exchange);
    const id = parameters.map((parameter) => /^\s*id\s*=\s*(\S+)\s*$/i.exec(parameter)?.[1]).find((found) => found);
    if (this.#own?.isAbout(id ?? null, this.#hasStraggler) !== true) return exchange.respond(481);
    this.#own.notified(exchange);
  }

  #referred(exchange: Exchange): void {
    const { clock, dialog, onReferred } = this.#options;
    const target = parseReferTo(exchange.headers['refer-to'] ?? exchange.headers['r']);
    if (target === undefined) return exchange.respond(400);
    // One transfer of a call at a time, whoever asked for it.
    const isBusy = (this.#referral !== null && !this.#referral.isOver) || (this.#own !== null && !this.#own.isOver);
    if (isBusy) return exchange.respond(491);
    const sequence = /^\d+/.exec(exchange.headers['cseq'] ?? '')?.[0] ?? null;
    this.#referrals += 1;
    const id = this.#referrals === 1 ? null : sequence;
    this.#referral = new Referral({ clock, dialog, exchange, target, id });
    onReferred(this.#referral);
  }
}

/** Outside any dialog: there is no subscription, of ours or to us, and none is made. */
export function refuseSubscription(exchange: Exchange): void {
  const event = (exchange.headers['event'] ?? exchange.headers['o'] ?? '').split(';', 1)[0]?.trim().toLowerCase();
  if (exchange.method === 'NOTIFY' && event === 'refer') exchange.respond(481);
  else refuseEvent(exchange);
}

/** A NOTIFY, SUBSCRIBE or PUBLISH for an event that we know nothing of. */
export function refuseEvent(exchange: Exchange): void {
  exchange.respond(489, { headers: { 'Allow-Events': ALLOW_EVENTS } });
}
