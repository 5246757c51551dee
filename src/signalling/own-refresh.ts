// Session refreshes of ours (RFC 4028). The engine keeps the timers and would refresh by itself (session-timer.ts), but has no credentials, cannot
// always send an UPDATE, and tells nobody what it was answered. So we refresh a little before it would, which puts its timer back.
//
//   state   event                                next   done
//   off     2xx by which we are to refresh       armed  half the interval, less 10 s
//   armed   timer                                sent   UPDATE without SDP where the other side takes it, else re-INVITE with our description
//   armed   timer, an offer is open              armed  in 2 s
//   sent    401 or 407                           sent   again with the digest, and once more where only the nonce was too old
//   sent    422, once                            sent   again with the interval that it asks for
//   sent    491, once                            armed  2.1 to 4 s where the Call-ID is ours, 0 to 2 s where it is theirs
//   sent    2xx                                  armed, off  as its Session-Expires says; its description, where it has one, is told
//   sent    no way to the other side             armed  half the interval, as below
//   sent    other failure of an UPDATE           sent   re-INVITE
//   sent    408, 481, other failure, 34 s        armed  half the interval: the engine's own refresh comes before, which knows what to do
//   any     2xx by which they are, or nobody is  off
//   any     stop                                 off

import type { Clock, Timer } from '../domain/clock.ts';
import { ALLOW, SUPPORTED } from './abilities.ts';
import { readBody } from './body.ts';
import { answerInCall, type CallCredentials } from './digest.ts';
import type { DialogAnswer } from './link-requests.ts';
import type { LinkDialog } from './link-handles.ts';
import { glareMs } from './own-offer.ts';
import { minimumOf, ownInterval, sessionTimerOffer, type SessionRole } from './session-timer.ts';
import type { HeaderMap } from './sip-text.ts';

/** Engines refresh at half the interval, up to 5 s earlier. */
const LEAD_MS = 10_000;
const BUSY_RETRY_MS = 2_000;
const CHALLENGES_MAX = 2;
/** A little more than the engine's own 64*T1; drachtio-server forgets a re-INVITE that is answered 180 first. */
const ANSWER_LIMIT_MS = 34_000;
/** The system has no longer timers; whoever refreshes too early harms nobody. */
const TIMER_MAX_MS = 2 ** 31 - 1;
/** The call is gone: no other method would help. */
const GONE = new Set([408, 481]);

export interface OwnRefreshOptions {
  readonly clock: Clock;
  readonly dialog: LinkDialog;
  readonly credentials: CallCredentials | null;
  readonly calledUri: string;
  readonly newCnonce: () => string;
  /** The INVITE that made the dialog was ours. */
  readonly ownsCallId: boolean;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** The other side's Allow names UPDATE, and the engine lets it be. */
  readonly takesUpdate: boolean;
  /** Our description, as it is then. */
  readonly sdp: () => string;
  /** An offer of either side is open. */
  readonly isBusy: () => boolean;
  /** What a re-INVITE with this description was answered. */
  readonly described: (offer: string, answer: string) => void;
}

export class OwnRefresh {
  readonly #options: OwnRefreshOptions;
  #takesUpdate: boolean;
  #timer: Timer | null = null;
  #challenges = 0;
  /** It may be in time before the engine's only once. */
  #hadGlare = false;
  /** What a 422 has asked for (RFC 4028 section 7.4). */
  #minSec: number | undefined;
  /** The one whose answer counts: another 2xx may have come meanwhile. */
  #current: object | null = null;
  /** Limits of our re-INVITEs that have no answer yet. */
  readonly #open = new Set<Timer>();

  constructor(options: OwnRefreshOptions) {
    this.#options = options;
    this.#takesUpdate = options.takesUpdate;
  }

  /** A re-INVITE of ours has no answer yet. */
  get isOffering(): boolean {
    return this.#open.size > 0;
  }

  /** What a 2xx of either side says of the session; `ownRole`: ours in that request. */
  agreed(headers: HeaderMap, ownRole: SessionRole): void {
    this.stop();
    const intervalSec = ownInterval(headers, ownRole);
    this.#hadGlare = false;
    if (intervalSec !== null) this.#arm(intervalSec, intervalSec * 500 - LEAD_MS);
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#current = null;
  }

