// Every touch of the drachtio-srf library (5.0.29), behind types that mean what they say; link-handles.ts has the requests and dialogs that
// it hands out.
//
// What the library does that callers must not see:
//   - it throws inside its socket handlers: on a bad frame, on headers its lenient parser misreads -> `#guardWire`;
//   - it reconnects by itself, without TLS, and nothing it made before the loss works any more -> engine-wire.ts, `onLost`;
//   - in-dialog ACKs are told one turn late, so that a BYE in the same read overtakes them -> seen before the library;
//   - a PRACK after the 200 is answered 501 by its dialog -> answered before the library;
//   - its waiting callbacks can be called twice, or throw into its own code -> `once`, `safely`;
//   - `modify()` blocks for ever after one refusal and its digest knows MD5 only -> neither is used;
//   - listeners must be installed in the turn in which a dialog appears -> dialogs are handed over synchronously.

import type { Socket } from 'node:net';
import Srf from 'drachtio-srf';
import type {
  Layer,
  RawAgent,
  RawDialog,
  RawReply,
  RawRequest,
  RawResponse,
  RawSrf,
  RawWire,
} from './drachtio-shapes.ts';
import { EngineWire, type EngineWireOptions, tlsOptions } from './engine-wire.ts';
import { countFrame, isReadable, type SignallingObserver } from './frames.ts';
import { type Content, type DialogHandlers, Exchange, LinkDialog, lowerCaseNames } from './link-handles.ts';
import type { HeaderMap } from './sip-text.ts';

export interface LinkOptions extends Omit<EngineWireOptions, 'onDead'> {
  readonly secret: string;
  readonly observer: SignallingObserver;
  /** A request that belongs to no dialog. */
  readonly onRequest: (exchange: Exchange) => void;
  readonly onConnected: (addresses: readonly string[]) => void;
  readonly onRefused: () => void;
  /** The connection is gone and with it every transaction and dialog; a new one is being tried. */
  readonly onLost: () => void;
  /** Something threw, here or in the library; the message it was about is lost. */
  readonly onFault: (error: unknown) => void;
}

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
}

/** What the library's dialogs do not tell. */
export type DialogListeners = Pick<DialogHandlers, 'acked' | 'forkAnswered'>;

