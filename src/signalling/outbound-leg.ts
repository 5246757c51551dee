// A call to the network.
//
//   state      event                             next        told / sent
//   calling    1xx                               calling     progress
//              401 or 407, credentials           calling     INVITE again, with the digest
//              422                               calling     INVITE again, with the session interval it asks for (RFC 4028 section 7.3)
//              UPDATE                            calling     reoffer, where our offer has its answer already (RFC 3311 section 5.2)
//              200 with SDP                      answered    answered (ACK is the library's)
//              200 without any SDP               ended       rejected 488; BYE
//              other final, none (408, 503)      ended       rejected; a 3xx with its targets, which are not called
//              cancel()                          cancelling  CANCEL
//   cancelling final other than 200, or 34 s     ended       rejected 487
//              200 (crossed our CANCEL)          ended       rejected 487; BYE, by the engine if it took the CANCEL before
//   answered   BYE                               ended       bye
//              200 of another fork               answered    fork-answered (ACK and BYE are the engine's)
//              bye(), cancel()                   closing     BYE
//   any        engine lost                       ended       lost

import type { Clock, Timer } from '../domain/clock.ts';
import { type Reason, reasonHeader } from '../domain/reasons.ts';
import { ALLOW, SUPPORTED } from './abilities.ts';
import { readBody } from './body.ts';
import type { NewDialog } from './dialog-keeper.ts';
import { answerInCall, type CallCredentials, callCredentials } from './digest.ts';
import type { DrachtioLink } from './drachtio.ts';
import type { LinkInvite } from './link-invite.ts';
import { EarlyOffers } from './early-offers.ts';
import { byeEvent } from './engine-words.ts';
import { Established, type EstablishedEvent } from './established.ts';
import type { LegDialog, ModifyOutcome, OriginateParams, OutboundEvent, OutboundLeg } from './leg.ts';
import { identityHeaders } from './identity-headers.ts';
import type { Exchange, LinkDialog } from './link-handles.ts';
import { minimumOf, sessionTimerRequest } from './session-timer.ts';
import type { ReferEvent, ReferRequest } from './own-refer.ts';
import { routeSet } from './orphans.ts';
import { retryAfterMs } from './retry-after.ts';
import { type HeaderMap, parseContacts, parseSipAddress } from './sip-text.ts';

export interface OutboundLegOptions {
  readonly clock: Clock;
  readonly link: DrachtioLink;
  readonly params: OriginateParams;
  readonly newCnonce: () => string;
  readonly random: () => number;
  readonly refreshesByUpdate: boolean;
  /** Our address, for headers that the engine does not put it into. */
  readonly ownHost: string;
  readonly onEvent: (event: OutboundEvent) => void;
  /** It is answered: what the dialog is, should nobody come to hang up. */
  readonly onDialog: (dialog: NewDialog) => void;
  readonly onOver: () => void;
}