  /** The dialog is over. */
  close(): void {
    this.stop();
    for (const limit of this.#open) limit.cancel();
    this.#open.clear();
  }

  #arm(intervalSec: number, delayMs: number): void {
    const { clock, isBusy } = this.#options;
    this.#timer = clock.setTimer(
      () => {
        if (isBusy()) return this.#arm(intervalSec, BUSY_RETRY_MS);
        this.#challenges = 0;
        this.#send(intervalSec, {});
      },
      Math.min(delayMs, TIMER_MAX_MS),
    );
  }

  #send(intervalSec: number, digest: HeaderMap): void {
    const { dialog, sdp } = this.#options;
    const { contact } = dialog;
    const body = this.#takesUpdate ? undefined : sdp();
    const method = body === undefined ? 'UPDATE' : 'INVITE';
    const headers = {
      ...(contact === null ? {} : { Contact: contact }),
      Allow: ALLOW,
      Supported: SUPPORTED,
      ...sessionTimerOffer(intervalSec, this.#minSec),
      ...digest,
    };
    const current = {};
    this.#current = current;
    const limit = method === 'INVITE' ? this.#limit(current, intervalSec) : null;
    dialog.request(method, { headers, ...(body === undefined ? {} : { body }) }, (answer) => {
      this.#over(limit);
      // Also where the other side has refreshed meanwhile: it has answered an offer all the same.
      if (answer !== null && answer.status < 300 && body !== undefined) this.#described(body, answer);
      if (this.#current !== current) return;
      this.#current = null;
      if (answer === null) this.#leave(intervalSec);
      else this.#answered(intervalSec, method, body ?? '', answer);
    });
  }

  #limit(current: object, intervalSec: number): Timer {
    const limit = this.#options.clock.setTimer(() => {
      this.#over(limit);
      if (this.#current !== current) return;
      this.#current = null;
      this.#leave(intervalSec);
    }, ANSWER_LIMIT_MS);
    this.#open.add(limit);
    return limit;
  }

  #over(limit: Timer | null): void {
    limit?.cancel();
    if (limit !== null) this.#open.delete(limit);
  }

  #answered(intervalSec: number, method: 'UPDATE' | 'INVITE', body: string, answer: DialogAnswer): void {
    const { status, headers } = answer;
    if (status < 300) return this.agreed(headers, 'uac');
    if (status === 401 || status === 407) {
      const digest = this.#proof(method, body, answer);
      return digest === null ? this.#leave(intervalSec) : this.#send(intervalSec, digest);
    }
    if (status === 491) return this.#afterGlare(intervalSec);
    const minSec = status === 422 ? minimumOf(headers) : null;
    if (minSec !== null && minSec > intervalSec && this.#minSec === undefined) {
      this.#minSec = minSec;
      this.#challenges = 0;
      return this.#send(minSec, {});
    }
    if (method === 'INVITE' || GONE.has(status) || answer.own) return this.#leave(intervalSec);
    this.#takesUpdate = false;
    this.#challenges = 0;
    this.#send(intervalSec, {});
  }

  #described(offer: string, { headers, body }: DialogAnswer): void {
    const reading = readBody(body, headers['content-type'], headers['content-encoding']);
    if (reading.kind === 'sdp') this.#options.described(offer, reading.sdp);
  }

  #afterGlare(intervalSec: number): void {
    if (this.#hadGlare) return this.#leave(intervalSec);
    this.#hadGlare = true;
    this.#arm(intervalSec, glareMs(this.#options));
  }

  /** This time it is the engine's. */
  #leave(intervalSec: number): void {
    this.#hadGlare = false;
    this.#arm(intervalSec, intervalSec * 500);
  }

  #proof(method: string, body: string, { status, uri, headers }: DialogAnswer): HeaderMap | null {
    const { credentials, calledUri, newCnonce } = this.#options;
    if (credentials === null || this.#challenges === CHALLENGES_MAX) return null;
    const digest = answerInCall({ status, headers, method, uri, calledUri, credentials, cnonce: newCnonce(), body });
    if (digest === undefined || (this.#challenges > 0 && !digest.stale)) return null;
    this.#challenges += 1;
    return { [digest.header]: digest.value };
  }
}
