// The door: what becomes of a request that belongs to no dialog.
//
//   request                           answer
//   of one who is not admitted        as to a stranger, without a look at it
//   that `screen` finds fault with    what it says
//   INVITE                            the handler's, or 500; while there is none yet 503; 481 where it says that it is of a dialog
//   OPTIONS                           200; while we drain, or take no calls yet, 503
//   BYE, UPDATE, INFO, PRACK          481
//   NOTIFY, SUBSCRIBE                 refused (transfers.ts)
//   REFER                             403
//   anything else                     405
// A browser's connection is open to anybody: but for INVITE, OPTIONS and what a dialog could have had, its requests are answered 403.
//
// Invariants
//   S1. A new INVITE reaches the handler only after `screen` has found nothing wrong with it, and always ends in a final response:
//       where the handler throws or does not take it, 500 is ours. A node that starts is none that fails: it asks to be tried again.
//   S3. An INVITE that was refused and comes again gets the same answer, and the handler hears nothing of it (refusal-memory.ts).

import type { Clock } from '../domain/clock.ts';
import { type Reason, reasonHeader, verdictOf } from '../domain/reasons.ts';
import { ACCEPT, ALLOW, SUPPORTED } from './abilities.ts';
import type { InboundEvent, InboundInvite, InboundLeg, SignallingSource } from './leg.ts';
import type { Exchange } from './link-handles.ts';
import { RefusalMemory } from './refusal-memory.ts';
import { type Screening, screen } from './screen.ts';
import { type HeaderMap, parseSipAddress } from './sip-text.ts';
import { refuseSubscription } from './transfers.ts';

/** Books and directory are mostly open by then, and calls of an earlier process are finished. */
const STARTING_RETRY_SEC = '5';

export interface GuardedRequest {
  readonly source: SignallingSource;
  readonly method: string;
  readonly userAgent: string | undefined;
  readonly from: string | undefined;
  readonly isInDialog: boolean;
}

/** What a leg is made of. */
export interface Taken {
  readonly exchange: Exchange;
  readonly offer: string | null;
  readonly isBrowsers: boolean;
  readonly onEvent: (event: InboundEvent) => void;
  readonly onRejected: (reason: Reason) => void;
}

export interface DoorOptions {
  readonly clock: Clock;
  readonly log: { error(fields: object, message: string): void };
  /** Absent: the engine has a guard of its own. */
  readonly admits: ((request: GuardedRequest) => boolean) | undefined;
  /** Whether we sent an INVITE with these. */
  readonly isOurs: (callId: string, fromTag: string | undefined) => boolean;
  readonly take: (taken: Taken) => InboundLeg;
}

type Screened = Extract<Screening, { ok: true }>;

export class Door {
  isDraining = false;
  handler: ((invite: InboundInvite) => void) | null = null;

  readonly #options: DoorOptions;
  readonly #refusals: RefusalMemory;

  constructor(options: DoorOptions) {
    this.#options = options;
    this.#refusals = new RefusalMemory(options.clock);
  }

  knock(exchange: Exchange): void {
    if (!this.#isAdmitted(exchange)) return exchange.respond(verdictOf('unknown_source').sipStatus);
    const screening = screen(exchange);
    if (isBrowser(exchange.source)) return this.#onBrowserRequest(exchange, screening);
    if (!screening.ok) return exchange.respond(screening.status, { headers: screening.headers });
    switch (exchange.method) {
      case 'INVITE':
        return this.#onInvite(exchange, screening);
      case 'OPTIONS':
        return this.#onOptions(exchange);
      case 'BYE':
      case 'UPDATE':
      case 'INFO':
      case 'PRACK':
        // They make sense in a dialog only, and this one is none of ours (RFC 3261 section 12.2.2).
        return exchange.respond(481);
      case 'NOTIFY':
      case 'SUBSCRIBE':
        return refuseSubscription(exchange);
      case 'REFER':
        // Who is in no call with us has nobody called.
        return exchange.respond(403);
      default:
        return exchange.respond(405, { headers: { Allow: ALLOW } });
    }
  }

  #isAdmitted({ source, method, headers }: Exchange): boolean {
    const { admits } = this.#options;
    if (admits === undefined) return true;
    const isInDialog = hasToTag(headers);
    return admits({ source, method, userAgent: headers['user-agent'], from: headers['from'], isInDialog });
  }

