// A call from the network.
//
//   state       event                          next        told / sent
//   offered     accept()                       ringing     -
//   ringing     PRACK of our offer             ringing     early-answer
//   ringing     UPDATE                         ringing     reoffer, where the first offer is answered (RFC 3311 section 5.2)
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
//
// Where descriptions go (RFC 3261 section 13.2.1, RFC 3262 section 5):
//   INVITE   reliable 18x    PRACK    200            ACK
//   offer    -               -        answer         -
//   offer    answer          -        -              -         early media
//   none     -               -        offer          answer
//   none     offer           answer   -              -         a caller that demands 100rel
//   offer    answer          offer    -              -         answered in the 200 to the PRACK

import type { Clock } from '../domain/clock.ts';
import { type Reason, reasonHeader, verdictOf } from '../domain/reasons.ts';
import { ALLOW, SUPPORTED } from './abilities.ts';
import { readBody } from './body.ts';
import type { NewDialog } from './dialog-keeper.ts';
import { type CallCredentials, callCredentials } from './digest.ts';
import { EarlyOffers } from './early-offers.ts';
import { byeEvent } from './engine-words.ts';
import { BYE_LIMIT_MS, Established, type EstablishedEvent } from './established.ts';
import type { AnswerTerms, InboundEvent, InboundLeg, LegDialog, ModifyOutcome, Ringing } from './leg.ts';
import { type Exchange, type LinkDialog, lowerCaseNames } from './link-handles.ts';
import { routeSet, wayBack } from './orphans.ts';
import { sessionTimerHeaders } from './session-timer.ts';
import type { ReferEvent, ReferRequest } from './own-refer.ts';
import { type HeaderMap, optionTags } from './sip-text.ts';

export interface InboundLegOptions {
  readonly clock: Clock;
  readonly exchange: Exchange;
  readonly offer: string | null;
  readonly newCnonce: () => string;
  readonly random: () => number;
  readonly refreshesByUpdate: boolean;
  readonly onEvent: (event: InboundEvent) => void;
  /** Told of a refusal, to be remembered. */
  readonly onRejected: (reason: Reason) => void;
  /** It is answered: what the dialog is, should nobody come to hang up. */
  readonly onDialog: (dialog: NewDialog) => void;
  /** The leg is over. */
  readonly onOver: () => void;
}

type State = 'ringing' | 'answering' | 'answered' | 'confirmed' | 'ended';

export class SipInboundLeg implements InboundLeg {
  readonly #options: InboundLegOptions;
  #state: State = 'ringing';
  #rung = false;
  /** Sent in a reliable response, which settles the first offer and answer once its PRACK is there. */
  #reliableSdp: string | null = null;
  #isSettled = false;
  readonly #earlyOffers: EarlyOffers;
  #remoteOffer: string | null;
  #localSdp: string | null = null;
  #credentials: CallCredentials | null = null;
  /** Of our 200. */
  #timerHeaders: HeaderMap = {};
  readonly #arrived = Promise.withResolvers<boolean>();
  #established: Established | null = null;
  #answering: PromiseWithResolvers<'sent' | 'gone'> | null = null;
  /** Our hang-up, waiting for the ACK. */
  #pendingBye: ({ reason: Reason } & PromiseWithResolvers<void>) | null = null;

