// A transfer that we ask the other side for: a REFER inside the dialog, and the NOTIFYs of the subscription that it makes (RFC 3515).
//
//   state      event                                  next       told
//   asked      202, 200                               followed   accepted
//              401 or 407, once                       asked      -
//              other final answer, none in 34 s       over       refused
//              NOTIFY (it may overtake the 202)       as it says
//   followed   NOTIFY 1xx                             followed   progress
//              NOTIFY 2xx                             over       done
//              NOTIFY 3xx to 6xx                      over       failed
//              NOTIFY that ends it without a result   over       failed, status null
//              nothing final in time                  over       timed-out
//   any        the dialog ends                        over       -
//
// Invariants
//   OR1. One end at most, and nothing told after it.
//   OR2. A NOTIFY with an id is about the REFER with that CSeq (section 2.4.6). Where the id or the CSeq is not known, it is about this one as
//        long as no other REFER of the dialog was left without its end: that one's late news would be taken for this one's.

import type { Clock, Timer } from '../domain/clock.ts';
import { ALLOW } from './abilities.ts';
import { answerInCall, type CallCredentials } from './digest.ts';
import type { DialogAnswer } from './link-requests.ts';
import type { Exchange, LinkDialog } from './link-handles.ts';
import type { HeaderMap } from './sip-text.ts';

export const SIPFRAG = 'message/sipfrag';

export interface ReferRequest {
  /** Value of Refer-To, printed by refer-to.ts. */
  readonly referTo: string;
  /** Value of Referred-By (RFC 3892); null: none. */
  readonly referredBy: string | null;
  /** X- headers. */
  readonly headers: HeaderMap;
  /** From the 202: how long its result is waited for. */
  readonly timeoutMs: number;
}

export type ReferEvent =
  | { readonly type: 'accepted' }
  | { readonly type: 'progress'; readonly status: number }
  | { readonly type: 'done'; readonly status: number }
  /** The REFER itself; 408: no answer. */
  | { readonly type: 'refused'; readonly status: number }
  /** What was called by it; null: it ended without saying how. */
  | { readonly type: 'failed'; readonly status: number | null }
  | { readonly type: 'timed-out' };

export interface OwnReferOptions {
  readonly clock: Clock;
  readonly dialog: LinkDialog;
  readonly request: ReferRequest;
  readonly credentials: CallCredentials | null;
  readonly calledUri: string;
  readonly newCnonce: () => string;
  readonly onEvent: (event: ReferEvent) => void;
}

const ANSWER_LIMIT_MS = 34_000;

export class OwnRefer {
  readonly #options: OwnReferOptions;
  #state: 'asked' | 'followed' | 'over' = 'asked';
  #timer: Timer | null = null;
  #isChallenged = false;
  #sequence: string | null = null;

  constructor(options: OwnReferOptions) {
    this.#options = options;
    this.#send({});
  }

  get isOver(): boolean {
    return this.#state === 'over';
  }

  /** The dialog is over. */
  abandon(): void {
    this.#end(null);
  }

  /** OR2. `id`: of the NOTIFY, where it has one. */
  isAbout(id: string | null, hasStraggler: boolean): boolean {
    return id === null || this.#sequence === null ? !hasStraggler : id === this.#sequence;
  }

  /** A NOTIFY that is about this transfer; answers it. */
  notified(exchange: Exchange): void {
    if (this.#state === 'over') return exchange.respond(481);
    const type = exchange.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
    const isFinished = /^\s*terminated\b/i.test(exchange.headers['subscription-state'] ?? '');
    if (type !== undefined && type !== SIPFRAG) return exchange.respond(415, { headers: { Accept: SIPFRAG } });
    const status = sipfragStatus(exchange.body);
    // A body that says nothing of a result is of no use, unless it ends the subscription.
    if (status === null && !isFinished) return exchange.respond(400);
    exchange.respond(200);
    if (this.#state === 'asked') this.#accepted();
    if (status !== null && status >= 200) {
      return this.#end(status < 300 ? { type: 'done', status } : { type: 'failed', status });
    }
    if (isFinished) return this.#end({ type: 'failed', status: null });
    if (status !== null) this.#options.onEvent({ type: 'progress', status });
  }

  #send(digest: HeaderMap): void {
    const { clock, dialog, request } = this.#options;
    const { contact } = dialog;
    this.#timer = clock.setTimer(() => this.#end({ type: 'refused', status: 408 }), ANSWER_LIMIT_MS);
    const headers = {
      ...request.headers,
      'Refer-To': request.referTo,
      ...(request.referredBy === null ? {} : { 'Referred-By': request.referredBy }),
      ...(contact === null ? {} : { Contact: contact }),
      Allow: ALLOW,
      ...digest,
    };
    dialog.request('REFER', { headers }, (answer) => this.#answered(answer));
  }

  #answered(answer: DialogAnswer | null): void {
    if (this.#state === 'over') return;
    const status = answer?.status ?? 408;
    this.#sequence = /^\d+/.exec(answer?.headers['cseq'] ?? '')?.[0] ?? null;
    if (status < 300) {
      // A NOTIFY has told so before.
      if (this.#state === 'asked') this.#accepted();
      return;
    }
    if (answer !== null && (status === 401 || status === 407) && this.#authenticate(answer)) return;
    this.#end({ type: 'refused', status });
  }

  #authenticate({ status, uri, headers }: DialogAnswer): boolean {
    const { credentials, calledUri, newCnonce } = this.#options;
    if (credentials === null || this.#isChallenged) return false;
    this.#isChallenged = true;
    const question = { status, headers, method: 'REFER', uri, calledUri, credentials, cnonce: newCnonce() };
    const digest = answerInCall(question);
    if (digest === undefined) return false;
    this.#timer?.cancel();
    this.#send({ [digest.header]: digest.value });
    return true;
  }

  #accepted(): void {
    const { clock, request, onEvent } = this.#options;
    this.#state = 'followed';
    this.#timer?.cancel();
    this.#timer = clock.setTimer(() => this.#end({ type: 'timed-out' }), request.timeoutMs);
    onEvent({ type: 'accepted' });
  }

  /** OR1 */
  #end(event: ReferEvent | null): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    this.#timer?.cancel();
    if (event !== null) this.#options.onEvent(event);
  }
}

/** The status line of a `message/sipfrag` (RFC 3420); null where there is none. */
export function sipfragStatus(body: string): number | null {
  const match = /^SIP\/2\.0 ([1-6]\d\d)(?: [^\r\n]{0,256})?(?:\r?\n|$)/.exec(body);
  return match === null ? null : Number(match[1]);
}
