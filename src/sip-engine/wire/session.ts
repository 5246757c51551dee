// One application connected over the wire protocol: authentication, routes, requests, replies, and everything the core has to
// tell it.
//
// Invariants
//   W1. Nothing but `authenticate` is served before authentication.
//   W2. Each frame is one write of its own, in the order in which things happened.
//   W3. An application that does not read is cut off before it costs memory without bound.
import { timingSafeEqual } from 'node:crypto';
import type { Socket } from 'node:net';
import type { Application, Outcome, Peer, Refusal } from '../dialog/application.ts';
import type { ProxyOrder, ProxyReply } from '../dialog/proxied-request.ts';
import type { SipMessage, SipRequest, SipResponse } from '../message/message.ts';
import { serialise } from '../message/serialise.ts';
import { SipSerialiseError } from '../message/errors.ts';
import { type ClientFrame, parseClientFrame, parseClientMessage } from './client-message.ts';
import {
  callRecord,
  type FrameIds,
  inContext,
  type Meta,
  newRequest,
  okReply,
  proxyProgress,
  refusal,
  requestEcho,
  responseEcho,
} from './frames.ts';
import { encodeFrame, FrameReader } from './framing.ts';
import { parseProxyOrder } from './proxy-order.ts';

/** Bytes an application may leave unread: some 10 000 messages. */
const UNREAD_BYTES_MAX = 16 * 1024 * 1024;
/** Version answered to `authenticate`: the reference server this behaves like. */
const PROTOCOL_VERSION = 'v0.9.10';
const VERB = /^(?:cdr:)?[a-z0-9.!%*_+`'~-]{1,32}$/;
/** Verbs one application may ask for; there are fewer than 20 SIP methods. */
const VERBS_MAX = 64;

export interface SessionPorts {
  readonly ids: FrameIds;
  readonly secret: string;
  readonly hostPorts: { readonly external: string; readonly local: string };
  readonly core: SessionCore;
  /** Our own mistakes: one request fails, the others go on. */
  readonly onFault: (error: unknown) => void;
  readonly closed: (session: WireSession) => void;
}

/** The part of the core an application may ask. */
export interface SessionCore {
  requestOutside(application: Application, request: SipRequest, nextHop: string | undefined): Outcome;
  requestInside(application: Application, dialogId: string, request: SipRequest): Outcome;
  cancel(txnId: string, request: SipRequest): Outcome;
  respond(txnId: string, response: SipResponse): Outcome;
  proxy(order: ProxyOrder, message: SipRequest, reply: ProxyReply): { readonly ok: true } | Refusal;
}

export class WireSession implements Application {
  readonly verbs = new Set<string>();
  readonly #ports: SessionPorts;
  readonly #socket: Socket;
  readonly #reader: FrameReader;
  #authenticated = false;
  #open = true;

  constructor(socket: Socket, ports: SessionPorts) {
    this.#socket = socket;
    this.#ports = ports;
    this.#reader = new FrameReader(
      (payload) => this.#guarded(parseClientFrame(payload)),
      () => this.close(),
    );
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 30_000);
    socket.on('data', (chunk: Buffer) => this.#reader.push(chunk));
    socket.on('error', () => this.close());
    socket.on('close', () => this.close());
  }

  get open(): boolean {
    return this.#open;
  }

  newRequest(txnId: string, request: SipRequest, peer: Peer, local: { host: string; port: number }): void {
    const sip = serialise(request);
    this.#write(newRequest(this.#ports.ids, metaOf('network', peer, sip.length), txnId, local), sip);
  }

  requestInContext(txnId: string, dialogId: string, request: SipRequest, peer: Peer): void {
    const sip = serialise(request);
    this.#write(inContext(this.#ports.ids, metaOf('network', peer, sip.length), txnId, dialogId), sip);
  }

  response(txnId: string, dialogId: string, response: SipResponse, peer: Peer | undefined): void {
    const sip = serialise(response);
    const meta = peer === undefined ? OWN : metaOf('network', peer, sip.length);
    this.#write(inContext(this.#ports.ids, meta, txnId, dialogId), sip);
  }

  unsolicited(dialogId: string, bye: Buffer, peer: Peer): void {
    const meta = metaOf('application', peer, bye.length);
    this.#write(inContext(this.#ports.ids, meta, 'unsolicited', dialogId), bye);
  }

  callRecord(event: string, source: Meta['source'], detail: string | undefined, message: SipMessage): void {
    this.#write(callRecord(this.#ports.ids, event, source, detail), serialise(message));
  }

  /** The one way a session ends; idempotent. What was written before still goes out. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#reader.stop();
    this.#socket.destroySoon();
    this.#ports.closed(this);
  }

  /** Text that cannot become a SIP message is the application's mistake, and costs only that request. */
  #guarded(frame: ClientFrame): void {
    try {
      this.#receive(frame);
    } catch (error) {
      if (!(error instanceof SipSerialiseError)) this.#ports.onFault(error);
      this.#write(refusal(this.#ports.ids, frame.id, 'NOK', 'Error creating leg'));
    }
  }

  #receive(frame: ClientFrame): void {
    if (!this.#open) return;
    if (frame.type === 'authenticate') {
      this.#authenticate(frame);
      return;
    }
    if (!this.#authenticated) {
      this.#refuseAndClose(frame, 'not authenticated');
      return;
    }
    switch (frame.type) {
      case 'ping':
        this.#write(okReply(this.#ports.ids, frame.id, 'pong'));
        return;
      case 'route':
      case 'remove_route':
        this.#route(frame);
        return;
      case 'sip':
        this.#sip(frame);
        return;
      case 'proxy':
        this.#proxy(frame);
        return;
      default:
        this.#refuseAndClose(frame, 'Unknown message type');
        return;
    }
  }

  #authenticate(frame: ClientFrame): void {
    if (!sameSecret(frame.tokens[0] ?? '', this.#ports.secret)) {
      this.#refuseAndClose(frame, 'incorrect secret');
      return;
    }
    this.#authenticated = true;
    const { external, local } = this.#ports.hostPorts;
    this.#write(okReply(this.#ports.ids, frame.id, external, PROTOCOL_VERSION, local));
  }

  #route(frame: ClientFrame): void {
    const verb = (frame.tokens[0] ?? '').toLowerCase();
    if (frame.type === 'remove_route') this.verbs.delete(verb);
    else if (VERB.test(verb) && this.verbs.size < VERBS_MAX) this.verbs.add(verb);
    this.#write(okReply(this.#ports.ids, frame.id));
  }

  /** Classified by start line and tokens in the order of wire protocol 2.2. */
  #sip(frame: ClientFrame): void {
    const { core, ids } = this.#ports;
    const [txnId = '', dialogId = '', nextHop] = frame.tokens;
    const parsed = parseClientMessage(frame.sip ?? Buffer.alloc(0));
    if (!parsed.ok) {
      this.#write(refusal(ids, frame.id, 'NOK', parsed.reason));
      return;
    }
    const { message } = parsed;
    if (message.kind === 'response') {
      if (txnId === '') {
        this.#refuseAndClose(frame, 'transaction id missing');
        return;
      }
      this.#reply(frame, core.respond(txnId, message), 'response');
      return;
    }
    if (dialogId !== '') {
      this.#reply(frame, core.requestInside(this, dialogId, message), 'request');
      return;
    }
    if (txnId === '') {
      this.#reply(frame, core.requestOutside(this, message, nextHop || undefined), 'request');
      return;
    }
    if (message.method === 'CANCEL') {
      this.#reply(frame, core.cancel(txnId, message), 'request');
      return;
    }
    this.#write(refusal(ids, frame.id, 'NOK', 'transaction id is for CANCEL only'));
  }

  /** One reply per final response of a target, and `done` (2.8). */
  #proxy(frame: ClientFrame): void {
    const { core, ids } = this.#ports;
    const order = parseProxyOrder(frame.tokens);
    const parsed = parseClientMessage(frame.sip ?? Buffer.alloc(0));
    const refuse = (reason: string): void => this.#write(refusal(ids, frame.id, 'NOK', reason));
    if (typeof order === 'string') return refuse(order);
    if (!parsed.ok || parsed.message.kind === 'response') return refuse('Invalid proxy request: no request');
    const outcome = core.proxy(order, parsed.message, {
      final: (response, peer) => {
        const sip = serialise(response);
        this.#write(proxyProgress(ids, frame.id, metaOf('network', peer, sip.length)), sip);
      },
      done: () => this.#write(okReply(ids, frame.id, 'done')),
    });
    if (!outcome.ok) refuse(outcome.reason);
  }

  #reply(frame: ClientFrame, outcome: Outcome, kind: 'request' | 'response'): void {
    const { ids } = this.#ports;
    if (!outcome.ok) {
      this.#write(refusal(ids, frame.id, 'NOK', outcome.reason));
      return;
    }
    const meta = metaOf('application', outcome.peer, outcome.bytes.length);
    const line =
      kind === 'request'
        ? requestEcho(ids, frame.id, meta, outcome.txnId)
        : responseEcho(ids, frame.id, meta, outcome.txnId, outcome.dialogId);
    this.#write(line, outcome.bytes);
  }

  #refuseAndClose(frame: ClientFrame, reason: string): void {
    this.#write(refusal(this.#ports.ids, frame.id, 'NO', reason));
    this.close();
  }

  #write(metaLine: string, sip?: Buffer): void {
    if (!this.#open) return;
    this.#socket.write(encodeFrame(metaLine, sip));
    if (this.#socket.writableLength > UNREAD_BYTES_MAX) this.#socket.destroy();
  }
}

/** Meta of a message the engine made in place of a peer. */
const OWN: Meta = { source: 'network', bytes: 0, protocol: 'udp', address: '', port: 0 };

function metaOf(source: Meta['source'], peer: Peer, bytes: number): Meta {
  return { source, bytes, protocol: peer.protocol, address: peer.address, port: peer.port };
}

function sameSecret(given: string, expected: string): boolean {
  const a = Buffer.from(given);
  const b = Buffer.from(expected);
  return a.length === b.length && timingSafeEqual(a, b);
}
