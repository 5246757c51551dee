// Requests of ours that make no dialog, inside one and outside: one request, one final answer.
//
// Invariants
//   LR1. Whoever asked hears exactly once: the final answer, or that none can come. Provisional responses are nobody's business here.
//   LR2. The 2xx of a re-INVITE is acknowledged here, at once.

import type { RawAgent, RawDialog, RawReply, RawRequest } from './drachtio-shapes.ts';
import { type Guard, messageOf } from './guard.ts';
import { type Content, type Exchange, lowerCaseNames } from './link-handles.ts';
import type { HeaderMap } from './sip-text.ts';

/** A request of ours inside a dialog. */
export interface DialogRequest extends Content {
  readonly method: string;
  /** An UPDATE of the other side that came while ours was open. */
  readonly crossed: (exchange: Exchange) => void;
}

export interface DialogAnswer {
  readonly status: number;
  /** Request-URI of what it is the answer to, as it was sent. */
  readonly uri: string;
  readonly headers: HeaderMap;
  readonly body: string;
  /** The engine's own answer, in place of a peer that could not be reached. */
  readonly own: boolean;
}

/** A request outside any dialog that makes none: OPTIONS, REGISTER. */
export interface LinkRequest {
  readonly method: string;
  readonly uri: string;
  /** Where it is sent instead of to its URI: `sip:192.0.2.1:5060;transport=udp`. */
  readonly nextHop: string | null;
  readonly headers: HeaderMap;
}

export interface LinkAnswer {
  readonly status: number;
  readonly reason: string;
  readonly headers: HeaderMap;
  /** The engine's own answer, in place of a peer that could not be reached. */
  readonly own: boolean;
}

export class LinkRequests {
  readonly #agent: RawAgent;
  readonly #guard: Guard;
  readonly #exchange: (request: RawRequest, reply: RawReply) => Exchange;

  constructor(agent: RawAgent, guard: Guard, exchange: (request: RawRequest, reply: RawReply) => Exchange) {
    this.#agent = agent;
    this.#guard = guard;
    this.#exchange = exchange;
  }

  /** `done` gets null where no answer can come. */
  inside(dialog: RawDialog, sent: DialogRequest, done: (answer: DialogAnswer | null) => void): void {
    const { method, headers = {}, body, crossed } = sent;
    const finished = this.#guard.once(done);
    const content = { method, headers: { ...headers }, ...(body === undefined ? {} : { body }) };
    const place = { stackDialogId: dialog.id, _socket: dialog.socket };
    const opened = (error: unknown, request?: RawRequest) => {
      if (error || request === undefined) return finished(null);
      request.on(
        'response',
        ({ status, headers: answered, body: text = '', source_address: from = '' }, acknowledge) => {
          if (status < 200) return;
          if (method === 'INVITE' && status < 300) this.#guard.safely(() => acknowledge());
          finished({ status, uri: request.uri, headers: lowerCaseNames(answered), body: text, own: from === '' });
        },
      );
      // The library gives an UPDATE that crosses a request of ours to that request.
      request.on('update', (update, reply) => this.#guard.safely(() => crossed(this.#exchange(update, reply))));
    };
    this.#guard.attempt(
      () => this.#agent.request({ ...content, ...place }, opened),
      () => finished(null),
    );
  }

  /** `done` gets in words why no answer can come. */
  outside({ method, uri, nextHop, headers }: LinkRequest, done: (answer: LinkAnswer | string) => void): void {
    const finished = this.#guard.once(done);
    const proxy = nextHop === null ? {} : { proxy: nextHop };
    const opened = (error: unknown, request?: RawRequest) => {
      if (error || request === undefined) return finished(messageOf(error));
      request.on('response', ({ status, reason, headers: answered, source_address: source = '' }) => {
        if (status < 200) return;
        finished({ status, reason, headers: lowerCaseNames(answered), own: source === '' });
      });
    };
    this.#guard.attempt(
      () => this.#agent.request({ method, uri, headers: { ...headers }, ...proxy }, opened),
      (error) => finished(messageOf(error)),
    );
  }
}
