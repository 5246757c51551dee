// An answered call on the signalling side, the same for both directions: offers inside the dialog, small requests, and its end.
//
//   open ──bye()──▶ closing ──final answer, BYE from there, 33 s──▶ ended
//   open ──BYE from the peer or the engine, connection lost──▶ ended
//
// Invariants
//   E1. One `ended` at most, and nothing after it (leg.ts L1).
//   E2. One offer is open at a time; a second gets 500 with Retry-After (RFC 3261 section 14.2).
//   E3. A repeated offer is answered with the description it was answered with before (RFC 3264 section 8: an unchanged version means nothing changed).

import type { Clock, Timer } from '../domain/clock.ts';
import { type Reason, reasonHeader } from '../domain/reasons.ts';
import { ACCEPT, ALLOW, SUPPORTED } from './abilities.ts';
import { readBody } from './body.ts';
import { answerChallenge, type Credentials } from './digest.ts';
import type { ForkAnswered, LegBye, Reoffer } from './leg.ts';
import type { Exchange, LinkDialog } from './link-handles.ts';
import { sessionTimerHeaders } from './session-timer.ts';
import type { HeaderMap } from './sip-text.ts';

/** A little more than the transaction timeout of the engine (64*T1 = 32 s), which answers first unless it is broken. */
export const BYE_LIMIT_MS = 33_000;
/** An offer that the call does not answer for so long is not going to be. */
const REOFFER_LIMIT_MS = 5_000;

export type EstablishedEvent =
  | Reoffer
  | { readonly type: 'acked' }
  | ForkAnswered
  | { readonly type: 'ended'; readonly by: 'peer' | 'engine'; readonly reasonHeader: string | null };

export interface EstablishedOptions {
  readonly clock: Clock;
  readonly dialog: LinkDialog;
  readonly localSdp: string;
  /** What `localSdp` was the answer to; null where it was our offer. */
  readonly remoteOffer: string | null;
  /** For a peer that challenges our BYE. */
  readonly credentials: Credentials | null;
  /** Request-URI for the digest of our BYE. */
  readonly targetUri: string;
  readonly newCnonce: () => string;
  readonly onEvent: (event: EstablishedEvent) => void;
}

export class Established {
  readonly #options: EstablishedOptions;
  #state: 'open' | 'closing' | 'ended' = 'open';
  #localSdp: string;
  #remoteOffer: string | null;
  #openOffer: { abandon: () => void } | null = null;
  #closed: { readonly promise: Promise<void>; readonly resolve: () => void } | null = null;
  #limit: Timer | null = null;

  /** In the turn in which the dialog appeared. */
  constructor(options: EstablishedOptions) {
    this.#options = options;
    this.#localSdp = options.localSdp;
    this.#remoteOffer = options.remoteOffer;
    options.dialog.listen({
      acked: () => this.#tell({ type: 'acked' }),
      forkAnswered: () => this.#tell({ type: 'fork-answered' }),
      offered: (exchange) => this.#offered(exchange),
      requested: (exchange) => answerRequest(exchange),
      ended: (by, reason) => this.#ended(by, reason),
    });
  }

  /** Sends BYE once; every caller waits for the same end. */
  bye(reason: Reason): Promise<void> {
    if (this.#state === 'ended') return Promise.resolve();
    if (this.#closed === null) {
      this.#closed = Promise.withResolvers<void>();
      this.#state = 'closing';
      this.#limit = this.#options.clock.setTimer(() => this.#finish(), BYE_LIMIT_MS);
      this.#sendBye({ Reason: reasonHeader(reason) }, this.#options.credentials !== null);
    }
    return this.#closed.promise;
  }

  /** The engine is gone, or the leg no longer wants to hear anything. */
  drop(): void {
    this.#finish();
  }

  #sendBye(headers: HeaderMap, mayAnswerChallenge: boolean): void {
    const { dialog, credentials, targetUri, newCnonce } = this.#options;
    dialog.request('BYE', { headers }, (answer) => {
      const challenged = answer?.status === 401 || answer?.status === 407;
      if (challenged && mayAnswerChallenge && credentials !== null && this.#state === 'closing') {
        const cnonce = newCnonce();
        const digest = answerChallenge({ ...answer, method: 'BYE', uri: targetUri, credentials, cnonce });
        if (digest !== undefined) return this.#sendBye({ ...headers, [digest.header]: digest.value }, false);
      }
      this.#finish();
    });
  }

