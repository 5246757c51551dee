// Session refreshes of ours (RFC 4028) where the other side may challenge them. The engine keeps the timers and refreshes by itself
// (session-timer.ts), but has no credentials. Where the trunk has some, we refresh a little before the engine would, which puts its timer back.
//
//   state   event                                next   done
//   off     2xx by which we are to refresh       armed  half the interval, less 10 s
//   armed   timer                                sent   UPDATE without SDP where the other side takes it, else re-INVITE with our description
//   armed   timer, an offer is open              armed  in 2 s
//   sent    401 or 407                           sent   again with the digest, and once more where only the nonce was too old
//   sent    2xx                                  armed, off  as its Session-Expires says
//   sent    other failure of an UPDATE           sent   re-INVITE
//   sent    408, 481, 491, other failure         off    the engine's own refresh comes, which knows what to do
//   any     2xx by which they are, or nobody is  off
//   any     stop                                 off

import type { Clock, Timer } from '../domain/clock.ts';
import { ALLOW, SUPPORTED } from './abilities.ts';
import { answerInCall, type CallCredentials } from './digest.ts';
import type { DialogAnswer } from './link-requests.ts';
import type { LinkDialog } from './link-handles.ts';
import { ownInterval, sessionTimerOffer, type SessionRole } from './session-timer.ts';
import type { HeaderMap } from './sip-text.ts';

/** Engines refresh at half the interval, up to 5 s earlier. */
const LEAD_MS = 10_000;
const BUSY_RETRY_MS = 2_000;
const CHALLENGES_MAX = 2;
/** The call is gone, or the other side is busy with it: no other method would help. */
const FINAL = new Set([408, 481, 491]);

export interface OwnRefreshOptions {
  readonly clock: Clock;
  readonly dialog: LinkDialog;
  readonly credentials: CallCredentials;
  readonly calledUri: string;
  readonly newCnonce: () => string;
  /** The other side's Allow names UPDATE. */
  readonly takesUpdate: boolean;
  /** Our description, as it is then. */
  readonly sdp: () => string;
  /** An offer of either side is open. */
  readonly isBusy: () => boolean;
}

export class OwnRefresh {
  readonly #options: OwnRefreshOptions;
  #takesUpdate: boolean;
  #timer: Timer | null = null;
  #challenges = 0;
  /** The one whose answer counts: another 2xx may have come meanwhile. */
  #current: object | null = null;
  #offers = 0;

  constructor(options: OwnRefreshOptions) {
    this.#options = options;
    this.#takesUpdate = options.takesUpdate;
  }

  /** A re-INVITE of ours has no answer yet. */
  get isOffering(): boolean {
    return this.#offers > 0;
  }

  /** What a 2xx of either side says of the session; `ownRole`: ours in that request. */
  agreed(headers: HeaderMap, ownRole: SessionRole): void {
    this.stop();
    const intervalSec = ownInterval(headers, ownRole);
    if (intervalSec !== null) this.#arm(intervalSec, intervalSec * 500 - LEAD_MS);
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#current = null;
  }

  #arm(intervalSec: number, delayMs: number): void {
    const { clock, isBusy } = this.#options;
    this.#timer = clock.setTimer(() => {
      if (isBusy()) return this.#arm(intervalSec, BUSY_RETRY_MS);
      this.#challenges = 0;
      this.#send(intervalSec, {});
    }, delayMs);
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
      ...sessionTimerOffer(intervalSec),
      ...digest,
    };
    const current = {};
    this.#current = current;
    if (method === 'INVITE') this.#offers += 1;
    dialog.request(method, { headers, ...(body === undefined ? {} : { body }) }, (answer) => {
      if (method === 'INVITE') this.#offers -= 1;
      if (answer !== null && this.#current === current) this.#answered(intervalSec, method, body ?? '', answer);
    });
  }

  #answered(intervalSec: number, method: 'UPDATE' | 'INVITE', body: string, answer: DialogAnswer): void {
    const { status, headers } = answer;
    this.#current = null;
    if (status < 300) return this.agreed(headers, 'uac');
    if (status === 401 || status === 407) {
      const digest = this.#proof(method, body, answer);
      if (digest !== null) this.#send(intervalSec, digest);
      return;
    }
    if (method === 'INVITE' || FINAL.has(status)) return;
    this.#takesUpdate = false;
    this.#challenges = 0;
    this.#send(intervalSec, {});
  }

  #proof(method: string, body: string, { status, uri, headers }: DialogAnswer): HeaderMap | null {
    const { credentials, calledUri, newCnonce } = this.#options;
    if (this.#challenges === CHALLENGES_MAX) return null;
    const digest = answerInCall({ status, headers, method, uri, calledUri, credentials, cnonce: newCnonce(), body });
    if (digest === undefined || (this.#challenges > 0 && !digest.stale)) return null;
    this.#challenges += 1;
    return { [digest.header]: digest.value };
  }
}
