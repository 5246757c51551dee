// A call from the network.
//
//   state       event                          next        told / sent
//   offered     accept()                       ringing     -
//   ringing     CANCEL                         ended       cancelled
//               reject(), bye()                ended       final response with Reason
//               challenge()                    ended       401
//               answer()                       answering   200
//   answering   engine took the 200            answered    answer() resolves `sent`
//               engine knows no INVITE any more ended      cancelled; answer() resolves `gone`
//   answered    ACK                            confirmed   confirmed
//               engine gave up on the ACK      ended       unconfirmed
//   confirmed   bye()                          closing     BYE
//   answered, confirmed  BYE                   ended       bye
//   any         engine lost                    ended       lost
//
// A hang-up of ours in `answering` or `answered` waits until the ACK is there: a callee must not send BYE before it (RFC 3261 section 15).
// From then on the leg tells nothing more (leg.ts L1); if no ACK ever comes, the engine ends the dialog by itself.

import type { Clock } from '../domain/clock.ts';
import { type Reason, reasonHeader, verdictOf } from '../domain/reasons.ts';
import { ALLOW, SUPPORTED } from './abilities.ts';
import { BYE_LIMIT_MS, byeEvent, Established, type EstablishedEvent } from './established.ts';
import type { InboundEvent, InboundLeg } from './leg.ts';
import type { Exchange, LinkDialog } from './link-handles.ts';
import { sessionTimerHeaders } from './session-timer.ts';
import { type HeaderMap, optionTags } from './sip-text.ts';

export interface InboundLegOptions {
  readonly clock: Clock;
  readonly exchange: Exchange;
  readonly offer: string | null;
  readonly newCnonce: () => string;
  readonly onEvent: (event: InboundEvent) => void;
  /** Told of a refusal, to be remembered. */
  readonly onRejected: (reason: Reason) => void;
  /** The leg is over. */
  readonly onOver: () => void;
}

type State = 'ringing' | 'answering' | 'answered' | 'confirmed' | 'ended';

export class SipInboundLeg implements InboundLeg {
  readonly #options: InboundLegOptions;
  #state: State = 'ringing';
  #rung = false;
  #established: Established | null = null;
  #answering: PromiseWithResolvers<'sent' | 'gone'> | null = null;
  /** Our hang-up, waiting for the ACK. */
  #pendingBye: ({ reason: Reason } & PromiseWithResolvers<void>) | null = null;

  constructor(options: InboundLegOptions) {
    this.#options = options;
    options.exchange.onCancel(() => {
      if (this.#state === 'ringing' || this.#state === 'answering') this.#end({ type: 'cancelled' });
    });
  }

  ringing(): void {
    if (this.#state !== 'ringing' || this.#rung) return;
    this.#rung = true;
    const { exchange } = this.#options;
    // Sent reliably where the caller demands it (RFC 3262 section 3); the engine does the rest.
    const reliable = optionTags(exchange.headers['require']).includes('100rel');
    exchange.respond(180, { headers: { Allow: ALLOW, ...(reliable ? { Require: '100rel' } : {}) } });
  }

  answer(sdp: string): Promise<'sent' | 'gone'> {
    if (this.#state !== 'ringing') return Promise.resolve('gone');
    this.#state = 'answering';
    const answering = Promise.withResolvers<'sent' | 'gone'>();
    this.#answering = answering;
    this.#options.exchange.answer(
      sdp,
      { Allow: ALLOW, Supported: SUPPORTED, ...sessionTimerHeaders(this.#options.exchange.headers) },
      (dialog) => this.#answered(dialog, sdp),
      // The engine refuses a 200 to an INVITE that is over: the caller's CANCEL was faster.
      () => this.#end({ type: 'cancelled' }),
    );
    return answering.promise;
  }

  reject(reason: Reason): void {
    if (this.#state === 'ringing') this.#refuse(reason);
    else void this.bye(reason);
  }

  challenge(challenges: readonly string[]): void {
    if (this.#state !== 'ringing') return;
    // The library knows one value per header: the others are lines of their own inside it.
    this.#options.exchange.respond(401, { headers: { 'WWW-Authenticate': challenges.join('\r\nWWW-Authenticate: ') } });
    this.#end(null);
  }

  bye(reason: Reason): Promise<void> {
    switch (this.#state) {
      case 'ringing':
        this.#refuse(reason);
        return Promise.resolve();
      case 'answering':
      case 'answered':
        if (this.#pendingBye === null) {
          this.#pendingBye = { reason, ...Promise.withResolvers<void>() };
          // The engine ends an unacknowledged dialog after 32 s; this holds even if it does not.
          this.#options.clock.setTimer(() => this.#end(null), BYE_LIMIT_MS);
        }
        return this.#pendingBye.promise;
      case 'confirmed':
        return this.#sendBye(reason);
      case 'ended':
        return this.#established?.bye(reason) ?? Promise.resolve();
    }
  }

  /** The engine's connection is gone. */
  lost(): void {
    this.#end({ type: 'lost' });
  }

  #refuse(reason: Reason): void {
    const { sipStatus, retryAfterSec } = verdictOf(reason);
    const headers: HeaderMap = {
      Reason: reasonHeader(reason),
      ...(retryAfterSec === undefined ? {} : { 'Retry-After': String(retryAfterSec) }),
    };
    // A reason of an answered call can come before the answer: the caller then hears that nobody took the call.
    this.#options.exchange.respond(sipStatus < 300 ? 480 : sipStatus, { headers });
    this.#options.onRejected(reason);
    this.#end(null);
  }

  #answered(dialog: LinkDialog, sdp: string): void {
    const { clock, offer, newCnonce, exchange } = this.#options;
    if (this.#state !== 'answering') return dialog.forget();
    this.#state = 'answered';
    this.#established = new Established({
      clock,
      dialog,
      localSdp: sdp,
      remoteOffer: offer,
      credentials: null,
      targetUri: exchange.uri,
      newCnonce,
      onEvent: (event) => this.#onEstablished(event),
    });
    this.#answering?.resolve('sent');
  }

  #onEstablished(event: EstablishedEvent): void {
    switch (event.type) {
      case 'acked':
        return this.#acked();
      case 'reoffer':
        // A dialog that is about to be closed takes no more offers.
        if (this.#pendingBye === null) this.#options.onEvent(event);
        else event.refuse(481);
        return;
      case 'ended':
        this.#end(event.by === 'engine' && this.#state === 'answered' ? { type: 'unconfirmed' } : byeEvent(event));
    }
  }

  /** ACKs of re-INVITEs come here as well: only the first confirms. */
  #acked(): void {
    if (this.#state !== 'answered') return;
    this.#state = 'confirmed';
    if (this.#pendingBye === null) return this.#options.onEvent({ type: 'confirmed' });
    const { reason, resolve } = this.#pendingBye;
    void this.#sendBye(reason).then(resolve);
  }

  #sendBye(reason: Reason): Promise<void> {
    const closed = this.#established?.bye(reason) ?? Promise.resolve();
    this.#state = 'ended';
    return closed.then(() => this.#options.onOver());
  }

  /** The one way out (L1); after a hang-up of ours nothing is told. */
  #end(event: InboundEvent | null): void {
    if (this.#state === 'ended') {
      this.#established?.drop();
      return;
    }
    this.#state = 'ended';
    this.#established?.drop();
    this.#answering?.resolve('gone');
    this.#options.onOver();
    const silent = event === null || this.#pendingBye !== null;
    this.#pendingBye?.resolve();
    if (!silent) this.#options.onEvent(event);
  }
}
