// Requests and dialogs of the client library as the rest of this room sees them. All acts go through the link, which keeps what the
// library throws from its callers, and what callers throw from the library.

import type { DrachtioLink } from './drachtio.ts';
import type { RawDialog, RawReply, RawRequest } from './drachtio-shapes.ts';
import type { DialogAnswer } from './link-requests.ts';
import type { HeaderMap } from './sip-text.ts';

export interface Content {
  readonly headers?: HeaderMap;
  readonly body?: string;
}

/** An ACK, which may carry a description. */
export interface Acknowledgement {
  readonly headers: HeaderMap;
  readonly body: string;
}

export interface DialogHandlers {
  acked(acknowledgement: Acknowledgement): void;
  /** Another place answered the INVITE of ours that made this dialog; the engine has acknowledged and hung up there. */
  forkAnswered(): void;
  /** re-INVITE or UPDATE. */
  offered(exchange: Exchange): void;
  /** Any other request inside the dialog. */
  requested(exchange: Exchange): void;
  /** BYE, already answered; by `engine`: one that the engine sent on its own. */
  ended(by: 'peer' | 'engine', reasonHeader: string | null): void;
}

/** One request from the network and our responses to it. */
export class Exchange {
  readonly method: string;
  readonly uri: string;
  readonly startLine: string | null;
  /** Lower-case names; a header that came several times is joined by commas. */
  readonly headers: HeaderMap;
  readonly body: string;
  readonly source: { readonly address: string; readonly port: number; readonly protocol: string };
  readonly #link: DrachtioLink;
  readonly #request: RawRequest;
  readonly #reply: RawReply;

  constructor(link: DrachtioLink, request: RawRequest, reply: RawReply) {
    this.#link = link;
    this.#request = request;
    this.#reply = reply;
    this.method = request.method;
    this.uri = request.uri;
    this.startLine = request.raw?.split('\r\n', 1)[0] ?? null;
    this.headers = lowerCaseNames(request.headers);
    this.body = request.body ?? '';
    this.source = {
      address: request.source_address ?? '',
      port: request.source_port ?? 0,
      protocol: request.protocol ?? '',
    };
  }

  respond(status: number, { headers = {}, body }: Content = {}): void {
    this.#link.safely(() =>
      this.#reply.send(status, { headers: { ...headers }, ...(body === undefined ? {} : { body }) }),
    );
  }

  onCancel(listener: (reasonHeader: string | null) => void): void {
    this.#request.on('cancel', (cancel) =>
      this.#link.safely(() => listener(lowerCaseNames(cancel?.headers ?? {})['reason'] ?? null)),
    );
  }

  /** PRACKs of reliable responses to this INVITE, until `offAcknowledged`, each to be answered; without a listener the link does it. */
  onAcknowledged(listener: (prack: Exchange) => void): void {
    this.#link.dialogs.watchPracks(dialogIdOf(this.headers), listener);
  }

  offAcknowledged(): void {
    this.#link.dialogs.unwatchPracks(dialogIdOf(this.headers));
  }

  /** UPDATE before our final response to this INVITE. */
  onUpdate(listener: (update: Exchange) => void): void {
    this.#request.on('update', (update, reply) =>
      this.#link.safely(() => listener(new Exchange(this.#link, update, reply))),
    );
  }

  /** 200, with this description. Exactly one of the two is called: once the 200 is on its way, or when it could not be. */
  answer(
    sdp: string | undefined,
    headers: HeaderMap,
    answered: (dialog: LinkDialog) => void,
    failed: (why: string) => void,
  ): void {
    this.#link.answer(this.#request, this.#reply, sdp, headers, answered, failed);
  }
}

/** An INVITE dialog. `listen` belongs into the turn in which it appeared. */
export class LinkDialog {
  readonly #link: DrachtioLink;
  readonly #raw: RawDialog;
  #handlers: DialogHandlers | null = null;

  constructor(link: DrachtioLink, raw: RawDialog) {
    this.#link = link;
    this.#raw = raw;
  }

  /** Our Contact in this dialog. */
  get contact(): string | null {
    return this.#raw.local.contact ?? null;
  }

  /** As RFC 3261 section 12 names it. */
  get id(): { readonly callId: string; readonly localTag: string; readonly remoteTag: string } {
    const { callId = '', localTag = '', remoteTag = '' } = this.#raw.sip;
    return { callId, localTag, remoteTag };
  }

  /** The other side's Contact when the dialog began. */
  get remoteTarget(): string {
    return this.#raw.remote.uri ?? '';
  }

  listen(handlers: DialogHandlers): void {
    const link = this.#link;
    this.#handlers = handlers;
    link.dialogs.watch(this.#raw.id, handlers);
    const pass = (handler: (exchange: Exchange) => void) => (request: RawRequest, reply: RawReply) =>
      link.safely(() => handler(new Exchange(link, request, reply)));
    for (const event of ['modify', 'update']) {
      this.#raw.on(
        event,
        pass((exchange) => handlers.offered(exchange)),
      );
    }
    for (const event of ['info', 'refer', 'options', 'message', 'publish', 'notify', 'subscribe']) {
      this.#raw.on(
        event,
        pass((exchange) => handlers.requested(exchange)),
      );
    }
    this.#raw.on('destroy', (request) =>
      link.safely(() => {
        link.dialogs.unwatch(this.#raw.id);
        const reason = lowerCaseNames(request.headers)['reason'] ?? null;
        handlers.ended(request.source === 'application' ? 'engine' : 'peer', reason);
      }),
    );
  }

  /** Sends a request; `done` gets its final answer, or null when none will come. The ACK of an INVITE's 2xx is sent here. */
  request(method: string, content: Content, done: (answer: DialogAnswer | null) => void): void {
    const crossed = (exchange: Exchange) => {
      if (method === 'BYE' || this.#handlers === null) exchange.respond(481);
      else this.#handlers.offered(exchange);
    };
    this.#link.requestInside(this.#raw, { method, ...content, crossed }, done);
  }

  /** Takes the dialog out of the library's tables. */
  forget(): void {
    this.#link.forget(this.#raw);
  }
}

/** Of the dialog that an INVITE from the network makes; the formula is the wire protocol's. */
function dialogIdOf(headers: HeaderMap): string {
  const tag = /;\s*tag\s*=\s*([^;,\s>]+)\s*(?:;[^<>]*)?$/i.exec(headers['from'] ?? '')?.[1] ?? '';
  return `${headers['call-id'] ?? ''};from-tag=${tag}`;
}

export function lowerCaseNames(headers: Record<string, string>): HeaderMap {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]));
}
