// One INVITE of ours, from its sending to its one final answer.
//
//   state   the INVITE left    cancel()    provisional, UPDATE   final answer
//   asked   sent               kept (*)    -                     over
//   sent    -                  CANCEL      told                  over
//   over    -                  CANCEL (+)  told                  ignored
//   (*) and sent once the INVITE has left.   (+) the engine knows what has become of it.
//
// Invariants
//   LI1. The final answer is told exactly once: `answered`, or `failed`.
//   LI2. A dialog is handed over in the turn in which it appears, so that its listeners miss nothing.

import type { DrachtioLink } from './drachtio.ts';
import type { RawDialog, RawRequest, RawResponse, RawSrf } from './drachtio-shapes.ts';
import { failureOf, type Guard } from './guard.ts';
import { type Content, Exchange, LinkDialog, lowerCaseNames } from './link-handles.ts';
import type { HeaderMap } from './sip-text.ts';

export interface InviteContent extends Content {
  /** Where it is sent instead of to its Request-URI. */
  readonly nextHop?: string | null;
}

export interface InviteHandlers {
  /** The INVITE as it left. */
  sent(request: { readonly headers: HeaderMap }): void;
  provisional(status: number, headers: HeaderMap, body: string): void;
  /** UPDATE of the callee before its final answer. */
  updated(exchange: Exchange): void;
  /** The engine has taken our CANCEL: should a 200 still come, it sends the BYE for it. */
  cancelTaken(): void;
  answered(dialog: LinkDialog, headers: HeaderMap, body: string): void;
  /** A final answer other than 200, or none: `status` null and why. */
  failed(status: number | null, reason: string, headers: HeaderMap): void;
}

export class LinkInvite {
  readonly #link: DrachtioLink;
  readonly #guard: Guard;
  readonly #handlers: InviteHandlers;
  #sent: RawRequest | null = null;
  #cancelHeaders: HeaderMap | null = null;

  constructor(link: DrachtioLink, guard: Guard, handlers: InviteHandlers) {
    this.#link = link;
    this.#guard = guard;
    this.#handlers = handlers;
  }

  /** Once. */
  send(srf: RawSrf, uri: string, { headers, body, nextHop = null }: InviteContent): this {
    const finished = this.#guard.once((error: unknown, dialog?: RawDialog) => this.#finished(error, dialog));
    const options = { headers: { ...headers }, localSdp: body, ...(nextHop === null ? {} : { proxy: nextHop }) };
    const progress = {
      cbRequest: (_error: unknown, request?: RawRequest) => this.#guard.safely(() => this.#left(request)),
      cbProvisional: (response: RawResponse) => this.#guard.safely(() => this.#progress(response)),
    };
    this.#guard.attempt(() => srf.createUAC(uri, options, progress, finished), finished);
    return this;
  }

  cancel(headers: HeaderMap): void {
    this.#cancelHeaders = headers;
    this.#cancel();
  }

  #left(request: RawRequest | undefined): void {
    if (request === undefined) return;
    this.#sent = request;
    // The library answers such an UPDATE with our offer, whatever it asks; its listener is set when this returns.
    queueMicrotask(() => this.#takeUpdates(request));
    this.#handlers.sent({ headers: lowerCaseNames(request.headers) });
    this.#cancel();
  }

  #takeUpdates(request: RawRequest): void {
    request.removeAllListeners('update');
    request.on('update', (update, reply) =>
      this.#guard.safely(() => this.#handlers.updated(new Exchange(this.#link, update, reply))),
    );
  }

  #cancel(): void {
    const [request, headers] = [this.#sent, this.#cancelHeaders];
    if (request === null || headers === null) return;
    this.#guard.safely(() =>
      request.cancel({ headers }, (error) => {
        if (!error) this.#guard.safely(() => this.#handlers.cancelTaken());
      }),
    );
  }

  #progress({ status, headers, body = '' }: RawResponse): void {
    this.#handlers.provisional(status, lowerCaseNames(headers), body);
  }

  #finished(error: unknown, dialog: RawDialog | undefined): void {
    if (dialog === undefined) return this.#handlers.failed(...failureOf(error));
    const { headers, body = '' } = dialog.res;
    this.#handlers.answered(new LinkDialog(this.#link, dialog), lowerCaseNames(headers), body);
  }
}
