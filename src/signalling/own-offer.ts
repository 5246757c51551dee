// An offer of ours inside an answered call: a re-INVITE, and what its answers mean (RFC 3261 section 14.1).
//
//   state    event                                   next     done
//   idle     start                                   sent     re-INVITE
//   sent     200                                     over     its answer (the ACK is the link's)
//   sent     401 or 407, once                        sent     again with the digest
//   sent     491, or the other side's offer is open  waiting  2.1 to 4 s where the Call-ID is ours, 0 to 2 s where it is theirs
//   sent     500, 503 with Retry-After               waiting  so long, 10 s at most
//   sent     408, 481, nothing in 34 s               over     lost: the other side has no such call any more
//   sent     other                                   over     refused; the session is as it was
//   waiting  timer                                   sent     re-INVITE, at most 4 in all
//   any      abandon                                 over     refused with 481
//
// A re-INVITE and no UPDATE: what a person may have to decide can take its time (RFC 3311 section 5.1).

import type { Clock, Timer } from '../domain/clock.ts';
import { ALLOW, SUPPORTED } from './abilities.ts';
import { readBody } from './body.ts';
import { answerInCall, type CallCredentials } from './digest.ts';
import type { DialogAnswer } from './link-requests.ts';
import type { ModifyOutcome } from './leg.ts';
import type { LinkDialog } from './link-handles.ts';
import type { HeaderMap } from './sip-text.ts';

const TRIES_MAX = 4;
const RETRY_AFTER_MAX_SEC = 10;
/** A little more than the engine's own 64*T1, which answers 408 first unless it is broken. */
const ANSWER_LIMIT_MS = 34_000;

export interface OwnOfferOptions {
  readonly clock: Clock;
  readonly dialog: LinkDialog;
  readonly sdp: string;
  /** The INVITE that made the dialog was ours. */
  readonly ownsCallId: boolean;
  readonly credentials: CallCredentials | null;
  readonly calledUri: string;
  readonly newCnonce: () => string;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** An offer of the other side waits for our answer. */
  readonly isBusy: () => boolean;
  /** Told once. */
  readonly done: (outcome: ModifyOutcome | 'lost') => void;
}

export class OwnOffer {
  readonly #options: OwnOfferOptions;
  #tries = 0;
  #isSent = false;
  #isChallenged = false;
  #isOver = false;
  #timer: Timer | null = null;

  constructor(options: OwnOfferOptions) {
    this.#options = options;
    this.#try();
  }

  /** It is on its way: an offer from the other side is glare (section 14.2). */
  get isSent(): boolean {
    return this.#isSent;
  }

  /** The dialog is over. */
  abandon(): void {
    this.#end({ ok: false, status: 481 });
  }

  #try(): void {
    this.#tries += 1;
    if (this.#options.isBusy()) this.#later(491, glareMs(this.#options));
    else this.#send({});
  }

  #send(digest: HeaderMap): void {
    const { clock, dialog, sdp } = this.#options;
    const { contact } = dialog;
    this.#isSent = true;
    this.#timer = clock.setTimer(() => this.#end('lost'), ANSWER_LIMIT_MS);
    const headers = {
      ...(contact === null ? {} : { Contact: contact }),
      Allow: ALLOW,
      Supported: SUPPORTED,
      ...digest,
    };
    dialog.request('INVITE', { headers, body: sdp }, (answer) => this.#answered(answer));
  }

  #answered(answer: DialogAnswer | null): void {
    if (this.#isOver) return;
    this.#timer?.cancel();
    const status = answer?.status ?? 481;
    const headers = answer?.headers ?? {};
    if (status < 300) {
      const body = readBody(answer?.body ?? '', headers['content-type'], headers['content-encoding']);
      return this.#end({ ok: true, answer: body.kind === 'sdp' ? body.sdp : null });
    }
    if (status === 408 || status === 481) return this.#end('lost');
    if (answer !== null && (status === 401 || status === 407) && this.#authenticate(answer)) return;
    this.#isSent = false;
    if (status === 491) return this.#later(status, glareMs(this.#options));
    const retryAfterSec = Number.parseInt(headers['retry-after'] ?? '', 10);
    if ((status === 500 || status === 503) && retryAfterSec <= RETRY_AFTER_MAX_SEC) {
      return this.#later(status, retryAfterSec * 1000);
    }
    this.#end({ ok: false, status });
  }

  #authenticate({ status, uri, headers }: DialogAnswer): boolean {
    const { credentials, calledUri, newCnonce, sdp: body } = this.#options;
    if (credentials === null || this.#isChallenged) return false;
    this.#isChallenged = true;
    const question = { status, headers, method: 'INVITE', uri, calledUri, credentials, cnonce: newCnonce(), body };
    const digest = answerInCall(question);
    if (digest === undefined) return false;
    this.#send({ [digest.header]: digest.value });
    return true;
  }

  #later(status: number, delayMs: number): void {
    if (this.#tries >= TRIES_MAX) return this.#end({ ok: false, status });
    this.#timer = this.#options.clock.setTimer(() => this.#try(), delayMs);
  }

  #end(outcome: ModifyOutcome | 'lost'): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#isSent = false;
    this.#timer?.cancel();
    this.#options.done(outcome);
  }
}

/** RFC 3261 section 14.1: in units of 10 ms, so that the two sides do not meet again. */
export function glareMs({ ownsCallId, random }: Pick<OwnOfferOptions, 'ownsCallId' | 'random'>): number {
  return ownsCallId ? 2_100 + Math.floor(random() * 191) * 10 : Math.floor(random() * 201) * 10;
}