  /** Anybody may connect there: but for calls, which prove who they are, nobody learns what this is. */
  #onBrowserRequest(exchange: Exchange, screening: Screening): void {
    if (!screening.ok) return exchange.respond(screening.status);
    if (exchange.method === 'INVITE') return this.#onInvite(exchange, screening);
    const isOfDialog = ['BYE', 'UPDATE', 'INFO', 'PRACK'].includes(exchange.method);
    // OPTIONS is how some of its libraries see whether the connection lives.
    exchange.respond(exchange.method === 'OPTIONS' ? 200 : isOfDialog ? 481 : 403);
  }

  #onOptions(exchange: Exchange): void {
    if (this.isDraining) {
      const retryAfter = String(verdictOf('draining').retryAfterSec);
      return exchange.respond(503, { headers: { 'Retry-After': retryAfter, Reason: reasonHeader('draining') } });
    }
    if (this.handler === null) return this.#onTooEarly(exchange);
    exchange.respond(200, { headers: { Allow: ALLOW, Supported: SUPPORTED, Accept: ACCEPT } });
  }

  /** S1 */
  #onInvite(exchange: Exchange, { from, callId, target, sdp }: Screened): void {
    const fromTag = from.parameters.get('tag');
    // A dialog that is over here: the engine says so itself, if it knows.
    if (hasToTag(exchange.headers)) return exchange.respond(481);
    // The embedded engine knows a request of its own by its Via; another one may not.
    if (this.#options.isOurs(callId, fromTag)) return exchange.respond(482);
    if (this.handler === null) return this.#onTooEarly(exchange);
    const refusalKey = `${callId}|${fromTag}`;
    const isBrowsers = isBrowser(exchange.source);
    let isTaken = false;
    const accept = (onEvent: (event: InboundEvent) => void): InboundLeg => {
      if (isTaken) throw new Error('an INVITE is accepted once');
      const onRejected = (reason: Reason) => this.#refusals.remember(refusalKey, reason);
      const leg = this.#options.take({ exchange, offer: sdp, isBrowsers, onEvent, onRejected });
      isTaken = true;
      return leg;
    };
    const before = this.#refusals.recall(refusalKey);
    if (before !== null) return accept(() => undefined).reject(before);
    this.#tell(callId, {
      source: exchange.source,
      sipCallId: callId,
      requestUri: exchange.uri,
      calledUser: target.user,
      callerUser: from.uri.user,
      callerDisplay: from.display,
      fromBrowser: isBrowsers,
      offer: sdp,
      headers: exchange.headers,
      accept,
    });
    // It failed before it could take it.
    if (!isTaken) exchange.respond(500);
  }

  #onTooEarly(exchange: Exchange): void {
    exchange.respond(503, isBrowser(exchange.source) ? {} : { headers: { 'Retry-After': STARTING_RETRY_SEC } });
  }

  #tell(sipCallId: string, invite: InboundInvite): void {
    try {
      this.handler?.(invite);
    } catch (error) {
      this.#options.log.error({ err: error, sipCallId }, 'the handler of a new call failed');
    }
  }
}

function hasToTag(headers: HeaderMap): boolean {
  return parseSipAddress(headers['to'] ?? '')?.parameters.has('tag') === true;
}

/** The embedded engine names the transport; drachtio-server says `tcp`, and its browsers are strangers. */
function isBrowser({ protocol }: SignallingSource): boolean {
  return protocol === 'ws' || protocol === 'wss';
}