  constructor(options: InboundLegOptions) {
    this.#options = options;
    this.#remoteOffer = options.offer;
    this.#earlyOffers = new EarlyOffers({
      tell: (reoffer) => options.onEvent(reoffer),
      accepted: (_, offer, sdp) => {
        this.#remoteOffer = offer;
        this.#localSdp = sdp;
      },
    });
    options.exchange.onUpdate((update) => {
      const isLate = this.#state === 'answering' || this.#state === 'answered';
      this.#earlyOffers.updated(update, isLate ? 'theirs' : this.#waiting, this.#state === 'ended');
    });
    options.exchange.onCancel((reasonHeader) => {
      if (this.#state !== 'ringing' && this.#state !== 'answering') return;
      this.#end({ type: 'cancelled', ...(reasonHeader === null ? {} : { reasonHeader }) });
    });
  }

  ringing({ sdp, earlyMedia = false, reliable = false }: Ringing = {}): void {
    if (this.#state !== 'ringing' || this.#rung) return;
    this.#rung = true;
    const { exchange, offer } = this.#options;
    const { require, supported } = exchange.headers;
    // The engine does the rest: repeats it, takes the PRACK, holds the 200 back until then.
    const isReliable =
      optionTags(require).includes('100rel') ||
      (reliable && optionTags(supported ?? exchange.headers['k']).includes('100rel'));
    const isEarly = earlyMedia && offer !== null;
    const body = isEarly || (offer === null && isReliable) ? sdp : undefined;
    if (isReliable && body !== undefined) {
      this.#reliableSdp = body;
      exchange.onAcknowledged((prack) => this.#pracked(prack));
    }
    exchange.respond(isEarly && body !== undefined ? 183 : 180, {
      headers: { Allow: ALLOW, ...(isReliable ? { Require: '100rel' } : {}) },
      ...(body === undefined ? {} : { body }),
    });
  }

  get arrived(): Promise<boolean> {
    return this.#arrived.promise;
  }

  answer(sdp: string, { sessionExpiresSec = null, credentials = null }: AnswerTerms = {}): Promise<'sent' | 'gone'> {
    if (this.#state !== 'ringing') return Promise.resolve('gone');
    this.#state = 'answering';
    const answering = Promise.withResolvers<'sent' | 'gone'>();
    this.#answering = answering;
    this.#localSdp ??= sdp;
    this.#credentials = callCredentials(credentials);
    this.#timerHeaders = sessionTimerHeaders(this.#options.exchange.headers, sessionExpiresSec);
    this.#options.exchange.answer(
      // What a reliable response has said is not said again (RFC 3261 section 13.2.1).
      this.#reliableSdp === null ? sdp : undefined,
      { Allow: ALLOW, Supported: SUPPORTED, ...this.#timerHeaders },
      (dialog) => this.#answered(dialog),
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

  modify(offer: string): Promise<ModifyOutcome> {
    if (this.#state !== 'confirmed') return Promise.resolve({ ok: false, status: 481 });
    return this.#established?.modify(offer) ?? Promise.resolve({ ok: false, status: 481 });
  }

  probe(): Promise<'alive' | 'lost'> {
    if (this.#state !== 'confirmed') return Promise.resolve(this.#state === 'ended' ? 'lost' : 'alive');
    return this.#established?.probe() ?? Promise.resolve('lost');
  }

  sendKey(key: string, toneMs: number): Promise<number> {
    const isOpen = this.#state === 'answered' || this.#state === 'confirmed';
    return (isOpen ? this.#established?.sendKey(key, toneMs) : undefined) ?? Promise.resolve(481);
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

  refer(request: ReferRequest, onEvent: (event: ReferEvent) => void): boolean {
    return this.#state === 'confirmed' && this.#established?.transfers.refer(request, onEvent) === true;
  }

  get lastDialog(): LegDialog | null {
    return this.#established?.id ?? null;
  }

  setByeHeaders(headers: HeaderMap): void {
    if (this.#established !== null) this.#established.byeHeaders = headers;
  }

  get dialog(): LegDialog | null {
    return this.#state === 'confirmed' ? (this.#established?.id ?? null) : null;
  }

  #pracked(prack: Exchange): void {
    const { exchange, offer, onEvent } = this.#options;
    const reading = readBody(prack.body, prack.headers['content-type'], prack.headers['content-encoding']);
    const sdp = reading.kind === 'sdp' ? reading.sdp : null;
    // The 200 may have been asked for already: the engine keeps it back until this PRACK is answered.
    const isFirst = !this.#isSettled && this.#reliableSdp !== null && this.#state !== 'ended';
    if (!isFirst) return prack.respond(200);
    this.#isSettled = true;
    this.#localSdp ??= this.#reliableSdp;
    exchange.offAcknowledged();
    if (offer !== null && sdp !== null && this.#state === 'ringing') return this.#earlyOffers.offered(prack, sdp);
    prack.respond(200);
    if (offer === null && this.#pendingBye === null) onEvent({ type: 'early-answer', sdp });
  }

  /** Whose first offer has no answer yet. */
  get #waiting(): 'ours' | 'theirs' | null {
    if (this.#isSettled) return null;
    return this.#options.offer === null ? 'ours' : 'theirs';
  }

  #answered(dialog: LinkDialog): void {
    const { clock, newCnonce, random, refreshesByUpdate, exchange } = this.#options;
    if (this.#state !== 'answering') return dialog.forget();
    this.#state = 'answered';
    this.#established = new Established({
      clock,
      dialog,
      localSdp: this.#localSdp ?? '',
      isOfferOpen: this.#waiting === 'ours' && this.#reliableSdp === null,
      remoteOffer: this.#remoteOffer,
      credentials: this.#credentials,
      calledUri: dialog.remoteTarget,
      session: {
        headers: lowerCaseNames(this.#timerHeaders),
        ownRole: 'uas',
        peerAllow: exchange.headers['allow'],
      },
      newCnonce,
      random,
      refreshesByUpdate,
      ownsCallId: false,
      onEvent: (event) => this.#onEstablished(event),
    });
    const { id, remoteTarget: target } = dialog;
    const { to = '', from: remote = '', contact = '' } = exchange.headers;
    const nextHop = wayBack(exchange.source, contact);
    const routes = routeSet(exchange.headers['record-route']);
    this.#options.onDialog({ ...id, local: `${to};tag=${id.localTag}`, remote, target, routes, nextHop });
    this.#answering?.resolve('sent');
  }

  #onEstablished(event: EstablishedEvent): void {
    switch (event.type) {
      case 'acked':
        return this.#acked(event.sdp);
      case 'reoffer':
        // A dialog that is about to be closed takes no more offers.
        if (this.#pendingBye === null) this.#options.onEvent(event);
        else event.refuse(481);
        return;
      case 'key':
      case 'refreshed':
        if (this.#pendingBye === null) this.#options.onEvent(event);
        return;
      case 'referred':
        if (this.#pendingBye === null) this.#options.onEvent(event);
        else event.refuse(481);
        return;
      case 'ended':
        this.#end(event.by === 'engine' && this.#state === 'answered' ? { type: 'unconfirmed' } : byeEvent(event));
    }
  }

  /** ACKs of re-INVITEs come here as well: only the first confirms. */
  #acked(sdp: string | null): void {
    if (this.#state !== 'answered') return;
    this.#state = 'confirmed';
    this.#arrived.resolve(true);
    if (this.#pendingBye === null) {
      const answers = this.#options.offer === null && this.#reliableSdp === null && sdp !== null;
      return this.#options.onEvent({ type: 'confirmed', ...(answers ? { answer: sdp } : {}) });
    }
    const { reason, resolve } = this.#pendingBye;
    void this.#sendBye(reason).then(resolve);
  }

  #sendBye(reason: Reason): Promise<void> {
    const closed = this.#established?.bye(reason) ?? Promise.resolve();
    this.#options.exchange.offAcknowledged();
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
    this.#arrived.resolve(event?.type === 'bye');
    this.#options.exchange.offAcknowledged();
    this.#established?.drop();
    this.#answering?.resolve('gone');
    this.#options.onOver();
    const silent = event === null || this.#pendingBye !== null;
    this.#pendingBye?.resolve();
    if (!silent) this.#options.onEvent(event);
  }
}