/** A peer that does not answer our CANCEL: the engine drops the INVITE silently after 32 s (RFC 3261 section 9.1). */
const CANCEL_LIMIT_MS = 34_000;
/** After the ACK of a 200 that crossed our CANCEL the engine sends BYE at once; if it does not, we do. */
const ENGINE_BYE_LIMIT_MS = 1_000;
/** The first challenge, and one more whose only complaint is a stale nonce. */
const CHALLENGES_MAX = 2;
/** Two proxies on the way may each have a minimum of their own. */
const INTERVALS_MAX = 3;
/** Forks whose early descriptions are kept. */
const EARLY_MAX = 8;
const HEADER_NAME = /^[A-Za-z0-9\-.!%*_+`'~]{1,64}$/;
const HEADER_VALUE_CHARACTERS_MAX = 1024;
/** Headers that the engine or this room writes. */
const RESERVED = new Set(
  `via from to call-id cseq contact max-forwards route record-route content-length content-type allow supported require
  proxy-require authorization proxy-authorization p-asserted-identity p-preferred-identity
  remote-party-id privacy diversion expires session-expires min-se rseq rack`.split(/\s+/),
);

export class SipOutboundLeg implements OutboundLeg {
  readonly #options: OutboundLegOptions;
  #state: 'calling' | 'cancelling' | 'answered' | 'ended' = 'calling';
  #invite: LinkInvite | null = null;
  #sentHeaders: HeaderMap = {};
  #challenges = 0;
  #isChallenged = false;
  /** Descriptions in provisional responses by To tag; `isReliable`: it is the answer to our offer (RFC 3262). */
  readonly #early = new Map<string, { readonly sdp: string; readonly isReliable: boolean }>();
  readonly #earlyOffers: EarlyOffers;
  #localSdp: string;
  #intervals = 1;
  #minSec: number | null = null;
  #established: Established | null = null;
  #cancelLimit: Timer | null = null;
  #cancelTaken = false;

  readonly #credentials: CallCredentials | null;

  /** Sends the INVITE; events come in a later turn. */
  constructor(options: OutboundLegOptions) {
    this.#options = options;
    this.#credentials = callCredentials(options.params.credentials);
    this.#localSdp = options.params.offer;
    this.#earlyOffers = new EarlyOffers({
      tell: (reoffer) => options.onEvent(reoffer),
      accepted: (update, offer, sdp) => {
        this.#early.set(tagOf(update.headers['from']), { sdp: offer, isReliable: true });
        this.#localSdp = sdp;
      },
    });
    this.#send({});
  }

  cancel(reason: Reason): void {
    if (this.#state === 'answered') return void this.bye(reason);
    if (this.#state !== 'calling') return;
    this.#state = 'cancelling';
    this.#cancelLimit = this.#options.clock.setTimer(
      () => this.#rejected(487, 'CANCEL was not answered'),
      CANCEL_LIMIT_MS,
    );
    this.#invite?.cancel({ Reason: reasonHeader(reason) });
  }

  bye(reason: Reason): Promise<void> {
    if (this.#state === 'answered') {
      this.#state = 'ended';
      return (this.#established?.bye(reason) ?? Promise.resolve()).then(() => this.#options.onOver());
    }
    if (this.#state === 'ended') return this.#established?.bye(reason) ?? Promise.resolve();
    this.cancel(reason);
    return Promise.resolve();
  }

  modify(offer: string): Promise<ModifyOutcome> {
    const established = this.#state === 'answered' ? this.#established : null;
    return established?.modify(offer) ?? Promise.resolve({ ok: false, status: 481 });
  }

  probe(): Promise<'alive' | 'lost'> {
    return this.#established?.probe() ?? Promise.resolve('alive');
  }

  sendKey(key: string, toneMs: number): Promise<number> {
    return this.#established?.sendKey(key, toneMs) ?? Promise.resolve(481);
  }

  refer(request: ReferRequest, onEvent: (event: ReferEvent) => void): boolean {
    return this.#state === 'answered' && this.#established?.transfers.refer(request, onEvent) === true;
  }

  get lastDialog(): LegDialog | null {
    return this.#established?.id ?? null;
  }

  setByeHeaders(headers: HeaderMap): void {
    if (this.#established !== null) this.#established.byeHeaders = headers;
  }

  get dialog(): LegDialog | null {
    return this.#state === 'answered' ? (this.#established?.id ?? null) : null;
  }

  /** Whether an INVITE with these is the one we sent, come back (RFC 3261 section 8.2.2.2). */
  hasSent(callId: string, fromTag: string | undefined): boolean {
    const { 'call-id': own, from = '' } = this.#sentHeaders;
    return own === callId && fromTag !== undefined && parseSipAddress(from)?.parameters.get('tag') === fromTag;
  }

  lost(): void {
    if (this.#state === 'ended') {
      this.#established?.drop();
      return;
    }
    this.#end({ type: 'lost' });
  }

  #send(digest: HeaderMap): void {
    const { link, params } = this.#options;
    const { nextHop = null } = params;
    const headers: HeaderMap = {
      ...safeHeaders(params.headers),
      ...identityHeaders(params, this.#options.ownHost),
      allow: ALLOW,
      supported: SUPPORTED,
      ...this.#timerHeaders(),
      ...digest,
    };
    this.#invite = link.invite(
      params.uri,
      { headers, body: params.offer, nextHop },
      {
        sent: (request) => {
          this.#sentHeaders = request.headers;
          params.sent?.(request.headers['call-id'] ?? '');
        },
        provisional: (status, answer, body) => this.#progress(status, answer, body),
        updated: (exchange) => this.#updated(exchange),
        cancelTaken: () => {
          this.#cancelTaken = true;
        },
        answered: (dialog, answer, body) => this.#answered(dialog, answer, body),
        failed: (status, reason, answer) => this.#failed(status, reason, answer),
      },
    );
  }

  #progress(status: number, headers: HeaderMap, text: string): void {
    if (this.#state !== 'calling') return;
    const sdp = sdpOf(headers, text);
    const tag = tagOf(headers['to']);
    if (sdp !== null && (this.#early.has(tag) || this.#early.size < EARLY_MAX)) {
      this.#early.set(tag, { sdp, isReliable: headers['rseq'] !== undefined });
    }
    this.#options.onEvent({ type: 'progress', status, sdp });
  }

  #timerHeaders(): HeaderMap {
    const { sessionExpiresSec = null } = this.#options.params;
    if (sessionExpiresSec === null && this.#minSec === null) return {};
    // Who challenges an INVITE challenges a refresh as well, and those of the engine know no credentials.
    const minSec = this.#minSec;
    return sessionTimerRequest(sessionExpiresSec ?? 0, {
      ...(minSec === null ? {} : { minSec }),
      theirs: this.#isChallenged,
    });
  }

  /** Our offer has its answer once a reliable response of that fork has brought it (RFC 3262 section 5). */
  #updated(update: Exchange): void {
    const isSettled = this.#early.get(tagOf(update.headers['from']))?.isReliable === true;
    this.#earlyOffers.updated(update, isSettled ? null : 'ours', this.#state !== 'calling');
  }

  #answered(dialog: LinkDialog, headers: HeaderMap, text: string): void {
    const { clock, params, newCnonce, random, refreshesByUpdate } = this.#options;
    // A 200 may leave out what a provisional response has said already (RFC 3261 section 13.2.1).
    const sdp = sdpOf(headers, text) ?? this.#earlySdpOf(tagOf(headers['to']));
    const established = new Established({
      clock,
      dialog,
      localSdp: this.#localSdp,
      isOfferOpen: false,
      remoteOffer: null,
      credentials: this.#credentials,
      calledUri: params.uri,
      session: { headers, ownRole: 'uac', peerAllow: headers['allow'] },
      newCnonce,
      random,
      refreshesByUpdate,
      ownsCallId: true,
      onEvent: (event) => this.#onEstablished(event),
    });
    this.#established = established;
    if (this.#state === 'calling' && sdp !== null) {
      this.#state = 'answered';
      const { id, remoteTarget: target } = dialog;
      const [local = '', remote = ''] = [this.#sentHeaders['from'], headers['to']];
      const routes = routeSet(headers['record-route']).toReversed();
      this.#options.onDialog({ ...id, local, remote, target, routes, nextHop: params.nextHop ?? params.uri });
      return this.#options.onEvent({ type: 'answered', sdp });
    }
    if (this.#state === 'calling') {
      void established.bye('bad_offer');
      return this.#rejected(488, 'answered without a session description');
    }
    if (this.#cancelTaken) clock.setTimer(() => void established.bye('cancelled'), ENGINE_BYE_LIMIT_MS);
    else void established.bye('cancelled');
    this.#rejected(487, 'Request Terminated');
  }

  #failed(status: number | null, reason: string, headers: HeaderMap): void {
    if (status !== null && this.#state === 'calling' && this.#answerChallenge(status, headers)) return;
    if (status === 422 && this.#state === 'calling' && this.#lengthenInterval(headers)) return;
    if (this.#state === 'cancelling') return this.#rejected(487, reason);
    // Nothing that left: the engine has no way to the gateway.
    if (status === null) return this.#rejected(503, reason);
    // Somebody has answered, and the engine makes no call of it (docs/engines.md): no other gateway is to ring him again.
    if (status < 300) return this.#rejected(488, reason);
    const why = headers['reason'];
    const said = why === undefined ? {} : { reasonHeader: why };
    if (status >= 400) {
      const isUnanswered = (status === 401 || status === 407) && this.#challenges === 0 && this.#credentials !== null;
      const text = isUnanswered ? `${reason} (no challenge that the trunk’s credentials are for)` : reason;
      const restMs = retryAfterMs(headers);
      const rest = restMs === null ? {} : { retryAfterMs: restMs };
      return this.#end({ type: 'rejected', status, reason: text, ...rest, ...said });
    }
    const targets = parseContacts(headers['contact'] ?? '').map(({ uri }) => uri.user);
    this.#end({ type: 'rejected', status, reason, targets });
  }

  #answerChallenge(status: number, headers: HeaderMap): boolean {
    const { params, newCnonce } = this.#options;
    const credentials = this.#credentials;
    if (credentials === null || this.#challenges === CHALLENGES_MAX) return false;
    const { uri, offer: body } = params;
    const digest = answerInCall({ status, headers, method: 'INVITE', uri, credentials, cnonce: newCnonce(), body });
    if (digest === undefined || (this.#challenges > 0 && !digest.stale)) return false;
    this.#challenges += 1;
    this.#isChallenged = true;
    return this.#sendAgain({ [digest.header]: digest.value });
  }

  /** A proxy in between may challenge the new INVITE as it did the first. */
  #lengthenInterval(headers: HeaderMap): boolean {
    const minSec = minimumOf(headers);
    if (minSec === null || this.#intervals === INTERVALS_MAX) return false;
    this.#intervals += 1;
    this.#challenges = 0;
    this.#minSec = Math.max(minSec, this.#minSec ?? 0);
    return this.#sendAgain({});
  }

  /** The same request again: same Call-ID and From tag, next CSeq (RFC 3261 section 22.2). */
  #sendAgain(headers: HeaderMap): boolean {
    const { from, 'call-id': callId, cseq } = this.#sentHeaders;
    const next = Number.parseInt(cseq ?? '', 10) + 1;
    if (from === undefined || callId === undefined || !Number.isSafeInteger(next)) return false;
    this.#send({ from, 'call-id': callId, cseq: `${next} INVITE`, ...headers });
    return true;
  }

  /** Of the fork that answered; one whose responses name no tag, or another one, is taken for the only one there was. */
  #earlySdpOf(tag: string): string | null {
    const only = this.#early.size === 1 ? this.#early.values().next().value : undefined;
    return (this.#early.get(tag) ?? only)?.sdp ?? null;
  }

  #onEstablished(event: EstablishedEvent): void {
    if (this.#state !== 'answered') return;
    if (event.type !== 'acked' && event.type !== 'ended') this.#options.onEvent(event);
    if (event.type === 'ended') this.#end(byeEvent(event));
  }

  #rejected(status: number, reason: string): void {
    this.#end({ type: 'rejected', status, reason });
  }

  #end(event: OutboundEvent): void {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    this.#cancelLimit?.cancel();
    if (event.type === 'lost') this.#established?.drop();
    this.#options.onOver();
    this.#options.onEvent(event);
  }
}

function tagOf(address: string | undefined): string {
  return /;\s*tag\s*=\s*([^;,\s>]+)\s*(?:;[^<>]*)?$/i.exec(address ?? '')?.[1] ?? '';
}

function sdpOf(headers: HeaderMap, text: string): string | null {
  const body = readBody(text, headers['content-type'], headers['content-encoding']);
  return body.kind === 'sdp' ? body.sdp : null;
}

/** Of what the API's users ask for: headers that are free, and values that are one line. */
function safeHeaders(headers: HeaderMap): HeaderMap {
  return Object.fromEntries(
    Object.entries(headers).filter(
      ([name, value]) =>
        HEADER_NAME.test(name) &&
        !RESERVED.has(name.toLowerCase()) &&
        value.length <= HEADER_VALUE_CHARACTERS_MAX &&
        !/\p{Cc}/u.test(value),
    ),
  );
}
