// An answered call on the signalling side, the same for both directions: offers inside the dialog, small requests, and its end.
//
//   open ──bye()──▶ closing ──final answer, BYE from there, 33 s──▶ ended
//   open ──BYE from the peer or the engine, connection lost──▶ ended
//
//   open ──408, 481 or nothing to a request of ours──▶ closing: BYE, and `ended` is told at once
//   open ──twice in a row no way to ask whether it is there──▶ the same
//
// Invariants
//   E1. One `ended` at most, and nothing after it (leg.ts L1).
//   E2. One offer is open at a time. A second of the other side gets 500 with Retry-After; one that crosses ours, 491 (RFC 3261 section 14.2,
//       RFC 3311 section 5.2); the engine says the same where it sees it first.
//   E3. A repeated offer is answered with the description it was answered with before (RFC 3264 section 8: an unchanged version means nothing changed).

import type { Clock, Timer } from '../domain/clock.ts';
import { type Reason, reasonHeader } from '../domain/reasons.ts';
import { ACCEPT, ALLOW, SUPPORTED } from './abilities.ts';
import { readBody } from './body.ts';
import { answerInCall, type CallCredentials } from './digest.ts';
import { answerInfo, sendKeyByInfo } from './info.ts';
import type { ForkAnswered, KeyPressed, LegDialog, ModifyOutcome, Refreshed, Reoffer } from './leg.ts';
import type { Acknowledgement, Exchange, LinkDialog } from './link-handles.ts';
import { OwnOffer } from './own-offer.ts';
import { OwnRefresh } from './own-refresh.ts';
import type { Referred } from './referral.ts';
import { type SessionRole, sessionTimerHeaders } from './session-timer.ts';
import { type HeaderMap, optionTags } from './sip-text.ts';
import { refuseEvent, Transfers } from './transfers.ts';

/** A little more than the transaction timeout of the engine (64*T1 = 32 s), which answers first unless it is broken. */
export const BYE_LIMIT_MS = 33_000;
/** An offer that the call does not answer for so long is not going to be. */
const REOFFER_LIMIT_MS = 5_000;
/** As long as a BYE is waited for. */
const PROBE_LIMIT_MS = 33_000;

export type EstablishedEvent =
  | Reoffer
  | Refreshed
  /** `sdp`: what the ACK carried. */
  | { readonly type: 'acked'; readonly sdp: string | null }
  | ForkAnswered
  | KeyPressed
  | Referred
  | { readonly type: 'ended'; readonly by: 'peer' | 'engine'; readonly reasonHeader: string | null }
  | {
      readonly type: 'ended';
      readonly by: 'silence';
      readonly reasonHeader: null;
      readonly lastProofMs: number | null;
    };

export interface EstablishedOptions {
  readonly clock: Clock;
  readonly dialog: LinkDialog;
  readonly localSdp: string;
  /** `localSdp` is our offer, whose answer the ACK will have. */
  readonly isOfferOpen: boolean;
  /** What `localSdp` was the answer to; null where it was our offer. */
  readonly remoteOffer: string | null;
  /** For a peer that challenges our requests. */
  readonly credentials: CallCredentials | null;
  /** Of the INVITE (digest.ts). */
  readonly calledUri: string;
  /** Of the 2xx that made the dialog, and who we were in it; `peerAllow`: the other side's Allow. */
  readonly session: {
    readonly headers: HeaderMap;
    readonly ownRole: SessionRole;
    readonly peerAllow: string | undefined;
  };
  readonly newCnonce: () => string;
  /** Uniform in [0, 1): how long is waited after glare. */
  readonly random: () => number;
  /** An UPDATE puts the engine's own session refresh back (signalling.ts). */
  readonly refreshesByUpdate: boolean;
  /** The INVITE was ours, and so is the Call-ID. */
  readonly ownsCallId: boolean;
  readonly onEvent: (event: EstablishedEvent) => void;
}

