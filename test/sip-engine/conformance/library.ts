import type { EventEmitter } from 'node:events';
import Srf from 'drachtio-srf';
import { atEnd, SECRET, settle, type Target } from './target.ts';

// The parts of drachtio-srf the suite uses, with the types it really has (its own declarations miss some).

export interface LibraryRequest extends EventEmitter {
  readonly method: string;
  readonly body: string;
  get(name: string): string;
  has(name: string): boolean;
  cancel(options?: { headers: Record<string, string> }): void;
}

export interface LibraryResponse {
  readonly status: number;
  get(name: string): string;
  send(status: number, options?: object, callback?: (error: unknown, sent: unknown) => void, prack?: () => void): void;
}

export interface LibraryDialog extends EventEmitter {
  readonly id: string;
  readonly sip: { readonly callId: string; readonly localTag: string; readonly remoteTag: string };
  readonly local: { readonly sdp: string };
  readonly remote: { readonly sdp: string; readonly uri: string };
  destroy(options?: object): Promise<unknown>;
  modify(sdp: string | object, options?: object): Promise<string>;
  request(options: { method: string; headers?: Record<string, string>; body?: string }): Promise<LibraryResponse>;
}

export interface LibraryError extends Error {
  readonly status?: number;
  readonly code?: string;
}

export interface Library extends EventEmitter {
  invite(handler: (request: LibraryRequest, response: LibraryResponse) => void): void;
  options(handler: (request: LibraryRequest, response: LibraryResponse) => void): void;
  createUAS(request: LibraryRequest, response: LibraryResponse, options: object): Promise<LibraryDialog>;
  createUAC(
    uri: string,
    options: object,
    progress?: {
      cbRequest?: (error: unknown, request: LibraryRequest) => void;
      cbProvisional?: (response: LibraryResponse) => void;
    },
  ): Promise<LibraryDialog>;
  createB2BUA(
    request: LibraryRequest,
    response: LibraryResponse,
    uri: string,
    options: object,
  ): Promise<{ uas: LibraryDialog; uac: LibraryDialog }>;
  request(uri: string, options: object): Promise<LibraryRequest>;
  connect(options: object): void;
  disconnect(): void;
}

/** The unmodified library, connected; its routes are registered when this resolves. */
export async function library(target: Target, prepare: (srf: Library) => void = () => undefined): Promise<Library> {
  const srf = new Srf() as unknown as Library;
  prepare(srf);
  srf.on('error', () => undefined);
  const connected = new Promise<void>((resolve, reject) =>
    srf.once('connect', (error: Error | null) => (error === null ? resolve() : reject(error))),
  );
  srf.connect({ host: '127.0.0.1', port: target.wirePort, secret: SECRET });
  await connected;
  atEnd(() => srf.disconnect());
  await settle();
  return srf;
}

/** Resolves with the first arguments of an event. */
export function once<T>(emitter: EventEmitter, event: string): Promise<T> {
  return new Promise((resolve) => emitter.once(event, (...values: unknown[]) => resolve(values[0] as T)));
}
