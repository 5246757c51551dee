// What this room uses of the library's objects. The library's own type file describes neither its agent nor its raw messages.

import type { Socket } from 'node:net';
import type { HeaderMap } from './sip-text.ts';

export interface RawMessage {
  readonly headers: Record<string, string>;
  readonly body?: string;
}

export interface RawRequest extends RawMessage {
  readonly method: string;
  readonly uri: string;
  readonly raw?: string;
  readonly source: 'network' | 'application';
  readonly source_address?: string;
  readonly source_port?: number;
  readonly protocol?: string;
  readonly stackDialogId?: string;
  on(event: 'cancel', listener: (cancel?: RawMessage) => void): void;
  /** `acknowledge` sends the ACK of a 2xx to an INVITE, the PRACK of a reliable provisional response. */
  on(
    event: 'response',
    listener: (response: RawResponse, acknowledge: (content?: { body?: string }) => void) => void,
  ): void;
  on(event: 'update', listener: (request: RawRequest, response: RawReply) => void): void;
  cancel(options: { headers: HeaderMap }, callback: (error: unknown) => void): void;
  removeAllListeners(event: 'update'): void;
}

export interface RawResponse extends RawMessage {
  readonly status: number;
  readonly reason: string;
  /** Empty where the engine made the response itself. */
  readonly source_address?: string;
}

export interface RawReply {
  send(status: number, options: { headers: HeaderMap; body?: string }): void;
}

export interface RawDialog {
  readonly id: string;
  readonly socket: Socket;
  readonly res: RawResponse;
  readonly local: { readonly contact?: string };
  /** Where its requests go at first: the other side's Contact. */
  readonly remote: { readonly uri?: string };
  readonly sip: { readonly callId?: string; readonly localTag?: string; readonly remoteTag?: string };
  on(event: 'destroy', listener: (request: RawRequest) => void): void;
  on(event: string, listener: (request: RawRequest, response: RawReply) => void): void;
  removeAllListeners(): void;
}

/** A request inside a dialog, or one of its own. */
export type RawSent = { method: string; headers: HeaderMap; body?: string } & (
  | { stackDialogId: string; _socket: Socket }
  | { uri: string; proxy?: string }
);

export interface RawWire {
  closing?: boolean;
  /** Called by the library when a socket has failed or ended; replaced by engine-wire.ts. */
  _onConnectionGone: () => void;
  installListeners(socket: Socket): void;
  send(socket: Socket, text: string): void;
  listeners(event: 'msg'): ((socket: Socket, text: string) => void)[];
  removeAllListeners(event: 'msg'): void;
  on(event: 'msg', listener: (socket: Socket, text: string) => void): void;
  on(event: 'connect', listener: (socket: Socket) => void): void;
}

export interface RawAgent {
  readonly wp: RawWire;
  readonly mapServer: ReadonlyMap<Socket, unknown>;
  route(verb: string): void;
  request(options: RawSent, callback: (error: unknown, request?: RawRequest) => void): void;
  on(event: 'close', listener: () => void): void;
  on(event: 'connect', listener: (error: Error | null, addresses?: string) => void): void;
}

export type Layer = (request: RawRequest, response: RawReply, next: () => void) => void;
export type RawCallback = (error: unknown, dialog?: RawDialog) => void;

export interface RawSrf {
  readonly app: { readonly stack: { method: string; handle: Layer }[]; readonly client: RawAgent };
  use(layer: Layer): void;
  on(event: 'error', listener: () => void): void;
  connect(options: object): void;
  createUAS(request: RawRequest, response: RawReply, options: object, callback: RawCallback): void;
  createUAC(uri: string, options: object, progress: object, callback: RawCallback): void;
  removeDialog(dialog: RawDialog): void;
}