/** An offer of ours that went out in a 200: its answer is in the ACK with that number. */
interface AwaitedAnswer {
  readonly sequence: string;
  readonly answered: (sdp: string | null) => void;
}

export class Established {
  readonly transfers: Transfers;
  /** X- headers of our BYE. */
  byeHeaders: HeaderMap = {};
  readonly #options: EstablishedOptions;
  #state: 'open' | 'closing' | 'ended' = 'open';
  #localSdp: string;
  #remoteOffer: string | null;
  #openOffer: { abandon: () => void } | null = null;
  #ownOffer: OwnOffer | null = null;
  readonly #refresh: OwnRefresh;
  #awaited: AwaitedAnswer | null = null;
  #isFirstOfferOpen: boolean;
  /** The other side was last heard of, monotonic ms. */
  #heardMs: number;
  /** Since then we have asked once in vain, for there was no way to it. */
  #isOutOfReach = false;
  #closed: { readonly promise: Promise<void>; readonly resolve: () => void } | null = null;
  #limit: Timer | null = null;

  /** In the turn in which the dialog appeared. */
  constructor(options: EstablishedOptions) {
    this.#options = options;
    this.#localSdp = options.localSdp;
    this.#remoteOffer = options.remoteOffer;
    this.#isFirstOfferOpen = options.isOfferOpen;
    this.#heardMs = options.clock.monotonicMs();
    this.transfers = new Transfers({ ...options, onReferred: (referred) => this.#tell(referred) });
    this.#refresh = this.#ownRefresh();
    options.dialog.listen({
      acked: (ack) => this.#acked(ack),
      forkAnswered: () => this.#tell({ type: 'fork-answered' }),
      offered: (exchange) => this.#offered(exchange),
      requested: (exchange) => {
        this.#heard();
        // Too late: our BYE is on its way (RFC 5407 section 3.2).
        if (this.#state !== 'open') return exchange.respond(481);
        if (exchange.method === 'INFO') return answerInfo(exchange, (key) => this.#tell({ type: 'key', key }));
        if (!this.transfers.requested(exchange)) answerRequest(exchange);
      },
      ended: (by, reason) => this.#ended(by, reason),
    });
  }

  get id(): LegDialog {
    const { dialog } = this.#options;
    const localHost = hostOf(dialog.contact ?? '');
    return { ...dialog.id, remoteTarget: dialog.remoteTarget, localHost };
  }

  /** Sends BYE once; every caller waits for the same end. */
  bye(reason: Reason): Promise<void> {
    if (this.#state === 'ended') return Promise.resolve();
    if (this.#closed === null) {
      this.#closed = Promise.withResolvers<void>();
      this.#state = 'closing';
      this.transfers.abandon();
      this.#refresh.stop();
      this.#limit = this.#options.clock.setTimer(() => this.#finish(), BYE_LIMIT_MS);
      this.#sendBye({ ...this.byeHeaders, Reason: reasonHeader(reason) }, this.#options.credentials !== null);
    }
    return this.#closed.promise;
  }

  /** leg.ts AnsweredLeg. One at a time: a second one is refused with 491. */
  modify(sdp: string): Promise<ModifyOutcome> {
    if (this.#state !== 'open') return Promise.resolve({ ok: false, status: 481 });
    if (this.#ownOffer !== null) return Promise.resolve({ ok: false, status: 491 });
    const { promise, resolve } = Promise.withResolvers<ModifyOutcome>();
    const { clock, dialog, ownsCallId, credentials, calledUri, newCnonce, random } = this.#options;
    const isBusy = () => this.#isTheirOfferOpen || this.#refresh.isOffering === true;
    const done = (outcome: ModifyOutcome | 'lost') => {
      this.#ownOffer = null;
      if (outcome === 'lost') {
        resolve({ ok: false, status: 481 });
        return this.#lost(null);
      }
      if (outcome.ok) {
        this.#heard();
        this.#localSdp = sdp;
        // What it offered before is no longer what our description answers (E3).
        this.#remoteOffer = null;
      }
      resolve(outcome);
    };
    const what = { clock, dialog, sdp, ownsCallId, credentials, calledUri, newCnonce, random, isBusy, done };
    this.#ownOffer = new OwnOffer(what);
    return promise;
  }

  /** leg.ts AnsweredLeg */
  probe(): Promise<'alive' | 'lost'> {
    if (this.#state !== 'open') return Promise.resolve('lost');
    const { promise, resolve } = Promise.withResolvers<'alive' | 'lost'>();
    const settle = (isAlive: boolean) => {
      limit.cancel();
      resolve(isAlive ? 'alive' : 'lost');
      if (isAlive) this.#heard();
      else this.#lost(this.#heardMs);
    };
    const limit = this.#options.clock.setTimer(() => settle(false), PROBE_LIMIT_MS);
    // OPTIONS and no UPDATE: an UPDATE is a session refresh as well, and drachtio-server stops the timer of one that does not say so.
    this.#options.dialog.request('OPTIONS', { headers: { Accept: ACCEPT } }, (answer) => {
      const isUnsent = answer?.own === true && answer.status !== 408;
      if (!isUnsent || this.#isOutOfReach) {
        return settle(!isUnsent && answer !== null && answer.status !== 408 && answer.status !== 481);
      }
      // Neither a sign of life nor of death: its server may be starting anew.
      this.#isOutOfReach = true;
      limit.cancel();
      resolve('alive');
    });
    return promise;
  }

  /** leg.ts AnsweredLeg */
  sendKey(key: string, toneMs: number): Promise<number> {
    return this.#state === 'open' ? sendKeyByInfo(this.#options, key, toneMs) : Promise.resolve(481);
  }

  /** The engine is gone, or the leg no longer wants to hear anything. */
  drop(): void {
    this.#finish();
  }

  #sendBye(headers: HeaderMap, mayAnswerChallenge: boolean): void {
    const { dialog, credentials, calledUri, newCnonce } = this.#options;
    dialog.request('BYE', { headers }, (answer) => {
      const challenged = answer?.status === 401 || answer?.status === 407;
      if (challenged && mayAnswerChallenge && credentials !== null && this.#state === 'closing') {
        const digest = answerInCall({
          ...answer,
          body: '',
          method: 'BYE',
          calledUri,
          credentials,
          cnonce: newCnonce(),
        });
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
    this.transfers.abandon();
    this.#openOffer?.abandon();
    this.#ownOffer?.abandon();
    this.#refresh.close();
    this.#limit?.cancel();
    this.#options.dialog.forget();
    this.#closed?.resolve();
  }

  #ownRefresh(): OwnRefresh {
    const { session, refreshesByUpdate } = this.#options;
    const refresh = new OwnRefresh({
      ...this.#options,
      takesUpdate: refreshesByUpdate && optionTags(session.peerAllow).includes('update'),
      sdp: () => this.#localSdp,
      isBusy: () => this.#isTheirOfferOpen || this.#ownOffer !== null || this.#isFirstOfferOpen,
      described: (offer, answer) => {
        this.#heard();
        // As after an offer of ours (E3).
        this.#remoteOffer = null;
        this.#tell({ type: 'refreshed', offer, answer });
      },
    });
    refresh.agreed(session.headers, session.ownRole);
    return refresh;
  }

  get #isTheirOfferOpen(): boolean {
    return this.#openOffer !== null || this.#awaited !== null;
  }

  #tell(event: EstablishedEvent): void {
    if (this.#state === 'open') this.#options.onEvent(event);
  }

  #heard(): void {
    this.#isOutOfReach = false;
    this.#heardMs = this.#options.clock.monotonicMs();
  }

  /** RFC 3261 section 12.2.1.2: the dialog is ended, the other side being told in case it is there after all. */
  #lost(lastProofMs: number | null): void {
    if (this.#state !== 'open') return;
    void this.bye('peer_lost');
    this.#options.onEvent({ type: 'ended', by: 'silence', reasonHeader: null, lastProofMs });
  }

  #acked({ headers, body }: Acknowledgement): void {
    if (this.#state !== 'open') return;
    this.#heard();
    const reading = readBody(body, headers['content-type'], headers['content-encoding']);
    const sdp = reading.kind === 'sdp' ? reading.sdp : null;
    this.#isFirstOfferOpen = false;
    const awaited = this.#awaited;
    if (awaited === null || awaited.sequence !== sequenceOf(headers)) return this.#tell({ type: 'acked', sdp });
    this.#awaited = null;
    awaited.answered(sdp);
  }

  #offered(exchange: Exchange): void {
    this.#heard();
    const body = readBody(exchange.body, exchange.headers['content-type'], exchange.headers['content-encoding']);
    if (this.#state !== 'open') return exchange.respond(481);
    if (body.kind === 'other') return exchange.respond(415, { headers: { Accept: ACCEPT } });
    // An UPDATE without SDP asks for nothing (RFC 3311 section 5.2).
    if (body.kind !== 'sdp' && exchange.method !== 'INVITE') return this.#accept(exchange, null);
    const isOursSent = this.#ownOffer?.isSent === true || this.#refresh.isOffering === true;
    const isOursOpen = isOursSent || this.#awaited !== null || this.#isFirstOfferOpen;
    if (isOursOpen) return exchange.respond(491);
    if (this.#openOffer !== null) return exchange.respond(500, { headers: { 'Retry-After': '2' } });
    // A re-INVITE without SDP asks for our offer (section 14.2).
    if (body.kind !== 'sdp') return this.#tell(this.#reoffer(exchange, null));
    // Where our description holds keys, the call says whether they may go where this came from.
    const isKeyed = /^a=crypto:/m.test(this.#localSdp);
    if (body.sdp === this.#remoteOffer && !isKeyed) return this.#accept(exchange, this.#localSdp);
    this.#tell(this.#reoffer(exchange, body.sdp));
  }

  #reoffer(exchange: Exchange, offer: string | null): Reoffer {
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
      protocol: exchange.source.protocol,
      offer,
      accept: (sdp, answered = () => undefined) =>
        settle(() => {
          this.#remoteOffer = offer;
          this.#localSdp = sdp;
          if (offer === null) this.#awaited = { sequence: sequenceOf(exchange.headers), answered };
          this.#accept(exchange, sdp);
        }),
      refuse: (status) => settle(() => exchange.respond(status)),
    };
  }

  #accept(exchange: Exchange, sdp: string | null): void {
    const { contact } = this.#options.dialog;
    const timer = sessionTimerHeaders(exchange.headers);
    // Where they say nothing of the session, it stays as it is.
    const expires = timer['Session-Expires'];
    if (expires !== undefined) this.#refresh.agreed({ 'session-expires': expires }, 'uas');
    exchange.respond(200, {
      headers: {
        ...(contact === null ? {} : { Contact: contact }),
        Allow: ALLOW,
        Supported: SUPPORTED,
        ...timer,
      },
      ...(sdp === null ? {} : { body: sdp }),
    });
  }
}

/** The number in CSeq. */
function sequenceOf(headers: HeaderMap): string {
  return /^\s*(\d+)/.exec(headers['cseq'] ?? '')?.[1] ?? '';
}

/** Host and port in a Contact. */
function hostOf(contact: string): string {
  return /^[^<]*<?sips?:(?:[^@>]*@)?([^;>?\s]+)/i.exec(contact)?.[1] ?? 'localhost';
}

/** Requests inside a dialog that need no call: answered for what they are. */
export function answerRequest(exchange: Exchange): void {
  switch (exchange.method) {
    case 'OPTIONS':
      return exchange.respond(200, { headers: { Allow: ALLOW, Supported: SUPPORTED, Accept: ACCEPT } });
    case 'SUBSCRIBE':
      return refuseEvent(exchange);
    default:
      return exchange.respond(405, { headers: { Allow: ALLOW } });
  }
}