  #ended(by: 'peer' | 'engine', reason: string | null): void {
    const wasOpen = this.#state === 'open';
    this.#finish();
    if (wasOpen) this.#options.onEvent({ type: 'ended', by, reasonHeader: reason });
  }

  #finish(): void {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    this.#openOffer?.abandon();
    this.#limit?.cancel();
    this.#options.dialog.forget();
    this.#closed?.resolve();
  }

  #tell(event: EstablishedEvent): void {
    if (this.#state === 'open') this.#options.onEvent(event);
  }

  #offered(exchange: Exchange): void {
    const body = readBody(exchange.body, exchange.headers['content-type'], exchange.headers['content-encoding']);
    if (this.#state !== 'open') return exchange.respond(481);
    if (body.kind === 'other') return exchange.respond(415, { headers: { Accept: ACCEPT } });
    if (this.#openOffer !== null) return exchange.respond(500, { headers: { 'Retry-After': '2' } });
    if (body.kind !== 'sdp') {
      // A re-INVITE asks for our offer (section 14.2), an UPDATE without SDP for nothing (RFC 3311 section 5.2).
      return this.#accept(exchange, exchange.method === 'INVITE' ? this.#localSdp : null);
    }
    if (body.sdp === this.#remoteOffer) return this.#accept(exchange, this.#localSdp);
    this.#tell(this.#reoffer(exchange, body.sdp));
  }

  #reoffer(exchange: Exchange, offer: string): Reoffer {
    const limit = this.#options.clock.setTimer(() => settle(() => exchange.respond(500)), REOFFER_LIMIT_MS);
    const open = {
      // RFC 3261 section 15.1.2: what is open when the dialog ends is answered 487. The library keeps the request until then.
      abandon: () => {
        limit.cancel();
        exchange.respond(487);
      },
    };
    this.#openOffer = open;
    const settle = (act: () => void) => {
      if (this.#openOffer !== open || this.#state === 'ended') return;
      this.#openOffer = null;
      limit.cancel();
      act();
    };
    return {
      type: 'reoffer',
      offer,
      accept: (answerSdp) =>
        settle(() => {
          this.#remoteOffer = offer;
          this.#localSdp = answerSdp;
          this.#accept(exchange, answerSdp);
        }),
      refuse: (status) => settle(() => exchange.respond(status)),
    };
  }

  #accept(exchange: Exchange, sdp: string | null): void {
    const { contact } = this.#options.dialog;
    exchange.respond(200, {
      headers: {
        ...(contact === null ? {} : { Contact: contact }),
        Allow: ALLOW,
        Supported: SUPPORTED,
        ...sessionTimerHeaders(exchange.headers),
      },
      ...(sdp === null ? {} : { body: sdp }),
    });
  }
}

/** How legs tell the end of an answered call. */
export function byeEvent({ by, reasonHeader }: Extract<EstablishedEvent, { type: 'ended' }>): LegBye {
  const engineSays = (text: string) => by === 'engine' && (reasonHeader ?? '').includes(`text="${text}"`);
  return {
    type: 'bye',
    reasonHeader,
    ...(engineSays('Session timer expired') ? { sessionExpired: true } : {}),
    ...(engineSays('Connection lost') ? { connectionLost: true } : {}),
  };
}

/** Requests inside a dialog that need no call: answered for what they are. */
export function answerRequest(exchange: Exchange): void {
  switch (exchange.method) {
    case 'OPTIONS':
      return exchange.respond(200, { headers: { Allow: ALLOW, Supported: SUPPORTED, Accept: ACCEPT } });
    case 'INFO':
      // A bare INFO is a sign of life (RFC 6086 section 4.2.2); nothing that one could carry is understood.
      if (exchange.body.trim() === '') return exchange.respond(200);
      return exchange.respond(415, { headers: { Accept: ACCEPT } });
    default:
      return exchange.respond(405, { headers: { Allow: ALLOW } });
  }
}