export interface LinkInvite {
  cancel(headers: HeaderMap): void;
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

/** Verbs to be sent to us; what is none of ours is then refused by us, with an Allow header. */
const VERBS = ['invite', 'options', 'info', 'message', 'notify', 'publish', 'refer', 'register', 'subscribe', 'update'];
const FORK_ID = /^(.*);fork=\d+$/s;
const CLOSE_LIMIT_MS = 1_000;

export class DrachtioLink {
  readonly #options: LinkOptions;
  readonly #srf: RawSrf;
  readonly #agent: RawAgent;
  readonly #wire: EngineWire;
  readonly #watched = new Map<string, DialogListeners>();
  readonly #pracks = new Map<string, (prack: Exchange) => void>();
  #connected = false;
  #closed = false;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#srf = new Srf() as unknown as RawSrf;
    // A lost connection is told by `close`; without a listener the library's `error` would end the process.
    this.#srf.on('error', () => undefined);
    this.#srf.app.stack.unshift({ method: '*', handle: this.#before });
    this.#srf.use(this.#outside);
    const { host, port, secret } = options;
    const secure = tlsOptions(options);
    this.#srf.connect({ host, port, secret, ...(secure === undefined ? {} : { tls: secure }) });
    this.#agent = this.#srf.app.client;
    this.#wire = new EngineWire(this.#agent.wp, {
      ...options,
      onDead: () => options.onFault(new Error('the SIP engine does not answer: its connection is given up')),
    });
    for (const verb of VERBS) this.#agent.route(verb);
    this.#guardWire(this.#agent.wp);
    this.#agent.on('connect', (error, addresses) => this.safely(() => this.#onConnect(error, addresses)));
    this.#agent.on('close', () => this.safely(() => this.#onClose()));
  }

  get connected(): boolean {
    return this.#connected;
  }

  invite(uri: string, content: InviteContent, handlers: InviteHandlers): LinkInvite {
    let sent: RawRequest | null = null;
    let cancelHeaders: HeaderMap | null = null;
    const cancel = () => {
      if (sent === null || cancelHeaders === null) return;
      const headers = cancelHeaders;
      const request = sent;
      this.safely(() =>
        request.cancel({ headers }, (error) => {
          if (!error) this.safely(() => handlers.cancelTaken());
        }),
      );
    };
    const progress = {
      cbRequest: (_error: unknown, request?: RawRequest) =>
        this.safely(() => {
          if (request === undefined) return;
          sent = request;
          // The library answers such an UPDATE with our offer, whatever it asks; its listener is set when this returns.
          queueMicrotask(() => {
            request.removeAllListeners('update');
            request.on('update', (update, reply) =>
              this.safely(() => handlers.updated(new Exchange(this, update, reply))),
            );
          });
          handlers.sent({ headers: lowerCaseNames(request.headers) });
          cancel();
        }),
      cbProvisional: (response: RawResponse) =>
        this.safely(() => handlers.provisional(response.status, lowerCaseNames(response.headers), response.body ?? '')),
    };
    const finished = once((error: unknown, dialog?: RawDialog) =>
      this.safely(() => {
        if (dialog === undefined) return handlers.failed(...failureOf(error));
        handlers.answered(new LinkDialog(this, dialog), lowerCaseNames(dialog.res.headers), dialog.res.body ?? '');
      }),
    );
    const { headers, body, nextHop = null } = content;
    const proxy = nextHop === null ? {} : { proxy: nextHop };
    try {
      this.#srf.createUAC(uri, { headers: { ...headers }, localSdp: body, ...proxy }, progress, finished);
    } catch (error) {
      this.#options.onFault(error);
      finished(error);
    }
    return {
      cancel: (headers) => {
        cancelHeaders = headers;
        cancel();
      },
    };
  }

  answer(
    request: RawRequest,
    reply: RawReply,
    sdp: string | undefined,
    headers: HeaderMap,
    answered: (dialog: LinkDialog) => void,
    failed: (why: string) => void,
  ): void {
    const finished = once((error: unknown, dialog?: RawDialog) =>
      this.safely(() => (dialog === undefined ? failed(messageOf(error)) : answered(new LinkDialog(this, dialog)))),
    );
    try {
      this.#srf.createUAS(
        request,
        reply,
        { ...(sdp === undefined ? {} : { localSdp: sdp }), headers: { ...headers } },
        finished,
      );
    } catch (error) {
      this.#options.onFault(error);
      finished(error);
    }
  }

  /** `done` gets the final answer, or null where none can come; a 2xx to an INVITE is acknowledged. */
  requestInside(dialog: RawDialog, sent: DialogRequest, done: (answer: DialogAnswer | null) => void): void {
    const { method, headers = {}, body, crossed } = sent;
    const finished = once((answer: DialogAnswer | null) => this.safely(() => done(answer)));
    const content = { headers: { ...headers }, ...(body === undefined ? {} : { body }) };
    try {
      this.#agent.request(
        { method, stackDialogId: dialog.id, ...content, _socket: dialog.socket },
        (error, request) => {
          if (error || request === undefined) return finished(null);
          request.on('response', ({ status, headers: answered, body: text = '' }, acknowledge) => {
            if (status < 200) return;
            if (method === 'INVITE' && status < 300) this.safely(() => acknowledge());
            finished({ status, uri: request.uri, headers: lowerCaseNames(answered), body: text });
          });
          // The library gives an UPDATE that crosses a request of ours to that request.
          request.on('update', (update, reply) => this.safely(() => crossed(new Exchange(this, update, reply))));
        },
      );
    } catch (error) {
      this.#options.onFault(error);
      finished(null);
    }
  }

  /** `done` gets the final answer, or in words why none can come. */
  request({ method, uri, nextHop, headers }: LinkRequest, done: (answer: LinkAnswer | string) => void): void {
    const finished = once((answer: LinkAnswer | string) => this.safely(() => done(answer)));
    try {
      const proxy = nextHop === null ? {} : { proxy: nextHop };
      this.#agent.request({ method, uri, headers: { ...headers }, ...proxy }, (error, request) => {
        if (error || request === undefined) return finished(messageOf(error));
        request.on('response', ({ status, reason, headers: answered, source_address: source = '' }) => {
          if (status < 200) return;
          finished({ status, reason, headers: lowerCaseNames(answered), own: source === '' });
        });
      });
    } catch (error) {
      this.#options.onFault(error);
      finished(messageOf(error));
    }
  }

  forget(dialog: RawDialog): void {
    this.unwatch(dialog.id);
    this.safely(() => {
      this.#srf.removeDialog(dialog);
      dialog.removeAllListeners();
    });
  }

  /** Until `unwatchPracks`. */
  watchPracks(dialogId: string, listener: (prack: Exchange) => void): void {
    this.#pracks.set(dialogId, listener);
  }

  unwatchPracks(dialogId: string): void {
    this.#pracks.delete(dialogId);
  }

  watch(dialogId: string, listeners: DialogListeners): void {
    this.#watched.set(dialogId, listeners);
  }

  unwatch(dialogId: string): void {
    this.#watched.delete(dialogId);
  }

  /** Runs what must not throw into the library. */
  safely(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#options.onFault(error);
    }
  }

  /** Resolves once the connection is gone; nothing is told to anybody any more. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#connected = false;
    const { mapServer } = this.#agent;
    // The library's own `disconnect` fails an assertion while the connection is being made again.
    this.#wire.close();
    await Promise.all([...mapServer.keys()].map(endSocket));
  }

  /** Ahead of the library's dialogs. */
  readonly #before: Layer = (request, reply, next) => {
    if (request.method === 'PRACK') {
      const listener = this.#pracks.get(request.stackDialogId ?? '');
      return this.safely(() => {
        if (listener === undefined) reply.send(200, { headers: {} });
        else listener(new Exchange(this, request, reply));
      });
    }
    if (request.method === 'ACK') {
      const message = { headers: lowerCaseNames(request.headers), body: request.body ?? '' };
      this.safely(() => this.#watched.get(request.stackDialogId ?? '')?.acked(message));
    }
    next();
  };

  /** Behind the library's dialogs: what belongs to none. */
  readonly #outside: Layer = (request, reply) => {
    if (request.source === 'application') {
      // The embedded engine has hung up on a second answer to an INVITE of ours (sip-engine/dialog/invite-outcomes.ts I1).
      const dialogId = FORK_ID.exec(request.stackDialogId ?? '')?.[1] ?? '';
      return this.safely(() => this.#watched.get(dialogId)?.forkAnswered());
    }
    if (request.method === 'ACK') return;
    try {
      this.#options.onRequest(new Exchange(this, request, reply));
    } catch (error) {
      this.#options.onFault(error);
      this.safely(() => reply.send(500, { headers: {} }));
    }
  };

  #guardWire(wire: RawWire): void {
    const deliver = wire.listeners('msg')[0];
    wire.removeAllListeners('msg');
    wire.on('msg', (socket, text) => {
      this.safely(() => countFrame(text, this.#options.observer));
      if (isReadable(text)) this.safely(() => deliver?.(socket, text));
      else this.#options.onFault(new Error('the SIP engine sent a message that is no SIP'));
    });
    wire.on('connect', (socket) => {
      const [receive] = socket.listeners('data');
      socket.removeAllListeners('data');
      socket.on('data', (chunk) => {
        try {
          receive?.(chunk);
        } catch (error) {
          // The stream of frames is out of step: only a new connection helps.
          this.#options.onFault(error);
          socket.destroy();
        }
      });
    });
  }

  #onConnect(error: Error | null, addresses?: string): void {
    if (this.#closed) return;
    if (error !== null) return this.#options.onRefused();
    this.#connected = true;
    this.#options.onConnected((addresses ?? '').split(',').filter((address) => address !== ''));
  }

  #onClose(): void {
    if (!this.#connected) return;
    this.#connected = false;
    this.#watched.clear();
    this.#pracks.clear();
    this.#options.onLost();
  }
}

/** The library throws strings, errors, and errors with the SIP response that caused them. */
function failureOf(error: unknown): [number | null, string, HeaderMap] {
  const { status, res } = (typeof error === 'object' && error !== null ? error : {}) as {
    status?: unknown;
    res?: RawResponse;
  };
  if (typeof status !== 'number') return [null, messageOf(error), {}];
  return [status, res?.reason ?? messageOf(error), lowerCaseNames(res?.headers ?? {})];
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function once<Args extends unknown[]>(act: (...args: Args) => void): (...args: Args) => void {
  let done = false;
  return (...args) => {
    if (done) return;
    done = true;
    act(...args);
  };
}

async function endSocket(socket: Socket): Promise<void> {
  if (socket.destroyed) return;
  await new Promise<void>((resolve) => {
    const limit = setTimeout(() => socket.destroy(), CLOSE_LIMIT_MS);
    socket.once('close', () => {
      clearTimeout(limit);
      resolve();
    });
    socket.end();
  });
}
