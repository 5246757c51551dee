// Every touch of the drachtio-srf library (5.0.29), behind types that mean what they say. Here: the connection and what comes by it; what hangs on it
// has files of its own (link-*.ts, dialog-watch.ts).
//
// What the library does that callers must not see:
//   - it throws inside its socket handlers: on a bad frame, on headers its lenient parser misreads -> wire-guard.ts;
//   - it reconnects by itself, without TLS, and nothing it made before the loss works any more -> engine-wire.ts, `onLost`;
//   - in-dialog ACKs are told one turn late, so that a BYE in the same read overtakes them -> dialog-watch.ts;
//   - a PRACK after the 200 is answered 501 by its dialog -> dialog-watch.ts;
//   - its waiting callbacks can be called twice, or throw into its own code -> guard.ts;
//   - `modify()` blocks for ever after one refusal and its digest knows MD5 only -> neither is used;
//   - listeners must be installed in the turn in which a dialog appears -> dialogs are handed over synchronously.

import type { Socket } from 'node:net';
import Srf from 'drachtio-srf';
import { DialogWatch } from './dialog-watch.ts';
import type { Layer, RawAgent, RawDialog, RawReply, RawRequest, RawSrf } from './drachtio-shapes.ts';
import { EngineWire, type EngineWireOptions, tlsOptions } from './engine-wire.ts';
import type { SignallingObserver } from './frames.ts';
import { Guard, messageOf } from './guard.ts';
import { Exchange, LinkDialog } from './link-handles.ts';
import { type InviteContent, type InviteHandlers, LinkInvite } from './link-invite.ts';
import {
  type DialogAnswer,
  type DialogRequest,
  type LinkAnswer,
  type LinkRequest,
  LinkRequests,
} from './link-requests.ts';
import type { HeaderMap } from './sip-text.ts';
import { guardWire } from './wire-guard.ts';

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

/** Verbs to be sent to us; what is none of ours is then refused by us, with an Allow header. */
const VERBS = ['invite', 'options', 'info', 'message', 'notify', 'publish', 'refer', 'register', 'subscribe', 'update'];
const CLOSE_LIMIT_MS = 1_000;

export class DrachtioLink {
  readonly dialogs = new DialogWatch(this);

  readonly #options: LinkOptions;
  readonly #srf: RawSrf;
  readonly #agent: RawAgent;
  readonly #wire: EngineWire;
  readonly #guard: Guard;
  readonly #requests: LinkRequests;
  #connected = false;
  #closed = false;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#guard = new Guard(options.onFault);
    this.#srf = new Srf() as unknown as RawSrf;
    // A lost connection is told by `close`; without a listener the library's `error` would end the process.
    this.#srf.on('error', () => undefined);
    this.#srf.app.stack.unshift({ method: '*', handle: this.dialogs.before });
    this.#srf.use(this.#outside);
    const { host, port, secret } = options;
    const secure = tlsOptions(options);
    this.#srf.connect({ host, port, secret, ...(secure === undefined ? {} : { tls: secure }) });
    this.#agent = this.#srf.app.client;
    this.#requests = new LinkRequests(this.#agent, this.#guard, (request, reply) => new Exchange(this, request, reply));
    this.#wire = new EngineWire(this.#agent.wp, {
      ...options,
      onDead: () => options.onFault(new Error('the SIP engine does not answer: its connection is given up')),
    });
    for (const verb of VERBS) this.#agent.route(verb);
    guardWire(this.#agent.wp, this.#guard, options.observer);
    this.#agent.on('connect', (error, addresses) => this.safely(() => this.#onConnect(error, addresses)));
    this.#agent.on('close', () => this.safely(() => this.#onClose()));
  }

  get connected(): boolean {
    return this.#connected;
  }

  invite(uri: string, content: InviteContent, handlers: InviteHandlers): LinkInvite {
    return new LinkInvite(this, this.#guard, handlers).send(this.#srf, uri, content);
  }

  answer(
    request: RawRequest,
    reply: RawReply,
    sdp: string | undefined,
    headers: HeaderMap,
    answered: (dialog: LinkDialog) => void,
    failed: (why: string) => void,
  ): void {
    const finished = this.#guard.once((error: unknown, dialog?: RawDialog) =>
      dialog === undefined ? failed(messageOf(error)) : answered(new LinkDialog(this, dialog)),
    );
    const options = { ...(sdp === undefined ? {} : { localSdp: sdp }), headers: { ...headers } };
    this.#guard.attempt(() => this.#srf.createUAS(request, reply, options, finished), finished);
  }

  /** `done` gets the final answer, or null where none can come; a 2xx to an INVITE is acknowledged. */
  requestInside(dialog: RawDialog, sent: DialogRequest, done: (answer: DialogAnswer | null) => void): void {
    this.#requests.inside(dialog, sent, done);
  }

  /** `done` gets the final answer, or in words why none can come. */
  request(request: LinkRequest, done: (answer: LinkAnswer | string) => void): void {
    this.#requests.outside(request, done);
  }

  forget(dialog: RawDialog): void {
    this.dialogs.unwatch(dialog.id);
    this.safely(() => {
      this.#srf.removeDialog(dialog);
      dialog.removeAllListeners();
    });
  }

  /** Runs what must not throw into the library. */
  safely(act: () => void): void {
    this.#guard.safely(act);
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

  /** Behind the library's dialogs: what belongs to none. */
  readonly #outside: Layer = (request, reply) => {
    if (request.source === 'application') return this.dialogs.forked(request);
    if (request.method === 'ACK') return;
    this.#guard.attempt(
      () => this.#options.onRequest(new Exchange(this, request, reply)),
      () => this.safely(() => reply.send(500, { headers: {} })),
    );
  };

  #onConnect(error: Error | null, addresses?: string): void {
    if (this.#closed) return;
    if (error !== null) return this.#options.onRefused();
    this.#connected = true;
    this.#options.onConnected((addresses ?? '').split(',').filter((address) => address !== ''));
  }

  #onClose(): void {
    if (!this.#connected) return;
    this.#connected = false;
    this.dialogs.clear();
    this.#options.onLost();
  }
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
